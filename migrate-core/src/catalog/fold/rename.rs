//! `RENAME` and `SET SCHEMA`: everything that refers to the object follows.

use super::cascade::is_named;
use crate::catalog::{Catalog, CatalogConstraint, IndexDefinition, Place, QualifiedName, Relation, RelationKind};
use crate::command::{ConstraintKind, Expression, Kind, Rename};

impl Catalog {
    pub(super) fn rename(&mut self, rename: &Rename, place: Place) {
        let from = rename.from.as_deref().unwrap_or_default();
        match rename.what {
            Kind::Column | Kind::Attribute if !matches!(rename.of, Kind::Type | Kind::Domain) => {
                let Some(table) = self.resolve(&rename.object) else { return };
                for member in self.family(&table, false) {
                    self.rename_column(&member, from, &rename.to, place);
                }
            }
            Kind::Attribute => self.rename_attribute(&rename.object, from, &rename.to),
            Kind::Value => self.rename_value(&rename.object, from, &rename.to),
            Kind::Constraint if rename.of == Kind::Domain => {
                self.rename_domain_constraint(&rename.object, from, &rename.to);
            }
            Kind::Constraint => {
                let Some(table) = self.resolve(&rename.object) else { return };
                for member in self.family(&table, false) {
                    self.rename_constraint(&member, from, &rename.to);
                }
            }
            Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Index | Kind::Sequence => {
                let Some(old) = self.resolve(&rename.object) else { return };
                let new = QualifiedName { schema: old.schema.clone(), name: rename.to.clone() };
                self.move_relation(&old, &new);
            }
            Kind::Trigger | Kind::Policy | Kind::Rule => self.rename_part(rename, from),
            _ => self.rename_other(rename),
        }
    }

    fn rename_other(&mut self, rename: &Rename) {
        match rename.what {
            Kind::Type | Kind::Domain => {
                let Some((old, _)) = self.type_entry(&rename.object).known() else { return };
                let old = old.clone();
                let new = QualifiedName { schema: old.schema.clone(), name: rename.to.clone() };
                self.move_type(&old, &new);
            }
            Kind::Function | Kind::Procedure | Kind::Routine | Kind::Aggregate => {
                let Some((old, _)) = self.function(&rename.object).known() else { return };
                let old = old.clone();
                let new = QualifiedName { schema: old.schema.clone(), name: rename.to.clone() };
                self.move_functions(&old, &new);
            }
            Kind::Schema => self.rename_schema(&rename.object.name, &rename.to),
            Kind::Statistics => {
                let old = &rename.object.name;
                let has = |relation: &Relation| relation.statistics.contains_key(old);
                let found = self.relations.names_mentioning(old, has).into_iter().next();
                let statistics = found.and_then(|name| Some(&mut self.relations.get_mut(&name)?.statistics));
                if let Some(statistics) = statistics
                    && let Some(columns) = statistics.remove(old)
                {
                    statistics.insert(rename.to.clone(), columns);
                }
            }
            _ => {}
        }
    }

    /// A trigger, a policy or a rule.
    fn rename_part(&mut self, rename: &Rename, from: &str) {
        let Some(relation) = self.relation_mut(&rename.object) else { return };
        match rename.what {
            Kind::Trigger => {
                if let Some(function) = relation.triggers.remove(from) {
                    relation.triggers.insert(rename.to.clone(), function);
                }
                if let Some(columns) = relation.trigger_columns.remove(from) {
                    relation.trigger_columns.insert(rename.to.clone(), columns);
                }
            }
            Kind::Policy => {
                if let Some(expressions) = relation.policies.remove(from) {
                    relation.policies.insert(rename.to.clone(), expressions);
                }
            }
            _ => replace(&mut relation.rules, from, &rename.to),
        }
    }

