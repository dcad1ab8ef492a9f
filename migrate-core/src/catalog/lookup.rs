//! Finding what a name means.

use super::{
    Catalog, CatalogConstraint, Function, IndexDefinition, Map, QualifiedName, Relation, RelationKind, TypeEntry,
    TypeKind, View,
};
use crate::command::{ColumnType, Expression, Name};

/// The schema that stands for every session's schema of temporary relations.
pub(super) const TEMPORARY: &str = "pg_temp";

/// What a name means at a point of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// The migrations made it.
    Known(T),
    /// It may exist: declared outside, in a system schema, made by an extension, or hidden by something not understood.
    Unknown,
    /// It does not exist.
    Absent,
}

impl<T> Lookup<T> {
    /// The object, when the migrations made it.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(found) => Some(found),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// What was not found: unknown or absent.
    const fn missing(open: bool) -> Self {
        if open { Self::Unknown } else { Self::Absent }
    }
}

impl Catalog {
    /// The relation of this name.
    #[must_use]
    pub fn relation(&self, name: &Name) -> Lookup<(&QualifiedName, &Relation)> {
        self.find(&self.relations, name).map_or_else(
            || Lookup::missing(self.is_open(name, &self.external.relations) || name.name.starts_with("pg_")),
            Lookup::Known,
        )
    }

    /// The type or domain of this name. A table's row type is unknown.
    #[must_use]
    pub fn type_entry(&self, name: &Name) -> Lookup<(&QualifiedName, &TypeEntry)> {
        if let Some(found) = self.find(&self.types, name) {
            return Lookup::Known(found);
        }
        let dropped = self.candidates(name).any(|candidate| self.dropped.types.contains_key(&candidate));
        let open = self.is_open(name, &self.external.types)
            || self.has_extensions()
            || (name.schema.is_none() && !dropped)
            || self.find(&self.relations, name).is_some();
        Lookup::missing(open)
    }

    /// The functions of this name.
    #[must_use]
    pub fn function(&self, name: &Name) -> Lookup<(&QualifiedName, &[Function])> {
        if let Some((found, functions)) = self.find(&self.functions, name) {
            return Lookup::Known((found, functions.as_slice()));
        }
        let dropped = self.candidates(name).any(|candidate| self.dropped.functions.contains_key(&candidate));
        let open = self.is_open(name, &self.external.functions)
            || self.has_extensions()
            || (name.schema.is_none() && !dropped);
        Lookup::missing(open)
    }

    /// The qualified name that an object written as `name` has or would get.
    #[must_use]
    pub fn qualify(&self, name: &Name) -> QualifiedName {
        let schema = name.schema.clone().unwrap_or_else(|| self.creation_schema());
        QualifiedName { schema, name: name.name.clone() }
    }

    /// The type below a domain; any other type is its own.
    #[must_use]
    pub fn base_of<'a>(&'a self, kind: &'a ColumnType) -> &'a ColumnType {
        match self.type_entry(&kind.name).known().map(|(_, entry)| &entry.kind) {
            Some(TypeKind::Domain { base, .. }) if kind.dimensions == 0 => self.base_of(base),
            _ => kind,
        }
    }

    /// What a new column of a type holds where it says nothing itself: the default of its domain, or of one below it.
    #[must_use]
    pub fn default_of(&self, kind: &ColumnType) -> Option<&Expression> {
        match self.type_entry(&kind.name).known().map(|(_, entry)| &entry.kind) {
            Some(TypeKind::Domain { base, default, .. }) if kind.dimensions == 0 => {
                default.as_deref().or_else(|| self.default_of(base))
            }
            _ => None,
        }
    }

