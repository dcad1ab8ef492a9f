//! `fix`: gives migrations that are named by time the next sequential numbers (goose/spec.md 6).

use std::path::Path;

use migrate_core::report::{Exit, Failure};
use serde_json::json;

use super::Ended;
use super::create::{after, is_time, last_sequential, versions};
use crate::arguments::Form;
use crate::console::{Console, Trouble};

pub(super) fn run(folder: &Path, console: &mut Console) -> Ended {
    let parsed = migrate_core::check::folder(folder, &folder.display().to_string());
    if migrate_core::diagnostic::any_error(&parsed.diagnostics) {
        return Err(Trouble::Diagnostics(parsed.diagnostics));
    }
    let mut next = last_sequential(folder);
    let mut renamed = Vec::new();
    for (version, file) in versions(folder) {
        if !is_time(version) {
            continue;
        }
        next = after(next)?;
        let name = file.split_once('_').map_or("", |(_, name)| name);
        let target = format!("{next:05}_{name}");
        std::fs::rename(folder.join(&file), folder.join(&target)).map_err(|error| {
            let message = format!("cannot rename {file} to {target}: {error}");
            let done = format!("{} files were renamed before it", renamed.len());
            let mut failure = Failure::new(Exit::Config, message, "check the folder's permissions, then run it again");
            failure.state = done;
            failure
        })?;
        renamed.push((file, target));
    }
    match console.output {
        Form::Text => renamed.iter().for_each(|(from, to)| console.data(&format!("{from} => {to}\n"))),
        Form::Json => {
            let pairs: Vec<_> = renamed.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
            console.json(&json!({ "renamed": pairs }));
        }
    }
    if renamed.is_empty() {
        console.say("fixed", "no migration is named by time");
    }
    Ok(Exit::Ok)
}
