//! One migration after the other: up, and on a copy down and up again.

use super::scratch::{Scratch, Which};
use super::shared::changes_shared;
use super::tracing::trace;
use super::{Down, Reapply, Round, Step, Task, Up};
use crate::apply::{Means, Request, Session, apply, read as read_database};
use crate::check::{irreversible, ready_statements};
use crate::command::{Action, read};
use crate::migration::{Body, Direction, Migration, Version};
use crate::plan::{Goal, Order, OutOfOrder, Versioning, plan};
use crate::report::{Exit, Failure};
use crate::schema::Schema;

/// A verification under way.
pub(super) struct Replay<'r, 'd> {
    scratch: &'r Scratch<'d>,
    task: &'r Task<'r>,
    /// What is to be proven, in order.
    versions: Vec<Version>,
    /// The schema in front of the next one.
    schema: Schema,
}

/// What a trial came to.
struct Trial {
    down: Down,
    reapply: Option<Reapply>,
    difference: Vec<String>,
    error: Option<String>,
}

impl<'r, 'd> Replay<'r, 'd> {
    /// Finds out what is pending, and applies what need not be proven.
    pub(super) async fn begin(scratch: &'r Scratch<'d>, task: &'r Task<'r>) -> Result<Self, Failure> {
        let mut session = scratch.open(Which::Forward).await?;
        let begun = Self::begin_on(&mut session, task).await;
        session.close().await;
        let (versions, schema) = begun?;
        Ok(Self { scratch, task, versions, schema })
    }

    async fn begin_on(session: &mut Session, task: &Task<'_>) -> Result<(Vec<Version>, Schema), Failure> {
        let database = read_database(session, &task.table, Versioning::Recorded).await?;
        let plan = plan(asked(task, Goal::Up).order, &database.history).map_err(|error| Failure::from(&error))?;
        let pending: Vec<Version> = plan.batches.iter().map(|batch| batch.migration.version).collect();
        let (given, versions): (Vec<_>, Vec<_>) = pending.into_iter().partition(|version| *version < task.from);
        if let Some(last) = given.into_iter().max() {
            run(session, task, Goal::UpTo(last)).await?;
        }
        Ok((versions, session.schema(&task.table).await?))
    }

