//! How large the tables are that a plan touches, in words and as JSON, and which are above their budget.

use migrate_core::apply::{self, Session, Size, Touch};
use migrate_core::config::{Budget, Config};
use migrate_core::lint::Settings;
use migrate_core::plan::Plan;
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

/// A relation that a plan touches, and what the server knows of it.
pub(super) type Weighed = (Touch, Size);

/// Asks for the sizes of everything that a plan touches.
pub(super) async fn weighed(
    session: &Session,
    request: &apply::Request<'_>,
    plan: &Plan<'_>,
    config: &Config,
) -> Result<Vec<Weighed>, Failure> {
    if plan.batches.is_empty() {
        return Ok(Vec::new());
    }
    let touches = apply::touches(request.order.set, plan, &Settings::from_config(config));
    apply::weigh(session, touches, &request.table).await
}

/// Refuses a plan that rewrites, or reads in full, a table above its budget.
pub(super) fn within_budgets(weighed: &[Weighed], config: &Config) -> Result<(), Failure> {
    let above: Vec<String> = weighed.iter().filter_map(|weighed| excess(weighed, config)).collect();
    if above.is_empty() {
        return Ok(());
    }
    let next = "change the table in steps that do not rewrite it, such as a new column that is filled in portions; or raise \
                its budget in migrate.toml, when the application can wait";
    Err(Failure::new(Exit::InvalidMigrations, above.join("; "), next))
}

fn excess((touch, size): &Weighed, config: &Config) -> Option<String> {
    let does = match touch {
        Touch { rewritten: true, .. } => "rewrites",
        Touch { scanned: true, .. } => "reads in full",
        _ => return None,
    };
    let name = touch.relation.strip_prefix("public.").unwrap_or(&touch.relation);
    let budget = [name, &touch.relation, "*"].into_iter().find_map(|name| config.budgets.get(name))?;
    let told = match *budget {
        Budget::Rows(most) if size.rows > most => format!("{}; budget {}", rows(size.rows), rows(most)),
        Budget::Bytes(most) if size.bytes > most => format!("{}; budget {}", bytes(size.bytes), bytes(most)),
        _ => return None,
    };
    Some(format!("{} {does} {name}: {told}", touch.path))
}

/// One line about a table.
pub(super) fn text((touch, size): &Weighed) -> String {
    let name = touch.relation.strip_prefix("public.").unwrap_or(&touch.relation);
    let mut text = format!("{name}: {}, {}", rows(size.rows), bytes(size.bytes));
    if let Some(lock) = touch.lock {
        text.push_str(&format!("; {}", lock.sql()));
    }
    // A rewrite reads everything, too.
    match touch {
        Touch { rewritten: true, .. } => text.push_str(", rewritten"),
        Touch { scanned: true, .. } => text.push_str(", read in full"),
        _ => {}
    }
    let Size { sequential_scans, index_scans, writes, lock_holders, lock_waiters, .. } = size;
    text.push_str(&format!("; {sequential_scans} sequential scans, {index_scans} index scans, {writes} writes"));
    if let Some(at) = &size.last_scan {
        text.push_str(&format!(", read last {at}"));
    }
    text.push_str(&format!("; locks of others: {lock_holders} held, {lock_waiters} waited for"));
    text
}

pub(super) fn as_json((touch, size): &Weighed) -> Value {
    json!({
        "table": touch.relation, "file": touch.path, "lock": touch.lock.map(migrate_core::command::LockMode::sql),
        "rewritten": touch.rewritten, "scanned": touch.scanned, "rows": size.rows, "bytes": size.bytes,
        "live_rows": size.live_rows, "sequential_scans": size.sequential_scans, "index_scans": size.index_scans,
        "writes": size.writes, "last_scan": size.last_scan, "lock_holders": size.lock_holders,
        "lock_waiters": size.lock_waiters,
    })
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// In the largest unit that leaves at least one of it, with one digit behind the point.
fn bytes(count: u64) -> String {
    let unit = [("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)].into_iter().find(|(_, power)| count >> power > 0);
    let Some((unit, power)) = unit else { return format!("{count} bytes") };
    let tenths = (u128::from(count) * 10) >> power;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        for (count, expected) in
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 kB"), (41 << 30, "41.0 GB"), (u64::MAX, "16777215.9 TB")]
        {
            assert_eq!(bytes(count), expected);
        }
    }
}
