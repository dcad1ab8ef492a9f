//! `verify`: which Downs are proven, what is wrong with the others, and that nothing but scratch databases is touched.

use std::collections::BTreeSet;

use migrate_core::catalog::{Catalog, External, Place};
use migrate_core::command::{Action, Command, read};
use migrate_core::effect::{Effect, Lock, Majors, Runs, statement};
use migrate_core::migration::{Body, Direction};
use migrate_core::parse::{parse, read_folder};
use serde_json::{Value, json};

use crate::stage::{Database, Ended, folder, migrate, server, sql, workspace};

/// One file of each kind, in an order in which each finds what it needs.
const MIXED: [(&str, &str); 8] = [
    (
        "00001_good.sql",
        "-- +goose Up\nCREATE TABLE a (id int PRIMARY KEY, name text);\n-- +goose Down\nDROP TABLE a;\n",
    ),
    (
        "00002_forgets_the_index.sql",
        "-- +goose Up\nALTER TABLE a ADD COLUMN age int;\nCREATE INDEX a_name ON a (name);\n-- +goose Down\n\
         ALTER TABLE a DROP COLUMN age;\n",
    ),
    ("00003_fails.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE bb;\n"),
    ("00004_has_none.sql", "-- +goose Up\nCREATE TABLE c (id int);\n"),
    (
        "00005_says_why.sql",
        "-- migrate:irreversible reason=\"the old values are not kept\"\n-- +goose Up\nDROP TABLE c;\n",
    ),
    (
        "00006_concurrently.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a_age ON a (age);\n-- +goose Down\n\
         DROP INDEX CONCURRENTLY a_age;\n",
    ),
    ("00007_takes_the_rows_along.sql", "-- +goose Up\nINSERT INTO a VALUES (1, 'x', 5);\n-- +goose Down\nSELECT 1;\n"),
    (
        "00008_widens.sql",
        "-- +goose Up\nALTER TABLE a ALTER COLUMN age TYPE bigint;\n-- +goose Down\n\
         ALTER TABLE a ALTER COLUMN age TYPE smallint;\n",
    ),
];

fn verified(dir: &std::path::Path, more: &[&str]) -> Ended {
    let arguments = [&["verify", "--output", "json"], more].concat();
    migrate(&server().url("postgres"), dir, &arguments)
}

fn rounds(ended: &Ended) -> Vec<Value> {
    let told: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ended.stderr));
    told["migrations"].as_array().expect("a list").clone()
}

/// What came of them, in the words of `verify`.
fn words(rounds: &[Value]) -> Vec<Value> {
    rounds.iter().map(|round| json!([round["up"], round["down"], round["reapply"]])).collect()
}

/// A role is one of the whole server: what a copy of the database makes, the next copy finds, and what it may do there keeps
/// it from being dropped.
#[test]
fn a_file_that_makes_a_role_is_undone_where_it_was_applied() {
    let role = format!("verified_{}", std::process::id());
    let up = format!("CREATE ROLE {role};\nCREATE TABLE r (id int);\nGRANT SELECT ON r TO {role};\n");
    let down = format!("DROP TABLE r;\nDROP ROLE {role};\n");
    let role_only = format!("-- +goose Up\n{up}-- +goose Down\n{down}");
    let next = "-- +goose Up\nALTER TABLE r ADD COLUMN name text;\n-- +goose Down\nALTER TABLE r DROP COLUMN name;\n";
    let files = folder(&[("00001_role.sql", &role_only), ("00002_name.sql", next)]);
    let ended = verified(files.path(), &["--whole-server"]);
    let proven = [json!(["ok", "ok", "ok"]), json!(["ok", "ok", "ok"])];
    assert_eq!(words(&rounds(&ended)), proven, "{}", ended.stderr);
    sql(&server().url("postgres"), &format!("DROP ROLE {role}"));
}

