//! The manifests as they are applied: the objects of the base with a release, and every variant rendered by a real
//! `kubectl` and a real Helm.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cluster_tools::{helm, kubectl};
use crate::stage::{Ended, folder, names, text, workspace};

/// The release that stands for `RELEASE` in what is rendered here.
const SAMPLE: &str = "r42";

/// The folder of what is delivered for Kubernetes.
pub(crate) fn deploy() -> PathBuf {
    workspace().join("deploy")
}

/// The objects of a YAML text.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// The release Job as it lies in the repository, of the sample release.
pub(crate) fn job() -> Value {
    job_of_release(SAMPLE)
}

/// The same of a release.
pub(crate) fn job_of_release(release: &str) -> Value {
    objects(&text(&deploy().join("base/job.yaml")).replace("RELEASE", release)).remove(0)
}

fn released(yaml: &str) -> String {
    yaml.replace("RELEASE", SAMPLE)
}

/// What is to be applied of a release whose gate is an init container, as the component says.
pub(crate) fn with_init_container(scene: &str, release: &str) -> Option<Vec<Value>> {
    let all = rendered(scene)?;
    let (_, yaml) = all.iter().find(|(variant, _)| variant == "init-container").expect("the component");
    Some(objects(&yaml.replace(SAMPLE, release)))
}

/// The object of a kind in a variant.
pub(crate) fn object_of(all: &[(String, String)], variant: &str, kind: &str) -> Value {
    let (_, yaml) = all.iter().find(|(name, _)| name == variant).expect("the variant");
    objects(yaml).into_iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("{variant} has no {kind}"))
}

/// The objects of the base.
pub(crate) fn base() -> Vec<Value> {
    let files = ["job.yaml", "cronjob.yaml", "deployment.yaml", "networkpolicy.yaml"];
    files.iter().flat_map(|file| objects(&released(&text(&deploy().join("base").join(file))))).collect()
}

/// The chart as Helm renders it.
fn chart(helm: &Path) -> String {
    let mut command = Command::new(helm);
    let ended: Ended =
        command.args(["template", "shop"]).arg(deploy().join("helm")).output().expect("helm starts").into();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    released(&ended.stdout)
}

fn kustomize(kubectl: &Path, folder: &Path) -> String {
    let ended: Ended = Command::new(kubectl).arg("kustomize").arg(folder).output().expect("kubectl starts").into();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", folder.display());
    released(&ended.stdout)
}

/// Every way to deploy, by its name; `None` after saying that the scene is skipped.
pub(crate) fn rendered(scene: &str) -> Option<Vec<(String, String)>> {
    let (kubectl, helm) = (kubectl(scene)?, helm(scene)?);
    let mut all = vec![("helm".to_owned(), chart(&helm))];
    for place in ["base", "overlays/neon"] {
        all.push((place.to_owned(), kustomize(&kubectl, &deploy().join(place))));
    }
    let copy = folder(&[]);
    let copied = Command::new("cp").arg("-r").arg(deploy()).arg(copy.path()).status().expect("cp");
    assert!(copied.success());
    for component in names(&deploy().join("components")) {
        let place = copy.path().join("deploy/overlays").join(&component);
        std::fs::create_dir(&place).expect("a folder");
        let text = format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base]\n\
             components: [../../components/{component}]\n"
        );
        std::fs::write(place.join("kustomization.yaml"), text).expect("a file");
        all.push((component, kustomize(&kubectl, &place)));
    }
    Some(all)
}
