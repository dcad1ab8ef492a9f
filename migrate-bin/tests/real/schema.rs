//! The picture of a whole schema: the same from every server, and enough to make the schema again.

use std::path::PathBuf;

use migrate_core::flight::TableName;
use migrate_core::schema::question;
use migrate_scratch::{Server, installations};
use serde_json::Value;

use crate::stage::{Database, example_command, migrate, migrate_command, sql, text, workspace};

/// One of each kind of object.
const EVERYTHING: &str = include_str!("schema/everything.sql");

/// A server of each major that is installed.
fn servers() -> Vec<Server> {
    let mut installed = installations(&[]);
    installed.sort_by_key(|one| one.major);
    installed.dedup_by_key(|one| one.major);
    installed.iter().map(|installation| Server::start(installation).expect("a server")).collect()
}

/// What `migrate schema` prints of a database.
fn printed(database: &Database, form: &str) -> String {
    let ended = migrate(&database.url, &workspace().join("migrations"), &["schema", "--format", form]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout
}

fn fingerprint(database: &Database) -> String {
    let told: Value = serde_json::from_str(&printed(database, "json")).expect("JSON");
    told["fingerprint"].as_str().expect("a digest").to_owned()
}

#[test]
fn the_script_of_a_schema_makes_the_same_schema_on_an_empty_database_of_every_server() {
    let mut scripts = Vec::new();
    for server in servers() {
        let (full, empty) = (Database::create_on(&server), Database::create_on(&server));
        sql(&full.url, EVERYTHING);
        let script = printed(&full, "sql");
        sql(&empty.url, &script);
        assert_eq!(printed(&empty, "sql"), script, "PostgreSQL {}", server.major());
        assert_eq!(fingerprint(&empty), fingerprint(&full), "PostgreSQL {}", server.major());
        scripts.push((server.major(), script));
    }
    for pair in scripts.windows(2) {
        assert_eq!(pair[0].1, pair[1].1, "PostgreSQL {} and {}", pair[0].0, pair[1].0);
    }
}

#[test]
fn objects_of_every_kind_are_in_the_picture() {
    let database = Database::create();
    sql(&database.url, EVERYTHING);
    sql(&database.url, "CREATE FUNCTION same(mood, mood) RETURNS boolean LANGUAGE sql AS 'SELECT true'");
    sql(&database.url, "CREATE OPERATOR === (LEFTARG = mood, RIGHTARG = mood, FUNCTION = same)");
    let told: Value = serde_json::from_str(&printed(&database, "json")).expect("JSON");
    let kinds: std::collections::BTreeSet<&str> =
        told["objects"].as_array().expect("a list").iter().filter_map(|object| object["kind"].as_str()).collect();
    let expected = [
        "column",
        "comment",
        "constraint",
        "default privilege",
        "event trigger",
        "extension",
        "foreign server",
        "function",
        "index",
        "materialized view",
        "other",
        "partition",
        "policy",
        "privilege",
        "publication",
        "rule",
        "schema",
        "sequence",
        "setting",
        "statistics",
        "table",
        "trigger",
        "type",
        "view",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let script = printed(&database, "sql");
    assert!(script.contains("-- not written: operator public.===(public.mood,public.mood)"), "{script}");
    assert!(!script.contains("citext_"), "what an extension brings along is not written");
}

#[test]
fn the_order_in_which_objects_were_made_and_the_settings_of_the_role_change_nothing() {
    let (one, other) = (Database::create(), Database::create());
    sql(
        &one.url,
        "CREATE SCHEMA s; CREATE TABLE s.a (id int, at timestamptz DEFAULT '2020-01-01 00:00+00'); CREATE INDEX i ON s.a (id); \
         CREATE TABLE b (w interval DEFAULT '1 day 02:00'); CREATE VIEW v AS SELECT id FROM s.a",
    );
    sql(
        &other.url,
        "CREATE TABLE b (gone int, w interval DEFAULT '1 day 02:00'); ALTER TABLE b DROP COLUMN gone; CREATE SCHEMA s; \
         CREATE TABLE s.x (id int, at timestamptz DEFAULT '2020-01-01 00:00+00'); CREATE VIEW v AS SELECT id FROM s.x; \
         CREATE INDEX i ON s.x (id); ALTER TABLE s.x RENAME TO a; GRANT SELECT ON b TO pg_monitor; REVOKE ALL ON b FROM pg_monitor",
    );
    sql(
        &other.url,
        &format!(
            "ALTER DATABASE {name} SET search_path = s, public; ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'; \
             ALTER DATABASE {name} SET intervalstyle = 'iso_8601'; ALTER DATABASE {name} SET datestyle = 'German'",
            name = other.name
        ),
    );
    assert_eq!(printed(&one, "sql"), printed(&other, "sql"));
    assert_eq!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn asking_in_a_transaction_leaves_its_settings_as_they_were() {
    let database = Database::create();
    let question = question(&TableName::default());
    let shown = "SELECT current_setting('search_path') || current_setting('datestyle')";
    let text =
        format!("BEGIN; SET LOCAL search_path = pg_temp, \"a'b\"; SET LOCAL datestyle = 'German'; {question}; {shown}");
    let rows = sql(&database.url, &text);
    assert_eq!(rows.last().map(String::as_str), Some("pg_temp, \"a'b\"German, DMY"));
}

#[test]
fn the_picture_of_our_migrations_is_what_every_server_shows() {
    let migrations = workspace().join("migrations");
    for server in servers() {
        let database = Database::create_on(&server);
        assert_eq!(migrate(&database.url, &migrations, &["up"]).code, 0);
        for (form, file) in [("sql", "schema.sql"), ("mermaid", "schema.mmd")] {
            assert_is_the_picture(&printed(&database, form), form, file);
        }
    }
}

#[test]
fn without_a_database_the_schema_is_what_the_migrations_make_on_a_server_that_is_started_for_it() {
    let mut command = migrate_command(&["schema"]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let chosen = std::env::var_os("MIGRATE_PG_BIN").unwrap_or_default();
    command.env("PATH", path).env("MIGRATE_PG_BIN", chosen).arg("--dir").arg(workspace().join("migrations"));
    let ended: crate::stage::Ended = command.output().expect("migrate starts").into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_is_the_picture(&ended.stdout, "sql", "schema.sql");
}

#[cfg(feature = "embedded")]
#[test]
fn the_embedded_server_shows_the_same_picture() {
    let home = crate::stage::folder(&[]);
    let run = |arguments: &[&str]| -> crate::stage::Ended {
        let mut command = example_command(arguments);
        command.args(["--database-url", "embedded:./db"]).current_dir(home.path());
        command.output().expect("migrate starts").into()
    };
    assert_eq!(run(&["up"]).code, 0);
    let ended = run(&["schema"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_is_the_picture(&ended.stdout, "sql", "schema.sql");
}

/// The pictures are committed, so that a change of the schema is read where the migration is.
fn assert_is_the_picture(found: &str, form: &str, file: &str) {
    let path: PathBuf = workspace().join("snapshots").join(file);
    let kept = text(&path);
    let differing = kept.lines().zip(found.lines()).find(|(kept, found)| kept != found);
    let help = format!("look at what `migrate schema --format {form}` prints, and keep it as snapshots/{file}");
    assert_eq!(differing, None, "{help}");
    assert_eq!(kept.len(), found.len(), "{help}");
}
