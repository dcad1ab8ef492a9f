//! `create --from-dump`: the schema of a database, as `pg_dump` writes it in plain text, as one goose file.
//!
//! Invariant: what a file of goose's may not do to the session that runs it is left out, and rows are refused: a schema is
//! reviewed, data is loaded by other means.

use migrate_core::command::{Action, Command, Setting, read};
use migrate_core::parse::{commands, psql_lines};

use super::conversion::Draft;

/// A command that writes rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Data {
    /// The line in the dump, from 1.
    pub(super) line: usize,
    /// What writes them: `COPY`, `INSERT` or `setval`.
    pub(super) by: &'static str,
}

/// The schema of a dump.
///
/// # Errors
/// The first command that writes rows.
pub(super) fn schema(stem: String, dump: &str) -> Result<Draft, Data> {
    let text = without_psql(dump);
    let mut up = String::new();
    let mut line = 1;
    for piece in commands(&text) {
        let all = read(piece);
        if let Some(by) = all.iter().find_map(writes) {
            let skipped = piece.get(..all.first().map_or(0, |command| command.span.start as usize)).unwrap_or_default();
            return Err(Data { line: line + newlines(skipped), by });
        }
        line += newlines(piece);
        match all.as_slice() {
            [Command { action: Action::Setting(setting), .. }] => up.push_str(&local(setting)),
            [Command { action: Action::Select(query), .. }] if calls(&query.calls, "set_config") => {}
            [command] if is_bookkeeping(piece, &command.action) => {}
            _ => up.push_str(piece),
        }
    }
    let up = up.trim_start().to_owned();
    Ok(Draft { stem, up, down: None, alone: false })
}

/// The dump with its commands for psql blanked out; each line keeps its number.
fn without_psql(dump: &str) -> String {
    let mut text = String::new();
    let mut start = 0;
    for line in psql_lines(dump) {
        text.push_str(dump.get(start..line.start as usize).unwrap_or_default());
        start = line.end as usize;
    }
    text.push_str(dump.get(start..).unwrap_or_default());
    text
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

fn writes(command: &Command) -> Option<&'static str> {
    match &command.action {
        Action::Copy { from: true, .. } => Some("COPY"),
        Action::Write(_) => Some("INSERT"),
        Action::Select(query) if calls(&query.calls, "setval") => Some("setval"),
        _ => None,
    }
}

fn calls(calls: &[migrate_core::command::Name], function: &str) -> bool {
    calls.iter().any(|name| name.name == function)
}

/// What a dump sets and later commands rest on, for this transaction only; everything else is the session's own business,
/// the search path above all: a dump empties it and qualifies every name.
fn local(setting: &Setting) -> String {
    let value = setting.values.first().map(String::as_str).unwrap_or_default();
    let matters = match setting.name.as_str() {
        "check_function_bodies" => true,
        "default_tablespace" => !value.is_empty(),
        "default_table_access_method" => value != "heap",
        _ => false,
    };
    if matters { format!("SET LOCAL {} = '{}';\n\n", setting.name, value.replace('\'', "''")) } else { String::new() }
}

/// Whether a command is about the tables of goose and of this program: whoever runs the file has them.
fn is_bookkeeping(piece: &str, action: &Action) -> bool {
    if matches!(action, Action::CreateFunction(_) | Action::CreateView(_) | Action::Do { .. }) {
        return false;
    }
    let code: Vec<&str> = piece.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let words = code.iter().flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    words.into_iter().any(|word| word == "goose_db_version" || word.starts_with("goose_db_version_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\
--
-- PostgreSQL database dump
--

\\restrict abc

SET statement_timeout = 0;
SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);
SET default_tablespace = '';

--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE plpgsql
    AS $$
BEGIN
  RETURN 1;
END $$;

CREATE TABLE public.goose_db_version (id integer NOT NULL);

CREATE TABLE public.a (id integer NOT NULL);

\\unrestrict abc
";

    #[test]
    fn a_schema_keeps_what_it_makes_and_nothing_of_the_session() {
        let draft = schema("1_a".to_owned(), DUMP).expect("no data");
        let text = draft.text();
        for part in [
            "-- +goose Up\nSET LOCAL check_function_bodies = 'false';\n",
            "-- +goose StatementBegin\nCREATE FUNCTION public.f()",
            "END $$;\n-- +goose StatementEnd\n",
            "CREATE TABLE public.a (id integer NOT NULL);\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for part in ["restrict", "search_path", "goose_db_version", "statement_timeout", "tablespace"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn rows_are_refused_with_their_line() {
        for (rows, by) in [
            ("COPY public.a (id) FROM stdin;\n1'\n\\.\n", "COPY"),
            ("INSERT INTO public.a VALUES (1);\n", "INSERT"),
            ("SELECT pg_catalog.setval('public.a_id_seq', 3, true);\n", "setval"),
        ] {
            let dump = format!("\\restrict x\nCREATE TABLE public.a (id integer);\n\n-- Data\n{rows}");
            assert_eq!(schema("1_a".to_owned(), &dump), Err(Data { line: 5, by }), "{rows}");
        }
    }
}
