//! goose's command lines, as they stand in Makefiles and in people's fingers: `-dir migrations postgres "$DSN" up`.
//!
//! Invariants: a line without a word of goose's own is left as it is; what is said back holds no connection string.

use std::collections::VecDeque;

/// What a command line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Ours, or one that only clap can say something about.
    Own,
    /// goose's, in our words.
    Translated(Vec<String>),
    /// goose's, and not to be run: what is wrong, and what to do.
    Refused(String, String),
}

/// goose's names of PostgreSQL.
const POSTGRES: [&str; 3] = ["postgres", "pgx", "postgresql"];

/// goose's names of other servers.
const OTHERS: [&str; 16] = [
    "mysql",
    "sqlite3",
    "sqlite",
    "mssql",
    "sqlserver",
    "azuresql",
    "redshift",
    "tidb",
    "clickhouse",
    "vertica",
    "ydb",
    "turso",
    "libsql",
    "duckdb",
    "spanner",
    "starrocks",
];

const COMMANDS: [&str; 12] =
    ["up", "up-by-one", "up-to", "down", "down-to", "redo", "reset", "status", "version", "create", "fix", "validate"];

/// A flag of goose's: with ours, and whether it is one of a command.
struct Flag {
    goose: &'static str,
    ours: &'static str,
    takes_value: bool,
    of_command: bool,
}

const fn flag(goose: &'static str, ours: &'static str, takes_value: bool, of_command: bool) -> Flag {
    Flag { goose, ours, takes_value, of_command }
}

const FLAGS: [Flag; 10] = [
    flag("dir", "--dir", true, false),
    flag("table", "--table", true, false),
    flag("v", "--verbose", false, false),
    flag("no-color", "--color=never", false, false),
    flag("h", "--help", false, true),
    flag("help", "--help", false, true),
    flag("allow-missing", "--allow-missing", false, true),
    flag("no-versioning", "--no-versioning", false, true),
    flag("timeout", "--deadline", true, true),
    flag("s", "--sequential", false, true),
];

/// Reads a command line, without the name of the program.
pub(crate) fn read(arguments: &[String]) -> Line {
    let mut reader = Reader::default();
    let mut rest: VecDeque<&str> = arguments.iter().map(String::as_str).collect();
    while let Some(word) = rest.pop_front() {
        let told = match word.strip_prefix('-') {
            Some("" | "-") | None => reader.word(word),
            Some(name) => reader.flag(word, name.strip_prefix('-').unwrap_or(name), &mut rest),
        };
        if let Some(line) = told {
            return line;
        }
    }
    reader.line()
}

#[derive(Default)]
struct Reader {
    /// Whether a word was seen that only goose has.
    is_goose: bool,
    global: Vec<String>,
    driver: Option<String>,
    /// The connection string, the command and what it takes.
    words: Vec<String>,
    of_command: Vec<String>,
}

impl Reader {
    fn word(&mut self, word: &str) -> Option<Line> {
        if self.words.is_empty() && self.driver.is_none() {
            if OTHERS.contains(&word) {
                let help = "this program migrates PostgreSQL alone: give `--database-url` with its URL";
                return Some(Line::Refused(format!("goose's driver `{word}` is not PostgreSQL's"), help.to_owned()));
            }
            if POSTGRES.contains(&word) {
                self.is_goose = true;
                self.driver = Some(word.to_owned());
                return None;
            }
        }
        self.words.push(word.to_owned());
        None
    }

    fn flag(&mut self, word: &str, name: &str, rest: &mut VecDeque<&str>) -> Option<Line> {
        let is_single = !word.starts_with("--");
        let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
        if is_single && ["env", "certfile", "ssl-cert", "ssl-key"].contains(&name) {
            let help = if name == "env" {
                "set the variables in the environment of the command, for instance with `set -a; . ./.env; set +a`"
            } else {
                "certificates of PostgreSQL stand in the database URL: `sslrootcert`, `sslcert`, `sslkey`"
            };
            return Some(Line::Refused(
                format!("`-{name}` is an option of goose that this program has not"),
                help.to_owned(),
            ));
        }
        if is_single && name == "version" {
            return Some(Line::Translated(vec!["--version".to_owned()]));
        }
        let Some(flag) = FLAGS.iter().find(|flag| flag.goose == name) else {
            // One of ours, whose value nobody here can tell from a word.
            return if self.is_goose { self.pass_on(word, rest) } else { Some(Line::Own) };
        };
        self.is_goose |= is_single && !matches!(name, "v" | "h" | "s");
        // Go's flags of yes and no may say which.
        if !flag.takes_value && value.is_some_and(|value| ["false", "f", "0"].contains(&value.to_lowercase().as_str()))
        {
            return None;
        }
        let into = if flag.of_command { &mut self.of_command } else { &mut self.global };
        into.push(flag.ours.to_owned());
        if flag.takes_value {
            into.push(value.map(str::to_owned).or_else(|| rest.pop_front().map(str::to_owned))?);
        }
        None
    }

