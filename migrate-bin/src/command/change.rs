//! `up`, `down` and their kin: the commands that change a database.

use std::time::Duration;

use migrate_core::apply;
use migrate_core::migration::{Set, Version};
use migrate_core::plan::{Goal, PlanError, Versioning};
use migrate_core::report::{Exit, Failure, Report};
use serde_json::json;

use super::Ended;
use super::database::{known_target, table};
use crate::arguments::{Change, Command, Form, Shared};
use crate::console::{Console, words};
use crate::environment;
use crate::target::Target;

pub(super) async fn run(shared: &Shared, set: &Set, order: Order<'_>, console: &mut Console) -> Ended {
    let environment = environment::variables();
    let Order { goal, change, .. } = order;
    let request = apply::Command {
        set,
        table: table(shared)?,
        goal,
        out_of_order: change.out_of_order(),
        versioning: change.versioning(),
        environment: &environment,
        lock_wait: change.lock_wait,
    };
    let mut connected = Target::find(shared.database_url.as_deref())?.connect().await?;
    let ended = carry_out(&mut connected.session, &request, &order, console).await;
    connected.close().await;
    console.clear_progress();
    let Some(report) = ended? else { return Ok(Exit::Ok) };
    tell(&report, goal, change, console);
    Ok(Exit::Ok)
}

/// What was asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) command: &'a Command,
    pub(super) goal: Goal,
    pub(super) change: &'a Change,
}

async fn carry_out(
    session: &mut apply::Session,
    request: &apply::Command<'_>,
    order: &Order<'_>,
    console: &mut Console,
) -> Result<Option<Report>, Failure> {
    if order.change.dry_run {
        super::plan::show(session, request, console).await?;
        return Ok(None);
    }
    if matches!(order.goal, Goal::UpTo(_) | Goal::DownTo(_)) {
        let database = apply::read(session, &request.table, request.versioning).await?;
        known_target(order.goal, request.set, &database.history)?;
    }
    let mut observe = |event| console.event(&event);
    let report = apply::apply(session, request, &mut observe).await?;
    // goose's up-by-one fails here; `up --one` is the form for a Job, which is started again and again.
    if report.ran.is_empty() && matches!(order.command, Command::UpByOne { .. }) {
        return Err(Failure::from(&PlanError::NothingPending(Version(report.current))));
    }
    Ok(Some(report))
}

fn tell(report: &Report, goal: Goal, change: &Change, console: &mut Console) {
    if console.output == Form::Json {
        let ran = report.ran.iter().map(|(ran, duration)| {
            json!({
                "version": ran.version.0, "file": ran.file, "direction": ran.direction.word(),
                "duration_ms": words::milliseconds(*duration),
            })
        });
        console.json(&json!({ "ran": ran.collect::<Vec<_>>(), "current": report.current }));
    }
    let place = if change.versioning() == Versioning::Ignored {
        "the version table was neither read nor written".to_owned()
    } else {
        format!("the database is at version {}", report.current)
    };
    let total: Duration = report.ran.iter().map(|(_, duration)| *duration).sum();
    let text = match (report.ran.len(), goal) {
        (0, Goal::Up | Goal::UpTo(_) | Goal::UpByOne) => format!("nothing to apply: {place}"),
        (0, _) => format!("nothing to undo: {place}"),
        (count, _) => {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} migration{plural} run in {}: {place}", words::spent(total))
        }
    };
    console.say("finished", &text);
}
