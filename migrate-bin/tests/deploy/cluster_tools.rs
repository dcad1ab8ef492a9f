//! The tools of a cluster's user that the tests run: `kubectl`, `helm` and `kubernetes-validate`, found below `target/tools`,
//! where `./test` installs them, or named by a variable.

use std::path::PathBuf;
use std::process::Command;

use crate::stage::{skipped_without, workspace};

const REQUIRED: &str = "MIGRATE_REQUIRE_CLUSTER_TOOLS";

/// Where `./test` puts the Python packages.
fn packages() -> PathBuf {
    let named = std::env::var_os("MIGRATE_CLUSTER_TOOLS").map(PathBuf::from);
    named.unwrap_or_else(|| workspace().join("target/tools/cluster"))
}

/// The real kubectl, or `None` after saying that the scene is skipped.
pub(crate) fn kubectl(scene: &str) -> Option<PathBuf> {
    let found = Some(packages().join("bin/kubectl")).filter(|path| path.is_file());
    skipped_without(found, scene, REQUIRED, "kubectl (`./test` installs it)")
}

/// The real Helm, of version 3, or `None` after saying that the scene is skipped.
pub(crate) fn helm(scene: &str) -> Option<PathBuf> {
    let found = Some(packages().join("bin/helm")).filter(|path| path.is_file());
    skipped_without(found, scene, REQUIRED, "helm (`./test` installs it)")
}

/// A real Helm 4, which `./test --long` builds and names by `HELM_NEXT`; `None` after saying that the scene is skipped.
pub(crate) fn helm_of_next_major(scene: &str) -> Option<PathBuf> {
    let named = std::env::var_os("HELM_NEXT").map(PathBuf::from).filter(|path| path.is_file());
    skipped_without(named, scene, "MIGRATE_REQUIRE_HELM_NEXT", "Helm 4 (`./test --long` builds it)")
}

/// kubernetes-validate, ready for its arguments.
pub(crate) fn validator(scene: &str) -> Option<Command> {
    let found = Some(packages()).filter(|folder| folder.join("kubernetes_validate").is_dir());
    let folder = skipped_without(found, scene, REQUIRED, "kubernetes-validate (`./test` installs it)")?;
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", folder).args(["-m", "kubernetes_validate"]);
    Some(command)
}

/// The versions of Kubernetes whose schemas the validator holds, from 1.31 on, as `1.31.0`.
pub(crate) fn schema_versions() -> Vec<String> {
    let names = crate::stage::names(&packages().join("kubernetes_validate/kubernetes-json-schema"));
    let minor =
        |name: &String| -> Option<u32> { name.strip_prefix("v1.")?.strip_suffix(".0-local-strict")?.parse().ok() };
    names.iter().filter_map(minor).filter(|minor| *minor >= 31).map(|minor| format!("1.{minor}.0")).collect()
}
