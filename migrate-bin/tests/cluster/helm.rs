//! The chart of `deploy/helm` with a real Helm: after whatever becomes of an upgrade, either the migration ran or the
//! application did not roll.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::cluster_tools::{helm, helm_of_next_major};
use crate::control_plane::Namespace;
use crate::job::Release;
use crate::rendered::deploy;
use crate::stage::{Database, Ended, eventually, folder, free_port, signal, text};

const USERS: (&str, &str) = ("00001_users.sql", "-- +goose Up\nCREATE TABLE users (id int);\n");
const BROKEN: (&str, &str) =
    ("00002_email.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\nSELECT 1 / 0;\n");
const MENDED: (&str, &str) = ("00002_email.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\n");
/// It waits for as long as the table says so.
const SLOW: (&str, &str) = (
    "00003_slow.sql",
    "-- +goose Up\nALTER TABLE users ADD COLUMN name text;\n-- +goose StatementBegin\n\
     DO $$ BEGIN WHILE (SELECT wait FROM patience) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$;\n-- +goose StatementEnd\n",
);

/// The application `shop`, installed and upgraded by one Helm.
struct Shop {
    namespace: Namespace,
    database: Database,
    helm: PathBuf,
    /// A copy of the chart that mounts the migrations, which in a real release are in the image.
    chart: tempfile::TempDir,
    port: u16,
}

impl Shop {
    fn create(helm: PathBuf) -> Option<Self> {
        let namespace = Namespace::create("the chart")?;
        let chart = folder(&[]);
        let copied = Command::new("cp").arg("-r").arg(deploy().join("helm")).arg(chart.path()).status().expect("cp");
        assert!(copied.success());
        for name in ["migrate-job.yaml", "deployment.yaml"] {
            let template = chart.path().join("helm/templates").join(name);
            let mounts = "volumeMounts:\n            - {name: migrations, mountPath: /migrations, readOnly: true}\n";
            let volumes =
                "volumes:\n        - name: migrations\n          configMap: {name: '{{ .Values.migrations }}'}\n";
            let changed = text(&template).replace("volumeMounts:\n", mounts).replace("volumes:\n", volumes);
            let changed = changed.replace("args: [up", "args: [up, --dir=/migrations");
            let changed = changed.replace("args: [check", "args: [check, --dir=/migrations");
            std::fs::write(template, changed).expect("a template");
        }
        let database = Database::create();
        database.rows("CREATE TABLE patience AS SELECT true AS wait");
        Some(Self { namespace, database, helm, chart, port: free_port() })
    }

