//! Every place that a connection is described in, on real servers.

use super::authority::write;
use super::lab::{PASSWORD, lab};
use crate::stage::{Database, Ended, folder, migrate_command, permit, server};

/// One command with an environment that is empty but for these variables.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = migrate_command(arguments);
    command.args(["-v", "--connect-wait", "0s"]).envs(variables.iter().copied());
    command.output().expect("migrate starts").into()
}

/// The database that a command says it is connected to.
fn reached(ended: &Ended) -> &str {
    let words = ended.stderr.split_once(", database ").map(|(_, words)| words);
    words.and_then(|words| words.split(',').next()).unwrap_or_else(|| panic!("not connected: {}", ended.stderr))
}

#[test]
fn each_variable_names_the_database_where_none_before_it_does() {
    let databases: Vec<Database> = (0..7).map(|_| Database::create()).collect();
    let file = folder(&[("url", &format!("{}\n", databases[3].url))]);
    let file = file.path().join("url").display().to_string();
    let port = server().port().to_string();
    let names = [
        "DATABASE_URL_DIRECT",
        "DIRECT_URL",
        "DATABASE_URL_UNPOOLED",
        "DATABASE_URL_FILE",
        "DATABASE_URL",
        "GOOSE_DBSTRING",
    ];
    let mut all: Vec<(&str, &str)> = names.iter().copied().zip(databases.iter().map(|it| it.url.as_str())).collect();
    all[3].1 = &file;
    let parts =
        [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "postgres"), ("PGDATABASE", &databases[6].name)];
    all.extend(parts);
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]);
    let dir = files.path().display().to_string();
    for first in 0..7 {
        let ended = run(&["up", "--dir", &dir], &all[first..]);
        assert_eq!(reached(&ended), databases[first].name, "{:?}", all[first]);
    }
    assert_eq!(reached(&run(&["version"], &all)), databases[3].name, "what only reads takes no direct connection");
    let flag = run(&["up", "--dir", &dir, "--database-url", &databases[5].url], &all);
    assert_eq!(reached(&flag), databases[5].name);
}

#[test]
fn pg_variables_alone_are_enough_and_names_of_service_links_are_nobody_s() {
    let port = server().port().to_string();
    let links =
        [("PG_PORT", "tcp://10.0.0.1:5432"), ("PG_SERVICE_HOST", "10.0.0.1"), ("MIGRATE_PORT", "tcp://10.0.0.1:80")];
    let parts = [("PGHOST", "127.0.0.1"), ("PGPORT", port.as_str()), ("PGUSER", "postgres")];
    assert_eq!(reached(&run(&["version"], &[&links[..], &parts].concat())), "postgres");
    let nothing = run(&["version"], &links);
    assert!(nothing.code == 2 && nothing.stderr.contains("no database is named"), "{}", nothing.stderr);
}

