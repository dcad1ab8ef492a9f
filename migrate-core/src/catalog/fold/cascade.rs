//! What goes with what: the dependents of relations, columns, constraints and types.
//!
//! A command that a server refuses for want of CASCADE is treated as if it had it: it is never run, or the dependents
//! are gone for a reason that is not known.

use crate::catalog::{Catalog, CatalogColumn, CatalogConstraint, QualifiedName, Relation, RelationKind};
use crate::command::{Expression, Name};

impl Catalog {
    /// Drops a relation with all that depends on it.
    pub(in crate::catalog) fn drop_relation(&mut self, name: &QualifiedName) {
        let Some(relation) = self.take(name) else { return };
        match &relation.kind {
            RelationKind::Index(_) => {
                self.drop_child_indexes(name);
                return;
            }
            RelationKind::Sequence { .. } => {
                let visible = self.is_visible(name);
                self.drop_defaults(&name.name, |default| names_sequence(default, name, visible));
                return;
            }
            _ => {}
        }
        for index in self.index_names(name) {
            self.take(&index);
        }
        for sequence in self.owned_sequences(name, None) {
            self.drop_relation(&sequence);
        }
        if relation.is_table() {
            for below in self.direct_children(name) {
                self.drop_relation(&below);
            }
            let needs = |constraint: &CatalogConstraint| constraint.references.as_ref() == Some(name);
            self.drop_foreign_keys(name, needs);
        }
        self.drop_views_over(name, None);
    }

    fn drop_child_indexes(&mut self, parent: &QualifiedName) {
        let below = self.relations.mentioning(&parent.name).filter_map(|(name, relation)| match &relation.kind {
            RelationKind::Index(index) if index.parent.as_ref() == Some(parent) => {
                Some((name.clone(), index.table.clone(), index.constraint.clone()))
            }
            _ => None,
        });
        let below: Vec<_> = below.collect();
        for (name, table, constraint) in below {
            self.drop_relation(&name);
            if let (Some(constraint), Some(relation)) = (constraint, self.relations.get_mut(&table)) {
                relation.constraints.retain(|other| other.name != constraint);
            }
        }
    }

    /// Drops the views that read a relation, or those of them that mention one of its columns.
    fn drop_views_over(&mut self, relation: &QualifiedName, column: Option<&str>) {
        let reads = |candidate: &Relation| match &candidate.kind {
            RelationKind::View(view) => {
                let mentioned = column.is_none_or(|column| view.query.columns.iter().any(|name| name == column));
                mentioned && view.reads.contains(relation)
            }
            _ => false,
        };
        for view in self.relations.names_mentioning(&relation.name, reads) {
            self.drop_relation(&view);
        }
    }

    /// Drops a column with the indexes, constraints, statistics and sequences that are about it.
    pub(super) fn drop_column(&mut self, table: &QualifiedName, column: &str, cascade: bool) {
        let Some(relation) = self.relations.get_mut(table) else { return };
        let Some(at) = relation.columns.iter().position(|candidate| candidate.name == column) else { return };
        relation.columns.remove(at);
        relation.statistics.retain(|_, columns| !columns.iter().any(|name| name == column));
        let about = |constraint: &&CatalogConstraint| constraint.columns().iter().any(|name| name == column);
        let constraints: Vec<String> = relation.constraints.iter().filter(about).map(|c| c.name.clone()).collect();
        if cascade {
            relation.policies.retain(|_, uses| !uses.iter().any(|one| one.columns.iter().any(|name| name == column)));
            let generated = relation.columns.iter().filter(|other| {
                let expression = other.generated.as_ref().map(|generated| &generated.expression);
                expression.is_some_and(|expression| expression.columns.iter().any(|name| name == column))
            });
            let generated: Vec<String> = generated.map(|column| column.name.clone()).collect();
            for other in generated {
                self.drop_column(table, &other, true);
            }
        }
        for constraint in constraints {
            self.drop_constraint(table, &constraint, true);
        }
        let indexes = self.indexes_of(table).filter(|(_, index)| index.mentions(column));
        let indexes: Vec<QualifiedName> = indexes.map(|(name, _)| name.clone()).collect();
        for index in indexes {
            self.take(&index);
        }
        for sequence in self.owned_sequences(table, Some(column)) {
            self.drop_relation(&sequence);
        }
        if cascade {
            self.drop_views_over(table, Some(column));
        }
    }