/// Nobody's server is changed by a proof.
#[test]
fn what_all_databases_of_a_server_share_is_left_alone_on_somebody_s_server() {
    let role = format!("shared_{}", std::process::id());
    let admin = server().url("postgres");
    sql(&admin, &format!("CREATE ROLE {role} LOGIN"));
    for up in [
        format!("ALTER ROLE {role} NOLOGIN;\n"),
        format!("CREATE ROLE {role}_2;\n"),
        format!("-- +goose StatementBegin\nDO $$ BEGIN ALTER ROLE {role} NOLOGIN; END $$;\n-- +goose StatementEnd\n"),
        format!("GRANT {role} TO CURRENT_USER;\n"),
    ] {
        let files = folder(&[("00001_role.sql", &format!("-- +goose Up\n{up}-- +goose Down\nSELECT 1;\n"))]);
        let ended = verified(files.path(), &[]);
        assert_eq!(ended.code, 2, "{up}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("00001_role.sql:") && ended.stderr.contains("--whole-server"),
            "{}",
            ended.stderr
        );
    }
    let roles = format!("SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE '{role}%'");
    assert_eq!(sql(&admin, &roles), [format!("{role}|t")]);
    sql(&admin, &format!("DROP ROLE {role}"));
}

fn words_of_mixed() -> [Value; 8] {
    [
        json!(["ok", "ok", "ok"]),
        json!(["ok", "differs", "fails"]),
        json!(["ok", "fails", null]),
        json!(["ok", "missing", null]),
        json!(["ok", "irreversible", null]),
        json!(["ok", "ok", "ok"]),
        json!(["ok", "ok", "fails"]),
        json!(["ok", "differs", "ok"]),
    ]
}

#[test]
fn every_kind_of_down_is_told_and_none_of_them_stops_the_next() {
    let files = folder(&MIXED);
    let ended = verified(files.path(), &["--no-trace"]);
    let rounds = rounds(&ended);
    assert_eq!(words(&rounds), words_of_mixed(), "{}", ended.stdout);
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    assert_eq!(rounds[1]["difference"], json!(["+ index a_name on public.a"]));
    assert_eq!(rounds[7]["difference"], json!(["~ column public.a.age: `age integer` → `age smallint`"]));
    let error = |at: usize| rounds[at]["error"].as_str().unwrap_or_default().to_owned();
    assert!(error(1).contains("00002_forgets_the_index.sql:3:") && error(1).contains("already exists"), "{}", error(1));
    assert!(error(2).contains("00003_fails.sql:4:") && error(2).contains("\"bb\" does not exist"), "{}", error(2));
    assert!(error(6).contains("duplicate key"), "{}", error(6));
    assert_eq!(rounds[4]["reason"], "the old values are not kept");
    assert_eq!(rounds[0]["change"], json!(["+ table public.a (2 columns)"]));
    assert_eq!(rounds[1]["change"], json!(["+ column public.a.age: integer", "+ index a_name on public.a"]));
}

#[cfg(feature = "embedded")]
#[test]
fn the_server_inside_the_program_tells_the_same() {
    let files = folder(&MIXED);
    let ended = migrate("embedded:", files.path(), &["verify", "--output", "json"]);
    assert_eq!(words(&rounds(&ended)), words_of_mixed(), "{}", ended.stderr);
}

#[test]
fn proven_and_declared_migrations_end_with_success() {
    let files = folder(&[MIXED[0], ("00002_x.sql", "-- migrate:irreversible reason=\"x\"\n-- +goose Up\nSELECT 1;\n")]);
    let ended = verified(files.path(), &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("2 of 2 migrations tried: 1 proven, 1 declared irreversible, 0 not proven"));
}

#[test]
fn an_up_that_fails_is_the_last_that_is_tried() {
    let broken = ("00002_b.sql", "-- +goose Up\nSELECT 1/0;\n-- +goose Down\nSELECT 1;\n");
    let files = folder(&[MIXED[0], broken, ("00003_c.sql", "-- +goose Up\nSELECT 1;\n")]);
    let ended = verified(files.path(), &[]);
    let rounds = rounds(&ended);
    assert_eq!((ended.code, rounds.len(), &rounds[1]["up"]), (29, 2, &json!("fails")), "{}", ended.stdout);
    assert_eq!(rounds[1]["down"], Value::Null);
    assert!(rounds[1]["error"].as_str().is_some_and(|error| error.contains("division by zero")));
}

#[test]
fn an_order_of_columns_that_down_does_not_restore_is_a_difference() {
    let files = folder(&[
        ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (x int, y int);\n-- +goose Down\nDROP TABLE a;\n"),
        (
            "00002_b.sql",
            "-- +goose Up\nALTER TABLE a DROP COLUMN x;\n-- +goose Down\nALTER TABLE a ADD COLUMN x int;\n",
        ),
    ]);
    let rounds = rounds(&verified(files.path(), &["--no-trace"]));
    assert_eq!(rounds[1]["down"], "differs");
    assert_eq!(rounds[1]["difference"], json!(["~ order of the columns of public.a: x, y → y, x"]));
}

