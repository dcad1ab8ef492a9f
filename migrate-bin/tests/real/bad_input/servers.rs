//! A database that is not there, not reachable, not allowed, or not named rightly.

use super::{GOOD, assert_refused, assert_untouched, relations};
use crate::stage::{Database, folder, migrate, migrate_command, server, sql};

/// A port that nothing listens on: it was free a moment ago, and it is not one that the system gives out by itself.
const NOBODY: u16 = 1;

#[test]
fn a_url_that_cannot_be_used_is_refused_without_a_word_of_it_repeated() {
    let files = folder(&[GOOD]);
    for (url, why) in [
        ("not a url", "neither a postgres:// URL nor key=value"),
        ("mysql://u:secret@h/x", "is a URL, and no postgres:// one"),
        ("jdbc:postgresql://h/x?user=u&password=secret", "is a JDBC URL"),
        ("postgresql+psycopg2://u:secret@h/x", "SQLAlchemy"),
        ("POSTGRES://u:secret@h/x", "not in lower case"),
        ("'postgres://u:secret@h/x'", "stands in quotes"),
        ("DATABASE_URL=postgres://u:secret@h/x", "a line of a .env file"),
        ("export DATABASE_URL=postgres://u:secret@h/x", "`export`"),
        ("postgres://u:secret@h/x;", "ends with a `;`"),
        ("host=h;password=secret;user=u", "`host` holds a password among other things"),
        ("host=h;user=secret", "`host` holds a `;`, which no host has"),
        ("password='secret host=h", "a quote that is not closed"),
        ("host=h password=a secret", "a word without `=`"),
        ("postgres://u:secret@h:notaport/x", "invalid value for `port`"),
        ("host=h password=secret port=99999", "invalid value for `port`"),
        ("postgres://u:secret@h/x?connect_timeout=secret", "invalid value for `connect_timeout`"),
        ("postgres://u:secret@h/x?sslmode=secret", "invalid value for `sslmode`"),
        ("postgres://u:secret@h/x?requirepeer=secret", "`requirepeer` cannot be honoured"),
        ("postgres://u:secret@h/x?nosuch=secret", "unknown parameter `nosuch`"),
        ("postgres://u:secret@h/x?sslmod=secret", "unknown parameter `sslmod`; is `sslmode` meant?"),
        ("postgres://u:secret@h/x?serch_path=secret", "unknown parameter `serch_path`; is `search_path` meant?"),
        ("postgres://u:secret@h/x?sslaccept=secret", "`sslaccept`; it belongs to another program's driver"),
        ("host=h password=two secret=words", "a parameter that this program does not know"),
        ("postgres://u:secret%zz@h/x", "write `%25`"),
        ("postgres://u:sec@secret@h/x", "write `%40`"),
        ("postgres://u:secret@h/x?sslmode", "has no `=`"),
        ("postgres://u:secret@[h/x", "IPv6 address"),
        ("host=a,b port=1,2,3 password=secret", "3 ports for 2 hosts"),
    ] {
        let ended = migrate(url, files.path(), &["up"]);
        assert_refused(&ended, 20, &["error[config]", why, "nothing was changed", "help: "]);
        assert!(!ended.stderr.contains("secret"), "{url}: {}", ended.stderr);
    }
}

#[test]
fn no_url_at_all_says_where_to_give_one() {
    let files = folder(&[GOOD]);
    for arguments in [&["up"], &["down"], &["status"]] {
        let mut command = migrate_command(arguments);
        let ended = command.arg("--dir").arg(files.path()).env("DATABASE_URL", "").output().expect("migrate starts");
        assert_refused(&ended.into(), 2, &["no database is named", "--database-url", "DATABASE_URL"]);
    }
}

#[test]
fn a_server_that_nobody_runs_is_no_connection() {
    let files = folder(&[GOOD]);
    for url in [format!("postgres://u@127.0.0.1:{NOBODY}/x"), format!("host=127.0.0.1 port={NOBODY} user=u")] {
        let ended = migrate(&url, files.path(), &["up", "--connect-wait", "0s"]);
        assert_refused(&ended, 40, &["error[connect]", "127.0.0.1:1", "nothing was changed", "exit 40"]);
    }
}

#[test]
fn a_database_or_a_role_that_does_not_exist_is_named() {
    let files = folder(&[GOOD]);
    let ended = migrate(&server().url("nowhere"), files.path(), &["up"]);
    assert_refused(&ended, 20, &["no database `nowhere`", "sqlstate: 3D000", "createdb nowhere"]);
    let url = format!("postgres://nobody_here@127.0.0.1:{}/postgres", server().port());
    let ended = migrate(&url, files.path(), &["up"]);
    assert_refused(&ended, 21, &["error[auth]", "nobody_here", "sqlstate: 28000"]);
}

#[test]
fn a_database_that_takes_no_connections_is_a_matter_of_configuration() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let admin = server().url("postgres");
    sql(&admin, &format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", database.name));
    let ended = migrate(&database.url, files.path(), &["up"]);
    sql(&admin, &format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", database.name));
    assert_refused(&ended, 20, &["error[config]", "accepts no connections"]);
}

/// A role of its own that may connect and nothing else, and its URL.
fn weak_role(database: &Database) -> (String, String) {
    let role = format!("weak_{}", database.name);
    database.rows(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    ));
    let url = database.url.replace("postgres@", &format!("{role}@"));
    (role, url)
}

