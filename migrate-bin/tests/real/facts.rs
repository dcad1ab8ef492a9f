//! The facts of a statement are those that a server shows: its locks, what it rewrites and what it reads in full.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use migrate_core::catalog::{Catalog, External, Place};
use migrate_core::command::{Action, Command, ConstraintKind, LockMode, TableChange, read};
use migrate_core::effect::{Effect, Evidence, Majors, Runs, statement};
use migrate_core::migration::{Body, Direction, Migration, Mode, Version};
use migrate_core::parse::{parse, read_folder};
use migrate_scratch::Server;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::corpus::{Set, prepare};
use crate::stage::{Database, shared, workspace};

/// Differences that stay, each with its reason: set, start of the difference, reason.
const REMAINING: [(&str, &str, &str); 0] = [];

/// What a statement did to relations that were there before it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    locks: BTreeMap<String, &'static str>,
    rewrites: BTreeSet<String>,
    scans: BTreeSet<String>,
    /// Relations that were dropped, or dropped and made again under their name.
    gone: BTreeSet<String>,
}

/// A relation of the user as the server has it.
struct Seen {
    name: String,
    is_index: bool,
    storage: String,
    scans: i64,
}

/// A session that looks at what its statements do.
struct Tracer {
    client: Client,
}

impl Tracer {
    async fn connect(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let tracer = Self { client };
        // In UTC a change between the two kinds of timestamp would need no rewrite.
        tracer.run("SET TimeZone = 'Europe/Berlin'").await.expect("a setting");
        tracer
    }

    async fn run(&self, sql: &str) -> Result<(), String> {
        let ended = self.client.batch_execute(sql).await;
        ended.map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
    }

    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let messages = self.client.simple_query(sql).await.expect("rows");
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect())
            }
            _ => None,
        });
        rows.collect()
    }

    async fn relations(&self) -> BTreeMap<String, Seen> {
        let rows = self
            .rows(
                "SELECT c.oid, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname, relkind IN ('i', 'I'), \
                 relfilenode, (SELECT seq_scan FROM pg_catalog.pg_stat_xact_all_tables s WHERE s.relid = c.oid) \
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace \
                 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
            )
            .await;
        let seen = rows.into_iter().map(|row| {
            let [oid, name, is_index, storage, scans] = <[String; 5]>::try_from(row).expect("five columns");
            (oid, Seen { name, is_index: is_index == "t", storage, scans: scans.parse().unwrap_or_default() })
        });
        seen.collect()
    }

    async fn locks(&self) -> Vec<(String, LockMode)> {
        let rows = self
            .rows("SELECT relation, mode FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND granted AND relation IS NOT NULL")
            .await;
        let lock = |row: Vec<String>| {
            let mode = LockMode::ALL.into_iter().find(|mode| mode.pg_locks() == row[1])?;
            Some((row[0].clone(), mode))
        };
        rows.into_iter().filter_map(lock).collect()
    }

    /// Runs a statement in a transaction of its own, and says what it did.
    async fn trace(&self, sql: &str) -> Result<Facts, String> {
        self.run("BEGIN").await?;
        let before = self.relations().await;
        if let Err(error) = self.run(sql).await {
            self.run("ROLLBACK").await?;
            return Err(error);
        }
        let (locks, after) = (self.locks().await, self.relations().await);
        self.run("COMMIT").await?;
        let mut facts = Facts::default();
        let mut strongest: BTreeMap<String, LockMode> = BTreeMap::new();
        for (oid, mode) in locks {
            // Indexes are locked weakly by whoever plans or runs a query on their table.
            let Some(seen) = before.get(&oid).filter(|seen| !seen.is_index || mode >= LockMode::ShareUpdateExclusive)
            else {
                continue;
            };
            let known = strongest.entry(seen.name.clone()).or_insert(mode);
            *known = mode.max(*known);
        }
        facts.locks = strongest.into_iter().map(|(name, mode)| (name, mode.pg_locks())).collect();
        for (oid, seen) in &before {
            let now = after.get(oid);
            if now.is_some_and(|now| now.scans > seen.scans) {
                facts.scans.insert(seen.name.clone());
            }
            match now {
                Some(now) if now.storage != seen.storage => facts.rewrites.insert(seen.name.clone()),
                Some(_) => false,
                None => facts.gone.insert(seen.name.clone()),
            };
        }
        Ok(facts)
    }
}

fn facts(effect: &Effect) -> Facts {
    Facts {
        locks: effect.locks.iter().map(|lock| (lock.relation.clone(), lock.mode.pg_locks())).collect(),
        rewrites: effect.rewrites.iter().map(|touched| touched.relation.clone()).collect(),
        scans: effect.scans.iter().map(|touched| touched.relation.clone()).collect(),
        gone: BTreeSet::new(),
    }
}

