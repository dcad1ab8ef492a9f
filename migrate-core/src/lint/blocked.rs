//! What PostgreSQL refuses to drop or to change because something else depends on it.

use super::absent::Failure;
use super::{Subject, drop_or_narrow_type, drop_routine_or_view_in_use};
use crate::catalog::{QualifiedName, Relation, RelationKind};
use crate::command::{Action, AlterTable, ColumnChange, Drop, Kind, Name, Query, TableChange};

/// Everything that the command drops without CASCADE, or changes, although something depends on it.
pub(super) fn blocked(subject: &Subject<'_>) -> Vec<Failure> {
    if subject.before.clouded.is_some() {
        return Vec::new();
    }
    match &subject.command.action {
        Action::AlterTable(alter) => of_alter(subject, alter),
        Action::Drop(drop) if !drop.cascade => of_drop(subject, drop),
        _ => Vec::new(),
    }
}

fn of_drop(subject: &Subject<'_>, drop: &Drop) -> Vec<Failure> {
    match drop.kind {
        Kind::Table | Kind::View | Kind::MaterializedView => {}
        _ => return drop.names.iter().filter_map(|name| of_small_drop(subject, drop, name)).collect(),
    }
    let dropped: Vec<_> = drop.names.iter().filter_map(|name| Some(subject.relation(name)?.0)).collect();
    let mut failures = Vec::new();
    for written in &drop.names {
        let Some((name, _)) = subject.relation(written) else { continue };
        let mut views = subject.before.views_of(name).map(|(view, _)| view);
        let view = views.find(|view| *view != name && !dropped.contains(view));
        let mut keys = subject.before.referencing(name);
        let key = keys.find(|(table, _)| !dropped.contains(table) && has_no_parent(subject, table));
        let why = match (view, key) {
            (Some(view), _) => format!("the view {view} reads it"),
            (None, Some((table, key))) => format!("{table} references it ({})", key.name),
            (None, None) => continue,
        };
        failures.push(Failure {
            span: written.span.0,
            object: name.to_string(),
            message: format!("`{name}` cannot be dropped (SQLSTATE 2BP01): {why}"),
            label: why,
        });
    }
    failures
}

/// An index, schema, type or function that something needs.
fn of_small_drop(subject: &Subject<'_>, drop: &Drop, name: &Name) -> Option<Failure> {
    let catalog = subject.before;
    let (object, why) = match drop.kind {
        Kind::Index => {
            let (index, relation) = subject.relation(name)?;
            let RelationKind::Index(definition) = &relation.kind else { return None };
            let constraint = definition.constraint.as_ref()?;
            (index.to_string(), format!("the constraint {constraint} of {} needs it", definition.table))
        }
        Kind::Schema => {
            let inside = catalog.relations.keys().find(|relation| relation.schema == name.name)?;
            (name.name.clone(), format!("{inside} is in it"))
        }
        Kind::Type | Kind::Domain => {
            let (kind, _) = catalog.type_entry(name).known()?;
            let column = drop_or_narrow_type::column_with(subject, &kind.name)?;
            (kind.to_string(), format!("{column} has it"))
        }
        Kind::Function | Kind::Procedure => {
            let (function, _) = catalog.function(name).known().filter(|(_, overloads)| overloads.len() == 1)?;
            (function.to_string(), format!("{} calls it", drop_routine_or_view_in_use::user(subject, function)?))
        }
        _ => return None,
    };
    let message = format!("`{object}` cannot be dropped (SQLSTATE 2BP01): {why}");
    Some(Failure { span: name.span.0, object, message, label: why })
}

/// The keys of partitions go with those of their parent.
fn has_no_parent(subject: &Subject<'_>, table: &QualifiedName) -> bool {
    subject.before.relations.get(table).is_some_and(|relation| relation.parents.is_empty())
}

fn of_alter(subject: &Subject<'_>, alter: &AlterTable) -> Vec<Failure> {
    let Some((name, relation)) = subject.relation(&alter.name).filter(|(_, relation)| relation.is_table()) else {
        return Vec::new();
    };
    let mut failures = Vec::new();
    for (place, change) in &alter.changes {
        let (column, what, state) = match change {
            TableChange::DropColumn { column, cascade: false, .. } => (column, "dropped", "2BP01"),
            TableChange::AlterColumn { column, change: ColumnChange::Type { .. } } => {
                (column, "given another type", "0A000")
            }
            _ => continue,
        };
        if relation.column(column).is_none() {
            continue;
        }
        if let Some(why) = user(subject, (name, relation), column, alter) {
            failures.push(Failure {
                span: place.0,
                object: format!("{name}.{column}"),
                message: format!("`{name}.{column}` cannot be {what} (SQLSTATE {state}): {why} uses it"),
                label: format!("used by {why}"),
            });
        }
    }
    failures
}

/// Whether a view needs a column of a table that it reads.
fn shows(subject: &Subject<'_>, (view, query): (&QualifiedName, &Query), table: &QualifiedName, column: &str) -> bool {
    let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
    let mentions = query.columns.iter().any(|used| used == column);
    if query.reads.len() == 1 {
        // `*` is the columns that there were when the view was made, which are those that it has.
        let is_star = words.starts_with(&["select".to_owned(), "*".to_owned(), "from".to_owned()]);
        let made = subject.before.relations.get(view).filter(|view| view.complete);
        return mentions || (is_star && made.is_some_and(|view| view.column(column).is_some()));
    }
    // Of several relations it is the only one with such a column; a sub-query may have given the name to anything.
    let is_flat = words.iter().filter(|word| word.contains("select")).count() == 1;
    let is_elsewhere = |read: &Name| match subject.relation(read) {
        Some((other, _)) if other == table => false,
        Some((_, relation)) => !relation.complete || relation.column(column).is_some(),
        None => true,
    };
    mentions && is_flat && !query.reads.iter().any(is_elsewhere)
}

/// The view, generated column, policy or trigger that uses a column.
fn user(
    subject: &Subject<'_>,
    (name, relation): (&QualifiedName, &Relation),
    column: &str,
    alter: &AlterTable,
) -> Option<String> {
    let uses = |columns: &[String]| columns.iter().any(|used| used == column);
    let mut views = subject.before.views_of(name);
    if let Some((view, _)) = views.find(|(view, shown)| shows(subject, (view, &shown.query), name, column)) {
        return Some(format!("the view {view}"));
    }
    let is_dropped = |other: &str| {
        let drops = |change: &TableChange| matches!(change, TableChange::DropColumn { column, .. } if column == other);
        alter.changes.iter().any(|(_, change)| drops(change))
    };
    let generated = relation.columns.iter().find(|other| {
        let is_computed = other.generated.as_ref().is_some_and(|generated| uses(&generated.expression.columns));
        is_computed && other.name != column && !is_dropped(&other.name)
    });
    if let Some(generated) = generated {
        return Some(format!("the generated column {}", generated.name));
    }
    let of_policy = |expressions: &[crate::command::Expression]| {
        expressions.iter().any(|expression| expression.reads.is_empty() && uses(&expression.columns))
    };
    if let Some((policy, _)) = relation.policies.iter().find(|(_, expressions)| of_policy(expressions)) {
        return Some(format!("the policy {policy}"));
    }
    let (trigger, _) = relation.trigger_columns.iter().find(|(_, columns)| uses(columns))?;
    Some(format!("the trigger {trigger}"))
}
