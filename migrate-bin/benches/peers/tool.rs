//! The tools that are compared, and how each of them wants to be told.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::embedded;
use crate::scenario::{File, thousand};
use crate::stage::{folder, goose, migrate_command};

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Migrate,
    /// The same with the migrations built in.
    Embedded,
    Goose,
    /// goose once more: how far apart two runs of one program are.
    GooseAgain,
    Sqlx,
    Refinery,
    Diesel,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Migrate | Self::Embedded => "migrate",
            Self::Goose => "goose",
            Self::GooseAgain => "goose again",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Diesel => "diesel",
        })
    }
}

/// `migrate` first, and those that are installed.
pub(crate) fn installed() -> Vec<Tool> {
    let mut tools = vec![Tool::Migrate];
    if goose("the comparison with goose").is_some() {
        tools.extend([Tool::Goose, Tool::GooseAgain]);
    }
    for tool in [Tool::Sqlx, Tool::Refinery, Tool::Diesel] {
        if on_path(&tool.to_string()).is_some() {
            tools.push(tool);
        }
    }
    tools
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

impl Tool {
    /// The files in a folder of the form that the tool wants.
    pub(crate) fn lay_out(self, files: &[File]) -> TempDir {
        let placed: Vec<(String, String)> = files.iter().map(|file| self.place(file)).collect();
        let placed: Vec<(&str, &str)> = placed.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        folder(&placed)
    }

    pub(crate) fn place(self, file: &File) -> (String, String) {
        let (version, up) = (file.version, &file.up);
        match self {
            Self::Migrate | Self::Embedded | Self::Goose | Self::GooseAgain => {
                (format!("{version:05}_change.sql"), format!("-- +goose Up\n{up}"))
            }
            Self::Sqlx => (format!("{version:05}_change.sql"), up.clone()),
            Self::Refinery => (format!("V{version}__change.sql"), up.clone()),
            Self::Diesel => (format!("{version:05}_change/up.sql"), up.clone()),
        }
    }

    /// Applies what is pending.
    pub(crate) fn up(self, url: &str, dir: &Path) -> Command {
        match self {
            Self::Migrate => migrate(url, dir, "up"),
            Self::Embedded => built_in(url, "up"),
            Self::Goose | Self::GooseAgain => goose_command(url, dir, "up"),
            Self::Sqlx => arguments("sqlx", &["migrate", "run", "--source"], dir, &["--database-url", url]),
            Self::Refinery => {
                let mut command = arguments("refinery", &["migrate", "-e", "DATABASE_URL", "-p"], dir, &[]);
                command.env("DATABASE_URL", url);
                command
            }
            Self::Diesel => {
                arguments("diesel", &["migration", "run", "--migration-dir"], dir, &["--database-url", url])
            }
        }
    }

    /// Says what is applied; refinery has no such command and applies nothing.
    pub(crate) fn status(self, url: &str, dir: &Path) -> Command {
        match self {
            Self::Migrate => migrate(url, dir, "status"),
            Self::Embedded => built_in(url, "status"),
            Self::Goose | Self::GooseAgain => goose_command(url, dir, "status"),
            Self::Sqlx => arguments("sqlx", &["migrate", "info", "--source"], dir, &["--database-url", url]),
            Self::Refinery => self.up(url, dir),
            Self::Diesel => {
                arguments("diesel", &["migration", "list", "--migration-dir"], dir, &["--database-url", url])
            }
        }
    }
}

fn migrate(url: &str, dir: &Path, command: &str) -> Command {
    let mut migrate = migrate_command(&[command, "--database-url", url]);
    migrate.arg("--dir").arg(dir);
    migrate
}

fn built_in(url: &str, command: &str) -> Command {
    let mut migrate = Command::new(embedded::program(thousand));
    migrate.env_clear().args([command, "--database-url", url]);
    migrate
}

fn goose_command(url: &str, dir: &Path, command: &str) -> Command {
    let program = goose("the comparison with goose").unwrap();
    let mut goose = Command::new(program);
    goose.env_clear().arg("-dir").arg(dir).args(["postgres", &format!("{url}?sslmode=disable"), command]);
    goose
}

fn arguments(program: &str, before: &[&str], dir: &Path, behind: &[&str]) -> Command {
    let mut command = Command::new(on_path(program).unwrap());
    command.current_dir(dir).args(before).arg(dir).args(behind);
    command
}
