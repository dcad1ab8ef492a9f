//! `inspect`: how a migration is read, statement by statement, or why goose would refuse it.

use std::path::Path;

use migrate_core::diagnostic::{Code, Diagnostic, Problem};
use migrate_core::migration::{Direction, Migration, Mode, Set, Statement, Version};
use migrate_core::parse::{Environment, Section, Substitution, split};
use migrate_core::report::{Exit, Failure};
use serde_json::{Map, Value, json};

use super::Ended;
use super::migrations::{diagnostic_json, is_error, load, parse_file};
use crate::arguments::{Form, Shared};
use crate::console::{Console, Trouble};
use crate::environment;

pub(super) fn run(shared: &Shared, embedded: &'static Set, which: Option<&str>, console: &mut Console) -> Ended {
    let environment = environment::variables();
    if let Some(file) = which.filter(|which| is_path(which)) {
        return inspect_file(Path::new(file), &environment, console);
    }
    let set = load(shared, embedded, console)?;
    let chosen: Vec<&Migration> = match which {
        None => set.migrations.iter().collect(),
        Some(version) => vec![find(&set, version)?],
    };
    let pictures: Vec<Picture> = chosen
        .into_iter()
        .map(|migration| {
            Picture::new(
                Some(migration.version),
                migration.name(),
                &set.path_of(migration),
                &migration.text,
                &environment,
            )
        })
        .collect();
    match (console.output, which) {
        (Form::Json, None) => {
            console.json(&pictures.iter().map(|picture| picture.json(&picture.problems())).collect::<Vec<_>>());
        }
        (Form::Json, Some(_)) => pictures.iter().for_each(|picture| console.json(&picture.json(&picture.problems()))),
        (Form::Text, _) => pictures.iter().for_each(|picture| console.data(&picture.text())),
    }
    let refusals: Vec<Diagnostic> = pictures.iter().flat_map(Picture::refusals).cloned().collect();
    if refusals.is_empty() { Ok(Exit::Ok) } else { Err(Trouble::Diagnostics(refusals)) }
}

fn is_path(which: &str) -> bool {
    Path::new(which).extension().is_some_and(|extension| extension == "sql")
        || which.contains('/')
        || Path::new(which).is_file()
}

fn find<'a>(set: &'a Set, which: &str) -> Result<&'a Migration, Failure> {
    let by_number = which.parse().ok().and_then(|number| set.find(Version(number)));
    by_number.or_else(|| set.migrations.iter().find(|migration| migration.name() == which)).ok_or_else(|| {
        let help = format!("give a file, a version or a name; the latest version of this set is {}", set.latest());
        Failure::new(Exit::Usage, format!("there is no migration `{}`", which.escape_debug()), help)
    })
}

fn inspect_file(path: &Path, environment: &Environment, console: &mut Console) -> Ended {
    let (parsed, text) = parse_file(path);
    let Some(text) = text else { return Err(Trouble::Diagnostics(parsed.diagnostics)) };
    let shown = path.display().to_string();
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = file.strip_suffix(".sql").unwrap_or(&file);
    let version = migrate_core::parse::version(&file).ok();
    let name = stem.split_once('_').filter(|_| version.is_some()).map_or(stem, |(_, name)| name);
    let picture = Picture::new(version, name, &shown, &text, environment);
    match console.output {
        Form::Json => console.json(&picture.json(&parsed.diagnostics)),
        Form::Text => console.data(&picture.text()),
    }
    // A file of any name may be looked at; only a folder of migrations needs versions.
    let mut diagnostics = parsed.diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.code != Code::BadName);
    if picture.refused() || diagnostics.iter().any(is_error) {
        // Values may break a file that is fine without them.
        if !diagnostics.iter().any(is_error) {
            diagnostics.extend(picture.refusals().cloned());
        }
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    Ok(Exit::Ok)
}

/// A file as goose reads it, both directions.
struct Picture {
    version: Option<Version>,
    name: String,
    up: Result<Section, Diagnostic>,
    down: Result<Section, Diagnostic>,
    text: String,
    path: String,
}

impl Picture {
    fn new(version: Option<Version>, name: &str, path: &str, text: &str, environment: &Environment) -> Self {
        let read = |direction| {
            split(text, direction, Substitution::Fill(environment))
                .map_err(|problem| Diagnostic::in_file(path, text, problem))
        };
        Self {
            version,
            name: name.to_owned(),
            up: read(Direction::Up),
            down: read(Direction::Down),
            text: text.to_owned(),
            path: path.to_owned(),
        }
    }

    fn refused(&self) -> bool {
        self.refusals().next().is_some()
    }

    fn refusals(&self) -> impl Iterator<Item = &Diagnostic> {
        [&self.up, &self.down].into_iter().filter_map(|section| section.as_ref().err())
    }

    /// What goose accepts in either section and a person can hardly mean.
    fn problems(&self) -> Vec<Diagnostic> {
        let sections = [&self.up, &self.down].into_iter().filter_map(|section| section.as_ref().ok());
        let mut problems: Vec<Problem> = Vec::new();
        for problem in sections.flat_map(|section| &section.problems) {
            if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        problems.into_iter().map(|problem| Diagnostic::in_file(&self.path, &self.text, problem)).collect()
    }

    fn mode(&self) -> Option<Mode> {
        self.up.as_ref().or(self.down.as_ref()).ok().map(|section| section.mode)
    }

    /// The documented form; with `error` where goose refuses the file, and with the direction that it can read.
    fn json(&self, diagnostics: &[Diagnostic]) -> Value {
        let mut object = Map::new();
        object.insert("version".into(), json!(self.version.map(|version| version.0)));
        object.insert("name".into(), json!(self.name));
        object.insert("mode".into(), json!(self.mode().map(Mode::word)));
        let mut errors = Vec::new();
        for (word, section) in [("up", &self.up), ("down", &self.down)] {
            match section {
                Ok(section) => {
                    let statements: Vec<_> =
                        section.statements.iter().map(|statement| self.statement(statement)).collect();
                    object.insert(word.into(), json!(statements));
                }
                Err(diagnostic) => errors.push(json!({
                    "class": diagnostic.code.entry().class,
                    "section": word,
                    "line": diagnostic.position().map(|at| at.line),
                    "message": diagnostic.message,
                })),
            }
        }
        if let Some(first) = errors.first() {
            object.insert("error".into(), first.clone());
            object.insert("errors".into(), json!(errors));
        }
        object.insert("diagnostics".into(), json!(diagnostics.iter().map(diagnostic_json).collect::<Vec<_>>()));
        Value::Object(object)
    }

    fn statement(&self, statement: &Statement) -> Value {
        json!({ "sql": statement.sql(&self.text), "line": statement.line() })
    }

    fn text(&self) -> String {
        let mode = self.mode().map_or("refused by goose", Mode::word);
        let up = self.section_text("up", &self.up);
        let down = self.section_text("down", &self.down);
        format!("{}: {mode}\n\n{up}\n{down}", self.path)
    }

    fn section_text(&self, word: &str, section: &Result<Section, Diagnostic>) -> String {
        let section = match section {
            Ok(section) => section,
            Err(diagnostic) => return format!("{word}: {diagnostic}\n"),
        };
        let count = section.statements.len();
        let mut text = format!("{word}: {count} statement{}\n", if count == 1 { "" } else { "s" });
        for statement in &section.statements {
            text.push_str(&format!("-- line {}\n{}\n", statement.line(), statement.sql(&self.text)));
        }
        text
    }
}
