//! Where a run lives: a container with nothing in it, a log that nobody reads, a clock that jumps, other releases and
//! other applications beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use crate::background::Session;
use crate::lab::{BOTH, BOTH_5, Cell, DIRECT, in_each};
use crate::stage::{Database, Ended, eventually, folder, is_root, migrate, migrate_command, permit, skipped_without};
use crate::story::{Story, assert_finished, assert_told, counted};

/// The user of an image that has no users.
const NOBODY: &str = "65532:65532";

/// A root of the file system with the program and its libraries in it, and the migrations; nobody may write or list it.
fn bare_root(migrations: &Path) -> tempfile::TempDir {
    let root = folder(&[]);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_migrate"));
    let told = Command::new("ldd").arg(&program).output().expect("ldd");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let libraries = told.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    for library in libraries {
        let place = root.path().join(library.strip_prefix("/").expect("an absolute path"));
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        std::fs::copy(library, place).expect("a library");
    }
    std::fs::copy(program, root.path().join("migrate")).expect("the program");
    let inside = root.path().join("m");
    std::fs::create_dir(&inside).expect("a folder");
    for name in crate::stage::names(migrations) {
        std::fs::copy(migrations.join(&name), inside.join(&name)).expect("a file");
    }
    permit(root.path(), 0o711);
    root
}

#[test]
fn f53_an_image_with_nothing_in_it_is_enough() {
    let candidates = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot"].into_iter().map(PathBuf::from);
    let found = candidates.into_iter().find(|path| path.is_file() && is_root());
    let what = "the right to change the root of the file system";
    let Some(chroot) = skipped_without(found, "F53", "MIGRATE_REQUIRE_NAMESPACES", what) else { return };
    in_each("F53", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let root = bare_root(story.dir());
        let run = |arguments: &[&str]| -> Ended {
            let mut command = Command::new(&chroot);
            command.env_clear().arg(format!("--userspec={NOBODY}")).arg(root.path()).arg("/migrate").args(arguments);
            command.args(["--dir", "/m"]).env("DATABASE_URL", cell.url()).stdin(Stdio::null());
            command.output().expect("chroot starts").into()
        };
        assert_told(&run(&["up"]), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
        let status = run(&["status", "--output", "json"]);
        assert!(status.code == 0 && status.stdout.contains("\"current\":3"), "{status:?}");
        story.rerun(&cell.database);
    });
}

/// So many files that what is said of them fills every pipe.
fn talkative(count: u32) -> tempfile::TempDir {
    let file = |n: u32| (format!("{n:05}_c.sql"), format!("-- +goose Up\nINSERT INTO counter VALUES ({n});\n"));
    let files: Vec<(String, String)> = (1..=count).map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

fn loud(cell: &Cell, dir: &Path) -> Command {
    let mut command = migrate_command(&["up", "-v", "--log-format", "json", "--output", "json", "--database-url"]);
    command.arg(cell.url()).arg("--dir").arg(dir);
    command
}

#[test]
fn f54_a_log_that_nobody_reads_does_not_hold_a_migration_up() {
    in_each("F54", BOTH, |cell| {
        let files = talkative(600);
        cell.database.rows("CREATE TABLE counter (n int)");
        let mut command = loud(cell, files.path());
        let started = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("migrate starts");
        eventually("the end of a run whose log is not read", || child.try_wait().expect("its state").is_some());
        assert_eq!(child.wait().expect("its end").code(), Some(0));
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        assert_eq!(cell.database.rows("SELECT count(*) FROM counter"), ["600"]);
        assert_eq!(cell.database.versions().len(), 601);
    });
}

#[test]
fn f54_streams_that_are_closed_or_whose_reader_has_gone_are_no_failure() {
    in_each("F54", BOTH, |cell| {
        let files = talkative(60);
        cell.database.rows("CREATE TABLE counter (n int)");
        let mut child = loud(cell, files.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("its end").code(), Some(0));
        assert_eq!(cell.database.versions().len(), 61);
        let program = migrate_command(&[]).get_program().to_owned();
        let mut shell = Command::new("sh");
        shell.env_clear().args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]).arg(program);
        shell.args(["status", "-v", "--database-url", &cell.url(), "--dir"]).arg(files.path());
        assert_eq!(shell.status().expect("sh").code(), Some(0));
    });
}

