//! goose's command lines, as they stand in Makefiles and in people's fingers: `-dir migrations postgres "$DSN" up`.
//!
//! goose takes every flag with every command, in front of it and behind. What means nothing for a command is left out of its
//! line; `-no-versioning` in front of one that reads the version table is not.
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
            Some("-") => rest.drain(..).find_map(|word| reader.word(word)),
            Some("") | None => reader.word(word),
            Some(name) => reader.flag(word, name.strip_prefix('-').unwrap_or(name), &mut rest),
        };
        if let Some(line) = told {
            return line;
        }
    }
    reader.line()
}

/// A flag that goose has with every command, and its value.
type Given = (&'static Flag, Option<String>);

#[derive(Default)]
struct Reader {
    /// Whether a word was seen that only goose has, or one where only goose has it.
    is_goose: bool,
    global: Vec<String>,
    driver: Option<String>,
    /// The connection string, the command and what it takes.
    words: Vec<String>,
    of_command: Vec<Given>,
    /// Options of ours behind goose's words.
    own: Vec<String>,
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
        let mut take = || value.map(str::to_owned).or_else(|| rest.pop_front().map(str::to_owned));
        match name {
            // No file of variables is read here, which is what goose is asked for by this word.
            "env" => {
                self.is_goose = true;
                return take().filter(|file| file != "none").map(|_| no_variables());
            }
            "certfile" | "ssl-cert" | "ssl-key" => return Some(no_certificates(name)),
            "version" if is_single => return Some(Line::Translated(vec!["--version".to_owned()])),
            _ => {}
        }
        let Some(flag) = FLAGS.iter().find(|flag| flag.goose == name) else {
            // One of ours, whose value nobody here can tell from a word.
            return if self.is_goose { self.pass_on(word, rest) } else { Some(Line::Own) };
        };
        let is_help = flag.ours == "--help";
        // Ours of these names stand behind a command, and there is no third one that has these.
        let is_in_front = flag.of_command && self.words.is_empty() && !is_help;
        self.is_goose |= (is_single && !matches!(name, "v" | "h" | "s")) || is_in_front;
        self.is_goose |= matches!(name, "timeout" | "no-color");
        let value = if flag.takes_value { Some(take()?) } else { value.map(str::to_owned) };
        let is_left_out = match value.as_deref() {
            // Go's flags of yes and no may say which.
            Some(value) if !flag.takes_value => ["false", "f", "0"].contains(&value.to_lowercase().as_str()),
            // A variable of a Makefile that is not set.
            Some(value) if name == "table" => value.is_empty(),
            // None: no limit.
            Some(value) if name == "timeout" => !value.contains(|c: char| ('1'..='9').contains(&c)),
            _ => false,
        };
        if is_left_out {
            return None;
        }
        let value = value.filter(|_| flag.takes_value);
        if flag.of_command {
            self.of_command.push((flag, value));
        } else {
            self.global.push(flag.ours.to_owned());
            self.global.extend(value);
        }
        None
    }

    /// Behind goose's words an option of ours takes what is behind it along.
    fn pass_on(&mut self, word: &str, rest: &mut VecDeque<&str>) -> Option<Line> {
        self.own.push(word.to_owned());
        if !word.contains('=') && rest.front().is_some_and(|next| !next.starts_with('-') && !COMMANDS.contains(next)) {
            self.own.extend(rest.pop_front().map(str::to_owned));
        }
        None
    }

    fn line(mut self) -> Line {
        let word = |at: usize| self.words.get(at).map_or("", String::as_str);
        self.is_goose |= word(0) == "create" && matches!(word(2), "sql" | "go");
        // With GOOSE_DRIVER in the environment goose's line begins with the connection string.
        let names_database = word(0).contains(['=', ':']) && COMMANDS.contains(&word(1));
        if !self.is_goose && !names_database {
            return Line::Own;
        }
        if names_database || (self.driver.is_some() && !self.words.is_empty() && !COMMANDS.contains(&word(0))) {
            self.global.extend(["--database-url".to_owned(), self.words.remove(0)]);
        }
        let Self { global, mut words, of_command, own, .. } = self;
        let is_for_help = of_command.iter().any(|(flag, _)| flag.ours == "--help");
        let Some(command) = words.first().cloned() else {
            return if is_for_help { Line::Translated(vec!["--help".to_owned()]) } else { no_command() };
        };
        if command == "create" && words.get(2).is_some_and(|kind| kind == "sql") {
            words.truncate(2);
        } else if let Some(line) = not_ours(&command, words.get(2).map(String::as_str)) {
            return line;
        }
        let mut arguments = global;
        arguments.extend(words);
        for (flag, value) in of_command {
            if flag.goose == "no-versioning" && matches!(command.as_str(), "status" | "version") {
                return unversioned(&command);
            }
            if means_something(flag, &command) {
                arguments.push(flag.ours.to_owned());
                arguments.extend(value);
            }
        }
        arguments.extend(own);
        Line::Translated(arguments)
    }
}

