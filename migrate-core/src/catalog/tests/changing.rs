use super::*;

#[test]
fn a_renamed_table_is_followed_by_all_that_refers_to_it() {
    let catalog = after(
        "CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE INDEX i ON t (a); CREATE TABLE u (t int REFERENCES t);
         CREATE VIEW v AS SELECT a FROM t; ALTER TABLE t RENAME TO n",
    );
    let new = catalog.qualify(&name("n"));
    assert_eq!(catalog.indexes_of(&new).count(), 2);
    assert_eq!(catalog.referencing(&new).count(), 1);
    assert_eq!(catalog.views_over(&new).len(), 1);
    assert_eq!(catalog.relation(&name("t")), Lookup::Absent);
    let RelationKind::Sequence { owner: Some((table, _)), .. } = &catalog.the("t_id_seq").kind else { panic!() };
    assert_eq!(*table, new);
}

#[test]
fn a_renamed_column_is_renamed_in_indexes_and_constraints() {
    let catalog = after(
        "CREATE TABLE t (a int UNIQUE CHECK (a > 0)); CREATE TABLE u (x int REFERENCES t (a)); ALTER TABLE t RENAME a TO b",
    );
    assert_eq!(catalog.the("t").rules(), "t_a_check(b) t_a_key(b)");
    let RelationKind::Index(index) = &catalog.the("t_a_key").kind else { panic!() };
    assert_eq!(index.columns, ["b"]);
}

#[test]
fn a_key_and_its_index_have_one_name() {
    let made = "CREATE TABLE t (a int UNIQUE);";
    let by_constraint = after(&format!("{made} ALTER TABLE t RENAME CONSTRAINT t_a_key TO k"));
    let by_index = after(&format!("{made} ALTER INDEX t_a_key RENAME TO k"));
    for catalog in [by_constraint, by_index] {
        assert_eq!((catalog.all().as_str(), catalog.the("t").rules().as_str()), ("k t", "k(a)"));
    }
}

#[test]
fn using_index_renames_the_index_and_a_primary_key_refuses_null() {
    let catalog = after(
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i",
    );
    assert_eq!((catalog.all().as_str(), catalog.the("t").rules().as_str()), ("k t", "k(a)"));
    assert_eq!(catalog.the("t").shown(), "a integer!");
}

#[test]
fn not_valid_holds_until_validated() {
    let catalog = after("CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID");
    assert_eq!(catalog.the("t").rules(), "c(a)?");
    let catalog = on(catalog, "ALTER TABLE t VALIDATE CONSTRAINT c");
    assert_eq!(catalog.the("t").rules(), "c(a)");
    assert!(catalog.the("t").constraints[0].validated.is_some());
}

#[test]
fn columns_change_type_default_and_nullability() {
    let catalog =
        after("CREATE TABLE t (a int); ALTER TABLE t ALTER a TYPE bigint, ALTER a SET DEFAULT 1, ALTER a SET NOT NULL");
    assert_eq!(catalog.the("t").shown(), "a bigint!=");
    let catalog = on(catalog, "ALTER TABLE t ALTER a DROP DEFAULT, ALTER a DROP NOT NULL");
    assert_eq!(catalog.the("t").shown(), "a bigint");
}

#[test]
fn children_change_with_their_parent() {
    let catalog =
        after("CREATE TABLE a (x int); CREATE TABLE b () INHERITS (a); ALTER TABLE a ADD y int NOT NULL CHECK (y > 0)");
    assert_eq!(catalog.the("b").shown(), "x integer, y integer!");
    assert_eq!(catalog.the("b").rules(), "a_y_check(y)");
}

#[test]
fn an_attached_table_gets_the_indexes_it_lacks_and_keeps_them() {
    let catalog = after(
        "CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE INDEX pa ON p (a); CREATE INDEX pb ON p (b);
         CREATE TABLE c (a int, b int); CREATE INDEX mine ON c (a); ALTER TABLE p ATTACH PARTITION c DEFAULT",
    );
    assert_eq!(catalog.all(), "c c_b_idx mine p pa pb");
    let catalog = on(catalog, "ALTER TABLE p DETACH PARTITION c; DROP TABLE p");
    assert_eq!(catalog.all(), "c c_b_idx mine");
}

#[test]
fn enum_values_stand_where_they_are_put() {
    let catalog = after(
        "CREATE TYPE e AS ENUM ('a', 'c'); ALTER TYPE e ADD VALUE 'b' BEFORE 'c'; ALTER TYPE e ADD VALUE 'd';
         ALTER TYPE e ADD VALUE 'x' AFTER 'a'; ALTER TYPE e RENAME VALUE 'x' TO 'y'",
    );
    let (_, entry) = catalog.type_entry(&name("e")).known().unwrap();
    let TypeKind::Enum(values) = &entry.kind else { panic!() };
    assert_eq!(values.iter().map(|(value, _)| value.as_str()).collect::<String>(), "aybcd");
}

#[test]
fn a_renamed_type_is_renamed_in_columns() {
    let catalog = after("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e[]); ALTER TYPE e RENAME TO f");
    assert_eq!(catalog.the("t").shown(), "x f[]");
    assert_eq!(catalog.type_entry(&name("e")), Lookup::Absent);
}

#[test]
fn a_moved_table_takes_its_indexes_and_sequences_along() {
    let catalog = after("CREATE SCHEMA s; CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t SET SCHEMA s");
    assert_eq!(catalog.all(), "s.t s.t_id_seq s.t_pkey");
    assert_eq!(catalog.the("s.t").columns[0].default.as_ref().unwrap().strings, ["s.t_id_seq"]);
    let catalog = on(catalog, "ALTER SCHEMA s RENAME TO z");
    assert_eq!(catalog.all(), "z.t z.t_id_seq z.t_pkey");
}

#[test]
fn the_search_path_says_where_things_are_made() {
    let catalog = after("CREATE SCHEMA s; SET search_path TO s, public; CREATE TABLE t (a int)");
    assert_eq!(catalog.all(), "s.t");
    let mut catalog = after("CREATE SCHEMA s; SET LOCAL search_path TO s");
    assert_eq!(catalog.search_path, ["s"]);
    catalog.end_of_transaction();
    assert_eq!(catalog.search_path, ["public"]);
    let catalog = after("SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t (a int)");
    assert_eq!(catalog.all(), "t");
    assert_eq!(catalog.relation(&name("other")), Lookup::Unknown);
}