#[test]
fn a_file_that_is_absent_is_named_with_its_variable() {
    let ended = run(&["version"], &[("DATABASE_URL_FILE", "/nonexistent/url")]);
    assert_eq!(ended.code, 20);
    for words in ["/nonexistent/url", "DATABASE_URL_FILE", "no such file"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn a_service_describes_a_connection() {
    let lab = lab();
    let text = format!(
        "[other]\nhost=nowhere.invalid\n\n[lab]\nhost=127.0.0.1\nport={}\nuser=secret\npassword={PASSWORD}\n\
         dbname=template1\nsslmode=require\n",
        lab.server.port()
    );
    let files = folder(&[("services", &text), (".pg_service.conf", &text)]);
    let path = files.path().join("services").display().to_string();
    let home = files.path().display().to_string();
    for (url, variables) in [
        (None, &[("PGSERVICE", "lab"), ("PGSERVICEFILE", path.as_str())][..]),
        (None, &[("PGSERVICE", "lab"), ("HOME", &home)]),
        (Some("service=lab"), &[("PGSERVICEFILE", &path)]),
        (Some("postgres://?service=lab"), &[("PGSERVICEFILE", &path), ("PGSERVICE", "other")]),
    ] {
        let mut arguments = vec!["version"];
        arguments.extend(url.into_iter().flat_map(|url| ["--database-url", url]));
        let ended = run(&arguments, variables);
        assert!(ended.stderr.contains("database template1, user secret, TLS"), "{url:?}: {}", ended.stderr);
    }
    let absent = run(&["version"], &[("PGSERVICE", "nosuch"), ("PGSERVICEFILE", &path)]);
    assert!(absent.code == 20 && absent.stderr.contains("`nosuch`"), "{}", absent.stderr);
}

#[test]
fn a_password_file_is_used_when_nobody_else_may_read_it_and_warned_about_otherwise() {
    let lab = lab();
    let port = lab.server.port();
    let home = folder(&[]);
    let own = write(home.path(), ".pgpass", &format!("other:*:*:*:wrong\n127.0.0.1:{port}:*:secret:{PASSWORD}\n"));
    let (path, home) = (own.display().to_string(), home.path().display().to_string());
    let url = format!("postgres://secret@127.0.0.1:{port}/postgres");
    let passfile = format!("{url}?passfile={path}");
    for (url, variables) in [
        (&url, &[("PGPASSFILE", path.as_str())][..]),
        (&url, &[("HOME", &home)]),
        (&passfile, &[("PGPASSFILE", "/nonexistent/file")]),
    ] {
        let ended = run(&["version", "--database-url", url], variables);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.stderr.contains("password file"), "{}", ended.stderr);
    }
    for mode in [0o640, 0o604] {
        permit(&own, mode);
        let ended = run(&["version", "--database-url", &url], &[("PGPASSFILE", &path)]);
        assert_eq!(ended.code, 21);
        let words = "has group or world access; permissions should be u=rw (0600) or less";
        assert!(ended.stderr.contains("warning: password file") && ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn the_database_and_the_user_default_to_the_account() {
    let ended = run(&["version", "--database-url", &format!("postgres://127.0.0.1:{}", server().port())], &[]);
    let account = String::from_utf8(std::process::Command::new("id").arg("-un").output().expect("id").stdout);
    let account = account.expect("text").trim().to_owned();
    if account == "postgres" {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    } else {
        assert!(ended.code == 21 && ended.stderr.contains(&format!("`{account}`")), "{}", ended.stderr);
    }
}

#[test]
fn a_direct_connection_alone_is_enough_for_what_only_reads() {
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]);
    let dir = files.path().display().to_string();
    for name in ["DATABASE_URL_DIRECT", "DIRECT_URL", "DATABASE_URL_UNPOOLED"] {
        for (command, code) in [("status", 0), ("plan", 0), ("check", 14)] {
            let ended = run(&[command, "--dir", &dir], &[(name, &database.url), ("PGHOST", "/nonexistent")]);
            assert_eq!(ended.code, code, "{name} {command}: {}", ended.stderr);
        }
    }
}

#[test]
fn settings_in_the_url_hold_for_the_session_and_decide_where_the_version_table_is() {
    let database = Database::create();
    database.rows("CREATE SCHEMA app");
    let files = folder(&[(
        "00001_a.sql",
        "-- +goose Up\nCREATE TABLE a AS SELECT current_setting('work_mem') AS w, current_setting('TimeZone') AS z, \
         current_setting('app.tenant') AS t;\n",
    )]);
    let dir = files.path().display().to_string();
    let query = "search_path=app&work_mem=7MB&TimeZone=Asia/Tokyo&app.tenant=two%20words&pool_max_conns=4";
    for url in [format!("{}?{query}\n", database.url), format!("{}?{query}", database.url)] {
        let ended = run(&["up", "--dir", &dir, "--database-url", &url], &[]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("`pool_max_conns` is a parameter of another driver"), "{}", ended.stderr);
        assert_eq!(ended.stderr.contains("a line end behind it is left out"), url.ends_with('\n'), "{}", ended.stderr);
    }
    assert_eq!(database.rows("SELECT w || z || t FROM app.a"), ["7MBAsia/Tokyotwo words"]);
    assert_eq!(database.rows("SELECT max(version_id) FROM app.goose_db_version"), ["1"]);
    let schema = run(&["status", "--dir", &dir, "--database-url", &format!("{}?schema=app", database.url)], &[]);
    assert!(schema.code == 0 && schema.stderr.contains("`schema` is taken for `search_path`"), "{}", schema.stderr);
}
