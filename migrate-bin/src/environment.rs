//! The process's environment: read here and nowhere else.

use migrate_core::parse::Environment;

/// All variables whose name and value are UTF-8: the values that ENVSUB files may use.
pub(crate) fn variables() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// A variable that is set and not empty; goose takes an empty one for unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
