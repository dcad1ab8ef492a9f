//! `ALTER TABLE` and its kin.

use super::column::is_stored;
use super::constraint::written;
use crate::catalog::{Catalog, CatalogColumn, Place, QualifiedName, RelationKind};
use crate::command::{AlterTable, Column, ColumnChange, Constraint, ConstraintKind, Persistence, TableChange};

/// In which order PostgreSQL makes the changes of one command (its passes).
const fn pass(change: &TableChange) -> u8 {
    match change {
        TableChange::DropColumn { .. } | TableChange::DropConstraint { .. } => 0,
        TableChange::AlterColumn { change, .. } => match change {
            ColumnChange::DropNotNull
            | ColumnChange::DropDefault
            | ColumnChange::DropExpression { .. }
            | ColumnChange::DropIdentity { .. } => 0,
            ColumnChange::Type { .. } => 1,
            _ => 3,
        },
        TableChange::AddColumn { .. } => 2,
        TableChange::AddConstraint(_) => 4,
        _ => 5,
    }
}

impl Catalog {
    pub(super) fn alter_table(&mut self, alter: &AlterTable, place: Place) {
        let Some(table) = self.resolve(&alter.name) else { return };
        let mut changes: Vec<&TableChange> = alter.changes.iter().map(|(_, change)| change).collect();
        changes.sort_by_key(|change| pass(change));
        let mut constraints: Vec<&Constraint> = Vec::new();
        let last = changes.iter().position(|change| pass(change) > 4).unwrap_or(changes.len());
        let (first, rest) = changes.split_at(last);
        for change in first {
            match change {
                TableChange::AddColumn { column, .. } => {
                    let added = self.alter_add_column(&table, column, alter.only, place);
                    constraints.extend(column.constraints.iter().filter(|_| added));
                }
                TableChange::AddConstraint(constraint) => constraints.push(constraint),
                _ => {
                    self.alter_family((&table, alter.only), change, place);
                }
            }
        }
        if self.is_known_table(&table) {
            self.add_constraints(&table, &constraints, place);
        }
        for change in rest {
            self.alter_rest(&table, change, place);
        }
    }

    /// A change that a table and those below it make alike.
    fn alter_family(&mut self, (table, only): (&QualifiedName, bool), change: &TableChange, place: Place) {
        for member in &self.family(table, only) {
            match change {
                TableChange::DropColumn { column, cascade, .. } => self.drop_column(member, column, *cascade),
                TableChange::DropConstraint { name, cascade, .. } => self.drop_constraint(member, name, *cascade),
                TableChange::AlterColumn { column, change } => self.alter_column(member, column, change, place),
                _ => {}
            }
        }
    }

    /// Adds a column to a table and those below it. Returns whether it was not there.
    fn alter_add_column(&mut self, table: &QualifiedName, column: &Column, only: bool, place: Place) -> bool {
        if self.relations.get(table).is_none_or(|relation| relation.column(&column.name).is_some()) {
            return false;
        }
        self.add_column(table, column, place);
        let added = self.relations.get(table).and_then(|relation| relation.column(&column.name)).cloned();
        let below = self.family(table, only);
        for member in below.iter().skip(1) {
            let Some(relation) = self.relations.get_mut(member) else { continue };
            if let (Some(added), None) = (&added, relation.column(&column.name)) {
                relation.columns.push(CatalogColumn { identity: None, ..added.clone() });
            }
        }
        true
    }

