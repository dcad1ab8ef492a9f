//! The project's settings: what `migrate.toml` says.
//!
//! Floor 4. From the text of that file to a [`Config`], or to the one [`Diagnostic`] that refuses it. Invariant: a file
//! that says nothing is [`Config::default`], so a project needs none, and a key that means nothing is refused.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic, Problem};
use crate::migration::Version;
use crate::parse::read_file;
use crate::text::Span;

/// The name of the file.
pub const FILE: &str = "migrate.toml";

/// The settings of a project. Every field has a default: see [`Config::default`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The servers that the migrations are judged for.
    pub postgres: Postgres,
    /// The first version that is judged; all of them when there is none.
    pub judge_from: Option<Version>,
    /// How a rule's finding counts, by the rule's id or name as it is written. Whether there is such a rule is not
    /// known here: see [`Config::refuse_rule`].
    pub rule_levels: BTreeMap<String, Level>,
    /// What exists in the database although no migration makes it.
    pub external: External,
    /// How large a table may be when a migration rewrites it or reads it in full, by the table's name as it is written;
    /// `*` is every table without a budget of its own.
    pub budgets: BTreeMap<String, Budget>,
    /// The file, for messages about what it says.
    source: Source,
}

/// The range of PostgreSQL's major versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Postgres {
    /// The oldest server that the migrations run on.
    pub min: u16,
    /// The newest one.
    pub max: u16,
}

impl Default for Postgres {
    /// The versions that this program is tested with.
    fn default() -> Self {
        Self { min: 15, max: 18 }
    }
}

/// How large a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// The most rows.
    Rows(u64),
    /// The most bytes, with indexes and TOAST.
    Bytes(u64),
}

/// What a finding of a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing: the rule is off.
    Allow,
    /// It is shown.
    Warn,
    /// It refuses the migrations.
    Deny,
}

impl Level {
    /// The word that the file uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// What exists outside the migrations, each by its name as it is written, such as `auth.users`.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default, expecting = "a table", deny_unknown_fields)]
pub struct External {
    /// Tables, views, sequences.
    pub relations: Vec<String>,
    /// Types and domains.
    pub types: Vec<String>,
    /// Functions and procedures, without arguments.
    pub functions: Vec<String>,
    /// Schemas.
    pub schemas: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Extensions that are installed already.
    pub extensions: Vec<String>,
}

/// The file that a [`Config`] was read from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Source {
    path: String,
    text: String,
    /// Where each rule of `rule_levels` stands.
    rules: BTreeMap<String, Span>,
}

impl Config {
    /// How this file says that a rule's findings count; `None` where it does not say. A rule may be written by its id
    /// or by its name, and the id wins where both are.
    #[must_use]
    pub fn level_of(&self, id: &str, name: &str) -> Option<Level> {
        self.rule_levels.get(id).or_else(|| self.rule_levels.get(name)).copied()
    }

    /// The problem of a rule in `[lint.rules]` that does not exist, at its line; `help` names those that do.
    #[must_use]
    pub fn refuse_rule(&self, rule: &str, help: impl Into<String>) -> Diagnostic {
        let problem = Problem {
            code: Code::BadConfig,
            span: self.source.rules.get(rule).copied().unwrap_or_default(),
            message: format!("there is no rule `{rule}`"),
            help: help.into(),
        };
        Diagnostic::in_file(&self.source.path, &self.source.text, problem)
    }

    /// The file as messages write it; empty when there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.source.path
    }
}

/// Reads the text of a `migrate.toml`; `path` is how messages write the file.
///
/// # Errors
/// The first thing that is wrong with the text, with its line.
pub fn parse(text: &str, path: &str) -> Result<Config, Box<Diagnostic>> {
    file::config(text, path).map_err(|problem| Box::new(Diagnostic::in_file(path, text, problem)))
}

/// Reads the file `path`; `shown` is how messages write it.
///
/// # Errors
/// Why it cannot be read, or the first thing that is wrong with its text.
pub fn read(path: &Path, shown: &str) -> Result<Config, Box<Diagnostic>> {
    parse(&read_file(path, shown).text?, shown)
}

/// The `migrate.toml` that a folder of migrations belongs to: the first one from that folder upwards. The way ends at
/// the root of a cargo workspace or of a git repository, so that no file of another project is found.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    for folder in start.ancestors() {
        let file = folder.join(FILE);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() || is_workspace(folder) {
            return None;
        }
    }
    None
}

fn is_workspace(folder: &Path) -> bool {
    let manifest = folder.join("Cargo.toml");
    // Its absence is the rule, and no problem to word.
    manifest.is_file()
        && read_file(&manifest, "Cargo.toml")
            .text
            .is_ok_and(|text| toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("workspace")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn found(root: &tempfile::TempDir, start: &str) -> Option<String> {
        let path = find(&root.path().join(start))?;
        let root = root.path().canonicalize().unwrap();
        Some(path.strip_prefix(root).unwrap().display().to_string())
    }

    #[test]
    fn the_nearest_file_from_the_folder_upwards_is_found() {
        let root = tree(&[("migrate.toml", ""), ("a/b/m/1_a.sql", ""), ("a/migrate.toml", "")]);
        assert_eq!(found(&root, "a/b/m").as_deref(), Some("a/migrate.toml"));
        assert_eq!(found(&root, "a/../a/b").as_deref(), Some("a/migrate.toml"));
        assert_eq!(found(&root, "."), Some("migrate.toml".into()));
        assert_eq!(found(&root, "nowhere"), None, "a folder that does not exist belongs to nothing");
    }

    #[test]
    fn a_workspace_and_a_repository_end_the_way_but_belong_to_it() {
        let inner = [("migrate.toml", ""), ("ws/Cargo.toml", "[workspace]\n"), ("ws/m/x", ""), ("git/.git/x", "")];
        let root = tree(&inner);
        assert_eq!(found(&root, "ws/m"), None);
        assert_eq!(found(&root, "git"), None);
        fs::write(root.path().join("ws/migrate.toml"), "").unwrap();
        assert_eq!(found(&root, "ws/m").as_deref(), Some("ws/migrate.toml"));
    }

    #[test]
    fn a_package_does_not_end_the_way() {
        let root = tree(&[("migrate.toml", ""), ("app/Cargo.toml", "[package]\nname = \"workspace\"\n")]);
        assert_eq!(found(&root, "app").as_deref(), Some("migrate.toml"));
    }

    #[test]
    fn a_rule_is_written_by_its_id_or_its_name_and_an_unknown_one_has_its_line() {
        let text = "[lint.rules]\nL01 = \"deny\"\nset-not-null-scan = \"allow\"\n";
        let config = parse(text, "migrate.toml").unwrap();
        assert_eq!(config.level_of("L01", "x"), Some(Level::Deny));
        assert_eq!(config.level_of("L02", "set-not-null-scan"), Some(Level::Allow));
        assert_eq!(config.level_of("L03", "y"), None);
        let problem = config.refuse_rule("set-not-null-scan", "remove it");
        let line = "migrate.toml:3:1: error: there is no rule `set-not-null-scan` [C01]";
        assert_eq!(problem.to_string(), line);
    }

    #[test]
    fn a_file_is_read_with_the_name_that_messages_use() {
        let root = tree(&[("migrate.toml", "[budgets]\nt = -1\n")]);
        let error = read(&root.path().join(FILE), "app/migrate.toml").unwrap_err();
        assert!(error.to_string().starts_with("app/migrate.toml:2:5: error: "), "{error}");
        assert_eq!(read(&root.path().join("none.toml"), "none.toml").unwrap_err().code, Code::Unreadable);
    }
}
