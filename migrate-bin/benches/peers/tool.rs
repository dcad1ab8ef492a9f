//! The tools that are compared, and how each of them wants to be told.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::embedded;
use crate::files::{File, thousand};
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
    Dbmate,
    Refinery,
    Diesel,
}

/// Where `--install` puts tools.
const INSTALLED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/peers");

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Migrate | Self::Embedded => "migrate",
            Self::Goose => "goose",
            Self::GooseAgain => "goose again",
            Self::Sqlx => "sqlx",
            Self::Dbmate => "dbmate",
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
    for tool in [Tool::Sqlx, Tool::Dbmate, Tool::Refinery, Tool::Diesel] {
        if found(tool).is_some() {
            tools.push(tool);
        }
    }
    tools
}

/// Installs the fast ones of the others, where they are missing.
pub(crate) fn install() {
    let run = |program: &str, arguments: &[&str]| {
        let ended = Command::new(program).args(arguments).status();
        assert!(ended.is_ok_and(|status| status.success()), "{program} {}", arguments.join(" "));
    };
    if found(Tool::Sqlx).is_none() {
        let features = ["--no-default-features", "--features", "postgres,rustls"];
        run("cargo", &[&["install", "--root", INSTALLED, "--version", "0.9.0", "sqlx-cli"], &features[..]].concat());
    }
    if found(Tool::Dbmate).is_none() {
        run("npm", &["install", "--silent", "--prefix", INSTALLED, "dbmate@2.36.0"]);
    }
}

/// The program of another tool: where `--install` has put it, or on PATH.
fn found(tool: Tool) -> Option<PathBuf> {
    let name = tool.to_string();
    let installed = ["bin", "node_modules/@dbmate/linux-x64/bin"].map(|folder| Path::new(INSTALLED).join(folder));
    let path = std::env::var_os("PATH")?;
    installed.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(&name)).find(|it| it.is_file())
}

impl Tool {
    /// Its name and what it says of its version.
    pub(crate) fn version(self) -> String {
        let mut command = match self {
            Self::Migrate | Self::Embedded => migrate_command(&[]),
            Self::Goose | Self::GooseAgain => Command::new(goose("the comparison with goose").unwrap()),
            _ => Command::new(found(self).unwrap()),
        };
        let told = command.arg("--version").output().expect("the tool starts").stdout;
        let told = String::from_utf8_lossy(&told);
        let number = told.split_whitespace().find_map(|word| {
            let word = word.rsplit(':').next()?.trim_start_matches('v');
            word.starts_with(|c: char| c.is_ascii_digit()).then_some(word)
        });
        format!("{self} {}", number.unwrap_or_default())
    }

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
            Self::Dbmate => (format!("{version:05}_change.sql"), format!("-- migrate:up\n{up}\n-- migrate:down\n")),
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
            Self::Sqlx => self.command(&["migrate", "run", "--source"], dir, &["--database-url", url]),
            Self::Dbmate => self.dbmate(url, dir, "migrate"),
            Self::Refinery => {
                let mut command = self.command(&["migrate", "-e", "DATABASE_URL", "-p"], dir, &[]);
                command.env("DATABASE_URL", url);
                command
            }
            Self::Diesel => self.command(&["migration", "run", "--migration-dir"], dir, &["--database-url", url]),
        }
    }

    /// Says what is applied; refinery has no such command and applies nothing.
    pub(crate) fn status(self, url: &str, dir: &Path) -> Command {
        match self {
            Self::Migrate => migrate(url, dir, "status"),
            Self::Embedded => built_in(url, "status"),
            Self::Goose | Self::GooseAgain => goose_command(url, dir, "status"),
            Self::Sqlx => self.command(&["migrate", "info", "--source"], dir, &["--database-url", url]),
            Self::Dbmate => self.dbmate(url, dir, "status"),
            Self::Refinery => self.up(url, dir),
            Self::Diesel => self.command(&["migration", "list", "--migration-dir"], dir, &["--database-url", url]),
        }
    }

    /// Reads and checks the files; of the others only goose has such a command.
    pub(crate) fn validate(self, dir: &Path) -> Command {
        let mut command = if self.is_goose() {
            Command::new(goose("the comparison with goose").unwrap())
        } else {
            migrate_command(&[])
        };
        // In a form that both take.
        command.env_clear().arg("-dir").arg(dir).arg("validate");
        command
    }

    pub(crate) const fn is_goose(self) -> bool {
        matches!(self, Self::Goose | Self::GooseAgain)
    }

    fn dbmate(self, url: &str, dir: &Path, word: &str) -> Command {
        let mut command = self.command(&["--no-dump-schema", "--migrations-dir"], dir, &[word]);
        command.env("DATABASE_URL", format!("{url}?sslmode=disable"));
        command
    }

    /// A command of its own program.
    fn command(self, before: &[&str], dir: &Path, behind: &[&str]) -> Command {
        let mut command = Command::new(found(self).unwrap());
        command.current_dir(dir).args(before).arg(dir).args(behind);
        command
    }
}

fn migrate(url: &str, dir: &Path, command: &str) -> Command {
    let mut migrate = migrate_command(&[command, "--database-url", url]);
    migrate.arg("--dir").arg(dir);
    migrate
}

fn built_in(url: &str, command: &str) -> Command {
    let mut migrate = Command::new(embedded::program(thousand, |file| Tool::Migrate.place(file)));
    migrate.env_clear().args([command, "--database-url", url]);
    migrate
}

fn goose_command(url: &str, dir: &Path, command: &str) -> Command {
    let program = goose("the comparison with goose").unwrap();
    let mut goose = Command::new(program);
    goose.env_clear().arg("-dir").arg(dir).args(["postgres", &format!("{url}?sslmode=disable"), command]);
    goose
}
