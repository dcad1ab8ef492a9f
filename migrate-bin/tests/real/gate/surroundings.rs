//! Roles without privileges, standbys, poolers; and what asking touches.

use migrate_core::gate::Gate;

use super::{ask, release, set, told};
use crate::pooler::Pooler;
use crate::stage::{Database, eventually, migrate, server, sql};
use crate::standby::Standby;

fn migrated(versions: &[i64]) -> Database {
    let database = Database::create();
    let ended = migrate(&database.url, release(versions).path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    database
}

/// The URL of a role of its own, which may do nothing.
fn as_role(database: &Database, role: &str) -> String {
    database.rows(&format!("CREATE ROLE {role} LOGIN"));
    database.url.replace("postgres@", &format!("{role}@"))
}

fn without_role(database: &Database, role: &str) {
    database.rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_role_needs_select_on_the_version_table_and_is_told_the_grant() {
    let (database, set) = (migrated(&[1, 2]), set(&[1, 2]));
    let url = as_role(&database, "gate_reader");
    let gate = Gate::new(&set);
    let verdict = ask(&url, "", &gate);
    assert_eq!(told(&verdict), "no-privilege");
    assert!(verdict.next.contains("GRANT SELECT ON public.goose_db_version TO \"gate_reader\""), "{verdict}");
    let ended = migrate(&url, release(&[1, 2]).path(), &["check"]);
    assert!(ended.code == 22 && ended.stderr.contains("GRANT SELECT ON"), "{}", ended.stderr);

    database.rows("GRANT SELECT ON goose_db_version TO gate_reader");
    let verdict = ask(&url, "", &gate);
    assert_eq!((told(&verdict).as_str(), verdict.warnings.len()), ("ok", 1), "{verdict}");
    assert!(
        verdict.warnings[0].contains("GRANT SELECT ON public.goose_db_version_ledger TO"),
        "{:?}",
        verdict.warnings
    );

    database.rows("GRANT SELECT ON goose_db_version_ledger TO gate_reader");
    assert_eq!(ask(&url, "", &gate).warnings, [""; 0]);
    without_role(&database, "gate_reader");
}

#[test]
fn a_role_without_the_schema_is_not_told_that_nothing_was_applied() {
    let (database, set) = (Database::create(), set(&[1]));
    let files = release(&[1]);
    database.rows("CREATE SCHEMA app");
    assert_eq!(migrate(&database.url, files.path(), &["up", "--table", "app.versions"]).code, 0);
    let url = as_role(&database, "gate_outsider");
    let named = Gate::new(&set).table("app.versions".parse().expect("a name"));
    let unnamed = Gate::new(&set).table("versions".parse().expect("a name"));
    let states = |gate: &Gate<'_>| ask(&url, "SET search_path = nowhere, app", gate).state.word().to_owned();
    assert_eq!((states(&named), states(&unnamed)), ("no-privilege".into(), "no-privilege".into()));
    database
        .rows("GRANT USAGE ON SCHEMA app TO gate_outsider; GRANT SELECT ON ALL TABLES IN SCHEMA app TO gate_outsider");
    assert_eq!((states(&named), states(&unnamed)), ("ok".into(), "ok".into()));
    assert_eq!(ask(&url, "", &unnamed).state.word(), "not-initialised", "outside the search_path");
    without_role(&database, "gate_outsider");
}

#[test]
fn asking_takes_no_lock_but_access_share_and_needs_no_write() {
    let (database, set) = (migrated(&[1, 2]), set(&[1, 2]));
    let question = Gate::new(&set).question();
    let modes = database.rows(&format!(
        "SET default_transaction_read_only = on; BEGIN; {question}; SELECT DISTINCT mode FROM pg_locks \
         WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'; SELECT txid_current_if_assigned() IS NULL; COMMIT"
    ));
    assert_eq!(modes[modes.len() - 2..], ["AccessShareLock", "t"], "{modes:?}");
    assert!(
        modes[..modes.len() - 2].iter().all(|row| row.starts_with("tables|") || row.starts_with("row|")),
        "{modes:?}"
    );
}

#[test]
fn hostile_settings_of_a_session_change_nothing() {
    let (database, set) = (migrated(&[1, 2]), set(&[1, 2, 3]));
    for before in [
        "SET standard_conforming_strings = off",
        "SET search_path = ''",
        "SET default_transaction_isolation = 'serializable'",
        "SET bytea_output = 'escape'; SET DateStyle = 'German'; SET xmloption = 'document'; SET xmlbinary = 'hex'",
        "SET quote_all_identifiers = on",
        "SET row_security = off",
    ] {
        let gate = Gate::new(&set).table("public.goose_db_version".parse().expect("a name"));
        assert_eq!(told(&ask(&database.url, before, &gate)), "behind 3", "{before}");
    }
}

#[test]
fn a_standby_answers_as_its_primary_does() {
    let installation = migrate_scratch::installations(&[]).into_iter().next().expect("an installation");
    let primary = migrate_scratch::Server::start(&installation).expect("a server");
    let database = Database::create_on(&primary);
    let files = release(&[1, 2]);
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "1"]).code, 0);
    let standby = Standby::of(&primary, true);
    let url = standby.url(&database.name);
    let check = |versions: &[i64]| migrate(&url, release(versions).path(), &["check"]).code;
    assert_eq!((check(&[1]), check(&[1, 2])), (0, 10));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    eventually("the standby follows", || check(&[1, 2]) == 0);
    assert_eq!(check(&[1]), 0);
}

#[test]
fn a_pooler_in_any_mode_passes_the_question_on() {
    let (database, set) = (migrated(&[1, 2]), set(&[1, 2, 3]));
    for mode in ["transaction", "statement", "session"] {
        let settings = format!("pool_mode = {mode}\ndefault_pool_size = 1");
        let Some(pooler) = Pooler::start("gate", server().port(), &settings) else { return };
        let url = pooler.url(&database.name);
        for _ in 0..3 {
            assert_eq!(told(&ask(&url, "", &Gate::new(&set))), "behind 3", "{mode}");
        }
        assert_eq!(migrate(&url, release(&[1]).path(), &["check"]).code, 0, "{mode}");
        drop(pooler);
        eventually("the pooler's sessions end", || {
            let query = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name);
            sql(&server().url("postgres"), &query) == ["0"]
        });
    }
}
