//! One migration in one line: what it does, how it runs, what it locks, and whether it can be undone.

use super::sentence::sentence;
use super::{Ending, Material, Trace, filled};
use crate::catalog::{Catalog, Lookup, QualifiedName, Relation, RelationKind};
use crate::check::irreversible;
use crate::command::{Action, Command, Kind, LockMode, Persistence, Sections};
use crate::effect::Effect;
use crate::lint::{Steps, meaning, pass, schema_before, steps_from};
use crate::migration::{Direction, Migration, Mode};

/// How a migration is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reversal {
    /// By its Down; whether that is proven is another question.
    Down,
    /// Not at all: the reason that the file gives.
    Declared(String),
    /// Not at all, and the file does not say why.
    Missing,
}

/// One migration in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What it does, as a sentence without a full stop.
    pub does: String,
    /// Whether it runs in one transaction.
    pub mode: Mode,
    /// The strongest lock on a relation that exists, where other sessions feel it.
    pub lock: Option<(LockMode, String)>,
    /// Existing relations whose storage is written anew.
    pub rewrites: Vec<String>,
    /// Existing relations that are read in full.
    pub scans: Vec<String>,
    /// Code that it runs and whose effects no file tells: blocks, procedures, functions.
    pub code: Vec<String>,
    /// Whether a replay traced which locks it took.
    pub traced: bool,
    /// Data, or what holds data, is lost for good.
    pub destructive: bool,
    /// Existing tables, or columns of them, whose stored values are replaced by others.
    pub overwrites: Vec<String>,
    /// How it is undone.
    pub reversal: Reversal,
    /// The tables that it makes.
    pub tables: Vec<String>,
    /// What a replay showed of its Down; `None` where there was none.
    pub proven: Option<bool>,
}

impl Summary {
    /// All of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mode = match self.mode {
            Mode::Transaction => "one transaction",
            Mode::NoTransaction => "NO TRANSACTION",
        };
        let lock = self.lock.as_ref().map_or_else(
            || "no lock on an existing table that others feel".to_owned(),
            |(mode, relation)| format!("strongest lock {} on {relation} ({})", mode.sql(), meaning(*mode)),
        );
        let code = match self.code.as_slice() {
            _ if self.traced => String::new(),
            [] => String::new(),
            code => format!(", and what {} does besides", code.join(", ")),
        };
        let tables = match self.tables.as_slice() {
            [] => "no new table".to_owned(),
            [one] => format!("new table {one}"),
            several => format!("new tables {}", several.join(", ")),
        };
        [
            self.does.clone(),
            mode.to_owned(),
            format!("{lock}{code}"),
            listed("rewrites", "rewrite", &self.rewrites),
            listed("scans", "scan", &self.scans),
            self.loss(),
            self.reversible(),
            tables,
        ]
        .join(" · ")
    }

    /// What becomes of the data that is there, in words.
    fn loss(&self) -> String {
        match (self.destructive, self.overwrites.as_slice(), self.code.as_slice()) {
            (true, ..) => "LOSES DATA".to_owned(),
            (false, [], []) => "loses no data".to_owned(),
            (false, [], code) => format!("loses no data but what {} takes", code.join(", ")),
            (false, replaced, _) => format!("replaces values of {}", replaced.join(", ")),
        }
    }

    /// Whether it can be undone, in words.
    #[must_use]
    pub fn reversible(&self) -> String {
        match (&self.reversal, self.proven) {
            (Reversal::Down, Some(true)) => "reversible, proven".into(),
            (Reversal::Down, Some(false)) => "NOT REVERSIBLE: its Down was tried".into(),
            (Reversal::Down, None) => "has a Down, not proven here".into(),
            (Reversal::Declared(reason), _) => format!("irreversible: {reason}"),
            (Reversal::Missing, _) => "NOT REVERSIBLE: no Down".into(),
        }
    }
}

fn listed(verb: &str, noun: &str, relations: &[String]) -> String {
    if relations.is_empty() { format!("no {noun}") } else { format!("{verb} {}", relations.join(", ")) }
}

/// A migration of the set in short.
#[must_use]
pub fn summary(material: &Material<'_>, migration: &Migration) -> Summary {
    Context::new(material, migration).summary(material)
}

/// A migration with the schema around it and what its statements do.
pub(super) struct Context {
    pub(super) migration: Migration,
    pub(super) before: Catalog,
    pub(super) commands: Sections,
    /// As the server is asked, and without what only this migration's own relations feel.
    pub(super) steps: Steps,
    after: Catalog,
}

impl Context {
    pub(super) fn new(material: &Material<'_>, migration: &Migration) -> Self {
        let path = material.set.path_of(migration);
        let migration = filled(migration, &path, material.environment).into_owned();
        let before = schema_before(material.set, migration.version, material.settings);
        let mut after = before.clone();
        pass(&migration, &mut after);
        let mut steps = steps_from(&before, &migration, material.settings);
        for effect in &mut steps.up {
            effect.forget(|relation| is_made_by(relation, &migration, &before, &after));
        }
        let commands = Sections::of(&migration);
        Self { migration, before, commands, steps, after }
    }

    pub(super) fn effects(&self, direction: Direction) -> &[Effect] {
        match direction {
            Direction::Up => &self.steps.up,
            Direction::Down => &self.steps.down,
        }
    }

