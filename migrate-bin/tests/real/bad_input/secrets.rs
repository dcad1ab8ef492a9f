//! A password is nowhere in what this program says or writes, whichever way it was given.

use std::sync::OnceLock;

use migrate_scratch::Server;

use super::{GOOD, assert_refused};
use crate::stage::{Database, Ended, eventually, folder, migrate, migrate_command, sql};

/// Not a word that anything else would print.
const CANARY: &str = "Xq7canary";
/// The same in a URL, where the first character is written as a percent code.
const ENCODED: &str = "%58q7canary";

fn assert_secret(what: &str, ended: &Ended) {
    for stream in [&ended.stdout, &ended.stderr] {
        let found = stream.to_lowercase().contains("q7canary");
        assert!(!found, "{what}:\n{stream}");
    }
}

/// A server that asks every role but `postgres` for its password.
fn guarded() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
        let admin = server.url("postgres");
        sql(&admin, &format!("CREATE ROLE guest LOGIN SUPERUSER PASSWORD '{CANARY}'"));
        let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(server.folder().join("data/pg_hba.conf"), rules).expect("the server's rules");
        sql(&admin, "SELECT pg_reload_conf()");
        let url = format!("postgres://guest:wrong@127.0.0.1:{}/postgres", server.port());
        let files = folder(&[GOOD]);
        eventually("the server asks for passwords", || migrate(&url, files.path(), &["status"]).code == 21);
        server
    })
}

#[test]
fn a_wrong_or_missing_password_is_a_refused_login() {
    let files = folder(&[GOOD]);
    let port = guarded().port();
    let url = format!("postgres://guest:{CANARY}wrong@127.0.0.1:{port}/postgres");
    let wrong = migrate(&url, files.path(), &["up"]);
    assert_refused(&wrong, 21, &["error[auth]", "guest", "28P01", "check the user and the password"]);
    assert_secret("a wrong password", &wrong);
    let missing = migrate(&format!("postgres://guest@127.0.0.1:{port}/postgres"), files.path(), &["up"]);
    assert_refused(&missing, 21, &["error[auth]", "asks for a login", "no password is given"]);
}

#[test]
fn the_right_password_in_any_form_is_neither_printed_nor_stored() {
    let database = Database::create_on(guarded());
    let files = folder(&[GOOD, ("00002_b.sql", "-- +goose Up\nSELECT nope;\n")]);
    let (port, name) = (guarded().port(), &database.name);
    for url in [
        format!("postgres://guest:{CANARY}@127.0.0.1:{port}/{name}"),
        format!("postgresql://guest:{ENCODED}@127.0.0.1:{port}/{name}"),
        format!("postgres://127.0.0.1:{port}/{name}?user=guest&password={CANARY}"),
        format!("host=127.0.0.1 port={port} dbname={name} user=guest password={CANARY}"),
        format!("host=127.0.0.1 port={port} dbname={name} user=guest password = '{CANARY}'"),
        format!("host=127.0.0.1 port={port} dbname={name} user=guest password=\\X{}", &CANARY[1..]),
        format!("postgres://guest:%58%71%37%63anary@127.0.0.1:{port}/{name}?sslpassword={CANARY}"),
        format!("postgres://guest:wrong@127.0.0.1:{port}/{name}?password={ENCODED}&pgbouncer=true"),
    ] {
        for (arguments, code) in [
            (&["up", "-v"][..], 25),
            (&["up", "-v", "--log-format", "json", "--output", "json"], 25),
            (&["status", "-v", "--output", "json"], 0),
            (&["version", "--output", "json", "--log-format", "json"], 0),
            (&["plan", "--output", "json"], 0),
            (&["up", "--dry-run"], 0),
        ] {
            let ended = migrate(&url, files.path(), arguments);
            assert_eq!(ended.code, code, "{url} {arguments:?}: {}", ended.stderr);
            assert_secret(&url, &ended);
        }
    }
    let stored = database.rows("SELECT l::text FROM goose_db_version_ledger l").join("\n");
    assert!(stored.contains("guest") && !stored.contains("q7canary"), "{stored}");
}

