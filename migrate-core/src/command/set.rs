//! The commands of a whole set, read once for everybody who looks at them.

use super::{Command, read};
use crate::migration::{Body, Direction, Migration, Set, Statement};
use crate::parallel;

/// The commands of one migration, a list a goose statement. Both are empty for a file that is split when it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sections {
    /// Of Up.
    pub up: Vec<Vec<Command>>,
    /// Of Down.
    pub down: Vec<Vec<Command>>,
}

impl Sections {
    /// Reads the statements of a migration.
    #[must_use]
    pub fn of(migration: &Migration) -> Self {
        let Body::Split { up, down } = &migration.body else { return Self::default() };
        let section = |statements: &[Statement]| -> Vec<Vec<Command>> {
            statements.iter().map(|statement| read(statement.sql(&migration.text))).collect()
        };
        Self { up: section(up), down: section(down) }
    }

    /// The commands of one direction.
    #[must_use]
    pub fn of_direction(&self, direction: Direction) -> &[Vec<Command>] {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// The commands of every migration of a set, in the set's order.
#[must_use]
pub fn read_set(set: &Set) -> Vec<Sections> {
    parallel::map(&set.migrations, Sections::of)
}
