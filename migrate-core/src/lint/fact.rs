//! The facts of a command in words.

use crate::command::LockMode;
use crate::effect::{Effect, Evidence, Majors, Touched};

/// The facts of a command as findings show them: a line for each relation that is locked against other sessions' writes
/// or schema changes.
#[must_use]
pub fn facts(effect: &Effect, majors: Majors) -> Vec<String> {
    let strong = effect.locks.iter().filter(|lock| lock.mode >= LockMode::ShareUpdateExclusive);
    strong
        .map(|lock| {
            let scan = touched(&effect.scans, &lock.relation);
            let rewrite = touched(&effect.rewrites, &lock.relation);
            let evidence = [Some(lock.evidence), scan, rewrite].into_iter().flatten().max().unwrap_or(lock.evidence);
            format!(
                "{} on {} ({}) · {} · {}   [{}, PG {}-{}]",
                lock.mode.sql(),
                lock.relation,
                meaning(lock.mode),
                if scan.is_some() { "full scan" } else { "no scan" },
                if rewrite.is_some() { "rewrite" } else { "no rewrite" },
                word(evidence),
                majors.min,
                majors.max,
            )
        })
        .collect()
}

fn touched(list: &[Touched], relation: &str) -> Option<Evidence> {
    list.iter().find(|touched| touched.relation == relation).map(|touched| touched.evidence)
}

/// What a lock means to the application.
#[must_use]
pub const fn meaning(mode: LockMode) -> &'static str {
    if mode.blocks_reads() {
        "blocks reads and writes"
    } else if mode.blocks_writes() {
        "blocks writes"
    } else {
        "blocks VACUUM and schema changes"
    }
}

const fn word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Table => "table",
        Evidence::History => "history",
        Evidence::Assumed => "assumed",
    }
}
