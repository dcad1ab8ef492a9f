//! A node that is cut off: nobody but it can say that its Pod has ended, and nothing replaces the Pod until a person decides.

use crate::codes::{GOOD, codes};
use crate::control_plane::{ControlPlane, Namespace, condition};
use crate::job::Release;
use crate::stage::{Database, eventually};

#[test]
fn a_pod_on_a_lost_node_is_told_and_replaced_once_the_node_is_said_to_be_out_of_service() {
    // The other scenes need their node.
    let Some(plane) = ControlPlane::own("a lost node", "--node-monitor-grace-period=4s --node-monitor-period=1s")
    else {
        return;
    };
    let namespace = Namespace::create_on(plane);
    let database = Database::create();
    let slow = format!("{GOOD}SELECT pg_sleep(seconds) FROM patience;\n");
    database.rows("CREATE TABLE patience AS SELECT 600 AS seconds");
    let files = &[("00001_a.sql", slow.as_str())];
    let job = Release { name: "r1", url: &database.url, files, arguments: &[] }.start(&namespace);
    let pod = namespace.running_pod(&job);
    eventually("the statement", || database.is_asleep());
    database.rows("UPDATE patience SET seconds = 0");

    // From now on the API server hears nothing of the node; its Pod is deleted, as after `tolerationSeconds`.
    plane.signal_node("STOP");
    let deleted = namespace.kubectl(&["delete", "pod", &pod, "--wait=false"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    let told = namespace.wait(&job, &["--node-patience", "8", "--timeout", "60"]);
    assert!(told.code == 14 && told.stderr.contains("its node does not say that it has"), "{told:?}");
    let pods = namespace.pods(&job);
    assert_eq!((pods.len(), &pods[0]["status"]["phase"]), (1, &"Running".into()), "nothing replaces it");

    // A person knows that it is gone for good. The program of the lost Pod is still there, and holds its lock.
    eventually("the node is not ready", || condition(&namespace.object("node/local"), "Ready").is_none());
    let taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
    let tainted = namespace.kubectl(&["taint", "node", "local", taint]);
    assert_eq!(tainted.code, 0, "{tainted:?}");
    eventually("the lost Pod is given up, and another one is made", || {
        let pods = namespace.pods(&job);
        pods.len() == 1 && pods[0]["metadata"]["name"] != pod.as_str()
    });
    assert!(database.is_asleep());

    // The new Pod gets a node, and the lock once the first program has gone.
    let taken_back = namespace.kubectl(&["taint", "node", "local", &format!("{taint}-")]);
    assert_eq!(taken_back.code, 0, "{taken_back:?}");
    plane.signal_node("CONT");
    let told = namespace.wait(&job, &["--timeout", "150"]);
    assert_eq!((told.code, codes(&namespace.pods(&job))), (0, vec![Some(0)]), "{told:?}");
    assert_eq!(database.versions(), ["0", "1"]);
}
