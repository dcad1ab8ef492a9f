//! Twenty commands of an ordinary week, in order, in every surrounding that a database is met in. How each ends is a row of
//! `docs/environments.md`.

use migrate_scratch::{Installation, Server, installations};

use crate::haproxy::HaProxy;
use crate::pgpool::Pgpool;
use crate::pooler::Pooler;
use crate::stage::{Database, eventually, folder, migrate, server, skipped_without, sql, text, workspace};
use crate::standby::Standby;

/// The commands, in order: each finds what those before it have left.
const COMMANDS: [&[&str]; 20] = [
    &["validate"],
    &["status"],
    &["check"],
    &["plan"],
    &["up", "--dry-run"],
    &["up", "--to", "1"],
    &["version"],
    &["up-by-one"],
    &["up"],
    &["up"],
    &["check"],
    &["redo"],
    &["down"],
    &["check"],
    &["up"],
    &["status", "--output", "json"],
    &["doctor"],
    &["journal"],
    &["down-to", "1"],
    &["reset"],
];

fn files() -> tempfile::TempDir {
    folder(&[
        (
            "00001_accounts.sql",
            "-- +goose Up\nCREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL);\n\
             INSERT INTO accounts VALUES (1, 'Zoë');\n-- +goose Down\nDROP TABLE accounts;\n",
        ),
        (
            "00002_stamp.sql",
            "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  \
             NEW.name := trim(NEW.name);\n  RETURN NEW;\nEND $$;\n-- +goose StatementEnd\n\
             CREATE TRIGGER stamp BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION stamp();\n\
             -- +goose Down\nDROP TRIGGER stamp ON accounts;\nDROP FUNCTION stamp();\n",
        ),
        (
            "00003_index.sql",
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY accounts_name ON accounts (name);\n\
             -- +goose Down\nDROP INDEX CONCURRENTLY accounts_name;\n",
        ),
    ])
}

/// That the table has these rows.
fn hold(rows: &[String]) {
    let page = text(&workspace().join("docs/environments.md"));
    let missing: Vec<&str> =
        rows.iter().map(String::as_str).filter(|row| !page.lines().any(|line| line == *row)).collect();
    assert!(missing.is_empty(), "docs/environments.md has no such rows:\n{}", missing.join("\n"));
}

/// Runs them all: the row of the table that comes of it.
fn row(name: &str, url: &str) -> String {
    let files = files();
    let run = |arguments: &&[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--connect-wait", "5s"]);
        let ended = migrate(url, files.path(), &arguments);
        assert!(!ended.stderr.contains("a fault of this program"), "{arguments:?}: {}", ended.stderr);
        println!("{name}: {arguments:?}: {}\n{}", ended.code, ended.stderr);
        ended.code.to_string()
    };
    let codes: Vec<String> = COMMANDS.iter().map(run).collect();
    format!("| {name} | {} |", codes.join(" | "))
}

#[test]
fn the_table_s_head_names_the_commands() {
    let commands: Vec<String> = COMMANDS.iter().map(|command| format!("`{}`", command.join(" "))).collect();
    let head = format!("| where | {} |", commands.join(" | "));
    let page = text(&workspace().join("docs/environments.md"));
    assert!(page.lines().any(|line| line == head), "docs/environments.md has no such head:\n{head}");
}

fn of_major(major: u32) -> Option<Installation> {
    let scene = format!("everyday commands on PostgreSQL {major}");
    let found = installations(&[]).into_iter().find(|one| one.major == major);
    skipped_without(found.as_ref().map(|one| one.bin.clone()), &scene, "MIGRATE_REQUIRE_MAJORS", &scene)?;
    found
}

#[test]
fn on_postgresql_15_and_18() {
    for major in [15, 18] {
        let Some(installation) = of_major(major) else { continue };
        let server = Server::start(&installation).expect("a server");
        hold(&[row(&format!("PostgreSQL {major}"), &Database::create_on(&server).url)]);
    }
}

#[test]
fn behind_pgbouncer_in_session_mode() {
    for size in [1, 2] {
        let database = Database::create();
        let settings = format!("pool_mode = session\ndefault_pool_size = {size}\nquery_wait_timeout = 3");
        let Some(pooler) = Pooler::start("everyday commands in session mode", server().port(), &settings) else {
            return;
        };
        hold(&[row(&format!("PgBouncer, session mode, {size} place{}", plural(size)), &pooler.url(&database.name))]);
    }
}

