//! A real Kubernetes for this test process: etcd, the API server, the controllers and the scheduler of `../shared/tools/cluster`
//! on loopback, and its node, which runs the built program as the container of a Pod.
//!
//! One for all scenes; a watchdog ends it with the process, however that ends.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::stage::{Ended, eventually, shared, signal, skipped_without, workspace};

/// The running control plane.
pub(crate) struct ControlPlane {
    /// Its state: logs, certificates, `kubectl`.
    pub(crate) folder: PathBuf,
    node: Option<Child>,
    /// Holds the end of a pipe that closes with this process.
    _watchdog: Child,
}

impl ControlPlane {
    /// The one of this process, or `None` after saying that the scene is skipped.
    pub(crate) fn shared(scene: &str) -> Option<&'static Self> {
        static STARTED: OnceLock<ControlPlane> = OnceLock::new();
        let tools = shared(scene, "tools/cluster")?;
        let what = "the Kubernetes control plane (`.ci/kubernetes` builds it, with Go)";
        skipped_without(built(), scene, "MIGRATE_REQUIRE_CLUSTER", what)?;
        Some(STARTED.get_or_init(|| Self::start(&tools, "")))
    }

    /// One of a scene's own, whose controllers have these arguments; it ends with the process, too.
    pub(crate) fn own(scene: &str, controllers: &str) -> Option<&'static Self> {
        let tools = shared(scene, "tools/cluster")?;
        Self::shared(scene)?;
        Some(Box::leak(Box::new(Self::start(&tools, controllers))))
    }

    /// One of a scene's own whose node is a real kubelet with the built program as an image; `None` without `--long`, too.
    pub(crate) fn with_kubelet(scene: &str) -> Option<&'static Self> {
        let tools = shared(scene, "tools/cluster")?;
        let long = std::env::var_os("MIGRATE_LONG").map(PathBuf::from);
        skipped_without(long, scene, "MIGRATE_REQUIRE_KUBELET", "`--long`")?;
        Self::shared(scene)?;
        let plane = Self::up(&tools, "");
        let image = |release| format!("registry.example/app-migrate:{release}={}", env!("CARGO_BIN_EXE_migrate"));
        let mut kubelet = Command::new(tools.join("kubelet"));
        let ready: Ended =
            kubelet.arg(&plane.folder).args(["r1", "r2"].map(image)).output().expect("kubelet starts").into();
        assert_eq!(ready.code, 0, "{ready:?}");
        Some(Box::leak(Box::new(plane)))
    }

    fn start(tools: &Path, controllers: &str) -> Self {
        let mut plane = Self::up(tools, controllers);
        plane.node = Some(start_node(tools, &plane.folder));
        for condition in ["create", "condition=Ready"] {
            let ready = plane.kubectl(&["wait", &format!("--for={condition}"), "--timeout=60s", "node/local"]);
            assert_eq!(ready.code, 0, "{}", ready.stderr);
        }
        plane
    }

    /// Starts everything but a node.
    fn up(tools: &Path, controllers: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        // Started before what it ends: nothing is left behind by a process that is killed in between.
        let mut watchdog = Command::new("sh");
        let script = "cat >/dev/null; \"$1/down\" \"$2\"; rm -rf \"$2\"";
        watchdog.args(["-c", script, "watchdog"]).arg(tools).arg(&folder);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut watchdog, 0);
        let watchdog = watchdog.spawn().expect("sh starts");
        let mut up = Command::new(tools.join("up"));
        let up: Ended =
            up.arg(&folder).env("CLUSTER_CONTROLLERS_FLAGS", controllers).output().expect("up starts").into();
        assert_eq!(up.code, 0, "{}", up.stderr);
        Self { folder, node: None, _watchdog: watchdog }
    }

    /// Sends a signal to the node.
    pub(crate) fn signal_node(&self, name: &str) {
        signal(&self.node.as_ref().expect("a node").id().to_string(), name);
    }

    /// The administrator's credentials.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// The `kubectl` of this version of Kubernetes.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("kubectl")
    }

    fn kubectl(&self, arguments: &[&str]) -> Ended {
        self.kubectl_with(arguments, "")
    }

    /// Runs kubectl with a text as its input.
    fn kubectl_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = Command::new(self.program());
        command.args(arguments).env_clear().env("KUBECONFIG", self.kubeconfig()).env("HOME", &self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl starts");
        // A kubectl that does not read its input has closed it.
        let _read = child.stdin.take().expect("its input").write_all(input.as_bytes());
        child.wait_with_output().expect("its end").into()
    }
}

