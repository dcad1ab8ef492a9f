//! L27: Triggers, rules, policies and row security of a table that is in use.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Kind, Name, TableChange};

pub(super) static RULE: Rule = Rule {
    id: "L27",
    name: "trigger-ddl-blocks-writes",
    level: None,
    summary: "DDL of triggers, rules, policies or row level security on a table that is in use",
    why: "CREATE, ENABLE and DISABLE TRIGGER hold SHARE ROW EXCLUSIVE: writes wait. Dropping or renaming one, rules, policies \
          and row level security take ACCESS EXCLUSIVE: reads wait too. Both are short, but queue behind long queries.",
    instead: "do it in a short transaction of its own, with a lock_timeout",
    bad: &[
        example::TABLES,
        (
            "00002_trigger.sql",
            "\
-- +goose Up
CREATE TRIGGER stamp BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- +goose Down
DROP TRIGGER stamp ON invoices;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_trigger.sql",
            "\
-- +goose Up
CREATE TABLE notes (id bigint PRIMARY KEY);
CREATE TRIGGER stamp BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- +goose Down
DROP TABLE notes;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some((what, table, blocks)) = touched(&subject.command.action).filter(|(_, table, _)| subject.is_existing(table))
    else {
        return;
    };
    let shown = subject.shown(table);
    let message = format!("{what} makes {blocks} of `{shown}` wait until commit");
    findings.report(table.span.0, shown, message, "in a transaction of its own it is short");
}

const WRITES: &str = "every write";
const ALL: &str = "every read and write";

/// What the command is about, its table, and who waits for it.
fn touched(action: &Action) -> Option<(&'static str, &Name, &'static str)> {
    match action {
        Action::CreateTrigger(create) => Some(("CREATE TRIGGER", &create.table, WRITES)),
        Action::CreatePolicy { table, .. } | Action::AlterPolicy { table, .. } => Some(("a policy", table, ALL)),
        Action::CreateRule { table, .. } => Some(("CREATE RULE", table, ALL)),
        Action::Drop(drop) if is_part(drop.kind) => Some(("dropping this", drop.on.as_ref()?, ALL)),
        Action::Rename(rename) if is_part(rename.what) => Some(("renaming this", &rename.object, ALL)),
        Action::AlterTable(alter) => alter.changes.iter().find_map(|(_, change)| match change {
            TableChange::Trigger { .. } => Some(("ENABLE or DISABLE TRIGGER", &alter.name, WRITES)),
            TableChange::Rule { .. } => Some(("ENABLE or DISABLE RULE", &alter.name, ALL)),
            TableChange::RowLevelSecurity { .. } => Some(("ROW LEVEL SECURITY", &alter.name, ALL)),
            _ => None,
        }),
        _ => None,
    }
}

const fn is_part(kind: Kind) -> bool {
    matches!(kind, Kind::Trigger | Kind::Policy | Kind::Rule)
}