    fn rename_column(&mut self, table: &QualifiedName, from: &str, to: &str, place: Place) {
        let Some(relation) = self.relations.get_mut(table) else { return };
        let Some(column) = relation.column_mut(from) else { return };
        to.clone_into(&mut column.name);
        column.changed = place;
        rename_in_table(relation, from, to);
        for index in self.index_names(table) {
            let Some(RelationKind::Index(index)) = self.relations.get_mut(&index).map(|found| &mut found.kind) else {
                continue;
            };
            replace(&mut index.columns, from, to);
            replace(&mut index.include, from, to);
            index.expressions.iter_mut().chain(&mut index.predicate).for_each(|one| rename_in(one, from, to));
        }
        let follow = |relation: &mut Relation| {
            if let RelationKind::Sequence { owner: Some((of, column)), .. } = &mut relation.kind
                && of == table
                && column == from
            {
                to.clone_into(column);
            }
            for constraint in relation.constraints.iter_mut().filter(|c| c.references.as_ref() == Some(table)) {
                rename_referenced(constraint, from, to);
            }
        };
        self.relations.change_mentioning(&table.name, |_| true, follow);
    }

    /// A key's index gets the same new name.
    fn rename_constraint(&mut self, table: &QualifiedName, from: &str, to: &str) {
        let relation = self.relations.get(table);
        let Some(constraint) = relation.and_then(|relation| relation.constraint(from)) else { return };
        if constraint.has_index() {
            let old = QualifiedName { schema: table.schema.clone(), name: from.to_owned() };
            let new = QualifiedName { schema: table.schema.clone(), name: to.to_owned() };
            if self.relations.contains_key(&old) {
                return self.move_relation(&old, &new);
            }
        }
        self.rename_only_constraint(table, from, to);
    }

    fn rename_only_constraint(&mut self, table: &QualifiedName, from: &str, to: &str) {
        let constraints = self.relations.get_mut(table).into_iter().flat_map(|relation| &mut relation.constraints);
        for constraint in constraints.filter(|constraint| constraint.name == from) {
            to.clone_into(&mut constraint.name);
        }
    }

    /// Gives a relation another name or schema. Nothing happens when that name is taken.
    pub(super) fn move_relation(&mut self, old: &QualifiedName, new: &QualifiedName) {
        if old == new || self.relations.contains_key(new) {
            return;
        }
        let Some(mut relation) = self.take(old) else { return };
        let mut with_schema = Vec::new();
        match &mut relation.kind {
            RelationKind::Index(index) => {
                let table = index.table.clone();
                if let Some(constraint) = index.constraint.as_mut() {
                    new.name.clone_into(constraint);
                    self.rename_only_constraint(&table, &old.name, &new.name);
                }
            }
            RelationKind::Sequence { .. } => self.follow_sequence(old, new),
            _ => {
                self.follow_table(old, new);
                for constraint in &mut relation.constraints {
                    follow_reference(constraint, old, new);
                }
                if old.schema != new.schema {
                    with_schema = self.index_names(new);
                    with_schema.extend(self.owned_sequences(new, None));
                }
            }
        }
        self.put(new.clone(), relation);
        self.follow_parent_index(old, new);
        for part in with_schema {
            let moved = QualifiedName { schema: new.schema.clone(), name: part.name.clone() };
            self.move_relation(&part, &moved);
        }
    }

    /// Everything that refers to a table, view or materialized view.
    fn follow_table(&mut self, old: &QualifiedName, new: &QualifiedName) {
        if let Some(indexes) = self.indexes.remove(old) {
            for name in &indexes {
                self.change_index(name, |index| index.table = new.clone());
            }
            self.indexes.insert(new.clone(), indexes);
        }
        let follow = |relation: &mut Relation| {
            for parent in relation.parents.iter_mut().filter(|parent| *parent == old) {
                *parent = new.clone();
            }
            for constraint in &mut relation.constraints {
                follow_reference(constraint, old, new);
            }
            match &mut relation.kind {
                RelationKind::View(view) => {
                    view.reads.iter_mut().filter(|read| *read == old).for_each(|read| *read = new.clone());
                }
                RelationKind::Sequence { owner: Some((table, _)), .. } if table == old => *table = new.clone(),
                _ => {}
            }
        };
        self.relations.change_mentioning(&old.name, |_| true, follow);
    }

