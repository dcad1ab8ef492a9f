//! The same decisions on a server that speaks German: no decision reads what is translated.

use super::{ONE, TWO, drop_role, role, told};
use crate::stage::{Database, folder, migrate, skipped_without};
use migrate_scratch::{Server, installations};

/// A server with German messages; `None` after saying that the scene is skipped. Only the distribution's own servers come
/// with translations, and only where the locale is there.
pub(crate) fn german(scene: &str) -> Option<Server> {
    let settings = [("lc_messages", "de_DE.UTF-8")];
    let candidates = installations(&[]);
    let server = candidates.iter().find_map(|installation| {
        let server = Server::start_with(installation, &settings).ok()?;
        said(&server.url("postgres")).contains("Syntaxfehler").then_some(server)
    });
    let found = server.as_ref().map(|server| server.bin().to_owned());
    skipped_without(found, scene, "MIGRATE_REQUIRE_GERMAN", "a server with German messages (locale de_DE.UTF-8)")?;
    server
}

/// How the server words a slip.
fn said(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
        let driver = tokio::spawn(connection);
        let error = client.simple_query("SELEKT").await.expect_err("a slip");
        drop(client);
        let _ended = driver.await;
        error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default()
    })
}

#[test]
fn what_is_decided_in_english_is_decided_in_german() {
    let Some(server) = german("decisions under German messages") else { return };
    let database = Database::create_on(&server);
    let files = folder(&[ONE, TWO]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    // A relation with the ledger's name that is none: goose's table is not the one to move.
    let other = Database::create_on(&server);
    other.rows(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE goose_db_version_ledger (a int) SERVER s",
    );
    told(&migrate(&other.url, files.path(), &["up"]), 28, &["`goose_db_version_ledger` is not the ledger"]);
    let columns = Database::create_on(&server);
    columns.rows("CREATE TABLE goose_db_version (id int, version_id bigint)");
    told(
        &migrate(&columns.url, files.path(), &["status"]),
        28,
        &["`goose_db_version` is not a goose version table", "is_applied"],
    );
    // A role without rights, a syntax error, a constraint, a lock, a missing database.
    let (role, url) = role(&database, "recht", "SELECT 1");
    told(&migrate(&url, files.path(), &["status"]), 22, &["keine Berechtigung", "GRANT SELECT"]);
    drop_role(&database, &role);
    let nowhere = database.url.replace(&database.name, "nirgends");
    told(&migrate(&nowhere, files.path(), &["status"]), 20, &["createdb nirgends"]);
    let wrong = folder(&[ONE, ("00002_b.sql", "-- +goose Up\nCREATE TABLE b ();\nSELECT nichts;\n")]);
    told(&migrate(&database.url, wrong.path(), &["up"]), 25, &["00002_b.sql:3:8", "was rolled back"]);
    // Severities are the untranslated ones.
    let noisy = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN RAISE WARNING 'hm'; RAISE NOTICE 'so'; END $$;\n\
                 -- +goose StatementEnd\n";
    let noisy = folder(&[ONE, ("00002_b.sql", noisy)]);
    let ended = migrate(&database.url, noisy.path(), &["up", "-v", "--log-format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("WARNING") && ended.stderr.contains("NOTICE"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("WARNUNG") && !ended.stderr.contains("HINWEIS"), "{}", ended.stderr);
}