#[test]
fn a_password_in_a_url_that_is_wrong_elsewhere_is_not_repeated() {
    let files = folder(&[GOOD]);
    for url in [
        format!("postgres://u:{CANARY}@127.0.0.1:1/x"),
        format!("postgres://u:{CANARY}@nowhere.invalid/x"),
        format!("postgres://u:{CANARY}@127.0.0.1:port/x"),
        format!("postgres://u:{CANARY}@h/x?nosuch=1"),
        format!("postgres://u:{CANARY}@h/x?connect_timeout={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?sslmode=require"),
        format!("postgres://u:{CANARY}@h/x?sslmode={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?sslmode=verify-ca"),
        format!("postgres://u:{CANARY}@h/x?sslpassword={CANARY}&sslkey={CANARY}%zz"),
        format!("postgres://u:{CANARY}@h/x?oauth_client_secret={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?scram_client_key={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?port={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?hostaddr={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?client_encoding={CANARY}"),
        format!("postgres://u:{CANARY}@h/x?password=a&{CANARY}=b"),
        format!("postgres://u:{CANARY}@h/x?password=a&{CANARY}"),
        format!("postgres://u:{CANARY}@[h/x"),
        format!("postgres://u:a?b@{CANARY}@h/x"),
        format!("postgres://u:{ENCODED}@127.0.0.1:1/x?nosuch={ENCODED}"),
        format!("host=127.0.0.1 port=1 password=a {CANARY}"),
        format!("host=127.0.0.1 port=1 password={CANARY} service=nosuch"),
        format!("host=127.0.0.1 port={CANARY} password={CANARY}"),
        format!("postgres://u:{CANARY}%zz@h/x"),
        format!("postgres://u:a@{CANARY}@127.0.0.1:1/x"),
        format!("postgres://u:a/{CANARY}@127.0.0.1:1/x"),
        format!("postgres://u:a?{CANARY}=1@127.0.0.1:1/x"),
        format!("postgres://u:a@b?{CANARY}=1@127.0.0.1:1/x"),
        format!("postgres://u:a#{CANARY}@127.0.0.1:1/x"),
        format!("postgres://u:a:{CANARY}@127.0.0.1:1/x"),
        format!("postgres://127.0.0.1:1/x?password={CANARY}"),
        format!("postgres:/u:{CANARY}@h/x"),
        format!("mysql://u:{CANARY}@h/x"),
        format!("host=127.0.0.1 port=1 user=u password={CANARY}"),
        format!("host=127.0.0.1 port=1 user=u password='a {CANARY}'"),
        format!("host=127.0.0.1 port=1 user=u password=a {CANARY}=b"),
        format!("host=127.0.0.1 port=1 user=u password='{CANARY}"),
        format!("host=h port={CANARY}"),
        CANARY.to_owned(),
    ] {
        for arguments in [&["up", "-v"][..], &["status", "--log-format", "json", "--output", "json"]] {
            let ended = migrate(&url, files.path(), &[arguments, &["--connect-wait", "0s"]].concat());
            assert!(ended.code >= 20, "{url}: exit {}: {}", ended.code, ended.stderr);
            assert_secret(&url, &ended);
        }
    }
}

/// Every form in which a URL may hold a password, accepted or refused; what stands for it is `{}`.
const FORMS: [&str; 16] = [
    "postgres://u:{}@127.0.0.1:1/x",
    "postgresql://u:{}@127.0.0.1:1",
    "postgres://u:{}@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=any",
    "postgres://u:{}@[::1]:1/x?connect_timeout=1",
    "postgres://u:{}@127.0.0.1:1/x?sslmode=prefer&application_name=a",
    "postgres://127.0.0.1:1/x?user=ops@tenant&password={}",
    "postgres://127.0.0.1:1?user=ops@tenant&password={}",
    "postgres://127.0.0.1:1/x?password={}&user=u",
    "postgres://127.0.0.1:1?password={}&user=ops@tenant",
    "postgres://127.0.0.1:1/x?user=u#password={}",
    "postgres:///x?host=127.0.0.1&port=1&user=u&password={}",
    "host=127.0.0.1 port=1 user=u password={}",
    "password={} host=127.0.0.1 port=1 user=u",
    "host=127.0.0.1 port=1 user=u password='{}'",
    "jdbc:postgresql://127.0.0.1:1/x?user=u&password={}",
    "u:{}@127.0.0.1:1/x",
];

