//! A file as goose reads it, both directions, and what its statements do.

use std::borrow::Cow;

use migrate_core::catalog::Catalog;
use migrate_core::diagnostic::{Diagnostic, Problem};
use migrate_core::lint::{Settings, Steps, schema_before, steps_from};
use migrate_core::migration::{Body, Dialect, Digest, Direction, Migration, Mode, Set, Statement, Version};
use migrate_core::parse::{Environment, Section, Substitution, split};
use serde_json::{Map, Value, json};

use super::step;
use crate::command::migrations::diagnostic_json;

/// A file as goose reads it.
pub(super) struct Picture {
    pub(super) version: Option<Version>,
    pub(super) name: String,
    pub(super) path: String,
    text: String,
    up: Result<Section, Diagnostic>,
    down: Result<Section, Diagnostic>,
    steps: Steps,
}

/// What the lines under ENVSUB ON are filled in with.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) environment: &'a Environment,
    /// The language that is named.
    pub(super) dialect: Option<Dialect>,
}

impl Picture {
    /// Reads a file's text, with the values of its variables.
    pub(super) fn new(file: &str, path: String, text: &str, values: Values<'_>) -> Self {
        let read = |direction| {
            split(text, direction, Substitution::Fill(values.environment, values.dialect))
                .map_err(|problem| Diagnostic::in_file(path.as_str(), text, problem))
        };
        let (up, down) = (read(Direction::Up), read(Direction::Down));
        let stem = file.strip_suffix(".sql").unwrap_or(file);
        let version = migrate_core::parse::version(file).ok();
        let name = stem.split_once('_').filter(|_| version.is_some()).map_or(stem, |(_, name)| name);
        let name = name.to_owned();
        Self { version, name, path, text: text.to_owned(), up, down, steps: Steps::default() }
    }

    /// Looks at the statements from the schema that they meet: what the versions below made, or, where there are none,
    /// a database of which nothing is known.
    pub(super) fn step_from(mut self, history: &Set, settings: &Settings) -> Self {
        let version = self.version.unwrap_or(Version::ZERO);
        let is_alone = !history.migrations.iter().any(|migration| migration.version < version);
        let before = if is_alone {
            Catalog::unknown(settings.external.clone())
        } else {
            schema_before(history, version, settings)
        };
        self.steps = steps_from(&before, &self.migration(), settings);
        self
    }

    /// The same from a schema that is known.
    pub(super) fn step_after(mut self, before: &Catalog, settings: &Settings) -> Self {
        self.steps = steps_from(before, &self.migration(), settings);
        self
    }

    /// The statements of both directions, values filled in; none of a direction that goose refuses.
    pub(super) fn migration(&self) -> Migration {
        let statements = |section: &Result<Section, Diagnostic>| {
            Cow::Owned(section.as_ref().map_or_else(|_| Vec::new(), |section| section.statements.clone()))
        };
        Migration {
            version: self.version.unwrap_or(Version::ZERO),
            file: Cow::Owned(self.path.clone()),
            text: Cow::Owned(self.text.clone()),
            mode: self.mode().unwrap_or(Mode::Transaction),
            body: Body::Split { up: statements(&self.up), down: statements(&self.down) },
            digest: Digest::of_text(&self.text),
        }
    }

    pub(super) fn refused(&self) -> bool {
        self.refusals().next().is_some()
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = &Diagnostic> {
        [&self.up, &self.down].into_iter().filter_map(|section| section.as_ref().err())
    }

    /// What goose accepts in either section and a person can hardly mean.
    pub(super) fn problems(&self) -> Vec<Diagnostic> {
        let sections = [&self.up, &self.down].into_iter().filter_map(|section| section.as_ref().ok());
        let mut problems: Vec<Problem> = Vec::new();
        for problem in sections.flat_map(|section| &section.problems) {
            if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        problems.into_iter().map(|problem| Diagnostic::in_file(self.path.as_str(), &self.text, problem)).collect()
    }

    fn mode(&self) -> Option<Mode> {
        self.up.as_ref().or(self.down.as_ref()).ok().map(|section| section.mode)
    }

    /// The documented form; with `error` where goose refuses the file, and with the direction that it can read.
    pub(super) fn json(&self, diagnostics: &[Diagnostic]) -> Value {
        let mut object = Map::new();
        object.insert("version".into(), json!(self.version.map(|version| version.0)));
        object.insert("name".into(), json!(self.name));
        object.insert("mode".into(), json!(self.mode().map(Mode::word)));
        let mut errors = Vec::new();
        for (direction, section) in [(Direction::Up, &self.up), (Direction::Down, &self.down)] {
            match section {
                Ok(section) => {
                    let numbered = section.statements.iter().enumerate();
                    let statements: Vec<_> =
                        numbered.map(|(at, statement)| self.statement(direction, at, statement)).collect();
                    object.insert(direction.word().into(), json!(statements));
                }
                Err(diagnostic) => errors.push(json!({
                    "class": diagnostic.code.entry().class,
                    "section": direction.word(),
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

    fn statement(&self, direction: Direction, at: usize, statement: &Statement) -> Value {
        let step = self.effects(direction).get(at).map(step::json);
        json!({ "sql": statement.sql(&self.text), "line": statement.line(), "step": step })
    }

    fn effects(&self, direction: Direction) -> &[migrate_core::effect::Effect] {
        match direction {
            Direction::Up => &self.steps.up,
            Direction::Down => &self.steps.down,
        }
    }

    pub(super) fn text(&self, settings: &Settings) -> String {
        let mode = self.mode().map_or("refused by goose", Mode::word);
        let up = self.section_text(Direction::Up, &self.up, settings);
        let down = self.section_text(Direction::Down, &self.down, settings);
        format!("{}: {mode}\n\n{up}\n{down}", self.path)
    }

    fn section_text(&self, direction: Direction, section: &Result<Section, Diagnostic>, settings: &Settings) -> String {
        let word = direction.word();
        let section = match section {
            Ok(section) => section,
            Err(diagnostic) => return format!("{word}: {diagnostic}\n"),
        };
        let count = section.statements.len();
        let mut text = format!("{word}: {count} statement{}\n", if count == 1 { "" } else { "s" });
        for (at, statement) in section.statements.iter().enumerate() {
            let step = self.effects(direction).get(at);
            let step = step.map_or_else(String::new, |step| step::text(step, settings.majors));
            text.push_str(&format!("-- line {}\n{step}{}\n", statement.line(), statement.sql(&self.text)));
        }
        text
    }
}
