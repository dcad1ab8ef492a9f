//! What each statement of a file does to the relations that are there before it, as a server shows it.
//!
//! Every statement runs in a transaction of its own, so that no lock of one before it is in the way. What cannot run in a
//! transaction has no trace; a file that needs its statements in one transaction has none behind the first that fails.

use std::collections::{BTreeMap, BTreeSet};

use super::{Task, Trace};
use crate::apply::Session;
use crate::check::ready_statements;
use crate::command::{Action, LockMode, read};
use crate::history::TextRow;
use crate::migration::{Direction, Migration, Statement};
use crate::report::{Exit, Failure};

/// A relation of the user as the server has it.
struct Seen {
    name: String,
    is_index: bool,
    storage: String,
    scans: i64,
}

/// By object identifier.
type Relations = BTreeMap<String, Seen>;

const RELATIONS: &str = "SELECT c.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, \
     c.relkind IN ('i', 'I'), c.relfilenode, pg_catalog.pg_stat_get_xact_numscans(c.oid) \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

const LOCKS: &str = "SELECT relation, mode FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND granted \
     AND relation IS NOT NULL";

/// Runs Up and then Down, and tells what both did.
pub(super) async fn trace(session: &Session, migration: &Migration, task: &Task<'_>) -> Result<Vec<Trace>, Failure> {
    let path = task.set.path_of(migration);
    let mut traces = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        // What is wrong with the file's values is told by the run itself.
        let Ok(statements) = ready_statements(migration, direction, &path, task.environment) else { break };
        for (at, statement) in statements.iter().enumerate() {
            let sql = local_to_the_session(statement.sql(&migration.text));
            match one(session, &sql).await {
                Ok(None) => {}
                Ok(Some(seen)) => traces.extend(seen.into_trace(at + 1, statement, direction)),
                Err(error) if error.is_closed() => {
                    return Err(Failure::new(
                        Exit::ConnectionLost,
                        format!("the connection broke: {error}"),
                        "run again",
                    ));
                }
                Err(_) => return Ok(traces),
            }
        }
    }
    Ok(traces)
}

/// `SET LOCAL` would end with the transaction of its own.
fn local_to_the_session(sql: &str) -> String {
    let is_local = |action: &Action| matches!(action, Action::Setting(setting) if setting.local);
    if read(sql).iter().any(|command| is_local(&command.action)) {
        sql.replacen("LOCAL ", "", 1)
    } else {
        sql.to_owned()
    }
}

/// What one statement did.
#[derive(Default)]
struct Facts {
    locks: BTreeMap<String, LockMode>,
    rewrites: BTreeSet<String>,
    scans: BTreeSet<String>,
}

impl Facts {
    /// Nothing where there is nothing to tell.
    fn into_trace(self, number: usize, statement: &Statement, direction: Direction) -> Option<Trace> {
        let Self { locks, rewrites, scans } = self;
        let locks: Vec<_> = locks.into_iter().map(|(name, mode)| (name, mode.pg_locks().to_owned())).collect();
        let is_empty = locks.is_empty() && rewrites.is_empty() && scans.is_empty();
        (!is_empty).then(|| Trace {
            statement: number,
            line: statement.line(),
            direction,
            locks,
            rewrites: rewrites.into_iter().collect(),
            scans: scans.into_iter().collect(),
        })
    }
}

/// Runs a statement: what it did, or nothing where that cannot be seen.
async fn one(session: &Session, sql: &str) -> Result<Option<Facts>, tokio_postgres::Error> {
    let controls = read(sql).iter().any(|command| matches!(command.action, Action::Transaction(_)));
    if controls {
        // Each statement has a transaction of its own already.
        return Ok(None);
    }
    let before = relations(session.rows(&format!("BEGIN; {RELATIONS}")).await?);
    if let Err(inside) = session.rows(sql).await {
        session.rows("ROLLBACK").await?;
        // PostgreSQL's own refusal is the test for what cannot run in a transaction.
        let outside = inside.code().is_some_and(|code| ["25001", "2D000"].contains(&code.code()));
        return if outside { session.rows(sql).await.map(|_| None) } else { Err(inside) };
    }
    let rows = session.rows(&format!("{LOCKS}; {RELATIONS}; COMMIT")).await?;
    let (locks, after): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.len() == 2);
    Ok(Some(compare(&before, locks, &relations(after))))
}

fn relations(rows: Vec<TextRow>) -> Relations {
    let seen = rows.into_iter().filter_map(|row| {
        let [oid, name, is_index, storage, scans] = <[Option<String>; 5]>::try_from(row).ok()?;
        let scans = scans.and_then(|scans| scans.parse().ok()).unwrap_or_default();
        Some((oid?, Seen { name: name?, is_index: is_index.as_deref() == Some("t"), storage: storage?, scans }))
    });
    seen.collect()
}

fn compare(before: &Relations, locks: Vec<TextRow>, after: &Relations) -> Facts {
    let mut facts = Facts::default();
    for row in locks {
        let [Some(oid), Some(mode)] = row.as_slice() else { continue };
        let Some(mode) = LockMode::ALL.into_iter().find(|known| known.pg_locks() == mode) else { continue };
        // Indexes are locked weakly by whoever plans or runs a query on their table.
        let holds_up = |seen: &&Seen| !seen.is_index || mode >= LockMode::ShareUpdateExclusive;
        let Some(seen) = before.get(oid).filter(holds_up) else { continue };
        let strongest = facts.locks.entry(seen.name.clone()).or_insert(mode);
        *strongest = mode.max(*strongest);
    }
    for (oid, seen) in before {
        let Some(now) = after.get(oid) else { continue };
        if now.scans > seen.scans && !seen.is_index {
            facts.scans.insert(seen.name.clone());
        }
        if now.storage != seen.storage {
            facts.rewrites.insert(seen.name.clone());
        }
    }
    facts
}
