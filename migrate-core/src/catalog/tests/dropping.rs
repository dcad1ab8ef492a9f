use super::*;

#[test]
fn a_dropped_table_takes_what_hangs_on_it() {
    let catalog = after(
        "CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE u (t int REFERENCES t); CREATE VIEW v AS SELECT id FROM t;
         CREATE VIEW w AS SELECT id FROM v; DROP TABLE t CASCADE",
    );
    assert_eq!((catalog.all().as_str(), catalog.the("u").rules().as_str()), ("u", ""));
}

#[test]
fn partitions_go_with_their_parent() {
    let catalog =
        after("CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p DEFAULT; DROP TABLE p");
    assert_eq!(catalog.all(), "");
}

#[test]
fn a_dropped_column_takes_indexes_and_constraints_that_use_it() {
    let catalog = after(
        "CREATE TABLE t (a serial, b int, UNIQUE (a, b), CHECK (a < b)); CREATE INDEX i ON t (b) WHERE a > 0;
         CREATE INDEX k ON t (b); ALTER TABLE t DROP a",
    );
    assert_eq!((catalog.all().as_str(), catalog.the("t").rules().as_str()), ("k t", ""));
}

#[test]
fn a_dropped_key_takes_its_index_and_with_cascade_the_foreign_keys() {
    let catalog = after(
        "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int REFERENCES t); ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE",
    );
    assert_eq!((catalog.all().as_str(), catalog.the("u").rules().as_str()), ("t u", ""));
    assert_eq!(catalog.the("t").shown(), "a integer!");
}

#[test]
fn a_dropped_type_takes_its_columns_and_a_dropped_sequence_the_defaults() {
    let catalog = after(
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e, y serial); DROP TYPE e CASCADE; DROP SEQUENCE t_y_seq CASCADE",
    );
    assert_eq!(catalog.the("t").shown(), "y integer!");
}

#[test]
fn a_dropped_function_takes_its_triggers() {
    let catalog = after(
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    );
    assert_eq!(catalog.the("t").triggers.len(), 1);
    let catalog = on(catalog, "DROP FUNCTION f() CASCADE");
    assert!(catalog.the("t").triggers.is_empty());
    assert_eq!(catalog.function(&name("f")), Lookup::Absent);
}

#[test]
fn a_dropped_schema_takes_all_that_is_in_it() {
    let catalog =
        after("CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE TYPE s.e AS ENUM ('a'); DROP SCHEMA s CASCADE");
    assert_eq!((catalog.all().as_str(), catalog.types.len()), ("", 0));
    assert_eq!(catalog.relation(&name("s.t")), Lookup::Absent);
}

#[test]
fn what_a_server_would_refuse_does_no_harm() {
    let catalog = after(
        "DROP TABLE nothing; ALTER TABLE nothing ADD a int; CREATE TABLE t (a int); CREATE TABLE t (b int);
         ALTER TABLE t DROP COLUMN z; ALTER TABLE t RENAME z TO y; DROP VIEW t; CREATE INDEX t ON t (a); DROP TYPE x",
    );
    assert_eq!((catalog.all().as_str(), catalog.the("t").shown().as_str()), ("t", "a integer"));
}
