//! `validate`: every problem of the migrations, of their lock and of the settings, without a database.

use migrate_core::check::with_values;
use migrate_core::diagnostic::{Severity, any_error};
use migrate_core::migration::Set;
use migrate_core::report::Exit;
use migrate_core::verdict::{unknown_rules, unrunnable};
use serde_json::json;

use super::Ended;
use super::migrations::{diagnostic_json, finding_json, read_all};
use super::settings::settings;
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::environment;
use crate::trouble::Trouble;

pub(super) fn run(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    let settings = settings(shared, embedded)?;
    let mut read = read_all(shared, embedded);
    let mut findings = Vec::new();
    read.diagnostics.extend(with_values(&read.set, &environment::variables()));
    match settings {
        Ok(config) => {
            findings = unrunnable(&read, &config);
            read.diagnostics.extend(unknown_rules(&config));
        }
        Err(problem) => read.diagnostics.push(*problem),
    }
    let (diagnostics, count) = (read.diagnostics, read.set.migrations.len());
    if console.output == Form::Json {
        let all = diagnostics.iter().map(diagnostic_json).chain(findings.iter().map(finding_json));
        console.json(&json!({ "migrations": count, "diagnostics": all.collect::<Vec<_>>() }));
    }
    console.findings(&findings);
    if any_error(&diagnostics) {
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    let refused = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if refused > 0 {
        let plural = if refused == 1 { "" } else { "s" };
        console.say("validated", &format!("{refused} command{plural} of these migrations cannot run where they stand"));
        return Ok(Exit::InvalidMigrations);
    }
    console.say("validated", &format!("{count} migration{} can be read", if count == 1 { "" } else { "s" }));
    Ok(Exit::Ok)
}
