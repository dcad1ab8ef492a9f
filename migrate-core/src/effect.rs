//! What a command does to a database that has a given schema: locks, rewrites, scans, losses.
//!
//! Floor 6. From a [`Command`] and the [`Catalog`] before it to an [`Effect`]. Facts come from a table measured on
//! servers (`effect/facts.tsv`); the catalog chooses the row and fills its roles in. Only relations that existed before
//! the command are named. Invariant: a fact that is neither measured nor derived from history says that it is assumed.

mod alter;
mod conversion;
mod create;
mod dependants;
mod domain;
mod drop;
mod facts;
mod loss;
mod naming;
mod query;
mod table;
mod upkeep;
mod volatility;

use crate::catalog::{Catalog, Place, QualifiedName};
use crate::command::{Action, Command, Kind, LockMode, block};
use facts::Facts;

/// Why a fact is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Measured: a row of the table.
    Table,
    /// Derived: a row of the table, chosen or filled in by what earlier migrations made.
    History,
    /// The careful answer, because the relation or the command is not known well enough.
    Assumed,
}

/// The major versions of PostgreSQL that facts have to hold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Majors {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

impl Default for Majors {
    fn default() -> Self {
        Self { min: 15, max: 18 }
    }
}

/// Where a command may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runs {
    /// In a transaction or outside.
    #[default]
    Anywhere,
    /// Only outside a transaction (SQLSTATE 25001).
    OutsideTransaction,
}

/// A lock on a relation that existed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The relation, qualified when it is not in `public`.
    pub relation: String,
    /// The strongest mode taken.
    pub mode: LockMode,
    /// Why it is believed.
    pub evidence: Evidence,
}

/// A relation that is rewritten or scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The relation, qualified when it is not in `public`.
    pub relation: String,
    /// Why it is believed.
    pub evidence: Evidence,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    /// The words that name the command, such as `ALTER TABLE ADD COLUMN`; `OPAQUE` when it is not understood.
    pub verb: String,
    /// The objects it names, with their schema where they have one, and their kinds.
    pub objects: Vec<(Kind, String)>,
    /// Locks on relations, each relation once with its strongest mode, by name.
    pub locks: Vec<Lock>,
    /// Relations whose storage is written anew, by name.
    pub rewrites: Vec<Touched>,
    /// Relations that are read in full, by name.
    pub scans: Vec<Touched>,
    /// Where it may run.
    pub runs: Runs,
    /// Data, or an object that holds data, is lost for good.
    pub destructive: bool,
    /// Whose stored values are replaced by others, each with the column where it is one: what was there is lost where no
    /// Down can tell it.
    pub overwrites: Vec<(String, Option<String>)>,
    /// The rows of the table that were used, such as `at.add_column.nullable`; `migrate-core/src/effect/facts.tsv` has them all.
    pub forms: Vec<&'static str>,
}

/// What `command` does to a database with the schema `before`.
#[must_use]
pub fn effect(command: &Command, before: &Catalog, majors: Majors) -> Effect {
    let spelled_out = match &command.action {
        Action::Do { body, .. } => block(body),
        _ => Vec::new(),
    };
    let mut facts = Facts::new(before, majors);
    collect(&mut facts, &command.action);
    facts.supposing(|facts| spelled_out.iter().for_each(|command| collect(facts, &command.action)));
    let mut effect = facts.finish(naming::verb(&command.action));
    effect.objects = naming::objects(&command.action, before);
    let actions = || std::iter::once(&command.action).chain(spelled_out.iter().map(|command| &command.action));
    effect.destructive = actions().any(loss::destroys);
    effect.overwrites = actions().flat_map(|action| loss::overwrites(action, before)).collect();
    effect
}

/// What the commands of one statement do together, folded into the catalog one by one; `place` says where each stands.
/// Relations that the statement itself makes are not named.
#[must_use]
pub fn statement(
    commands: &[Command],
    catalog: &mut Catalog,
    place: impl Fn(&Command) -> Place,
    majors: Majors,
) -> Effect {
    let mut whole: Option<Effect> = None;
    let mut renamed: Vec<(String, String)> = Vec::new();
    for command in commands {
        let place = place(command);
        let mut next = effect(command, catalog, majors);
        if whole.is_some() {
            next.rename(&renamed);
            next.forget(|relation| was_made_at(catalog, relation, place));
        }
        renamed.extend(new_name(command, catalog));
        catalog.apply(command, place);
        whole = Some(whole.map_or_else(|| next.clone(), |before| before.and(next.clone())));
    }
    whole.unwrap_or_default()
}