/// goose takes all of them with every command.
fn means_something(flag: &Flag, command: &str) -> bool {
    let changes = matches!(command, "up" | "up-by-one" | "up-to" | "down" | "down-to" | "redo" | "reset");
    match flag.goose {
        "allow-missing" | "no-versioning" | "timeout" => changes,
        "s" => command == "create",
        _ => true,
    }
}

/// What goose has and this program has not.
fn not_ours(command: &str, kind: Option<&str>) -> Option<Line> {
    match (command, kind) {
        ("env", _) => Some(refused(
            "`env` is a command of goose that this program has not",
            "`migrate doctor` shows what it would connect to",
        )),
        ("init", _) => Some(refused(
            "`init` is a command of goose that this program has not",
            "`migrate create NAME` writes the first file",
        )),
        ("create", Some("go")) => Some(refused(
            "a migration written in Go needs a goose of its own",
            "write it in SQL: `migrate create NAME`",
        )),
        _ => None,
    }
}

fn no_command() -> Line {
    refused("goose's command is missing", "one of `up`, `status`, `down` and the others that goose has")
}

fn no_variables() -> Line {
    refused(
        "`-env` is an option of goose that this program has not",
        "set the variables in the environment of the command, for instance with `set -a; . ./.env; set +a`",
    )
}

fn no_certificates(name: &str) -> Line {
    Line::Refused(
        format!("`-{name}` is an option of goose that this program has not"),
        "certificates of PostgreSQL stand in the database URL: `sslrootcert`, `sslcert`, `sslkey`".to_owned(),
    )
}

fn unversioned(command: &str) -> Line {
    Line::Refused(
        format!("`-no-versioning {command}` would say nothing about a database"),
        format!("`migrate {command}` reads the version table; `migrate inspect` lists the files"),
    )
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
            ("-table app.v -no-versioning pgx host=h down", "--table app.v --database-url host=h down --no-versioning"),
            ("--dir m postgres host=h down", "--dir m --database-url host=h down"),
            ("-dir m create add_users sql -s", "--dir m create add_users --sequential"),
            ("create add_users sql", "create add_users"),
            ("--dir m -s create add_users sql", "--dir m create add_users --sequential"),
            ("--dir m --allow-missing up", "--dir m up --allow-missing"),
            ("--no-color up", "--color=never up"),
            ("--env none --dir m up", "--dir m up"),
            ("--timeout 5s up", "up --deadline 5s"),
            ("-dir m -v -timeout 5m postgres host=h up", "--dir m --verbose --database-url host=h up --deadline 5m"),
            ("-dir m validate", "--dir m validate"),
            ("postgres up", "up"),
            ("-dir m postgres host=h up --output json", "--dir m --database-url host=h up --output json"),
            ("-dir m -- postgres host=h up", "--dir m --database-url host=h up"),
            ("-dir m postgres://u@h/d status", "--dir m --database-url postgres://u@h/d status"),
            ("postgres  up", "--database-url  up"),
            ("-version", "--version"),
            ("-help", "--help"),
            ("-dir m -h", "--help"),
            ("postgres host=h -h", "--help"),
        ] {
            let ours = ours.split(' ').map(str::to_owned).collect();
            assert_eq!(line(goose), Line::Translated(ours), "{goose}");
        }
    }

    #[test]
    fn a_flag_that_means_nothing_for_a_command_is_left_out_of_its_line() {
        for command in ["status", "version", "validate", "fix"] {
            let ours = Line::Translated(["--dir", "m", command].map(str::to_owned).to_vec());
            assert_eq!(line(&format!("-dir m -timeout 1m -allow-missing -s {command}")), ours, "{command}");
        }
        for none in ["-dir m -timeout 0 up", "-dir m -timeout 0s up", "-dir m -table= up", "-dir m -s up"] {
            assert_eq!(line(none), Line::Translated(["--dir", "m", "up"].map(str::to_owned).to_vec()), "{none}");
        }
    }

    #[test]
    fn our_own_lines_stay_as_they_are() {
        for ours in [
            "up --dir m --database-url postgres://u@h/d",
            "--dir m up",
            "up -v",
            "up -h",
            "--help",
            "create add_users -s",
            "--lock-wait 5s up --dir m",
            "resolve --version 3 --applied",
            "schema postgres",
            "inspect -- -m.sql",
        ] {
            assert_eq!(line(ours), Line::Own, "{ours}");
        }
    }

    #[test]
    fn what_this_program_has_not_is_said_without_the_connection_string() {
        for goose in [
            "-env .env postgres postgres://u:canary@h/d up",
            "--env .env up",
            "mysql u:canary@/d up",
            "postgres postgres://u:canary@h/d",
            "-dir m create add_users go",
            "-dir m env",
            "-no-versioning postgres postgres://u:canary@h/d status",
        ] {
            let Line::Refused(message, help) = line(goose) else { panic!("{goose}") };
            assert!(!format!("{message} {help}").contains("canary"), "{goose}");
        }
    }
}
