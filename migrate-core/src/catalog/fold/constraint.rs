//! Adding constraints to tables, with the names and indexes that PostgreSQL gives them.

use super::naming;
use crate::catalog::{
    Catalog, CatalogColumn, CatalogConstraint, IndexDefinition, Place, QualifiedName, Relation, RelationKind,
};
use crate::command::{Constraint, ConstraintKind, Name, Persistence, Where};

/// In which order PostgreSQL makes the constraints of one command: names depend on it.
const fn rank(constraint: &Constraint) -> u8 {
    match constraint.kind {
        ConstraintKind::NotNull(_) | ConstraintKind::Check { .. } => 0,
        ConstraintKind::PrimaryKey { .. } => 1,
        ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. } => 2,
        ConstraintKind::ForeignKey { .. } => 3,
    }
}

/// The key columns of PRIMARY KEY and UNIQUE without USING INDEX.
fn key(constraint: &Constraint) -> Option<&[String]> {
    match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, using_index: None }
        | ConstraintKind::Unique { columns, using_index: None, .. } => Some(columns),
        _ => None,
    }
}

impl Catalog {
    /// Adds the constraints of one command. Of two equal keys only one is made.
    pub(super) fn add_constraints(&mut self, table: &QualifiedName, constraints: &[&Constraint], place: Place) {
        let mut sorted = constraints.to_vec();
        sorted.sort_by_key(|constraint| rank(constraint));
        let mut made: Vec<(&Constraint, Option<String>)> = Vec::new();
        for constraint in sorted {
            let twin = key(constraint)
                .and_then(|key_columns| made.iter_mut().find(|(other, _)| key(other) == Some(key_columns)));
            match twin {
                Some((_, name)) if name.is_none() || constraint.name.is_none() || *name == constraint.name => {
                    *name = name.take().or_else(|| constraint.name.clone());
                }
                _ => made.push((constraint, constraint.name.clone())),
            }
        }
        for (constraint, name) in made {
            self.add_constraint(table, constraint, name, place);
        }
    }

