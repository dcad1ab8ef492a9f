//! The files of a set that run in a transaction of ours, and the statements that both kinds of files share.

use super::dice::Dice;
use super::shapes::Writer;

/// A file that is applied whole or not at all.
pub(super) fn file(writer: &mut Writer, version: usize, dice: &mut Dice) -> String {
    writer.shape("a transaction");
    let mut body = String::new();
    for _ in 0..=dice.below(4) {
        body.push_str(&part(writer, version, dice));
        body.push_str(&writer.count(version));
    }
    match dice.below(8) {
        0 => {
            writer.shape("a session that is left changed");
            body.push_str("SELECT set_config('search_path', '', false);\n");
        }
        1 => {
            writer.shape("a temporary table");
            let table = writer.name("temporary");
            let count = writer.count(version);
            body.push_str(&format!("CREATE TEMP TABLE {table} AS SELECT 1 AS id;\n{count}"));
        }
        2 => {
            writer.shape("BEGIN and COMMIT around a file");
            body = format!("BEGIN;\n{body}COMMIT;\n");
        }
        _ => {}
    }
    format!("-- +goose Up\n{body}")
}

fn part(writer: &mut Writer, version: usize, dice: &mut Dice) -> String {
    match dice.below(9) {
        0 | 1 => table(writer, dice),
        2 => column(writer, dice),
        3 => rows(writer, dice),
        4 => deferred(writer),
        5 => drop_table(writer, dice),
        6 => pause(writer, dice),
        7 if dice.one_in(2) => writer.enum_value(),
        _ => function(writer, version),
    }
}

fn table(writer: &mut Writer, dice: &mut Dice) -> String {
    writer.shape("DDL");
    let (table, rows) = (writer.name("t"), 1 + dice.below(200));
    let text = format!(
        "CREATE TABLE public.{table} (id int PRIMARY KEY, word text NOT NULL DEFAULT 'x');\n\
         INSERT INTO public.{table} (id) SELECT generate_series(1, {rows});\n\
         CREATE INDEX ON public.{table} (word);\n"
    );
    writer.tables.push(table);
    text
}

fn column(writer: &mut Writer, dice: &mut Dice) -> String {
    if writer.tables.is_empty() {
        return table(writer, dice);
    }
    writer.shape("ALTER TABLE");
    let (column, table) = (writer.name("c"), dice.pick(&writer.tables).clone());
    format!(
        "ALTER TABLE public.{table} ADD COLUMN {column} int;\n\
         UPDATE public.{table} SET {column} = id * 2;\n\
         ALTER TABLE public.{table} ALTER COLUMN {column} SET NOT NULL;\n"
    )
}

/// An insert that a second run would repeat: nothing but its being applied once keeps the rows apart.
fn rows(writer: &mut Writer, dice: &mut Dice) -> String {
    writer.shape("data");
    let rows = 1 + dice.below(40);
    let insert = |row: usize| format!("INSERT INTO public.busy VALUES ({}, 'file');\n", 1000 + row);
    let first = writer.set.steps.len() * 100;
    (0..rows).map(|row| insert(first + row)).collect()
}

fn deferred(writer: &mut Writer) -> String {
    writer.shape("a constraint that is checked at the end");
    let (parent, child) = (writer.name("parent"), writer.name("child"));
    format!(
        "CREATE TABLE public.{parent} (id int PRIMARY KEY);\n\
         CREATE TABLE public.{child} (id int REFERENCES public.{parent} DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO public.{child} VALUES (1);\nINSERT INTO public.{parent} VALUES (1);\n"
    )
}

fn drop_table(writer: &mut Writer, dice: &mut Dice) -> String {
    match dice.take(&mut writer.tables) {
        Some(table) => {
            writer.shape("DROP TABLE");
            format!("DROP TABLE public.{table};\n")
        }
        None => table(writer, dice),
    }
}

/// Time in which a signal or a break can come.
pub(super) fn pause(writer: &mut Writer, dice: &mut Dice) -> String {
    writer.shape("a statement that takes its time");
    format!("SELECT pg_sleep(0.0{}5);\n", 1 + dice.below(9))
}

pub(super) fn function(writer: &mut Writer, version: usize) -> String {
    writer.shape("a function");
    let (function, count) = (writer.name("f"), writer.count(version));
    format!(
        "-- +goose StatementBegin\nCREATE FUNCTION public.{function}() RETURNS void LANGUAGE plpgsql AS $body$\n\
         BEGIN\n  -- a ; in a comment, and 'a quote;\n  {count}  EXECUTE $$SELECT ';'$$;\nEND $body$;\n\
         -- +goose StatementEnd\nSELECT public.{function}();\n"
    )
}
