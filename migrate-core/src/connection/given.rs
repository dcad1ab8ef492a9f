//! What a text says, undecided and unchecked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Parameter;

/// The value of each parameter that a text names, and of each setting of the server. Its `Debug` form shows the names
/// alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given {
    values: BTreeMap<Parameter, String>,
    settings: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Given {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, parameter: Parameter) -> Option<&str> {
        self.values.get(&parameter).map(String::as_str)
    }

    /// All of them, by parameter.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, &str)> {
        self.values.iter().map(|(parameter, value)| (*parameter, value.as_str()))
    }

    /// The settings of the server, by name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What has to be said about how the text was read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Keeps a value; the last one of several counts.
    pub(super) fn replace(&mut self, parameter: Parameter, value: String) {
        self.values.insert(parameter, value);
    }

    /// Keeps the value of a server's setting; the last one of several counts.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.settings.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.settings.push((name.to_owned(), value));
    }

    /// Keeps what has to be said.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Keeps a value, unless there is one.
    pub(super) fn keep_first(&mut self, parameter: Parameter, value: &str) {
        if let Entry::Vacant(vacant) = self.values.entry(parameter) {
            vacant.insert(value.to_owned());
        }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parameters = self.values.keys().map(|parameter| parameter.name());
        f.debug_set().entries(parameters).entries(self.settings().map(|(name, _)| name)).finish()
    }
}
