//! Commands in advice, as whoever reads it has to type them: with the options that said which migrations they are about, in
//! which table, and how.
//!
//! The library advises in commands without options. Typed like that behind a run with `--dir`, one would be about other
//! migrations: those that are built in.

use std::path::Path;

use crate::arguments::Arguments;

/// What a command line said that the next one has to say, too.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    /// Of every command.
    shared: String,
    /// Of those that change a database by migrations.
    change: String,
}

impl Spelling {
    /// Of this command line.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        let shared = &arguments.shared;
        let mut spelling = Self::default();
        let path = |path: &Path| quoted(&path.display().to_string());
        let options = [
            ("--dir", shared.dir.as_deref().map(path)),
            ("--envsub", shared.envsub.map(|dialect| dialect.word().to_owned())),
            ("--config", shared.config.as_deref().map(path)),
            ("--table", shared.table.as_ref().map(|table| quoted(&table.to_string()))),
        ];
        for (option, value) in options {
            spelling.shared.extend(value.map(|value| format!(" {option} {value}")));
        }
        if let Some((_, change)) = arguments.command.change() {
            spelling.change.extend(change.flags().map(|flag| format!(" {flag}")));
        }
        spelling
    }

    /// The text with each of its commands spelled out.
    pub(crate) fn spell(&self, text: &str) -> String {
        let mut spelled = String::new();
        let mut rest = text;
        while let Some((before, command)) = rest.split_once("`migrate ") {
            let Some((words, behind)) = command.split_once('`') else { break };
            let word = words.split_whitespace().next().unwrap_or_default();
            let changes = matches!(word, "up" | "up-to" | "up-by-one" | "down" | "down-to" | "redo" | "reset");
            let change = if changes { self.change.as_str() } else { "" };
            spelled.push_str(&format!("{before}`migrate{} {words}{change}`", self.shared));
            rest = behind;
        }
        spelled + rest
    }
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_./-+:@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn spelled(line: &str, text: &str) -> String {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        Spelling::of(&arguments).spell(text)
    }

    #[test]
    fn a_command_is_told_with_the_options_that_this_one_had() {
        let advice = "mend m/1_a.sql, then run `migrate up` again; `migrate journal` shows how far it came";
        assert_eq!(spelled("migrate up", advice), advice);
        assert_eq!(
            spelled("migrate --dir m up --allow-missing --table app.v", advice),
            "mend m/1_a.sql, then run `migrate --dir m --table app.v up --allow-missing` again; \
             `migrate --dir m --table app.v journal` shows how far it came"
        );
        assert_eq!(spelled("migrate --dir m status", "`migrate up`"), "`migrate --dir m up`");
    }

    #[test]
    fn a_path_is_one_word_and_what_is_no_command_stays() {
        assert_eq!(quoted("my files/it's"), r"'my files/it'\''s'");
        assert_eq!(spelled("migrate --dir m up", "`migrate.toml` and `migrate"), "`migrate.toml` and `migrate");
    }
}
