//! L14: a stored generated column that is computed for all rows at once.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L14",
    name: "stored-generated-rewrite",
    level: Some(Severity::Error),
    summary: "a stored generated column that is computed for all rows at once",
    why: "ADD COLUMN … GENERATED … STORED and SET EXPRESSION on a stored column write the table anew under \
          ACCESS EXCLUSIVE.",
    instead: "a VIRTUAL column from PostgreSQL 18 on; before, a plain column with a trigger, filled in batches",
    bad: &[
        example::TABLES,
        (
            "00002_gross.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN gross numeric GENERATED ALWAYS AS (total * 1.2) STORED;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN gross;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_gross.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN gross numeric;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN gross;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let name = match &change.entry.1 {
            TableChange::AddColumn { column, .. } => match &column.generated {
                Some(generated) if generated.stored == Some(true) => &column.name,
                _ => continue,
            },
            TableChange::AlterColumn { column, change: ColumnChange::SetExpression(_) } => {
                let known = tables::column_of(subject, &change.alter.name, column);
                let generated = known.and_then(|known| known.generated.as_ref());
                if generated.is_some_and(|generated| generated.stored != Some(true)) {
                    continue;
                }
                column
            }
            _ => continue,
        };
        let table = subject.shown(&change.alter.name);
        let message = format!("this generated column writes `{table}` anew while every read and write waits");
        findings.report(change.span(), format!("{table}.{name}"), message, "computed for every row");
    }
}
