//! Other projects' migrations on a real server: up from empty, down as far as they go, and up again, exactly as
//! `APPLICABLE.tsv` records it of goose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use migrate_scratch::{Server, installations};

use crate::stage::{Database, Ended, migrate, server, shared, sql};

/// Sets that are no schema of their own: their project applies them on top of another of its folders.
const ON_TOP_OF: [(&str, &str); 2] = [
    ("Mic92__niks3/server/pg/functions", "server/pg/migrations"),
    ("theopenlane__core/db/seed", "db/migrations-goose-postgres"),
];

/// A project that fills the server's lock table: its neighbours on a shared server would fail with it, and its last
/// Down succeeds or not by the size of that table. This size lets goose up and not down, as the table has it.
const NEEDS_ITS_OWN_SERVER: (&str, [(&str, &str); 1]) = ("theopenlane__core", [("max_locks_per_transaction", "30")]);

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) name: String,
    project: String,
    pub(crate) dir: PathBuf,
    pub(crate) files: usize,
    pub(crate) up_status: String,
    applied: usize,
    pub(crate) preparation: String,
    up_error: String,
    down_status: String,
    downed: usize,
    down_error: String,
    /// Relations, functions, types and schemas after the Downs, and after the Ups.
    left: String,
    built: String,
    up_again: bool,
    pub(crate) on_top_of: Option<PathBuf>,
}

impl Set {
    pub(crate) fn read(root: &Path, line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |field: &str| field.parse().unwrap_or_default();
        let project = root.join(fields[0]);
        let name = format!("{}/{}", fields[0], fields[1]);
        let base = ON_TOP_OF.iter().find(|(set, _)| *set == name).map(|(_, base)| project.join(base));
        let (left, built) = fields[12].split_once(" of ").unwrap_or_default();
        Self {
            name,
            project: fields[0].to_owned(),
            dir: project.join(fields[1]),
            files: number(fields[2]),
            up_status: fields[4].to_owned(),
            applied: number(fields[5]),
            preparation: fields[6].to_owned(),
            up_error: fields[7].to_owned(),
            down_status: fields[9].to_owned(),
            downed: number(fields[10]),
            down_error: fields[11].to_owned(),
            left: left.to_owned(),
            built: built.to_owned(),
            up_again: fields[13] == "ok",
            on_top_of: base,
        }
    }
}

/// Compares two values, or says in which of them a set went another way.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, the table says {expected:?}")) }
}

/// Whether a failed command names the file and the server's message, as `FILE: MESSAGE` of the table has them.
fn failed_as(ended: &Ended, expected: &str) -> Result<(), String> {
    let (file, message) = expected.split_once(": ").ok_or("the table has no error")?;
    let told = ended.code != 0 && ended.stderr.contains(file) && ended.stderr.contains(message);
    if told { Ok(()) } else { Err(format!("exit {}, not `{expected}`: {}", ended.code, ended.stderr)) }
}

fn succeeded(what: &str, ended: &Ended) -> Result<(), String> {
    if ended.code == 0 { Ok(()) } else { Err(format!("{what}: exit {}: {}", ended.code, ended.stderr)) }
}

/// What the project does by hand before its first migration. Roles belong to the whole server and may be there.
pub(crate) fn prepare(set: &Set, database: &Database) -> Result<(), String> {
    for statement in set.preparation.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let tolerant = format!(
            "DO $prepare$ BEGIN {statement}; \
             EXCEPTION WHEN duplicate_object OR duplicate_schema THEN NULL; END $prepare$"
        );
        sql(&database.url, &tolerant);
    }
    let Some(base) = &set.on_top_of else { return Ok(()) };
    succeeded("the folder below", &migrate(&database.url, base, &["up", "--table", "goose_base"]))
}

/// Relations, functions, types and schemas of the user, as the table counts them.
fn objects(database: &Database) -> String {
    let user = "nspname !~ '^pg_' AND nspname <> 'information_schema'";
    let owned = |class: &str, oid: &str| {
        format!(
            "NOT EXISTS (SELECT FROM pg_depend WHERE classid = '{class}'::regclass AND objid = {oid} AND deptype = 'e')"
        )
    };
    let query = format!(
        "SELECT concat_ws(',', \
         (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {user} \
          AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relname !~ '^goose_' AND {}), \
         (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE {user} AND {}), \
         (SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE {user} \
          AND typtype IN ('e', 'd') AND {}), \
         (SELECT count(*) FROM pg_namespace WHERE {user} AND nspname <> 'public'))",
        owned("pg_class", "c.oid"),
        owned("pg_proc", "p.oid"),
        owned("pg_type", "t.oid"),
    );
    database.rows(&query).concat()
}

