//! What every scene needs: a server, an empty database, the built program, goose, and the shared recordings.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use migrate_scratch::Server;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// One throw-away server for the whole test binary; its watchdog ends it with the process.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::newest().expect("PostgreSQL server binaries; `./test` installs them"))
}

/// An empty database of its own.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
    /// The URL of the server's own database.
    admin: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        Self::create_on(server())
    }

    /// The same on a server of the scene's own.
    pub(crate) fn create_on(server: &Server) -> Self {
        let name = Self::next_name();
        let admin = server.url("postgres");
        sql(&admin, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let url = server.url(&name);
        Self { name, url, admin }
    }

    /// Another one with everything that is in this one.
    pub(crate) fn copy(&self) -> Self {
        let name = Self::next_name();
        sql(&self.admin, &format!("CREATE DATABASE {name} TEMPLATE {}", self.name));
        let (server, _) = self.url.rsplit_once('/').expect("a path");
        Self { url: format!("{server}/{name}"), admin: self.admin.clone(), name }
    }

    fn next_name() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("scene_{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The same one on another server, which ends with that.
    pub(crate) fn at(&self, url: &str) -> std::mem::ManuallyDrop<Self> {
        let (name, url) = (self.name.clone(), url.to_owned());
        std::mem::ManuallyDrop::new(Self { name, admin: url.clone(), url })
    }

    /// The rows of a query, columns joined by `|`.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        sql(&self.url, query)
    }

    /// The version table as the transcripts write it: `id:version:applied`, in the order of insertion.
    pub(crate) fn version_rows(&self) -> String {
        if self.rows("SELECT to_regclass('goose_db_version') IS NOT NULL") == ["f"] {
            return "(no table)".to_owned();
        }
        let rows =
            self.rows("SELECT id || ':' || version_id || ':' || is_applied::text FROM goose_db_version ORDER BY id");
        if rows.is_empty() { "(no rows)".to_owned() } else { rows.join(" ") }
    }

    /// Whether one statement here, and no more, sleeps in `pg_sleep`.
    pub(crate) fn is_asleep(&self) -> bool {
        let asleep =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        self.rows(asleep) == ["1"]
    }

    /// The versions in the order of insertion, without ids and times.
    pub(crate) fn versions(&self) -> Vec<String> {
        self.rows("SELECT version_id FROM goose_db_version ORDER BY id")
    }

    /// The schema as `pg_dump` writes it, without our ledger and journal, and without lines that differ from run to run.
    pub(crate) fn schema(&self) -> String {
        let output = Command::new(pg_dump())
            .args([
                "--schema-only",
                "--no-owner",
                "--exclude-table=*_ledger",
                "--exclude-table=*_journal",
                "--dbname",
                &self.url,
            ])
            .output()
            .expect("pg_dump starts");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.split_inclusive('\n');
        lines.filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            sql(&self.admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// `pg_dump` of the server, or of the system where the server's binaries come without it.
fn pg_dump() -> PathBuf {
    let beside = server().bin().join("pg_dump");
    if beside.is_file() { beside } else { PathBuf::from("pg_dump") }
}

/// Runs SQL on a database and returns its rows, columns joined by `|`; NULL is empty.
pub(crate) fn sql(url: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        let driver = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        let _ended = driver.await;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                let columns: Vec<_> = (0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect();
                Some(columns.join("|"))
            }
            _ => None,
        };
        messages.into_iter().filter_map(row).collect()
    })
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The built program with an empty environment: nothing of this machine leaks into a scene.
pub(crate) fn migrate_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
    command.args(arguments).env_clear().stdin(std::process::Stdio::null());
    command
}

/// The built program that has the example schema built in, likewise.
pub(crate) fn example_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate-example"));
    command.args(arguments).env_clear().stdin(std::process::Stdio::null());
    command
}

/// Runs the built program on a folder of migrations and a database.
pub(crate) fn migrate(url: &str, dir: &Path, arguments: &[&str]) -> Ended {
    let mut command = migrate_command(arguments);
    command.args(["--database-url", url]).arg("--dir").arg(dir);
    command.output().expect("migrate starts").into()
}

/// A folder that lives as long as the scene, filled with files (names may hold folders).
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// A hundred migrations of three statements: a table, an index and a row.
pub(crate) fn hundred_migrations() -> tempfile::TempDir {
    let files: Vec<(String, String)> = (1..=100)
        .map(|version| {
            let up = format!(
                "CREATE TABLE t{version} (id int PRIMARY KEY, name text);\nCREATE INDEX ON t{version} (name);\n\
                 INSERT INTO t{version} VALUES ({version}, 'x');\n"
            );
            let text = format!("-- +goose Up\n{up}-- +goose Down\nDROP TABLE t{version};\n");
            (format!("{version:05}_t{version}.sql"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

/// Waits until a condition holds, for a minute at most.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a process a signal by its name, such as `TERM`.
pub(crate) fn signal(process: &str, name: &str) {
    let status = Command::new("kill").args(["-s", name, process]).status().expect("kill starts");
    assert!(status.success(), "kill -s {name} {process}");
}

/// A port that nobody listens on at the moment, and that this process was given for the first time.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return port;
        }
    }
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Sets who may do what with a file.
pub(crate) fn permit(path: &Path, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("permissions");
}

/// The text of a file.
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in a folder, sorted.
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// The real goose, or `None` after saying that the scene is skipped.
pub(crate) fn goose(scene: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GOOSE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.into_iter().chain(std::env::split_paths(&path).map(|folder| folder.join("goose")));
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin/goose"));
    let goose = found.chain(home).find(|candidate| candidate.is_file());
    skipped_without(goose, scene, "MIGRATE_REQUIRE_GOOSE", "the real goose (GOOSE, or `goose` on PATH)")
}

/// The real goose of the newest release, whose variables are another language; `None` after saying that the scene is skipped.
pub(crate) fn newer_goose(scene: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GOOSE_NEWER").map(PathBuf::from).filter(|path| path.is_file());
    skipped_without(named, scene, "MIGRATE_REQUIRE_GOOSE", "goose 3.30.1 (GOOSE_NEWER)")
}

/// Something of `../shared`, or `None` after saying that the scene is skipped.
pub(crate) fn shared(scene: &str, part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MIGRATE_SHARED").map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let path = Some(root.join(part)).filter(|path| path.exists());
    skipped_without(path, scene, "MIGRATE_REQUIRE_SHARED", part)
}

/// Something of this machine that a scene needs, or `None` after saying that the scene is skipped.
pub(crate) fn skipped_without(found: Option<PathBuf>, scene: &str, required_by: &str, what: &str) -> Option<PathBuf> {
    if found.is_none() {
        assert!(std::env::var_os(required_by).is_none(), "{scene}: {what} is absent, and {required_by} is set");
        // Past the capture of the test harness, which would hide the line of a test that passes.
        let _closed = writeln!(std::io::stdout(), "skipped: {scene}: {what} is absent");
    }
    found
}

/// Runs goose on a folder and a database, with an empty environment but PATH.
pub(crate) fn run_goose(goose: &Path, url: &str, dir: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(goose);
    command.env_clear().arg("-dir").arg(dir).args(["postgres", &format!("{url}?sslmode=disable")]).args(arguments);
    command.output().expect("goose starts").into()
}
