//! Sizes in a plan, and budgets: what the server says of the tables that a plan touches, and what is refused by it.

use tokio_postgres::NoTls;

use super::{A, B, done, everything, json};
use crate::stage::{Database, folder, migrate, server};

/// Rewrites a table, and reads another in full.
const HEAVY: (&str, &str) = (
    "00003_heavy.sql",
    "-- +goose Up\nALTER TABLE a ALTER COLUMN id TYPE bigint;\nALTER TABLE b ALTER COLUMN id SET NOT NULL;\n\
     CREATE TABLE c (id int);\nALTER TABLE c ALTER COLUMN id TYPE bigint;\n-- +goose Down\nDROP TABLE c;\n",
);

/// A database with both tables, a thousand rows in `a`, and the heavy migration pending.
fn heavy(more: &[(&str, &str)]) -> (Database, tempfile::TempDir) {
    let database = Database::create();
    let light = folder(&[A, B]);
    done(&database, light.path(), &["up"]);
    database.rows("INSERT INTO a SELECT generate_series(1, 1000)");
    database.rows("ANALYZE a");
    let files: Vec<_> = [A, B, HEAVY].map(|(name, text)| (format!("migrations/{name}"), text)).into();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).chain(more.iter().copied()).collect();
    (database, folder(&files))
}

#[test]
fn a_plan_says_how_large_the_tables_are_that_it_touches() {
    let (database, files) = heavy(&[]);
    let files = files.path().join("migrations");
    let text = done(&database, &files, &["plan"]).stderr;
    assert!(text.contains("a: 1000 rows, ") && text.contains("; ACCESS EXCLUSIVE, rewritten; "), "{text}");
    assert!(text.contains("b: 0 rows, 0 bytes; ACCESS EXCLUSIVE, read in full; "), "{text}");
    assert!(!text.contains(" c: "), "it does not exist yet: {text}");

    let plan = json(&done(&database, &files, &["plan", "--output", "json"]).stdout);
    let tables = plan["tables"].as_array().expect("a list");
    let names: Vec<_> = tables.iter().map(|table| table["table"].as_str().expect("a name")).collect();
    assert_eq!(names, ["public.a", "public.b"]);
    let bytes: u64 = database.rows("SELECT pg_total_relation_size('a')")[0].parse().expect("a number");
    assert_eq!((tables[0]["rows"].as_u64(), tables[0]["bytes"].as_u64()), (Some(1000), Some(bytes)));
    assert_eq!((&tables[0]["rewritten"], &tables[0]["scanned"]), (&true.into(), &true.into()));
    assert_eq!((&tables[1]["rewritten"], &tables[1]["scanned"]), (&false.into(), &true.into()));
}

#[test]
fn what_is_rewritten_above_its_budget_is_refused_before_anything_runs() {
    for (budget, told) in [
        ("a = \"16kB\"", "00003_heavy.sql rewrites a: "),
        ("a = 999", "00003_heavy.sql rewrites a: 1000 rows; budget 999 rows"),
        ("\"public.a\" = \"999\"", "00003_heavy.sql rewrites a: 1000 rows; budget 999 rows"),
        ("\"*\" = 10", "00003_heavy.sql rewrites a: 1000 rows; budget 10 rows"),
    ] {
        let (database, files) = heavy(&[("migrate.toml", &format!("[budgets]\n{budget}\n"))]);
        let files = files.path().join("migrations");
        let before = everything(&database);
        for arguments in [&["up"][..], &["plan"], &["up", "--dry-run"], &["up-by-one"], &["up-to", "3"]] {
            let refused = migrate(&database.url, &files, arguments);
            assert_eq!(refused.code, 29, "{arguments:?} {budget}: {}", refused.stderr);
            assert!(refused.stderr.contains(told), "{arguments:?} {budget}: {}", refused.stderr);
            assert_eq!(everything(&database), before, "{arguments:?}");
        }
    }
}

#[test]
fn what_is_within_its_budget_or_only_locked_runs() {
    let budgets = "[budgets]\na = 1000\nb = \"1GB\"\nc = 0\n";
    let (database, files) = heavy(&[("migrate.toml", budgets)]);
    let files = files.path().join("migrations");
    done(&database, &files, &["plan"]);
    done(&database, &files, &["up"]);
    let (database, files) = heavy(&[
        ("migrate.toml", "[budgets]\na = 1\n"),
        ("migrations/00003_heavy.sql", "-- +goose Up\nALTER TABLE a ADD COLUMN more int;\n"),
    ]);
    done(&database, &files.path().join("migrations"), &["up"]);
}

#[test]
fn a_role_that_may_only_read_the_version_table_sees_sizes() {
    let (database, files) = heavy(&[]);
    let role = format!("reader_of_{}", database.name);
    database.rows(&format!("CREATE ROLE {role} LOGIN"));
    database.rows(&format!("GRANT SELECT ON goose_db_version, goose_db_version_ledger TO {role}"));
    let url = database.url.replace("postgres@", &format!("{role}@"));
    let plan = migrate(&url, &files.path().join("migrations"), &["plan"]);
    database.rows(&format!("DROP OWNED BY {role}"));
    database.rows(&format!("DROP ROLE {role}"));
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(plan.stderr.contains("a: 1000 rows, "), "{}", plan.stderr);
}

#[test]
fn a_plan_does_not_wait_for_who_has_a_table_to_himself_and_says_so() {
    let (database, files) = heavy(&[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (client, connection) =
        runtime.block_on(tokio_postgres::connect(&server().url(&database.name), NoTls)).expect("one");
    runtime.spawn(connection);
    runtime.block_on(client.batch_execute("BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE")).expect("the lock");
    let plan = json(&done(&database, &files.path().join("migrations"), &["plan", "--output", "json"]).stdout);
    assert_eq!((&plan["tables"][0]["lock_holders"], &plan["tables"][0]["lock_waiters"]), (&1.into(), &0.into()));
    assert_ne!(plan["tables"][0]["bytes"], 0);
    runtime.block_on(client.batch_execute("ROLLBACK")).expect("the end");
}