    /// Behind goose's words an option of ours takes what is behind it along.
    fn pass_on(&mut self, word: &str, rest: &mut VecDeque<&str>) -> Option<Line> {
        self.of_command.push(word.to_owned());
        if !word.contains('=') && rest.front().is_some_and(|next| !next.starts_with('-') && !COMMANDS.contains(next)) {
            self.of_command.extend(rest.pop_front().map(str::to_owned));
        }
        None
    }

    fn line(self) -> Line {
        let Self { is_goose, global, driver, mut words, of_command } = self;
        if !is_goose {
            return Line::Own;
        }
        let mut arguments = global;
        if driver.is_some() && words.first().is_some_and(|word| !COMMANDS.contains(&word.as_str())) {
            arguments.extend(["--database-url".to_owned(), words.remove(0)]);
        }
        let Some(command) = words.first().cloned() else {
            return refused(
                "goose's command is missing",
                "one of `up`, `status`, `down` and the others that goose has",
            );
        };
        match (command.as_str(), words.get(2).map(String::as_str)) {
            ("env", _) => {
                return refused(
                    "`env` is a command of goose that this program has not",
                    "`migrate doctor` shows what it would connect to",
                );
            }
            ("init", _) => {
                return refused(
                    "`init` is a command of goose that this program has not",
                    "`migrate create NAME` writes the first file",
                );
            }
            ("create", Some("go")) => {
                return refused(
                    "a migration written in Go needs a goose of its own",
                    "write it in SQL: `migrate create NAME`",
                );
            }
            ("create", Some("sql")) => _ = words.pop(),
            _ => {}
        }
        arguments.extend(words);
        arguments.extend(of_command);
        Line::Translated(arguments)
    }
}

fn refused(message: &str, help: &str) -> Line {
    Line::Refused(message.to_owned(), help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn goose_s_lines_are_ours_in_other_words() {
        for (goose, ours) in [
            ("-dir m postgres postgres://u@h/d up", "--dir m --database-url postgres://u@h/d up"),
            ("postgres postgres://u@h/d up -dir=m", "--dir m --database-url postgres://u@h/d up"),
            (
                "-dir m postgres postgres://u@h/d up-to 3 -allow-missing",
                "--dir m --database-url postgres://u@h/d up-to 3 --allow-missing",
            ),
            (
                "-table app.v -no-versioning pgx host=h status",
                "--table app.v --database-url host=h status --no-versioning",
            ),
            ("--dir m postgres host=h down", "--dir m --database-url host=h down"),
            ("-dir m create add_users sql -s", "--dir m create add_users --sequential"),
            ("-dir m -v -timeout 5m postgres host=h up", "--dir m --verbose --database-url host=h up --deadline 5m"),
            ("-dir m validate", "--dir m validate"),
            ("postgres up", "up"),
            ("-dir m postgres host=h up --output json", "--dir m --database-url host=h up --output json"),
            ("-version", "--version"),
        ] {
            let ours = ours.split(' ').map(str::to_owned).collect();
            assert_eq!(line(goose), Line::Translated(ours), "{goose}");
        }
    }

    #[test]
    fn our_own_lines_stay_as_they_are() {
        for ours in [
            "up --dir m --database-url postgres://u@h/d",
            "--dir m up",
            "up -v",
            "create add_users -s",
            "--lock-wait 5s up --dir m",
            "resolve --version 3 --applied",
            "schema postgres",
        ] {
            assert_eq!(line(ours), Line::Own, "{ours}");
        }
    }

    #[test]
    fn what_this_program_has_not_is_said_without_the_connection_string() {
        for goose in [
            "-env .env postgres postgres://u:canary@h/d up",
            "mysql u:canary@/d up",
            "postgres postgres://u:canary@h/d",
            "-dir m create add_users go",
            "-dir m env",
        ] {
            let Line::Refused(message, help) = line(goose) else { panic!("{goose}") };
            assert!(!format!("{message} {help}").contains("canary"), "{goose}");
        }
    }
}
