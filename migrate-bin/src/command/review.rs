//! `review`: what a branch does to the migrations, as a comment for a pull request, as pictures, and for machines.

mod form;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use migrate_core::apply::Stop;
use migrate_core::diagnostic::{self, Code, Diagnostic, Severity, any_error};
use migrate_core::flight::{Bookkeeping, Terms};
use migrate_core::history::History;
use migrate_core::lint::Settings;
use migrate_core::migration::{Migration, Set, Version};
use migrate_core::parse::{Environment, Folder, read_folder};
use migrate_core::plan::OwnTransactions;
use migrate_core::report::{Exit, Failure};
use migrate_core::review::{Base, Letter, Material, Proof, comment, compare, is_new, picture};
use migrate_core::step::token_digest;
use migrate_core::verdict::{self, Scope, Verdict, of_folder};
use migrate_core::verify::{Base as Ground, Round, Task};

use super::database::table;
use super::migrations::folder;
use super::plan::ANY_RUN;
use super::settings::{settings, shown, start};
use super::{Ended, base, lint, verify};
use crate::arguments::{DataForm, ReviewArguments, Shared};
use crate::console::Console;
use crate::environment;
use crate::scratch::ScratchServer;
use crate::trouble::Trouble;

/// What was asked for on the command line.
pub(super) struct Request<'a> {
    pub(super) options: &'a ReviewArguments,
    pub(super) stop: Stop,
}

pub(super) async fn run(shared: &Shared, embedded: &Set, request: Request<'_>, console: &mut Console) -> Ended {
    let Request { options, stop } = request;
    let mut review = Review::new(shared, embedded, options)?;
    if options.verify {
        review.proofs = Box::pin(prove(shared, &review, stop, console)).await?;
    }
    let told = review.told();
    match shared.output {
        DataForm::Text | DataForm::Junit => tell(&review, &told, console),
        DataForm::Json => console.json(&form::json(&told)),
        DataForm::Sarif => console.json(&lint::form::sarif(&review.verdict)),
        DataForm::Github => console.data(&lint::form::github(&review.verdict)),
        DataForm::Markdown => console.data(&comment(&told.letter())),
    }
    if let Some(dir) = &options.write {
        write(dir, &review, &told)?;
        console.say("written", &format!("the review is in {}", dir.display()));
    }
    console.say("reviewed", &summary(&review, &told));
    Ok(if review.refuses() { Exit::InvalidMigrations } else { Exit::Ok })
}

/// Everything that is known of the branch.
struct Review {
    base: Option<Base>,
    /// With what the branch did to the base's migrations among its problems.
    verdict: Verdict,
    settings: Settings,
    bookkeeping: Bookkeeping,
    environment: Environment,
    proofs: Vec<Proof>,
}

/// The same, sorted for its readers.
struct Told<'a> {
    review: &'a Review,
    new: Vec<&'a Migration>,
    alarms: Vec<Diagnostic>,
    problems: Vec<Diagnostic>,
}

impl Review {
    fn new(shared: &Shared, embedded: &Set, options: &ReviewArguments) -> Result<Self, Trouble> {
        let dir = start(&folder(shared, embedded));
        let shown = shown(&dir);
        let base = options.base.as_ref().map(|revision| base::read(revision, &dir)).transpose()?;
        let files = read_folder(&dir, &shown);
        let config = settings(shared, embedded)?;
        let lint_settings = config.as_ref().map(Settings::from_config).unwrap_or_default();
        let scope = Scope { base: base.as_ref().map(|base| history(&files, base)), ..Scope::default() };
        let request = verdict::Request {
            config,
            scope,
            today: Some(environment::today()),
            dialect: shared.envsub,
            values: environment::variables(),
        };
        let mut verdict = of_folder(&dir, &shown, request);
        if let Some(base) = &base {
            compare_into(&mut verdict, &files, base);
        }
        let table = table(shared)?;
        let tables = table.in_schema(table.schema().unwrap_or("public"));
        // What a folder records when it is applied, or what this program does.
        let release = if shared.dir.is_some() { &verdict.set.release } else { &embedded.release }.clone().into_owned();
        let bookkeeping = Bookkeeping { tables, release, run: ANY_RUN.to_owned(), terms: Terms::default() };
        let environment = environment::variables();
        Ok(Self { base, verdict, settings: lint_settings, bookkeeping, environment, proofs: Vec::new() })
    }

    fn told(&self) -> Told<'_> {
        let set = &self.verdict.set;
        let is_new = |migration: &&Migration| match &self.base {
            Some(base) => is_new(&migration.file, Some(&migration.text), base) && !self.is_known(migration),
            None => self.verdict.versions.contains(&migration.version),
        };
        let new = set.migrations.iter().filter(is_new).collect();
        let (alarms, problems) = self.verdict.diagnostics.iter().cloned().partition(|problem| is_alarm(problem.code));
        Told { review: self, new, alarms, problems }
    }

    /// Whether the base has the version under another name.
    fn is_known(&self, migration: &Migration) -> bool {
        let path = self.verdict.set.path_of(migration);
        let mut alarms = self.verdict.diagnostics.iter().filter(|problem| problem.path == path);
        alarms.any(|alarm| matches!(alarm.code, Code::BaseFileRenamed | Code::BaseFileEdited))
    }

    fn refuses(&self) -> bool {
        self.verdict.refuses() || self.proofs.iter().any(|proof| !proof.holds())
    }
}

