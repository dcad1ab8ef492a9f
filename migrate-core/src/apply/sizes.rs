//! How large the tables are that a plan touches, and who uses them.
//!
//! From a plan and its effects to a list of relations, and with one query to what the server knows of them. Invariant: it
//! needs no privilege on a table and waits for no lock of one. A relation that does not exist yet has no size.

use super::{Session, failure};
use crate::command::LockMode;
use crate::effect::Effect;
use crate::flight::{TableName, literal, quote};
use crate::history::TextRow;
use crate::lint::{Settings, all_steps};
use crate::migration::{Direction, Set};
use crate::plan::{Batch, Plan};
use crate::report::Failure;

/// What a plan does to a relation that somebody made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The relation, with its schema.
    pub relation: String,
    /// The migration that does most to it, as messages write its file.
    pub path: String,
    /// The strongest lock, where one is known.
    pub lock: Option<LockMode>,
    /// Whether it is written anew.
    pub rewritten: bool,
    /// Whether it is read in full.
    pub scanned: bool,
}

/// What a server knows of a relation. Numbers are the statistics' and may be a little late.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Size {
    /// The planner's estimate; the statistics' where it was never analyzed.
    pub rows: u64,
    /// With indexes, TOAST and partitions.
    pub bytes: u64,
    /// The statistics' count of live rows.
    pub live_rows: u64,
    /// How often it was read in full.
    pub sequential_scans: u64,
    /// How often it was read by an index.
    pub index_scans: u64,
    /// Rows inserted, updated and deleted.
    pub writes: u64,
    /// When it was read last, as the server writes it; servers before 16 do not know.
    pub last_scan: Option<String>,
    /// Locks on it that other sessions hold.
    pub lock_holders: u64,
    /// Locks on it that other sessions wait for.
    pub lock_waiters: u64,
}

/// The relations that a plan touches, by name; those that it makes itself may be among them.
#[must_use]
pub fn touches(set: &Set, plan: &Plan<'_>, settings: &Settings) -> Vec<Touch> {
    let steps = all_steps(set, settings);
    let mut touches: Vec<Touch> = Vec::new();
    for batch in &plan.batches {
        let version = batch.migration.version;
        let Some((_, of_both)) = steps.iter().find(|(other, _)| *other == version) else { continue };
        let effects = match batch.direction {
            Direction::Up => &of_both.up,
            Direction::Down => &of_both.down,
        };
        effects.iter().flat_map(|effect| of_effect(effect, &batch.path)).for_each(|touch| add(&mut touches, touch));
    }
    touches.sort_by(|a, b| a.relation.cmp(&b.relation));
    touches
}

/// The strongest lock that a migration takes on what was there before it, and the relations that it takes it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strongest {
    /// The lock.
    pub mode: LockMode,
    /// The relations, as the catalog of the migrations names them.
    pub relations: Vec<String>,
}

/// The strongest lock of each batch of a plan, in order; nothing where none is known.
#[must_use]
pub fn strongest_locks(set: &Set, plan: &Plan<'_>, settings: &Settings) -> Vec<Option<Strongest>> {
    let steps = all_steps(set, settings);
    let of_batch = |batch: &Batch<'_>| {
        let version = batch.migration.version;
        let (_, of_both) = steps.iter().find(|(other, _)| *other == version)?;
        strongest(if batch.direction == Direction::Up { &of_both.up } else { &of_both.down })
    };
    plan.batches.iter().map(of_batch).collect()
}

fn strongest(effects: &[Effect]) -> Option<Strongest> {
    let locks = || effects.iter().flat_map(|effect| &effect.locks);
    let mode = locks().map(|lock| lock.mode).max()?;
    let mut relations: Vec<String> = Vec::new();
    for lock in locks().filter(|lock| lock.mode == mode) {
        if !relations.contains(&lock.relation) {
            relations.push(lock.relation.clone());
        }
    }
    Some(Strongest { mode, relations })
}