/// The library that tells a program another time.
fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let found = folders.into_iter().map(|folder| Path::new(folder).join("faketime/libfaketimeMT.so.1"));
    let found = found.into_iter().find(|path| path.is_file());
    skipped_without(found, "F55", "MIGRATE_REQUIRE_FAKETIME", "libfaketime")
}

/// A run whose clock is what a file says, at every moment.
fn with_clock(library: &Path, clock: &Path, url: &str, story: &Story, more: &[&str]) -> std::process::Child {
    let mut command = migrate_command(&["up", "--database-url", url, "--dir"]);
    command.arg(story.dir()).args(more).env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("migrate starts")
}

#[test]
fn f55_a_clock_that_jumps_an_hour_ends_no_wait_and_begins_none() {
    let Some(library) = faketime() else { return };
    for jump in ["+1h", "-1h"] {
        in_each(&format!("F55 {jump}"), BOTH, |cell| {
            let story = Story::with("");
            story.begin(&cell.database);
            let clock = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(clock.path(), "+0\n").expect("the time");
            let holder = Session::that(&cell.database.url, "SELECT pg_advisory_lock(4097083626)");
            let run =
                with_clock(&library, clock.path(), &cell.url(), &story, &["--lock-wait", "60s", "--deadline", "90s"]);
            let asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                         AND application_name LIKE 'migrate/%'";
            eventually("the run waits", || cell.database.rows(asked) != ["0"]);
            std::fs::write(clock.path(), format!("{jump}\n")).expect("the time");
            // Behind the jump it goes on waiting: that is long enough to see an end that comes too early.
            let jumped = Instant::now();
            let mut run = run;
            while jumped.elapsed() < Duration::from_secs(3) {
                assert_eq!(run.try_wait().expect("its state"), None, "{jump}: it ended");
                std::thread::sleep(Duration::from_millis(20));
            }
            drop(holder);
            let ended: Ended = run.wait_with_output().expect("its end").into();
            assert_told(&ended, 0, &["2 migrations run"]);
            assert_finished(&cell.database);
        });
    }
}

#[test]
fn f55_a_deadline_comes_when_it_is_due_although_the_clock_went_back() {
    let Some(library) = faketime() else { return };
    in_each("F55", DIRECT, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        cell.database.rows("CREATE TABLE slow ()");
        let clock = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(clock.path(), "+0\n").expect("the time");
        let started = Instant::now();
        let run = with_clock(&library, clock.path(), &cell.url(), &story, &["--deadline", "4s"]);
        crate::story::wait_until_slow(&cell.database);
        std::fs::write(clock.path(), "-1h\n").expect("the time");
        let ended: Ended = run.wait_with_output().expect("its end").into();
        assert_told(&ended, 46, &["00002_b.sql was rolled back"]);
        assert!((4..8).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        cell.database.rows("DROP TABLE slow");
        story.rerun(&cell.database);
    });
}

/// Pods that ask for the version once a second.
const PODS: usize = 200;

#[test]
fn f62_two_hundred_pods_that_ask_for_the_version_meanwhile_are_answered_at_once() {
    in_each("F62", DIRECT, |cell| {
        let pause = "SELECT pg_sleep(0.25);\n";
        let file = |n: u32| (format!("{n:05}_c.sql"), format!("-- +goose Up\nCREATE TABLE t{n} ();\n{pause}"));
        let files: Vec<(String, String)> = (1..=24).map(file).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let files = folder(&files);
        assert_eq!(migrate(&cell.url(), files.path(), &["up", "--to", "1"]).code, 0);
        let calm = p99_while(&cell.database, || std::thread::sleep(Duration::from_secs(3)));
        let stormy = p99_while(&cell.database, || {
            assert_told(&migrate(&cell.url(), files.path(), &["up"]), 0, &["23 migrations run"]);
        });
        println!("PostgreSQL {}: {PODS} pods, p99 {stormy:?} during `up`, {calm:?} without it", cell.server.major());
        let bound = Duration::from_millis(50).max(calm * 3);
        assert!(stormy < bound, "p99 during the run {stormy:?}, without it {calm:?}");
        assert_eq!(cell.database.versions().len(), 25);
    });
}