/// The node whose images are the built program; the watchdog ends it.
fn start_node(tools: &Path, folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("node.log")).expect("a file");
    let image = |pattern: &str, program: &Path| format!("{pattern}={}", program.display());
    let mut node = Command::new(tools.join("node"));
    node.arg(folder).args(["--backoff", "1"]);
    node.args(["--image", &image("registry.example/app-migrate*", Path::new(env!("CARGO_BIN_EXE_migrate")))]);
    node.args(["--image", &image("registry.example/app:*", &workspace().join("migrate-bin/tests/cluster/app"))]);
    node.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle")).stderr(log);
    std::os::unix::process::CommandExt::process_group(&mut node, 0);
    node.spawn().expect("the node starts")
}

/// The folder of the built programs.
#[expect(clippy::disallowed_methods, reason = "these are no migrations")]
fn built() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/migrate-cluster"));
    let cache = std::env::var_os("CLUSTER_CACHE").map(PathBuf::from).or(home)?;
    let programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
    let versions = std::fs::read_dir(cache).ok()?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    versions.into_iter().find(|folder| programs.iter().all(|program| folder.join(program).is_file()))
}

/// A namespace of a scene's own, under Pod Security *restricted*.
pub(crate) struct Namespace {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) name: String,
}

impl Namespace {
    /// One on the control plane that all scenes share; `None` after saying that the scene is skipped.
    pub(crate) fn create(scene: &str) -> Option<Self> {
        ControlPlane::shared(scene).map(Self::create_on)
    }