fn of_effect<'a>(effect: &'a Effect, path: &'a str) -> impl Iterator<Item = Touch> + 'a {
    let touch = |relation: &str, lock, rewritten, scanned| {
        let relation = if relation.contains('.') { relation.to_owned() } else { format!("public.{relation}") };
        Touch { relation, path: path.to_owned(), lock, rewritten, scanned }
    };
    let locks = effect.locks.iter().map(move |lock| touch(&lock.relation, Some(lock.mode), false, false));
    let rewrites = effect.rewrites.iter().map(move |touched| touch(&touched.relation, None, true, false));
    let scans = effect.scans.iter().map(move |touched| touch(&touched.relation, None, false, true));
    locks.chain(rewrites).chain(scans)
}

/// Joins what is done to one relation; the file is that of the worst.
fn add(touches: &mut Vec<Touch>, touch: Touch) {
    let Some(known) = touches.iter_mut().find(|known| known.relation == touch.relation) else {
        touches.push(touch);
        return;
    };
    let weight = |touch: &Touch| (touch.rewritten, touch.scanned, touch.lock);
    if weight(&touch) > weight(known) {
        known.path = touch.path;
    }
    known.lock = known.lock.max(touch.lock);
    known.rewritten |= touch.rewritten;
    known.scanned |= touch.scanned;
}

/// Asks how large the relations are, in one round trip. Those that do not exist, and those that hold no rows of their
/// own, are left out.
///
/// # Errors
/// A lost connection.
pub async fn weigh(session: &Session, touches: Vec<Touch>, name: &TableName) -> Result<Vec<(Touch, Size)>, Failure> {
    if touches.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.rows(&query(&touches)).await.map_err(|error| failure::of_read(&error, name))?;
    let sizes = rows.into_iter().filter_map(|row| {
        let at: usize = row.first()?.as_deref()?.parse().ok()?;
        Some((touches.get(at)?.clone(), size_of(&row)))
    });
    Ok(sizes.collect())
}

fn size_of(row: &TextRow) -> Size {
    let text = |column: usize| row.get(column).and_then(Option::as_deref);
    let number = |column| text(column).and_then(|number| number.parse().ok()).unwrap_or_default();
    Size {
        rows: number(1),
        bytes: number(2),
        live_rows: number(3),
        sequential_scans: number(4),
        index_scans: number(5),
        writes: number(6),
        last_scan: text(7).map(str::to_owned),
        lock_holders: number(8),
        lock_waiters: number(9),
    }
}

/// A relation together with its partitions. `pg_total_relation_size` takes a lock, and would wait for who holds ACCESS
/// EXCLUSIVE: of such a relation the pages at its last VACUUM or ANALYZE are counted instead.
fn query(touches: &[Touch]) -> String {
    let name = |relation: &str| {
        let (schema, name) = relation.split_once('.').unwrap_or(("public", relation));
        literal(&format!("{}.{}", quote(schema), quote(name)))
    };
    let wanted: Vec<String> =
        touches.iter().enumerate().map(|(at, touch)| format!("({at}, {})", name(&touch.relation))).collect();
    format!(
        "SELECT w.at, pg_catalog.sum(CASE WHEN p.reltuples < 0 THEN coalesce(s.n_live_tup, 0) ELSE p.reltuples END)::bigint, \
         pg_catalog.sum(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.relation = p.oid AND l.database = d.oid \
         AND l.mode = 'AccessExclusiveLock') THEN p.relpages * pg_catalog.current_setting('block_size')::bigint \
         ELSE pg_catalog.pg_total_relation_size(p.oid) END)::bigint, \
         pg_catalog.sum(s.n_live_tup)::bigint, pg_catalog.sum(s.seq_scan)::bigint, pg_catalog.sum(s.idx_scan)::bigint, \
         pg_catalog.sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::bigint, \
         pg_catalog.max(greatest(pg_catalog.to_jsonb(s) ->> 'last_seq_scan', pg_catalog.to_jsonb(s) ->> 'last_idx_scan')), \
         pg_catalog.sum((SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l WHERE l.relation = p.oid \
         AND l.database = d.oid AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()))::bigint, \
         pg_catalog.sum((SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l WHERE l.relation = p.oid \
         AND l.database = d.oid AND NOT l.granted))::bigint \
         FROM (VALUES {}) w (at, name) \
         JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() \
         JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name) AND c.relkind IN ('r', 'p', 'm') \
         JOIN LATERAL (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) m ON true \
         JOIN pg_catalog.pg_class p ON p.oid = m.oid \
         LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = p.oid GROUP BY w.at ORDER BY w.at",
        wanted.join(", ")
    )
}