/// The 99th percentile of what pods wait for their answer while something goes on.
fn p99_while(database: &Database, work: impl FnOnce()) -> Duration {
    let over = AtomicBool::new(false);
    let (tell, told) = std::sync::mpsc::channel();
    let mut waits = std::thread::scope(|scope| {
        let pods = scope.spawn(|| ask(&database.url, &over, &tell));
        told.recv().expect("all pods are connected");
        work();
        over.store(true, Ordering::Relaxed);
        pods.join().expect("the pods")
    });
    assert!(waits.len() > PODS, "each was answered: {}", waits.len());
    waits.sort();
    waits[(waits.len() - 1) * 99 / 100]
}

/// Asks on a connection a pod, each once a second, until it is over.
fn ask(url: &str, over: &AtomicBool, connected: &std::sync::mpsc::Sender<()>) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..PODS {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
            tokio::spawn(connection);
            clients.push(client);
        }
        connected.send(()).expect("somebody waits for them");
        let mut waits = Vec::new();
        for client in clients.iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
            let start = Instant::now();
            let query = "SELECT version_id, is_applied FROM goose_db_version ORDER BY id";
            client.simple_query(query).await.expect("the versions");
            waits.push(start.elapsed());
            let next = Duration::from_secs(1) / u32::try_from(PODS).expect("a few");
            tokio::time::sleep(next.saturating_sub(start.elapsed())).await;
        }
        waits
    })
}

#[test]
fn f63_the_job_of_an_old_release_behind_the_new_one_s_undoes_nothing() {
    in_each("F63", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        assert_told(&story.up(&cell.url(), &[]), 0, &["2 migrations run"]);
        let name = "00001_a.sql";
        let old = folder(&[(name, &crate::stage::text(&story.dir().join(name)))]);
        let ended = migrate(&cell.url(), old.path(), &["up"]);
        assert_told(&ended, 0, &["nothing to"]);
        assert!(ended.stderr.contains('3'), "the version of the database is told: {}", ended.stderr);
        assert_finished(&cell.database);
    });
}

#[test]
fn f64_two_applications_with_tables_of_their_own_do_not_see_each_other() {
    in_each("F64", BOTH_5, |cell| {
        cell.database.rows("CREATE TABLE counter (n int)");
        let app = |first: u32| {
            let file = |n: u32| {
                let text = format!("-- +goose Up\nCREATE TABLE t{n} ();\nINSERT INTO counter VALUES ({n});\n");
                (format!("{:05}_c.sql", n - first + 1), text)
            };
            let files: Vec<(String, String)> = (first..first + 12).map(file).collect();
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            folder(&files)
        };
        let apps = [("one_version", app(100)), ("two_version", app(200))];
        std::thread::scope(|scope| {
            let runs: Vec<_> = apps
                .iter()
                .cycle()
                .take(6)
                .map(|(table, files)| {
                    scope.spawn(|| migrate(&cell.url(), files.path(), &["up", "--table", table, "--lock-wait", "2m"]))
                })
                .collect();
            for run in runs {
                assert_told(&run.join().expect("a run"), 0, &[]);
            }
        });
        for (table, _) in &apps {
            let versions: Vec<String> = (0..=12).map(|version| version.to_string()).collect();
            assert_eq!(cell.database.rows(&format!("SELECT version_id FROM {table} ORDER BY id")), versions, "{table}");
        }
        let mut each: Vec<u32> = counted(&cell.database).split(' ').map(|n| n.parse().expect("a number")).collect();
        each.sort_unstable();
        assert_eq!(each, (100..112).chain(200..212).collect::<Vec<_>>());
    });
}
