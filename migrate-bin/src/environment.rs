//! The process's environment and account: asked here and nowhere else.

use migrate_core::parse::Environment;

/// All variables whose name and value are UTF-8: the values that ENVSUB files may use.
pub(crate) fn variables() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether Kubernetes runs this process in a Pod.
pub(crate) fn in_cluster() -> bool {
    variable("KUBERNETES_SERVICE_HOST").is_some()
}

/// A variable that is set and not empty; goose takes an empty one for unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The date where this runs, as `2027-03-01`.
pub(crate) fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

/// The name of the account that runs this program; a container's may have none.
pub(crate) fn account() -> Option<String> {
    whoami::username().ok().filter(|name| !name.is_empty())
}

/// Sixteen hexadecimal digits that tell this run apart from others, the same for the whole process. The standard
/// library's own randomness is enough for that.
pub(crate) fn run_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    static ID: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let id = ID.get_or_init(|| std::collections::hash_map::RandomState::new().build_hasher().finish());
    format!("{id:016x}")
}
