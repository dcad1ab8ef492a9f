//! What the commands take with which a person decides.

use clap::Args;
use migrate_core::flight::Decision;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
pub(crate) struct ResolveArguments {
    /// The version
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: i64,
    /// It counts as applied
    #[arg(long, group = "decision")]
    applied: bool,
    /// It counts as not applied
    #[arg(long, group = "decision")]
    not_applied: bool,
    /// It goes on with statement N; those before it count as done
    #[arg(long, group = "decision", value_name = "N")]
    resume_from: Option<usize>,
    /// Why; it is written down with the decision
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do it; without this, say what would be done and end with 2
    #[arg(long)]
    pub(crate) yes: bool,
}

impl ResolveArguments {
    pub(crate) fn decision(&self) -> Decision {
        match self.resume_from {
            Some(number) => Decision::ResumeFrom(number),
            None if self.applied => Decision::Applied,
            None => Decision::NotApplied,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RepairArguments {
    /// The indexes to drop, exactly as they are listed
    #[arg(value_name = "INDEX")]
    pub(crate) indexes: Vec<String>,
    /// Do it; without this, say what would be done and end with 2
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnlockArguments {
    /// End the session with this pid, if it holds the lock
    #[arg(long, value_name = "PID")]
    pub(crate) terminate: Option<i32>,
    /// Do it; without this, say what would be done and end with 2
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArguments {
    /// The last version that the database has
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: i64,
    /// Do it; without this, say what would be done and end with 2
    #[arg(long)]
    pub(crate) yes: bool,
}
