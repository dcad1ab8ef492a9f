//! The command line: goose's commands with goose's meaning, and a few of our own.

mod by_hand;
mod change;
mod create;
mod looks;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use clap::builder::{PathBufValueParser, StringValueParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use migrate_core::connection::looks_like_a_connection;
use migrate_core::flight::TableName;
use migrate_core::migration::Dialect;

use crate::environment::in_cluster;

pub(crate) use self::by_hand::{BaselineArguments, RepairArguments, ResolveArguments, UnlockArguments};
pub(crate) use self::change::Change;
pub(crate) use self::create::CreateArguments;
pub(crate) use self::looks::{AcceptArguments, CheckArguments};

/// Applies goose SQL migrations to PostgreSQL, exactly once.
#[derive(Debug, Parser)]
#[command(name = "migrate", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 unforeseen · 2 arguments · 10–14 answers about a database · \
20 configuration · 21 login · 22 privilege · 23 TLS · 24 not a supported PostgreSQL · 25 a migration failed, rolled back · \
26 a migration failed, in part done · 27 needs `resolve` · 28 history · 29 invalid migrations · 30 needs a direct \
connection · 40 no connection · 41 another runner holds the lock · 42 table locks not obtained · 43 read-only server · \
44 connection lost · 45 outcome unknown · 46 deadline · 47 server resources · 50 interrupted · 51 interrupted, in part \
done. 2 and 20–39 fail again when tried again; 1 and 40–59 may not. `migrate exit-codes` has the whole table.";

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Shared {
    /// The database: `postgres://user@host/db`, `host=… dbname=…`, `embedded:` (in memory) or `embedded:PATH`
    /// [env: to change it `DATABASE_URL_DIRECT`; `DATABASE_URL_FILE`, `DATABASE_URL`, `GOOSE_DBSTRING`, `PGHOST` …]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// How long to go on trying while no server can be reached, such as `90s`; `0s` tries once
    #[arg(
        long,
        global = true,
        alias = "connect-timeout-total",
        value_name = "DURATION",
        default_value = "60s",
        value_parser = duration
    )]
    pub(crate) connect_wait: Duration,
    /// Folder of the migrations; without it those built in, and where none are, of `GOOSE_MIGRATION_DIR`
    #[arg(long, global = true, value_name = "DIR", value_parser = path())]
    pub(crate) dir: Option<PathBuf>,
    /// Which goose's language the variables of ENVSUB files are written in, `goose-3.27` (up to 3.30.0) or `goose-3.30` (from
    /// 3.30.1 on); without it, what the two read differently is refused
    #[arg(long, global = true, value_name = "GOOSE", value_parser = Dialect::from_str)]
    pub(crate) envsub: Option<Dialect>,
    /// The settings of the project, for `validate` and `lint` [default: the `migrate.toml` above the migrations]
    #[arg(long, global = true, value_name = "PATH", value_parser = path())]
    pub(crate) config: Option<PathBuf>,
    /// The version table, `table` or `schema.table` [env: `GOOSE_TABLE`] [default: `goose_db_version`]
    #[arg(long, global = true, value_name = "TABLE")]
    pub(crate) table: Option<TableName>,
    /// The form of data on stdout; `sarif` and `github` are those of `lint` and `review`, `markdown` is one of `review`,
    /// `junit` of `verify`
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: DataForm,
    /// The form of log lines on stderr [default: `text`; `json` in a Kubernetes cluster, unless stderr is a terminal]
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    log_format: Option<Form>,
    /// Write how the command ended to this file, as JSON of at most 4,096 bytes [default: `/dev/termination-log`, where a
    /// Pod has it]
    #[arg(long, global = true, value_name = "PATH", value_parser = path())]
    pub(crate) termination_log: Option<PathBuf>,
    /// When to colour the text on stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
    /// Say more: the server's notices, and the start of each migration
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

impl Shared {
    /// The form of log lines: a person reads a terminal, and in a cluster a program reads the rest.
    pub(crate) fn log_format(&self) -> Form {
        let is_read_by_a_program = || !std::io::stderr().is_terminal() && in_cluster();
        self.log_format.unwrap_or_else(|| if is_read_by_a_program() { Form::Json } else { Form::Text })
    }
}

