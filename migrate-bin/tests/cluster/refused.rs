//! Jobs whose Pods never come to run, and clusters that do not let anybody ask: the script that waits tells them apart.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::codes::GOOD;
use crate::control_plane::{Namespace, await_words};
use crate::job::Release;
use crate::stage::{Database, Ended};

/// A release whose Pod never comes so far as to need a database.
const RELEASE: Release<'_> =
    Release { name: "r1", url: "postgres://nowhere.example/x", files: &[("00001_a.sql", GOOD)], arguments: &[] };

/// Nobody may make a Pod.
fn quota() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "small" }, "spec": { "hard": { "pods": "0" } },
    })
}

/// Starts a Job with a change, in a namespace with these objects, and waits for it with little patience.
fn wait_for(scene: &str, objects: &[Value], change: impl FnOnce(&mut Value)) -> Option<Ended> {
    let namespace = Namespace::create(scene)?;
    namespace.apply(objects);
    let job = RELEASE.start_with(&namespace, change);
    Some(namespace.wait(&job, &["--start-patience", "3", "--node-patience", "3", "--timeout", "60"]))
}

#[test]
fn an_image_that_cannot_be_pulled_is_told() {
    let change =
        |spec: &mut Value| spec["template"]["spec"]["containers"][0]["image"] = json!("registry.example/other:r1");
    let Some(told) = wait_for("an image that is not there", &[], change) else { return };
    assert!(told.code == 10 && told.stderr.contains("the image cannot be pulled"), "{told:?}");
}

#[test]
fn a_secret_that_is_missing_is_told() {
    let change = |spec: &mut Value| {
        let reference = json!({ "name": "missing", "key": "url" });
        spec["template"]["spec"]["containers"][0]["env"] =
            json!([{ "name": "DATABASE_URL", "valueFrom": { "secretKeyRef": reference } }]);
    };
    let Some(told) = wait_for("a Secret that is not there", &[], change) else { return };
    assert!(told.code == 11 && told.stderr.contains("secret \"missing\" not found"), "{told:?}");
}

#[test]
fn a_node_that_is_not_there_is_told_in_the_words_of_the_scheduler() {
    let change =
        |spec: &mut Value| spec["template"]["spec"]["nodeSelector"] = json!({ "kubernetes.io/hostname": "nowhere" });
    let Some(told) = wait_for("a Pod without a node", &[], change) else { return };
    assert!(told.code == 12 && told.stderr.contains("nodes are available"), "{told:?}");
}

#[test]
fn a_pod_that_a_quota_refuses_is_told_in_its_words() {
    let Some(told) = wait_for("a quota", &[quota()], |_| {}) else { return };
    assert!(told.code == 13 && told.stderr.contains("exceeded quota: small"), "{told:?}");
}

/// The API server only warns of a Job whose Pods it will refuse.
#[test]
fn a_pod_that_pod_security_refuses_is_told_in_its_words() {
    let Some(namespace) = Namespace::create("Pod Security") else { return };
    namespace.apply(&RELEASE.beside());
    let mut job = RELEASE.job();
    job["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    let applied = namespace.kubectl_with(&["apply", "-f", "-"], &[job]);
    assert!(
        applied.code == 0 && applied.stderr.contains("would violate PodSecurity \"restricted:latest\""),
        "{applied:?}"
    );
    let told = namespace.wait(&RELEASE.job_name(), &["--start-patience", "3", "--timeout", "60"]);
    assert!(told.code == 13 && told.stderr.contains("violates PodSecurity"), "{told:?}");
}

/// A person's correction reaches a Job that waits: its next Pod is admitted.
#[test]
fn a_quota_that_is_lifted_lets_the_job_go_on_while_it_is_waited_for() {
    let Some(namespace) = Namespace::create("a quota that is lifted") else { return };
    let database = Database::create();
    namespace.apply(&[quota()]);
    let release = Release { name: "r1", url: &database.url, files: &[("00001_a.sql", GOOD)], arguments: &[] };
    let job = release.start(&namespace);
    let mut waiting = namespace.start_waiting(&job, &["--timeout", "150"]);
    let _more = await_words(&mut waiting, "exceeded quota: small");
    let lifted = namespace.kubectl(&["delete", "resourcequota", "small"]);
    assert_eq!(lifted.code, 0, "{lifted:?}");
    assert!(waiting.wait().expect("its end").success());
    assert_eq!(database.versions(), ["0", "1"]);
}

/// The credentials of somebody else, in a file.
fn credentials(namespace: &Namespace, token: &str) -> (tempfile::TempDir, PathBuf) {
    let own = crate::stage::text(&namespace.plane.kubeconfig());
    let mut config: Value = serde_json::from_str(&own).expect("JSON");
    config["users"][0]["user"]["token"] = json!(token);
    let folder = crate::stage::folder(&[("config", &config.to_string())]);
    let file = folder.path().join("config");
    (folder, file)
}

#[test]
fn a_cluster_that_does_not_know_or_does_not_permit_somebody_is_told_at_once() {
    let Some(namespace) = Namespace::create("credentials") else { return };
    let own = namespace.kubectl(&["create", "token", "default"]);
    assert_eq!(own.code, 0, "{own:?}");
    for (token, words) in [("nobody", "logged in"), (own.stdout.trim(), "forbidden")] {
        let (_kept, file) = credentials(&namespace, token);
        let told: Ended =
            namespace.start_waiting_as(&file, "migrate-r1", &[]).wait_with_output().expect("its end").into();
        assert!(told.code == 31 && told.stderr.to_lowercase().contains(words), "{told:?}");
    }
}

/// What `deploy/` says that the waiting needs, and no more of it.
#[test]
fn the_rights_that_the_script_names_are_enough_to_wait() {
    let Some(namespace) = Namespace::create("the rights to wait") else { return };
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let meta = json!({ "name": "waiter" });
    let rules =
        [rule("batch", &["jobs"], &["get"]), rule("", &["pods"], &["get", "list"]), rule("", &["pods/log"], &["get"])];
    let permitted =
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": rules });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "waiter" },
        "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": namespace.name }],
    });
    namespace.apply(&[permitted, binding]);
    let database = Database::create();
    let release = Release { name: "r1", url: &database.url, files: &[("00001_a.sql", GOOD)], arguments: &[] };
    let job = release.start(&namespace);
    let (_kept, file) = credentials(&namespace, namespace.kubectl(&["create", "token", "default"]).stdout.trim());
    let told: Ended = namespace.start_waiting_as(&file, &job, &[]).wait_with_output().expect("its end").into();
    assert!(told.code == 0 && told.stdout.contains("\"event\""), "{told:?}");
}
