//! Types and domains.

use super::naming;
use crate::catalog::{Catalog, CatalogConstraint, Place, QualifiedName, TypeEntry, TypeKind};
use crate::command::{ColumnType, Constraint, CreateType, DomainChange, Name, TypeChange, TypeDefinition};

impl Catalog {
    pub(super) fn create_type(&mut self, create: &CreateType, place: Place) {
        let name = self.qualify(&create.name);
        let kind = match &create.definition {
            TypeDefinition::Enum(values) => TypeKind::Enum(values.iter().map(|value| (value.clone(), place)).collect()),
            TypeDefinition::Composite(attributes) => TypeKind::Composite(attributes.clone()),
            TypeDefinition::Domain { base, not_null, constraints, default } => {
                let mut made = Vec::new();
                for constraint in constraints {
                    let constraint = domain_constraint(&name, &made, constraint, place);
                    made.push(constraint);
                }
                TypeKind::Domain {
                    base: base.clone(),
                    constraints: made,
                    not_null: *not_null,
                    default: default.clone().map(Box::new),
                }
            }
            TypeDefinition::Other => TypeKind::Other,
        };
        let shell = matches!(self.types.get(&name), Some(TypeEntry { kind: TypeKind::Other, .. }));
        if shell || !self.types.contains_key(&name) {
            self.dropped.types.remove(&name);
            self.types.insert(name, TypeEntry { kind, since: place });
        }
    }

    /// The type of a name, to be changed.
    fn type_mut(&mut self, name: &Name) -> Option<(QualifiedName, &mut TypeEntry)> {
        let name = self.type_entry(name).known()?.0.clone();
        let entry = self.types.get_mut(&name)?;
        Some((name, entry))
    }

    pub(super) fn alter_type(&mut self, name: &Name, changes: &[TypeChange], place: Place) {
        for change in changes {
            let Some((found, entry)) = self.type_mut(name) else { return };
            match (change, &mut entry.kind) {
                (TypeChange::AddValue { value, beside, .. }, TypeKind::Enum(values)) => {
                    add_value(values, value, beside.as_ref(), place);
                }
                (TypeChange::AddAttribute(name, kind), TypeKind::Composite(attributes)) => {
                    attributes.push((name.clone(), kind.clone()));
                }
                (TypeChange::DropAttribute(name), TypeKind::Composite(attributes)) => {
                    attributes.retain(|(attribute, _)| attribute != name);
                }
                (TypeChange::AlterAttribute(name, kind), TypeKind::Composite(attributes)) => {
                    let found = attributes.iter_mut().filter(|(attribute, _)| attribute == name);
                    found.for_each(|(_, old)| *old = kind.clone());
                }
                (TypeChange::SetSchema(schema), _) => {
                    let new = QualifiedName { schema: schema.clone(), name: found.name.clone() };
                    self.move_type(&found, &new);
                }
                _ => {}
            }
        }
    }

    pub(super) fn alter_domain(&mut self, name: &Name, change: &DomainChange, place: Place) {
        let Some((found, entry)) = self.type_mut(name) else { return };
        let TypeKind::Domain { constraints, not_null, default, .. } = &mut entry.kind else { return };
        match change {
            DomainChange::AddConstraint(constraint) => {
                let constraint = domain_constraint(&found, constraints, constraint, place);
                constraints.push(constraint);
            }
            DomainChange::DropConstraint { name, .. } => constraints.retain(|constraint| constraint.name != *name),
            DomainChange::ValidateConstraint(name) => {
                for constraint in constraints.iter_mut().filter(|constraint| constraint.name == *name) {
                    constraint.valid = true;
                    constraint.validated = Some(place);
                }
            }
            DomainChange::SetNotNull => *not_null = true,
            DomainChange::DropNotNull => *not_null = false,
            DomainChange::SetSchema(schema) => {
                let new = QualifiedName { schema: schema.clone(), name: found.name.clone() };
                self.move_type(&found, &new);
            }
            DomainChange::Default(changed) => *default = changed.clone().map(Box::new),
            DomainChange::OwnerTo(_) => {}
        }
    }

    pub(super) fn rename_value(&mut self, name: &Name, from: &str, to: &str) {
        if let Some((_, TypeEntry { kind: TypeKind::Enum(values), .. })) = self.type_mut(name)
            && !values.iter().any(|(value, _)| value == to)
        {
            values.iter_mut().filter(|(value, _)| value == from).for_each(|(value, _)| to.clone_into(value));
        }
    }

    pub(super) fn rename_attribute(&mut self, name: &Name, from: &str, to: &str) {
        if let Some((_, TypeEntry { kind: TypeKind::Composite(attributes), .. })) = self.type_mut(name) {
            attributes.iter_mut().filter(|(name, _)| name == from).for_each(|(name, _)| to.clone_into(name));
        }
    }

    pub(super) fn rename_domain_constraint(&mut self, name: &Name, from: &str, to: &str) {
        if let Some((_, TypeEntry { kind: TypeKind::Domain { constraints, .. }, .. })) = self.type_mut(name) {
            constraints.iter_mut().filter(|one| one.name == from).for_each(|one| to.clone_into(&mut one.name));
        }
    }

