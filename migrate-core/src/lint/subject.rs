//! What a rule looks at: one command with everything known about it.

use super::transaction::qualified;
use super::{Settings, Transaction};
use crate::catalog::{Catalog, Lookup, Place, QualifiedName, Relation};
use crate::command::{Action, AlterTable, Command, Name, Persistence, TableChange, Where};
use crate::effect::{Effect, Majors, effect};
use crate::migration::{Body, Direction, Migration, Mode, Set, Statement};
use crate::text::{Span, saturate};

/// One command of a judged migration.
pub struct Subject<'a> {
    /// The whole set.
    pub set: &'a Set,
    /// The migration.
    pub migration: &'a Migration,
    /// Up or Down.
    pub direction: Direction,
    /// The goose statement.
    pub statement: &'a Statement,
    /// Its number in the section, from 0.
    pub index: usize,
    /// All commands of the goose statement (several make an implicit transaction), with its number.
    pub commands: &'a [(usize, Command)],
    /// The command to look at.
    pub command: &'a Command,
    /// All commands of the section, in order, with their statement's number: for rules about what follows.
    pub section: &'a [(usize, Command)],
    /// Where the command stands in `section`.
    pub at: usize,
    /// The schema before the command.
    pub before: &'a Catalog,
    /// The schema after it.
    pub after: &'a Catalog,
    /// The schema before the section's first command.
    pub start: &'a Catalog,
    /// What it does.
    pub effect: &'a Effect,
    /// What the transaction did before it.
    pub transaction: &'a Transaction,
    /// The versions of PostgreSQL to hold for.
    pub majors: Majors,
    /// The roles of the configuration.
    pub roles: &'a [String],
    /// Everything else that the configuration says.
    pub settings: &'a Settings,
}

/// A judged migration as a whole, for rules that compare its sections.
pub struct File<'a> {
    /// The whole set.
    pub set: &'a Set,
    /// The migration.
    pub migration: &'a Migration,
    /// All commands of Up with their statement's number; empty for a file whose text is only known when it runs.
    pub up: &'a [(usize, Command)],
    /// All commands of Down.
    pub down: &'a [(usize, Command)],
    /// The schema before Up.
    pub before: &'a Catalog,
    /// The schema after Up.
    pub after_up: &'a Catalog,
    /// The schema after Up and then Down.
    pub after_down: &'a Catalog,
    /// The versions of PostgreSQL to hold for.
    pub majors: Majors,
    /// Everything that the configuration says.
    pub settings: &'a Settings,
}

impl Subject<'_> {
    /// Whether the command runs in a transaction of its file: goose's, or one that the file began itself.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.migration.mode == Mode::Transaction || self.transaction.open
    }

    /// What one change of an `ALTER TABLE` does by itself.
    #[must_use]
    pub fn effect_of(&self, alter: &AlterTable, change: &(Where, TableChange)) -> Effect {
        let AlterTable { kind, name, if_exists, only, .. } = alter;
        let changes = vec![change.clone()];
        let alone = AlterTable { kind: *kind, name: name.clone(), if_exists: *if_exists, only: *only, changes };
        let command = Command { span: self.command.span, action: Action::AlterTable(Box::new(alone)) };
        effect(&command, self.before, self.majors)
    }

    /// The relation as messages write it: qualified when it is not in `public`.
    #[must_use]
    pub fn shown(&self, name: &Name) -> String {
        self.relation(name).map_or_else(|| name.to_string(), |(name, _)| name.to_string())
    }

    /// The SQL of the goose statement, which all spans of its commands are about.
    #[must_use]
    pub fn sql(&self) -> &str {
        self.statement.sql(&self.migration.text)
    }

    /// The end of a span, from the last mention of a keyword on; all of it where the keyword is not found.
    #[must_use]
    pub fn from_word(&self, span: Span, word: &str) -> Span {
        let text = span.of(self.sql()).to_ascii_lowercase();
        text.rfind(word).map_or(span, |at| Span::new(span.start + saturate(at), span.end))
    }

    /// The relation of this name before the command, when the migrations made it.
    #[must_use]
    pub fn relation(&self, name: &Name) -> Option<(&QualifiedName, &Relation)> {
        self.before.relation(name).known()
    }

    /// Whether others may use the relation: it is in databases already (or may be) and is not temporary.
    #[must_use]
    pub fn is_existing(&self, name: &Name) -> bool {
        match self.before.relation(name) {
            Lookup::Known((_, relation)) => {
                relation.persistence != Persistence::Temporary && !self.is_new_since(relation.since)
            }
            Lookup::Unknown => true,
            Lookup::Absent => false,
        }
    }

    /// Whether a command that goes down to partitions and children meets rows that others may use: of the relation itself, or
    /// of one below it that is in databases already.
    #[must_use]
    pub fn has_existing_rows(&self, name: &Name) -> bool {
        let is_existing = |child: &QualifiedName| {
            let known = self.before.relations.get(child);
            known.is_some_and(|it| it.persistence != Persistence::Temporary && !self.is_new_since(it.since))
        };
        let below = self.relation(name).map(|(table, _)| self.before.children_of(table)).unwrap_or_default();
        self.is_existing(name) || below.into_iter().any(is_existing)
    }

    /// Whether the transaction has truncated the table: whatever goes through it afterwards is done at once.
    #[must_use]
    pub fn is_emptied(&self, name: &Name) -> bool {
        self.transaction.emptied.contains(&self.shown(name))
    }

    /// Whether a relation, as effects write it, is in no database yet.
    #[must_use]
    pub fn is_new_relation(&self, shown: &str) -> bool {
        let known = self.before.relations.get(&qualified(shown));
        known.is_some_and(|relation| self.is_new_since(relation.since))
    }

    /// Whether what was made at a place is in no database yet: this section made it, or an earlier file that the base
    /// revision of the repository does not have.
    #[must_use]
    pub fn is_new_since(&self, place: Place) -> bool {
        let in_batch = self.direction == Direction::Up && place.direction == Direction::Up;
        self.is_of_this_section(place) || (in_batch && self.settings.is_undeployed(place.version))
    }

    /// Whether a place is in the section that is judged.
    #[must_use]
    pub fn is_of_this_section(&self, place: Place) -> bool {
        place.version == self.migration.version && place.direction == self.direction
    }

    /// A span of the statement's SQL as a span of the file.
    #[must_use]
    pub fn in_file(&self, span: Span) -> Span {
        in_file(self.statement, &self.migration.text, span)
    }

    /// A place as people read it: `00004_clients.sql:9`.
    #[must_use]
    pub fn describe(&self, place: Place) -> String {
        let file = self.set.find(place.version).map_or("?", |migration| &migration.file);
        format!("{file}:{}", place.line)
    }
}

