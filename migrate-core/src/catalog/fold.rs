//! What each command does to the catalog, as PostgreSQL does it.

mod alter;
mod cascade;
mod cloud;
mod column;
mod constraint;
mod drop;
mod index;
mod inherit;
mod naming;
mod path;
mod privilege;
mod rename;
mod routine;
mod schema;
mod table;
mod types;
mod view;

use super::lookup::TEMPORARY;
use super::{Catalog, Place, QualifiedName, Relation, RelationKind};
use crate::command::{Action, Name, Persistence};

impl Catalog {
    pub(super) fn fold(&mut self, action: &Action, place: Place) {
        self.cloud(action, place);
        match action {
            Action::CreateTable(create) => self.create_table(create, place),
            Action::CreateTableAs { name, persistence, columns, query, with_data, .. } => {
                let created = self.create_table_as((name, *persistence), columns, query, place);
                self.set_unpopulated(created, !with_data);
            }
            Action::AlterTable(alter) => self.alter_table(alter, place),
            Action::Rename(rename) => self.rename(rename, place),
            Action::CreateIndex(create) => self.create_index(create, place),
            Action::Drop(drop) => self.drop_objects(drop),
            Action::CreateView(create) => self.create_view(create, place),
            Action::Refresh { name, with_data, .. } => {
                let view = self.resolve(name);
                self.set_unpopulated(view, !with_data);
            }
            Action::CreateType(create) => self.create_type(create, place),
            Action::AlterType { name, changes } => self.alter_type(name, changes, place),
            Action::AlterDomain { name, change } => self.alter_domain(name, change, place),
            Action::CreateSequence(create) => self.create_sequence(create, place),
            Action::AlterSequence { name, options, owned_by, .. } => {
                self.own_sequence(name, options, owned_by.as_ref());
            }
            Action::Select(query) => self.select(query, place),
            Action::Setting(setting) => self.set(setting),
            _ => self.fold_small(action, place),
        }
    }

    /// The objects that stand beside tables.
    fn fold_small(&mut self, action: &Action, place: Place) {
        match action {
            Action::CreateFunction(create) => self.create_function(create, place),
            Action::AlterFunction(alter) => self.alter_function(alter),
            Action::CreateTrigger(create) => self.create_trigger(create),
            Action::CreatePolicy { name, table, expressions } => {
                if let Some(relation) = self.relation_mut(table) {
                    relation.policies.entry(name.clone()).or_insert_with(|| expressions.clone());
                }
            }
            Action::CreateRule { name, table, .. } => {
                if let Some(relation) = self.relation_mut(table).filter(|relation| !relation.rules.contains(name)) {
                    relation.rules.push(name.clone());
                }
            }
            Action::CreateExtension { name, .. } => {
                self.extensions.entry(name.name.clone()).or_insert(place);
            }
            Action::CreateSchema { name, .. } => {
                self.schemas.entry(name.name.clone()).or_insert(place);
            }
            Action::CreateStatistics { name, table, columns, .. } => {
                self.create_statistics(name.as_ref(), table, columns);
            }
            Action::Write(write) => self.fill(write, place),
            Action::Grant(grant) => self.grant(grant),
            Action::Do { body, .. } => self.roles_of_body(body),
            Action::Other(other) => self.other(other, place),
            _ => {}
        }
    }

    /// The relation of a name, to be changed.
    fn relation_mut(&mut self, name: &Name) -> Option<&mut Relation> {
        let found = self.resolve(name)?;
        self.relations.get_mut(&found)
    }

    /// The name that a new relation gets.
    fn new_name(&self, name: &Name, persistence: Persistence) -> QualifiedName {
        if persistence == Persistence::Temporary {
            return QualifiedName { schema: TEMPORARY.to_owned(), name: name.name.clone() };
        }
        self.qualify(name)
    }

    /// Adds a relation; an index is found by its table from then on.
    fn put(&mut self, name: QualifiedName, relation: Relation) {
        if let RelationKind::Index(index) = &relation.kind {
            self.indexes.or_default(&index.table).into_iter().for_each(|names| names.extend([name.clone()]));
        }
        self.relations.insert(name, relation);
    }

    /// Takes a relation away, and nothing that depends on it.
    fn take(&mut self, name: &QualifiedName) -> Option<Relation> {
        let relation = self.relations.remove(name)?;
        if let RelationKind::Index(index) = &relation.kind
            && let Some(names) = self.indexes.get_mut(&index.table)
        {
            names.remove(name);
            if names.is_empty() {
                self.indexes.remove(&index.table);
            }
        }
        Some(relation)
    }

    /// The names of a table's indexes.
    fn index_names(&self, table: &QualifiedName) -> Vec<QualifiedName> {
        self.indexes.get(table).into_iter().flatten().cloned().collect()
    }

    /// The tables directly below a table.
    fn direct_children(&self, table: &QualifiedName) -> Vec<QualifiedName> {
        self.relations.names_mentioning(&table.name, |relation| relation.parents.contains(table))
    }

    /// A table and, unless ONLY was said, all below it.
    fn family(&self, table: &QualifiedName, only: bool) -> Vec<QualifiedName> {
        let mut family = vec![table.clone()];
        if !only {
            family.extend(self.children_of(table).into_iter().cloned());
        }
        family
    }

    fn set_unpopulated(&mut self, relation: Option<QualifiedName>, unpopulated: bool) {
        if let Some(relation) = relation.and_then(|name| self.relations.get_mut(&name)) {
            relation.unpopulated = unpopulated;
        }
    }
}
