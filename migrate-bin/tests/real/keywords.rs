//! Every keyword of every server in every place of a name: the gate refuses none that the server reads, and finds most of
//! those that it refuses.

use migrate_scratch::{Server, installations};
use tokio_postgres::NoTls;

use crate::injected_errors::{judged, refuses};
use crate::stage::Database;

/// Statements with the place of a name, whose other names are those of tables that are there.
const PLACES: &[&str] = &[
    "CREATE TABLE t ({} text);",
    "CREATE TABLE {} (a int);",
    "SELECT a.{} FROM a;",
    "SELECT 1 AS {};",
    "SELECT 1 {};",
    "SELECT {} FROM t;",
    "SELECT * FROM t {};",
    "SELECT * FROM t AS {};",
    "ALTER TABLE t ADD COLUMN {} int;",
    "ALTER TABLE t RENAME a TO {};",
    "ALTER TABLE t DROP COLUMN {};",
    "ALTER TABLE t ALTER COLUMN {} SET NOT NULL;",
    "ALTER TABLE t ALTER {} TYPE int;",
    "INSERT INTO t ({}, b) VALUES (1, 2);",
    "UPDATE t SET {} = 1;",
    "CREATE INDEX i ON t ({});",
    "CREATE INDEX {} ON t (a);",
    "CREATE TYPE {} AS ENUM ('a');",
    "CREATE TABLE t (a {});",
    "SELECT {}(1);",
    "CREATE FUNCTION {}() RETURNS int LANGUAGE sql AS '';",
    "CREATE FUNCTION f({} int) RETURNS int LANGUAGE sql AS '';",
    "CREATE ROLE {};",
    "CREATE SCHEMA {};",
    "DROP TABLE {};",
    "COMMENT ON COLUMN t.{} IS 'x';",
    "SET {} = 1;",
    "SELECT f({} => 1);",
    "WITH {} AS (SELECT 1) SELECT 2;",
    "CREATE TABLE t (a int, PRIMARY KEY ({}));",
    "CREATE TABLE t (a int, CONSTRAINT {} UNIQUE (a));",
    "CREATE TABLE t (a int REFERENCES {} (a));",
    "SELECT a::{};",
    "GRANT SELECT ON {} TO x;",
    "CREATE EXTENSION {};",
    "CREATE TRIGGER {} AFTER INSERT ON t EXECUTE FUNCTION f();",
    "DELETE FROM {};",
    "SELECT x.* FROM {} x;",
    "INSERT INTO t VALUES (1) ON CONFLICT ({}) DO NOTHING;",
    "SELECT a FROM t WHERE {} = 1;",
    "SELECT a FROM t ORDER BY {} DESC;",
    "SELECT 1 FROM a JOIN b USING ({});",
    "CREATE VIEW v ({}) AS SELECT 1;",
    "SELECT s.{}(1);",
    "SELECT a AS b, c {}, d FROM t;",
    "CREATE FOREIGN TABLE t ({} int) SERVER s;",
    "CREATE TABLE t ({}, b) AS SELECT 1, 2;",
    "CREATE TABLE t (a {} NOT NULL);",
    "CREATE FUNCTION f() RETURNS TABLE ({} int) LANGUAGE sql AS '';",
    "ALTER TABLE t DROP CONSTRAINT {};",
    "DROP INDEX {};",
    "CREATE POLICY {} ON t USING (true);",
    "CREATE SEQUENCE {};",
    "CREATE DOMAIN {} AS int;",
    "SAVEPOINT {};",
    "CREATE INDEX i ON t (a {});",
    "SELECT 1 FROM t WINDOW {} AS ();",
    "ALTER TABLE {} ADD x int;",
    "CREATE TABLE {}.t (a int);",
    "SELECT 1 FROM t, {};",
    "CREATE PUBLICATION {};",
    "UPDATE {} SET a = 1;",
    "INSERT INTO {} VALUES (1);",
    "CREATE VIEW {} AS SELECT 1;",
    "TRUNCATE {};",
    "ALTER TYPE {} ADD VALUE 'x';",
    "CREATE TYPE y AS ({} int);",
    "CREATE PROCEDURE {}() LANGUAGE sql AS '';",
    "SELECT 1 AS a, b.{} FROM a AS b;",
    "GRANT {} TO x;",
    "ALTER ROLE {} LOGIN;",
    "CREATE TABLE t (a int CONSTRAINT {} NOT NULL);",
    "SHOW {};",
    "CREATE AGGREGATE {} (int) (sfunc = f, stype = int);",
];

/// Of a hundred keywords that a server refuses, how many the gate may let through.
const MISSED: usize = 5;

/// Functions of SQL from PostgreSQL 16 or 17 on, which the gate reads as theirs: on an older server they are a user's own,
/// who could not go on to the next.
const LATER: [&str; 4] = ["json_exists", "json_objectagg", "json_query", "json_value"];

#[test]
fn a_keyword_is_refused_only_where_a_server_refuses_it() {
    let servers: Vec<Server> = installations(&[]).iter().map(|found| Server::start(found).unwrap()).collect();
    assert!(!servers.is_empty());
    let words = asked(&servers);
    for server in &servers {
        compare(server, &words);
    }
}

/// The keywords of all servers: what is one in one of them is a name like any other before.
fn asked(servers: &[Server]) -> Vec<String> {
    let ask = |server: &Server| Database::create_on(server).rows("SELECT word FROM pg_get_keywords()");
    let mut words: Vec<String> = servers.iter().flat_map(ask).collect();
    words.sort();
    words.dedup();
    words
}

fn compare(server: &Server, words: &[String]) {
    let database = Database::create_on(server);
    database.rows("CREATE TABLE t (a int, b int, c int, d int); CREATE TABLE a (LIKE t); CREATE TABLE b (LIKE t)");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut refused, mut missed, mut wrong) = (0_usize, Vec::new(), Vec::new());
    let each = PLACES.iter().flat_map(|place| words.iter().map(move |word| (place.replace("{}", word), word)));
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        for (sql, word) in each {
            let (by_server, by_gate) = (refuses(&client, &sql).await, judged(&sql));
            let is_later = LATER.contains(&word.as_str()) && server.major() < 17;
            refused += usize::from(by_server);
            match (by_server, by_gate) {
                (true, false) => missed.push(sql),
                (false, true) if !is_later => wrong.push(sql),
                _ => {}
            }
        }
        drop(client);
        let _ended = driver.await;
    });
    let asked = PLACES.len() * words.len();
    let major = server.major();
    println!(
        "PostgreSQL {major} refuses {refused} of {asked}; the gate misses {} of them, and refuses {} alone",
        missed.len(),
        wrong.len()
    );
    println!("missed:\n{}", missed.join("\n"));
    assert!(wrong.is_empty(), "refused by the gate alone:\n{}", wrong.join("\n"));
    assert!(missed.len() * 100 <= refused * MISSED, "{} of {refused} missed", missed.len());
}
