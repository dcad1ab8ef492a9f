//! Roles and privileges, and the columns that UPDATE fills.

use crate::catalog::{Catalog, Place, QualifiedName, Relation};
use crate::command::{Grant, Kind, OtherVerb, Write};

impl Catalog {
    /// `GRANT`, `REVOKE` on tables and views. A REVOKE is taken to leave the role nothing.
    pub(super) fn grant(&mut self, grant: &Grant) {
        if grant.kind != Kind::Table {
            return;
        }
        let named = |relation: &QualifiedName| grant.objects.iter().any(|schema| schema.name == relation.schema);
        let tables: Vec<QualifiedName> = if grant.all_in_schema {
            let all = self.relations.iter().filter(|(_, relation)| relation.is_table());
            all.map(|(name, _)| name).filter(|name| named(name)).cloned().collect()
        } else {
            grant.objects.iter().filter_map(|name| self.resolve(name)).collect()
        };
        for table in tables {
            if let Some(relation) = self.relations.get_mut(&table) {
                change_grants(relation, grant);
            }
        }
    }

    /// What a command says that has no action of its own.
    pub(super) fn other(&mut self, other: &OtherVerb, place: Place) {
        match other.words.as_str() {
            "CREATE ROLE" | "CREATE USER" | "CREATE GROUP" => {
                self.roles.extend(other.objects.iter().map(|(_, name)| name.name.clone()));
            }
            "ALTER SUBSCRIPTION WITHOUT SLOT" | "CREATE SUBSCRIPTION WITHOUT SLOT NAME" => {
                self.without_slot.extend(other.objects.iter().map(|(_, name)| name.name.clone()));
            }
            "ALTER DEFAULT PRIVILEGES" => {
                self.default_privileges.get_or_insert(place);
            }
            _ => {}
        }
    }

    /// The roles that a body may create: the word behind each CREATE ROLE in it, in whatever quotes.
    pub(super) fn roles_of_body(&mut self, body: &str) {
        let text = body.to_lowercase();
        for words in ["create role ", "create user ", "create group "] {
            for (at, _) in text.match_indices(words) {
                let rest = text.get(at + words.len()..).unwrap_or_default().trim_start();
                let name = rest.split(|c: char| c.is_whitespace() || ";'".contains(c)).next().unwrap_or_default();
                self.roles.insert(name.replace('"', ""));
            }
        }
    }

    /// Notes which columns an UPDATE has filled.
    pub(super) fn fill(&mut self, write: &Write, place: Place) {
        if write.verb != "update" {
            return;
        }
        let Some(relation) = self.relation_mut(&write.table) else { return };
        let set = relation.columns.iter_mut().filter(|column| write.columns.contains(&column.name));
        set.for_each(|column| column.filled = Some(place));
    }
}

fn change_grants(relation: &mut Relation, grant: &Grant) {
    if grant.revoke {
        relation.grants.retain(|role| !grant.roles.contains(role));
    } else {
        relation.grants.extend(grant.roles.iter().cloned());
    }
}
