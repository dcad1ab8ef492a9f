//! Beside applications that have goose as a library, with either of its lockers, of both versions: each migration once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::stage::{Database, Ended, folder, migrate_command, workspace};

const VERSIONS: [&str; 2] = ["v3.27.3", "v3.30.1"];
const RACES: usize = 4;
const FILES: usize = 60;

/// The application, built with a version of goose.
fn application(version: &str, room: &Path) -> PathBuf {
    let source = workspace().join("migrate-bin/tests/provider/main.go");
    std::fs::copy(source, room.join("main.go")).expect("the program's text");
    let go = |arguments: &[&str]| {
        let output = Command::new("go").args(arguments).current_dir(room).output().expect("go starts");
        assert!(output.status.success(), "go {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    go(&["mod", "init", "provider"]);
    go(&["get", &format!("github.com/pressly/goose/v3@{version}"), "github.com/jackc/pgx/v5/stdlib"]);
    go(&["build", "-o", "provider", "."]);
    room.join("provider")
}

/// Files that could be applied twice without an error: only their traces tell.
fn files() -> tempfile::TempDir {
    let file = |number: usize| {
        let text = format!(
            "-- +goose Up\nCREATE TABLE IF NOT EXISTS traces (version int);\nINSERT INTO traces VALUES ({number});\n\
             -- +goose Down\nDELETE FROM traces WHERE version = {number};\n"
        );
        (format!("{number:05}_trace.sql"), text)
    };
    let files: Vec<(String, String)> = (1..=FILES).map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

fn ended(child: std::process::Child) -> Ended {
    child.wait_with_output().expect("it ends").into()
}

#[test]
fn each_migration_is_applied_once_beside_either_locker_of_goose_s_library() {
    let go = Command::new("go").arg("version").stdout(Stdio::null()).status();
    if std::env::var_os("MIGRATE_LONG").is_none() || !go.is_ok_and(|status| status.success()) {
        println!("skipped: beside goose's library: `--long` or Go is absent");
        return;
    }
    let files = files();
    for version in VERSIONS {
        let room = tempfile::tempdir().expect("a folder");
        let application = application(version, room.path());
        for locker in ["session", "table"] {
            for race in 0..RACES {
                let scene = format!("goose {version}, {locker} locker, race {race}");
                let database = Database::create();
                race_on(&database, &application, (files.path(), locker), &scene);
                let rows = "SELECT count(*), count(DISTINCT version_id) FROM goose_db_version WHERE version_id > 0";
                assert_eq!(database.rows(rows), [format!("{FILES}|{FILES}")], "{scene}");
                let traces = "SELECT count(*), count(DISTINCT version) FROM traces";
                assert_eq!(database.rows(traces), [format!("{FILES}|{FILES}")], "{scene}");
            }
        }
    }
}

/// Both at once; whoever starts first is not the same in every race.
fn race_on(database: &Database, application: &Path, (files, locker): (&Path, &str), scene: &str) {
    let library = || {
        let mut command = Command::new(application);
        command.arg(format!("{}?sslmode=disable", database.url)).arg(files).arg(locker);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the application starts")
    };
    let ours = || {
        let mut command = migrate_command(&["up", "--lock-wait", "120s", "--database-url", &database.url]);
        command.arg("--dir").arg(files);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("migrate starts")
    };
    let (theirs, ours) = if scene.ends_with(['0', '2']) {
        let library = library();
        (library, ours())
    } else {
        let ours = ours();
        (library(), ours)
    };
    for (who, ended) in [("the application", ended(theirs)), ("migrate", ended(ours))] {
        assert_eq!(ended.code, 0, "{scene}: {who}: {}", ended.stderr);
    }
}
