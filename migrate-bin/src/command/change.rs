//! `up`, `down` and their kin: the commands that change a database.

use std::time::Duration;

use migrate_core::apply::{self, Connect, Database, Means, Stop};
use migrate_core::config::Config;
use migrate_core::connection::Access;
use migrate_core::diagnostic::any_error;
use migrate_core::migration::{Set, Version};
use migrate_core::parse::Parsed;
use migrate_core::plan::{Goal, Order, PlanError, Versioning};
use migrate_core::report::{Exit, Failure, Report};
use serde_json::json;

use super::Ended;
use super::database::{connect, table};
use super::migrations::{Reading, readable, whole};
use super::settings::settings;
use crate::arguments::{Change, Command, Form, Shared};
use crate::console::{Console, words};
use crate::environment;
use crate::signals::Signals;
use crate::target::Connected;
use crate::trouble::Trouble;

pub(super) async fn run(
    (shared, embedded): (&Shared, &'static Set),
    reading: Reading,
    given: Given<'_>,
    console: &mut Console,
) -> Ended {
    let environment = environment::variables();
    let Given { goal, change, ref stop, signals, .. } = given;
    outside_a_cluster(goal, change)?;
    let config = settings(shared, embedded)?.map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let table = table(shared)?;
    // `reset` passes over versions without a file, and without the version table the files alone say what is undone: a
    // file that is left out would be missed there, or another one undone in its place.
    let goes_by_rows = matches!(goal, Goal::Down | Goal::DownTo(_)) && change.versioning() != Versioning::Ignored;
    let is_refused = |parsed: &Parsed| !goes_by_rows && any_error(&parsed.diagnostics);
    let connecting = stop.unless(Box::pin(async {
        let connected = connect(shared, Access::Change, console).await?;
        // A plan that is weighed first is made from what is read then.
        let looks = !change.dry_run && config.budgets.is_empty();
        let seen = if looks { apply::glance(&connected.session, &table, change.versioning()).await } else { None };
        Ok((connected, seen))
    }));
    let (parsed, connecting) = reading.beside(is_refused, connecting).await?;
    // Only now: reading a secret's file may hang for ever, and the run is ended then.
    signals.begin_work();
    let connecting = connecting.unwrap_or_else(|cause| Err(apply::stopped(cause, "while it was connecting")));
    let read = if goes_by_rows { readable } else { whole };
    let (files, (mut connected, seen)) = with_session(read(parsed, shared, embedded, console), connecting).await?;
    let request = apply::Request {
        order: Order { unreadable: &files.unreadable, ..change.order(&files.set, goal, &environment) },
        table,
        run: if change.dry_run { super::plan::ANY_RUN.to_owned() } else { environment::run_id() },
        policy: change.policy(),
    };
    let ended = carry_out(&mut connected, (&request, &config, seen), &given, console).await;
    connected.close().await;
    console.clear_progress();
    let Some(report) = ended? else { return Ok(Exit::Ok) };
    tell(&report, goal, change, console);
    Ok(Exit::Ok)
}

/// The files come first where both are amiss; a session without them is ended in order.
async fn with_session<T>(
    files: Result<T, Trouble>,
    connecting: Result<(Connected, Option<Database>), Failure>,
) -> Result<(T, (Connected, Option<Database>)), Trouble> {
    match (files, connecting) {
        (Ok(files), connecting) => Ok((files, connecting?)),
        (Err(trouble), connecting) => {
            if let Ok((connected, _)) = connecting {
                connected.close().await;
            }
            Err(trouble)
        }
    }
}

/// A Job is started again whenever the cluster likes, and each `down` of it would undo one version more.
fn outside_a_cluster(goal: Goal, change: &Change) -> Result<(), Failure> {
    let undoes = matches!(goal, Goal::Down | Goal::DownTo(_) | Goal::Redo | Goal::Reset);
    let allowed = change.allow_down_in_cluster || change.dry_run;
    if !undoes || allowed || !environment::in_cluster() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "undoing migrations in a Kubernetes cluster needs `--allow-down-in-cluster`",
        "release a migration that goes forward instead; or give the flag, in a Job with `backoffLimit: 0`",
    ))
}

/// What was asked for on the command line.
pub(super) struct Given<'a> {
    pub(super) command: &'a Command,
    pub(super) goal: Goal,
    pub(super) change: &'a Change,
    /// Whether it is to end early.
    pub(super) stop: Stop,
    /// Who is told that the run may change something from here on.
    pub(super) signals: &'a Signals,
}

async fn carry_out(
    connected: &mut Connected,
    (request, config, seen): (&apply::Request<'_>, &Config, Option<Database>),
    given: &Given<'_>,
    console: &mut Console,
) -> Result<Option<Report>, Failure> {
    let Connected { session, connector, .. } = connected;
    if given.change.dry_run {
        super::plan::show(session, request, config, console).await?;
        return Ok(None);
    }
    super::plan::refuse_above_budget(session, request, config).await?;
    let connect = connector.as_deref().map(|connector| connector as &dyn Connect);
    let means = Means { connect, stop: given.stop.clone() };
    let mut observe = |event| console.event(&event);
    let report = apply::apply_seen(seen, session, request, &means, &mut observe).await?;
    // goose's up-by-one fails here; `up --one` is the form for a Job, which is started again and again.
    if report.ran.is_empty() && matches!(given.command, Command::UpByOne { .. }) {
        let failure = Failure::from(&PlanError::NothingPending(Version(report.current)));
        return Err(Failure {
            next: "nothing needs to be done; `migrate up --one` takes this for success".into(),
            ..failure
        });
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
    console.conclude(json!({ "ran": report.ran.len(), "current": report.current }));
    console.say("finished", &text);
}
