//! PgBouncer in transaction mode in front: what it takes, and what its refusals mean.

use super::authority::{Authority, Valid, write};
use super::lab::{HOST, PASSWORD, lab, pairs, tried};
use crate::pooler::Pooler;
use crate::stage::{Database, eventually, folder, migrate, permit, server};

/// Keeps what the session calls itself.
const NAMED: (&str, &str) =
    ("00001_a.sql", "-- +goose Up\nCREATE TABLE a AS SELECT current_setting('application_name') AS name;\n");

#[test]
fn migrations_go_through_a_pooler_that_takes_no_startup_parameter_of_its_own() {
    let Some(pooler) = Pooler::start("a pooler without TLS", server().port(), "") else { return };
    let database = Database::create();
    let files = folder(&[NAMED]);
    let mut command = crate::stage::migrate_command(&["up", "-v", "--database-url", &pooler.url(&database.name)]);
    command.arg("--dir").arg(files.path()).env("POD_NAME", "migrate-7-x2x4l");
    let ended = crate::stage::Ended::from(command.output().expect("migrate starts"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let own = format!("migrate/{}/migrate-7-x2x4l", env!("CARGO_PKG_VERSION"));
    assert_eq!(database.rows("SELECT name FROM a"), [own]);
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_pooler_s_tls_is_as_good_as_a_server_s() {
    let authority = Authority::new("scene authority");
    let certified = authority.certify(HOST, &[HOST], Valid::Now);
    let files = folder(&[("root.crt", &authority.pem())]);
    permit(files.path(), 0o755);
    let (certificate, key) =
        (write(files.path(), "pooler.crt", &certified.certificate), write(files.path(), "pooler.key", &certified.key));
    permit(&certificate, 0o644);
    permit(&key, 0o644);
    let tls = format!(
        "client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}",
        certificate.display(),
        key.display()
    );
    let Some(pooler) = Pooler::start("a pooler with TLS", server().port(), &tls) else { return };
    let root = files.path().join("root.crt");
    let more = |mode: &str| format!("user=postgres sslmode={mode} sslrootcert={}", root.display());
    for mode in ["require", "verify-ca", "verify-full"] {
        let ended = tried(&pairs(HOST, pooler.port, &more(mode)), &[]);
        assert!(ended.code == 0 && ended.stderr.contains(", TLS 1."), "{mode}: {}", ended.stderr);
    }
    let elsewhere = tried(&pairs("other.example", pooler.port, &more("verify-full")), &[]);
    assert_eq!(elsewhere.code, 23, "{}", elsewhere.stderr);
    let clear = tried(&pairs(HOST, pooler.port, "user=postgres sslmode=disable"), &[]);
    assert_eq!(clear.code, 23, "{}", clear.stderr);
}

#[test]
fn a_pooler_without_tls_is_refused_by_require() {
    let Some(pooler) = Pooler::start("a pooler without TLS", server().port(), "") else { return };
    assert_eq!(tried(&format!("{}?sslmode=require", pooler.url("postgres")), &[]).code, 23);
}

#[test]
fn a_pooler_s_refusals_are_told_apart_by_their_words() {
    let Some(pooler) = Pooler::start("a pooler's refusals", server().port(), "") else { return };
    for (url, code) in [
        (pooler.url("nowhere"), 20),
        (format!("{}?options=-c%20search_path%3Da", pooler.url("postgres")), 20),
        (format!("{}?search_path=a", pooler.url("postgres")), 20),
        (pooler.url("postgres").replace("postgres@", "nobody_here@"), 21),
    ] {
        let ended = tried(&url, &[]);
        assert_eq!(ended.code, code, "{url}: {}", ended.stderr);
    }
    let Some(full) = Pooler::start("a full pooler", server().port(), "max_client_conn = 1") else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut client = None;
    // The connection that found the pooler listening counts until it is seen to be gone.
    eventually("the only client is let in", || {
        let other = runtime.block_on(tokio_postgres::connect(&full.url("postgres"), tokio_postgres::NoTls));
        client = other.ok().map(|(client, connection)| {
            runtime.spawn(connection);
            client
        });
        client.is_some()
    });
    let refused = tried(&full.url("postgres"), &[]);
    assert_eq!(refused.code, 40, "{}", refused.stderr);
    drop(client);
}

#[test]
fn a_password_is_checked_by_a_pooler_too() {
    let Some(pooler) = Pooler::start("a pooler with passwords", lab().server.port(), "auth_type = scram-sha-256")
    else {
        return;
    };
    for (password, code) in [(PASSWORD, 0), ("wrong", 21)] {
        let ended = tried(&format!("postgres://secret:{password}@127.0.0.1:{}/postgres", pooler.port), &[]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
    }
    let files = folder(&[NAMED]);
    let up = migrate(&format!("postgres://secret@127.0.0.1:{}/postgres", pooler.port), files.path(), &["up"]);
    assert!(up.code == 21 && up.stderr.contains("no password is given"), "{}", up.stderr);
}

#[test]
fn a_pooler_that_drops_the_search_path_is_found_out_before_anything_runs() {
    let settings = "ignore_startup_parameters = options, search_path";
    let Some(pooler) = Pooler::start("a pooler that drops options", server().port(), settings) else { return };
    let database = Database::create();
    database.rows("CREATE SCHEMA app");
    let files = folder(&[NAMED]);
    let url = pooler.url(&database.name);
    let dropped = migrate(&format!("{url}?search_path=app"), files.path(), &["up"]);
    assert_eq!(dropped.code, 20, "{}", dropped.stderr);
    for words in ["dropped what the session was to begin with: `search_path`", "DATABASE_URL_DIRECT"] {
        assert!(dropped.stderr.contains(words), "{}", dropped.stderr);
    }
    assert_eq!(database.rows("SELECT count(*) FROM pg_class WHERE relname = 'goose_db_version'"), ["0"]);
    // With the role's own setting, what is asked for is what there is.
    database.rows(&format!("ALTER DATABASE {} SET search_path = app", database.name));
    let ended = migrate(&format!("{}?search_path=app", database.url), files.path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