#[test]
fn what_is_pending_is_proven_on_a_copy_and_the_database_itself_is_not_touched() {
    let (database, files) = (Database::create(), folder(&MIXED));
    let given = folder(&MIXED[..2]);
    assert_eq!(migrate(&database.url, given.path(), &["up"]).code, 0);
    // A row that a Down which makes the column narrower cannot keep.
    sql(&database.url, "INSERT INTO a VALUES (7, 'y', 1000000)");
    let before = database.schema();
    let ended = migrate(&database.url, files.path(), &["verify", "--pending", "--no-trace", "--output", "json"]);
    let told: Vec<(Value, Value)> =
        rounds(&ended).iter().map(|round| (round["version"].clone(), round["down"].clone())).collect();
    let downs = ["fails", "missing", "irreversible", "ok", "ok", "fails"];
    let expected: Vec<(Value, Value)> = (3..).zip(downs).map(|(version, down)| (json!(version), json!(down))).collect();
    assert_eq!(told, expected, "{}", ended.stderr);
    assert_eq!((database.schema(), database.versions()), (before, ["0", "1", "2"].map(str::to_owned).to_vec()));
}

#[test]
fn migrations_below_the_first_one_to_prove_are_only_applied() {
    let files = folder(&MIXED);
    let rounds = rounds(&verified(files.path(), &["--no-trace", "--from", "8"]));
    assert_eq!((rounds.len(), &rounds[0]["version"], &rounds[0]["down"]), (1, &json!(8), &json!("differs")));
    let ended = verified(files.path(), &["--from", "9"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}

#[test]
fn no_database_is_left_behind_and_the_one_in_the_environment_is_not_asked() {
    let files = folder(&MIXED);
    let server = migrate_scratch::Server::newest().expect("a server of its own");
    let url = server.url("postgres");
    let before = sql(&url, "SELECT datname FROM pg_database ORDER BY 1");
    assert_eq!(migrate(&url, files.path(), &["verify"]).code, 29);
    assert_eq!(sql(&url, "SELECT datname FROM pg_database ORDER BY 1"), before);
    let mut command = crate::stage::migrate_command(&["verify", "--pending"]);
    command.env("DATABASE_URL", &url).arg("--dir").arg(files.path());
    let ended: Ended = command.output().expect("migrate starts").into();
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}

#[test]
fn a_database_that_somebody_uses_cannot_be_copied_and_the_message_says_so() {
    let (database, files) = (Database::create(), folder(&MIXED));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ended = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.expect("a session");
        let driver = tokio::spawn(connection);
        let (url, dir) = (database.url.clone(), files.path().to_owned());
        let ended = tokio::task::spawn_blocking(move || migrate(&url, &dir, &["verify", "--pending"])).await;
        drop(client);
        let _ended = driver.await;
        ended.expect("migrate ended")
    });
    assert_eq!(ended.code, 20, "{}", ended.stderr);
    assert!(ended.stderr.contains("is being accessed by other users"), "{}", ended.stderr);
}

#[test]
fn junit_has_a_case_for_each_migration_and_what_is_wrong_as_its_failure() {
    let files = folder(&MIXED[..5]);
    let ended = migrate(&server().url("postgres"), files.path(), &["verify", "--no-trace", "--output", "junit"]);
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <testsuites name=\"migrate verify\" tests=\"5\" failures=\"3\" errors=\"0\">\n  \
        <testsuite name=\"migrate verify\" tests=\"5\" failures=\"3\" errors=\"0\" skipped=\"1\">\n    \
        <testcase classname=\"migrations\" name=\"00001_good.sql\"/>\n";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    let skipped = "<skipped message=\"irreversible: the old values are not kept\"/>";
    let failure = "<failure message=\"Down fails\">";
    assert!([skipped, failure, "table &quot;bb&quot; does not exist"].iter().all(|part| ended.stdout.contains(part)));
    let other = migrate(&server().url("postgres"), files.path(), &["status", "--output", "junit"]);
    assert_eq!(other.code, 2, "{}", other.stderr);
}