fn applied(database: &Database) -> usize {
    database.versions().len() - 1
}

/// Takes a set all the way; what happened, or how it differs from the table.
fn run(set: &Set, server: &Server) -> Result<String, String> {
    let database = Database::create_on(server);
    prepare(set, &database)?;
    let up = migrate(&database.url, &set.dir, &["up"]);
    same("applied", &applied(&database), &set.applied)?;
    if !matches!(set.up_status.as_str(), "clean" | "needs-prep") {
        failed_as(&up, &set.up_error)?;
        return Ok(format!("{:>3} of {:>3} up, then {}", set.applied, set.files, set.up_error));
    }
    succeeded("up", &up)?;
    same("objects after the Ups", &objects(&database), &set.built)?;
    let down = migrate(&database.url, &set.dir, &["reset"]);
    same("undone", &(set.applied - applied(&database)), &set.downed)?;
    same("objects after the Downs", &objects(&database), &set.left)?;
    if set.down_status == "ok" {
        succeeded("reset", &down)?;
    } else {
        failed_as(&down, &set.down_error)?;
    }
    let mut told = format!("{:>3} of {:>3} up, {:>3} down", set.applied, set.files, set.downed);
    if set.up_again {
        succeeded("up again", &migrate(&database.url, &set.dir, &["up"]))?;
        same("applied again", &applied(&database), &set.applied)?;
        told.push_str(", up again");
    }
    if set.down_status == "fails" {
        told = format!("{told}, then {}", set.down_error);
    }
    Ok(told)
}

/// A failing set among those whose extension this server has after all cannot be judged here.
fn why_not_here(set: &Set) -> Option<String> {
    let extension = set.up_error.split("extension \"").nth(1)?.split('"').next()?.to_owned();
    let query = format!("SELECT 1 FROM pg_available_extensions WHERE name = '{extension}'");
    let available = !sql(&server().url("postgres"), &query).is_empty();
    available.then(|| format!("not judged: this server has the extension {extension}"))
}

/// The sets of one project, one after the other: they share roles.
fn run_project(sets: &[Set], results: &Mutex<BTreeMap<String, Result<String, String>>>) {
    let (project, settings) = NEEDS_ITS_OWN_SERVER;
    let own = (sets[0].project == project).then(|| {
        let installation = installations(&[]).into_iter().next().expect("PostgreSQL server binaries");
        Server::start_with(&installation, &settings).expect("a server of its own")
    });
    for set in sets {
        let start = Instant::now();
        let result = match why_not_here(set) {
            Some(reason) => Ok(reason),
            None => run(set, own.as_ref().unwrap_or_else(|| server())),
        };
        let result = result.map(|told| format!("{:>5} ms  {told}", start.elapsed().as_millis()));
        results.lock().expect("no thread panicked").insert(set.name.clone(), result);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the table is no migration source")]
fn every_public_set_goes_up_and_down_as_far_as_its_table_says() {
    let Some(root) = shared("every_public_set_goes_up_and_down_as_far_as_its_table_says", "corpus") else { return };
    let root = root.canonicalize().expect("the corpus");
    let table = std::fs::read_to_string(root.join("APPLICABLE.tsv")).expect("the table");
    let mut projects: BTreeMap<String, Vec<Set>> = BTreeMap::new();
    for set in table.lines().skip(1).map(|line| Set::read(&root, line)) {
        projects.entry(set.project.clone()).or_default().push(set);
    }
    // The longest first, so that no thread is left alone with it in the end.
    let mut queue: Vec<Vec<Set>> = projects.into_values().collect();
    queue.sort_by_key(|sets| sets.iter().map(|set| set.files).sum::<usize>());
    let (queue, results) = (Mutex::new(queue), Mutex::new(BTreeMap::new()));
    let next = || queue.lock().expect("no thread panicked").pop();
    let work = || std::iter::from_fn(next).for_each(|sets| run_project(&sets, &results));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().expect("no thread panicked");
    let mut differing = Vec::new();
    for (name, result) in &results {
        match result {
            Ok(told) => println!("{told}  {name}"),
            Err(difference) => differing.push(format!("{name}: {difference}")),
        }
    }
    assert_eq!(results.len(), table.lines().count() - 1);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