    /// Drops a constraint with its index and, when it is a key, the foreign keys that need it.
    pub(super) fn drop_constraint(&mut self, table: &QualifiedName, name: &str, cascade: bool) {
        let Some(relation) = self.relations.get_mut(table) else { return };
        let Some(at) = relation.constraints.iter().position(|constraint| constraint.name == name) else {
            return drop_not_null(relation, table, name);
        };
        let constraint = relation.constraints.remove(at);
        if let crate::command::ConstraintKind::NotNull(column) = &constraint.kind
            && let Some(column) = relation.column_mut(column)
        {
            column.not_null = false;
        }
        if !constraint.has_index() {
            return;
        }
        self.drop_relation(&QualifiedName { schema: table.schema.clone(), name: name.to_owned() });
        if cascade {
            self.drop_foreign_keys_to(table, &constraint);
        }
    }

    fn drop_foreign_keys_to(&mut self, table: &QualifiedName, key: &CatalogConstraint) {
        use crate::command::ConstraintKind::{ForeignKey, PrimaryKey};
        let primary = matches!(key.kind, PrimaryKey { .. });
        let needs =
            |constraint: &CatalogConstraint| match &constraint.kind {
                ForeignKey { referenced, .. } if constraint.references.as_ref() == Some(table) => {
                    if referenced.is_empty() { primary } else { same_columns(referenced, key.columns()) }
                }
                _ => false,
            };
        self.drop_foreign_keys(table, needs);
    }

    /// Drops the constraints of any table that are chosen among those which mention `table`.
    fn drop_foreign_keys(&mut self, table: &QualifiedName, chosen: impl Fn(&CatalogConstraint) -> bool) {
        self.relations.change_mentioning(
            &table.name,
            |relation| relation.constraints.iter().any(&chosen),
            |relation| relation.constraints.retain(|constraint| !chosen(constraint)),
        );
    }

    /// Drops the columns whose type is chosen among those of this name.
    pub(super) fn drop_columns_of(&mut self, kind: &str, chosen: impl Fn(&Self, &Name) -> bool) {
        let mut doomed = Vec::new();
        for (table, relation) in self.relations.mentioning(kind).filter(|(_, relation)| relation.is_table()) {
            let kinds = relation.columns.iter().filter_map(|column| Some((&column.name, column.kind.as_ref()?)));
            let found = kinds.filter(|(_, kind)| chosen(self, &kind.name));
            doomed.extend(found.map(|(column, _)| (table.clone(), column.clone())));
        }
        for (table, column) in doomed {
            self.drop_column(&table, &column, true);
        }
    }

    /// Whether a name is found without its schema.
    pub(super) fn is_visible(&self, name: &QualifiedName) -> bool {
        name.schema == "public" || self.search_path.contains(&name.schema)
    }

    /// Drops the defaults that are chosen among those which mention a name.
    pub(super) fn drop_defaults(&mut self, name: &str, chosen: impl Fn(&Expression) -> bool) {
        let falls = |column: &CatalogColumn| column.default.as_ref().is_some_and(&chosen);
        self.relations.change_mentioning(
            name,
            |relation| relation.columns.iter().any(falls),
            |relation| {
                for column in relation.columns.iter_mut().filter(|column| falls(column)) {
                    column.default = None;
                }
            },
        );
    }
}

/// Whether two lists hold the same columns in any order.
fn same_columns(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|column| other.contains(column))
}

/// Whether a default takes its values from a sequence.
fn names_sequence(default: &Expression, sequence: &QualifiedName, visible: bool) -> bool {
    let calls = default.calls.iter().any(|call| call.name == "nextval");
    calls && default.strings.iter().any(|text| is_named(text, sequence, visible))
}

/// Whether a text such as `public.s`, `s` or `"S"` names a relation, which may be `visible` without its schema.
pub(super) fn is_named(text: &str, name: &QualifiedName, visible: bool) -> bool {
    let plain = text.replace('"', "");
    plain
        .split_once('.')
        .map_or(visible && plain == name.name, |(schema, object)| schema == name.schema && object == name.name)
}

/// From PostgreSQL 18 on NOT NULL is a constraint with a name of its own.
fn drop_not_null(relation: &mut Relation, table: &QualifiedName, name: &str) {
    let column = relation
        .columns
        .iter_mut()
        .find(|column| name == super::naming::object_name(&table.name, Some(&column.name), "not_null"));
    if let Some(column) = column {
        column.not_null = false;
    }
}
