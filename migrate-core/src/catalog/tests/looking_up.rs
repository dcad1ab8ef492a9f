use super::*;

#[test]
fn what_no_migration_made_is_absent_only_where_nothing_else_makes_it() {
    let catalog = after("CREATE TABLE t (a int)");
    assert_eq!(catalog.relation(&name("other")), Lookup::Absent);
    for unknown in ["pg_class", "pg_catalog.pg_class", "information_schema.tables", "auth.users"] {
        assert_eq!(catalog.relation(&name(unknown)), Lookup::Unknown, "{unknown}");
    }
    assert_eq!(catalog.function(&name("now")), Lookup::Unknown);
    assert_eq!(catalog.type_entry(&name("integer")), Lookup::Unknown);
    assert_eq!(catalog.type_entry(&name("t")), Lookup::Unknown);
}

#[test]
fn what_is_declared_outside_is_unknown() {
    let external = External {
        relations: vec!["users".into(), "auth.roles".into()],
        schemas: vec!["billing".into()],
        ..External::default()
    };
    let catalog = on(Catalog::new(external), "CREATE SCHEMA auth");
    for unknown in ["users", "auth.roles", "billing.anything"] {
        assert_eq!(catalog.relation(&name(unknown)), Lookup::Unknown, "{unknown}");
    }
    assert_eq!(catalog.relation(&name("auth.other")), Lookup::Absent);
}

#[test]
fn an_extension_may_bring_any_type_or_function_and_no_relation() {
    let catalog = after("CREATE EXTENSION citext");
    assert_eq!(catalog.type_entry(&name("public.citext")), Lookup::Unknown);
    assert_eq!(catalog.function(&name("public.f")), Lookup::Unknown);
    assert_eq!(catalog.relation(&name("public.t")), Lookup::Absent);
}

#[test]
fn ddl_in_a_body_clouds_everything_from_there_on() {
    assert!(after("DO $$ BEGIN CREATE TABLE t (a int); END $$").clouded.is_some());
    assert!(after("DO $$ BEGIN UPDATE t SET a = 1; END $$").clouded.is_none());
    let calling = |body: &str| {
        after(&format!("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body} END $$; SELECT f()"))
    };
    assert!(calling("EXECUTE 'DROP TABLE t';").clouded.is_some());
    assert!(calling("INSERT INTO t VALUES (1);").clouded.is_none());
    let clouded = after("CREATE TABLE t (a int); DO $$ BEGIN EXECUTE 'x'; END $$");
    assert_eq!(clouded.relation(&name("other")), Lookup::Unknown);
    assert!(clouded.relation(&name("t")).known().is_some());
}

#[test]
fn a_temporary_table_hides_the_one_of_its_name_until_the_session_ends() {
    let mut catalog = after("CREATE TABLE t (a int); CREATE TEMP TABLE t (b int)");
    assert_eq!(catalog.the("t").shown(), "b integer");
    catalog.end_of_session();
    assert_eq!(catalog.the("t").shown(), "a integer");
}
