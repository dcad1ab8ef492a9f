//! A server with TLS whose roles are let in by different ways, and what our program and `psql` make of a connection.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use migrate_scratch::Server;

use super::authority::{Authority, Valid, write};
use crate::stage::{Ended, eventually, migrate_command, server, sql};

/// The name in the server's certificate.
pub(super) const HOST: &str = "db.example";
/// The password of the role `secret`.
pub(super) const PASSWORD: &str = "Xq7canary";

/// Role by role; `postgres` is the scenes' own.
const RULES: &str = "\
host all postgres 127.0.0.1/32 trust
host replication postgres 127.0.0.1/32 trust
host all either 127.0.0.1/32 trust
hostssl all encrypted 127.0.0.1/32 trust
hostnossl all clear 127.0.0.1/32 trust
host all secret 127.0.0.1/32 scram-sha-256
hostssl all certified 127.0.0.1/32 cert
";

pub(super) struct Lab {
    pub(super) server: Server,
    pub(super) authority: Authority,
    /// Signs what nobody trusts.
    pub(super) stranger: Authority,
}

/// One server for all scenes.
pub(super) fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
        let (authority, stranger) = (Authority::new("scene authority"), Authority::new("stranger"));
        let certified = authority.certify(HOST, &[HOST], Valid::Now);
        let data = server.folder().join("data");
        let account = std::fs::metadata(&data).expect("the data folder");
        let files = [("server.crt", certified.certificate), ("server.key", certified.key), ("ca.crt", authority.pem())];
        for (name, text) in files {
            let path = write(&data, name, &text);
            chown(path, Some(account.uid()), Some(account.gid())).expect("the server's own file");
        }
        write(server.folder(), "root.crt", &authority.pem());
        write(server.folder(), "stranger.crt", &stranger.pem());
        let admin = server.url("postgres");
        for role in ["either", "encrypted", "clear", "certified"] {
            sql(&admin, &format!("CREATE ROLE {role} LOGIN SUPERUSER"));
        }
        sql(&admin, &format!("CREATE ROLE secret LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
        sql(&admin, "ALTER SYSTEM SET ssl_ca_file = 'ca.crt'");
        sql(&admin, "ALTER SYSTEM SET ssl = on");
        std::fs::write(data.join("pg_hba.conf"), RULES).expect("the server's rules");
        sql(&admin, "SELECT pg_reload_conf()");
        let lab = Lab { server, authority, stranger };
        eventually("TLS is on", || way(&lab.pairs("encrypted", "sslmode=require")) == Way::Encrypted);
        lab
    })
}

impl Lab {
    /// A file beside the server's data.
    pub(super) fn file(&self, name: &str) -> String {
        self.server.folder().join(name).display().to_string()
    }

    /// Pairs for a role, under the name of the certificate.
    pub(super) fn pairs(&self, role: &str, more: &str) -> String {
        self.pairs_for(HOST, role, more)
    }

    /// The same under another name.
    pub(super) fn pairs_for(&self, host: &str, role: &str, more: &str) -> String {
        pairs(host, self.server.port(), &format!("user={role} {more}"))
    }
}

/// Pairs for a port of this machine, under a name.
pub(super) fn pairs(host: &str, port: u16, more: &str) -> String {
    format!("host={host} hostaddr=127.0.0.1 port={port} dbname=postgres {more}")
}

/// How a connection came to be, or the exit code with which it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Clear,
    Encrypted,
    Refused(i32),
}

/// One try with an environment that is empty but for these variables.
pub(super) fn tried(url: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = migrate_command(&["version", "-v", "--connect-wait", "0s", "--database-url", url]);
    command.envs(variables.iter().copied()).output().expect("migrate starts").into()
}

fn way_of(ended: &Ended) -> Way {
    match (ended.code, ended.stderr.contains(", no TLS"), ended.stderr.contains(", TLS 1.")) {
        (0, true, false) => Way::Clear,
        (0, false, true) => Way::Encrypted,
        (0, ..) => panic!("neither with TLS nor without: {}", ended.stderr),
        (code, ..) => Way::Refused(code),
    }
}

pub(super) fn way(url: &str) -> Way {
    way_of(&tried(url, &[]))
}

/// Our program goes this way, and `psql` does too.
pub(super) fn assert_way(url: &str, expected: Way) {
    let ended = tried(url, &[]);
    assert_eq!(way_of(&ended), expected, "{url}\n{}", ended.stderr);
    let Some(psql) = psql() else { return };
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let mut command = Command::new(psql);
    command.args(["-X", "-w", "-A", "-t", "-c", query, url]).env_clear().env("HOME", "/nonexistent");
    let told = Ended::from(command.output().expect("psql starts"));
    let theirs = match (told.code, told.stdout.trim(), expected) {
        (0, "t", _) => Way::Encrypted,
        (0, "f", _) => Way::Clear,
        (_, _, Way::Refused(code)) => Way::Refused(code),
        _ => Way::Refused(told.code),
    };
    assert_eq!(theirs, expected, "psql {url}\n{}{}", told.stdout, told.stderr);
}

/// The same of a listener that ends TLS itself: the server behind it knows of none.
pub(super) fn assert_reached(url: &str, expected: Result<(), i32>) {
    let ended = tried(url, &[]);
    let reached = if ended.code == 0 { Ok(()) } else { Err(ended.code) };
    assert_eq!(reached, expected, "{url}\n{}", ended.stderr);
    let Some(psql) = psql() else { return };
    let mut command = Command::new(psql);
    command.args(["-X", "-w", "-c", "SELECT 1", url]).env_clear().env("HOME", "/nonexistent");
    let told = Ended::from(command.output().expect("psql starts"));
    assert_eq!(told.code == 0, expected.is_ok(), "psql {url}\n{}", told.stderr);
}

fn psql() -> Option<PathBuf> {
    let beside = server().bin().join("psql");
    [beside, PathBuf::from("/usr/bin/psql")].into_iter().find(|path| path.is_file())
}