/// What is known before it runs, beside what was seen, and how many facts were compared.
#[derive(Default)]
struct Outcome {
    statements: usize,
    compared: usize,
    differences: Vec<String>,
}

/// Runs a folder statement by statement and compares.
async fn follow(tracer: &Tracer, catalog: &mut Catalog, folder: &Path, outcome: &mut Outcome) {
    let parsed = parse(read_folder(folder, "migrations"));
    for migration in parsed.set.migrations.iter() {
        follow_migration(tracer, catalog, migration, outcome).await;
        tracer.run("RESET ALL; SET TimeZone = 'Europe/Berlin'").await.expect("a setting");
    }
}

async fn follow_migration(tracer: &Tracer, catalog: &mut Catalog, migration: &Migration, outcome: &mut Outcome) {
    let Body::Split { up, .. } = &migration.body else { panic!("{}: variables", migration.file) };
    for (at, known) in up.iter().enumerate() {
        let (sql, commands) = (known.sql(&migration.text), read(known.sql(&migration.text)));
        let place = Place {
            version: migration.version,
            line: known.line(),
            direction: Direction::Up,
            statement: u32::try_from(at).expect("few statements"),
        };
        let here = format!("{}:{}", migration.file, place.line);
        let before = catalog.clone();
        let effect = statement(&commands, catalog, |_| place, Majors { min: 15, max: 15 });
        outcome.statements += 1;
        if effect.runs == Runs::OutsideTransaction || commands.iter().any(|it| is_control(it) || runs_code(it, &before))
        {
            // Its locks come and go in transactions of its own, or what it does is known when it runs.
            let _ = tracer.run(sql).await;
            continue;
        }
        let sql = if commands.iter().any(is_local) { sql.replacen("LOCAL ", "", 1) } else { sql.to_owned() };
        let seen = match tracer.trace(&sql).await {
            Ok(seen) => seen,
            // Such as a CALL that commits.
            Err(_) if migration.mode == Mode::NoTransaction => {
                tracer.run(&sql).await.unwrap_or_else(|error| panic!("{here}: {error}: {sql}"));
                continue;
            }
            Err(error) => panic!("{here}: {error}: {sql}"),
        };
        outcome.compared += 1;
        compare(&Case { here, effect, commands, before }, &seen, outcome);
    }
    catalog.end_of_transaction();
}

fn is_control(command: &Command) -> bool {
    matches!(command.action, Action::Transaction(_))
}

/// `SET LOCAL` would end with the transaction of its own.
fn is_local(command: &Command) -> bool {
    matches!(&command.action, Action::Setting(setting) if setting.local)
}

/// A statement, what is told of it, and the schema before it.
struct Case {
    here: String,
    effect: Effect,
    commands: Vec<Command>,
    before: Catalog,
}

impl Case {
    /// Whether a relation may be there that the catalog does not know: something hid it.
    fn is_hidden(&self, name: &str) -> bool {
        self.before.clouded.is_some() && !self.before.relations.keys().any(|known| known.to_string() == name)
    }

    /// What is only assumed may be less than was told.
    fn is_assumed(&self, name: &str) -> bool {
        self.effect.locks.iter().any(|lock| lock.relation == name && lock.evidence == Evidence::Assumed)
    }

    fn any(&self, is: impl Fn(&Command) -> bool) -> bool {
        self.commands.iter().any(is)
    }
}

fn compare(case: &Case, traced: &Facts, outcome: &mut Outcome) {
    let told = facts(&case.effect);
    let mut differ = |what: &str, told: String, traced: String| {
        let here = &case.here;
        outcome.differences.push(format!("{here}: {} {what}: {told}, the server shows {traced}", case.effect.verb));
    };
    let names: BTreeSet<&String> = told.locks.keys().chain(traced.locks.keys()).collect();
    for name in names.into_iter().filter(|name| !case.is_hidden(name) && !case.is_assumed(name)) {
        let (told, traced) = (told.locks.get(name), traced.locks.get(name));
        if told != traced && !may_differ(case, (told, traced)) {
            differ(&format!("lock on {name}"), format!("{told:?}"), format!("{traced:?}"));
        }
    }
    let counts = |name: &&String| !traced.gone.contains(*name) && !case.is_hidden(name);
    let (one, other): (Vec<_>, Vec<_>) =
        (told.rewrites.iter().filter(counts).collect(), traced.rewrites.iter().filter(counts).collect());
    if one != other {
        differ("rewrites", format!("{one:?}"), format!("{other:?}"));
    }
    let counts = |name: &&String| counts(name) && !may_be_skipped(case, name, &told);
    let (one, other): (Vec<_>, Vec<_>) =
        (told.scans.iter().filter(counts).collect(), traced.scans.iter().filter(counts).collect());
    if one != other && !case.any(is_planned) {
        differ("scans", format!("{one:?}"), format!("{other:?}"));
    }
}

