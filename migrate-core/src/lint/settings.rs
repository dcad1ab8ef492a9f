//! What the configuration says to the rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::External;
use crate::config::{Config, Level};
use crate::diagnostic::Severity;
use crate::effect::Majors;
use crate::migration::{Migration, Version};

/// What the configuration says to the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The versions of PostgreSQL that the migrations have to run on.
    pub majors: Majors,
    /// Levels by a rule's id or name; `None` switches it off.
    pub levels: BTreeMap<String, Option<Severity>>,
    /// The first version that is judged; those below are history.
    pub judge_from: Option<Version>,
    /// The versions that a base revision of the repository has: they are history, and what is not among them is not
    /// deployed yet.
    pub known: Option<BTreeSet<Version>>,
    /// Versions that are not judged for another reason.
    pub unjudged: BTreeSet<Version>,
    /// What exists outside the migrations.
    pub external: External,
    /// The roles that the databases have.
    pub roles: Vec<String>,
    /// The date that `until=` is compared with, as `2027-03-01`; without it no `allow` with a date expires.
    pub today: Option<String>,
}

impl Settings {
    /// The settings of a project's configuration.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let severity = |level: &Level| match level {
            Level::Allow => None,
            Level::Warn => Some(Severity::Warning),
            Level::Deny => Some(Severity::Error),
        };
        let levels = config.rule_levels.iter().map(|(rule, level)| (rule.clone(), severity(level))).collect();
        let external = &config.external;
        Self {
            majors: Majors { min: config.postgres.min.into(), max: config.postgres.max.into() },
            levels,
            judge_from: config.judge_from,
            known: None,
            unjudged: BTreeSet::new(),
            external: External {
                relations: external.relations.clone(),
                types: external.types.clone(),
                functions: external.functions.clone(),
                schemas: external.schemas.clone(),
                extensions: external.extensions.clone(),
            },
            roles: external.roles.clone(),
            today: None,
        }
    }

    /// Whether a version is one that the base revision of the repository does not have.
    #[must_use]
    pub fn is_undeployed(&self, version: Version) -> bool {
        self.known.as_ref().is_some_and(|known| !known.contains(&version))
    }

    /// Whether the rules look at a migration.
    #[must_use]
    pub fn judges(&self, migration: &Migration) -> bool {
        let known = self.known.as_ref().is_some_and(|known| known.contains(&migration.version));
        !known
            && !self.unjudged.contains(&migration.version)
            && self.judge_from.is_none_or(|first| first <= migration.version)
    }
}
