//! Changes of columns.

use super::super::conversion::{Conversion, conversion, is_constrained_domain};
use super::super::dependants::{self, Lost};
use super::super::facts::{Facts, Target};
use super::super::volatility::is_volatile;
use super::{Altered, Indexes, constraint};
use crate::catalog::{CatalogColumn, QualifiedName, RelationKind};
use crate::command::{Column, ColumnChange, ColumnType, ConstraintKind, Expression, Name, Where};

/// The first major version that has virtual generated columns, which are also what neither word means.
const VIRTUAL: u32 = 18;

pub(super) fn add<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &'a Column) {
    let exists = altered.target.relation().is_some_and(|relation| relation.column(&column.name).is_some());
    if exists {
        // IF NOT EXISTS, or an error.
        facts.form_by_history("at.add_column.if_not_exists_noop").on("target", &altered.target);
        return;
    }
    let (form, by_history) = added(facts, column);
    let rewrites = facts.rewrites_in(form);
    altered.recurse(facts, (form, by_history), if rewrites { &Indexes::All } else { &Indexes::None });
    if let Some(sequence) = column.default.as_ref().and_then(|default| counted(facts, default)) {
        facts.form("at.add_column.default_nextval").on("sequence", &sequence);
    }
    if column.not_null && column.default.is_none() && !rewrites {
        // A table with rows refuses it; one without is scanned to see that it has none.
        altered.recurse(facts, ("at.set_not_null", false), &Indexes::None);
    }
    for written in &column.constraints {
        constraint::with_column(facts, altered, (column, written));
    }
}

/// The form that adds a column, its constraints aside.
fn added(facts: &Facts<'_>, column: &Column) -> (&'static str, bool) {
    let kind = column.kind.as_ref();
    if kind.is_some_and(ColumnType::is_serial) {
        return ("at.add_column.serial", false);
    }
    if column.identity.is_some() {
        return ("at.add_column.identity", false);
    }
    if let Some(generated) = &column.generated {
        let stored = generated.stored.unwrap_or(facts.majors.min < VIRTUAL);
        return (if stored { "at.add_column.generated_stored" } else { "at.add_column.generated_virtual" }, false);
    }
    if kind.is_some_and(|kind| is_constrained_domain(kind, facts.catalog)) {
        return ("at.add_column.domain_with_check", true);
    }
    let default = column.default.as_ref().or_else(|| facts.catalog.default_of(kind?));
    match default {
        None => ("at.add_column.nullable", false),
        Some(default) if is_volatile(default, facts.catalog) => ("at.add_column.volatile_default_random", false),
        Some(_) => ("at.add_column.const_default", false),
    }
}

/// The sequence of `nextval('name')`.
fn counted<'a>(facts: &Facts<'a>, default: &Expression) -> Option<Target<'a>> {
    let is_count = default.calls.iter().any(|call| call.name == "nextval");
    default.strings.iter().filter(|_| is_count).find_map(|text| facts.find(&name(text)))
}

/// A name inside a string, such as that of `nextval('app.s')`.
pub(in crate::effect) fn name(text: &str) -> Name {
    let text = text.replace('"', "");
    let (schema, name) = text.split_once('.').map_or((None, text.as_str()), |(schema, name)| (Some(schema), name));
    Name { schema: schema.map(str::to_owned), name: name.to_owned(), span: Where::default() }
}

pub(super) fn drop<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &'a str, cascade: bool) {
    altered.recurse(facts, ("at.drop_column", false), &Indexes::None);
    for table in std::iter::once(&altered.target).chain(&altered.children) {
        let indexes = Altered::indexes(facts, table, &Indexes::Mentioning(column));
        facts.form_by_history("at.drop_column.indexed").locks_each("index", &indexes);
        let sequences = facts.sequences(table, Some(column));
        facts.form_by_history("at.drop_identity").locks_each("sequence", &sequences);
    }
    let Some((table, _)) = altered.target.known else { return };
    dependants::lock(facts, &Lost { table, column: Some(column), cascade });
}

