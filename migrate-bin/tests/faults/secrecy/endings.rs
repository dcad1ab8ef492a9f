//! The ways in which a run ends, one for each exit code that a run with a database can have, and what makes it end so.

use std::path::Path;

use crate::background::Session;
use crate::pooler::Pooler;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, migrate};

/// A way to end.
pub(super) struct Ending {
    pub(super) name: &'static str,
    pub(super) code: i32,
    /// The text of the second file.
    pub(super) file: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Another user, database or port than those of the scene, and what is wrong with the password.
    pub(super) user: &'static str,
    pub(super) database: Option<&'static str>,
    pub(super) port: Option<u16>,
    pub(super) wrong: &'static str,
    /// What is sent to it while its slow statement runs.
    pub(super) signal: Option<&'static str>,
    pub(super) before: fn(&Database, &Path) -> Held,
}

/// What lasts as long as the run.
pub(super) enum Held {
    Nothing,
    /// It is not installed.
    Missing,
    Session {
        _session: Session,
    },
    Proxy(Proxy),
    Pooler(Pooler),
}

pub(super) const FIRST: &str = "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n";
const GOOD: &str = "-- +goose Up\nALTER TABLE a ADD COLUMN more int;\n-- +goose Down\nSELECT 1;\n";
const SLOW: &str = "-- +goose Up\nSELECT pg_sleep(60);\n";
const SLOW_APART: &str = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\nSELECT pg_sleep(60);\n";
const RAISES: &str = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; \
                      END $$;\n-- +goose StatementEnd\n";
const COMMITS: &str = "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nCREATE PROCEDURE work() LANGUAGE \
                       plpgsql AS $$ BEGIN COMMIT; PERFORM 1/0; END $$;\n-- +goose StatementEnd\nCALL work();\n";

/// A run that succeeds; the others differ from it.
const USUAL: Ending = Ending {
    name: "done",
    code: 0,
    file: GOOD,
    arguments: &["up"],
    variables: &[],
    user: "secret",
    database: None,
    port: None,
    wrong: "",
    signal: None,
    before: nothing,
};

pub(super) const ENDINGS: &[Ending] = &[
    USUAL,
    Ending { name: "status", arguments: &["status", "--output", "json"], ..USUAL },
    Ending { name: "plan", arguments: &["plan", "--output", "json"], ..USUAL },
    Ending { name: "journal", arguments: &["journal", "--output", "json"], before: applied, ..USUAL },
    Ending { name: "unlock", arguments: &["unlock"], before: lock_held, ..USUAL },
    Ending { name: "repair", arguments: &["repair"], ..USUAL },
    Ending { name: "no such version", code: 2, arguments: &["up", "--to", "99"], ..USUAL },
    Ending { name: "no such database", code: 20, database: Some("nowhere"), ..USUAL },
    Ending { name: "a wrong password", code: 21, wrong: "wrong", ..USUAL },
    Ending { name: "no privilege", code: 22, user: "weak", before: closed_schema, ..USUAL },
    Ending { name: "no TLS", code: 23, variables: &[("PGSSLMODE", "require")], ..USUAL },
    Ending { name: "failed", code: 25, file: "-- +goose Up\nSELECT nope;\n", ..USUAL },
    Ending { name: "failed in part", code: 26, file: COMMITS, ..USUAL },
    Ending { name: "in doubt", code: 27, file: COMMITS, before: half_done, ..USUAL },
    Ending { name: "edited", code: 28, before: edited, ..USUAL },
    Ending { name: "invalid", code: 29, file: "-- +goose Up\nCOMMIT;\nSELECT now();\nCREATE TABLE b ();\n", ..USUAL },
    Ending { name: "through a pooler", code: 30, file: SLOW_APART, before: pooled, ..USUAL },
    Ending { name: "no server", code: 40, port: Some(1), arguments: &["up", "--connect-wait", "0s"], ..USUAL },
    Ending { name: "locked", code: 41, arguments: &["up", "--lock-wait", "0s"], before: lock_held, ..USUAL },
    Ending {
        name: "blocked",
        code: 42,
        arguments: &["up", "--lock-timeout", "300ms", "--lock-retry-budget", "1s"],
        before: table_held,
        ..USUAL
    },
    Ending {
        name: "read-only",
        code: 43,
        file: "-- +goose Up\nSET TRANSACTION READ ONLY;\nCREATE TABLE b ();\n",
        ..USUAL
    },
    Ending {
        name: "ended by the server",
        code: 44,
        file: "-- +goose Up\nSELECT pg_terminate_backend(pg_backend_pid());\n",
        ..USUAL
    },
    Ending { name: "unknown", code: 45, arguments: &["up", "--connect-wait", "1s"], before: cut_off, ..USUAL },
    Ending { name: "out of time", code: 46, file: SLOW, arguments: &["up", "--deadline", "1s"], ..USUAL },
    Ending { name: "no room", code: 47, file: RAISES, ..USUAL },
    Ending { name: "told to end", code: 50, file: SLOW, signal: Some("TERM"), ..USUAL },
    Ending { name: "told to end on the way", code: 51, file: SLOW_APART, signal: Some("INT"), ..USUAL },
];

fn nothing(_: &Database, _: &Path) -> Held {
    Held::Nothing
}

fn applied(database: &Database, dir: &Path) -> Held {
    assert_eq!(migrate(&database.url, dir, &["up"]).code, 0);
    Held::Nothing
}

fn lock_held(database: &Database, _: &Path) -> Held {
    Held::Session { _session: Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)") }
}

fn closed_schema(database: &Database, _: &Path) -> Held {
    database.rows("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    Held::Nothing
}

fn half_done(database: &Database, dir: &Path) -> Held {
    assert_eq!(migrate(&database.url, dir, &["up"]).code, 26);
    Held::Nothing
}

fn edited(database: &Database, dir: &Path) -> Held {
    applied(database, dir);
    std::fs::write(dir.join("00001_a.sql"), FIRST.replace("id int", "id bigint")).expect("an edit");
    Held::Nothing
}

fn pooled(database: &Database, dir: &Path) -> Held {
    assert_eq!(migrate(&database.url, dir, &["up", "--to", "1"]).code, 0);
    let settings = "auth_type = scram-sha-256";
    Pooler::start("a password behind a pooler", super::guarded().port(), settings).map_or(Held::Missing, Held::Pooler)
}

fn table_held(database: &Database, dir: &Path) -> Held {
    assert_eq!(migrate(&database.url, dir, &["up", "--to", "1"]).code, 0);
    Held::Session { _session: Session::that(&database.url, "BEGIN; SELECT * FROM a") }
}

/// The answer to COMMIT is lost, and so is everything that is tried afterwards.
fn cut_off(database: &Database, dir: &Path) -> Held {
    assert_eq!(migrate(&database.url, dir, &["up", "--to", "1"]).code, 0);
    let at = At::Text("COMMIT\0", 1);
    let commit = Fault { on: Connection::Nth(1), side: Side::Client, at, act: Act::Unanswered(Break::Reset) };
    let again = Fault { on: Connection::From(2), side: Side::Client, at: At::Message(1), act: Act::Cut(Break::Reset) };
    Held::Proxy(Proxy::with_faults(super::guarded().port(), &[commit, again]))
}
