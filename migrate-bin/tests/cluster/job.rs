//! A release on the cluster: the Job of `deploy/base` as it lies there, with the migrations of a scene beside it.

use serde_json::{Value, json};

use crate::control_plane::Namespace;
use crate::rendered::job_of_release;

/// One release of a scene.
pub(crate) struct Release<'a> {
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) files: &'a [(&'a str, &'a str)],
    /// Arguments that replace those of the same name in the manifest, or stand beside them.
    pub(crate) arguments: &'a [&'a str],
}

impl Release<'_> {
    /// The name of its Job.
    pub(crate) fn job_name(&self) -> String {
        format!("migrate-{}", self.name)
    }

    /// The Secret and the migrations. In a real release these are in the image; here they are mounted.
    pub(crate) fn beside(&self) -> [Value; 2] {
        let files: serde_json::Map<String, Value> =
            self.files.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
        [
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "app-database" }, "stringData": { "url": self.url } }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": self.migrations() }, "data": files }),
        ]
    }

    fn migrations(&self) -> String {
        format!("migrations-{}", self.name)
    }

    /// The Job.
    pub(crate) fn job(&self) -> Value {
        let mut job = job_of_release(self.name);
        let pod = &mut job["spec"]["template"]["spec"];
        let manifest = pod["containers"][0]["args"].as_array().expect("arguments").clone();
        let named = |argument: &str| argument.split_once('=').map(|(name, _)| name.to_owned());
        let replaced: Vec<String> = self.arguments.iter().filter_map(|argument| named(argument)).collect();
        // clap takes an option once.
        let kept = manifest
            .into_iter()
            .filter(|argument| named(argument.as_str().expect("a word")).is_none_or(|name| !replaced.contains(&name)));
        pod["containers"][0]["args"] = kept.chain(self.arguments.iter().map(|argument| json!(argument))).collect();
        self.mount(pod, "containers");
        job
    }

    /// Gives the first container of a kind its migrations.
    pub(crate) fn mount(&self, pod: &mut Value, kind: &str) {
        let container = &mut pod[kind][0];
        container["args"].as_array_mut().expect("arguments").push(json!("--dir=/migrations"));
        let mount = json!({ "name": "migrations", "mountPath": "/migrations", "readOnly": true });
        container["volumeMounts"].as_array_mut().expect("mounts").push(mount);
        let volume = json!({ "name": "migrations", "configMap": { "name": self.migrations() } });
        pod["volumes"].as_array_mut().expect("volumes").push(volume);
    }

    /// Applies it all, the Job with a change, and names the Job.
    pub(crate) fn start_with(&self, namespace: &Namespace, change: impl FnOnce(&mut Value)) -> String {
        let mut job = self.job();
        change(&mut job["spec"]);
        namespace.apply(&self.beside());
        namespace.apply(&[job]);
        self.job_name()
    }

    /// Applies it all, and names the Job.
    pub(crate) fn start(&self, namespace: &Namespace) -> String {
        self.start_with(namespace, |_| {})
    }
}

/// What the program said last in a Pod: its termination message.
pub(crate) fn message(pod: &Value) -> Value {
    let text = pod.pointer("/status/containerStatuses/0/state/terminated/message").and_then(Value::as_str);
    text.map_or(Value::Null, |text| serde_json::from_str(text).expect("JSON"))
}

/// The exit code of a Pod's program.
pub(crate) fn exit_code(pod: &Value) -> Option<i64> {
    pod.pointer("/status/containerStatuses/0/state/terminated/exitCode").and_then(Value::as_i64)
}
