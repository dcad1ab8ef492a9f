//! T08: a new value of an enum that is used before it is committed.

use super::{Check, Findings, NewValue, Rule, Subject};
use crate::catalog::{Lookup, QualifiedName};
use crate::command::{
    Action, Column, ColumnChange, Constraint, ConstraintKind, Expression, IndexColumn, Name, Query, TableChange,
};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T08",
    name: "enum-value-used-in-same-transaction",
    level: Some(Severity::Error),
    summary: "a new value of an enum that is used before it is committed",
    why: "PostgreSQL refuses it with SQLSTATE 55P04: a value added by ALTER TYPE can be used once its \
          transaction has committed.",
    instead: "use the value in the next migration",
    bad: &[
        (
            "00001_states.sql",
            "\
         -- +goose Up\n\
         CREATE TYPE state AS ENUM ('open');\n\
         CREATE TABLE jobs (id bigint PRIMARY KEY, state state);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE jobs;\n\
         DROP TYPE state;\n",
        ),
        (
            "00002_done.sql",
            "\
         -- +goose Up\n\
         ALTER TYPE state ADD VALUE 'done';\n\
         UPDATE jobs SET state = 'done' WHERE id < 10;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        (
            "00001_states.sql",
            "\
         -- +goose Up\n\
         CREATE TYPE state AS ENUM ('open');\n\
         CREATE TABLE jobs (id bigint PRIMARY KEY, state state);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE jobs;\n\
         DROP TYPE state;\n",
        ),
        (
            "00002_done.sql",
            "\
         -- +goose Up\n\
         ALTER TYPE state ADD VALUE 'done';\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
        (
            "00003_use.sql",
            "\
         -- +goose Up\n\
         UPDATE jobs SET state = 'done' WHERE id < 10;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut added = subject.transaction.enum_values.iter().filter(|new| !new.of_new_type || subject.majors.min < 17);
    let used = added.find(|new| mentions(subject, new));
    if let Some(NewValue { kind, value, of_new_type }) = used {
        let message =
            format!("the value '{value}' of `{kind}` is used in the transaction that adds it (SQLSTATE 55P04)");
        let versions = if *of_new_type { " (from PostgreSQL 17 on it could be, the type being new)" } else { "" };
        let label = format!("'{value}' is not committed yet{versions}");
        findings.report(subject.command.span, kind.to_string(), message, label).without_facts();
    }
}

/// Whether a command uses a value as one of its enum.
fn mentions(subject: &Subject<'_>, new: &NewValue) -> bool {
    let says = |strings: &[String]| strings.contains(&new.value);
    let casts = |types: &[Name]| types.iter().any(|name| name.name == new.kind.name);
    match &subject.command.action {
        Action::Write(write) => {
            let condition = write.condition.as_ref();
            let said = says(&write.query.strings) || condition.is_some_and(|condition| says(&condition.strings));
            let named = write.columns.iter().chain(condition.iter().flat_map(|condition| &condition.columns));
            let named: Vec<&String> = named.chain(&write.query.columns).collect();
            let whole = write.verb == "insert" && !write.lists_columns;
            let may = |column: &String| whole || named.contains(&column);
            said && (casts(&write.query.types) || may_hold(subject, &write.table, &new.kind, may))
        }
        Action::Select(query) => says(&query.strings) && may_be_read(subject, query, new),
        Action::CreateView(create) => says(&create.query.strings) && may_be_read(subject, &create.query, new),
        Action::CreateIndex(create) => {
            let computed = create.columns.iter().filter_map(|column| match column {
                IndexColumn::Expression(expression) => Some(expression),
                IndexColumn::Column(_) => None,
            });
            computed.chain(&create.predicate).any(|one| uses(subject, &create.table, (None, one), new))
        }
        Action::CreatePolicy { table, expressions, .. } => {
            expressions.iter().any(|one| uses(subject, table, (None, one), new))
        }
        Action::CreateTable(create) => {
            let checks = create.constraints.iter().filter_map(check_of).map(|check| (None, check));
            let mut written = create.columns.iter().flat_map(of_column).chain(checks);
            written.any(|one| uses(subject, &create.name, one, new))
        }
        Action::AlterTable(alter) => {
            let mut written = alter.changes.iter().flat_map(|(_, change)| of_change(change));
            written.any(|one| uses(subject, &alter.name, one, new))
        }
        _ => false,
    }
}

/// An expression, and the column that it is the default of.
type Owned<'a> = (Option<&'a String>, &'a Expression);

/// Whether an expression over a table compares or casts to the value.
fn uses(subject: &Subject<'_>, table: &Name, (owner, expression): Owned<'_>, new: &NewValue) -> bool {
    let casts = expression.types.iter().any(|name| name.name == new.kind.name);
    let may = |column: &String| owner == Some(column) || expression.columns.contains(column);
    expression.strings.contains(&new.value) && (casts || may_hold(subject, table, &new.kind, may))
}

fn may_be_read(subject: &Subject<'_>, query: &Query, new: &NewValue) -> bool {
    let casts = query.types.iter().any(|name| name.name == new.kind.name);
    let may = |column: &String| query.columns.contains(column);
    casts || query.reads.iter().any(|table| may_hold(subject, table, &new.kind, may))
}

fn check_of(constraint: &Constraint) -> Option<&Expression> {
    match &constraint.kind {
        ConstraintKind::Check { expression, .. } => Some(expression),
        _ => None,
    }
}

fn of_column(column: &Column) -> Vec<Owned<'_>> {
    let checks = column.constraints.iter().filter_map(check_of).map(|check| (None, check));
    column.default.iter().map(|default| (Some(&column.name), default)).chain(checks).collect()
}

fn of_change(change: &TableChange) -> Vec<Owned<'_>> {
    match change {
        TableChange::AddColumn { column, .. } => of_column(column),
        TableChange::AlterColumn { column, change: ColumnChange::SetDefault(default) } => {
            vec![(Some(column), default)]
        }
        TableChange::AddConstraint(constraint) => check_of(constraint).map(|check| (None, check)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether one of the columns that are meant has, or may have, the type.
fn may_hold(
    subject: &Subject<'_>,
    table: &Name,
    kind: &QualifiedName,
    is_meant: impl Fn(&String) -> bool,
) -> bool {
    match subject.after.relation(table) {
        Lookup::Known((_, relation)) => {
            let mut meant = relation.columns.iter().filter(|column| is_meant(&column.name));
            !relation.complete
                || meant.any(|column| column.kind.as_ref().is_none_or(|found| found.name.name == kind.name))
        }
        Lookup::Unknown | Lookup::Absent => true,
    }
}
