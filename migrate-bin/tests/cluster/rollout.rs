//! A release from its Job to its Pods, on a cluster: Job, wait, roll, and what becomes of it when the migration fails.

use serde_json::{Value, json};

use crate::control_plane::{Namespace, text_of};
use crate::job::{Release, message};
use crate::rendered::with_init_container;
use crate::stage::{Database, Ended, eventually, free_port};

const USERS: (&str, &str) = ("00001_users.sql", "-- +goose Up\nCREATE TABLE users (id int);\n");
const BROKEN: &str = "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\nCREATE INDEX ON users (e_mail);\n";
const MENDED: &str = "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\nCREATE INDEX ON users (email);\n";
const CONTRACT: &str = "-- migrate:requires-app >= 2\n-- +goose Up\nALTER TABLE users DROP COLUMN id;\n";

/// An application in its namespace, before a database of its own.
struct Application {
    namespace: Namespace,
    database: Database,
    port: u16,
}

impl Application {
    fn create(scene: &str) -> Option<Self> {
        Namespace::create(scene).map(|namespace| Self { namespace, database: Database::create(), port: free_port() })
    }

    fn release<'a>(&'a self, name: &'a str, files: &'a [(&'a str, &'a str)]) -> Release<'a> {
        Release { name, url: &self.database.url, files, arguments: &[] }
    }

    /// Runs the Job of a release, and says how the script that waits for it ended.
    fn migrate(&self, release: &Release<'_>) -> Ended {
        let job = release.start(&self.namespace);
        self.namespace.wait(&job, &["--timeout", "150"])
    }

    /// Applies the Deployment of a release: the one of the component, on a port of this test.
    fn roll(&self, release: &Release<'_>) {
        let all = with_init_container("a release", release.name).expect("kubectl");
        let mut deployment = all.into_iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
        deployment["spec"]["replicas"] = json!(2);
        let pod = &mut deployment["spec"]["template"]["spec"];
        // All Pods of the test's node have one network, and this port of it.
        let container = &mut pod["containers"][0];
        container["ports"][0]["containerPort"] = json!(self.port);
        let variables = container["env"].as_array_mut().expect("variables");
        variables.push(json!({ "name": "PORT", "value": self.port.to_string() }));
        release.mount(pod, "initContainers");
        // A gate that stays closed is told within seconds here, and not after the manifest's minutes.
        let arguments = pod["initContainers"][0]["args"].as_array_mut().expect("arguments");
        arguments.iter_mut().filter(|word| **word == "--wait=300s").for_each(|word| *word = json!("--wait=3s"));
        self.namespace.apply(&release.beside());
        self.namespace.apply(&[deployment]);
    }

    /// Waits until every Pod is one of this release, and ready.
    fn await_rolled(&self) {
        let told = self.namespace.kubectl(&["rollout", "status", "deployment/app", "--timeout=60s"]);
        assert_eq!(told.code, 0, "{told:?}\n{}", self.namespace.kubectl(&["describe", "pods"]).stdout);
    }

    /// The Pods of the application, of a release.
    fn pods(&self, release: &str) -> Vec<Value> {
        let labels = format!("app.kubernetes.io/component=app,app.kubernetes.io/version={release}");
        self.namespace.pods_with(&labels)
    }

    /// How many of them are ready.
    fn ready(&self, release: &str) -> usize {
        let ready = |pod: &&Value| pod.pointer("/status/containerStatuses/0/ready") == Some(&json!(true));
        self.pods(release).iter().filter(ready).count()
    }

    /// Waits until the gate of a new Pod has ended with a code, and gives its termination message.
    fn await_refusal(&self, release: &str, code: i64) -> String {
        let mut told = None;
        eventually("the gate refuses", || {
            told = self.pods(release).iter().find_map(|pod| refusal(pod, code));
            told.is_some()
        });
        told.expect("its message")
    }
}

/// The termination message of a Pod's gate, if it has ended with a code.
fn refusal(pod: &Value, code: i64) -> Option<String> {
    let gate = &pod["status"]["initContainerStatuses"][0];
    let ends = ["state", "lastState"].map(|when| &gate[when]["terminated"]);
    ends.into_iter().find(|end| end["exitCode"] == code).map(|end| text_of(&end["message"]))
}

#[test]
fn a_release_goes_from_its_job_to_its_pods_and_one_that_fails_leaves_the_old_pods_ready() {
    let Some(app) = Application::create("a release from its Job to its Pods") else { return };
    // The Pods come before their Job: their gate is closed, and opens when the Job has run.
    let first_files = [USERS];
    let first = app.release("r1", &first_files);
    app.roll(&first);
    let told = app.await_refusal("r1", 14);
    assert!(told.contains("\"exit\":14"), "{told}");
    assert_eq!(app.ready("r1"), 0);
    assert_eq!(app.migrate(&first).code, 0);
    app.await_rolled();
    assert_eq!(app.ready("r1"), 2);

    // The next release has a migration that fails: its Job says which line, and the database is as it was.
    let schema = app.database.schema();
    let broken = [USERS, ("00002_email.sql", BROKEN)];
    let second = app.release("r2", &broken);
    let told = app.migrate(&second);
    assert!(told.code == 3 && told.stdout.contains("exit code 25"), "{told:?}");
    let pods = app.namespace.pods(&second.job_name());
    assert_eq!(pods.len(), 1, "{pods:?}");
    let last = message(&pods[0]);
    assert_eq!((&last["sqlstate"], &last["line"]), (&json!("42703"), &json!(3)), "{last}");
    let described = app.namespace.kubectl(&["describe", "pod", &text_of(&pods[0]["metadata"]["name"])]).stdout;
    assert!(described.contains("Exit Code:    25") && described.contains("42703"), "{described}");
    assert_eq!(app.database.schema(), schema);

    // Whoever rolls all the same: no new Pod starts, and the old ones stay.
    app.roll(&second);
    let told = app.await_refusal("r2", 10);
    assert!(told.contains("the database lacks version 2"), "{told}");
    assert_eq!((app.ready("r1"), app.ready("r2")), (2, 0));

    // Mended: the Job, and then the Pods.
    let mended = [USERS, ("00002_email.sql", MENDED)];
    let third = app.release("r3", &mended);
    assert_eq!(app.migrate(&third).code, 0);
    app.roll(&third);
    app.await_rolled();
    // The rollout is complete when the new ones are there; the last of the old ones may be on its way out.
    eventually("the old Pods are gone", || app.ready("r1") == 0);
    assert_eq!(app.ready("r3"), 2);

    // The old image over the newer schema starts: nothing that it needs has gone.
    app.roll(&first);
    app.await_rolled();
    assert_eq!(app.ready("r1"), 2);

    // Behind a contract migration it starts no more, and what runs goes on.
    let contract = [USERS, ("00002_email.sql", MENDED), ("00003_contract.sql", CONTRACT)];
    let fourth = app.release("r4", &contract);
    app.roll(&app.release("r3", &mended));
    app.await_rolled();
    assert_eq!(app.migrate(&fourth).code, 0);
    app.roll(&first);
    let told = app.await_refusal("r1", 11);
    assert!(told.contains("asks for a release that knows version 2"), "{told}");
    // The rollout is complete when the new ones are there; the last of the old ones may be on its way out.
    eventually("the old Pods are gone", || app.ready("r1") == 0);
    assert_eq!(app.ready("r3"), 2);
}