impl File<'_> {
    /// A span of a statement's SQL as a span of the file.
    #[must_use]
    pub fn in_file(&self, direction: Direction, index: usize, span: Span) -> Span {
        statements(self.migration, direction)
            .get(index)
            .map_or_else(Span::default, |statement| in_file(statement, &self.migration.text, span))
    }
}

/// The statements of a section; none for a file that is split when it runs.
pub(super) fn statements(migration: &Migration, direction: Direction) -> &[Statement] {
    match (&migration.body, direction) {
        (Body::Split { up, .. }, Direction::Up) => up,
        (Body::Split { down, .. }, Direction::Down) => down,
        (Body::Deferred(_), _) => &[],
    }
}

/// A span of a statement's SQL as a span of the file; all of a statement whose lines are not found there again.
pub(super) fn in_file(statement: &Statement, text: &str, span: Span) -> Span {
    let whole = statement.span();
    let Some(sql) = statement.rewritten_sql() else {
        return Span::new(whole.start + span.start, whole.start + span.end);
    };
    let place = |offset: u32| offset_in(whole.of(text), sql, offset as usize);
    match (place(span.start), place(span.end)) {
        (Some(start), Some(end)) => Span::new(whole.start + start, whole.start + end.max(start)),
        _ => whole,
    }
}

/// Where an offset of rewritten SQL is in the text that it came from: goose drops carriage returns and annotations, so
/// that the lines of the SQL are found again in order.
fn offset_in(source: &str, sql: &str, offset: usize) -> Option<u32> {
    let mut lines = source.split_inclusive('\n');
    let (mut in_source, mut in_sql) = (0, 0);
    for line in sql.split_inclusive('\n') {
        let wanted = line.trim_end_matches(['\r', '\n']);
        let found = lines.find(|candidate| {
            let is_same = candidate.trim_end_matches(['\r', '\n']) == wanted;
            in_source += if is_same { 0 } else { candidate.len() };
            is_same
        })?;
        if offset <= in_sql + line.len() {
            return Some(saturate(in_source + (offset - in_sql).min(found.len())));
        }
        in_source += found.len();
        in_sql += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_rewritten_sql_is_found_in_the_file() {
        let source = "ALTER TABLE t\r\n-- +goose x\r\n  ADD c int;\r\n";
        let sql = "ALTER TABLE t\n  ADD c int;\n";
        let place = |word: &str| offset_in(source, sql, sql.find(word).unwrap());
        assert_eq!(place("ALTER"), Some(0));
        assert_eq!(place("ADD"), Some(saturate(source.find("ADD").unwrap())));
        assert_eq!(offset_in("SELECT 1;", "SELECT 2;", 0), None);
    }
}
