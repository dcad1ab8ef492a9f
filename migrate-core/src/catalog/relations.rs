//! The relations of a schema, found by name and by what they mention.
//!
//! What hangs on a dropped or renamed object is asked for all the time, and to look through every relation for it would
//! make the cost of a history grow with its square. Invariant: a relation that mentions a name is among
//! [`Relations::mentioning`] that name; others may be too, so that whoever asks still looks.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::map::Map;
use super::{QualifiedName, Relation, RelationKind};
use crate::command::{ConstraintKind, Expression};

/// Tables, views, indexes and sequences by name. It is read like the [`Map`] that it is.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    all: Map<QualifiedName, Relation>,
    /// By a name without its schema: the relations that mentioned it at some time.
    mentions: Map<String, Map<QualifiedName, ()>>,
    /// What was handed out to be changed since, and may mention more than is written down.
    changed: Option<QualifiedName>,
}

impl Deref for Relations {
    type Target = Map<QualifiedName, Relation>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl<'a> IntoIterator for &'a Relations {
    type Item = (&'a QualifiedName, &'a Relation);
    type IntoIter = Box<dyn Iterator<Item = Self::Item> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        (&self.all).into_iter()
    }
}

impl Relations {
    /// The relations that may mention an object of this name, whatever its schema, in the order of their names: as a
    /// referenced, inherited or read relation, a type, a called function, a constraint or statistics of their own.
    pub fn mentioning<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a QualifiedName, &'a Relation)> + use<'a> {
        let written = self.mentions.get(name).into_iter().flat_map(Map::keys);
        let names: BTreeSet<&QualifiedName> = written.chain(&self.changed).collect();
        names.into_iter().filter_map(|name| self.all.get_key_value(name))
    }

    /// The names of relations that may differ from those of another copy.
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a QualifiedName> {
        self.all.differing(&other.all)
    }

    /// The names of [`Self::mentioning`] whose relation is chosen.
    pub(super) fn names_mentioning(&self, name: &str, chosen: impl Fn(&Relation) -> bool) -> Vec<QualifiedName> {
        let found = self.mentioning(name).filter(|(_, relation)| chosen(relation));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// Changes the relations that may mention a name and that are chosen.
    pub(super) fn change_mentioning(
        &mut self,
        name: &str,
        chosen: impl Fn(&Relation) -> bool,
        mut change: impl FnMut(&mut Relation),
    ) {
        for name in self.names_mentioning(name, chosen) {
            self.get_mut(&name).into_iter().for_each(&mut change);
        }
    }

    /// The relation of a name, to be changed.
    pub(super) fn get_mut(&mut self, name: &QualifiedName) -> Option<&mut Relation> {
        // A table is changed many times in a row: it is written down once.
        if self.changed.as_ref() != Some(name) && self.all.contains_key(name) {
            self.settle();
            self.changed = Some(name.clone());
        }
        self.all.get_mut(name)
    }

    /// Puts a relation in the place of a name.
    pub(super) fn insert(&mut self, name: QualifiedName, relation: Relation) {
        self.settle();
        write_down(&mut self.mentions, &name, &relation);
        self.all.insert(name, relation);
    }

    /// Takes a relation out.
    pub(super) fn remove(&mut self, name: &QualifiedName) -> Option<Relation> {
        self.settle();
        let relation = self.all.remove(name)?;
        for mentioned in mentioned(&relation) {
            if let Some(names) = self.mentions.get_mut(mentioned) {
                names.remove(name);
            }
        }
        Some(relation)
    }

    fn settle(&mut self) {
        if let Some(name) = self.changed.take()
            && let Some(relation) = self.all.get(&name)
        {
            write_down(&mut self.mentions, &name, relation);
        }
    }
}

fn write_down(mentions: &mut Map<String, Map<QualifiedName, ()>>, name: &QualifiedName, relation: &Relation) {
    for mentioned in mentioned(relation) {
        if mentions.get(mentioned).is_some_and(|names| names.contains_key(name)) {
            continue;
        }
        if let Some(names) = mentions.or_default(&mentioned.to_owned()) {
            names.insert(name.clone(), ());
        }
    }
}

/// The names, without their schemas, of what a relation needs and of what it brings along.
fn mentioned(relation: &Relation) -> Vec<&str> {
    let mut names: Vec<&str> = relation.parents.iter().map(|parent| parent.name.as_str()).collect();
    for constraint in &relation.constraints {
        names.push(&constraint.name);
        names.extend(constraint.references.as_ref().map(|table| table.name.as_str()));
        if let ConstraintKind::Check { expression, .. } = &constraint.kind {
            in_expression(expression, &mut names);
        }
    }
    for column in &relation.columns {
        names.extend(column.kind.as_ref().map(|kind| kind.name.name.as_str()));
        let generated = column.generated.as_ref().map(|generated| &generated.expression);
        column.default.iter().chain(generated).for_each(|expression| in_expression(expression, &mut names));
    }
    names.extend(relation.triggers.values().flatten().map(|function| function.name.as_str()));
    names.extend(relation.statistics.keys().map(String::as_str));
    relation.policies.values().flatten().for_each(|expression| in_expression(expression, &mut names));
    match &relation.kind {
        RelationKind::View(view) => {
            names.extend(view.reads.iter().map(|read| read.name.as_str()));
            names.extend(view.query.calls.iter().map(|call| call.name.as_str()));
        }
        RelationKind::Index(index) => {
            names.extend(index.parent.as_ref().map(|parent| parent.name.as_str()));
            index.expressions.iter().chain(&index.predicate).for_each(|one| in_expression(one, &mut names));
        }
        RelationKind::Sequence { owner: Some((table, _)), .. } => names.push(&table.name),
        RelationKind::Sequence { .. } | RelationKind::Table { .. } | RelationKind::ForeignTable => {}
    }
    names
}

/// Called functions, types, and the texts that may name a sequence: `'"s"'`, `'public.s'`.
fn in_expression<'a>(expression: &'a Expression, names: &mut Vec<&'a str>) {
    names.extend(expression.calls.iter().chain(&expression.types).map(|name| name.name.as_str()));
    let last = |text: &'a String| text.rsplit('.').next().unwrap_or(text).trim_matches('"');
    names.extend(expression.strings.iter().map(last));
}
