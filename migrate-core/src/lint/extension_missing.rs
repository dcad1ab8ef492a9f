//! F09: A type or function of an extension that no migration creates.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::Catalog;
use crate::command::{
    Action, Column, ColumnChange, Constraint, ConstraintKind, Expression, IndexColumn, Name, TableChange, TypeDefinition,
};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "F09",
    name: "extension-missing",
    level: Some(Severity::Warning),
    summary: "a type or function of an extension that no migration creates",
    why: "It works where somebody created the extension by hand, and fails on a new database (SQLSTATE 42704, 42883).",
    instead: "CREATE EXTENSION IF NOT EXISTS … in a migration before it, or declare it in migrate.toml under [external] extensions",
    bad: &[
        example::TABLES,
        (
            "00002_token.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN phone citext;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_token.sql",
            "\
-- +goose Up
CREATE EXTENSION IF NOT EXISTS citext;
ALTER TABLE clients ADD COLUMN phone citext;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// Extensions with the types and functions that only they have.
const KNOWN: &[(&str, &[&str], &[&str])] = &[
    ("citext", &["citext"], &[]),
    ("hstore", &["hstore"], &["hstore_to_json", "hstore_to_jsonb"]),
    ("ltree", &["ltree", "lquery", "ltxtquery"], &["text2ltree", "ltree2text", "subpath", "nlevel"]),
    ("vector", &["vector", "halfvec", "sparsevec"], &["cosine_distance", "l2_distance"]),
    ("postgis", &["geometry", "geography", "box2d", "box3d"], &["st_makepoint", "st_setsrid", "st_dwithin"]),
    (
        "uuid-ossp",
        &[],
        &["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"],
    ),
    ("pgcrypto", &[], &["crypt", "gen_salt", "digest", "hmac", "gen_random_bytes", "pgp_sym_encrypt"]),
    ("pg_trgm", &[], &["similarity", "word_similarity", "show_trgm"]),
    ("unaccent", &[], &["unaccent"]),
];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let catalog = subject.before;
    let is_there = |extension: &str| {
        let declared = catalog.external.extensions.iter().any(|declared| declared == extension);
        declared || catalog.extensions.contains_key(extension)
    };
    if catalog.clouded.is_some() {
        return;
    }
    let (types, calls) = used(&subject.command.action);
    for (extension, own_types, own_functions) in KNOWN.iter().filter(|(extension, ..)| !is_there(extension)) {
        let is_own = |names: &[&str], name: &Name| names.contains(&name.name.as_str());
        let kind = types.iter().find(|name| is_own(own_types, name) && !is_made(catalog, name, true));
        let call = || calls.iter().find(|name| is_own(own_functions, name) && !is_made(catalog, name, false));
        if let Some(name) = kind.or_else(call) {
            let span = if name.span.0.start < name.span.0.end { name.span.0 } else { subject.command.span };
            let message = format!("`{name}` comes with the extension `{extension}`, which no migration creates");
            findings.report(span, *extension, message, "missing on a new database").without_facts();
        }
    }
}

/// Whether a migration or the configuration has an object of this name.
fn is_made(catalog: &Catalog, name: &Name, is_type: bool) -> bool {
    let declared = if is_type { &catalog.external.types } else { &catalog.external.functions };
    let known = if is_type { catalog.type_entry(name).known().is_some() } else { catalog.function(name).known().is_some() };
    // What has a schema may be in one that somebody else fills.
    known || declared.contains(&name.name) || name.schema.as_deref().is_some_and(|schema| schema != "public")
}

/// The types and functions that a command names.
fn used(action: &Action) -> (Vec<&Name>, Vec<&Name>) {
    match action {
        Action::CreateTable(create) => {
            let (types, calls): (Vec<_>, Vec<_>) = create.columns.iter().map(of_column).unzip();
            let checks = create.constraints.iter().filter_map(check_of);
            (types.concat(), calls.concat().into_iter().chain(checks.flat_map(|check| &check.calls)).collect())
        }
        Action::AlterTable(alter) => {
            let (types, calls): (Vec<_>, Vec<_>) = alter.changes.iter().map(|(_, change)| of_change(change)).unzip();
            (types.concat(), calls.concat())
        }
        Action::CreateIndex(create) => {
            let computed = create.columns.iter().filter_map(|column| match column {
                IndexColumn::Expression(expression) => Some(expression),
                IndexColumn::Column(_) => None,
            });
            (Vec::new(), computed.flat_map(|expression| &expression.calls).collect())
        }
        Action::CreateType(create) => match &create.definition {
            TypeDefinition::Domain { base, .. } => (vec![&base.name], Vec::new()),
            TypeDefinition::Composite(attributes) => (attributes.iter().map(|(_, kind)| &kind.name).collect(), Vec::new()),
            _ => (Vec::new(), Vec::new()),
        },
        Action::Write(write) => (write.query.types.iter().collect(), write.query.calls.iter().collect()),
        Action::Select(query) => (query.types.iter().collect(), query.calls.iter().collect()),
        Action::CreateView(create) => (create.query.types.iter().collect(), create.query.calls.iter().collect()),
        _ => (Vec::new(), Vec::new()),
    }
}

fn of_change(change: &TableChange) -> (Vec<&Name>, Vec<&Name>) {
    match change {
        TableChange::AddColumn { column, .. } => of_column(column),
        TableChange::AlterColumn { change: ColumnChange::Type { to, .. }, .. } => (vec![&to.name], Vec::new()),
        TableChange::AlterColumn { change: ColumnChange::SetDefault(default), .. } => {
            (Vec::new(), default.calls.iter().collect())
        }
        _ => (Vec::new(), Vec::new()),
    }
}

fn of_column(column: &Column) -> (Vec<&Name>, Vec<&Name>) {
    let checks = column.constraints.iter().filter_map(check_of);
    let generated = column.generated.iter().map(|generated| &generated.expression);
    let calls = column.default.iter().chain(checks).chain(generated).flat_map(|expression| &expression.calls);
    (column.kind.iter().map(|kind| &kind.name).collect(), calls.collect())
}

fn check_of(constraint: &Constraint) -> Option<&Expression> {
    match &constraint.kind {
        ConstraintKind::Check { expression, .. } => Some(expression),
        _ => None,
    }
}
