//! What a rule says that a server is too old for, tried on servers of both sides.

use std::collections::BTreeSet;

use migrate_scratch::{Server, installations};
use tokio_postgres::NoTls;

use crate::commands::alone;
use crate::stage::{Database, folder};

/// The schema that the forms are about.
const SCHEMA: &str =
    "CREATE TABLE t (a int PRIMARY KEY, b text, during tstzrange); CREATE TABLE u (a int PRIMARY KEY);";

/// A command that needs a version, and the version.
const FORMS: &[(u32, &str)] = &[
    (18, "CREATE TABLE n (a int4range, b tstzrange, CONSTRAINT k UNIQUE (a, b WITHOUT OVERLAPS));"),
    (18, "INSERT INTO u VALUES (1) RETURNING new.a;"),
    (18, "UPDATE u SET a = 2 RETURNING WITH (OLD AS o) o.a;"),
    (18, "CREATE TABLE n (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL);"),
    (18, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED;"),
    (18, "INSERT INTO t (a, b) SELECT 1, uuidv7()::text;"),
    (18, "UPDATE t SET b = casefold(b);"),
    (18, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO PUBLIC;"),
    (17, "ALTER TABLE t SET ACCESS METHOD DEFAULT;"),
    (17, "UPDATE t SET b = (now() AT LOCAL)::text;"),
    (17, "MERGE INTO u USING t ON u.a = t.a WHEN NOT MATCHED BY SOURCE THEN DELETE;"),
    (17, "MERGE INTO u USING t ON u.a = t.a WHEN NOT MATCHED THEN INSERT VALUES (t.a) RETURNING u.a;"),
    (17, "INSERT INTO u SELECT j.a FROM JSON_TABLE(jsonb '[1]', '$[*]' COLUMNS (a int PATH '$')) j;"),
    (17, "GRANT MAINTAIN ON t TO CURRENT_USER;"),
    (16, "INSERT INTO u VALUES (0x1f);"),
    (16, "CREATE STATISTICS ON a, b FROM t;"),
    (16, "ALTER TABLE t ALTER b SET STORAGE DEFAULT;"),
    (16, "UPDATE t SET b = json_object('a': 1, 'b': NULL ABSENT ON NULL)::text;"),
    (16, "INSERT INTO u VALUES (1_000);"),
    (16, "DELETE FROM t WHERE b IS NOT JSON;"),
    (16, "CREATE TABLE n (a text STORAGE external);"),
    (16, "UPDATE u SET a = (SELECT any_value(a) FROM t);"),
    (16, "INSERT INTO u SELECT a FROM (SELECT 7 AS a);"),
    (16, "INSERT INTO u SELECT t.a FROM t JOIN (VALUES (1)) ON true;"),
    (15, "CREATE TABLE n (a int, UNIQUE NULLS NOT DISTINCT (a));"),
    (15, "MERGE INTO u USING t ON u.a = t.a WHEN MATCHED THEN DO NOTHING;"),
    (15, "CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t;"),
    (15, "CREATE PUBLICATION p FOR TABLE t WHERE (a > 0);"),
];

#[test]
fn what_needs_a_newer_server_is_what_an_older_one_refuses() {
    let servers: Vec<Server> = installations(&[]).iter().map(|found| Server::start(found).expect("a server")).collect();
    assert!(!servers.is_empty());
    for server in &servers {
        let database = Database::create_on(server);
        database.rows(SCHEMA);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
            let driver = tokio::spawn(connection);
            for (needs, sql) in FORMS {
                assert!(client.batch_execute("BEGIN").await.is_ok());
                let ended = client.batch_execute(sql).await.map_err(|error| format!("{:?}", error.as_db_error()));
                assert_eq!(ended.is_ok(), server.major() >= *needs, "PostgreSQL {}: {sql} {ended:?}", server.major());
                assert!(client.batch_execute("ROLLBACK").await.is_ok());
            }
            drop(client);
            let _ended = driver.await;
        });
    }
}

#[test]
fn each_of_them_is_found_below_its_version_and_not_from_it_on() {
    let mut files = vec![("m/00001_schema.sql".to_owned(), format!("-- +goose Up\n{SCHEMA}\n"))];
    for (at, (_, sql)) in FORMS.iter().enumerate() {
        files.push((format!("m/{:05}_form.sql", at + 2), format!("-- +goose Up\n{sql}\n")));
    }
    files.push(("migrate.toml".into(), String::new()));
    let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let root = folder(&named);
    for min in 14..=18 {
        let settings = format!("[postgres]\nmin = {min}\nmax = 18\n");
        std::fs::write(root.path().join("migrate.toml"), settings).expect("a file");
        let ended = alone(&root.path().join("m"), &["lint", "--output", "json"]);
        let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let findings = told["findings"].as_array().expect("a list").iter();
        let of_rule = findings.filter(|finding| finding["rule"] == "F07");
        let version = |file: &str| file.rsplit('/').next().and_then(|name| name[..5].parse::<i64>().ok());
        let found: BTreeSet<i64> = of_rule.filter_map(|finding| version(finding["file"].as_str()?)).collect();
        let expected = FORMS.iter().zip(2..).filter(|((needs, _), _)| *needs > min).map(|(_, version)| version);
        assert_eq!(found, expected.collect(), "at least PostgreSQL {min}");
    }
}