/// Text for people or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    #[default]
    Text,
    Json,
}

/// What data can be written as: SARIF, GitHub's workflow commands and Markdown are forms of findings only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum DataForm {
    #[default]
    Text,
    Json,
    Sarif,
    Github,
    Markdown,
    Junit,
}

impl DataForm {
    /// The form for a command that has no findings to write; `None` when this is one of findings.
    pub(crate) const fn plain(self) -> Option<Form> {
        match self {
            Self::Text => Some(Form::Text),
            Self::Json => Some(Form::Json),
            Self::Sarif | Self::Github | Self::Junit | Self::Markdown => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply all pending migrations
    Up {
        /// Stop after this version
        #[arg(long, value_name = "VERSION", conflicts_with = "one")]
        to: Option<i64>,
        /// Apply the next one only; success when none is pending
        #[arg(long)]
        one: bool,
        #[command(flatten)]
        change: Change,
    },
    /// Apply pending migrations up to and including a version
    UpTo {
        /// The last version to apply
        version: i64,
        #[command(flatten)]
        change: Change,
    },
    /// Apply the next pending migration; an error when none is pending
    UpByOne {
        #[command(flatten)]
        change: Change,
    },
    /// Undo the current version
    Down {
        #[command(flatten)]
        change: Change,
    },
    /// Undo versions until the current one is not above VERSION
    DownTo {
        /// The version to stop at; it stays applied
        version: i64,
        #[command(flatten)]
        change: Change,
    },
    /// Undo the current version and apply it again
    Redo {
        #[command(flatten)]
        change: Change,
    },
    /// Undo everything
    Reset {
        #[command(flatten)]
        change: Change,
    },
    /// Show which migrations are applied; changes nothing
    Status,
    /// Print the current version, as JSON with what is built in; changes nothing
    Version,
    /// Ask whether the database is ready for this release; changes nothing
    Check(CheckArguments),
    /// Show everything that a run depends on, on one page; changes nothing
    Doctor,
    /// Print the exact SQL that `up` would send, bookkeeping included; changes nothing
    Plan(PlanArguments),
    /// Show how a migration is read: its statements, or why goose would refuse it
    Inspect {
        /// A file, or a version of the set; all of the set when left out
        #[arg(value_parser = name())]
        migration: Option<String>,
    },
    /// Check the migrations without a database
    Validate,
    /// Judge the migrations: locks, rewrites, data loss, what breaks running programs; needs no database
    Lint(LintArguments),
    /// Write what a pull request does to the migrations: what is new, what was edited, what it locks, how it is undone
    Review(ReviewArguments),
    /// Prove on a scratch server that each migration can be undone and applied again; the database is not touched
    Verify(VerifyArguments),
    /// Print the whole schema: of the database that is named, or what the migrations make on a scratch server
    Schema {
        /// What to write it as
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        format: SchemaForm,
    },
    /// Explain a diagnostic or a rule, by its id or name; list those that are about a word, or all of them
    Explain {
        /// Such as `L09` or `set-not-null-scan`; or a word, such as `index` or `error`
        #[arg(value_parser = name())]
        which: Option<String>,
    },
    /// Write an empty migration, or what another tool left behind
    Create(CreateArguments),
    /// Renumber migrations that are named by time after the sequential ones
    Fix {
        /// Put StatementBegin and StatementEnd around what goose would cut in pieces instead, and renumber nothing
        #[arg(long)]
        wrap: bool,
    },
    /// Write down which migrations nobody may change any more, in the folder's `migrate.lock`
    Lock {
        /// Write nothing; fail when the lock is not what would be written
        #[arg(long)]
        check: bool,
    },
    /// Write the versions up to one as applied and run none of them: for a database that has their schema already
    Baseline(BaselineArguments),
    /// Decide by hand how far a migration counts as applied; the decision is written down
    Resolve(ResolveArguments),
    /// Let applied files that were edited on purpose count as those that were applied; the decision is written down
    Accept(AcceptArguments),
    /// Show how far files without a transaction came, statement by statement; changes nothing
    Journal,
    /// List the INVALID indexes of the database, or drop those that are named
    Repair(RepairArguments),
    /// Show who holds the migration lock, or end that session
    Unlock(UnlockArguments),
    /// List the exit codes: what each means, what it says of the database, what a Job should do with it
    ExitCodes,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Plan up to this version
    #[arg(long, value_name = "VERSION", conflicts_with = "one")]
    pub(crate) to: Option<i64>,
    /// Plan the next one only
    #[arg(long)]
    pub(crate) one: bool,
    /// Plan migrations below the highest applied version too
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Ask no database: take the versions up to FROM for applied
    #[arg(long, requires = "from")]
    pub(crate) offline: bool,
    /// The version to start from, 0 for an empty database
    #[arg(long, value_name = "VERSION", requires = "offline")]
    pub(crate) from: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// Judge only the migrations that this revision of git does not have, such as `origin/main`
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// Judge only this version and those above it [default: `judge-from` of `migrate.toml`]
    #[arg(long, value_name = "VERSION")]
    pub(crate) judge_from: Option<i64>,
    /// Stay, and judge again whenever a file of the folder or a setting changes
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReviewArguments {
    /// The revision of git that the branch will be merged into, such as `origin/main` [default: all that neither
    /// `judge-from` nor the lock calls history is new]
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// Write the comment, the SARIF, the JSON and a picture of each new migration to this folder
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) write: Option<PathBuf>,
    /// Prove the new migrations on a scratch server, as `verify` does: the one of `--database-url`, or one that is started
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, each on its own")]
pub(crate) struct VerifyArguments {
    /// Prove what is pending on a copy of the database that `--database-url` names, rather than everything from empty
    #[arg(long)]
    pub(crate) pending: bool,
    /// Prove this version and those above it; those below are only applied
    #[arg(long, value_name = "VERSION")]
    pub(crate) from: Option<i64>,
    /// Do not trace what each statement locks, rewrites and scans
    #[arg(long)]
    pub(crate) no_trace: bool,
    /// Run commands about roles, tablespaces, databases and the server's settings on the server of `--database-url`, too:
    /// what they do is there for all of its databases, and stays
    #[arg(long)]
    pub(crate) whole_server: bool,
    /// Send files that end their own transaction as goose does, instead of refusing them
    #[arg(long)]
    pub(crate) allow_transaction_control: bool,
}

/// What a schema is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SchemaForm {
    /// Statements that make it on an empty database
    #[default]
    Sql,
    /// Its objects
    Json,
    /// An entity-relationship diagram
    Mermaid,
}

impl Command {
    /// Whether it is about a set of migrations, rather than a database, a folder or a file alone.
    pub(crate) fn reads_migrations(&self, names_database: bool) -> bool {
        match self {
            Self::Up { .. }
            | Self::UpTo { .. }
            | Self::UpByOne { .. }
            | Self::Down { .. }
            | Self::DownTo { .. }
            | Self::Redo { .. }
            | Self::Reset { .. }
            | Self::Status
            | Self::Check(_)
            | Self::Doctor
            | Self::Plan(_)
            | Self::Validate
            | Self::Lint(_)
            | Self::Review(_)
            | Self::Verify(_)
            | Self::Resolve(_)
            | Self::Accept(_)
            | Self::Baseline(_) => true,
            Self::Inspect { migration } => migration.as_ref().is_none_or(|which| which.parse::<i64>().is_ok()),
            Self::Schema { .. } => !names_database,
            _ => false,
        }
    }
}

/// A path of a file or a folder. A description of a connection is none, and may hold a password: what reads a path says it
/// back when it is not there.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match looks_like_a_connection(&path.to_string_lossy()) {
        Some(looks) => Err(format!("this is {looks}, and a path belongs here")),
        None => Ok(path),
    })
}

/// The same of what is looked up by its name.
fn name() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().try_map(|name| match looks_like_a_connection(&name) {
        Some(looks) => Err(format!("this is {looks}, and a name belongs here")),
        None => Ok(name),
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| "write a duration such as `90s` or `10m`".to_owned())?;
    Duration::try_from(duration).map_err(|_| "a duration is not negative".to_owned())
}
