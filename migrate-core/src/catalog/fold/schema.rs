//! `ALTER SCHEMA … RENAME`.

use crate::catalog::{Catalog, QualifiedName};

impl Catalog {
    pub(super) fn rename_schema(&mut self, from: &str, to: &str) {
        if let Some(place) = self.schemas.remove(from) {
            self.dropped.schemas.insert(from.to_owned());
            self.schemas.insert(to.to_owned(), place);
        }
        let moved = |name: &QualifiedName| QualifiedName { schema: to.to_owned(), name: name.name.clone() };
        let inside = |name: &&QualifiedName| name.schema == from;
        let relations: Vec<QualifiedName> = self.relations.keys().filter(inside).cloned().collect();
        for name in relations {
            self.move_relation(&name, &moved(&name));
        }
        let types: Vec<QualifiedName> = self.types.keys().filter(inside).cloned().collect();
        for name in types {
            self.move_type(&name, &moved(&name));
        }
        let functions: Vec<QualifiedName> = self.functions.keys().filter(inside).cloned().collect();
        for name in functions {
            self.move_functions(&name, &moved(&name));
        }
    }
}