    /// Gives a type another name or schema; columns and whatever else has it follow.
    pub(super) fn move_type(&mut self, old: &QualifiedName, new: &QualifiedName) {
        if self.types.contains_key(new) {
            return;
        }
        let mut uses = Vec::new();
        for (table, relation) in self.relations.mentioning(&old.name) {
            let kinds = relation.columns.iter().filter_map(|column| Some((&column.name, column.kind.as_ref()?)));
            let found = kinds.filter(|(_, kind)| self.is_type(&kind.name, old));
            uses.extend(found.map(|(column, _)| (table.clone(), column.clone())));
        }
        let inside =
            self.types.iter().filter(|(_, entry)| inner_types(entry).any(|kind| self.is_type(&kind.name, old)));
        let inside: Vec<QualifiedName> = inside.map(|(name, _)| name.clone()).collect();
        let Some(entry) = self.types.remove(old) else { return };
        let kept: Vec<Name> = inside.iter().map(super::constraint::written).collect();
        for (table, column) in uses {
            let relation = self.relations.get_mut(&table);
            let column = relation.and_then(|relation| relation.column_mut(&column));
            if let Some(kind) = column.and_then(|column| column.kind.as_mut()) {
                follow(kind, new);
            }
        }
        self.types.insert(new.clone(), entry);
        self.dropped.types.insert(old.clone(), ());
        self.dropped.types.remove(new);
        for name in kept {
            let Some((_, entry)) = self.type_mut(&name) else { continue };
            for kind in inner_types_mut(entry).filter(|kind| kind.name.name == old.name) {
                follow(kind, new);
            }
        }
    }

    /// Whether a type as written is a given one.
    fn is_type(&self, written: &Name, kind: &QualifiedName) -> bool {
        written.name == kind.name && self.type_entry(written).known().is_some_and(|(found, _)| found == kind)
    }

    pub(super) fn drop_type(&mut self, name: &Name) {
        if let Some((found, _)) = self.type_entry(name).known() {
            let found = found.clone();
            self.drop_known_type(&found);
        }
    }

    /// Drops a type with the columns, domains and functions that need it.
    pub(super) fn drop_known_type(&mut self, name: &QualifiedName) {
        if !self.types.contains_key(name) {
            return;
        }
        self.drop_columns_of(&name.name, |catalog, kind| catalog.is_type(kind, name));
        self.drop_defaults(&name.name, |default| default.types.iter().any(|kind| kind.name == name.name));
        let over = self.types.iter().filter(|(_, entry)| match &entry.kind {
            TypeKind::Domain { base, .. } => self.is_type(&base.name, name),
            _ => false,
        });
        let over: Vec<QualifiedName> = over.map(|(name, _)| name.clone()).collect();
        self.types.remove(name);
        self.dropped.types.insert(name.clone(), ());
        for domain in over {
            self.drop_known_type(&domain);
        }
        self.drop_functions_with_type(name);
    }
}

fn domain_constraint(
    domain: &QualifiedName,
    others: &[CatalogConstraint],
    constraint: &Constraint,
    place: Place,
) -> CatalogConstraint {
    let labels = std::iter::once("check".to_owned()).chain((1..).map(|number| format!("check{number}")));
    let mut names = labels.map(|label| naming::object_name(&domain.name, None, &label));
    let free = |name: &String| !others.iter().any(|other| other.name == *name);
    CatalogConstraint {
        name: constraint.name.clone().or_else(|| names.find(free)).unwrap_or_default(),
        kind: constraint.kind.clone(),
        valid: !constraint.not_valid,
        references: None,
        since: place,
        validated: None,
    }
}

fn add_value(values: &mut Vec<(String, Place)>, value: &str, beside: Option<&(bool, String)>, place: Place) {
    if values.iter().any(|(other, _)| other == value) {
        return;
    }
    let position = beside.and_then(|(before, neighbour)| {
        let at = values.iter().position(|(other, _)| other == neighbour)?;
        Some(if *before { at } else { at + 1 })
    });
    values.insert(position.unwrap_or(values.len()), (value.to_owned(), place));
}

fn follow(kind: &mut ColumnType, new: &QualifiedName) {
    kind.name.name.clone_from(&new.name);
    let needed = kind.name.schema.is_some() || new.schema != "public";
    kind.name.schema = needed.then(|| new.schema.clone());
}

/// The types that a type is made of.
fn inner_types(entry: &TypeEntry) -> impl Iterator<Item = &ColumnType> {
    let (attributes, base) = match &entry.kind {
        TypeKind::Composite(attributes) => (attributes.as_slice(), None),
        TypeKind::Domain { base, .. } => (&[][..], Some(base)),
        TypeKind::Enum(_) | TypeKind::Other => (&[][..], None),
    };
    attributes.iter().map(|(_, kind)| kind).chain(base)
}

fn inner_types_mut(entry: &mut TypeEntry) -> impl Iterator<Item = &mut ColumnType> {
    let (attributes, base) = match &mut entry.kind {
        TypeKind::Composite(attributes) => (attributes.as_mut_slice(), None),
        TypeKind::Domain { base, .. } => (&mut [][..], Some(base)),
        TypeKind::Enum(_) | TypeKind::Other => (&mut [][..], None),
    };
    attributes.iter_mut().map(|(_, kind)| kind).chain(base)
}
