//! `validate`: every problem of the migrations, of their lock and of the settings, without a database.

use migrate_core::diagnostic::any_error;
use migrate_core::migration::Set;
use migrate_core::parse::Parsed;
use migrate_core::report::Exit;
use migrate_core::verdict::unknown_rules;
use serde_json::json;

use super::Ended;
use super::migrations::{diagnostic_json, read_all};
use super::settings::settings;
use crate::arguments::{Form, Shared};
use crate::console::{Console, Trouble};

pub(super) fn run(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    let settings = settings(shared, embedded)?;
    let Parsed { set, mut diagnostics } = read_all(shared, embedded);
    match settings {
        Ok(config) => diagnostics.extend(unknown_rules(&config)),
        Err(problem) => diagnostics.push(*problem),
    }
    if console.output == Form::Json {
        console.json(&json!({
            "migrations": set.migrations.len(),
            "diagnostics": diagnostics.iter().map(diagnostic_json).collect::<Vec<_>>(),
        }));
    }
    if any_error(&diagnostics) {
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    let count = set.migrations.len();
    console.say("validated", &format!("{count} migration{} can be read", if count == 1 { "" } else { "s" }));
    Ok(Exit::Ok)
}
