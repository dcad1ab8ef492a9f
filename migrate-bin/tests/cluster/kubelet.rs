//! The same Job on a real kubelet with containerd and runc (`./test --long`): what the node of the other scenes cannot do or only
//! plays, such as limits of memory, volumes that cannot be mounted, images that cannot be pulled.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::codes::{GOOD, codes};
use crate::control_plane::{ControlPlane, Namespace, condition};
use crate::job::{Release, exit_code, message};
use crate::stage::{Database, Ended, eventually};

/// A namespace on the node, and the node for as long as the scene has it: a machine has one, and little memory to spare.
struct Place {
    namespace: Namespace,
    _only: MutexGuard<'static, ()>,
}

impl Place {
    /// `None` after saying that the scene is skipped.
    fn create(scene: &str) -> Option<Self> {
        static STARTED: OnceLock<Option<&'static ControlPlane>> = OnceLock::new();
        static ONLY: Mutex<()> = Mutex::new(());
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let plane = STARTED.get_or_init(|| ControlPlane::with_kubelet(scene));
        let namespace = Namespace::create_on((*plane)?);
        // The server listens on the loopback of the host, and Pods of the host's network are none of the restricted ones.
        for label in ["pod-security.kubernetes.io/enforce=privileged", "pod-security.kubernetes.io/warn=privileged"] {
            let told = namespace.kubectl(&["label", "namespace", &namespace.name, label, "--overwrite"]);
            assert_eq!(told.code, 0, "{told:?}");
        }
        Some(Self { namespace, _only: only })
    }

    /// Starts a release with a change of its Job, and names the Job.
    fn start_with(&self, release: &Release<'_>, change: impl FnOnce(&mut Value)) -> String {
        release.start_with(&self.namespace, |spec| {
            spec["template"]["spec"]["hostNetwork"] = json!(true);
            change(spec);
        })
    }

    fn wait(&self, job: &str) -> Ended {
        self.namespace.wait(job, &["--start-patience", "20", "--timeout", "150"])
    }
}

#[test]
fn on_a_real_kubelet_the_manifest_runs_as_it_is_and_codes_end_the_job_alike() {
    let Some(place) = Place::create("a real kubelet") else { return };
    let database = Database::create();
    let first = Release { name: "r1", url: &database.url, files: &[("00001_a.sql", GOOD)], arguments: &[] };
    let told = place.wait(&place.start_with(&first, |_| {}));
    assert!(told.code == 0 && told.stdout.contains("exit code 0 (Completed)"), "{told:?}");
    let files = &[("00001_a.sql", GOOD), ("00002_b.sql", "-- +goose Up\nSELECT 1 / 0;\n")];
    let second = Release { name: "r2", url: &database.url, files, arguments: &[] };
    let job = place.start_with(&second, |_| {});
    let told = place.wait(&job);
    let pods = place.namespace.pods(&job);
    assert_eq!(
        (told.code, exit_code(&pods[0]), message(&pods[0])["exit"].as_i64()),
        (3, Some(25), Some(25)),
        "{told:?}"
    );
    let job = place.namespace.object(&format!("job/{job}"));
    assert_eq!(condition(&job, "Failed").as_deref(), Some("PodFailurePolicy"), "{job}");
}

/// The kernel ends the program without a word: the Job counts it, and whoever gives it more memory finds everything in order.
#[test]
fn a_pod_that_runs_out_of_memory_is_counted_and_applied_once_with_more() {
    let Some(place) = Place::create("a limit of memory") else { return };
    let database = Database::create();
    // A row has to be read before it can be passed over.
    let large = format!("{GOOD}SELECT repeat('x', 200000000);\n");
    let release = Release { name: "r1", url: &database.url, files: &[("00001_a.sql", &large)], arguments: &[] };
    let limit = |spec: &mut Value, memory: &str| {
        spec["backoffLimit"] = json!(0);
        spec["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!(memory);
    };
    let job = place.start_with(&release, |spec| limit(spec, "64Mi"));
    let told = place.wait(&job);
    assert!(told.code == 4 && told.stdout.contains("exit code 137 (OOMKilled)"), "{told:?}");
    assert_eq!(database.versions(), ["0"]);
    let deleted = place.namespace.kubectl(&["delete", "job", &job, "--cascade=foreground"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    let told = place.wait(&place.start_with(&release, |spec| limit(spec, "2Gi")));
    assert_eq!((told.code, database.versions()), (0, vec!["0".to_owned(), "1".to_owned()]), "{told:?}");
}

#[test]
fn what_a_real_kubelet_says_of_images_volumes_and_variables_is_told() {
    let Some(place) = Place::create("a Pod that cannot start") else { return };
    let release = |name: &'static str| Release {
        name,
        url: "postgres://nowhere.example/x",
        files: &[("00001_a.sql", GOOD)],
        arguments: &[],
    };
    let pulled =
        |spec: &mut Value| spec["template"]["spec"]["containers"][0]["image"] = json!("registry.invalid/other:r1");
    let mounted = |spec: &mut Value| {
        let volumes = spec["template"]["spec"]["volumes"].as_array_mut().expect("volumes");
        let database = volumes.iter_mut().find(|volume| volume["name"] == "database").expect("the Secret");
        database["secret"]["secretName"] = json!("missing");
    };
    let job = place.start_with(&release("r1"), pulled);
    let told = place.wait(&job);
    assert!(told.code == 10 && told.stderr.contains("the image cannot be pulled"), "{told:?}");
    let job = place.start_with(&release("r2"), mounted);
    let told = place.wait(&job);
    assert!(told.code == 11 && told.stderr.contains("secret \"missing\" not found"), "{told:?}");
    // Mended, the Pod that waits goes on.
    let database = Database::create();
    let mut secret = Release { url: &database.url, ..release("r2") }.beside()[0].clone();
    secret["metadata"]["name"] = json!("missing");
    place.namespace.apply(&[secret]);
    let told = place.namespace.wait(&job, &["--timeout", "150"]);
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn an_eviction_on_a_real_kubelet_is_no_failure() {
    let Some(place) = Place::create("an eviction on a real kubelet") else { return };
    let database = Database::create();
    database.rows("CREATE TABLE patience AS SELECT 600 AS seconds");
    let file = format!("-- +goose NO TRANSACTION\n{GOOD}SELECT pg_sleep(seconds) FROM patience;\n");
    let release = Release { name: "r1", url: &database.url, files: &[("00001_a.sql", &file)], arguments: &[] };
    let job = place.start_with(&release, |spec| spec["backoffLimit"] = json!(0));
    let pod = place.namespace.running_pod(&job);
    eventually("the statement", || database.is_asleep());
    database.rows("UPDATE patience SET seconds = 0");
    let watched = place.namespace.watch(&pod);
    place.namespace.evict(&pod);
    let pod = watched.end();
    assert_eq!((exit_code(&pod), message(&pod)["exit"].as_i64()), (Some(51), Some(51)), "{pod}");
    let told = place.wait(&job);
    assert_eq!((told.code, codes(&place.namespace.pods(&job))), (0, vec![Some(0)]), "{told:?}");
    assert_eq!(database.versions(), ["0", "1"]);
}
