//! The time-outs that a section sets, and the commands that they are not meant for.

use super::Subject;
use crate::command::{Action, TableChange};

/// The time in milliseconds that the section has set a timeout to; `None` where it has not.
pub(super) fn in_force(subject: &Subject<'_>, name: &str) -> Option<u64> {
    let earlier = subject.section.get(..subject.at).unwrap_or_default().iter().rev();
    let mut settings = earlier.filter_map(|(_, command)| match &command.action {
        Action::Setting(setting) if setting.name == name || setting.name == "all" => Some(setting),
        _ => None,
    });
    let setting = settings.find(|setting| !setting.local || subject.in_transaction())?;
    let value = setting.values.first().filter(|_| !setting.reset)?;
    milliseconds(value)
}

/// A time as PostgreSQL reads it; milliseconds without a unit.
pub(super) fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Commands that wait for other transactions without making anybody wait.
pub(super) fn is_concurrent(action: &Action) -> bool {
    match action {
        Action::CreateIndex(index) => index.concurrently,
        Action::Drop(drop) => drop.concurrently,
        Action::Reindex { concurrently, .. } => *concurrently,
        Action::AlterTable(alter) => alter.changes.iter().any(|(_, change)| detaches(change)),
        _ => false,
    }
}

const fn detaches(change: &TableChange) -> bool {
    matches!(change, TableChange::DetachPartition { concurrently: true, .. })
}
