//! `lint`: what a person should know before the migrations are deployed, for people and for machines.

pub(super) mod form;

use std::path::Path;
use std::time::Duration;

use migrate_core::diagnostic::{Diagnostic, Severity};
use migrate_core::lock;
use migrate_core::migration::{Set, Version};
use migrate_core::parse::read_folder;
use migrate_core::report::{Exit, Failure};
use migrate_core::verdict::{Request, Scope, Verdict, of_folder, of_set};

use super::migrations::{folder, fresh};
use super::settings::{settings, start};
use super::{Ended, base};
use crate::arguments::{DataForm, LintArguments, Shared};
use crate::console::Console;
use crate::environment;
use crate::trouble::Trouble;

/// How soon a change is seen.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(super) fn run(shared: &Shared, embedded: &Set, options: &LintArguments, console: &mut Console) -> Ended {
    if options.watch { watch(shared, embedded, options, console) } else { once(shared, embedded, options, console) }
}

/// Judges again whenever what is judged has changed, until a signal ends it.
fn watch(shared: &Shared, embedded: &Set, options: &LintArguments, console: &mut Console) -> Ended {
    let Some(dir) = &shared.dir else {
        let help = "name their folder with `--dir`";
        return Err(Failure::new(Exit::Usage, "the migrations that are built in do not change", help).into());
    };
    let mut judged = None;
    loop {
        let now = state(shared, embedded, dir)?;
        if judged.as_ref() != Some(&now) {
            once(shared, embedded, options, console)?;
            console.say("watching", &format!("{}; Ctrl-C ends it", dir.display()));
            judged = Some(now);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// All that a verdict is made of: the files, the lock and the settings.
fn state(shared: &Shared, embedded: &Set, dir: &Path) -> Result<String, Trouble> {
    let (folder, settings) = (start(dir), settings(shared, embedded)?);
    let shown = folder.display().to_string();
    Ok(format!("{:?} {:?} {settings:?}", read_folder(&folder, &shown), lock::read(&folder, &shown)))
}

fn once(shared: &Shared, embedded: &Set, options: &LintArguments, console: &mut Console) -> Ended {
    let verdict = judge(shared, embedded, options)?;
    match shared.output {
        DataForm::Text | DataForm::Markdown => tell(&verdict, console),
        DataForm::Json => console.json(&form::json(&verdict)),
        DataForm::Sarif => console.json(&form::sarif(&verdict)),
        // `junit` is refused before.
        DataForm::Github | DataForm::Junit => console.data(&form::github(&verdict)),
    }
    let (summary, hint) = summary(&verdict);
    console.say("linted", &summary);
    if let Some(hint) = hint {
        console.say("hint", &hint);
    }
    Ok(if verdict.refuses() { Exit::InvalidMigrations } else { Exit::Ok })
}

fn judge(shared: &Shared, embedded: &Set, options: &LintArguments) -> Result<Verdict, Trouble> {
    let config = settings(shared, embedded)?;
    let scope = scope(shared, embedded, options)?;
    let request = Request {
        config,
        scope,
        today: Some(environment::today()),
        dialect: shared.envsub,
        values: environment::variables(),
    };
    let Some(dir) = &shared.dir else {
        fresh(embedded)?;
        // The build has obeyed the lock; here it only says what is history.
        let lock = lock::read(&folder(shared, embedded), &embedded.origin.shown).ok().flatten();
        return Ok(of_set(embedded.clone(), lock, request));
    };
    let folder = start(dir);
    let mut verdict = of_folder(&folder, &folder.display().to_string(), request);
    if dir.is_file() {
        let shown = dir.display().to_string();
        verdict.diagnostics.retain(|diagnostic| diagnostic.path == shown);
    }
    Ok(verdict)
}

/// Which migrations the options choose.
fn scope(shared: &Shared, embedded: &Set, options: &LintArguments) -> Result<Scope, Failure> {
    let dir = start(&folder(shared, embedded));
    let base = options.since.as_ref().map(|revision| base::unchanged_since(revision, &dir)).transpose()?;
    let file = shared.dir.as_ref().filter(|dir| dir.is_file()).and_then(|file| file.file_name());
    let only = file.map(|file| file.to_string_lossy().into_owned());
    Ok(Scope { first: options.judge_from.map(Version), base, only })
}

/// The findings are the data of this command, so they go to stdout.
pub(super) fn tell(verdict: &Verdict, console: &mut Console) {
    let color = console.colors_data();
    for diagnostic in &verdict.diagnostics {
        console.data(&format!("{}\n\n", diagnostic.render(color)));
    }
    for finding in &verdict.findings {
        console.data(&format!("{}\n\n", finding.render(color)));
    }
}

/// How it went in one sentence, and what to do where that is surprising.
fn summary(verdict: &Verdict) -> (String, Option<String>) {
    let count = |wanted| {
        let found = verdict.findings.iter().map(|finding| finding.severity);
        found.chain(verdict.diagnostics.iter().map(Diagnostic::severity)).filter(|severity| *severity == wanted).count()
    };
    let number = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let (all, judged) = (verdict.set.migrations.len(), verdict.judged);
    let (errors, warnings) = (number(count(Severity::Error), "error"), number(count(Severity::Warning), "warning"));
    let text = format!("{judged} of {} judged: {errors}, {warnings}", number(all, "migration"));
    let hint = (judged == 0 && all > 0 && !verdict.refuses()).then(|| {
        "all of them are history, by `judge-from`, the lock or `--since`; `--judge-from VERSION` judges from there on"
            .to_owned()
    });
    (text, hint)
}
