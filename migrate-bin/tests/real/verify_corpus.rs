//! `verify` on other projects' migrations, beside a replay that shares nothing with it: goose applies and undoes one file at
//! a time, and `pg_dump` says what is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use migrate_core::migration::{Body, Migration};
use migrate_core::parse::{parse, read_folder};
use migrate_scratch::{Server, installations};
use serde_json::Value;

use crate::corpus::{Set, prepare};
use crate::stage::{Database, goose, migrate, run_goose, shared};

/// How many files a set may have that is replayed every time; the others are replayed with `--long`.
const FEW: usize = 24;

/// Down and the second Up of a migration, in the words of `verify`.
type Outcome = (String, String);

/// What verify tells of each migration, by version.
fn told(set: &Set, database: &Database) -> Result<BTreeMap<i64, Outcome>, String> {
    let ended =
        migrate(&database.url, &set.dir, &["verify", "--pending", "--no-trace", "--whole-server", "--output", "json"]);
    let told: Value = serde_json::from_str(&ended.stdout).map_err(|_| format!("no answer: {}", ended.stderr))?;
    let rounds = told["migrations"].as_array().ok_or("no list")?;
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |round: &Value| {
        (round["version"].as_i64().unwrap_or_default(), (word(&round["down"]), word(&round["reapply"])))
    };
    Ok(rounds.iter().map(one).collect())
}

/// The same by goose and `pg_dump`.
fn replayed(set: &Set, database: &Database, goose: &Path) -> Result<BTreeMap<i64, Outcome>, String> {
    let parsed = parse(read_folder(&set.dir, "migrations"));
    // It makes its version table, which is no part of the first migration.
    run_goose(goose, &database.url, &set.dir, &["version"]);
    let mut outcomes = BTreeMap::new();
    let mut before = database.schema();
    for migration in parsed.set.migrations.iter() {
        let up = run_goose(goose, &database.url, &set.dir, &["up-by-one"]);
        if up.code != 0 {
            return Err(format!("{}: {}", migration.file, up.stderr));
        }
        let after = database.schema();
        let outcome = if has_down(migration) {
            undone((set, migration), database, goose, [&before, &after])
        } else {
            ("missing".to_owned(), "-".to_owned())
        };
        outcomes.insert(migration.version.0, outcome);
        before = after;
    }
    Ok(outcomes)
}

fn has_down(migration: &Migration) -> bool {
    matches!(&migration.body, Body::Split { down, .. } if !down.is_empty())
}

/// Down, and up again, on a copy.
fn undone(
    (set, migration): (&Set, &Migration),
    database: &Database,
    goose: &Path,
    [before, after]: [&String; 2],
) -> Outcome {
    let copy = database.copy();
    let told = |found: &String, expected: &String| if found == expected { "ok" } else { "differs" }.to_owned();
    if run_goose(goose, &copy.url, &set.dir, &["down"]).code != 0 {
        return ("fails".to_owned(), "-".to_owned());
    }
    // An extension that the file makes only if it is not there is not its Down's to drop.
    let conditional = migration.text.to_ascii_lowercase().contains("create extension if not exists");
    let down = if conditional {
        told(&without_extensions(&copy.schema()), &without_extensions(before))
    } else {
        told(&copy.schema(), before)
    };
    if run_goose(goose, &copy.url, &set.dir, &["up-by-one"]).code != 0 {
        return (down, "fails".to_owned());
    }
    (down, told(&copy.schema(), after))
}

fn without_extensions(schema: &str) -> String {
    let of_extension = |line: &&str| line.starts_with("CREATE EXTENSION ") || line.starts_with("COMMENT ON EXTENSION ");
    let heading = |line: &&str| line.contains("Type: EXTENSION") || line.contains("Name: EXTENSION");
    schema.lines().filter(|line| !line.is_empty() && *line != "--" && !of_extension(line) && !heading(line)).collect()
}

/// What differs between the two, and how many Downs are wrong. Each has a server: a role that one of them made would be
/// in the other's way.
fn compare(set: &Set, servers: &[Server; 2], goose: &Path) -> Result<(usize, usize), String> {
    let databases = servers.each_ref().map(Database::create_on);
    for database in &databases {
        prepare(set, database)?;
    }
    let told = told(set, &databases[0])?;
    let replayed = replayed(set, &databases[1], goose)?;
    let differing = |(version, one): (&i64, &Outcome)| {
        let other = told.get(version)?;
        (one != other).then(|| format!("{version}: verify tells {other:?}, goose and pg_dump {one:?}"))
    };
    let differing: Vec<String> = replayed.iter().filter_map(differing).collect();
    if !differing.is_empty() || told.len() != replayed.len() {
        return Err(format!("{} and {} migrations\n{}", told.len(), replayed.len(), differing.join("\n")));
    }
    let is_wrong =
        |(down, again): &&Outcome| down == "fails" || down == "differs" || again == "fails" || again == "differs";
    Ok((told.len(), told.values().filter(is_wrong).count()))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the table is no migration source")]
fn verify_finds_the_downs_of_public_sets_that_goose_and_pg_dump_find_and_no_other() {
    let scene = "verify_finds_the_downs_of_public_sets_that_goose_and_pg_dump_find_and_no_other";
    let (Some(root), Some(goose)) = (shared(scene, "corpus"), goose(scene)) else { return };
    let root = root.canonicalize().expect("the corpus");
    let table = std::fs::read_to_string(root.join("APPLICABLE.tsv")).expect("the table");
    let long = std::env::var_os("MIGRATE_LONG").is_some();
    let mut queue: Vec<Set> = table.lines().skip(1).map(|line| Set::read(&root, line)).collect();
    queue.retain(|set| matches!(set.up_status.as_str(), "clean" | "needs-prep") && (long || set.files <= FEW));
    let count = queue.len();
    // The longest first, so that no thread is left alone with it in the end.
    queue.sort_by_key(|set| set.files);
    let (queue, results) = (Mutex::new(queue), Mutex::new(BTreeMap::new()));
    let next = || queue.lock().expect("no thread panicked").pop();
    let work = || {
        // Roles belong to the whole server, and one project fills its lock table.
        let installation = installations(&[]).into_iter().next().expect("PostgreSQL server binaries");
        let settings = [("max_locks_per_transaction", "256")];
        let servers = [(); 2].map(|()| Server::start_with(&installation, &settings).expect("a server of its own"));
        for set in std::iter::from_fn(next) {
            let start = Instant::now();
            let result = compare(&set, &servers, &goose);
            results.lock().expect("no thread panicked").insert(set.name.clone(), (start.elapsed(), result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().expect("no thread panicked");
    let mut differing = Vec::new();
    let (mut all, mut wrong) = (0, 0);
    for (name, (took, result)) in &results {
        match result {
            Ok((migrations, downs)) => {
                println!("{:>6} ms  {migrations:>3} migrations, {downs:>2} Downs wrong  {name}", took.as_millis());
                (all, wrong) = (all + migrations, wrong + downs);
            }
            Err(difference) => differing.push(format!("{name}: {difference}")),
        }
    }
    println!("{all} migrations of {count} sets: {wrong} Downs fail, leave another schema or cannot be applied again");
    assert_eq!(results.len(), count);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(!long || wrong > 5, "{wrong} wrong Downs were found");
}
