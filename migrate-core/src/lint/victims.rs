//! What a command takes with it by CASCADE: what the schema has before it and not after it.

use super::Subject;
use crate::catalog::{Catalog, CatalogColumn, QualifiedName, Relation, RelationKind};
use crate::command::{Action, TableChange};

/// The objects that vanish with those that the command names, as messages write them. What no database has yet is none.
pub(super) fn of(subject: &Subject<'_>) -> Vec<String> {
    let (before, after) = (subject.before, subject.after);
    let mut victims = Vec::new();
    for name in before.relations.differing(&after.relations) {
        let Some(relation) = before.relations.get(name).filter(|relation| !subject.is_new_since(relation.since)) else {
            continue;
        };
        match after.relations.get(name) {
            None if !is_named(subject, name) && !belongs(after, relation) => {
                victims.push(format!("{} `{name}`", word(relation)));
            }
            Some(left) => lost(subject, (name, relation), left, &mut victims),
            None => {}
        }
    }
    victims
}

const fn word(relation: &Relation) -> &'static str {
    match &relation.kind {
        RelationKind::Table { .. } | RelationKind::ForeignTable => "table",
        RelationKind::View(_) => "view",
        RelationKind::Index(_) => "index",
        RelationKind::Sequence { .. } => "sequence",
    }
}

fn is_named(subject: &Subject<'_>, name: &QualifiedName) -> bool {
    let is = |written: &crate::command::Name| subject.relation(written).is_some_and(|(found, _)| found == name);
    match &subject.command.action {
        Action::Drop(drop) => drop.names.iter().any(is),
        _ => false,
    }
}

/// Whether it is an index, sequence or partition of something: it goes with that without CASCADE.
fn belongs(after: &Catalog, relation: &Relation) -> bool {
    match &relation.kind {
        RelationKind::Index(_) => true,
        RelationKind::Sequence { owner, .. } => owner.is_some(),
        _ => relation.parents.iter().any(|parent| !after.relations.contains_key(parent)),
    }
}

/// What a relation that stays has lost.
fn lost(
    subject: &Subject<'_>,
    (name, before): (&QualifiedName, &Relation),
    left: &Relation,
    victims: &mut Vec<String>,
) {
    let own = match &subject.command.action {
        Action::AlterTable(alter) if subject.relation(&alter.name).is_some_and(|(table, _)| table == name) => {
            Some(&alter.changes)
        }
        _ => None,
    };
    let is_own = own.is_some();
    let names_column = |column: &str| {
        let drops =
            |change: &TableChange| matches!(change, TableChange::DropColumn { column: own, .. } if own == column);
        own.is_some_and(|changes| changes.iter().any(|(_, change)| drops(change)))
    };
    let is_old = |column: &&CatalogColumn| !subject.is_new_since(column.since);
    let columns = before.columns.iter().filter(|column| left.column(&column.name).is_none()).filter(is_old);
    let gone: Vec<&str> = columns.map(|column| column.name.as_str()).filter(|column| !names_column(column)).collect();
    victims.extend(gone.iter().map(|column| format!("column `{name}.{column}`")));
    if before.is_table() && !is_own {
        let keys = before.constraints.iter().filter(|key| left.constraint(&key.name).is_none());
        let keys = keys.filter(|key| !subject.is_new_since(key.since));
        let keys = keys.filter(|key| !key.columns().iter().any(|column| gone.contains(&column.as_str())));
        victims.extend(keys.map(|key| format!("constraint `{name}.{}`", key.name)));
    }
    let defaults = before.columns.iter().filter(|column| {
        column.default.is_some() && left.column(&column.name).is_some_and(|now| now.default.is_none())
    });
    let is_drop = matches!(subject.command.action, Action::Drop(_));
    victims.extend(defaults.filter(|_| is_drop).map(|column| format!("the default of `{name}.{}`", column.name)));
    let is_trigger_drop = matches!(&subject.command.action, Action::Drop(drop) if drop.on.is_some());
    let triggers = before.triggers.keys().filter(|trigger| !is_trigger_drop && !left.triggers.contains_key(*trigger));
    victims.extend(triggers.map(|trigger| format!("trigger `{trigger}` on `{name}`")));
    let policies = before.policies.keys().filter(|policy| !is_trigger_drop && !left.policies.contains_key(*policy));
    victims.extend(policies.map(|policy| format!("policy `{policy}` on `{name}`")));
}
