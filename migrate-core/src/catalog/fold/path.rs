//! Settings of the session that decide what a command means: the search path and the time zone.

use crate::catalog::{Catalog, Place};
use crate::command::{Persistence, Query, Setting};

impl Catalog {
    pub(super) fn set(&mut self, setting: &Setting) {
        match setting.name.as_str() {
            "search_path" | "schema" if !setting.reset => {
                let values = setting.values.iter().flat_map(|value| value.split(','));
                let path = values.map(|value| value.trim().trim_matches('"').to_owned()).collect();
                self.set_path(path, setting.local);
            }
            "timezone" | "time zone" => {
                self.time_zone = setting.values.first().filter(|_| !setting.reset).cloned();
            }
            "search_path" | "all" => self.set_path(vec!["public".to_owned()], setting.local),
            _ => {}
        }
    }

    /// `SELECT … INTO` and `SELECT set_config('search_path', …)`.
    pub(super) fn select(&mut self, query: &Query, place: Place) {
        if let Some(into) = &query.into {
            self.create_table_as((into, Persistence::Permanent), &[], query, place);
        }
        let sets = query.calls.iter().any(|call| call.name == "set_config");
        let name = query.strings.iter().position(|text| text == "search_path");
        if let (true, Some(value)) = (sets, name.and_then(|at| query.strings.get(at + 1))) {
            let path = value.split(',').map(|schema| schema.trim().trim_matches('"').to_owned()).collect();
            let local = query.text.to_lowercase().trim_end_matches([')', ';', ' ', '\n']).ends_with("true");
            self.set_path(path, local);
        }
    }

    fn set_path(&mut self, mut path: Vec<String>, local: bool) {
        if path.is_empty() {
            path.push(String::new());
        }
        let before = std::mem::replace(&mut self.search_path, path);
        if local {
            self.outer_path.get_or_insert(before);
        } else {
            self.outer_path = None;
        }
    }
}
