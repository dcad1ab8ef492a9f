//! The ways in which a password is given to a run.

use std::path::Path;
use std::process::Command;

use crate::stage::{folder, migrate_command, permit};

/// Where a password stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Url,
    EncodedUrl,
    UrlParameter,
    Pairs,
    QuotedPairs,
    PgPassword,
    Passfile,
    PassfileParameter,
    Service,
    DatabaseUrl,
    DatabaseUrlDirect,
    DatabaseUrlFile,
    GooseDbstring,
}

pub(super) const SOURCES: [Source; 13] = [
    Source::Url,
    Source::EncodedUrl,
    Source::UrlParameter,
    Source::Pairs,
    Source::QuotedPairs,
    Source::PgPassword,
    Source::Passfile,
    Source::PassfileParameter,
    Source::Service,
    Source::DatabaseUrl,
    Source::DatabaseUrlDirect,
    Source::DatabaseUrlFile,
    Source::GooseDbstring,
];

/// Variables that take a part of a connection, or a path to one; whoever puts the whole of it there is told so.
pub(super) const PARTS: [&str; 13] = [
    "DATABASE_URL_FILE",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
];

/// What a run is about.
pub(super) struct Target<'t> {
    pub(super) port: u16,
    pub(super) database: &'t str,
    pub(super) user: &'t str,
    pub(super) dir: &'t Path,
}

impl Source {
    /// Whether it is on the command line.
    pub(super) const fn is_an_argument(self) -> bool {
        matches!(self, Self::Url | Self::EncodedUrl | Self::UrlParameter | Self::Pairs | Self::QuotedPairs)
    }

    /// A run with the password from here, and the files that hold it.
    pub(super) fn command(
        self,
        target: &Target<'_>,
        password: &str,
        arguments: &[&str],
    ) -> (Command, tempfile::TempDir) {
        let Target { port, database, user, dir } = target;
        let url = format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}");
        let without = format!("postgres://{user}@127.0.0.1:{port}/{database}");
        let pairs = format!("host=127.0.0.1 port={port} dbname={database} user={user}");
        let files = hidden(&[
            ("pass", format!("*:*:*:{user}:{password}\n")),
            ("service", format!("[s]\n{}\npassword={password}\n", pairs.replace(' ', "\n"))),
            ("url", format!("{url}\n")),
        ]);
        let path = |name: &str| files.path().join(name).display().to_string();
        let encoded = format!("%{:02X}", password.as_bytes()[0]);
        let (argument, variables) = match self {
            Self::Url => (Some(url), vec![]),
            Self::EncodedUrl => (Some(url.replace(password, &format!("{encoded}{}", &password[1..]))), vec![]),
            Self::UrlParameter => (Some(format!("{without}?password={password}")), vec![]),
            Self::Pairs => (Some(format!("{pairs} password={password}")), vec![]),
            Self::QuotedPairs => (Some(format!("password = '{password}' {pairs}")), vec![]),
            Self::PgPassword => (Some(without), vec![("PGPASSWORD", password.to_owned())]),
            Self::Passfile => (Some(without), vec![("PGPASSFILE", path("pass"))]),
            Self::PassfileParameter => (Some(format!("{pairs} passfile={}", path("pass"))), vec![]),
            Self::Service => (None, vec![("PGSERVICE", "s".to_owned()), ("PGSERVICEFILE", path("service"))]),
            Self::DatabaseUrl => (None, vec![("DATABASE_URL", url)]),
            Self::DatabaseUrlDirect => (None, vec![("DATABASE_URL", url.clone()), ("DATABASE_URL_DIRECT", url)]),
            Self::DatabaseUrlFile => (None, vec![("DATABASE_URL_FILE", path("url"))]),
            Self::GooseDbstring => (None, vec![("GOOSE_DBSTRING", url)]),
        };
        let mut command = migrate_command(arguments);
        command.arg("--dir").arg(dir).envs(variables);
        if let Some(argument) = argument {
            command.args(["--database-url", &argument]);
        }
        (command, files)
    }
}

/// Files that only their owner may read.
fn hidden(files: &[(&str, String)]) -> tempfile::TempDir {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = folder(&files);
    for (name, _) in files {
        permit(&folder.path().join(name), 0o600);
    }
    folder
}
