//! From what was read to what it means for a release.
//!
//! Invariant: what is applied is decided by `history` alone, and by the newest row of each version: neither the row
//! that was inserted last nor the highest one says whether a late version is missing.

use std::collections::BTreeSet;

use super::reading::{Found, Reading};
use super::{Gate, Mode, State, Verdict};
use crate::flight::{Nature, Seen, quote};
use crate::history::{Attempt, EntryState, History, SideTable};
use crate::migration::{Direction, Version};
use crate::plan::{EditKind, edits};

pub(super) fn judge(gate: &Gate<'_>, reading: Reading) -> Verdict {
    let schema = reading.schema.unwrap_or_default();
    let qualified = match gate.table.schema() {
        None if !schema.is_empty() => format!("{schema}.{}", gate.table),
        _ => gate.table.to_string(),
    };
    let history = match reading.found {
        Found::History(history) => history,
        Found::Absent => return bare(gate, State::NotInitialised, absent(gate)),
        Found::Lost => return bare(gate, State::Drift { files: Vec::new() }, lost(gate)),
        Found::Forbidden => {
            let message = format!("the role {} may not read the version table {qualified}", reading.role);
            return bare(gate, State::NoPrivilege, (message, grant(&qualified, &schema, &reading.role)));
        }
        Found::Filtered => {
            let message = format!(
                "row level security keeps rows of the version table {qualified} from the role {}, so what was applied \
                 is not known",
                reading.role
            );
            return bare(gate, State::NoPrivilege, (message, unfilter(&qualified)));
        }
        Found::Odd => {
            let next = "name goose's table, or move this relation out of the way".to_owned();
            let message = format!("{qualified} is not a goose version table");
            return bare(gate, State::Drift { files: Vec::new() }, (message, next));
        }
        Found::Nonsense => return unreachable(gate, "the answer is not one to the question that was asked"),
    };
    let mut warnings: Vec<String> = SideTable::ALL
        .into_iter()
        .filter_map(|side| unread(&qualified, (side, reading.sides.of(side)), &reading.role))
        .collect();
    let state = state(gate, &history, &mut warnings);
    let highest = applied(&history).into_iter().max().unwrap_or(Version::ZERO);
    let (message, next) = words(gate, &state, &history, highest);
    Verdict { state, message, next, head: gate.head(), highest, floor: history.floor(), warnings }
}

pub(super) fn unreachable(gate: &Gate<'_>, why: &str) -> Verdict {
    let message = format!("the database cannot be asked: {why}");
    let next = "see that the server runs and can be reached from here".to_owned();
    bare(gate, State::Unreachable { why: why.to_owned() }, (message, next))
}

fn bare(gate: &Gate<'_>, state: State, (message, next): (String, String)) -> Verdict {
    Verdict { state, message, next, head: gate.head(), highest: Version::ZERO, floor: None, warnings: Vec::new() }
}

fn absent(gate: &Gate<'_>) -> (String, String) {
    let place = if gate.table.schema().is_none() { " in the search_path of this role" } else { "" };
    let next = format!("run `migrate up` of the release that knows version {}, or name the table", gate.head());
    (format!("there is no version table {}{place}: nothing was ever applied", gate.table), next)
}

/// The version table was dropped, and the ledger was not.
fn lost(gate: &Gate<'_>) -> (String, String) {
    let message = format!("there is no version table {0}, and there is its ledger, {0}_ledger", gate.table);
    (message, "restore the table, or see what `migrate up` says: it refuses to apply anything a second time".to_owned())
}

fn grant(table: &str, schema: &str, role: &str) -> String {
    let role = quote(role);
    format!("as its owner: GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {table} TO {role}")
}

fn unfilter(table: &str) -> String {
    format!("as its owner: ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; or ask as a role with BYPASSRLS")
}

/// What is not known for want of a table of ours.
fn unread(table: &str, (side, seen): (SideTable, Seen), role: &str) -> Option<String> {
    let (word, unknown) = (side.word(), side.tells());
    match seen {
        Seen::Forbidden => Some(format!("{unknown} are not seen: GRANT SELECT ON {table}_{word} TO {}", quote(role))),
        Seen::Filtered => {
            let next = unfilter(&format!("{table}_{word}"));
            Some(format!("{unknown} are not seen, for row level security: {next}"))
        }
        Seen::Odd => Some(format!("{unknown} are not seen: {table}_{word} is not the {word} of `migrate`")),
        Seen::Plain(_) => None,
    }
}

/// The applied versions. Version 0 is goose's mark of a table that was set up.
fn applied(history: &History) -> BTreeSet<Version> {
    let newest = history.newest().into_values().filter(|row| row.applied).map(|row| row.version);
    newest.filter(|version| *version != Version::ZERO).collect()
}

