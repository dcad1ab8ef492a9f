//! What may make or drop objects without saying so: DO blocks, calls of functions that run DDL, unknown commands.

use crate::catalog::{Catalog, Place};
use crate::command::{Action, Name, Query, TableChange, changes_roles_only};

/// Words of a body that may change the schema.
const CHANGES: [&str; 4] = ["create", "alter", "drop", "execute"];

/// How the functions of extensions begin that change the schema: `create_hypertable`, `add_retention_policy` … .
const CHANGING_CALLS: [&str; 9] =
    ["create_", "drop_", "add_", "addgeometry", "alter_", "attach_", "detach_", "undistribute_", "truncate_local_"];

impl Catalog {
    /// Marks the catalog where a command may do what it does not say.
    pub(super) fn cloud(&mut self, action: &Action, place: Place) {
        let clouds = match action {
            Action::Opaque => true,
            Action::Do { body, .. } => {
                (mentions(body, &CHANGES) || mentions(body, &["perform", "call"])) && !changes_roles_only(body)
            }
            Action::Call { name } => self.function(name).known().is_none() || self.may_change(name),
            Action::Select(query) | Action::CreateTableAs { query, .. } => self.query_may_change(query),
            Action::Write(write) => self.query_may_change(&write.query),
            Action::AlterTable(alter) => {
                alter.changes.iter().any(|(_, change)| matches!(change, TableChange::Other(_)))
            }
            _ => false,
        };
        if clouds {
            self.clouded.get_or_insert(place);
        }
    }

    fn query_may_change(&self, query: &Query) -> bool {
        query.calls.iter().any(|name| self.may_change(name))
    }

    /// Whether a call of this function may change the schema.
    fn may_change(&self, name: &Name) -> bool {
        if let Some((_, functions)) = self.function(name).known() {
            return functions.iter().any(|function| match &function.body {
                Some(body) => mentions(body, &CHANGES),
                None => !matches!(function.language.as_str(), "sql" | "internal" | ""),
            });
        }
        match name.schema.as_deref() {
            Some("pg_catalog") => false,
            Some(_) => true,
            None => CHANGING_CALLS.iter().any(|start| name.name.to_lowercase().starts_with(start)),
        }
    }
}

/// Whether a text has one of some words, comments to the end of a line aside.
fn mentions(body: &str, words: &[&str]) -> bool {
    let code = body.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let mut found = code.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    found.any(|word| words.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
}