pub(super) fn alter<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &'a str, change: &'a ColumnChange) {
    let form = match change {
        ColumnChange::Type { to, using, collation } => {
            let using = using.as_ref().filter(|using| !is_plain_cast(using, column, to));
            return retype(facts, altered, &Retyped { column, to, using, collates: collation.is_some() });
        }
        ColumnChange::SetNotNull => return set_not_null(facts, altered, column),
        ColumnChange::DropNotNull => return altered.recurse(facts, ("at.drop_not_null", false), &Indexes::None),
        ColumnChange::SetDefault(_) => return altered.recurse(facts, ("at.set_default", false), &Indexes::None),
        ColumnChange::DropDefault => return altered.recurse(facts, ("at.drop_default", false), &Indexes::None),
        ColumnChange::SetExpression(_) => return set_expression(facts, altered, column),
        ColumnChange::DropExpression { .. } => {
            return altered.recurse(facts, ("at.drop_expression", false), &Indexes::None);
        }
        ColumnChange::SetIdentity(_) => "at.set_identity",
        ColumnChange::RestartIdentity => "at.restart_identity",
        ColumnChange::DropIdentity { .. } => "at.drop_identity",
        ColumnChange::AddIdentity(_) => "at.add_identity",
        ColumnChange::SetStatistics => return altered.recurse(facts, ("at.set_statistics", false), &Indexes::None),
        ColumnChange::Options => "at.set_attoptions",
        ColumnChange::SetStorage => return altered.recurse(facts, ("at.set_storage", false), &Indexes::None),
        ColumnChange::SetCompression => "at.set_compression",
        ColumnChange::Other(_) => "at.set_default",
    };
    let sequences = facts.sequences(&altered.target, Some(column));
    facts.form(form).on("target", &altered.target).on_each("sequence", &sequences);
}

fn column_of<'a>(target: &Target<'a>, column: &str) -> Option<&'a CatalogColumn> {
    target.relation()?.column(column)
}

fn set_not_null<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &str) {
    let dropped = |constraint: &str| altered.command.drops_constraint(constraint);
    for table in std::iter::once(&altered.target).chain(&altered.children) {
        let form = match (column_of(table, column), table.relation()) {
            (Some(known), _) if known.not_null => facts.form_by_history("at.set_not_null.already"),
            (_, Some(relation)) if relation.proves_not_null_without(column, dropped) => {
                facts.form_by_history("at.set_not_null.with_valid_check")
            }
            (Some(_), _) => facts.form_by_history("at.set_not_null"),
            (None, _) if altered.adds_column(column) => facts.form("at.set_not_null"),
            (None, _) => facts.assumed_form("at.set_not_null"),
        };
        if table.is_partitioned() {
            form.locks("target", table)
        } else {
            form.on("target", table)
        };
    }
}

fn set_expression<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &str) {
    let generated = column_of(&altered.target, column).and_then(|column| column.generated.as_ref());
    let is_virtual = generated.is_some_and(|generated| !generated.stored.unwrap_or(facts.majors.min < VIRTUAL));
    if is_virtual {
        altered.recurse(facts, ("at.drop_expression", true), &Indexes::None);
    } else {
        altered.recurse(facts, ("at.set_expression_stored", generated.is_some()), &Indexes::All);
    }
}

/// A column that gets another type.
struct Retyped<'a> {
    column: &'a str,
    to: &'a ColumnType,
    /// `USING`, when it is more than the column itself.
    using: Option<&'a Expression>,
    collates: bool,
}

/// Whether `USING` says nothing that the change does not say without it: the column, or the column cast to its new type.
fn is_plain_cast(using: &Expression, column: &str, to: &ColumnType) -> bool {
    let text: String = using.text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '(' | ')')).collect();
    let of_column = using.columns == [column] && using.calls.is_empty() && using.strings.is_empty();
    if !of_column
        || text.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | ',' | '[' | ']' | '$')))
    {
        return false;
    }
    let numbers = using.text.rsplit("::").next().unwrap_or_default();
    let numbers = numbers.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<i64>().ok());
    match using.types.as_slice() {
        [] => text == column,
        [kind] => {
            *kind == to.name
                && numbers.collect::<Vec<_>>() == to.modifiers
                && text.contains("[]") == (to.dimensions > 0)
        }
        _ => false,
    }
}

