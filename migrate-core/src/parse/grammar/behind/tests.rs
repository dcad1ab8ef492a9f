use crate::parse::grammar::judge;

/// Each read by PostgreSQL 15 and later, and not by the grammar.
const READ_BY_THE_SERVER: &[&str] = &[
    "CREATE TABLE t (EXCLUDE USING gist (room_id gist_int4_ops WITH =, during WITH &&));",
    "CREATE TABLE t (EXCLUDE USING gist (a inet_ops WITH &&));",
    "CREATE TABLE t (a inet, EXCLUDE (a DESC NULLS LAST WITH =) WHERE (a > 1));",
    "CREATE TABLE t (EXCLUDE USING gist ((a+1) gist_int4_ops WITH =));",
    "ALTER TABLE t ADD EXCLUDE USING gist (lower(a) COLLATE \"C\" s.text_ops (x = 1) ASC WITH OPERATOR(s.=), b c WITH =);",
    "CREATE TABLE t (exclude bool);",
    "CREATE TABLE t (a int, exclude bool, b int, \"exclude\" int);",
    "ALTER TABLE t ADD exclude int;",
    "CREATE FOREIGN TABLE t (exclude int) SERVER s;",
    "CREATE TABLE t PARTITION OF p (exclude DEFAULT 1) DEFAULT;",
    "CREATE TABLE t (exclude, b) AS SELECT 1, 2;",
    "SET role = app;",
    "SET role = 'app';",
    "SET role = DEFAULT;",
    "SET LOCAL role = app;",
    "SET NAMES 'UTF8';",
    "SET NAMES'UTF8';",
    "SET NAMES DEFAULT;",
    "SET NAMES;",
    "SET LOCAL NAMES 'UTF8';",
    "SET schema = 1;",
    "SET time = 1;",
    "SET transaction = 1;",
    "ALTER ROLE x SET TIME ZONE 'UTC';",
    "ALTER ROLE x IN DATABASE d SET TIME ZONE LOCAL;",
    "ALTER ROLE x SET NAMES 'UTF8';",
    "ALTER ROLE x SET SCHEMA 'a';",
    "ALTER ROLE x SET role = app;",
    "ALTER DATABASE x SET TIME ZONE 'UTC';",
    "ALTER FUNCTION f() SET TIME ZONE 'UTC';",
    "ALTER FUNCTION f() SET TIME ZONE 'UTC' SET NAMES 'UTF8' STABLE;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET TIME ZONE 'UTC' AS 'SELECT 1';",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql SET NAMES 'UTF8' AS 'SELECT 1';",
    "SET LOCAL TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
    "SET SESSION TRANSACTION READ ONLY;",
    "INSERT INTO t (values, b) VALUES (1, 2);",
    "WITH update AS (SELECT 1) SELECT 2;",
    "WITH delete AS (SELECT 1), insert AS (SELECT 2) SELECT 2;",
    "WITH merge AS (SELECT 1) SELECT 2;",
    "WITH values AS (SELECT 1) SELECT 2;",
    "WITH recursive AS (SELECT 1) SELECT 2;",
    "CREATE FUNCTION f(is bool) RETURNS int LANGUAGE sql AS '';",
    "CREATE FUNCTION f() RETURNS TABLE (is int) LANGUAGE sql AS '';",
    "SELECT a in FROM t;",
    "SELECT a is FROM t;",
    "SELECT a like, b ilike, c between, d escape FROM t;",
    "SELECT a is;",
    "SELECT a is WHERE true;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $a$ SELECT a is, b FROM t $a$;",
    "ALTER STATISTICS IF EXISTS s SET STATISTICS -1;",
    "ALTER STATISTICS s SET STATISTICS -1;",
    "ALTER VIEW v SET (security_barrier = true), RESET (security_barrier);",
    "CREATE TRUSTED PROCEDURAL LANGUAGE l HANDLER h INLINE i VALIDATOR v;",
    "DEALLOCATE PREPARE;",
    "ALTER TABLE t ALTER 2 SET STATISTICS 5;",
];

#[test]
fn what_the_server_reads_is_read_instead() {
    let refused = READ_BY_THE_SERVER.iter().filter_map(|sql| Some((*sql, judge(sql).err()?)));
    assert_eq!(refused.collect::<Vec<_>>(), []);
}

#[test]
fn the_rest_of_such_a_statement_is_judged() {
    for (sql, at) in [
        ("CREATE TABLE t (exclude bool, b int c);", "c"),
        ("CREATE TABLE t (exclude bool, order int);", "order"),
        ("CREATE TABLE t (EXCLUDE USING gist (a inet_ops WITH &&, b c d WITH =));", "c"),
        ("ALTER ROLE x SET TIME ZONE 'UTC' b;", "b"),
        ("SET LOCAL TRANSACTION ISOLATION LEVEL;", ";"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT a is FROM ; $$;", "$$ SELECT a is FROM ; $$"),
        ("SELECT a is, FROM t;", ","),
        ("SET NAMES 'UTF8' b;", "b"),
        ("SELECT 1 FROM t is;", "is"),
        ("SELECT count(*) OVER FROM t;", "FROM"),
        ("WITH recursive AS (SELECT 1) SELECT 2 FROM;", ";"),
    ] {
        let problem = judge(sql).expect_err(sql);
        assert_eq!(problem.span.of(sql), at, "{sql}");
    }
}
