//! F07: A feature that the oldest PostgreSQL of migrate.toml does not have.

use super::newer_forms::{self, Need};
use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::{Relation, RelationKind};
use crate::command::{
    Action, AlterTable, Column, ColumnChange, Constraint, ConstraintKind, Expression, Kind, Name, OtherVerb, Query,
    TableChange,
};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "F07",
    name: "unsupported-on-version",
    level: Some(Severity::Error),
    summary: "a feature that the oldest PostgreSQL of migrate.toml does not have",
    why: "The file runs on the newer server of a developer and fails in production.",
    instead: "leave the feature out, or raise [postgres] min in migrate.toml once every database runs on that \
          version",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text GENERATED ALWAYS AS (lower(email)) VIRTUAL;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut needs = needs(subject);
    needs.extend(newer_forms::needs(subject.command.span.of(subject.sql())));
    needs.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    let min = subject.majors.min;
    if let Some((major, what)) = needs.into_iter().find(|(major, _)| *major > min) {
        let message = format!("{what} needs PostgreSQL {major}, and the migrations have to run on {min}");
        findings.report(subject.command.span, what, message, format!("since PostgreSQL {major}")).without_facts();
    }
}

fn needs(subject: &Subject<'_>) -> Vec<Need> {
    match &subject.command.action {
        Action::CreateTable(create) => {
            let columns = create.columns.iter().flat_map(|column| of_column(subject, column));
            columns.chain(create.constraints.iter().flat_map(of_table_constraint)).collect()
        }
        Action::AlterTable(alter) => alter.changes.iter().flat_map(|(_, it)| of_change(subject, alter, it)).collect(),
        Action::Reindex { kind: Kind::Table | Kind::Index, name: Some(name), .. } if is_partitioned(subject, name) => {
            vec![(14, "REINDEX of a partitioned relation")]
        }
        Action::Other(other) if other.words.ends_with("PUBLICATION") && names_schema(other) => {
            vec![(15, "FOR TABLES IN SCHEMA")]
        }
        Action::CreateIndex(create) if create.nulls_not_distinct => vec![(15, "NULLS NOT DISTINCT")],
        Action::CreateTrigger(create) if create.or_replace => vec![(14, "CREATE OR REPLACE TRIGGER")],
        Action::Write(write) if write.verb == "merge" => vec![(15, "MERGE")],
        Action::Write(write) => of_query(subject, &write.query),
        Action::Select(query) => of_query(subject, query),
        _ => Vec::new(),
    }
}

/// Whether a table, or the table of an index, is known to be partitioned.
fn is_partitioned(subject: &Subject<'_>, name: &Name) -> bool {
    match subject.relation(name).map(|(_, relation)| &relation.kind) {
        Some(RelationKind::Index(index)) => {
            subject.before.relations.get(&index.table).is_some_and(Relation::is_partitioned)
        }
        _ => tables::is_partitioned(subject, name),
    }
}

fn names_schema(other: &OtherVerb) -> bool {
    other.objects.iter().any(|(kind, _)| *kind == Kind::Schema)
}

