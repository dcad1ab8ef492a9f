//! What commands take that only look at a database.

use std::time::Duration;

use clap::Args;
use migrate_core::gate::{Mode, Policy};
use migrate_core::migration::{Set, Version};

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Ask again until the database is ready, for so long at most, such as `300s`; without it the answer is given at once
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub(crate) wait: Option<Duration>,
    /// Ask for the versions up to this one, instead of all versions of this program
    #[arg(long, value_name = "VERSION")]
    at_least: Option<i64>,
    /// Refuse a database that holds a version above this one
    #[arg(long, value_name = "VERSION")]
    at_most: Option<i64>,
    /// Ask for these versions alone, such as `3,7,12`
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', conflicts_with_all = ["at_least", "at_most"])]
    only: Vec<i64>,
    /// Refuse a database that holds any other version; not for probes, which would fail while a deploy rolls
    #[arg(long, conflicts_with_all = ["at_least", "at_most", "only"])]
    exact: bool,
    /// Print the SELECT that is asked, and ask nothing
    #[arg(long)]
    pub(crate) sql: bool,
}

impl CheckArguments {
    pub(crate) fn mode(&self, set: &Set) -> Mode {
        let least = self.at_least.map(Version);
        let versions = || set.migrations.iter().map(|migration| migration.version);
        let highest_to = |most: Version| versions().filter(|version| *version <= most).max().unwrap_or(Version::ZERO);
        match (least, self.at_most.map(Version)) {
            (least, Some(most)) => Mode::Range(least.unwrap_or_else(|| highest_to(most)), most),
            (Some(least), None) => Mode::UpTo(least),
            (None, None) if self.exact => Mode::Exact,
            (None, None) if !self.only.is_empty() => Mode::Subset(self.only.iter().copied().map(Version).collect()),
            (None, None) => Mode::AtLeast,
        }
    }

    /// Bounds that no database can be within.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let (least, most) = self.at_least.zip(self.at_most)?;
        (least > most).then(|| format!("`--at-least {least}` is above `--at-most {most}`"))
    }

    pub(crate) const fn policy(&self) -> Policy {
        match self.wait {
            Some(timeout) => Policy::Wait { timeout },
            None => Policy::FailFast,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArguments {
    /// The versions
    #[arg(value_name = "VERSION", required = true)]
    pub(crate) versions: Vec<i64>,
    /// Why; it is written down with the decision
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Do it; without this, say what would be done and end with 2
    #[arg(long)]
    pub(crate) yes: bool,
}
