//! Collecting facts: forms of the table, filled in with the relations that a catalog knows.
//!
//! Invariant: a relation is named once, with the strongest lock, and with the best reason to believe what happens to it.

use std::collections::BTreeMap;

use super::{Effect, Evidence, Lock, Majors, Runs, Touched, table};
use crate::catalog::{Catalog, Lookup, QualifiedName, Relation, RelationKind};
use crate::command::{LockMode, Name, Persistence};

/// A relation that a command is about.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    /// As effects write it: qualified when it is not in `public`.
    pub(super) shown: String,
    /// What is known of it.
    pub(super) known: Option<(&'a QualifiedName, &'a Relation)>,
}

impl<'a> Target<'a> {
    pub(super) fn of(name: &'a QualifiedName, relation: &'a Relation) -> Self {
        Self { shown: name.to_string(), known: Some((name, relation)) }
    }

    pub(super) fn relation(&self) -> Option<&'a Relation> {
        self.known.map(|(_, relation)| relation)
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.relation().is_some_and(Relation::is_partitioned)
    }

    /// Nobody but this session can wait for it.
    fn is_temporary(&self) -> bool {
        self.relation().is_some_and(|relation| relation.persistence == Persistence::Temporary)
    }

    /// A table whose columns, constraints and indexes the migrations made, all of them.
    pub(super) fn is_complete(&self) -> bool {
        self.relation().is_some_and(|relation| relation.complete)
    }
}

/// What a form does to one relation.
#[derive(Clone, Copy)]
enum Extent {
    /// All that its row says.
    Whole,
    /// Its lock; the relation has no storage of its own.
    LockOnly,
}

/// The facts of one command.
pub(super) struct Facts<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) majors: Majors,
    locks: BTreeMap<String, (LockMode, Evidence)>,
    rewrites: BTreeMap<String, Evidence>,
    scans: BTreeMap<String, Evidence>,
    outside: bool,
    forms: Vec<&'static str>,
    /// The best reason that is left to believe anything.
    at_best: Evidence,
}

impl<'a> Facts<'a> {
    pub(super) fn new(catalog: &'a Catalog, majors: Majors) -> Self {
        Self {
            catalog,
            majors,
            locks: BTreeMap::new(),
            rewrites: BTreeMap::new(),
            scans: BTreeMap::new(),
            outside: false,
            forms: Vec::new(),
            at_best: Evidence::Table,
        }
    }

    /// Collects what may or may not run.
    pub(super) fn supposing(&mut self, collect: impl FnOnce(&mut Self)) {
        let (before, outside) = (std::mem::replace(&mut self.at_best, Evidence::Assumed), self.outside);
        collect(self);
        (self.at_best, self.outside) = (before, outside);
    }