fn state(gate: &Gate<'_>, history: &History, warnings: &mut Vec<String>) -> State {
    if let Some(floor) = history.floor().filter(|floor| floor.requires > gate.head()) {
        return State::Incompatible { floor };
    }
    let (required, applied) = (gate.required(), applied(history));
    // Of a version that this release does not know, the next release's Job has the care.
    for attempt in history.unfinished() {
        if required.contains(&attempt.version) {
            return State::Dirty { version: attempt.version };
        }
        warnings.push(format!("version {} is half {}", attempt.version, half(attempt.direction)));
    }
    let missing: Vec<Version> = required.difference(&applied).copied().collect();
    if !missing.is_empty() {
        return State::Behind { missing };
    }
    let edits = edits(gate.set, history).into_iter().filter(|edit| required.contains(&edit.version));
    // A Down that was changed is nothing to a release that starts.
    let edits = edits.filter(|edit| edit.kind != EditKind::Down);
    let (text, layout): (Vec<_>, Vec<_>) = edits.partition(|edit| edit.kind == EditKind::Text);
    if !text.is_empty() {
        return State::Drift { files: text.into_iter().map(|edit| edit.path).collect() };
    }
    let reformatted = |path: &str| format!("{path}: white space or comments were changed after it was applied");
    warnings.extend(layout.iter().map(|edit| reformatted(&edit.path)));
    surplus(gate, &applied - &required)
}

/// How the applied versions beyond those that are required are taken.
fn surplus(gate: &Gate<'_>, beyond: BTreeSet<Version>) -> State {
    let (refused, of): (bool, &dyn Fn(Version) -> bool) = match &gate.mode {
        Mode::Exact => (true, &|_| true),
        Mode::Range(_, most) => (true, &|version| version > *most),
        Mode::AtLeast | Mode::UpTo(_) | Mode::Subset(_) => (false, &|version| gate.set.find(version).is_none()),
    };
    let extra: Vec<Version> = beyond.into_iter().filter(|version| of(*version)).collect();
    match (extra.is_empty(), refused) {
        (true, _) => State::Ok,
        (false, true) => State::Ahead { extra },
        (false, false) => State::OkAhead { extra },
    }
}

const fn half(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "applied",
        Direction::Down => "undone",
    }
}

/// The sentence of a state that was read from a history, and the way out.
fn words(gate: &Gate<'_>, state: &State, history: &History, highest: Version) -> (String, String) {
    let head = gate.head();
    match state {
        State::Ok => (format!("the database is ready, at version {highest}"), String::new()),
        State::OkAhead { extra } => {
            let known = format!("this release knows versions up to {head}");
            (format!("the database is ready, and ahead: it holds {}, and {known}", listed(extra)), String::new())
        }
        State::Ahead { extra } => (
            format!(
                "the database holds {}, and this release, up to version {head}, asks for none of them",
                listed(extra)
            ),
            "deploy the release that contains them, or ask for a database that is at least there".to_owned(),
        ),
        State::Behind { missing } => (
            format!(
                "the database lacks {}, and this release needs it: the database is at version {highest}",
                listed(missing)
            ),
            behind(missing, history),
        ),
        State::Incompatible { floor } => (
            format!(
                "version {} of the database asks for a release that knows version {}, and this release knows versions up \
                 to {head}",
                floor.by, floor.requires
            ),
            format!(
                "deploy a release that contains version {}; to go back, first undo version {} with the release that \
                 contains it",
                floor.requires, floor.by
            ),
        ),
        State::Dirty { version } => {
            (format!("version {version} is half done, and this release needs it whole"), finish(*version, history))
        }
        State::Drift { files } => (
            format!("what was applied is not what this release contains: {}", files.join(", ")),
            "restore the files as they were applied and put the change into a new migration".to_owned(),
        ),
        State::NotInitialised | State::NoPrivilege | State::Unreachable { .. } => (String::new(), String::new()),
    }
}

/// The command that goes on with a file that is half done; a person, where nothing tells how far it came.
fn finish(version: Version, history: &History) -> String {
    let attempt = history.unfinished().find(|attempt| attempt.version == version);
    if attempt.is_some_and(is_in_doubt) {
        return format!(
            "look at the database, then say what is to count with `migrate resolve --version {version}`; `migrate journal` \
             shows what is known"
        );
    }
    let again = match attempt.map(|attempt| attempt.direction) {
        Some(Direction::Down) => "run `migrate down` again, and then `migrate up`",
        _ => "run `migrate up` again",
    };
    format!("{again}; `migrate journal` shows how far it came")
}

/// Whether it stopped at a statement of which no question tells whether it took effect.
fn is_in_doubt(attempt: &Attempt) -> bool {
    let open = attempt.entries.iter().find(|entry| entry.state != EntryState::Done);
    open.is_some_and(|entry| entry.kind == Nature::Opaque.word())
}

/// A row that an old goose wrote on a down keeps `up` from applying its version again.
fn behind(missing: &[Version], history: &History) -> String {
    let held: Vec<Version> = missing.iter().copied().filter(|version| history.holds(*version)).collect();
    if held.is_empty() {
        return "run `migrate up` of this release, then start it again".to_owned();
    }
    format!(
        "an old goose undid {} and kept rows with is_applied = false, over which `migrate up` passes: delete those rows, \
         then run `migrate up`",
        listed(&held)
    )
}

/// How many versions a message names.
const NAMED: usize = 5;

fn listed(versions: &[Version]) -> String {
    let mut named: Vec<String> = versions.iter().take(NAMED).map(Version::to_string).collect();
    if versions.len() > NAMED {
        named.push(format!("{} more", versions.len() - NAMED));
    }
    let last = named.pop().unwrap_or_default();
    match (versions.len(), named.is_empty()) {
        (1, _) => format!("version {last}"),
        (_, true) => last,
        (_, false) => format!("versions {} and {last}", named.join(", ")),
    }
}