/// What a statement does beyond what every query does: locks that hold somebody up, and rewrites.
#[derive(Debug, PartialEq, Eq, Default)]
struct Facts {
    locks: BTreeSet<(String, String)>,
    rewrites: BTreeSet<String>,
}

impl Facts {
    fn told(effect: &Effect) -> Self {
        let lock = |lock: &Lock| (lock.relation.clone(), lock.mode.pg_locks().to_owned());
        Self {
            locks: effect.locks.iter().map(lock).filter(|(_, mode)| holds_up(mode)).collect(),
            rewrites: effect.rewrites.iter().map(|touched| touched.relation.clone()).collect(),
        }
    }

    fn traced(trace: Option<&Value>) -> Self {
        let Some(trace) = trace else { return Self::default() };
        let list = |name: &str| trace[name].as_array().cloned().unwrap_or_default();
        let lock = |lock: &Value| (text(&lock["relation"]), text(&lock["mode"]));
        Self {
            locks: list("locks").iter().map(lock).filter(|(_, mode)| holds_up(mode)).collect(),
            rewrites: list("rewrites").iter().map(text).collect(),
        }
    }
}

/// What a query needs is chosen by the planner, and by triggers that run or do not.
fn holds_up(mode: &str) -> bool {
    !["AccessShareLock", "RowShareLock", "RowExclusiveLock"].contains(&mode)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether what happens is in a function of the migrations, which is followed by nobody but the server.
fn runs_code(command: &Command, before: &Catalog) -> bool {
    match &command.action {
        Action::Do { .. } | Action::Call { .. } => true,
        Action::Select(query) => query.calls.iter().any(|call| before.function(call).known().is_some()),
        _ => false,
    }
}

#[test]
fn what_is_traced_of_our_own_migrations_is_what_is_told_without_a_server() {
    let migrations = workspace().join("migrations");
    let ended = verified(&migrations, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let set = parse(read_folder(&migrations, "migrations")).set;
    let mut catalog = Catalog::new(External::default());
    let (mut compared, mut differences) = (0, Vec::new());
    for (migration, round) in set.migrations.iter().zip(rounds(&ended)) {
        let Body::Split { up, .. } = &migration.body else { panic!("{}: variables", migration.file) };
        for (at, known) in up.iter().enumerate() {
            let (commands, before) = (read(known.sql(&migration.text)), catalog.clone());
            let number = u32::try_from(at).expect("few statements");
            let (version, line, direction) = (migration.version, known.line(), Direction::Up);
            let place = Place { version, line, direction, statement: number };
            let effect = statement(&commands, &mut catalog, |_| place, Majors { min: 15, max: 18 });
            let traces = round["traces"].as_array().expect("a list");
            let is_its_own = |trace: &&Value| trace["direction"] == "up" && trace["statement"] == at + 1;
            let (told, seen) = (Facts::told(&effect), Facts::traced(traces.iter().find(is_its_own)));
            let agree = if effect.runs == Runs::OutsideTransaction {
                // Its locks come and go in transactions of its own.
                seen == Facts::default()
            } else if commands.iter().any(|command| runs_code(command, &before)) {
                told.locks.is_subset(&seen.locks)
            } else {
                told == seen
            };
            compared += seen.locks.len();
            if !agree {
                differences.push(format!("{}:{line}: {told:?}, the server shows {seen:?}", migration.file));
            }
        }
        catalog.end_of_transaction();
    }
    assert!(compared > 60, "{compared} locks were compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_hundred_migrations_are_proven_and_how_long_it_takes_is_told() {
    let scene = "a_hundred_migrations_are_proven_and_how_long_it_takes_is_told";
    let long = std::env::var_os("MIGRATE_LONG").map(std::path::PathBuf::from);
    if crate::stage::skipped_without(long, scene, "MIGRATE_REQUIRE_LONG", "`--long`").is_none() {
        return;
    }
    let files = crate::stage::hundred_migrations();
    let start = std::time::Instant::now();
    let ended = verified(files.path(), &[]);
    let took = start.elapsed();
    println!("100 migrations, traced and proven, in {:.1} s", took.as_secs_f64());
    assert_eq!((ended.code, rounds(&ended).len()), (0, 100), "{}", ended.stderr);
}
