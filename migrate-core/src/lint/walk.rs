//! The walk through the history: the catalog before and after each command, and the rules at those that are judged.

use super::allow::{self, ActiveAllow};
use super::subject::statements;
use super::transaction;
use super::{Check, File, Finding, Findings, RULES, Rule, Settings, Subject, Transaction};
use super::{already_exists, down_not_runnable, unknown_object};
use crate::catalog::{Catalog, Place};
use crate::command::{Command, Sections, read_set};
use crate::diagnostic::Severity;
use crate::effect::{Effect, effect};
use crate::migration::{Body, Direction, Migration, Mode, Set};
use crate::parallel;
use crate::text::saturate;

/// What the rules say about a set, and what its files allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Findings, by version and place.
    pub findings: Vec<Finding>,
    /// Every well-formed `migrate:allow` of every file, judged or not.
    pub allows: Vec<ActiveAllow>,
}

/// What the rules find in the judged migrations of a set.
#[must_use]
pub fn lint(set: &Set, settings: &Settings) -> Vec<Finding> {
    review(set, settings).findings
}

/// What the rules find in the judged migrations of a set, and what all of its files allow.
#[must_use]
pub fn review(set: &Set, settings: &Settings) -> Review {
    review_commands(set, &read_set(set), settings)
}

/// The same, where the commands of each migration have been read already.
#[must_use]
pub fn review_commands(set: &Set, commands: &[Sections], settings: &Settings) -> Review {
    let active = RULES.iter().filter_map(|rule| Some((*rule, settings.level(rule)?))).collect();
    let walk = Walk { set, settings, active };
    let mut catalog = Catalog::new(settings.external.clone());
    let mut moments = Vec::new();
    for (migration, commands) in set.migrations.iter().zip(commands) {
        moments.push((migration, commands, catalog.clone()));
        pass(migration, commands, &mut catalog);
    }
    // The schema before each is known: in which order they are looked at does not matter.
    let reviews = parallel::map(&moments, |(migration, commands, before)| walk.review(migration, commands, before));
    reviews.into_iter().fold(Review::default(), |mut whole, one| {
        whole.findings.extend(one.findings);
        whole.allows.extend(one.allows);
        whole
    })
}

/// Folds Up of a migration that is history.
pub(super) fn pass(migration: &Migration, commands: &Sections, catalog: &mut Catalog) {
    cloud_deferred(migration, catalog);
    for (index, commands) in commands.up.iter().enumerate() {
        for command in commands {
            catalog.apply(command, place(migration, Direction::Up, index, command));
        }
    }
    catalog.end_of_transaction();
}

/// A file whose text is only known when it runs may make anything.
pub(super) fn cloud_deferred(migration: &Migration, catalog: &mut Catalog) {
    if matches!(migration.body, Body::Deferred(_)) {
        let place = Place { version: migration.version, line: 1, direction: Direction::Up, statement: 0 };
        catalog.clouded = catalog.clouded.or(Some(place));
    }
}

/// Where a command stands.
pub(super) fn place(migration: &Migration, direction: Direction, index: usize, command: &Command) -> Place {
    let line = statements(migration, direction).get(index).map_or(1, |statement| {
        let before = statement.sql(&migration.text).get(..command.span.start as usize).unwrap_or_default();
        statement.line() + saturate(before.matches('\n').count())
    });
    Place { version: migration.version, line, direction, statement: saturate(index) }
}

/// The rules that say that a server refuses the command.
static FAILS: [&Rule; 2] = [&unknown_object::RULE, &already_exists::RULE];

struct Walk<'a> {
    set: &'a Set,
    settings: &'a Settings,
    active: Vec<(&'static Rule, Severity)>,
}

/// The commands of a section, each with the number of its statement.
struct Section<'a> {
    migration: &'a Migration,
    direction: Direction,
    list: Vec<(usize, Command)>,
}

impl<'a> Section<'a> {
    fn of(migration: &'a Migration, commands: &Sections, direction: Direction) -> Self {
        let numbered = commands.of_direction(direction).iter().enumerate();
        let list = numbered.flat_map(|(index, commands)| commands.iter().map(move |c| (index, c.clone()))).collect();
        Self { migration, direction, list }
    }

    /// The commands of the statement that a command belongs to.
    fn statement_of(&self, at: usize) -> &[(usize, Command)] {
        let is_other = |(index, _): &(usize, Command)| Some(*index) != self.list.get(at).map(|(index, _)| *index);
        let (before, behind) = self.list.split_at(at.min(self.list.len()));
        let start = before.iter().rposition(is_other).map_or(0, |other| other + 1);
        let end = behind.iter().position(is_other).map_or(self.list.len(), |other| at + other);
        self.list.get(start..end).unwrap_or_default()
    }
}

