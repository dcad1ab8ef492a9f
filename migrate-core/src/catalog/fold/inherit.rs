//! What a table gets from others: `INHERITS`, `PARTITION OF`, `OF`, `LIKE`, and `ATTACH`, `DETACH`, `INHERIT`.

use super::column::merge;
use crate::catalog::{
    Catalog, CatalogColumn, CatalogConstraint, Place, QualifiedName, Relation, RelationKind, TypeKind,
};
use crate::command::{ConstraintKind, CreateTable, Name};

impl Catalog {
    /// Columns and CHECK constraints of the parents, and the columns of the type of `OF`.
    pub(super) fn inherit(&mut self, table: &QualifiedName, create: &CreateTable, place: Place) {
        let partition_of = create.partition_of.as_ref();
        for parent in partition_of.map(|partition| &partition.parent).into_iter().chain(&create.inherits) {
            self.inherit_from(table, parent, partition_of.is_some(), place);
        }
        let typed = create.of_type.as_ref().map(|name| match self.type_entry(name).known() {
            Some((_, entry)) => match &entry.kind {
                TypeKind::Composite(attributes) => Some(attributes.clone()),
                _ => None,
            },
            None => None,
        });
        let Some(relation) = self.relations.get_mut(table) else { return };
        relation.default_partition = partition_of.is_some_and(|partition| partition.default);
        match typed {
            Some(Some(attributes)) => relation.columns.extend(
                attributes
                    .into_iter()
                    .map(|(name, kind)| CatalogColumn { kind: Some(kind), ..CatalogColumn::named(name, place) }),
            ),
            Some(None) => relation.complete = false,
            None => {}
        }
    }

    fn inherit_from(&mut self, table: &QualifiedName, parent: &Name, partition: bool, place: Place) {
        let parent = self.resolve_or_qualify(parent);
        let source = self.relations.get(&parent).cloned();
        let Some(relation) = self.relations.get_mut(table) else { return };
        relation.parents.push(parent);
        let Some(source) = source else {
            relation.complete = false;
            return;
        };
        relation.complete &= source.complete;
        for column in source.columns {
            // Partitions take an identity from their parent only from PostgreSQL 17 on; NOT NULL they take always.
            let column = CatalogColumn { since: place, changed: place, identity: None, ..column };
            match relation.column_mut(&column.name) {
                Some(old) => merge(old, column),
                None => relation.columns.push(column),
            }
        }
        for constraint in source.constraints {
            let passed_on = match &constraint.kind {
                ConstraintKind::Check { no_inherit, .. } => !no_inherit || partition,
                ConstraintKind::NotNull(_) => true,
                _ => false,
            };
            if passed_on && relation.constraint(&constraint.name).is_none() {
                relation.constraints.push(CatalogConstraint { since: place, valid: true, ..constraint });
            }
        }
    }

    /// Columns, and what `INCLUDING` asks for but indexes.
    pub(super) fn like(&mut self, table: &QualifiedName, create: &CreateTable, place: Place) {
        for (source, options) in &create.like {
            let asked = |what: &str| including(options, what);
            let source = self.resolve(source).and_then(|name| self.relations.get(&name).cloned());
            let mut identities = Vec::new();
            let Some(relation) = self.relations.get_mut(table) else { return };
            let Some(source) = source else {
                relation.complete = false;
                continue;
            };
            relation.complete &= source.complete;
            for column in source.columns {
                let mut column = CatalogColumn { since: place, changed: place, ..column };
                column.default = column.default.filter(|_| asked("defaults"));
                column.generated = column.generated.filter(|_| asked("generated"));
                column.identity = column.identity.filter(|_| asked("identity"));
                identities.extend(column.identity.is_some().then(|| column.name.clone()));
                relation.columns.push(column);
            }
            let checks = source.constraints.into_iter().filter(|constraint| match constraint.kind {
                ConstraintKind::Check { .. } => asked("constraints"),
                ConstraintKind::NotNull(_) => true,
                _ => false,
            });
            let checks = checks.map(|constraint| CatalogConstraint { since: place, valid: true, ..constraint });
            relation.constraints.extend(checks);
            for column in identities {
                self.add_sequence(table, &column, true, place);
            }
        }
    }

    /// `INCLUDING INDEXES`: keys, and plain indexes under new names.
    pub(super) fn like_indexes(&mut self, table: &QualifiedName, create: &CreateTable, place: Place) {
        for (source, _) in create.like.iter().filter(|(_, options)| including(options, "indexes")) {
            let Some(name) = self.resolve(source) else { continue };
            let Some(source) = self.relations.get(&name) else { continue };
            let mut keys = source.constraints.clone();
            keys.retain(CatalogConstraint::has_index);
            keys.sort_by_key(|constraint| !matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }));
            let plain: Vec<_> = self.indexes_of(&name).filter(|(_, index)| index.constraint.is_none()).collect();
            let plain: Vec<_> = plain.into_iter().map(|(_, index)| index.clone()).collect();
            for key in keys {
                self.add_key(table, &key.kind, (None, None), place);
            }
            for index in plain {
                self.copy_index(&index, table, place);
            }
        }
    }

    /// `ATTACH PARTITION` of a table.
    pub(super) fn attach(&mut self, parent: &QualifiedName, partition: &Name, default: bool, place: Place) {
        let partition = self.resolve_or_qualify(partition);
        if let Some(RelationKind::Index(index)) = self.relations.get_mut(&partition).map(|relation| &mut relation.kind)
        {
            index.parent = Some(parent.clone());
            return;
        }
        if let Some(relation) = self.relations.get_mut(&partition)
            && !relation.parents.contains(parent)
        {
            relation.parents.push(parent.clone());
            relation.default_partition = default;
            self.clone_indexes(parent, &partition, place);
            self.clone_foreign_keys(parent, &partition);
        }
    }

    /// `DETACH PARTITION`, `NO INHERIT`: everything stays, on its own.
    pub(super) fn detach(&mut self, parent: &QualifiedName, partition: &Name) {
        let partition = self.resolve_or_qualify(partition);
        let Some(relation) = self.relations.get_mut(&partition) else { return };
        relation.parents.retain(|other| other != parent);
        relation.default_partition = false;
        for index in self.index_names(&partition) {
            if let Some(RelationKind::Index(index)) = self.relations.get_mut(&index).map(|found| &mut found.kind) {
                index.parent = None;
            }
        }
    }

    /// `INHERIT`.
    pub(super) fn inherit_later(&mut self, table: &QualifiedName, parent: &Name) {
        let parent = self.resolve_or_qualify(parent);
        let Some(relation) = self.relations.get_mut(table) else { return };
        if !relation.parents.contains(&parent) {
            relation.parents.push(parent);
        }
    }

    /// Whether a relation exists and is a table.
    pub(super) fn is_known_table(&self, name: &QualifiedName) -> bool {
        self.relations.get(name).is_some_and(Relation::is_table)
    }
}

/// Whether the options of LIKE include something: the last word about it counts.
fn including(options: &[String], what: &str) -> bool {
    let mut included = false;
    for option in options {
        let option = option.to_lowercase();
        let about = option.ends_with(what) || option.ends_with("all");
        if about {
            included = !option.starts_with("excluding");
        }
    }
    included
}