    /// Goes through all of them.
    pub(super) async fn all(mut self, observe: &mut (dyn FnMut(Step<'_>) + Send)) -> Result<Vec<Round>, Failure> {
        observe(Step::Planned(self.versions.len()));
        let mut rounds = Vec::with_capacity(self.versions.len());
        for version in std::mem::take(&mut self.versions) {
            let Some(migration) = self.task.set.find(version) else { continue };
            observe(Step::Started(migration));
            let place = self.place(migration);
            let round = self.round(migration, place).await?;
            observe(Step::Done(&round));
            // Where it was tried in place, the next one would not find what it needs.
            let is_whole = place == Which::Trial || round.reapply.is_none_or(|again| again == Reapply::Ok);
            let goes_on = round.up == Up::Ok && is_whole;
            rounds.push(round);
            if !goes_on {
                break;
            }
        }
        Ok(rounds)
    }

    /// Where Down and the second Up of a file are tried: on a copy. What a copy makes of roles stands in the way of the file
    /// itself, and what a role may do in one database keeps it from being dropped in another.
    fn place(&self, migration: &Migration) -> Which {
        let is_shared = changes_shared(self.task.set, migration, self.task.environment);
        if is_shared { Which::Forward } else { Which::Trial }
    }

    async fn round(&mut self, migration: &Migration, place: Which) -> Result<Round, Failure> {
        if let Some(cause) = self.task.stop.cause() {
            return Err(crate::apply::stopped(cause, "between two migrations"));
        }
        let traces = self.task.tracing && place == Which::Trial;
        let traces = if traces { self.traces(migration).await? } else { Vec::new() };
        let mut round = Round {
            version: migration.version,
            name: migration.name().to_owned(),
            file: migration.file.clone().into_owned(),
            up: Up::Ok,
            down: Down::Missing,
            reapply: None,
            difference: Vec::new(),
            error: None,
            change: Vec::new(),
            traces,
        };
        let after = match self.forward(migration).await? {
            Ok(after) => after,
            Err(error) => return Ok(Round { up: Up::Fails, error: Some(error), ..round }),
        };
        round.change = self.schema.difference(&after);
        if let Some(reason) = irreversible(migration) {
            round.down = Down::Irreversible { reason };
        } else if self.has_down(migration)? {
            let trial = self.trial(migration, &after, place).await?;
            Trial { down: round.down, reapply: round.reapply, difference: round.difference, error: round.error } =
                trial;
        }
        self.schema = after;
        Ok(round)
    }

    /// Up on the database that only goes forward: the schema behind it, or why it failed.
    async fn forward(&self, migration: &Migration) -> Result<Result<Schema, String>, Failure> {
        let mut session = self.scratch.open(Which::Forward).await?;
        let ended = self.step(&mut session, Goal::UpTo(migration.version)).await;
        session.close().await;
        ended
    }

    /// Whether the file has anything to run backwards.
    fn has_down(&self, migration: &Migration) -> Result<bool, Failure> {
        let path = self.task.set.path_of(migration);
        let statements = ready_statements(migration, Direction::Down, &path, self.task.environment);
        let statements = statements.map_err(|diagnostic| {
            Failure::new(Exit::InvalidMigrations, format!("{path}: {}", diagnostic.message), diagnostic.help.clone())
        })?;
        Ok(!statements.is_empty())
    }

    /// Down and the second Up, on a copy or in place; then there is no copy.
    async fn trial(&self, migration: &Migration, after: &Schema, place: Which) -> Result<Trial, Failure> {
        match place {
            Which::Trial => self.scratch.copy().await?,
            Which::Forward => self.scratch.drop_copy().await?,
        }
        let mut session = self.scratch.open(place).await?;
        let ended = self.down_and_up(&mut session, migration, after).await;
        session.close().await;
        ended
    }

    async fn down_and_up(
        &self,
        session: &mut Session,
        migration: &Migration,
        after: &Schema,
    ) -> Result<Trial, Failure> {
        let undone = match self.step(session, Goal::Down).await? {
            Ok(undone) => undone,
            Err(error) => {
                return Ok(Trial { down: Down::Fails, reapply: None, difference: vec![], error: Some(error) });
            }
        };
        let mut difference = self.schema.difference(&undone);
        let may_stay = conditional_extensions(migration);
        difference.retain(|line| !may_stay.iter().any(|extension| *line == format!("+ extension {extension}")));
        let down = if difference.is_empty() { Down::Ok } else { Down::Differs };
        let (reapply, error) = match self.step(session, Goal::UpTo(migration.version)).await? {
            Err(error) => (Reapply::Fails, Some(error)),
            Ok(again) => {
                let other = after.difference(&again);
                let reapply = if other.is_empty() { Reapply::Ok } else { Reapply::Differs };
                difference.extend(other.into_iter().map(|line| format!("applied again: {line}")));
                (reapply, None)
            }
        };
        Ok(Trial { down, reapply: Some(reapply), difference, error })
    }

    /// Runs one migration, in either direction: the schema behind it, or why it failed.
    async fn step(&self, session: &mut Session, goal: Goal) -> Result<Result<Schema, String>, Failure> {
        match run(session, self.task, goal).await {
            Ok(()) => Ok(Ok(session.schema(&self.task.table).await?)),
            Err(failure) if is_of_the_migration(failure.exit) => Ok(Err(told(&failure))),
            Err(failure) => Err(failure),
        }
    }

    /// What the statements do, on a copy of their own.
    async fn traces(&self, migration: &Migration) -> Result<Vec<super::Trace>, Failure> {
        self.scratch.copy().await?;
        let session = self.scratch.open(Which::Trial).await?;
        let traces = trace(&session, migration, self.task).await;
        session.close().await;
        traces
    }
}

/// The extensions that a file makes only if they are not there: one that was there before, or is used by others by now,
/// is not the Down's to drop, so a Down that leaves it leaves nothing behind.
fn conditional_extensions(migration: &Migration) -> Vec<String> {
    let Body::Split { up, .. } = &migration.body else { return Vec::new() };
    let commands = up.iter().flat_map(|statement| read(statement.sql(&migration.text)));
    let made = commands.filter_map(|command| match command.action {
        Action::CreateExtension { name, if_not_exists: true, .. } => Some(name.to_string()),
        _ => None,
    });
    made.collect()
}

fn asked<'a>(task: &Task<'a>, goal: Goal) -> Request<'a> {
    let usual = Order::new(task.set, goal, task.environment);
    let order = Order { out_of_order: OutOfOrder::Allowed, own_transactions: task.own_transactions, ..usual };
    Request { table: task.table.clone(), run: "verify".to_owned(), ..Request::new(order) }
}

async fn run(session: &mut Session, task: &Task<'_>, goal: Goal) -> Result<(), Failure> {
    let means = Means { connect: None, stop: task.stop.clone() };
    apply(session, &asked(task, goal), &means, &mut |_| ()).await.map(|_| ())
}

/// Whether a run ended through what the file says, and would end so again.
fn is_of_the_migration(exit: Exit) -> bool {
    matches!(
        exit,
        Exit::Privilege
            | Exit::MigrationFailed
            | Exit::MigrationFailedPartial
            | Exit::Dirty
            | Exit::History
            | Exit::InvalidMigrations
            | Exit::LockTimeout
            | Exit::Resources
    )
}

/// A failure on one line.
fn told(failure: &Failure) -> String {
    let Some(place) = &failure.place else { return failure.message.clone() };
    let at = place.position();
    format!("{}:{}:{}: {}", place.path, at.line, at.column, failure.message)
}