impl Walk<'_> {
    /// What the rules say about one migration, as far as its own comments do not answer for it.
    fn review(&self, migration: &Migration, commands: &Sections, before: &Catalog) -> Review {
        let (set, settings) = (self.set, self.settings);
        let judged = settings.judges(migration);
        let mut findings = if judged { self.judge(migration, commands, before) } else { Vec::new() };
        let mut allows = allow::read_file(migration);
        allow::filter(&mut allows, &mut findings, set, settings);
        if judged {
            findings.extend(allow::complaints(&allows, migration, set, settings));
        }
        findings.sort_by_key(|finding| (finding.span.start, finding.rule));
        let allows = allows.iter().filter_map(|allow| allow.active(migration, set)).collect();
        Review { findings, allows }
    }

    /// Judges Up and Down of a migration that meets the schema `before`.
    fn judge(&self, migration: &Migration, commands: &Sections, before: &Catalog) -> Vec<Finding> {
        let mut findings = Vec::new();
        let found = &mut findings;
        let mut start = before.clone();
        cloud_deferred(migration, &mut start);
        let mut after_up = start.clone();
        let up = Section::of(migration, commands, Direction::Up);
        self.section(&up, &start, &mut after_up, found);
        let up_fails = found.iter().any(|finding| FAILS.iter().any(|rule| rule.id == finding.rule));
        let down = Section::of(migration, commands, Direction::Down);
        let mut after_down = after_up.clone();
        self.section(&down, &after_up, &mut after_down, found);
        if up_fails {
            // What Up leaves is not known then, and Down would be blamed for the same slip.
            found.retain(|finding| finding.rule != down_not_runnable::RULE.id);
        }
        let file = File {
            set: self.set,
            migration,
            up: &up.list,
            down: &down.list,
            before: &start,
            after_up: &after_up,
            after_down: &after_down,
            majors: self.settings.majors,
            settings: self.settings,
        };
        for (rule, severity) in &self.active {
            if let Check::File(check) = rule.check {
                check(&file, &mut self.findings((rule, *severity), migration, None, found));
            }
        }
        findings
    }

    /// Judges a section from the schema `start`; `after` is that schema and becomes the one behind the section.
    fn section(&self, section: &Section<'_>, start: &Catalog, after: &mut Catalog, found: &mut Vec<Finding>) {
        let mut before = start.clone();
        let mut transaction = Transaction::default();
        let mut statement = None;
        for (at, (index, command)) in section.list.iter().enumerate() {
            let is_next = statement.replace(*index) != Some(*index);
            if is_next && section.migration.mode == Mode::NoTransaction && !transaction.open {
                transaction = Transaction::default();
            }
            let place = place(section.migration, section.direction, *index, command);
            let effect = effect(command, &before, self.settings.majors);
            after.apply(command, place);
            let moment = Moment { index: *index, at, start, before: &before, after, effect: &effect };
            self.command(section, &moment, &transaction, found);
            transaction::advance(&mut transaction, command, &effect, (&before, after), (place, section.migration));
            before = after.clone();
        }
        after.end_of_transaction();
    }

    fn command(&self, section: &Section<'_>, moment: &Moment<'_>, transaction: &Transaction, found: &mut Vec<Finding>) {
        let statement = statements(section.migration, section.direction).get(moment.index);
        let (Some(statement), Some((_, command))) = (statement, section.list.get(moment.at)) else { return };
        let subject = Subject {
            set: self.set,
            migration: section.migration,
            direction: section.direction,
            statement,
            index: moment.index,
            commands: section.statement_of(moment.at),
            command,
            section: &section.list,
            at: moment.at,
            before: moment.before,
            after: moment.after,
            start: moment.start,
            effect: moment.effect,
            transaction,
            majors: self.settings.majors,
            roles: &self.settings.roles,
            settings: self.settings,
        };
        for (rule, severity) in &self.active {
            if let Check::Command(check) = rule.check
                && (rule.down || section.direction == Direction::Up)
            {
                check(&subject, &mut self.findings((rule, *severity), section.migration, Some(&subject), found));
            }
        }
    }

    fn findings<'b>(
        &'b self,
        (rule, severity): (&'static Rule, Severity),
        migration: &'b Migration,
        subject: Option<&'b Subject<'b>>,
        found: &'b mut Vec<Finding>,
    ) -> Findings<'b> {
        Findings { rule, severity, set: self.set, migration, subject, found }
    }
}

/// One command of a section in its surroundings.
struct Moment<'a> {
    index: usize,
    at: usize,
    start: &'a Catalog,
    before: &'a Catalog,
    after: &'a Catalog,
    effect: &'a Effect,
}
