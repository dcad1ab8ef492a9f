//! The command line: goose's commands with goose's meaning, and a few of our own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use migrate_core::flight::TableName;
use migrate_core::migration::Version;
use migrate_core::plan::{Goal, OutOfOrder, Versioning};

/// Applies goose SQL migrations to PostgreSQL, exactly once.
#[derive(Debug, Parser)]
#[command(name = "migrate", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 2 arguments · 20 configuration · 21 login · 22 privilege · 23 TLS · \
25 a migration failed, rolled back · 26 a migration failed, in part done · 28 history · 29 invalid migrations · \
40 no connection · 41 another runner holds the lock · 43 read-only server · 44 connection lost · 45 outcome unknown · \
47 server resources. 20–39 fail again when tried again; 40–59 may not.";

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Shared {
    /// The database: `postgres://user@host/db`, `host=… dbname=…`, `embedded:` (in memory) or `embedded:PATH`
    /// [env: `DATABASE_URL`, then `GOOSE_DBSTRING`]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Read the migrations from this folder instead of those built into this program
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The version table, `table` or `schema.table` [env: `GOOSE_TABLE`] [default: `goose_db_version`]
    #[arg(long, global = true, value_name = "TABLE")]
    pub(crate) table: Option<TableName>,
    /// The form of data on stdout
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: Form,
    /// The form of log lines on stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) log_format: Form,
    /// When to colour the text on stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
    /// Say more: the server's notices, and the start of each migration
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// Text for people or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    #[default]
    Text,
    Json,
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
    /// Print the current version; changes nothing
    Version,
    /// Print the exact SQL that `up` would send, bookkeeping included; changes nothing
    Plan(PlanArguments),
    /// Show how a migration is read: its statements, or why goose would refuse it
    Inspect {
        /// A file, or a version of the set; all of the set when left out
        migration: Option<String>,
    },
    /// Check the migrations without a database
    Validate,
    /// Write an empty migration
    Create {
        /// What it does, such as `add_users`
        name: String,
        /// Number it after the highest version instead of by the time
        #[arg(short, long)]
        sequential: bool,
    },
    /// Renumber migrations that are named by time after the sequential ones
    Fix,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What every command takes that changes a database.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Apply migrations below the highest applied version too, first
    #[arg(long)]
    allow_missing: bool,
    /// Run the files without reading or writing the version table
    #[arg(long)]
    no_versioning: bool,
    /// Print the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long to wait for another runner, such as `90s` or `10m`
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(crate) lock_wait: Duration,
}

impl Change {
    pub(crate) fn out_of_order(&self) -> OutOfOrder {
        if self.allow_missing { OutOfOrder::Allowed } else { OutOfOrder::Refused }
    }

    pub(crate) fn versioning(&self) -> Versioning {
        if self.no_versioning { Versioning::Ignored } else { Versioning::Recorded }
    }
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

impl Command {
    /// The goal of a command that changes a database, and its options.
    pub(crate) fn change(&self) -> Option<(Goal, &Change)> {
        Some(match self {
            Self::Up { to: Some(version), change, .. } | Self::UpTo { version, change } => {
                (Goal::UpTo(Version(*version)), change)
            }
            Self::Up { one: true, change, .. } | Self::UpByOne { change } => (Goal::UpByOne, change),
            Self::Up { change, .. } => (Goal::Up, change),
            Self::Down { change } => (Goal::Down, change),
            Self::DownTo { version, change } => (Goal::DownTo(Version(*version)), change),
            Self::Redo { change } => (Goal::Redo, change),
            Self::Reset { change } => (Goal::Reset, change),
            _ => return None,
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| "write a duration such as `90s` or `10m`".to_owned())?;
    Duration::try_from(duration).map_err(|_| "a duration is not negative".to_owned())
}
