//! The cells that a fault is tried in: every major version of PostgreSQL, reached directly or through `PgBouncer`.
//!
//! A case says by which ways it can be reached, and is run once in each cell, all of them at once. Invariant: what
//! fails names its cell, and a cell that cannot be had is named too.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use migrate_scratch::{Installation, Server, installations};

use crate::pooler::Pooler;
use crate::proxy::{Fault, Proxy};
use crate::stage::{Database, skipped_without};

/// The majors, and where `./test` gets the ones that the machine lacks: the one list of them.
const MAJORS: &str = include_str!("majors.tsv");

/// How a run reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// Through `PgBouncer` in transaction mode with so many places.
    Pooled(usize),
}

use Way::{Direct, Pooled};

/// For what differs from one connection to the next, such as a file without a transaction.
pub(crate) const DIRECT: &[Way] = &[Direct];
/// For what must not depend on the way. The first pool is the one of a short run: cases differ in it.
pub(crate) const BOTH: &[Way] = &[Direct, Pooled(1), Pooled(2), Pooled(5)];
pub(crate) const BOTH_2: &[Way] = &[Direct, Pooled(2), Pooled(5), Pooled(1)];
pub(crate) const BOTH_5: &[Way] = &[Direct, Pooled(5), Pooled(1), Pooled(2)];
/// The same without the pool that a second session would wait in front of.
pub(crate) const ROOM_FOR_TWO: &[Way] = &[Direct, Pooled(2), Pooled(5)];
/// For what a pooler does.
pub(crate) const POOLED: &[Way] = &[Pooled(2), Pooled(1), Pooled(5)];
/// For cases that take the direct way beside it.
pub(crate) const POOLED_5: &[Way] = &[Pooled(5)];

/// One way to one server, and a database of its own on it.
pub(crate) struct Cell {
    pub(crate) server: &'static Server,
    pub(crate) way: Way,
    pub(crate) pooler: Option<Pooler>,
    /// Always the direct way.
    pub(crate) database: Database,
}

impl Cell {
    /// The port that runs go to.
    pub(crate) fn port(&self) -> u16 {
        self.pooler.as_ref().map_or(self.server.port(), |pooler| pooler.port)
    }

    /// The URL that runs go to.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port(), self.database.name)
    }

    /// A proxy on the run's way in which these things go wrong.
    pub(crate) fn proxy(&self, faults: &[Fault]) -> Proxy {
        Proxy::with_faults(self.port(), faults)
    }

    /// The database by another way.
    pub(crate) fn through(&self, proxy: &Proxy) -> String {
        proxy.url(&self.database.name)
    }

    /// Another pooler in front of the server, with these settings.
    pub(crate) fn pool(&self, case: &str, settings: &str) -> Option<Pooler> {
        Pooler::start(case, self.server.port(), settings)
    }

    /// The name of a role that no other cell has.
    pub(crate) fn role(&self, name: &str) -> String {
        format!("{name}_{}", self.database.name)
    }
}

/// Runs a case in every cell of these ways.
pub(crate) fn in_each(case: &str, ways: &[Way], run: impl Fn(&mut Cell) + Sync) {
    let cells: Vec<(u32, Way)> =
        majors(case).into_iter().flat_map(|major| chosen(ways).map(move |way| (major, way))).collect();
    at_once(&cells, |(major, way)| {
        let Some(mut cell) = cell(case, major, way) else { return };
        run(&mut cell);
    });
}

/// A server of each major, for a case that makes cells of its own.
pub(crate) fn servers(case: &str) -> Vec<&'static Server> {
    majors(case).into_iter().map(server).collect()
}

/// Runs a case that has servers of its own once for every major.
pub(crate) fn on_each_major(case: &str, run: impl Fn(&Installation) + Sync) {
    at_once(&majors(case), |major| run(&installed()[&major]));
}

/// Whether every pool size is tried, and time-outs are waited for that a short run helps along.
pub(crate) fn is_long() -> bool {
    std::env::var_os("MIGRATE_LONG").is_some()
}

/// The ways of this run: in a short one, the direct way and the first pool.
fn chosen(ways: &[Way]) -> impl Iterator<Item = Way> {
    let first_pool = ways.iter().find(|way| **way != Direct).copied();
    let is_chosen = move |way: &Way| *way == Direct || is_long() || Some(*way) == first_pool;
    ways.iter().copied().filter(is_chosen)
}

fn at_once<C: Copy + std::fmt::Debug + Send>(cells: &[C], run: impl Fn(C) + Sync) {
    let failed: Vec<String> = std::thread::scope(|scope| {
        let start = |cell: &C| {
            let (cell, run) = (*cell, &run);
            scope.spawn(move || catch_unwind(AssertUnwindSafe(|| run(cell))).map_err(|panic| told(cell, &*panic)))
        };
        let threads: Vec<_> = cells.iter().map(start).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("its panic is caught").err()).collect()
    });
    assert!(failed.is_empty(), "failed in {} of {} cells:\n{}", failed.len(), cells.len(), failed.join("\n"));
}

fn told(cell: impl std::fmt::Debug, panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
    format!("in the cell {cell:?}: {words}")
}

fn cell(case: &str, major: u32, way: Way) -> Option<Cell> {
    let server = server(major);
    let pooler = match way {
        Direct => None,
        Pooled(size) => {
            let settings = format!("default_pool_size = {size}");
            Some(Pooler::start(&format!("{case} ({major}, pooled)"), server.port(), &settings)?)
        }
    };
    Some(Cell { server, way, pooler, database: Database::create_on(server) })
}

/// The majors that are installed; the others are named as skipped.
fn majors(case: &str) -> Vec<u32> {
    let listed = MAJORS.lines().filter_map(|line| line.split('\t').next()?.parse().ok());
    let is_there = |major: &u32| {
        let bin: Option<PathBuf> = installed().get(major).map(|installation| installation.bin.clone());
        let what = format!("PostgreSQL {major}");
        skipped_without(bin, &format!("{case} on {what}"), "MIGRATE_REQUIRE_MAJORS", &what).is_some()
    };
    listed.filter(is_there).collect()
}

/// The first installation of each major.
fn installed() -> &'static BTreeMap<u32, Installation> {
    static INSTALLED: OnceLock<BTreeMap<u32, Installation>> = OnceLock::new();
    INSTALLED.get_or_init(|| installations(&[]).into_iter().rev().map(|found| (found.major, found)).collect())
}

/// One server of a major for all cases that leave it as it is. It ends with the process.
fn server(major: u32) -> &'static Server {
    static SERVERS: Mutex<BTreeMap<u32, &'static Server>> = Mutex::new(BTreeMap::new());
    let mut servers = SERVERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    servers.entry(major).or_insert_with(|| {
        let settings = [("max_connections", "300")];
        Box::leak(Box::new(Server::start_with(&installed()[&major], &settings).expect("a server")))
    })
}