#[test]
fn whatever_character_stands_in_a_password_nothing_of_it_is_repeated_in_any_form() {
    let files = folder(&[GOOD]);
    let specials = "@:/?#&=%+;,'\"\\!$^*()[]{}<>|~` \u{e9}";
    for form in FORMS {
        for special in specials.chars() {
            let url = form.replace("{}", &format!("9{special}q7canary"));
            for arguments in [&["up"][..], &["up", "--log-format", "json"]] {
                let ended = migrate(&url, files.path(), &[arguments, &["--connect-wait", "0s"]].concat());
                assert!(ended.code >= 20 && !ended.stderr.contains("panicked"), "{url}: {}", ended.stderr);
                assert_secret(&url, &ended);
            }
        }
    }
}

#[test]
fn a_query_part_with_an_at_sign_leads_to_the_host_before_it() {
    let database = Database::create_on(guarded());
    let files = folder(&[GOOD]);
    let (port, name) = (guarded().port(), &database.name);
    for url in [
        format!("postgres://127.0.0.1:{port}/{name}?application_name=ops@tenant&user=guest&password={CANARY}"),
        format!("postgres://127.0.0.1:{port}?application_name=ops@tenant&user=guest&password={CANARY}&dbname={name}"),
    ] {
        let ended = migrate(&url, files.path(), &["status"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
}

#[test]
fn a_password_in_the_environment_is_not_repeated() {
    let files = folder(&[GOOD]);
    for variable in ["DATABASE_URL", "DATABASE_URL_DIRECT", "DIRECT_URL", "DATABASE_URL_UNPOOLED", "GOOSE_DBSTRING"] {
        for url in [format!("postgres://u:{CANARY}@127.0.0.1:1/x"), format!("postgres://u:{CANARY}@h/x?a=b")] {
            for arguments in [&["up", "-v"][..], &["status"], &["--help"], &["up", "--help"], &["nosuch"]] {
                let mut command = migrate_command(arguments);
                command.args(["--connect-wait", "0s"]);
                let ended = command.arg("--dir").arg(files.path()).env(variable, &url).output();
                assert_secret(variable, &ended.expect("migrate starts").into());
            }
        }
    }
}

/// Files that hold the password, readable by their owner alone, and the variables that name them.
fn hidden(files: &[(&str, String)]) -> tempfile::TempDir {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = folder(&files);
    for (name, _) in files {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(folder.path().join(name), permissions).expect("permissions");
    }
    folder
}

#[test]
fn the_right_password_of_a_variable_or_a_file_is_neither_printed_nor_stored() {
    let database = Database::create_on(guarded());
    let files = folder(&[GOOD]);
    let (port, name) = (guarded().port(), &database.name);
    let hidden = hidden(&[
        ("url", format!("postgres://guest:{ENCODED}@127.0.0.1:{port}/{name}\n")),
        ("pass", format!("*:*:*:guest:{CANARY}\n")),
        ("service", format!("[s]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser=guest\npassword={CANARY}\n")),
    ]);
    let path = |name: &str| hidden.path().join(name).display().to_string();
    let url = format!("postgres://guest@127.0.0.1:{port}/{name}");
    for variables in [
        vec![("DATABASE_URL", url.clone()), ("PGPASSWORD", CANARY.to_owned())],
        vec![("DATABASE_URL", url.clone()), ("PGPASSFILE", path("pass"))],
        vec![("DATABASE_URL_FILE", path("url"))],
        vec![("PGSERVICE", "s".to_owned()), ("PGSERVICEFILE", path("service"))],
    ] {
        for arguments in [&["up", "-v"][..], &["status", "-v", "--output", "json", "--log-format", "json"]] {
            let mut command = migrate_command(arguments);
            command.arg("--dir").arg(files.path()).envs(variables.clone());
            let ended: Ended = command.output().expect("migrate starts").into();
            assert_eq!(ended.code, 0, "{variables:?}: {}", ended.stderr);
            assert_secret(&format!("{variables:?}"), &ended);
        }
    }
    let stored = database.rows("SELECT l::text FROM goose_db_version_ledger l").join("\n");
    assert!(stored.contains("guest") && !stored.contains("q7canary"), "{stored}");
}

#[test]
fn a_password_in_a_file_that_is_wrong_elsewhere_is_not_repeated() {
    let files = folder(&[GOOD]);
    let port = guarded().port();
    let service = |line: &str| format!("[s]\nhost=127.0.0.1\nport={port}\nuser=guest\n{line}\n");
    let hidden = hidden(&[
        ("wrong", format!("postgres://guest:{CANARY}wrong@127.0.0.1:{port}/postgres")),
        ("broken", format!("postgres://guest:{CANARY}%zz@127.0.0.1:{port}/postgres")),
        ("two", format!("postgres://guest:{CANARY}@127.0.0.1:{port}/postgres\n{CANARY}\n")),
        ("bare", CANARY.to_owned()),
        ("pass", format!("*:*:*:guest:{CANARY}wrong\n")),
        ("service", service(&format!("password={CANARY}wrong"))),
        ("spaced", service(&format!("password = {CANARY}"))),
        ("without", service(&format!("password {CANARY}"))),
        ("unknown", service(&format!("password=a\n{CANARY}=b"))),
    ]);
    let path = |name: &str| hidden.path().join(name).display().to_string();
    let url = format!("postgres://guest@127.0.0.1:{port}/postgres");
    let mut cases = vec![vec![("DATABASE_URL", url.clone()), ("PGPASSFILE", path("pass"))]];
    cases.push(vec![("DATABASE_URL", url), ("PGPASSWORD", format!("{CANARY}wrong"))]);
    cases.extend(["wrong", "broken", "two", "bare"].map(|name| vec![("DATABASE_URL_FILE", path(name))]));
    let services = ["service", "spaced", "without", "unknown"];
    cases.extend(services.map(|name| vec![("PGSERVICE", "s".to_owned()), ("PGSERVICEFILE", path(name))]));
    for variables in cases {
        for arguments in [&["up", "-v"][..], &["status", "--log-format", "json", "--output", "json"]] {
            let mut command = migrate_command(arguments);
            command.args(["--connect-wait", "0s", "--dir"]).arg(files.path()).envs(variables.clone());
            let ended: Ended = command.output().expect("migrate starts").into();
            assert!(ended.code >= 20, "{variables:?}: exit {}: {}", ended.code, ended.stderr);
            assert_secret(&format!("{variables:?}"), &ended);
        }
    }
}

#[test]
fn a_url_in_the_wrong_place_of_the_command_line_is_not_repeated() {
    let url = format!("postgres://u:{CANARY}@127.0.0.1:1/x");
    let table = format!("--table={url}");
    let pairs = format!("host=h password={CANARY}");
    let login = format!("u:{CANARY}@h/x");
    for arguments in [
        &["up", url.as_str()][..],
        &["postgres", &url, "up"],
        &[&url, "up"],
        &["up", "--table", &url],
        &["up", &table],
        &["up", "--databse-url", &url],
        &["up", "--to", &url],
        &["up", "--output", &url],
        &["up-to", &url],
        &["status", &pairs],
        &["status", "--dir", &url],
        &["status", "--dir", &pairs],
        &["status", "--dir", &login],
        &["validate", "--config", &url],
        &["up", "--metrics-file", &url],
        &["create", "x", "--from-dump", &url],
        &["create", &url],
        &["explain", &url],
        &["inspect", &pairs],
    ] {
        let ended: Ended = migrate_command(arguments).output().expect("migrate starts").into();
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error"), "{arguments:?}: {}", ended.stderr);
        assert_secret(&arguments.join(" "), &ended);
    }
}

#[test]
fn goose_s_two_variables_in_each_other_s_place_are_told_without_the_password() {
    let files = folder(&[GOOD]);
    let mut command = migrate_command(&["status", "--dir"]);
    command.arg(files.path()).env("GOOSE_DBSTRING", "postgres");
    for driver in [format!("postgres://u:{CANARY}@h/x"), format!("host=h password={CANARY}")] {
        let ended: Ended = command.env("GOOSE_DRIVER", &driver).output().expect("migrate starts").into();
        assert_refused(&ended, 2, &["GOOSE_DRIVER is a connection string", "GOOSE_DBSTRING"]);
        assert_secret(&driver, &ended);
    }
}
