//! `status` and `version`: what a database holds, beside what this set holds. Neither writes anything.

use std::collections::BTreeSet;

use migrate_core::history::History;
use migrate_core::migration::{Set, Version};
use migrate_core::plan::{EditKind, edits};
use migrate_core::report::Exit;
use serde::Serialize;
use serde_json::{Value, json};

use super::Ended;
use super::built_in;
use super::database::open;
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::target::Target;

/// One line of `status`.
#[derive(Debug, Serialize)]
struct Line {
    version: i64,
    name: Option<String>,
    state: State,
    applied_at: Option<String>,
}

/// How a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Applied,
    /// Above the highest applied version, or its newest row says that it was undone.
    Pending,
    /// Below the highest applied version and never applied.
    Missing,
    /// Applied from a file whose SQL was another.
    Edited,
    /// In the database, and this set has no file for it.
    Unknown,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Edited => "edited",
            Self::Unknown => "unknown",
        }
    }
}

pub(super) async fn status(shared: &Shared, set: &Set, console: &mut Console) -> Ended {
    let (connected, database, _) = open(shared, console).await?;
    connected.close().await;
    let history = &database.history;
    let lines = lines(set, history);
    let (current, highest) = (history.current(), history.highest());
    if console.output == Form::Json {
        console.json(&json!({ "current": current.0, "migrations": lines }));
        return Ok(Exit::Ok);
    }
    console.data(&table(&lines));
    let pending = lines.iter().filter(|line| matches!(line.state, State::Pending | State::Missing)).count();
    console.say("status", &format!("the database is at version {current}; {pending} not applied"));
    if current != highest {
        let text = format!("version {current} was applied last, but the highest applied version is {highest}");
        console.say("status", &text);
    }
    Ok(Exit::Ok)
}

fn lines(set: &Set, history: &History) -> Vec<Line> {
    let edited: BTreeSet<Version> =
        edits(set, history).into_iter().filter(|edit| edit.kind == EditKind::Text).map(|edit| edit.version).collect();
    let files = set.migrations.iter().map(|migration| migration.version);
    let rows = history.rows.iter().map(|row| row.version).filter(|version| *version != Version::ZERO);
    let versions: BTreeSet<Version> = files.chain(rows).collect();
    let (newest, highest) = (history.newest(), history.highest());
    let line = |version: Version| {
        let file = set.find(version);
        let held = newest.get(&version);
        let row = held.filter(|row| row.applied);
        let state = match (file, row) {
            (None, _) => State::Unknown,
            (Some(_), Some(_)) if edited.contains(&version) => State::Edited,
            (Some(_), Some(_)) => State::Applied,
            (Some(_), None) if version < highest && held.is_none() => State::Missing,
            (Some(_), None) => State::Pending,
        };
        let name = file.map(|migration| migration.name().to_owned());
        Line { version: version.0, name, state, applied_at: row.and_then(|row| row.at.clone()) }
    };
    versions.into_iter().map(line).collect()
}

fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.version.to_string().len()).max().unwrap_or(0).max(7);
    let mut text = format!("{:>width$}  {:<8}  {:<19}  name\n", "version", "state", "applied at");
    for line in lines {
        let at = line.applied_at.as_deref().unwrap_or("");
        let name = line.name.as_deref().unwrap_or("(no file in this set)");
        text.push_str(&format!("{:>width$}  {:<8}  {at:<19}  {name}\n", line.version, line.state.word()));
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
