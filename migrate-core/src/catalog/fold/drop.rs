//! `DROP`.

use crate::catalog::{Catalog, QualifiedName, Relation, RelationKind};
use crate::command::{Drop, Kind, Name};

impl Catalog {
    pub(super) fn drop_objects(&mut self, drop: &Drop) {
        for (at, name) in drop.names.iter().enumerate() {
            let arguments = drop.arguments.get(at).and_then(Option::as_ref);
            match drop.kind {
                Kind::Table
                | Kind::ForeignTable
                | Kind::View
                | Kind::MaterializedView
                | Kind::Index
                | Kind::Sequence => self.drop_named(drop.kind, name),
                Kind::Type | Kind::Domain => self.drop_type(name),
                Kind::Function | Kind::Procedure | Kind::Routine | Kind::Aggregate => {
                    self.drop_function(name, arguments.map(Vec::as_slice));
                }
                Kind::Schema => self.drop_schema(&name.name),
                Kind::Extension => self.drop_extension(&name.name),
                Kind::Statistics => {
                    let has = |relation: &Relation| relation.statistics.contains_key(&name.name);
                    let forget = |relation: &mut Relation| drop_key(&mut relation.statistics, &name.name);
                    self.relations.change_mentioning(&name.name, has, forget);
                }
                Kind::Trigger | Kind::Policy | Kind::Rule => self.drop_part(drop, &name.name),
                Kind::Subscription => {
                    self.without_slot.remove(&name.name);
                }
                _ => {}
            }
        }
    }

    /// Drops a relation if it is of the kind that the command says; with another kind a server refuses.
    fn drop_named(&mut self, kind: Kind, name: &Name) {
        let Some(found) = self.resolve(name) else { return };
        let fits = match self.relations.get(&found).map(|relation| &relation.kind) {
            Some(RelationKind::Table { .. }) => kind == Kind::Table,
            Some(RelationKind::ForeignTable) => kind == Kind::ForeignTable,
            Some(RelationKind::View(view)) => {
                kind == if view.materialized { Kind::MaterializedView } else { Kind::View }
            }
            Some(RelationKind::Index(index)) => kind == Kind::Index && index.constraint.is_none(),
            Some(RelationKind::Sequence { .. }) => kind == Kind::Sequence,
            None => false,
        };
        if fits {
            self.drop_relation(&found);
        }
    }

    /// A trigger, a policy or a rule.
    fn drop_part(&mut self, drop: &Drop, name: &str) {
        let Some(relation) = drop.on.as_ref().and_then(|on| self.resolve(on)) else { return };
        for member in self.family(&relation, drop.kind != Kind::Trigger) {
            let Some(relation) = self.relations.get_mut(&member) else { continue };
            match drop.kind {
                Kind::Trigger => {
                    drop_key(&mut relation.triggers, name);
                    drop_key(&mut relation.trigger_columns, name);
                }
                Kind::Policy => drop_key(&mut relation.policies, name),
                _ => relation.rules.retain(|rule| rule != name),
            }
        }
    }

    fn drop_schema(&mut self, schema: &str) {
        let relations: Vec<QualifiedName> =
            self.relations.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in relations {
            self.drop_relation(&name);
        }
        let types: Vec<QualifiedName> = self.types.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in types {
            self.drop_known_type(&name);
        }
        let functions: Vec<QualifiedName> =
            self.functions.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in functions {
            self.drop_overloads(&name);
        }
        if self.schemas.remove(schema).is_some() {
            self.dropped.schemas.insert(schema.to_owned());
        }
    }

    /// What is known of the extension's types and functions goes with it.
    fn drop_extension(&mut self, extension: &str) {
        self.extensions.remove(extension);
        let types: &[&str] = match extension {
            "postgis" => &["geometry", "geography", "box2d", "box3d"],
            "vector" => &["vector", "halfvec", "sparsevec"],
            "ltree" => &["ltree", "lquery", "ltxtquery"],
            "citext" => &["citext"],
            "hstore" => &["hstore"],
            _ => &[],
        };
        let of_extension = |kind: &Name| types.contains(&kind.name.as_str());
        for kind in types {
            self.drop_columns_of(kind, |_, kind| of_extension(kind));
        }
        if extension == "uuid-ossp" {
            for function in
                ["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"]
            {
                self.drop_defaults(function, |default| default.calls.iter().any(|call| call.name == function));
            }
        }
    }
}

fn drop_key<T>(map: &mut std::collections::BTreeMap<String, T>, key: &str) {
    map.remove(key);
}
