//! `CREATE INDEX`, and the indexes that partitions get from their parent.

use super::constraint::persistence_of;
use super::naming;
use crate::catalog::{Catalog, IndexDefinition, Place, QualifiedName, Relation, RelationKind};
use crate::command::{CreateIndex, Expression, IndexColumn};

impl Catalog {
    pub(super) fn create_index(&mut self, create: &CreateIndex, place: Place) {
        let table = self.resolve_or_qualify(&create.table);
        let name = create.name.as_ref().map_or_else(
            || {
                let names = naming::index_columns(&create.columns, &create.include);
                let second = naming::joined(names.iter().map(String::as_str));
                self.choose_relation(&table, Some(&second), "idx")
            },
            |name| QualifiedName { schema: table.schema.clone(), name: name.name.clone() },
        );
        if self.relations.contains_key(&name) {
            return;
        }
        let plain = create.columns.iter().filter_map(|column| match column {
            IndexColumn::Column(name) => Some(name.clone()),
            IndexColumn::Expression(_) => None,
        });
        let expressions = create.columns.iter().filter_map(|column| match column {
            IndexColumn::Column(_) => None,
            IndexColumn::Expression(expression) => Some(expression.clone()),
        });
        let definition = IndexDefinition {
            table: table.clone(),
            unique: create.unique,
            columns: plain.collect(),
            expressions: expressions.collect(),
            include: create.include.clone(),
            predicate: create.predicate.clone(),
            method: create.method.clone(),
            constraint: None,
            parent: None,
        };
        let partitioned = !create.only && self.relations.get(&table).is_some_and(Relation::is_partitioned);
        let persistence = persistence_of(self.relations.get(&table));
        self.put(name.clone(), Relation::new(RelationKind::Index(definition), persistence, place));
        if partitioned {
            for partition in self.direct_children(&table) {
                self.clone_index(&name, &partition, place);
            }
        }
    }

    /// Gives a partition an index for each of its parent's that it has no match for.
    pub(super) fn clone_indexes(&mut self, parent: &QualifiedName, partition: &QualifiedName, place: Place) {
        let mut indexes = self.index_names(parent);
        // The primary key comes first, then the others in the order they were made.
        indexes.sort_by_key(|name| {
            let relation = self.relations.get(name);
            let primary = relation.is_some() && self.is_primary(parent, &name.name);
            (!primary, relation.map(|relation| relation.since))
        });
        for index in indexes {
            self.clone_index(&index, partition, place);
        }
    }

    fn is_primary(&self, table: &QualifiedName, constraint: &str) -> bool {
        let constraint = self.relations.get(table).and_then(|table| table.constraint(constraint));
        constraint.is_some_and(|found| matches!(found.kind, crate::command::ConstraintKind::PrimaryKey { .. }))
    }

    /// Attaches a matching index of a partition to its parent's, or makes one.
    fn clone_index(&mut self, of: &QualifiedName, partition: &QualifiedName, place: Place) {
        let Some(RelationKind::Index(source)) = self.relations.get(of).map(|relation| &relation.kind) else { return };
        let source = source.clone();
        let matching = self.indexes_of(partition).find(|(_, index)| {
            index.parent.is_none() && index.constraint.is_some() == source.constraint.is_some() && alike(index, &source)
        });
        if let Some(found) = matching.map(|(name, _)| name.clone()) {
            if let Some(RelationKind::Index(index)) = self.relations.get_mut(&found).map(|found| &mut found.kind) {
                index.parent = Some(of.clone());
            }
            return;
        }
        if let Some(name) = &source.constraint {
            let parent = self.relations.get(&source.table);
            let kind = parent.and_then(|parent| parent.constraint(name)).map(|constraint| constraint.kind.clone());
            if let Some(kind) = kind {
                self.add_key(partition, &kind, (None, Some(of.clone())), place);
            }
            return;
        }
        let name = self.copy_index(&source, partition, place);
        if let Some(RelationKind::Index(index)) = self.relations.get_mut(&name).map(|found| &mut found.kind) {
            index.parent = Some(of.clone());
        }
        if self.relations.get(partition).is_some_and(Relation::is_partitioned) {
            for below in self.direct_children(partition) {
                self.clone_index(&name, &below, place);
            }
        }
    }

    /// Makes the same plain index on another table, under a name of PostgreSQL's own.
    pub(super) fn copy_index(
        &mut self,
        source: &IndexDefinition,
        table: &QualifiedName,
        place: Place,
    ) -> QualifiedName {
        let plain = source.columns.iter().cloned().map(IndexColumn::Column);
        let expressions = source.expressions.iter().cloned().map(IndexColumn::Expression);
        let columns: Vec<IndexColumn> = plain.chain(expressions).collect();
        let names = naming::index_columns(&columns, &source.include);
        let second = naming::joined(names.iter().map(String::as_str));
        let name = self.choose_relation(table, Some(&second), "idx");
        let definition = IndexDefinition { table: table.clone(), constraint: None, parent: None, ..source.clone() };
        let persistence = persistence_of(self.relations.get(table));
        self.put(name.clone(), Relation::new(RelationKind::Index(definition), persistence, place));
        name
    }
}

/// Whether two indexes of different tables are about the same.
fn alike(one: &IndexDefinition, other: &IndexDefinition) -> bool {
    let texts = |index: &IndexDefinition| -> Vec<String> {
        let all = index.expressions.iter().chain(&index.predicate);
        all.map(|expression: &Expression| expression.text.clone()).collect()
    };
    one.unique == other.unique
        && one.columns == other.columns
        && one.method == other.method
        && one.include == other.include
        && texts(one) == texts(other)
}
