//! A password is in nothing that a run writes, however it was given and however the run ends: not on a stream, not in a
//! table, not in what other sessions or other processes can see.

mod endings;
mod sources;

use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_scratch::Server;

use self::endings::{ENDINGS, Ending};
use self::sources::{PARTS, SOURCES, Source, Target};
use crate::lab::is_long;
use crate::proxy::Proxy;
use crate::stage::{Database, Ended, eventually, folder, migrate, migrate_command, sql};

/// Not a word that anything else would print. The pooler of the scenes knows it as the password of `secret`.
const CANARY: &str = "Xq7canary";
/// Endings at once: some of them take their time.
const AT_ONCE: usize = 4;
/// A part of it that is left when its first characters are encoded.
const TRACE: &str = "q7canary";

/// A server that asks every role but `postgres` for its password.
fn guarded() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
        let admin = server.url("postgres");
        sql(&admin, &format!("CREATE ROLE secret LOGIN SUPERUSER PASSWORD '{CANARY}'"));
        sql(&admin, &format!("CREATE ROLE weak LOGIN PASSWORD '{CANARY}'"));
        let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(server.folder().join("data/pg_hba.conf"), rules).expect("the server's rules");
        sql(&admin, "SELECT pg_reload_conf()");
        let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]);
        let url = format!("postgres://secret:wrong@127.0.0.1:{}/postgres", server.port());
        eventually("the server asks for passwords", || migrate(&url, files.path(), &["status"]).code == 21);
        server
    })
}

fn assert_secret(what: &str, text: &str) {
    assert!(!text.to_lowercase().contains(TRACE), "{what}:\n{text}");
}

/// The sources that an ending is tried with: all of them in a long run, some otherwise, in turns.
fn sources_for(number: usize) -> impl Iterator<Item = (usize, Source)> {
    let chosen = move |index: &usize| is_long() || (index + number).is_multiple_of(3);
    SOURCES.into_iter().enumerate().filter(move |(index, _)| chosen(index))
}

#[test]
fn a_password_from_any_source_is_kept_whatever_becomes_of_the_run() {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(ending) = ENDINGS.get(next.fetch_add(1, Ordering::Relaxed)) {
            end_with_each_source(ending);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    assert_secret("the server's log", &guarded().log());
}

fn end_with_each_source(ending: &Ending) {
    let number = ENDINGS.iter().position(|other| other.name == ending.name).expect("one of them");
    for (index, source) in sources_for(number) {
        let form = if (number + index).is_multiple_of(2) { "json" } else { "text" };
        let what = format!("exit {} ({}), {source:?}, as {form}", ending.code, ending.name);
        let Some(scene) = Scene::of(ending) else { return };
        let ended = scene.run(ending, source, form, &what);
        assert_eq!(ended.code, ending.code, "{what}: {}", ended.stderr);
        assert_secret(&what, &ended.stdout);
        assert_secret(&what, &ended.stderr);
        for table in ["", "_ledger", "_journal"] {
            assert_secret(&what, &scene.table(&format!("goose_db_version{table}")));
        }
        // The user is there: it is the right place that is looked at.
        assert!(ending.name != "done" || scene.table("goose_db_version_ledger").contains("secret"), "{what}");
    }
}

/// A database, files, and whatever else an ending needs.
struct Scene {
    database: Database,
    files: tempfile::TempDir,
    held: endings::Held,
}

impl Scene {
    /// `None` where something is not installed that it needs.
    fn of(ending: &Ending) -> Option<Self> {
        let database = Database::create_on(guarded());
        let files = folder(&[("00001_a.sql", endings::FIRST), ("00002_b.sql", ending.file)]);
        let held = (ending.before)(&database, files.path());
        (!matches!(held, endings::Held::Missing)).then_some(Self { database, files, held })
    }

    fn target<'s>(&'s self, ending: &Ending) -> Target<'s> {
        let port = match &self.held {
            endings::Held::Proxy(proxy) => Proxy::port(proxy),
            endings::Held::Pooler(pooler) => pooler.port,
            _ => ending.port.unwrap_or(guarded().port()),
        };
        Target {
            port,
            database: ending.database.unwrap_or(&self.database.name),
            user: ending.user,
            dir: self.files.path(),
        }
    }

    fn run(&self, ending: &Ending, source: Source, form: &str, what: &str) -> Ended {
        let password = format!("{CANARY}{}", ending.wrong);
        let (mut command, _files) = source.command(&self.target(ending), &password, ending.arguments);
        command.args(["-v", "--log-format", form]).envs(ending.variables.iter().copied());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("migrate starts");
        if let Some(signal) = ending.signal {
            eventually("the slow statement", || self.is_slow());
            self.look_at(&child, source, what);
            let pid = child.id().to_string();
            let told = std::process::Command::new("kill").args(["-s", signal, &pid]).status();
            assert!(told.expect("kill starts").success());
        }
        child.wait_with_output().expect("its end").into()
    }

    fn is_slow(&self) -> bool {
        let slow =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        self.database.rows(slow) == ["1"]
    }

    /// What others can see of a run: its sessions, and its process.
    fn look_at(&self, child: &Child, source: Source, what: &str) {
        let sessions = "SELECT a::text FROM pg_stat_activity a WHERE datname = current_database()";
        let seen = self.database.rows(sessions).join("\n");
        assert!(seen.contains("migrate/"), "{what}: {seen}");
        assert_secret(&format!("{what}: sessions"), &seen);
        // An argument is seen by everybody on the machine; whoever gives a password so has been told in the manual.
        if !source.is_an_argument() {
            assert_secret(&format!("{what}: the process"), &title(child.id()));
        }
    }

    /// All rows of a table; nothing where there is none.
    fn table(&self, name: &str) -> String {
        if self.database.rows(&format!("SELECT to_regclass('{name}') IS NOT NULL")) == ["f"] {
            return String::new();
        }
        self.database.rows(&format!("SELECT t::text FROM {name} t")).join("\n")
    }
}

/// Its name and its arguments, as the kernel shows them.
#[expect(clippy::disallowed_methods, reason = "not a file of migrations")]
fn title(pid: u32) -> String {
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let (arguments, name) = (read("cmdline"), read("comm"));
    format!("{} {}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&arguments))
}

#[test]
fn a_connection_in_the_place_of_one_of_its_parts_is_refused_and_not_repeated() {
    let texts = [format!("postgres://u:{CANARY}@h/db"), format!("h;password={CANARY}"), format!("u:{CANARY}@h/db")];
    let files = folder(&[("00001_a.sql", endings::FIRST)]);
    let each = PARTS.iter().flat_map(|variable| texts.iter().map(move |text| (*variable, text)));
    for ((variable, text), form) in each.flat_map(|part| ["text", "json"].map(|form| (part, form))) {
        let mut command = migrate_command(&["status", "-v", "--connect-wait", "0s", "--log-format", form]);
        // What names a database at all, where this one does not.
        command.arg("--dir").arg(files.path()).env("PGHOST", "127.0.0.1").env(variable, text);
        if variable == "PGSERVICEFILE" {
            command.env("PGSERVICE", "s");
        }
        let ended: Ended = command.output().expect("migrate starts").into();
        let what = format!("{variable}={text}");
        assert_eq!(ended.code, 20, "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains(variable), "{what}: {}", ended.stderr);
        assert_secret(&what, &format!("{}{}", ended.stdout, ended.stderr));
    }
}