#[test]
fn a_role_without_create_is_told_what_it_lacks_and_status_still_reads() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let (role, url) = weak_role(&database);
    let ended = migrate(&url, files.path(), &["up"]);
    assert_refused(&ended, 22, &["error[privilege]", "42501", "schema public", "GRANT CREATE", "nothing was changed"]);
    let status = migrate(&url, files.path(), &["status"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    assert_untouched(&database);
    database.rows(&format!("DROP ROLE {role}"));
}

#[test]
fn a_role_that_may_not_read_the_version_table_or_its_ledger_is_told_which() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let (role, url) = weak_role(&database);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let before = relations(&database);
    let grant = |table: &str| format!("GRANT SELECT ON TABLE \"public\".\"{table}\" TO \"{role}\"");
    let (first, second) = (grant("goose_db_version"), grant("goose_db_version_ledger"));
    let ended = migrate(&url, files.path(), &["up"]);
    assert_refused(&ended, 22, &["permission denied for table goose_db_version\n", "42501", &first, &second]);
    database.rows(&format!("GRANT SELECT ON goose_db_version TO {role}"));
    let ended = migrate(&url, files.path(), &["status"]);
    assert_refused(&ended, 22, &["permission denied for table goose_db_version_ledger\n", &second]);
    assert!(!ended.stderr.contains(&first), "{}", ended.stderr);
    database.rows(&format!("GRANT SELECT ON goose_db_version_ledger TO {role}"));
    let ended = migrate(&url, files.path(), &["down"]);
    assert_refused(&ended, 22, &["must be owner of table a", "00001_a.sql:4", "was rolled back"]);
    assert_eq!((relations(&database), database.version_rows().as_str()), (before, "1:0:true 2:1:true"));
    database.rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_role_that_may_not_connect_is_told_what_to_grant() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let (role, url) = weak_role(&database);
    database.rows(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database.name));
    let ended = migrate(&url, files.path(), &["up"]);
    assert_refused(&ended, 22, &["may not connect", &format!("GRANT CONNECT ON DATABASE {}", database.name)]);
    database.rows(&format!("DROP ROLE {role}"));
}

#[test]
fn a_setting_that_the_role_may_not_change_is_a_matter_of_configuration() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let (role, url) = weak_role(&database);
    for query in ["options=-c%20log_statement%3Dnone", "log_statement=none", "role=postgres"] {
        let ended = migrate(&format!("{url}?{query}"), files.path(), &["up"]);
        let name = if query.starts_with("role") { "role" } else { "log_statement" };
        assert_refused(&ended, 20, &["error[config]", name, "42501", "leave the setting out", "nothing was changed"]);
        assert!(!ended.stderr.contains("may not connect"), "{}", ended.stderr);
    }
    database.rows(&format!("DROP ROLE {role}"));
}

#[test]
fn a_version_that_does_not_exist_is_a_slip_and_nothing_runs() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    for arguments in [
        &["up-to", "7"][..],
        &["up", "--to", "7"],
        &["up-to", "0"],
        &["down-to", "7"],
        &["down-to", "--", "-1"],
        &["plan", "--to", "7"],
        &["plan", "--offline", "--from", "7"],
        &["inspect", "7"],
        &["up-to", "7", "--dry-run"],
        &["up-to", "7", "--no-versioning"],
    ] {
        let mut command = migrate_command(&["--database-url", &database.url, "--dir"]);
        let ended = command.arg(files.path()).args(arguments).output().expect("migrate starts").into();
        assert_refused(&ended, 2, &["error[usage]", "there is no ", "nothing was changed", "help: "]);
        assert_untouched(&database);
    }
}

#[test]
fn arguments_that_cannot_be_read_are_clap_s_to_refuse() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    for arguments in [
        &["up-to", "seven"][..],
        &["up-to"],
        &["nosuch"],
        &["up", "--to", "1", "--one"],
        &["plan", "--offline"],
        &["up", "--lock-wait", "soon"],
        &["up", "--lock-wait", "-5s"],
        &["up", "--table", "GooseV"],
        &["up", "--table", "\"Gq\""],
        &["up", "--table", "a.b.c"],
        &["up", "--table", "goose v"],
        &["up", "--table", ""],
        &[],
    ] {
        let ended = migrate(&database.url, files.path(), arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("error: ") || ended.stderr.contains("Usage: "), "{arguments:?}");
        assert_untouched(&database);
    }
}

#[test]
fn a_table_name_of_another_form_in_the_environment_is_named() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    let mut command = migrate_command(&["up", "--database-url", &database.url, "--dir"]);
    let ended = command.arg(files.path()).env("GOOSE_TABLE", "GooseV").output().expect("migrate starts").into();
    assert_refused(&ended, 2, &["GOOSE_TABLE", "not a plain table name"]);
    assert_untouched(&database);
}