    /// The relation of a name; `None` when it is certainly not there.
    pub(super) fn find(&self, name: &Name) -> Option<Target<'a>> {
        match self.catalog.relation(name) {
            Lookup::Known((name, relation)) => Some(Target::of(name, relation)),
            Lookup::Unknown => Some(Target { shown: shown(name), known: None }),
            Lookup::Absent => None,
        }
    }

    /// The same for a command that fails without the relation: the facts are those it would have.
    pub(super) fn expect(&self, name: &Name) -> Target<'a> {
        self.find(name).unwrap_or_else(|| Target { shown: shown(name), known: None })
    }

    /// A relation that the catalog named.
    pub(super) fn target(&self, name: &'a QualifiedName) -> Target<'a> {
        match self.catalog.relations.get_key_value(name) {
            Some((name, relation)) => Target::of(name, relation),
            None => Target { shown: name.to_string(), known: None },
        }
    }

    /// The indexes of a relation.
    pub(super) fn indexes(&self, target: &Target<'a>) -> Vec<Target<'a>> {
        let Some((name, _)) = target.known else { return Vec::new() };
        self.catalog.indexes_of(name).map(|(index, _)| self.target(index)).collect()
    }

    /// The partitions and children of a relation, all levels.
    pub(super) fn children(&self, target: &Target<'a>) -> Vec<Target<'a>> {
        let Some((name, relation)) = target.known else { return Vec::new() };
        if !relation.is_table() {
            return Vec::new();
        }
        self.catalog.children_of(name).into_iter().map(|child| self.target(child)).collect()
    }

    /// The sequences that serial and identity columns of a relation own, or those of one column.
    pub(super) fn sequences(&self, target: &Target<'a>, column: Option<&str>) -> Vec<Target<'a>> {
        let Some((table, _)) = target.known else { return Vec::new() };
        let owned = self.catalog.relations.iter().filter(|(_, relation)| match &relation.kind {
            RelationKind::Sequence { owner: Some((owner, of)), .. } => {
                owner == table && column.is_none_or(|column| column == of)
            }
            _ => false,
        });
        owned.map(|(name, relation)| Target::of(name, relation)).collect()
    }

    /// A form of the table that the command itself chooses.
    pub(super) fn form(&mut self, id: &'static str) -> Form<'_, 'a> {
        self.add(id, Evidence::Table)
    }

    /// A form of the table that history chooses.
    pub(super) fn form_by_history(&mut self, id: &'static str) -> Form<'_, 'a> {
        self.add(id, Evidence::History)
    }

    /// A form of the table that is taken to be careful.
    pub(super) fn assumed_form(&mut self, id: &'static str) -> Form<'_, 'a> {
        self.add(id, Evidence::Assumed)
    }

    /// Whether a form writes a relation anew.
    pub(super) fn rewrites_in(&self, id: &str) -> bool {
        table::of(id, self.majors).any(|row| row.rewrite)
    }

    /// A lock that the command itself names.
    pub(super) fn lock(&mut self, target: &Target<'a>, mode: LockMode) {
        let row = table::Row::lock(mode);
        self.record(target, (&row, Extent::LockOnly), Evidence::Table);
    }

    fn add(&mut self, id: &'static str, evidence: Evidence) -> Form<'_, 'a> {
        if table::of(id, self.majors).any(|row| row.outside) {
            self.outside = true;
        }
        if !self.forms.contains(&id) {
            self.forms.push(id);
        }
        Form { facts: self, id, evidence }
    }

    fn record(&mut self, target: &Target<'a>, (row, extent): (&table::Row, Extent), evidence: Evidence) {
        if target.is_temporary() {
            return;
        }
        let evidence = if target.known.is_some() { evidence.max(self.at_best) } else { Evidence::Assumed };
        if let Some(mode) = row.mode {
            let lock = self.locks.entry(target.shown.clone()).or_insert((mode, evidence));
            if lock.0 < mode {
                *lock = (mode, evidence);
            }
        }
        let touched = [(row.rewrite, &mut self.rewrites), (row.scan, &mut self.scans)];
        for (_, list) in touched.into_iter().filter(|(is, _)| *is && matches!(extent, Extent::Whole)) {
            let known = list.entry(target.shown.clone()).or_insert(evidence);
            *known = (*known).min(evidence);
        }
    }

    /// What was collected, for a command of this name.
    pub(super) fn finish(self, verb: String) -> Effect {
        let touched = |list: BTreeMap<String, Evidence>| {
            list.into_iter().map(|(relation, evidence)| Touched { relation, evidence }).collect()
        };
        let locks = self.locks.into_iter();
        Effect {
            verb,
            objects: Vec::new(),
            locks: locks.map(|(relation, (mode, evidence))| Lock { relation, mode, evidence }).collect(),
            rewrites: touched(self.rewrites),
            scans: touched(self.scans),
            runs: if self.outside { Runs::OutsideTransaction } else { Runs::Anywhere },
            destructive: false,
            overwrites: Vec::new(),
            forms: self.forms,
        }
    }
}

/// A form that is being filled in.
pub(super) struct Form<'f, 'a> {
    facts: &'f mut Facts<'a>,
    id: &'static str,
    evidence: Evidence,
}

impl<'a> Form<'_, 'a> {
    /// What it does to the relation in a role.
    pub(super) fn on(self, role: &str, target: &Target<'a>) -> Self {
        let evidence = self.evidence;
        self.fill(role, target, Extent::Whole, evidence)
    }

    /// Only the lock of a role.
    pub(super) fn locks(self, role: &str, target: &Target<'a>) -> Self {
        let evidence = self.evidence;
        self.fill(role, target, Extent::LockOnly, evidence)
    }

    /// What it does to relations that history names.
    pub(super) fn on_each(mut self, role: &str, targets: &[Target<'a>]) -> Self {
        for target in targets {
            let evidence = self.evidence.max(Evidence::History);
            let extent = if target.is_partitioned() { Extent::LockOnly } else { Extent::Whole };
            self = self.fill(role, target, extent, evidence);
        }
        self
    }

    /// Only the lock of a role, on relations that history names.
    pub(super) fn locks_each(mut self, role: &str, targets: &[Target<'a>]) -> Self {
        for target in targets {
            let evidence = self.evidence.max(Evidence::History);
            self = self.fill(role, target, Extent::LockOnly, evidence);
        }
        self
    }

    fn fill(self, role: &str, target: &Target<'a>, extent: Extent, evidence: Evidence) -> Self {
        for row in table::of(self.id, self.facts.majors).filter(|row| row.role == role) {
            self.facts.record(target, (row, extent), evidence);
        }
        self
    }
}

/// A name that the catalog does not know, as effects write it.
fn shown(name: &Name) -> String {
    if name.schema.as_deref() == Some("public") { name.name.clone() } else { name.to_string() }
}