#[test]
fn behind_pgbouncer_in_transaction_mode() {
    for size in [1, 2] {
        let database = Database::create();
        let settings = format!("pool_mode = transaction\ndefault_pool_size = {size}\nquery_wait_timeout = 3");
        let Some(pooler) = Pooler::start("everyday commands in transaction mode", server().port(), &settings) else {
            return;
        };
        hold(&[row(
            &format!("PgBouncer, transaction mode, {size} place{}", plural(size)),
            &pooler.url(&database.name),
        )]);
    }
}

#[test]
fn behind_pgbouncer_in_statement_mode() {
    let database = Database::create();
    let settings = "pool_mode = statement";
    let Some(pooler) = Pooler::start("everyday commands in statement mode", server().port(), settings) else { return };
    hold(&[row("PgBouncer, statement mode", &pooler.url(&database.name))]);
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[test]
fn behind_pgpool_with_one_server() {
    let database = Database::create();
    let Some(pgpool) = Pgpool::start("everyday commands behind pgpool-II", server().port(), None) else { return };
    hold(&[row("pgpool-II, one server", &pgpool.url(&database.name))]);
}

#[test]
fn behind_pgpool_with_a_standby() {
    let primary = Server::newest().expect("a server");
    let database = Database::create_on(&primary);
    let standby = Standby::of(&primary, true);
    eventually("the standby has the database", || {
        sql(&standby.url("postgres"), &format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", database.name))
            == ["1"]
    });
    let Some(pgpool) = Pgpool::start("everyday commands behind a pair", primary.port(), Some(standby.port)) else {
        return;
    };
    hold(&[row("pgpool-II, primary and standby", &pgpool.url(&database.name))]);
}

#[test]
fn behind_haproxy() {
    let database = Database::create();
    let Some(proxy) = HaProxy::start("everyday commands behind HAProxy", server().port(), "60s") else { return };
    hold(&[row("HAProxy", &proxy.url(&database.name))]);
}

#[test]
fn on_a_hot_standby() {
    let primary = Server::newest().expect("a server");
    let database = Database::create_on(&primary);
    let files = files();
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "2"]).code, 0);
    let standby = Standby::of(&primary, true);
    hold(&[row("a hot standby of a database at version 2", &standby.url(&database.name))]);
}

#[test]
fn in_a_database_of_another_encoding() {
    let admin = server().url("postgres");
    sql(&admin, "CREATE DATABASE everyday_latin1 TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'");
    hold(&[row("a database in LATIN1", &server().url("everyday_latin1"))]);
    sql(&admin, "DROP DATABASE everyday_latin1");
}

#[test]
fn under_german_messages() {
    let Some(server) = crate::truth::german::german("everyday commands under German messages") else { return };
    hold(&[row("German messages", &Database::create_on(&server).url)]);
}

#[test]
fn as_roles_that_make_it_hard() {
    let mut rows = Vec::new();
    let everything = "GRANT ALL ON SCHEMA public TO {}";
    for (name, setup) in [
        ("a role that is read-only by default", "ALTER ROLE {} SET default_transaction_read_only = on"),
        ("a role that is serializable by default", "ALTER ROLE {} SET default_transaction_isolation = 'serializable'"),
        (
            "a role with timeouts of 50 ms",
            "ALTER ROLE {} SET statement_timeout = '50ms'; ALTER ROLE {} SET lock_timeout = '50ms'; \
             ALTER ROLE {} SET idle_in_transaction_session_timeout = '50ms'",
        ),
        (
            "a role with an odd search_path",
            "CREATE SCHEMA \"Odd one\" AUTHORIZATION {}; ALTER ROLE {} SET search_path = nowhere, \"Odd one\", pg_catalog",
        ),
        (
            "a role that sees no row of the table",
            "CREATE TABLE goose_db_version (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT \
             NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now()); INSERT INTO goose_db_version \
             (version_id, is_applied) VALUES (0, true); GRANT ALL ON goose_db_version TO {}; \
             ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY",
        ),
        ("a role that may create nothing", "REVOKE CREATE ON SCHEMA public FROM {}, PUBLIC"),
    ] {
        let database = Database::create();
        let role = format!("everyday_{}", database.name);
        let setup = format!("CREATE ROLE {{}} LOGIN; {everything}; {setup}").replace("{}", &role);
        database.rows(&setup);
        rows.push(row(name, &database.url.replace("postgres@", &format!("{role}@"))));
        database.rows(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    }
    hold(&rows);
}