fn of_change(subject: &Subject<'_>, alter: &AlterTable, change: &TableChange) -> Vec<Need> {
    match change {
        TableChange::AddColumn { column, .. } => of_column(subject, column),
        TableChange::AddConstraint(constraint) => {
            let mut needs = of_table_constraint(constraint);
            let is_key = matches!(constraint.kind, ConstraintKind::ForeignKey { .. });
            if is_key && constraint.not_valid && tables::is_partitioned(subject, &alter.name) {
                needs.push((18, "a NOT VALID foreign key of a partitioned table"));
            }
            needs
        }
        TableChange::AlterConstraint { enforced: Some(_), .. } => vec![(18, "ALTER CONSTRAINT … ENFORCED")],
        TableChange::DetachPartition { concurrently, finalize, .. } if *concurrently || *finalize => {
            vec![(14, "DETACH PARTITION … CONCURRENTLY")]
        }
        TableChange::SetAccessMethod(_) => vec![(15, "SET ACCESS METHOD")],
        TableChange::AlterColumn { change, .. } => match change {
            ColumnChange::SetExpression(_) => vec![(17, "SET EXPRESSION")],
            ColumnChange::DropExpression { .. } => vec![(13, "DROP EXPRESSION")],
            ColumnChange::SetCompression => vec![(14, "SET COMPRESSION")],
            ColumnChange::SetDefault(default) => of_calls(subject, default),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn of_column(subject: &Subject<'_>, column: &Column) -> Vec<Need> {
    let mut needs: Vec<Need> = column.constraints.iter().flat_map(of_constraint).collect();
    if column.generated.as_ref().is_some_and(|generated| generated.stored != Some(true)) {
        needs.push((18, "a VIRTUAL generated column"));
    }
    needs.extend(column.default.iter().flat_map(|default| of_calls(subject, default)));
    needs
}

/// A constraint that stands by itself, not with a column.
fn of_table_constraint(constraint: &Constraint) -> Vec<Need> {
    let mut needs = of_constraint(constraint);
    if matches!(constraint.kind, ConstraintKind::NotNull(_)) {
        needs.push((18, "CONSTRAINT … NOT NULL of a table"));
    }
    needs
}

fn of_constraint(constraint: &Constraint) -> Vec<Need> {
    let mut needs = Vec::new();
    if constraint.not_enforced {
        needs.push((18, "NOT ENFORCED"));
    }
    if matches!(&constraint.kind, ConstraintKind::Unique { nulls_not_distinct: true, .. }) {
        needs.push((15, "NULLS NOT DISTINCT"));
    }
    needs
}

fn of_calls(subject: &Subject<'_>, expression: &Expression) -> Vec<Need> {
    functions(subject, &expression.calls)
}

fn of_query(subject: &Subject<'_>, query: &Query) -> Vec<Need> {
    functions(subject, &query.calls)
}

/// Functions of newer servers; not where a migration or an extension may have made one of that name.
fn functions(subject: &Subject<'_>, calls: &[crate::command::Name]) -> Vec<Need> {
    let catalog = subject.before;
    if catalog.clouded.is_some() || catalog.has_extensions() {
        return Vec::new();
    }
    let called = calls.iter().filter(|call| call.schema.is_none() && catalog.function(call).known().is_none());
    let is_declared = |name: &str| catalog.external.functions.iter().any(|declared| declared == name);
    let need = |name: &str| match name {
        "uuidv7" => Some((18, "uuidv7()")),
        "uuidv4" => Some((18, "uuidv4()")),
        "uuid_extract_timestamp" => Some((17, "uuid_extract_timestamp()")),
        "array_sort" => Some((18, "array_sort()")),
        "array_reverse" => Some((18, "array_reverse()")),
        "casefold" => Some((18, "casefold()")),
        "to_bin" => Some((17, "to_bin()")),
        "to_oct" => Some((17, "to_oct()")),
        "any_value" => Some((16, "any_value()")),
        "array_shuffle" => Some((16, "array_shuffle()")),
        "array_sample" => Some((16, "array_sample()")),
        "random_normal" => Some((16, "random_normal()")),
        "date_add" => Some((16, "date_add()")),
        "date_subtract" => Some((16, "date_subtract()")),
        "regexp_count" => Some((15, "regexp_count()")),
        "regexp_instr" => Some((15, "regexp_instr()")),
        "regexp_like" => Some((15, "regexp_like()")),
        "regexp_substr" => Some((15, "regexp_substr()")),
        "date_bin" => Some((14, "date_bin()")),
        "string_to_table" => Some((14, "string_to_table()")),
        "gen_random_uuid" => Some((13, "gen_random_uuid()")),
        _ => None,
    };
    called.filter(|call| !is_declared(&call.name)).filter_map(|call| need(&call.name)).collect()
}