    fn add_constraint(&mut self, table: &QualifiedName, constraint: &Constraint, name: Option<String>, place: Place) {
        match &constraint.kind {
            ConstraintKind::PrimaryKey { using_index: Some(index), .. }
            | ConstraintKind::Unique { using_index: Some(index), .. } => {
                self.use_index(table, constraint, (name, index), place);
            }
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. } => {
                self.add_key(table, &constraint.kind, (name, None), place);
            }
            _ => self.add_plain(table, constraint, name, place),
        }
    }

    /// CHECK, FOREIGN KEY and NOT NULL; tables below get CHECK always, the others when they are partitions.
    fn add_plain(&mut self, table: &QualifiedName, constraint: &Constraint, name: Option<String>, place: Place) {
        let name = name.unwrap_or_else(|| self.default_name(table, &constraint.kind));
        let references = match &constraint.kind {
            ConstraintKind::ForeignKey { references, .. } => Some(self.resolve_or_qualify(references)),
            _ => None,
        };
        let partitioned = self.relations.get(table).is_some_and(Relation::is_partitioned);
        let passed_on = match &constraint.kind {
            ConstraintKind::Check { no_inherit, .. } => !no_inherit,
            ConstraintKind::ForeignKey { .. } => partitioned,
            _ => true,
        };
        let new = CatalogConstraint {
            name,
            kind: constraint.kind.clone(),
            valid: !constraint.not_valid && !constraint.not_enforced,
            references,
            since: place,
            validated: None,
        };
        for member in self.family(table, !passed_on) {
            let Some(relation) = self.relations.get_mut(&member) else { continue };
            if let (ConstraintKind::NotNull(column), true) = (&new.kind, new.valid)
                && let Some(column) = relation.column_mut(column)
            {
                column.not_null = true;
                column.changed = place;
            }
            if relation.constraint(&new.name).is_none() {
                relation.constraints.push(new.clone());
            }
        }
    }

    /// What PostgreSQL calls a constraint without an index.
    fn default_name(&self, table: &QualifiedName, kind: &ConstraintKind) -> String {
        match kind {
            ConstraintKind::Check { expression, .. } => {
                let columns = self.relations.get(table).map_or(&[][..], |relation| relation.columns.as_slice());
                let mut used: Vec<&str> = expression.columns.iter().map(String::as_str).collect();
                used.sort_unstable();
                used.dedup();
                if !columns.is_empty() {
                    used.retain(|name| columns.iter().any(|column| column.name == *name));
                }
                let only = if let [only] = used.as_slice() { Some(*only) } else { None };
                self.choose_constraint(table, only, "check")
            }
            ConstraintKind::NotNull(column) => self.choose_constraint(table, Some(column), "not_null"),
            ConstraintKind::ForeignKey { columns, .. } => {
                let second = naming::joined(columns.iter().map(String::as_str));
                self.choose_constraint(table, Some(&second), "fkey")
            }
            _ => String::new(),
        }
    }

    /// PRIMARY KEY, UNIQUE and EXCLUDE: the constraint and its index, on partitions as well.
    pub(super) fn add_key(
        &mut self,
        table: &QualifiedName,
        kind: &ConstraintKind,
        (name, parent): (Option<String>, Option<QualifiedName>),
        place: Place,
    ) {
        let (columns, label) = match kind {
            ConstraintKind::PrimaryKey { columns, .. } => (columns, "pkey"),
            ConstraintKind::Unique { columns, .. } => (columns, "key"),
            ConstraintKind::Exclude { columns } => (columns, "excl"),
            _ => return,
        };
        let second = naming::joined(columns.iter().map(String::as_str));
        let second = (label != "pkey").then_some(second.as_str());
        let index = name.map_or_else(
            || self.choose_index_constraint(table, second, label),
            |name| QualifiedName { schema: table.schema.clone(), name },
        );
        let primary = label == "pkey";
        let taken = self.relations.contains_key(&index);
        let second_key = primary && self.relations.get(table).is_some_and(|table| table.primary_key().is_some());
        if taken || second_key {
            return;
        }
        let definition = index_of_key(table, (columns, label), &index.name, parent);
        let Some(relation) = self.relations.get_mut(table) else { return };
        let persistence = relation.persistence;
        relation.constraints.push(CatalogConstraint {
            name: index.name.clone(),
            kind: kind.clone(),
            valid: true,
            references: None,
            since: place,
            validated: None,
        });
        let partitioned = relation.is_partitioned();
        if primary {
            self.refuse_nulls(table, columns, place);
        }
        self.put(index.clone(), Relation::new(RelationKind::Index(definition), persistence, place));
        if partitioned {
            for partition in self.direct_children(table) {
                self.add_key(&partition, kind, (None, Some(index.clone())), place);
            }
        }
    }

    /// Marks columns NOT NULL, in the tables below as well.
    pub(super) fn refuse_nulls(&mut self, table: &QualifiedName, columns: &[String], place: Place) {
        for member in self.family(table, false) {
            let Some(relation) = self.relations.get_mut(&member) else { continue };
            let nullable = |column: &&mut CatalogColumn| !column.not_null && columns.contains(&column.name);
            for column in relation.columns.iter_mut().filter(nullable) {
                column.not_null = true;
                column.changed = place;
            }
        }
    }

    /// `ADD CONSTRAINT … USING INDEX`: the index gets the constraint's name.
    fn use_index(
        &mut self,
        table: &QualifiedName,
        constraint: &Constraint,
        (name, index): (Option<String>, &str),
        place: Place,
    ) {
        let old = QualifiedName { schema: table.schema.clone(), name: index.to_owned() };
        let Some(RelationKind::Index(definition)) = self.relations.get(&old).map(|relation| &relation.kind) else {
            return self.use_unknown_index(table, constraint, name.unwrap_or_else(|| index.to_owned()), place);
        };
        let columns = definition.columns.clone();
        let name = name.unwrap_or_else(|| old.name.clone());
        let kind = match &constraint.kind {
            ConstraintKind::PrimaryKey { .. } => {
                ConstraintKind::PrimaryKey { columns: columns.clone(), using_index: None }
            }
            ConstraintKind::Unique { nulls_not_distinct, .. } => ConstraintKind::Unique {
                columns: columns.clone(),
                using_index: None,
                nulls_not_distinct: *nulls_not_distinct,
            },
            _ => return,
        };
        if matches!(kind, ConstraintKind::PrimaryKey { .. }) {
            self.refuse_nulls(table, &columns, place);
        }
        let new = QualifiedName { schema: old.schema.clone(), name: name.clone() };
        self.move_relation(&old, &new);
        if let Some(RelationKind::Index(definition)) = self.relations.get_mut(&new).map(|relation| &mut relation.kind) {
            definition.constraint = Some(name.clone());
        }
        if let Some(relation) = self.relations.get_mut(table) {
            let valid = true;
            let constraint = CatalogConstraint { name, kind, valid, references: None, since: place, validated: None };
            relation.constraints.push(constraint);
        }
    }

    /// The index was made by something that is not known: so are its columns.
    fn use_unknown_index(&mut self, table: &QualifiedName, constraint: &Constraint, name: String, place: Place) {
        let Some(relation) = self.relations.get_mut(table) else { return };
        relation.complete = false;
        relation.constraints.push(CatalogConstraint {
            name,
            kind: constraint.kind.clone(),
            valid: true,
            references: None,
            since: place,
            validated: None,
        });
    }

    /// The foreign keys of a partitioned table, for a new partition.
    pub(super) fn clone_foreign_keys(&mut self, parent: &QualifiedName, partition: &QualifiedName) {
        let Some(parent) = self.relations.get(parent) else { return };
        let keys = parent.constraints.iter().filter(|constraint| constraint.references.is_some());
        let keys: Vec<CatalogConstraint> = keys.cloned().collect();
        for mut foreign in keys {
            let Some(relation) = self.relations.get(partition) else { return };
            let same = |other: &CatalogConstraint| {
                other.references == foreign.references && other.columns() == foreign.columns()
            };
            if relation.constraints.iter().any(same) {
                continue;
            }
            if relation.constraint(&foreign.name).is_some() {
                foreign.name = self.default_name(partition, &foreign.kind);
            }
            if let Some(relation) = self.relations.get_mut(partition) {
                relation.constraints.push(foreign);
            }
        }
    }
}

/// A name as a command would write it.
pub(super) fn written(name: &QualifiedName) -> Name {
    Name { schema: Some(name.schema.clone()), name: name.name.clone(), span: Where::default() }
}

/// The persistence that an index shares with its table.
pub(super) fn persistence_of(relation: Option<&Relation>) -> Persistence {
    relation.map_or(Persistence::Permanent, |relation| relation.persistence)
}

/// The index of a key: PostgreSQL makes one for each.
fn index_of_key(
    table: &QualifiedName,
    (columns, label): (&[String], &str),
    name: &str,
    parent: Option<QualifiedName>,
) -> IndexDefinition {
    let excludes = label == "excl";
    IndexDefinition {
        table: table.clone(),
        unique: !excludes,
        columns: columns.to_vec(),
        expressions: Vec::new(),
        include: Vec::new(),
        predicate: None,
        method: if excludes { "gist" } else { "btree" }.to_owned(),
        constraint: Some(name.to_owned()),
        parent,
    }
}