    pub(super) fn summary(&self, material: &Material<'_>) -> Summary {
        let up = &self.steps.up;
        let proof = material.proof(self.migration.version);
        let traces: Vec<&Trace> =
            proof.iter().flat_map(|proof| &proof.traces).filter(|trace| trace.direction == Direction::Up).collect();
        let exists = |name: &&String| !self.is_index(name) && !self.is_own(name);
        let known = || up.iter().flat_map(|effect| &effect.locks).map(|lock| (lock.mode, &lock.relation));
        let seen = traces
            .iter()
            .flat_map(|trace| &trace.locks)
            .map(|(relation, mode)| (*mode, relation))
            .filter(|(_, name)| exists(name));
        // Whoever waits, waits for a table: an index is named only where nothing else is known.
        let of_tables = known().filter(|(_, name)| !self.is_index(name));
        let lock = strongest(of_tables.chain(seen)).or_else(|| strongest(known()));
        let rewritten = up.iter().flat_map(|effect| &effect.rewrites).map(|touched| &touched.relation);
        let scanned = up.iter().flat_map(|effect| &effect.scans).map(|touched| &touched.relation);
        let (seen_rewritten, seen_scanned) =
            (traces.iter().flat_map(|trace| &trace.rewrites), traces.iter().flat_map(|trace| &trace.scans));
        Summary {
            does: sentence(&self.commands.up, &self.before, material.settings.majors),
            mode: self.migration.mode,
            lock,
            rewrites: names(rewritten.chain(seen_rewritten).filter(exists)),
            scans: names(scanned.chain(seen_scanned).filter(exists)),
            code: self.code(),
            traced: !traces.is_empty(),
            destructive: up.iter().any(|effect| effect.destructive && !self.is_about_own(effect)),
            overwrites: self.overwrites(),
            reversal: self.reversal(),
            tables: self.tables(),
            proven: proof.filter(|proof| proof.down != Ending::Untried).map(super::Proof::holds),
        }
    }

    fn overwrites(&self) -> Vec<String> {
        let all = self.steps.up.iter().flat_map(|effect| &effect.overwrites);
        let replaced: Vec<String> = all
            .filter(|(relation, _)| !self.is_own(relation))
            .map(|(relation, column)| column.as_ref().map_or_else(|| relation.clone(), |it| format!("{relation}.{it}")))
            .collect();
        names(replaced.iter())
    }

    /// Whether a statement is about relations that the migration itself makes, and no others.
    fn is_about_own(&self, effect: &Effect) -> bool {
        let relations = effect.objects.iter().filter(|(kind, _)| matches!(kind, Kind::Table | Kind::ForeignTable));
        let mut relations = relations.map(|(_, name)| name).peekable();
        relations.peek().is_some() && relations.all(|name| self.is_own(name))
    }

    /// Whether a relation, as effects write it, is an index: its table is told of.
    pub(super) fn is_index(&self, shown: &str) -> bool {
        let name = qualified(shown);
        let relation = self.before.relations.get(&name).or_else(|| self.after.relations.get(&name));
        relation.is_some_and(|relation| matches!(relation.kind, RelationKind::Index(_)))
    }

    /// Whether the migration itself makes it.
    pub(super) fn is_own(&self, shown: &str) -> bool {
        is_made_by(shown, &self.migration, &self.before, &self.after)
    }

    /// The blocks, procedures and functions of its own that the migration runs.
    fn code(&self) -> Vec<String> {
        let code: Vec<String> = self.commands.up.iter().flatten().flat_map(|command| self.code_of(command)).collect();
        names(code.iter())
    }

    fn code_of(&self, command: &Command) -> Vec<String> {
        match &command.action {
            Action::Do { .. } => vec!["its DO block".to_owned()],
            Action::Call { name } => vec![name.to_string()],
            Action::Opaque => vec!["a statement that is not understood".to_owned()],
            Action::Select(query) => {
                let own = query.calls.iter().filter(|call| matches!(self.after.function(call), Lookup::Known(_)));
                own.map(|call| format!("{call}()")).collect()
            }
            _ => Vec::new(),
        }
    }

    fn reversal(&self) -> Reversal {
        match irreversible(&self.migration) {
            Some(reason) => Reversal::Declared(reason),
            None if self.commands.down.is_empty() => Reversal::Missing,
            None => Reversal::Down,
        }
    }

    fn tables(&self) -> Vec<String> {
        let is_new = |(name, relation): &(&QualifiedName, &Relation)| {
            relation.is_table()
                && relation.persistence != Persistence::Temporary
                && relation.since.version == self.migration.version
                && !self.before.relations.contains_key(*name)
        };
        self.after.relations.iter().filter(is_new).map(|(name, _)| name.to_string()).collect()
    }
}

/// Whether a relation, as effects write it, is one that the migration itself makes: nobody else knows it yet.
fn is_made_by(shown: &str, migration: &Migration, before: &Catalog, after: &Catalog) -> bool {
    let name = qualified(shown);
    let made = after.relations.get(&name).is_some_and(|relation| relation.since.version == migration.version);
    made && !before.relations.contains_key(&name)
}

/// A name as effects write it.
fn qualified(shown: &str) -> QualifiedName {
    let (schema, name) = shown.split_once('.').unwrap_or(("public", shown));
    QualifiedName { schema: schema.to_owned(), name: name.to_owned() }
}

/// Each name once, in the order of first mention.
fn names<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all.filter(|name| !name.is_empty()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The strongest of locks that hold others up; of equal ones the first, which is held for the longest time.
fn strongest<'n>(locks: impl Iterator<Item = (LockMode, &'n String)>) -> Option<(LockMode, String)> {
    let felt = locks.filter(|(mode, _)| *mode >= LockMode::ShareUpdateExclusive);
    felt.fold(None, |strongest: Option<(LockMode, String)>, (mode, relation)| match strongest {
        Some((most, relation)) if most >= mode => Some((most, relation)),
        _ => Some((mode, relation.clone())),
    })
}
