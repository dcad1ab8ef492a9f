//! `status` and `version`: what a database holds, beside what this set holds. Neither writes anything.

use migrate_core::history::Attempt;
use migrate_core::migration::{self, Direction, Migration, Set, Version};
use migrate_core::plan::{Standing, standings_beside};
use migrate_core::report::Exit;
use serde::Serialize;
use serde_json::{Value, json};

use super::Ended;
use super::built_in;
use super::database::open;
use super::migrations::{Readable, Reading, readable};
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::target::Target;
use crate::trouble::Trouble;

/// One line of `status`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    version: i64,
    name: Option<&'a str>,
    state: &'static str,
    applied_at: Option<&'a str>,
}

pub(super) async fn status(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    let opened = Box::pin(async {
        let (connected, database, _) = open(shared, console).await?;
        connected.close().await;
        Ok::<_, Trouble>(database)
    });
    let (parsed, database) = Reading::begin(shared).beside(|_| false, opened).await?;
    let files = &readable(parsed, shared, embedded, console)?;
    let database = database?;
    let history = &database.history;
    let unreadable = files.unreadable.iter().map(|(version, _)| *version).collect();
    let standings = standings_beside(&files.set, &unreadable, history);
    let lines: Vec<Line<'_>> = standings.iter().map(|standing| line(files, standing)).collect();
    let (current, highest) = (history.current(), history.highest());
    if console.output == Form::Json {
        let half_done: Vec<Value> = history.unfinished().map(attempt_json).collect();
        console.json(&json!({ "current": current.0, "migrations": lines, "half_done": half_done }));
        return Ok(Exit::Ok);
    }
    console.data(&table(&lines));
    let pending = standings.iter().filter(|standing| standing.state.is_ahead()).count();
    console.say("status", &format!("the database is at version {current}; {pending} not applied"));
    if current != highest {
        let text = format!("version {current} was applied last, but the highest applied version is {highest}");
        console.say("status", &text);
    }
    for attempt in history.unfinished() {
        let text = console.spelling.spell(&half_done(attempt));
        console.warn("status", &text);
    }
    Ok(Exit::Ok)
}

/// A file without a transaction that is not finished: no state of a version says that.
fn half_done(attempt: &Attempt) -> String {
    let Attempt { version, direction, file, .. } = attempt;
    let (half, command) = match direction {
        Direction::Up => ("applied", "up"),
        Direction::Down => ("undone", "down"),
    };
    format!(
        "version {version} ({file}) is half {half}: `migrate {command}` goes on with it, `migrate journal` shows how far it came"
    )
}

fn attempt_json(attempt: &Attempt) -> Value {
    let Attempt { version, direction, file, .. } = attempt;
    json!({ "version": version.0, "direction": direction.word(), "file": file, "done": attempt.done() })
}

fn line<'a>(files: &'a Readable<'_>, standing: &'a Standing) -> Line<'a> {
    let unreadable = || files.unreadable.iter().find(|(version, _)| *version == standing.version);
    let name = files.set.find(standing.version).map(Migration::name);
    Line {
        version: standing.version.0,
        name: name.or_else(|| Some(migration::name(unreadable()?.1.path.rsplit('/').next()?))),
        state: standing.state.word(),
        applied_at: standing.applied_at.as_deref(),
    }
}

fn table(lines: &[Line<'_>]) -> String {
    let width = lines.iter().map(|line| line.version.to_string().len()).max().unwrap_or(0).max(7);
    let mut text = format!("{:>width$}  {:<8}  {:<19}  name\n", "version", "state", "applied at");
    for line in lines {
        let at = line.applied_at.unwrap_or("");
        let name = line.name.unwrap_or("(no file in this set)");
        text.push_str(&format!("{:>width$}  {:<8}  {at:<19}  {name}\n", line.version, line.state));
    }
    text
}

pub(super) async fn version(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    // What a program contains can be told without a database: an image is asked for it before it is deployed.
    if console.output == Form::Json && !Target::is_named(shared.database_url.as_deref()) {
        console.json(&contents(shared, embedded, None));
        return Ok(Exit::Ok);
    }
    let (connected, database, _) = open(shared, console).await?;
    connected.close().await;
    let current = database.history.current();
    if console.output == Form::Json {
        console.json(&contents(shared, embedded, Some(current)));
    } else {
        console.data(&format!("{current}\n"));
    }
    Ok(Exit::Ok)
}

/// The folder of `--dir` is not read, as goose's `version` does not read it.
fn contents(shared: &Shared, embedded: &Set, current: Option<Version>) -> Value {
    let set = Some(embedded).filter(|set| shared.dir.is_none() && !built_in::is_none(set));
    json!({
        "current": current.map(|version| version.0),
        "latest": set.map(|set| set.latest().0),
        "set_sha256": set.map(|set| set.digest.to_string()),
        "release": set.map(|set| &set.release),
        "revision": set.map(|set| &set.revision).filter(|revision| !revision.is_empty()),
        "tool": concat!("migrate ", env!("CARGO_PKG_VERSION")),
    })
}