impl Told<'_> {
    fn material(&self) -> Material<'_> {
        let Review { verdict, settings, bookkeeping, environment, proofs, .. } = self.review;
        let Verdict { set, findings, allows, .. } = verdict;
        Material { set, settings, bookkeeping, environment, findings, allows, proofs }
    }

    fn letter(&self) -> Letter<'_> {
        let revision = self.review.base.as_ref().map(|base| base.revision.as_str());
        Letter { material: self.material(), revision, new: &self.new, alarms: &self.alarms, problems: &self.problems }
    }
}

/// Proves the new migrations; the older ones are only applied. Files that cannot be read prove nothing.
async fn prove(shared: &Shared, review: &Review, stop: Stop, console: &mut Console) -> Result<Vec<Proof>, Failure> {
    let Some(from) = review.told().new.first().map(|migration| migration.version) else { return Ok(Vec::new()) };
    if any_error(&review.told().problems) {
        console.warn("unproven", "nothing is proven while there are errors in the files");
        return Ok(Vec::new());
    }
    let task = Task {
        set: &review.verdict.set,
        table: table(shared)?,
        environment: &review.environment,
        own_transactions: OwnTransactions::Refused,
        from,
        tracing: true,
        stop,
    };
    let server = ScratchServer::find(shared)?;
    verify::refuse_shared(&server, &History::default(), &task)?;
    let rounds = verify::rounds(&server, &Ground::Empty, &task, console).await?;
    let new: BTreeSet<Version> = review.told().new.iter().map(|migration| migration.version).collect();
    Ok(rounds.iter().filter(|round| new.contains(&round.version)).map(Round::proof).collect())
}

/// The files that the rules pass over: those of the base with the same SQL, and what has landed there meanwhile.
fn history(files: &Folder, base: &Base) -> BTreeSet<String> {
    let is_history = |file: &str, text: &str| match base.fork.get(file) {
        Some(known) => token_digest(known) == token_digest(text),
        None => !is_new(file, Some(text), base),
    };
    let sources = files.sources.iter().filter_map(|source| Some((source.file.as_str(), source.text.as_deref().ok()?)));
    sources.filter(|(file, text)| is_history(file, text)).map(|(file, _)| file.to_owned()).collect()
}

/// Adds what the branch did to the base's migrations. What a lock or a rule says of the same cause is left out.
fn compare_into(verdict: &mut Verdict, files: &Folder, base: &Base) {
    let alarms = compare(files, base);
    let is_told = |path: &str| alarms.iter().any(|alarm| alarm.path == path);
    verdict.diagnostics.retain(|problem| {
        !(matches!(problem.code, Code::LockedFileChanged | Code::VersionBelowLock) && is_told(&problem.path))
    });
    verdict.findings.retain(|finding| finding.name != "out-of-order-version");
    verdict.diagnostics.extend(alarms);
    diagnostic::sort(&mut verdict.diagnostics);
}

/// Whether a code is about what the base has.
fn is_alarm(code: Code) -> bool {
    code.entry().id.starts_with('H')
}

fn tell(review: &Review, told: &Told<'_>, console: &mut Console) {
    lint::tell(&review.verdict, console);
    let material = told.material();
    for migration in &told.new {
        console.data(&format!("{}\n", picture(&material, migration)));
    }
}

/// How it went in one sentence.
fn summary(review: &Review, told: &Told<'_>) -> String {
    let severities = review.verdict.findings.iter().map(|finding| finding.severity);
    let severities = severities.chain(review.verdict.diagnostics.iter().map(Diagnostic::severity));
    let errors = severities.clone().filter(|severity| *severity == Severity::Error).count()
        + review.proofs.iter().filter(|proof| !proof.holds()).count();
    let warnings = severities.filter(|severity| *severity == Severity::Warning).count();
    let number = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let new = number(told.new.len(), "new migration");
    format!("{new}: {}, {}", number(errors, "error"), number(warnings, "warning"))
}

/// The comment, what goes beside it, and a picture of each new migration.
fn write(dir: &Path, review: &Review, told: &Told<'_>) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| unwritten(dir, &error))?;
    put(&dir.join("comment.md"), &comment(&told.letter()))?;
    put(&dir.join("review.sarif"), &lint::form::sarif(&review.verdict).to_string())?;
    put(&dir.join("review.json"), &form::json(told).to_string())?;
    let material = told.material();
    told.new.iter().try_for_each(|migration| put(&picture_path(dir, migration), &picture(&material, migration)))
}

fn picture_path(dir: &Path, migration: &Migration) -> PathBuf {
    dir.join(format!("{}.txt", migration.file.strip_suffix(".sql").unwrap_or(&migration.file)))
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    Failure::new(Exit::Config, message, "name a folder that can be written with `--write`")
}
