use super::*;

#[test]
fn serial_and_keys_get_postgresql_s_names_and_nullability() {
    let catalog =
        after("CREATE TABLE t (id bigserial PRIMARY KEY, a int UNIQUE, b int REFERENCES t, c int CHECK (c > 0))");
    assert_eq!(catalog.the("t").shown(), "id bigint!=, a integer, b integer, c integer");
    assert_eq!(catalog.the("t").rules(), "t_c_check(c) t_pkey(id) t_a_key(a) t_b_fkey(b)");
    assert_eq!(catalog.all(), "t t_a_key t_id_seq t_pkey");
    let RelationKind::Sequence { owner, identity: false } = &catalog.the("t_id_seq").kind else { panic!() };
    assert_eq!(owner.as_ref().unwrap().1, "id");
    assert_eq!(catalog.the("t").columns[0].default.as_ref().unwrap().text, "nextval('t_id_seq'::regclass)");
}

#[test]
fn an_identity_column_refuses_null_and_owns_its_sequence() {
    let catalog = after("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)");
    assert_eq!(catalog.the("t").shown(), "id integer!");
    assert!(matches!(catalog.the("t_id_seq").kind, RelationKind::Sequence { identity: true, .. }));
}

#[test]
fn constraints_of_several_columns_are_named_after_all_of_them() {
    let catalog = after(
        "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
         CREATE TABLE t (a int, b int, UNIQUE (a, b), FOREIGN KEY (a, b) REFERENCES p, CHECK (a < b))",
    );
    assert_eq!(catalog.the("t").rules(), "t_check(a,b) t_a_b_key(a,b) t_a_b_fkey(a,b)");
}

#[test]
fn taken_names_are_numbered() {
    let catalog = after("CREATE TABLE t (a int); CREATE INDEX ON t (a); CREATE INDEX ON t (a); CREATE INDEX ON t (a)");
    assert_eq!(catalog.all(), "t t_a_idx t_a_idx1 t_a_idx2");
    let catalog = after("CREATE TABLE t (a int, CHECK (a > 0), CHECK (a < 9))");
    assert_eq!(catalog.the("t").rules(), "t_a_check(a) t_a_check1(a)");
}

#[test]
fn a_renamed_table_keeps_its_constraint_names_from_the_next_of_its_name() {
    let catalog = after(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a int REFERENCES p);
         ALTER TABLE t RENAME TO old; CREATE TABLE t (a int REFERENCES p)",
    );
    assert_eq!(catalog.the("old").rules(), "t_a_fkey(a)");
    assert_eq!(catalog.the("t").rules(), "t_a_fkey1(a)");
}

#[test]
fn long_names_are_shortened_evenly_to_63_bytes() {
    let (table, column) = ("t".repeat(50), "c".repeat(40));
    let catalog = after(&format!("CREATE TABLE {table} ({column} int UNIQUE)"));
    let expected = format!("{}_{}_key", "t".repeat(29), "c".repeat(29));
    assert_eq!(catalog.the(&table).constraints[0].name, expected);
}

#[test]
fn expression_indexes_are_named_after_their_function() {
    let catalog = after("CREATE TABLE t (a text, b int); CREATE INDEX ON t (lower(a), (b + 1))");
    assert_eq!(catalog.all(), "t t_lower_expr_idx");
}

#[test]
fn of_two_equal_keys_one_is_made() {
    assert_eq!(after("CREATE TABLE t (a int UNIQUE PRIMARY KEY)").the("t").rules(), "t_pkey(a)");
}

#[test]
fn if_not_exists_keeps_what_is_there() {
    let catalog = after("CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS t (b int)");
    assert_eq!(catalog.the("t").shown(), "a integer");
    let catalog = on(catalog, "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text UNIQUE");
    assert_eq!((catalog.the("t").shown().as_str(), catalog.all().as_str()), ("a integer", "t"));
}

#[test]
fn like_copies_what_it_is_asked_for() {
    let source = "CREATE TABLE s (id int PRIMARY KEY DEFAULT 1, a int CHECK (a > 0)); CREATE INDEX i ON s (a);";
    let plain = after(&format!("{source} CREATE TABLE t (LIKE s)"));
    assert_eq!((plain.the("t").shown(), plain.the("t").rules()), ("id integer!, a integer".into(), String::new()));
    let all = after(&format!("{source} CREATE TABLE t (LIKE s INCLUDING ALL)"));
    assert_eq!(all.the("t").shown(), "id integer!=, a integer");
    assert_eq!(all.the("t").rules(), "s_a_check(a) t_pkey(id)");
    assert_eq!(all.all(), "i s s_pkey t t_a_idx t_pkey");
    assert!(!after("CREATE TABLE t (LIKE nowhere)").the("t").complete);
}

#[test]
fn partitions_get_columns_keys_and_indexes_of_their_parent() {
    let catalog = after(
        "CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE INDEX p_at ON p (at);
         CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    );
    assert_eq!(catalog.all(), "p p1 p1_at_idx p1_pkey p2 p2_at_idx p2_pkey p_at p_pkey");
    assert_eq!(catalog.the("p2").shown(), "id integer!, at date!");
    assert!(catalog.the("p1").default_partition);
    assert_eq!(catalog.children_of(&catalog.qualify(&name("p"))).len(), 2);
}

#[test]
fn inheriting_tables_take_columns_and_checks_and_not_keys() {
    let catalog = after("CREATE TABLE a (id int PRIMARY KEY CHECK (id > 0)); CREATE TABLE b (x int) INHERITS (a)");
    assert_eq!(catalog.the("b").shown(), "id integer!, x integer");
    assert_eq!(catalog.the("b").rules(), "a_id_check(id)");
}

#[test]
fn views_have_the_columns_of_their_query_where_it_names_them() {
    let catalog = after(
        "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b AS c FROM t; CREATE VIEW w (x) AS SELECT a FROM t",
    );
    assert_eq!(catalog.the("v").shown(), "a integer, c integer");
    assert_eq!(catalog.the("w").shown(), "x integer");
    let opened = after("CREATE VIEW v AS SELECT * FROM elsewhere");
    assert!(!opened.the("v").complete);
}

#[test]
fn or_replace_replaces_the_function_of_the_same_arguments() {
    let one = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';";
    let other = "CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 2';";
    let catalog =
        after(&format!("{one}{other} CREATE OR REPLACE FUNCTION f(b int) RETURNS int LANGUAGE sql AS 'SELECT 3'"));
    let (_, functions) = catalog.function(&name("f")).known().unwrap();
    assert_eq!(functions.len(), 2);
    assert_eq!(functions[0].body.as_deref(), Some("SELECT 3"));
}
