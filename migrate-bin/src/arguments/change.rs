//! What commands take that change a database.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use migrate_core::apply::Policy;
use migrate_core::flight::{Durability, Terms};
use migrate_core::migration::{Set, Version};
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, Order, OutOfOrder, OwnTransactions, Versioning};

use super::Command;

/// What every command takes that changes a database.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, each on its own")]
pub(crate) struct Change {
    /// Apply migrations below the highest applied version too, first
    #[arg(long)]
    allow_missing: bool,
    /// Run the files without reading or writing the version table
    #[arg(long)]
    no_versioning: bool,
    /// Write goose's table alone, for a role that may make no table: edited files, floors and the Downs of other releases
    /// are not known then
    #[arg(long, conflicts_with_all = ["no_versioning", "stored_downs"])]
    no_ledger: bool,
    /// Send files that end their own transaction as goose does, instead of refusing them
    #[arg(long)]
    allow_transaction_control: bool,
    /// Undo versions that this set lacks with the Down that the ledger keeps of them, if its digest is right
    #[arg(long)]
    stored_downs: bool,
    /// Run all files in one transaction: all of them, or none
    #[arg(long, conflicts_with = "no_versioning")]
    single_transaction: bool,
    /// Undo migrations in a Kubernetes cluster too, where a migration that goes forward is the safer way
    #[arg(long)]
    pub(crate) allow_down_in_cluster: bool,
    /// Print the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long to wait for another runner, such as `90s` or `10m`
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = super::duration)]
    lock_wait: Duration,
    /// How long a statement waits for a lock of the application before its migration is rolled back and tried again
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = super::duration)]
    lock_timeout: Duration,
    /// How long a migration is tried again that did not get its locks
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = super::duration)]
    lock_retry_budget: Duration,
    /// How long a statement may run; `0s` for as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = super::duration)]
    statement_timeout: Duration,
    /// The end of it all: what is under way then is cancelled and rolled back [default: none]
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub(crate) deadline: Option<Duration>,
    /// Run the migrations as this role; the version table is written as the role that logged in
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Write the run in numbers to this file, as a `node_exporter`'s textfile collector reads it
    #[arg(long, value_name = "PATH", value_parser = super::path())]
    pub(crate) metrics_file: Option<PathBuf>,
    /// How many migrations may be on the way to the server at once
    #[arg(long, value_name = "N", default_value = "24", value_parser = clap::value_parser!(u16).range(1..))]
    flight: u16,
    /// Which commits wait for the server's disk: the last one of each `group` of migrations that are on the way together, or
    /// `each`; none is reported before it is there
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    durable: Durable,
}

/// Which commits wait for the server's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Durable {
    #[default]
    Group,
    Each,
}

impl Change {
    /// The flags that another command needs, too, to go on with what this one was about.
    pub(crate) fn flags(&self) -> impl Iterator<Item = String> {
        let flags = [
            (self.allow_missing, "--allow-missing"),
            (self.no_versioning, "--no-versioning"),
            (self.no_ledger, "--no-ledger"),
            (self.allow_transaction_control, "--allow-transaction-control"),
            (self.stored_downs, "--stored-downs"),
            (self.single_transaction, "--single-transaction"),
            (self.allow_down_in_cluster, "--allow-down-in-cluster"),
        ];
        let role = self.role.as_ref().map(|role| format!("--role {role}"));
        flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| flag.to_owned()).chain(role)
    }

    /// What is asked for.
    pub(crate) fn order<'a>(&self, set: &'a Set, goal: Goal, environment: &'a Environment) -> Order<'a> {
        let out_of_order = if self.allow_missing { OutOfOrder::Allowed } else { OutOfOrder::Refused };
        let own_transactions =
            if self.allow_transaction_control { OwnTransactions::Allowed } else { OwnTransactions::Refused };
        Order {
            out_of_order,
            own_transactions,
            versioning: self.versioning(),
            single_transaction: self.single_transaction,
            stored_downs: self.stored_downs,
            ..Order::new(set, goal, environment)
        }
    }

    /// How patiently.
    pub(crate) fn policy(&self) -> Policy {
        let Self { lock_wait, lock_timeout, statement_timeout, role, .. } = self;
        let terms = Terms { lock_timeout: *lock_timeout, statement_timeout: *statement_timeout, role: role.clone() };
        let durability = match self.durable {
            Durable::Group => Durability::Group,
            Durable::Each => Durability::Each,
        };
        let (lock_wait, lock_retry, flights) = (*lock_wait, self.lock_retry_budget, self.flight.into());
        Policy { lock_wait, lock_retry, flights, durability, terms }
    }

    pub(crate) fn versioning(&self) -> Versioning {
        match (self.no_versioning, self.no_ledger) {
            (true, _) => Versioning::Ignored,
            (false, true) => Versioning::WithoutLedger,
            (false, false) => Versioning::Recorded,
        }
    }
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

    /// The word of a command that changes a database.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Up { .. } => "up",
            Self::UpTo { .. } => "up-to",
            Self::UpByOne { .. } => "up-by-one",
            Self::Down { .. } => "down",
            Self::DownTo { .. } => "down-to",
            Self::Redo { .. } => "redo",
            Self::Reset { .. } => "reset",
            _ => "",
        }
    }
}
