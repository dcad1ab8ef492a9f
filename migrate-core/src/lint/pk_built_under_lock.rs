//! L11: a PRIMARY KEY whose index is built, or whose columns are scanned for NULL, at once.

use super::{Check, Findings, Rule, Subject, tables};
use crate::catalog::RelationKind;
use crate::command::{ConstraintKind, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L11",
    name: "pk-built-under-lock",
    level: Some(Severity::Error),
    summary: "a PRIMARY KEY whose index is built, or whose columns are scanned for NULL, at once",
    why: "ADD PRIMARY KEY holds ACCESS EXCLUSIVE while it builds the index; USING INDEX over a nullable column \
          scans for NULL.",
    instead: "make the columns NOT NULL as rule L09 says, CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY KEY \
          USING INDEX",
    bad: &[
        (
            "00001_logs.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE logs (id bigint NOT NULL, line text);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE logs;\n",
        ),
        (
            "00002_key.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE logs ADD CONSTRAINT logs_pkey PRIMARY KEY (id);\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE logs DROP CONSTRAINT logs_pkey;\n",
        ),
    ],
    good: &[
        (
            "00001_logs.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE logs (id bigint NOT NULL, line text);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE logs;\n",
        ),
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         DROP INDEX CONCURRENTLY IF EXISTS logs_pkey;\n\
         CREATE UNIQUE INDEX CONCURRENTLY logs_pkey ON logs (id);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY IF EXISTS logs_pkey;\n",
        ),
        (
            "00003_key.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE logs ADD CONSTRAINT logs_pkey PRIMARY KEY USING INDEX logs_pkey;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE logs DROP CONSTRAINT logs_pkey;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        let ConstraintKind::PrimaryKey { using_index, .. } = &added.constraint.kind else { continue };
        let table = subject.shown(&added.change.alter.name);
        let (message, label) = match using_index {
            None if added.is_rewritten(subject) => continue,
            None => ("builds an index on", "built under ACCESS EXCLUSIVE".to_owned()),
            Some(index) => match nullable(subject, &added.change.alter.name, index) {
                Some(column) => ("looks for NULL in", format!("nothing proves that {column} is NOT NULL")),
                None => continue,
            },
        };
        let message = format!("PRIMARY KEY {message} `{table}` while every read and write waits");
        findings.report(added.span(), added.object(subject), message, label);
    }
}

/// The first column of an index that may hold NULL, where the index is known.
fn nullable(subject: &Subject<'_>, table: &Name, index: &str) -> Option<String> {
    let (name, relation) = subject.relation(table)?;
    let schema = Some(name.schema.clone());
    let index = Name { schema, name: index.to_owned(), span: table.span };
    let RelationKind::Index(index) = &subject.relation(&index)?.1.kind else { return None };
    index.columns.iter().find(|column| !tables::is_proven_not_null(relation, column)).cloned()
}
