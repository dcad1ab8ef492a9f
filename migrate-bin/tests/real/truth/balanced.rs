//! A pooler that balances reads: what decides is read from where it will be written.

use migrate_scratch::Server;

use super::{ONE, TWO, told};
use crate::pgpool::Pgpool;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, eventually, folder, migrate, sql};
use crate::standby::Standby;

/// From here on the standby is behind.
fn pause(standby: &Standby<'_>) {
    sql(&standby.url("postgres"), "SELECT pg_wal_replay_pause()");
    let state = "SELECT pg_get_wal_replay_pause_state()";
    eventually("replay is paused", || sql(&standby.url("postgres"), state) == ["paused"]);
}

#[test]
fn behind_pgpool_with_a_standby_that_lags_the_primary_s_history_counts() {
    let primary = Server::newest().expect("a server");
    let database = Database::create_on(&primary);
    let files = folder(&[ONE, TWO]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    let standby = Standby::of(&primary, true);
    let Some(pgpool) = Pgpool::start("a standby behind pgpool-II", primary.port(), Some(standby.port)) else { return };
    let (url, behind) = (pgpool.url(&database.name), standby.url(&database.name));
    // That plain reads do go to the standby is what makes this a test.
    assert_eq!(sql(&url, "SELECT version_id FROM goose_db_version ORDER BY id"), ["0", "1"]);
    pause(&standby);
    told(&migrate(&url, files.path(), &["up"]), 0, &["00002_b.sql", "at version 2"]);
    assert_eq!(sql(&behind, "SELECT max(version_id) FROM goose_db_version"), ["1"], "the standby lags");
    assert_eq!(sql(&url, "SELECT max(version_id) FROM goose_db_version"), ["1"], "a plain read is the standby's");
    told(&migrate(&url, files.path(), &["status"]), 0, &["at version 2"]);
    assert_eq!(migrate(&url, files.path(), &["version"]).stdout, "2\n");
    told(&migrate(&url, files.path(), &["check"]), 0, &[]);
    told(&migrate(&url, files.path(), &["up"]), 0, &["nothing to apply: the database is at version 2"]);
    // The other way round: the standby still has what was undone.
    sql(&standby.url("postgres"), "SELECT pg_wal_replay_resume()");
    eventually("the standby has caught up", || sql(&behind, "SELECT max(version_id) FROM goose_db_version") == ["2"]);
    pause(&standby);
    told(&migrate(&url, files.path(), &["down"]), 0, &["at version 1"]);
    assert_eq!(sql(&url, "SELECT max(version_id) FROM goose_db_version"), ["2"], "a plain read is the standby's");
    assert_eq!(migrate(&url, files.path(), &["check"]).code, 10);
    told(&migrate(&url, files.path(), &["up"]), 0, &["00002_b.sql", "at version 2"]);
    told(&migrate(&url, files.path(), &["redo"]), 0, &["at version 2"]);
    told(&migrate(&url, files.path(), &["reset"]), 0, &[]);
    assert_eq!(database.versions(), ["0"]);
}

#[test]
fn behind_pgpool_with_one_server_everything_is_as_without() {
    let primary = crate::stage::server();
    let database = Database::create();
    let files = folder(&[ONE, TWO]);
    let Some(pgpool) = Pgpool::start("one server behind pgpool-II", primary.port(), None) else { return };
    let url = pgpool.url(&database.name);
    told(&migrate(&url, files.path(), &["up"]), 0, &["at version 2"]);
    told(&migrate(&url, files.path(), &["redo"]), 0, &["at version 2"]);
    told(&migrate(&url, files.path(), &["reset"]), 0, &[]);
    assert_eq!(database.versions(), ["0"]);
}

#[test]
fn what_became_of_a_commit_behind_such_a_pooler_is_asked_of_the_primary() {
    let primary = Server::newest().expect("a server");
    let database = Database::create_on(&primary);
    let files = folder(&[ONE, TWO]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    let standby = Standby::of(&primary, true);
    let Some(pgpool) = Pgpool::start("a lost COMMIT behind pgpool-II", primary.port(), Some(standby.port)) else {
        return;
    };
    pause(&standby);
    let at = At::Text("COMMIT\0", 1);
    let lost = |act| Fault { on: Connection::First(1), side: Side::Client, at, act };
    let plain = "SELECT max(version_id) FROM goose_db_version";
    for (act, fate) in [
        (Act::Unanswered(Break::Close), "00002_b.sql was committed"),
        (Act::Cut(Break::Close), "00002_b.sql was not committed"),
    ] {
        let proxy = Proxy::with_faults(pgpool.port, &[lost(act)]);
        told(&migrate(&proxy.url(&database.name), files.path(), &["up"]), 0, &[fate, "at version 2"]);
        assert_eq!(proxy.hits(), 1);
        assert_eq!(sql(&pgpool.url(&database.name), plain), ["1"], "a plain read is the standby's");
        assert_eq!(database.versions(), ["0", "1", "2"]);
        told(&migrate(&database.url, files.path(), &["down"]), 0, &["at version 1"]);
    }
}