/// The old and the new name of a relation that a command renames, as effects write them.
fn new_name(command: &Command, before: &Catalog) -> Option<(String, String)> {
    let Action::Rename(rename) = &command.action else { return None };
    let (old, _) = before.relation(&rename.object).known().filter(|_| is_relation(rename.what))?;
    let new = QualifiedName { schema: old.schema.clone(), name: rename.to.clone() };
    Some((old.to_string(), new.to_string()))
}

/// Whether a relation, as effects write it, was made by the statement at a place.
fn was_made_at(catalog: &Catalog, shown: &str, place: Place) -> bool {
    let (schema, name) = shown.split_once('.').unwrap_or(("public", shown));
    let name = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
    let since = catalog.relations.get(&name).map(|relation| relation.since);
    since.is_some_and(|since| {
        (since.version, since.direction, since.statement) == (place.version, place.direction, place.statement)
    })
}

fn collect<'a>(facts: &mut Facts<'a>, action: &'a Action) {
    match action {
        Action::AlterTable(command) => alter::alter(facts, command),
        Action::Rename(rename) => drop::rename(facts, rename),
        Action::Drop(command) => drop::drop(facts, command),
        Action::AlterType { name, changes } => domain::alter(facts, name, changes),
        Action::AlterDomain { name, change } => domain::alter_domain(facts, name, change),
        Action::CreateTable(_)
        | Action::CreateTableAs { .. }
        | Action::CreateView(_)
        | Action::CreateIndex(_)
        | Action::CreateTrigger(_)
        | Action::CreatePolicy { .. }
        | Action::CreateRule { .. }
        | Action::CreateStatistics { .. }
        | Action::CreateSequence(_)
        | Action::CreateFunction(_)
        | Action::CreateExtension { .. }
        | Action::CreateSchema { .. }
        | Action::CreateType(_) => create::create(facts, action),
        Action::Select(_) | Action::Write(_) | Action::Copy { .. } => query::run(facts, action),
        _ => upkeep::keep(facts, action),
    }
}

/// Whether objects of a kind are relations: they share one name space, and each can be locked.
const fn is_relation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Index | Kind::Sequence
    )
}

impl Effect {
    /// Two commands of one statement, one after the other.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for lock in other.locks {
            match self.locks.iter_mut().find(|known| known.relation == lock.relation) {
                Some(known) if known.mode < lock.mode => *known = lock,
                Some(_) => {}
                None => self.locks.push(lock),
            }
        }
        self.locks.sort_by(|a, b| a.relation.cmp(&b.relation));
        merge(&mut self.rewrites, other.rewrites);
        merge(&mut self.scans, other.scans);
        if other.runs == Runs::OutsideTransaction {
            self.runs = Runs::OutsideTransaction;
        }
        self.verb = if self.verb.is_empty() { other.verb } else { format!("{}; {}", self.verb, other.verb) };
        self.objects.extend(other.objects);
        self.destructive |= other.destructive;
        self.overwrites.extend(other.overwrites);
        self.forms.extend(other.forms);
        self
    }

    /// Calls relations what they were called before the statement: `renamed` holds old and new names in order.
    fn rename(&mut self, renamed: &[(String, String)]) {
        let locks = self.locks.iter_mut().map(|lock| &mut lock.relation);
        let touched = self.rewrites.iter_mut().chain(&mut self.scans).map(|touched| &mut touched.relation);
        let overwritten = self.overwrites.iter_mut().map(|(relation, _)| relation);
        for relation in locks.chain(touched).chain(overwritten) {
            let earlier = |name: String, (old, new): &(String, String)| if name == *new { old.clone() } else { name };
            *relation = renamed.iter().rev().fold(std::mem::take(relation), earlier);
        }
    }

    /// Without the relations that this says yes to: those that an earlier command of the same statement made.
    pub fn forget(&mut self, is_new: impl Fn(&str) -> bool) {
        self.locks.retain(|lock| !is_new(&lock.relation));
        self.rewrites.retain(|touched| !is_new(&touched.relation));
        self.scans.retain(|touched| !is_new(&touched.relation));
        self.overwrites.retain(|(relation, _)| !is_new(relation));
    }
}

fn merge(list: &mut Vec<Touched>, more: Vec<Touched>) {
    for touched in more {
        if !list.iter().any(|known| known.relation == touched.relation) {
            list.push(touched);
        }
    }
    list.sort_by(|a, b| a.relation.cmp(&b.relation));
}