    fn alter_column(&mut self, table: &QualifiedName, name: &str, change: &ColumnChange, place: Place) {
        if matches!(change, ColumnChange::DropIdentity { .. }) {
            self.drop_identity(table, name);
        }
        let Some(relation) = self.relations.get_mut(table) else { return };
        let in_key = relation.primary_key().is_some_and(|key| key.iter().any(|column| column == name));
        let Some(column) = relation.column_mut(name) else { return };
        let changed = match change {
            ColumnChange::Type { to, .. } => {
                column.kind = Some(to.clone());
                true
            }
            ColumnChange::SetNotNull => !std::mem::replace(&mut column.not_null, true),
            ColumnChange::DropNotNull if !in_key => {
                column.not_null = false;
                relation.constraints.retain(|c| !matches!(&c.kind, ConstraintKind::NotNull(of) if of == name));
                if let Some(column) = relation.column_mut(name) {
                    column.changed = place;
                }
                return;
            }
            ColumnChange::SetDefault(default) => {
                let stored = is_stored(default, column.kind.as_ref());
                column.default = Some(default.clone()).filter(|_| stored);
                true
            }
            ColumnChange::DropDefault => column.default.take().is_some(),
            ColumnChange::SetExpression(generated) => {
                column.generated = Some(generated.clone());
                true
            }
            ColumnChange::DropExpression { .. } => column.generated.take().is_some(),
            ColumnChange::DropIdentity { .. } => column.identity.take().is_some(),
            ColumnChange::SetIdentity(Some(identity)) => column.identity.replace(*identity).is_none(),
            ColumnChange::AddIdentity(identity) if column.identity.is_none() => {
                column.identity = Some(*identity);
                column.changed = place;
                self.add_sequence(table, name, true, place);
                return;
            }
            _ => false,
        };
        if changed {
            column.changed = place;
        }
    }

    /// The sequence goes with the identity.
    fn drop_identity(&mut self, table: &QualifiedName, column: &str) {
        for sequence in self.owned_sequences(table, Some(column)) {
            let kind = self.relations.get(&sequence).map(|relation| &relation.kind);
            if matches!(kind, Some(RelationKind::Sequence { identity: true, .. })) {
                self.take(&sequence);
            }
        }
    }

    fn alter_rest(&mut self, table: &QualifiedName, change: &TableChange, place: Place) {
        match change {
            TableChange::ValidateConstraint(name) => {
                for member in self.family(table, false) {
                    self.validate(&member, name, place);
                }
            }
            TableChange::AlterConstraint { name, enforced: Some(enforced) } => {
                let relation = self.relations.get_mut(table);
                let constraints = relation.into_iter().flat_map(|relation| &mut relation.constraints);
                for constraint in constraints.filter(|constraint| constraint.name == *name) {
                    constraint.valid = *enforced;
                }
            }
            TableChange::AttachPartition { partition, bound } => self.attach(table, partition, bound.default, place),
            TableChange::DetachPartition { partition, .. } => self.detach(table, partition),
            TableChange::Inherit(parent, true) => self.inherit_later(table, parent),
            TableChange::Inherit(parent, false) => {
                let parent = self.resolve_or_qualify(parent);
                self.detach(&parent, &written(table));
            }
            TableChange::SetSchema(schema) => {
                let new = QualifiedName { schema: schema.clone(), name: table.name.clone() };
                self.move_relation(table, &new);
            }
            TableChange::SetLogged(logged) => {
                self.set_persistence(table, if *logged { Persistence::Permanent } else { Persistence::Unlogged });
            }
            TableChange::RowLevelSecurity { enable: Some(enable) } => {
                if let Some(relation) = self.relations.get_mut(table) {
                    relation.row_security = *enable;
                }
            }
            _ => {}
        }
    }

    /// `SET LOGGED`, `SET UNLOGGED`: indexes and owned sequences go along.
    fn set_persistence(&mut self, table: &QualifiedName, persistence: Persistence) {
        let parts = self.index_names(table).into_iter().chain(self.owned_sequences(table, None));
        for part in parts.chain([table.clone()]).collect::<Vec<_>>() {
            if let Some(relation) = self.relations.get_mut(&part) {
                relation.persistence = persistence;
            }
        }
    }

    /// `VALIDATE CONSTRAINT`.
    fn validate(&mut self, table: &QualifiedName, name: &str, place: Place) {
        let Some(relation) = self.relations.get_mut(table) else { return };
        let Some(constraint) = relation.constraints.iter_mut().find(|constraint| constraint.name == name) else {
            return;
        };
        if !std::mem::replace(&mut constraint.valid, true) {
            constraint.validated = Some(place);
        }
        if let ConstraintKind::NotNull(column) = constraint.kind.clone()
            && let Some(column) = relation.column_mut(&column)
        {
            column.not_null = true;
            column.changed = place;
        }
    }
}
