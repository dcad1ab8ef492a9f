//! L01: CREATE INDEX without CONCURRENTLY on a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, CreateIndex, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L01",
    name: "blocking-index-build",
    level: Some(Severity::Error),
    summary: "CREATE INDEX without CONCURRENTLY on a table that is in use",
    why: "The build holds SHARE on the table: INSERT, UPDATE and DELETE wait until it is done.",
    instead: "in a file of its own with `-- +goose NO TRANSACTION`: DROP INDEX CONCURRENTLY IF EXISTS name; CREATE \
          INDEX CONCURRENTLY name …; for a partitioned table: CREATE INDEX … ON ONLY parent, CONCURRENTLY on \
          each partition, ALTER INDEX … ATTACH PARTITION",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose Up\n\
         CREATE INDEX invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX invoices_client;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n\
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::CreateIndex(index) = &subject.command.action else { return };
    let is_partitioned = tables::is_partitioned(subject, &index.table);
    // ON ONLY a partitioned table builds nothing; on any other table it says nothing.
    let is_empty = index.only && (is_partitioned || subject.relation(&index.table).is_none());
    if index.concurrently || is_empty || is_there(subject, index) || !subject.has_existing_rows(&index.table) || subject.is_emptied(&index.table) {
        return;
    }
    let table = subject.shown(&index.table);
    let object = index.name.as_ref().map_or_else(|| table.clone(), ToString::to_string);
    let message = format!("CREATE INDEX makes every write to `{table}` wait until the index is built");
    let report = findings.report(index.table.span.0, object, message, "built without CONCURRENTLY");
    if is_partitioned {
        report.help(format!(
            "CONCURRENTLY is refused on a partitioned table: CREATE INDEX … ON ONLY {table}, in a NO TRANSACTION file \
             CREATE INDEX CONCURRENTLY on each partition, then ALTER INDEX … ATTACH PARTITION for each"
        ));
    }
}

/// Whether IF NOT EXISTS finds the index: it is in the schema of its table.
fn is_there(subject: &Subject<'_>, index: &CreateIndex) -> bool {
    let Some(name) = index.name.as_ref().filter(|_| index.if_not_exists) else { return false };
    let schema = subject.relation(&index.table).map(|(table, _)| table.schema.clone());
    subject.relation(&Name { schema, ..name.clone() }).is_some()
}
