//! What a text says, undecided and unchecked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Parameter;

/// The value of each parameter that a text names. Its `Debug` form shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<Parameter, String>);

impl Given {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, parameter: Parameter) -> Option<&str> {
        self.0.get(&parameter).map(String::as_str)
    }

    /// All of them, by parameter.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, &str)> {
        self.0.iter().map(|(parameter, value)| (*parameter, value.as_str()))
    }

    /// Keeps a value; the last one of several counts.
    pub(super) fn replace(&mut self, parameter: Parameter, value: String) {
        self.0.insert(parameter, value);
    }

    /// Keeps a value, unless there is one.
    pub(super) fn keep_first(&mut self, parameter: Parameter, value: &str) {
        if let Entry::Vacant(vacant) = self.0.entry(parameter) {
            vacant.insert(value.to_owned());
        }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys().map(|parameter| parameter.name())).finish()
    }
}
