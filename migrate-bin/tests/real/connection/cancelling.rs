//! A running statement is stopped over a connection of its own, encrypted like the session's.

use std::time::Duration;

use migrate_core::apply::{self, Means, Session};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source};
use migrate_core::parse::{Environment, read_folder};
use migrate_core::plan::{Goal, Order, Versioning};

use super::lab::{HOST, lab, pairs};
use super::recorder::Recorder;
use crate::stage::{Database, eventually, folder, sql};

/// A migration that takes its time.
const SLOW: (&str, &str) = ("00001_a.sql", "-- +goose Up\nSELECT pg_sleep(600);\n");

fn connector(url: String) -> Connector {
    let source = Source::Argument(url);
    Connector {
        source,
        variables: Environment::default(),
        account: None,
        database: None,
        access: Access::Change,
        patience: Duration::ZERO,
    }
}

/// Sleeps in a migration until the server ends it; the server's SQLSTATE.
async fn sleep(session: &mut Session) -> String {
    let files = folder(&[SLOW]);
    let set = migrate_core::parse::parse(read_folder(files.path(), "migrations")).set;
    let environment = Environment::default();
    let order = Order { versioning: Versioning::Ignored, ..Order::new(&set, Goal::Up, &environment) };
    let failure = apply::apply(session, &apply::Request::new(order), &Means::alone(), &mut |_| {})
        .await
        .expect_err("it was stopped");
    failure.server.expect("the server's word").sqlstate
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn a_statement_is_stopped_with_tls_where_the_session_has_tls() {
    for (mode, in_tls) in [("require", true), ("disable", false)] {
        let database = Database::create_on(&lab().server);
        let recorder = Recorder::start(lab().server.port());
        let url = pairs(HOST, recorder.port, &format!("user=either sslmode={mode}"));
        let connector = connector(url.replace("dbname=postgres", &format!("dbname={}", database.name)));
        let runtime = runtime();
        let mut session = runtime.block_on(Session::open(&connector, &mut |_| {})).expect("a session");
        assert_eq!(session.peer().is_some_and(|peer| peer.tls.is_some()), in_tls);
        let canceller = session.canceller().expect("a session over the network");
        let admin = database.url.clone();
        let stopping = std::thread::spawn(move || {
            let asleep = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
                          AND query LIKE 'SELECT pg_sleep%' AND datname = current_database()";
            eventually("the statement runs", || sql(&admin, asleep) == ["1"]);
            self::runtime().block_on(canceller.cancel()).expect("the request is sent");
        });
        assert_eq!(runtime.block_on(sleep(&mut session)), "57014", "{mode}");
        stopping.join().expect("the other side");
        // CancelRequest in the clear: its length, and its code where the protocol's version would stand.
        let bare = [0, 0, 0, 16, 4, 210, 22, 46];
        assert_eq!(recorder.sent().windows(8).any(|window| window == bare), !in_tls, "{mode}");
        runtime.block_on(session.close());
    }
}
