//! Schemas from rows by hand.

use super::*;

/// Rows: kind, name, parent, address, definition.
fn schema(rows: &[[&str; 5]]) -> Schema {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let row = |(at, [kind, name, parent, address, definition]): (usize, &[&str; 5])| {
        let position = if *kind == "column" { at } else { 0 };
        let texts = [kind, name, parent, address, "", definition, "", ""].map(filled);
        texts.into_iter().chain([Some(position.to_string())]).collect()
    };
    let server = ["server", "180000", "", "", ""];
    let rows: Vec<[&str; 5]> = rows.iter().copied().chain([server]).collect();
    Schema::read(rows.iter().enumerate().map(row).collect()).expect("rows of the question")
}

const TABLE: [[&str; 5]; 4] = [
    ["table", "public.a", "", "pg_class:1", "CREATE TABLE public.a ()"],
    ["column", "id", "public.a", "", "id integer NOT NULL"],
    ["column", "b", "public.a", "", "b text"],
    ["constraint", "a_pkey", "public.a", "pg_constraint:2", "CONSTRAINT a_pkey PRIMARY KEY (id)"],
];

#[test]
fn the_order_of_the_rows_is_no_part_of_the_schema_and_that_of_columns_is() {
    let one = schema(&TABLE);
    let other = schema(&[TABLE[3], TABLE[0], TABLE[1], TABLE[2]]);
    assert_eq!((one.fingerprint(), one.difference(&other)), (other.fingerprint(), vec![]));
    let turned = schema(&[TABLE[0], TABLE[2], TABLE[1], TABLE[3]]);
    assert_ne!(one.fingerprint(), turned.fingerprint());
    assert_eq!(one.difference(&turned), ["~ order of the columns of public.a: id, b → b, id"]);
}

#[test]
fn a_table_that_is_gone_has_one_line_and_a_column_that_is_new_its_type() {
    let (empty, full) = (schema(&[["schema", "public", "", "", "CREATE SCHEMA public"]]), schema(&TABLE));
    let without = schema(&[TABLE[0], TABLE[1], TABLE[3]]);
    assert_eq!(full.difference(&empty), ["+ schema public", "- table public.a"]);
    assert_eq!(empty.difference(&full), ["- schema public", "+ table public.a (2 columns)"]);
    assert_eq!(without.difference(&full), ["+ column public.a.b: text"]);
}

#[test]
fn a_changed_definition_shows_the_first_line_that_is_another() {
    let function = |body: &str| schema(&[["function", "public.f()", "", "", body]]);
    let lines = function("CREATE\n one\nEND").difference(&function("CREATE\n two\nEND"));
    assert_eq!(lines, ["~ function public.f(): `one` → `two`"]);
}

#[test]
fn an_object_is_made_behind_what_it_needs_whatever_its_kind() {
    // The table's default calls the function, and the function takes the domain.
    let rows = [
        ["function", "public.f()", "", "pg_proc:5", "CREATE FUNCTION f"],
        ["table", "public.a", "", "pg_class:1", "CREATE TABLE public.a ()"],
        ["column", "id", "public.a", "", "id integer"],
        ["type", "public.z", "", "pg_type:9", "CREATE DOMAIN z"],
        ["needs", "pg_attrdef:7", "pg_proc:5", "", ""],
        ["home", "pg_attrdef:7", "pg_class:1", "", ""],
        ["needs", "pg_type:9", "pg_class:1", "", ""],
    ];
    let text = script(&schema(&rows));
    let places = ["FUNCTION f", "TABLE public.a (\n    id integer\n)", "DOMAIN z"].map(|part| text.find(part));
    assert!(places.is_sorted() && places[0].is_some(), "{text}");
}

#[test]
fn objects_that_need_each_other_are_all_written() {
    let rows = [
        ["function", "public.f()", "", "pg_proc:5", "CREATE FUNCTION f"],
        ["view", "public.v", "", "pg_class:1", "CREATE VIEW v"],
        ["needs", "pg_class:1", "pg_proc:5", "", ""],
        ["needs", "pg_proc:5", "pg_class:1", "", ""],
    ];
    let text = script(&schema(&rows));
    assert!(text.contains("FUNCTION f") && text.contains("VIEW v"), "{text}");
}