fn retype<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, retyped: &Retyped<'a>) {
    let known = column_of(&altered.target, retyped.column).and_then(|column| column.kind.as_ref());
    let mut needs = conversion(known, retyped.to, facts.catalog);
    if retyped.using.is_some() {
        needs = Conversion::Rewrite;
    }
    if needs == Conversion::Keep && retyped.collates {
        needs = Conversion::Resort;
    }
    match needs {
        // Indexes over the column are made again, the others are written anew with the table.
        Conversion::Rewrite => altered.recurse(facts, ("at.type.int_to_bigint", known.is_some()), &Indexes::All),
        Conversion::Keep | Conversion::Resort => keep(facts, altered, retyped.column, needs),
    }
    foreign_keys(facts, altered, retyped.column);
}

/// The values stay: constraints over the column are checked again, indexes re-pointed or built.
fn keep<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &str, needs: Conversion) {
    for table in std::iter::once(&altered.target).chain(&altered.children) {
        let indexes = Altered::indexes(facts, table, &Indexes::Mentioning(column));
        let rebuilds = indexes.iter().any(|index| match index.relation().map(|relation| &relation.kind) {
            Some(RelationKind::Index(index)) => needs == Conversion::Resort || computes(index, column),
            _ => false,
        });
        let form = if rebuilds {
            facts.form_by_history("at.type.expr_index_column")
        } else if is_checked(table, column) {
            facts.form_by_history("at.type.checked_column_varchar_to_text")
        } else if indexes.is_empty() {
            facts.form_by_history("at.type.varchar_to_text")
        } else {
            facts.form_by_history("at.type.varchar_to_text_indexed")
        };
        let form = if table.is_partitioned() { form.locks("target", table) } else { form.on("target", table) };
        form.locks_each("index", &indexes);
        facts.form_by_history("at.type.varchar_to_text_indexed").locks_each("index", &indexes);
    }
}

/// Whether an index computes something from the column, so that it cannot be taken over as it is.
fn computes(index: &crate::catalog::IndexDefinition, column: &str) -> bool {
    let expressions = index.expressions.iter().chain(&index.predicate);
    expressions.flat_map(|expression| &expression.columns).any(|name| name == column)
}

fn is_checked(table: &Target<'_>, column: &str) -> bool {
    table.relation().is_some_and(|relation| {
        relation.constraints.iter().any(|constraint| match &constraint.kind {
            ConstraintKind::Check { expression, .. } => {
                constraint.valid && expression.columns.iter().any(|name| name == column)
            }
            _ => false,
        })
    })
}

/// Foreign keys over the column, from here and from elsewhere, are made again and checked: both tables are read.
fn foreign_keys<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, column: &str) {
    let Some((table, relation)) = altered.target.known else { return };
    let own: Vec<&'a QualifiedName> = relation
        .constraints
        .iter()
        .filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, .. } if columns.iter().any(|name| name == column) => {
                constraint.references.as_ref()
            }
            _ => None,
        })
        .collect();
    for referenced in own {
        let referenced = facts.target(referenced);
        facts.form_by_history("at.type.fk_column_int_to_bigint").on("referenced_table", &referenced);
        facts.form_by_history("at.type.checked_column_varchar_to_text").on("target", &altered.target);
    }
    let others: Vec<Target<'a>> =
        dependants::keys_to(facts.catalog, table, Some(column)).map(|name| facts.target(name)).collect();
    for referencing in &others {
        let form = facts.form_by_history("at.type.referenced_pk_int_to_bigint");
        form.on("referencing_table", referencing);
    }
}
