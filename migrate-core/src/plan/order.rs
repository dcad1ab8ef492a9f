//! Which files run in which order (goose/spec.md 6, with the table and without).

use super::{Goal, OutOfOrder, PlanError, Request};
use crate::migration::{Direction, Migration, Version};

/// One file in one direction.
type Step<'a> = (Direction, &'a Migration);

/// The order that the version table decides.
pub(super) fn recorded<'a>(request: &Request<'a>) -> Result<Vec<Step<'a>>, PlanError> {
    match request.order.goal {
        Goal::Up => up_to(request, Version(i64::MAX)),
        Goal::UpTo(version) => up_to(request, version),
        Goal::UpByOne => {
            let mut steps = up_to(request, Version(i64::MAX))?;
            steps.truncate(1);
            Ok(steps)
        }
        Goal::Down => current(request).map(|migration| vec![(Direction::Down, migration)]),
        Goal::Redo => current(request).map(|migration| vec![(Direction::Down, migration), (Direction::Up, migration)]),
        Goal::DownTo(version) => down_to(request, version),
        Goal::Reset => reset(request),
    }
}

fn up_to<'a>(request: &Request<'a>, target: Version) -> Result<Vec<Step<'a>>, PlanError> {
    let highest = request.history.highest();
    let files: Vec<_> = request.order.set.migrations.iter().filter(|migration| migration.version <= target).collect();
    if files.is_empty() {
        return Err(PlanError::NothingAtOrBelow(target));
    }
    let held = request.history.held();
    let pending: Vec<_> = files.into_iter().filter(|migration| !held.contains(&migration.version)).collect();
    // Ascending order puts the late ones first, which is goose's order too.
    let late: Vec<_> = pending
        .iter()
        .filter(|migration| migration.version < highest)
        .map(|migration| request.order.set.path_of(migration))
        .collect();
    if request.order.out_of_order == OutOfOrder::Refused && !late.is_empty() {
        return Err(PlanError::Missing { files: late, highest });
    }
    Ok(pending.into_iter().map(|migration| (Direction::Up, migration)).collect())
}

/// The file of a version that is to be undone.
fn file<'a>(request: &Request<'a>, version: Version) -> Result<&'a Migration, PlanError> {
    request.order.set.find(version).ok_or_else(|| no_file(request, version))
}

/// The set has none, or one that cannot be read.
pub(super) fn no_file(request: &Request<'_>, version: Version) -> PlanError {
    let unreadable = request.order.unreadable.iter().find(|(of, _)| *of == version);
    unreadable.map_or(PlanError::NoFile(version), |(_, why)| PlanError::Statements(Box::new(why.clone())))
}

fn current<'a>(request: &Request<'a>) -> Result<&'a Migration, PlanError> {
    let version = request.history.current();
    if version == Version::ZERO {
        return Err(PlanError::NothingApplied);
    }
    file(request, version)
}

/// Stops at the first current version at or below the target, in the order of insertion (goose/spec.md Q29).
fn down_to<'a>(request: &Request<'a>, target: Version) -> Result<Vec<Step<'a>>, PlanError> {
    let mut history = request.history.clone();
    let mut steps = Vec::new();
    loop {
        let version = history.current();
        if version == Version::ZERO {
            return Ok(steps);
        }
        let migration = file(request, version)?;
        if version <= target {
            return Ok(steps);
        }
        steps.push((Direction::Down, migration));
        history.forget(version);
    }
}

/// Descending by version, unlike `down`; versions without a file stay, as with goose.
fn reset<'a>(request: &Request<'a>) -> Result<Vec<Step<'a>>, PlanError> {
    if !request.history.tables.version {
        return Err(PlanError::NothingApplied);
    }
    let newest = request.history.newest();
    let is_applied = |migration: &&Migration| newest.get(&migration.version).is_some_and(|row| row.applied);
    let applied = request.order.set.migrations.iter().rev().filter(is_applied);
    Ok(applied.map(|migration| (Direction::Down, migration)).collect())
}

/// The order without the version table: every file counts as both pending and applied.
pub(super) fn unrecorded<'a>(request: &Request<'a>) -> Result<Vec<Step<'a>>, PlanError> {
    let files = &request.order.set.migrations;
    let up = |target: Version| -> Vec<Step<'a>> {
        files.iter().filter(|file| file.version <= target).map(|file| (Direction::Up, file)).collect()
    };
    let down = |target: Version| -> Vec<Step<'a>> {
        files.iter().rev().filter(|file| file.version > target).map(|file| (Direction::Down, file)).collect()
    };
    let steps = match request.order.goal {
        Goal::Up => up(Version(i64::MAX)),
        Goal::UpTo(version) => up(version),
        Goal::UpByOne => up(Version(i64::MAX)).into_iter().take(1).collect(),
        Goal::Down => down(Version::ZERO).into_iter().take(1).collect(),
        Goal::DownTo(version) => return Ok(down(version)),
        Goal::Reset => return Ok(down(Version::ZERO)),
        Goal::Redo => {
            let last = files.last().ok_or(PlanError::NothingApplied)?;
            vec![(Direction::Down, last), (Direction::Up, last)]
        }
    };
    let target = if let Goal::UpTo(version) = request.order.goal { version } else { request.order.set.latest() };
    if steps.is_empty() { Err(PlanError::NothingAtOrBelow(target)) } else { Ok(steps) }
}