    fn helm(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.helm);
        command.args(["-n", &self.namespace.name]).args(arguments).env_clear();
        command.env("KUBECONFIG", self.namespace.plane.kubeconfig()).env("HOME", self.chart.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the upgrade to a release, or its installation.
    fn start_upgrade(&self, release: &str, files: &[(&str, &str)]) -> Child {
        let release = Release { name: release, url: &self.database.url, files, arguments: &[] };
        self.namespace.apply(&release.beside());
        let chart = self.chart.path().join("helm");
        let values = [
            format!("migrations=migrations-{}", release.name),
            format!("app.port={}", self.port),
            "app.replicas=2".to_owned(),
            format!("app.image=registry.example/app:{}", release.name),
            format!("migrate.image=registry.example/app-migrate:{}", release.name),
        ];
        let set = values.join(",");
        let chart = chart.to_str().expect("a path");
        self.helm(&["upgrade", "--install", "shop", chart, "--timeout", "90s", "--set", &set])
            .spawn()
            .expect("helm starts")
    }

    fn upgrade(&self, release: &str, files: &[(&str, &str)]) -> Ended {
        self.start_upgrade(release, files).wait_with_output().expect("its end").into()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.helm(arguments).output().expect("helm starts").into()
    }

    /// The image that the Deployment asks for, and how often it was changed.
    fn application(&self) -> (Value, Value) {
        let deployment = self.namespace.object("deployment/shop");
        let image = deployment.pointer("/spec/template/spec/containers/0/image").expect("an image");
        (image.clone(), deployment["metadata"]["generation"].clone())
    }

    /// Waits until every Pod is one of this release, and ready.
    fn assert_rolled(&self, release: &str) {
        assert_eq!(self.application().0, json!(format!("registry.example/app:{release}")));
        let told = self.namespace.kubectl(&["rollout", "status", "deployment/shop", "--timeout=60s"]);
        assert_eq!(told.code, 0, "{told:?}\n{}", self.namespace.kubectl(&["describe", "pods"]).stdout);
    }

    fn await_slow(&self) {
        eventually("the slow migration", || self.database.is_asleep());
    }

    fn status(&self) -> Value {
        let told = self.run(&["status", "shop", "-o", "json"]);
        let status: Value = serde_json::from_str(&told.stdout).expect("JSON");
        status["info"]["status"].clone()
    }
}

/// From the first installation over a failure, its mend, the same release again, and back.
fn upgrades(shop: &Shop) {
    let told = shop.upgrade("r1", &[USERS]);
    assert_eq!(told.code, 0, "{told:?}");
    shop.assert_rolled("r1");

    let before = shop.application();
    let told = shop.upgrade("r2", &[USERS, BROKEN]);
    assert!(told.code == 1 && told.stderr.contains("pre-upgrade hooks failed"), "{told:?}");
    assert_eq!((shop.application(), shop.database.versions()), (before, vec!["0".to_owned(), "1".to_owned()]));

    let told = shop.upgrade("r3", &[USERS, MENDED]);
    assert_eq!(told.code, 0, "{told:?}");
    shop.assert_rolled("r3");

    // The same once more: a Job runs and finds nothing to do, and the application is not touched.
    let before = (shop.application(), shop.database.version_rows());
    let told = shop.upgrade("r3", &[USERS, MENDED]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!((shop.application(), shop.database.version_rows()), before);
    let message = crate::job::message(&shop.namespace.pods("shop-migrate-4")[0]);
    assert_eq!((&message["exit"], &message["ran"]), (&json!(0), &json!(0)), "{message}");

    // Back to the first: no hook runs, and its gate is open, since nothing that it needs has gone.
    let told = shop.run(&["rollback", "shop", "1"]);
    assert_eq!(told.code, 0, "{told:?}");
    shop.assert_rolled("r1");
    assert_eq!(shop.database.versions(), ["0", "1", "2"]);
}

/// Somebody ends helm while the Job runs: the Job goes on, and the next upgrade waits for its lock.
fn interrupted(shop: &Shop) {
    let before = shop.application();
    let files = &[USERS, MENDED, SLOW];
    let helm = shop.start_upgrade("r5", files);
    shop.await_slow();
    signal(&helm.id().to_string(), "INT");
    let told: Ended = helm.wait_with_output().expect("its end").into();
    assert!(told.code == 1 && shop.application() == before, "{told:?}");
    assert_eq!(shop.status(), "failed");

    let helm = shop.start_upgrade("r5", files);
    // The first one is at its migration, perhaps with a second session beside it that looks at locks.
    let asks_for_the_lock = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                             AND pid <> pg_backend_pid() AND query LIKE '%advisory%'";
    eventually("a second Job over the first", || shop.database.rows(asks_for_the_lock) == ["1"]);
    shop.database.rows("UPDATE patience SET wait = false");
    let told: Ended = helm.wait_with_output().expect("its end").into();
    assert_eq!(told.code, 0, "{told:?}");
    shop.assert_rolled("r5");
    assert_eq!(shop.database.versions(), ["0", "1", "2", "3"]);
}

/// Nothing tells helm's own state what became of a helm that was killed: the book has the way out.
fn killed(shop: &Shop) {
    shop.database.rows("UPDATE patience SET wait = true");
    let again = ("00004_slow.sql", SLOW.1.replace("name text", "city text"));
    let files = &[USERS, MENDED, SLOW, (again.0, again.1.as_str())];
    let before = shop.application();
    let mut helm = shop.start_upgrade("r6", files);
    shop.await_slow();
    signal(&helm.id().to_string(), "KILL");
    let _killed = helm.wait();
    assert_eq!((shop.status(), shop.application()), (json!("pending-upgrade"), before.clone()));
    shop.database.rows("UPDATE patience SET wait = false");

    let told = shop.upgrade("r6", files);
    assert!(told.code == 1 && told.stderr.contains("another operation"), "{told:?}");
    let told = shop.run(&["rollback", "shop"]);
    assert!(told.code == 0 && shop.application() == before, "{told:?}");
    let told = shop.upgrade("r6", files);
    assert_eq!(told.code, 0, "{told:?}");
    shop.assert_rolled("r6");
    assert_eq!(shop.database.versions(), ["0", "1", "2", "3", "4"]);
}

fn assert_never_rolls_without_its_migration(helm: PathBuf) {
    let Some(shop) = Shop::create(helm) else { return };
    upgrades(&shop);
    interrupted(&shop);
    killed(&shop);
}

#[test]
fn whatever_becomes_of_an_upgrade_the_application_never_rolls_without_its_migration() {
    let Some(helm) = helm("the chart") else { return };
    assert_never_rolls_without_its_migration(helm);
}

#[test]
fn with_the_next_major_of_helm_it_does_not_either() {
    let Some(helm) = helm_of_next_major("the chart with Helm 4") else { return };
    assert_never_rolls_without_its_migration(helm);
}