    /// Changes an index.
    pub(super) fn change_index(&mut self, name: &QualifiedName, change: impl FnOnce(&mut IndexDefinition)) {
        if let Some(RelationKind::Index(index)) = self.relations.get_mut(name).map(|found| &mut found.kind) {
            change(index);
        }
    }

    fn follow_parent_index(&mut self, old: &QualifiedName, new: &QualifiedName) {
        let below = |relation: &Relation| match &relation.kind {
            RelationKind::Index(index) => index.parent.as_ref() == Some(old),
            _ => false,
        };
        for name in self.relations.names_mentioning(&old.name, below) {
            self.change_index(&name, |index| index.parent = Some(new.clone()));
        }
    }

    /// Defaults name their sequence by what it is, not by its name.
    fn follow_sequence(&mut self, old: &QualifiedName, new: &QualifiedName) {
        let visible = self.is_visible(old);
        let takes = |default: &Expression| {
            default.calls.iter().any(|call| call.name == "nextval")
                && default.strings.iter().any(|text| is_named(text, old, visible))
        };
        let takes_any = |relation: &Relation| relation.columns.iter().any(|c| c.default.as_ref().is_some_and(takes));
        let follow = |relation: &mut Relation| {
            let defaults = relation.columns.iter_mut().filter_map(|column| column.default.as_mut());
            defaults.filter(|default| takes(default)).for_each(|default| take_from(default, (old, visible), new));
        };
        self.relations.change_mentioning(&old.name, takes_any, follow);
    }
}

/// Writes the new name of a sequence into a default.
fn take_from(default: &mut Expression, (old, visible): (&QualifiedName, bool), new: &QualifiedName) {
    for text in default.strings.iter_mut().filter(|text| is_named(text, old, visible)) {
        default.text = default.text.replace(&format!("'{text}'"), &format!("'{new}'"));
        *text = new.to_string();
    }
}

/// The parts of a table that name its columns.
fn rename_in_table(relation: &mut Relation, from: &str, to: &str) {
    for constraint in &mut relation.constraints {
        match &mut constraint.kind {
            ConstraintKind::Check { expression, .. } => rename_in(expression, from, to),
            ConstraintKind::NotNull(column) if column == from => to.clone_into(column),
            ConstraintKind::NotNull(_) => {}
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Exclude { columns }
            | ConstraintKind::ForeignKey { columns, .. } => replace(columns, from, to),
        }
    }
    for generated in relation.columns.iter_mut().filter_map(|column| column.generated.as_mut()) {
        rename_in(&mut generated.expression, from, to);
    }
    relation.trigger_columns.values_mut().for_each(|columns| replace(columns, from, to));
    relation.statistics.values_mut().for_each(|columns| replace(columns, from, to));
    relation.policies.values_mut().flatten().for_each(|expression| rename_in(expression, from, to));
    if let RelationKind::Table { key: Some(key) } = &mut relation.kind {
        replace(key, from, to);
    }
}

fn rename_referenced(constraint: &mut CatalogConstraint, from: &str, to: &str) {
    if let ConstraintKind::ForeignKey { referenced, .. } = &mut constraint.kind {
        replace(referenced, from, to);
    }
}

fn rename_in(expression: &mut Expression, from: &str, to: &str) {
    replace(&mut expression.columns, from, to);
    replace(&mut expression.proves_not_null, from, to);
}

fn replace(names: &mut [String], from: &str, to: &str) {
    names.iter_mut().filter(|name| *name == from).for_each(|name| to.clone_into(name));
}

fn follow_reference(constraint: &mut CatalogConstraint, old: &QualifiedName, new: &QualifiedName) {
    if constraint.references.as_ref() != Some(old) {
        return;
    }
    constraint.references = Some(new.clone());
    if let ConstraintKind::ForeignKey { references, .. } = &mut constraint.kind {
        references.name.clone_from(&new.name);
        references.schema = references.schema.take().map(|_| new.schema.clone());
    }
}