    /// The indexes of a table or materialized view.
    pub fn indexes_of<'a>(
        &'a self,
        table: &'a QualifiedName,
    ) -> impl Iterator<Item = (&'a QualifiedName, &'a IndexDefinition)> {
        let names = self.indexes.get(table).into_iter().flatten();
        names.filter_map(|name| match &self.relations.get(name)?.kind {
            RelationKind::Index(index) => Some((name, index)),
            _ => None,
        })
    }

    /// The partitions and inheritance children of a table, all levels.
    #[must_use]
    pub fn children_of(&self, table: &QualifiedName) -> Vec<&QualifiedName> {
        self.all_levels(table, |relation, parent| relation.parents.contains(parent))
    }

    /// The partitions and inheritance children directly below a table.
    pub fn partitions_of<'a>(
        &'a self,
        table: &QualifiedName,
    ) -> impl Iterator<Item = (&'a QualifiedName, &'a Relation)> + use<'a> {
        let table = table.clone();
        self.relations.mentioning(&table.name).filter(move |(_, relation)| relation.parents.contains(&table))
    }

    /// The views that read a relation themselves.
    pub fn views_of<'a>(
        &'a self,
        relation: &QualifiedName,
    ) -> impl Iterator<Item = (&'a QualifiedName, &'a View)> + use<'a> {
        let relation = relation.clone();
        self.relations.mentioning(&relation.name).filter_map(move |(name, reader)| match &reader.kind {
            RelationKind::View(view) if view.reads.contains(&relation) => Some((name, view)),
            _ => None,
        })
    }

    /// The foreign keys of other tables (and itself) that reference a table: (referencing table, constraint).
    pub fn referencing<'a>(
        &'a self,
        table: &'a QualifiedName,
    ) -> impl Iterator<Item = (&'a QualifiedName, &'a CatalogConstraint)> {
        self.relations.mentioning(&table.name).flat_map(move |(name, relation)| {
            let keys = relation.constraints.iter().filter(move |c| c.references.as_ref() == Some(table));
            keys.map(move |constraint| (name, constraint))
        })
    }

    /// The views that read a relation, all levels.
    #[must_use]
    pub fn views_over(&self, relation: &QualifiedName) -> Vec<&QualifiedName> {
        self.all_levels(
            relation,
            |candidate, read| matches!(&candidate.kind, RelationKind::View(view) if view.reads.contains(read)),
        )
    }

    /// Whether an extension may have brought types and functions.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        !self.extensions.is_empty() || !self.external.extensions.is_empty()
    }

    /// The schema that unqualified names are created in.
    pub(super) fn creation_schema(&self) -> String {
        let schema = self.search_path.iter().find(|schema| !schema.is_empty() && *schema != "$user");
        schema.map_or_else(|| "public".to_owned(), Clone::clone)
    }

    /// The relation of this name, when the migrations made it.
    pub(super) fn resolve(&self, name: &Name) -> Option<QualifiedName> {
        self.find(&self.relations, name).map(|(found, _)| found.clone())
    }

    /// The relation of this name, or the name that it would have.
    pub(super) fn resolve_or_qualify(&self, name: &Name) -> QualifiedName {
        self.resolve(name).unwrap_or_else(|| self.qualify(name))
    }

    /// Where a name is looked for, in order.
    pub(super) fn candidates<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = QualifiedName> + 'a {
        let qualified = name.schema.iter().map(String::as_str);
        let empty_path = self.search_path.iter().all(String::is_empty);
        let path = self.search_path.iter().map(String::as_str).filter(|schema| !schema.is_empty());
        let path = std::iter::once(TEMPORARY).chain(path).chain(empty_path.then_some("public"));
        let unqualified = path.take(if name.schema.is_some() { 0 } else { usize::MAX });
        qualified.chain(unqualified).map(|schema| QualifiedName { schema: schema.to_owned(), name: name.name.clone() })
    }

    fn find<'a, T>(&self, objects: &'a Map<QualifiedName, T>, name: &Name) -> Option<(&'a QualifiedName, &'a T)> {
        self.candidates(name).find_map(|candidate| objects.get_key_value(&candidate))
    }

    /// Whether something of this name may exist that no migration is known to have made.
    fn is_open(&self, name: &Name, external: &[String]) -> bool {
        self.clouded.is_some()
            || self.candidates(name).any(|candidate| {
                declared(external, &candidate)
                    || (candidate.schema != TEMPORARY && self.is_open_schema(&candidate.schema))
            })
            || (name.schema.is_none() && self.search_path.iter().all(String::is_empty))
    }

    /// Whether a schema holds what no migration is known to have made: a system's, a declared one, one of somebody else.
    fn is_open_schema(&self, schema: &str) -> bool {
        schema.starts_with("pg_")
            || schema == "information_schema"
            || self.external.schemas.iter().any(|external| external == schema)
            || !(schema == "public"
                || self.schemas.contains_key(schema)
                || self.dropped.schemas.contains(schema)
                || schema == "$user")
    }

    /// Whether a relation is declared to exist outside the migrations.
    pub(super) fn is_external(&self, name: &QualifiedName) -> bool {
        declared(&self.external.relations, name)
    }

    fn all_levels(
        &self,
        root: &QualifiedName,
        hangs_on: impl Fn(&Relation, &QualifiedName) -> bool,
    ) -> Vec<&QualifiedName> {
        let mut found: Vec<&QualifiedName> = Vec::new();
        let mut next = 0;
        let mut parent = root;
        loop {
            let below = self.relations.mentioning(&parent.name).filter(|(_, relation)| hangs_on(relation, parent));
            let below: Vec<_> =
                below.map(|(name, _)| name).filter(|name| *name != root && !found.contains(name)).collect();
            found.extend(below);
            let Some(name) = found.get(next) else { return found };
            parent = name;
            next += 1;
        }
    }
}

fn declared(external: &[String], name: &QualifiedName) -> bool {
    external.iter().any(|declared| match declared.split_once('.') {
        Some((schema, object)) => schema == name.schema && object == name.name,
        None => name.schema == "public" && *declared == name.name,
    })
}
