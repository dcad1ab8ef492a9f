//! The release binary alone in a root: another user, nothing to read and nothing to write, no terminal, no environment;
//! and as the first process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::names::{Answer, Names};
use crate::program::{install, release};
use crate::stage::{Database, Ended, eventually, folder, permit, server, skipped_without, text};

/// A root with the program in it, as `FROM scratch` makes one; and what the kubelet mounts into it.
struct Root {
    folder: tempfile::TempDir,
    mounts: Vec<(PathBuf, &'static str)>,
}

impl Root {
    /// `None` after saying that the scene is skipped.
    fn new(scene: &str) -> Option<Self> {
        let program = release(scene)?;
        let probe = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).status();
        let may = probe.is_ok_and(|status| status.success()).then(PathBuf::new);
        let what = "the right to make namespaces of processes and mounts";
        skipped_without(may, scene, "MIGRATE_REQUIRE_NAMESPACES", what)?;
        let folder = folder(&[]);
        install(&program, folder.path());
        Some(Self { folder, mounts: Vec::new() })
    }

    /// A file of the machine, mounted where the container sees it.
    fn mounting(mut self, file: PathBuf, place: &'static str) -> Self {
        let target = self.folder.path().join(place);
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        std::fs::write(&target, "").expect("a place to mount at");
        self.mounts.push((file, place));
        self
    }

    /// The program as the first process of a namespace: uid 65532, no privilege to gain, every file read-only but what is
    /// mounted, no terminal, no environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let root = self.folder.path().display().to_string();
        let mut script = format!("set -e; mount --make-rprivate /; mount --bind {root} {root}\n");
        script.push_str(&format!("mount -o remount,bind,ro {root}\n"));
        for (file, place) in &self.mounts {
            script.push_str(&format!("mount --bind {} {root}/{place}\n", file.display()));
        }
        // The program finds no variable at all.
        script.push_str("setpriv=$(command -v setpriv); chroot=$(command -v chroot); unset PATH PWD\n");
        script.push_str(&format!(
            "exec \"$setpriv\" --no-new-privs \"$chroot\" --userspec=65532:65532 --groups= {root} /migrate \"$@\" 2>&1\n"
        ));
        let mut command = Command::new("setsid");
        command.args(["--wait", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]);
        command
            .args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "/bin/sh", "-c", &script, "sh"])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("setsid starts").into()
    }
}

fn version(database: &Database) -> Vec<String> {
    database.rows("SELECT max(version_id) FROM goose_db_version")
}

#[test]
fn alone_in_a_root_it_migrates_by_address() {
    let Some(root) = Root::new("alone in a root, by address") else { return };
    let database = Database::create();
    let ended = root.run(&["up", "--database-url", &database.url]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert_eq!(version(&database), ["20"]);
    assert_eq!(crate::stage::names(root.folder.path()), ["migrate"], "nothing was written, nothing else is there");
    let ended = root.run(&["check", "--database-url", &database.url]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

/// The kubelet mounts three files into every container: the name server's address, the hosts and the termination log.
#[test]
fn alone_in_a_root_it_migrates_by_name_with_what_the_kubelet_mounts() {
    let scene = "alone in a root, by name";
    let Some(names) = Names::start(scene, Answer::Here) else { return };
    let place = folder(&[("hosts", "127.0.0.1 localhost\n"), ("log", "")]);
    let log = place.path().join("log");
    permit(&log, 0o666);
    let Some(root) = Root::new(scene) else { return };
    let root = root.mounting(names.settings(), "etc/resolv.conf").mounting(place.path().join("hosts"), "etc/hosts");
    let root = root.mounting(log.clone(), "dev/termination-log");
    let database = Database::create();
    for host in ["db.app.svc.cluster.local", "localhost"] {
        let url = format!("postgres://postgres@{host}:{}/{}", server().port(), database.name);
        let ended = root.run(&["up", "--database-url", &url]);
        assert_eq!(ended.code, 0, "{host}: {}", ended.stdout);
        assert_eq!(version(&database), ["20"]);
        let message: Value = serde_json::from_str(&text(&log)).expect("the termination message");
        assert_eq!((&message["exit"], &message["current"]), (&json!(0), &json!(20)), "{message}");
    }
    let Some(names) = Names::start(scene, Answer::NoSuchName) else { return };
    let Some(root) = Root::new(scene) else { return };
    let root = root.mounting(names.settings(), "etc/resolv.conf");
    let url = format!("postgres://postgres@db.app.svc.cluster.local:{}/{}", server().port(), database.name);
    let ended = root.run(&["up", "--database-url", &url, "--connect-wait", "0s"]);
    assert_eq!(ended.code, 40, "it was this server that was asked: {}", ended.stdout);
}

#[test]
fn as_the_first_process_it_obeys_sigterm() {
    let Some(root) = Root::new("the release binary as the first process") else { return };
    let database = Database::create();
    assert_eq!(root.run(&["up", "--to", "3", "--database-url", &database.url]).code, 0);
    // Every command of the next file that makes something takes its time.
    database.rows(
        "CREATE FUNCTION public.slowly() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END';
         CREATE EVENT TRIGGER slowly ON ddl_command_start EXECUTE FUNCTION public.slowly()",
    );
    let mut child = root.command(&["up", "--database-url", &database.url]).stdout(Stdio::null()).spawn().expect("up");
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    eventually("the slow statement", || database.rows(sleeping) == ["1"]);
    let asked = Instant::now();
    terminate_first_process(&child);
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(50));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(version(&database), ["3"]);
    eventually("the backend's end", || database.rows(sleeping) == ["0"]);
}

/// `setsid` has one child at most, `unshare`, whose only child is the first process of the new namespace.
fn terminate_first_process(setsid: &Child) {
    let program = |pid: &str| text(Path::new(&format!("/proc/{pid}/comm"))).trim().to_owned();
    let mut pid = setsid.id().to_string();
    while program(&pid) != "migrate" {
        let found = Command::new("pgrep").args(["-P", &pid]).output().expect("pgrep");
        let children = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        assert!(!children.is_empty() && !children.contains('\n'), "the children of {pid}: {children}");
        pid = children;
    }
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
}
