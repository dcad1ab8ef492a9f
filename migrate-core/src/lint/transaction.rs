//! What a transaction did up to a command.

use super::names::referenced;
use crate::catalog::{Catalog, Lookup, Place, QualifiedName};
use crate::command::{Action, Command, LockMode, Transaction as Control, TypeChange, block, handles_exceptions};
use crate::effect::Effect;
use crate::migration::{Migration, Mode};

/// What a transaction did up to a command. Outside a transaction it is empty at every statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The strongest lock it holds on each relation that existed before it began, with the line that took it.
    pub locks: Vec<(String, LockMode, u32)>,
    /// The tables that were there before it and that new foreign keys reference.
    pub referenced: Vec<String>,
    /// The tables that it has truncated.
    pub emptied: Vec<String>,
    /// Constraints added NOT VALID: table and name.
    pub not_valid: Vec<(QualifiedName, String)>,
    /// Types that it made in blocks, which the schema does not know of.
    pub types_of_blocks: Vec<QualifiedName>,
    /// Values that ALTER TYPE added to enums.
    pub enum_values: Vec<NewValue>,
    /// The file itself began it, with `BEGIN`.
    pub open: bool,
}

/// A value that was added to an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewValue {
    /// The enum.
    pub kind: QualifiedName,
    /// The value.
    pub value: String,
    /// The same transaction made the enum, which lets PostgreSQL 17 and later use the value at once.
    pub of_new_type: bool,
}

impl Transaction {
    /// What BEGIN, COMMIT and their kin do to it.
    fn control(&mut self, control: Control) {
        match control {
            Control::Begin => self.open = true,
            Control::Commit | Control::Rollback | Control::Prepare => *self = Self::default(),
            Control::Savepoint | Control::Release | Control::RollbackTo => {}
        }
    }
}

/// Adds what a command did to the transaction that it ran in.
pub(super) fn advance(
    transaction: &mut Transaction,
    command: &Command,
    effect: &Effect,
    (before, after): (&Catalog, &Catalog),
    (place, migration): (Place, &Migration),
) {
    if let Action::Transaction(control) = &command.action {
        return transaction.control(*control);
    }
    let whole_file = migration.mode == Mode::Transaction || transaction.open;
    let same = |since: Place| {
        since.version == place.version
            && since.direction == place.direction
            && (whole_file || since.statement == place.statement)
    };
    for lock in &effect.locks {
        let name = qualified(&lock.relation);
        let is_new = before.relations.get(&name).is_some_and(|relation| same(relation.since));
        if !is_new {
            hold(&mut transaction.locks, &lock.relation, lock.mode, place.line);
        }
    }
    for name in referenced(command) {
        match before.relation(name) {
            Lookup::Known((_, relation)) if same(relation.since) => {}
            Lookup::Known((name, _)) => transaction.referenced.push(name.to_string()),
            Lookup::Unknown => transaction.referenced.push(name.to_string()),
            Lookup::Absent => {}
        }
    }
    if let Action::AlterTable(alter) = &command.action
        && let Lookup::Known((name, relation)) = after.relation(&alter.name)
    {
        let added = relation.constraints.iter().filter(|c| !c.valid && c.since == place);
        transaction.not_valid.extend(added.map(|constraint| (name.clone(), constraint.name.clone())));
    }
    if let Action::Truncate { tables, .. } = &command.action {
        let shown = |name| before.relation(name).known().map_or_else(|| name.to_string(), |(name, _)| name.to_string());
        transaction.emptied.extend(tables.iter().map(shown));
    }
    if whole_file {
        transaction.types_of_blocks.extend(types_of_block(command, before));
    }
    transaction.enum_values.extend(new_values(command, before, &transaction.types_of_blocks, same));
}

/// The values that ALTER TYPE adds to an enum.
fn new_values(
    command: &Command,
    before: &Catalog,
    of_blocks: &[QualifiedName],
    is_own: impl Fn(Place) -> bool,
) -> Vec<NewValue> {
    let Action::AlterType { name, changes } = &command.action else { return Vec::new() };
    let known = before.type_entry(name).known();
    let kind = known.map_or_else(|| before.qualify(name), |(name, _)| name.clone());
    let of_new_type = known.map_or_else(|| of_blocks.contains(&kind), |(_, entry)| is_own(entry.since));
    let added = changes.iter().filter_map(|change| match change {
        TypeChange::AddValue { value, .. } => Some(value.clone()),
        _ => None,
    });
    added.map(|value| NewValue { kind: kind.clone(), value, of_new_type }).collect()
}

/// The types that a block makes. With an exception handler they are not the transaction's own: their values wait for the
/// commit.
fn types_of_block(command: &Command, before: &Catalog) -> Vec<QualifiedName> {
    let commands = match &command.action {
        Action::Do { body, .. } if !handles_exceptions(body) => block(body),
        _ => Vec::new(),
    };
    let types = commands.into_iter().filter_map(|command| match command.action {
        Action::CreateType(create) => Some(before.qualify(&create.name)),
        _ => None,
    });
    types.collect()
}

fn hold(locks: &mut Vec<(String, LockMode, u32)>, relation: &str, mode: LockMode, line: u32) {
    match locks.iter_mut().find(|(held, ..)| held == relation) {
        Some(held) if held.1 < mode => (held.1, held.2) = (mode, line),
        Some(_) => {}
        None => locks.push((relation.to_owned(), mode, line)),
    }
}

/// The name that effects write: qualified when it is not in `public`.
pub(super) fn qualified(shown: &str) -> QualifiedName {
    let (schema, name) = shown.split_once('.').unwrap_or(("public", shown));
    QualifiedName { schema: schema.to_owned(), name: name.to_owned() }
}
