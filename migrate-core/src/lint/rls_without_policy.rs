//! B12: ENABLE ROW LEVEL SECURITY on a table without a policy.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B12",
    name: "rls-without-policy",
    level: Some(Severity::Warning),
    summary: "ENABLE ROW LEVEL SECURITY on a table without a policy",
    why: "Without a policy nobody but the owner sees or changes a single row; queries do not fail, they return \
          nothing.",
    instead: "create the policies in the same file (CREATE POLICY p ON t USING (…))",
    bad: &[
        example::TABLES,
        (
            "00002_rls.sql",
            "\
-- +goose Up
ALTER TABLE clients ENABLE ROW LEVEL SECURITY;

-- +goose Down
ALTER TABLE clients DISABLE ROW LEVEL SECURITY;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_rls.sql",
            "\
-- +goose Up
ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON clients USING (true);

-- +goose Down
DROP POLICY all_rows ON clients;
ALTER TABLE clients DISABLE ROW LEVEL SECURITY;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::AlterTable(alter) = &subject.command.action else { return };
    let is_enable = |change: &TableChange| matches!(change, TableChange::RowLevelSecurity { enable: Some(true) });
    let Some((place, _)) = alter.changes.iter().find(|(_, change)| is_enable(change)) else { return };
    let Some((table, relation)) = subject.relation(&alter.name) else { return };
    let creates = subject.section.iter().any(|(_, command)| match &command.action {
        Action::CreatePolicy { table, .. } => table.name == alter.name.name,
        Action::Do { .. } | Action::Opaque => true,
        _ => false,
    });
    if relation.policies.is_empty() && !creates && subject.before.clouded.is_none() {
        let message = format!("nobody but the owner sees a row of `{table}` after this");
        findings.report(place.0, table.to_string(), message, "there is no policy on it");
    }
}
