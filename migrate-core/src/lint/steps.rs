//! What the statements of a migration do, from the schema that they meet.

use super::Settings;
use super::walk::{self, cloud_deferred, place};
use crate::catalog::Catalog;
use crate::command::{Command, Sections, read_set};
use crate::effect::{self, Effect};
use crate::migration::{Direction, Migration, Set, Version};

/// What the statements of a migration do, one effect a goose statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Of Up.
    pub up: Vec<Effect>,
    /// Of Down, against the schema after Up.
    pub down: Vec<Effect>,
}

/// What every statement of a migration does; empty for a version that the set does not have.
#[must_use]
pub fn steps(set: &Set, version: Version, settings: &Settings) -> Steps {
    let Some(migration) = set.find(version) else { return Steps::default() };
    steps_from(&schema_before(set, version, settings), migration, settings)
}

/// What every statement of every migration does, in one walk.
#[must_use]
pub fn all_steps(set: &Set, settings: &Settings) -> Vec<(Version, Steps)> {
    let mut catalog = Catalog::new(settings.external.clone());
    let each = set
        .migrations
        .iter()
        .zip(read_set(set))
        .map(|(migration, commands)| (migration.version, both(migration, &commands, &mut catalog, settings)));
    each.collect()
}

/// The schema that a version's Up meets: that of all versions below it.
#[must_use]
pub fn schema_before(set: &Set, version: Version, settings: &Settings) -> Catalog {
    let mut catalog = Catalog::new(settings.external.clone());
    for migration in set.migrations.iter().take_while(|migration| migration.version < version) {
        pass(migration, &mut catalog);
    }
    catalog
}

/// Takes a schema from before a migration to behind its Up.
pub fn pass(migration: &Migration, catalog: &mut Catalog) {
    walk::pass(migration, &Sections::of(migration), catalog);
}

/// What every statement of a migration does to a database with the schema `before`.
#[must_use]
pub fn steps_from(before: &Catalog, migration: &Migration, settings: &Settings) -> Steps {
    both(migration, &Sections::of(migration), &mut before.clone(), settings)
}

/// Leaves the catalog as Up leaves it.
fn both(migration: &Migration, commands: &Sections, catalog: &mut Catalog, settings: &Settings) -> Steps {
    cloud_deferred(migration, catalog);
    let up = section(migration, commands, Direction::Up, catalog, settings);
    let down = section(migration, commands, Direction::Down, &mut catalog.clone(), settings);
    Steps { up, down }
}

fn section(
    migration: &Migration,
    commands: &Sections,
    direction: Direction,
    catalog: &mut Catalog,
    settings: &Settings,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (index, commands) in commands.of_direction(direction).iter().enumerate() {
        let place = |command: &Command| place(migration, direction, index, command);
        effects.push(effect::statement(commands, catalog, place, settings.majors));
    }
    catalog.end_of_transaction();
    effects
}