    pub(crate) fn create_on(plane: &'static ControlPlane) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("scene-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let namespace = Self { plane, name };
        let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted" });
        namespace.apply(&[json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace.name, "labels": labels },
        })]);
        // A controller makes it; no Pod is admitted before.
        let account = namespace.kubectl(&["wait", "--for=create", "--timeout=60s", "serviceaccount/default"]);
        assert_eq!(account.code, 0, "{}", account.stderr);
        namespace
    }

    /// Runs kubectl in this namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Ended {
        self.kubectl_with(arguments, &[])
    }

    /// Runs kubectl in this namespace with objects as its input.
    pub(crate) fn kubectl_with(&self, arguments: &[&str], objects: &[Value]) -> Ended {
        let input = json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string();
        let all: Vec<&str> = ["-n", &self.name].into_iter().chain(arguments.iter().copied()).collect();
        self.plane.kubectl_with(&all, &input)
    }

    /// Applies objects as they are: strictly, and without a warning.
    pub(crate) fn apply(&self, objects: &[Value]) {
        if objects.is_empty() {
            return;
        }
        let applied = self.kubectl_with(&["apply", "--validate=strict", "-f", "-"], objects);
        assert_eq!((applied.code, applied.stderr.as_str()), (0, ""), "{}", json!(objects));
    }

    /// An object, null where there is none.
    pub(crate) fn object(&self, name: &str) -> Value {
        let found = self.kubectl(&["get", name, "--ignore-not-found", "-o", "json"]);
        assert_eq!(found.code, 0, "{}", found.stderr);
        if found.stdout.is_empty() { Value::Null } else { serde_json::from_str(&found.stdout).expect("JSON") }
    }

    /// The Pods of a Job, the oldest first.
    pub(crate) fn pods(&self, job: &str) -> Vec<Value> {
        self.pods_with(&format!("batch.kubernetes.io/job-name={job}"))
    }

    /// The Pods with these labels, the oldest first.
    pub(crate) fn pods_with(&self, labels: &str) -> Vec<Value> {
        let found = self.kubectl(&["get", "pods", "-l", labels, "--sort-by=.metadata.creationTimestamp", "-o", "json"]);
        assert_eq!(found.code, 0, "{}", found.stderr);
        let list: Value = serde_json::from_str(&found.stdout).expect("JSON");
        list["items"].as_array().expect("a list").clone()
    }

    /// Asks the Eviction API, as a drain, an autoscaler or a descheduler do.
    pub(crate) fn evict(&self, pod: &str) {
        let place = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", self.name);
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod, "namespace": self.name },
        });
        let told = self.plane.kubectl_with(&["create", "--raw", &place, "-f", "-"], &eviction.to_string());
        assert_eq!(told.code, 0, "{told:?}");
    }

    /// Starts to watch a Pod, which may be gone soon.
    pub(crate) fn watch(&self, pod: &str) -> Watched {
        let mut command = Command::new(self.plane.program());
        command.args(["-n", &self.name, "get", "pod", pod, "--watch", "--output-watch-events", "-o", "json"]);
        command.env_clear().env("KUBECONFIG", self.plane.kubeconfig()).env("HOME", &self.plane.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("kubectl starts");
        let events = serde_json::Deserializer::from_reader(child.stdout.take().expect("its output")).into_iter();
        let mut watched = Watched { child, events };
        // It has begun once it has told what is there.
        let _there = watched.next_event();
        watched
    }

    /// Waits until the newest Pod of a Job runs, and names it.
    pub(crate) fn running_pod(&self, job: &str) -> String {
        let mut name = String::new();
        eventually("a Pod runs", || {
            let pods = self.pods(job);
            let newest = pods.last().filter(|pod| pod["status"]["phase"] == "Running");
            newest.map(|pod| text_of(&pod["metadata"]["name"])).is_some_and(|found| {
                name = found;
                true
            })
        });
        name
    }

    /// Starts the script of `deploy/` that waits for a Job.
    pub(crate) fn start_waiting(&self, job: &str, more: &[&str]) -> Child {
        self.start_waiting_as(&self.plane.kubeconfig(), job, more)
    }

    /// The same with other credentials.
    pub(crate) fn start_waiting_as(&self, kubeconfig: &Path, job: &str, more: &[&str]) -> Child {
        let mut command = Command::new(workspace().join("deploy/wait-job.sh"));
        command.args(["-n", &self.name]).args(more).arg(job).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("KUBECTL", self.plane.program()).env("KUBECONFIG", kubeconfig).env("HOME", &self.plane.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the script starts")
    }

    /// Waits for a Job with it.
    pub(crate) fn wait(&self, job: &str, more: &[&str]) -> Ended {
        self.start_waiting(job, more).wait_with_output().expect("its end").into()
    }
}

/// A Pod that is watched.
pub(crate) struct Watched {
    child: Child,
    events: serde_json::StreamDeserializer<'static, serde_json::de::IoRead<std::process::ChildStdout>, Value>,
}

impl Watched {
    fn next_event(&mut self) -> Value {
        self.events.next().expect("the watch goes on").expect("JSON")
    }

    /// The Pod as it was when it had ended.
    pub(crate) fn end(mut self) -> Value {
        let ended = |pod: &Value| pod.pointer("/status/containerStatuses/0/state/terminated").is_some();
        let pod = loop {
            let event = self.next_event();
            assert_ne!(event["type"], "DELETED", "it went without an end: {event}");
            if ended(&event["object"]) {
                break event["object"].clone();
            }
        };
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        pod
    }
}

/// Reads what a script tells until it has told something with these words. The rest is to be kept for as long as it tells more.
#[must_use]
pub(crate) fn await_words(script: &mut Child, words: &str) -> Lines<BufReader<ChildStderr>> {
    let mut told = BufReader::new(script.stderr.take().expect("its words")).lines();
    let found = told.by_ref().map_while(Result::ok).any(|line| line.contains(words));
    assert!(found, "it does not say {words}");
    told
}

/// A word of an object.
pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether a condition of an object holds, with its reason.
pub(crate) fn condition(object: &Value, kind: &str) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let holds = |one: &&Value| one["type"] == kind && one["status"] == "True";
    conditions.iter().find(holds).map(|one| text_of(&one["reason"]))
}