/// The check of a foreign key is a query: where the referencing table is empty, or an index serves, the referenced one is
/// not read. The indexes of a table that was emptied are built over nothing.
fn may_be_skipped(case: &Case, name: &str, told: &Facts) -> bool {
    let referenced = case.any(|command| match &command.action {
        Action::AlterTable(alter) => {
            let checks = |change: &TableChange| match change {
                TableChange::AddConstraint(constraint) => matches!(constraint.kind, ConstraintKind::ForeignKey { .. }),
                TableChange::ValidateConstraint(_) => true,
                _ => false,
            };
            alter.name.name != name && alter.changes.iter().any(|(_, change)| checks(change))
        }
        _ => false,
    });
    let emptied = case.any(|command| matches!(command.action, Action::Truncate { .. }));
    (referenced && told.scans.contains(name)) || emptied
}

/// Locks of a query's strength come from what the planner opens, from triggers that run or do not, and from the bodies
/// of functions that are checked.
fn may_differ(case: &Case, (told, traced): (Option<&&'static str>, Option<&&'static str>)) -> bool {
    let weak = |mode: Option<&&'static str>| {
        mode.is_none_or(|mode| ["AccessShareLock", "RowShareLock", "RowExclusiveLock"].contains(mode))
    };
    weak(told) && weak(traced) && case.any(|it| is_planned(it) || matches!(it.action, Action::CreateFunction(_)))
}

/// Whether the planner decides what is read in full.
fn is_planned(command: &Command) -> bool {
    matches!(
        command.action,
        Action::Write(_)
            | Action::Select(_)
            | Action::CreateTableAs { .. }
            | Action::CreateView(_)
            | Action::Refresh { .. }
    )
}

/// Whether what happens is in code that is not followed.
fn runs_code(command: &Command, before: &Catalog) -> bool {
    match &command.action {
        Action::Do { .. } | Action::Call { .. } => true,
        Action::Select(query) => query.calls.iter().any(|call| before.function(call).known().is_some()),
        _ => false,
    }
}

fn trace(database: &Database, preparation: &str, folders: &[&Path]) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let tracer = Tracer::connect(&database.url).await;
        let mut catalog = Catalog::new(External::default());
        let place = Place { version: Version::ZERO, line: 1, direction: Direction::Up, statement: 0 };
        for command in &read(preparation) {
            catalog.apply(command, place);
        }
        let mut outcome = Outcome::default();
        for folder in folders {
            follow(&tracer, &mut catalog, folder, &mut outcome).await;
        }
        outcome
    })
}

#[test]
fn the_facts_of_our_own_migrations_are_those_that_a_server_shows() {
    let database = Database::create();
    let outcome = trace(&database, "", &[&workspace().join("migrations")]);
    assert!(outcome.compared > 100, "{} statements were compared", outcome.compared);
    assert!(outcome.differences.is_empty(), "{}", outcome.differences.join("\n"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the table is no migration source")]
fn the_facts_of_every_public_set_are_those_that_a_server_shows() {
    let Some(root) = shared("the_facts_of_every_public_set_are_those_that_a_server_shows", "corpus") else { return };
    let root = root.canonicalize().expect("the corpus");
    let table = std::fs::read_to_string(root.join("APPLICABLE.tsv")).expect("the table");
    let sets = table.lines().skip(1).map(|line| Set::read(&root, line));
    let long = std::env::var_os("MIGRATE_LONG").is_some();
    // The large ones take minutes.
    let sets = sets.filter(|set| long || set.files <= 40);
    let mut differing = Vec::new();
    // Roles, which some sets make, belong to the whole server.
    let server = Server::newest().expect("a server of its own");
    for set in sets.filter(|set| matches!(set.up_status.as_str(), "clean" | "needs-prep")) {
        let database = Database::create_on(&server);
        prepare_alone(&set, &database);
        let folders: Vec<&Path> = set.on_top_of.iter().chain([&set.dir]).map(AsRef::as_ref).collect();
        let outcome = trace(&database, &set.preparation, &folders);
        println!(
            "{:>5} statements, {:>5} compared, {:>3} differ  {}",
            outcome.statements,
            outcome.compared,
            outcome.differences.len(),
            set.name
        );
        let remains = |difference: &String| {
            REMAINING.iter().any(|(name, start, _)| *name == set.name && difference.starts_with(start))
        };
        let kept = outcome.differences.into_iter().filter(|difference| !remains(difference));
        differing.extend(kept.map(|difference| format!("{}: {difference}", set.name)));
    }
    assert!(differing.is_empty(), "{} differ\n{}", differing.len(), differing.join("\n"));
}

/// The preparation without the folder below, which is traced as well.
fn prepare_alone(set: &Set, database: &Database) {
    let mut alone = set.clone();
    alone.on_top_of = None;
    prepare(&alone, database).expect("the preparation");
}
