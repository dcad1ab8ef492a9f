//! Downs that the ledger keeps, of versions that this set does not contain: a release that was rolled back can undo
//! what a newer one applied.
//!
//! Invariant: what is run is what was written down when the version was applied, statement for statement, or nothing.

use std::borrow::Cow;

use super::{Database, Session, failure};
use crate::flight::{TableName, select_stored};
use crate::history::SideTable;
use crate::migration::{Body, Digest, Migration, Mode, Set, Statement, Version};
use crate::report::{Exit, Failure};
use crate::text::{Span, saturate};

/// One version as its rows tell it.
struct Stored {
    migration: Migration,
    statements: Vec<String>,
    digest: String,
}

/// The set, and the versions that it lacks and the ledger knows how to undo.
pub(super) async fn completed(
    session: &Session,
    set: &Set,
    name: &TableName,
    database: &Database,
) -> Result<Set, Failure> {
    let held = database.history.rows.iter().map(|row| row.version);
    let missing: Vec<Version> =
        held.filter(|version| *version != Version::ZERO && set.find(*version).is_none()).collect();
    if missing.is_empty() || !database.history.tables.is_whole(SideTable::Ledger) {
        return Ok(set.clone());
    }
    let rows = session.rows(&select_stored(&database.tables, &missing)).await;
    let rows = rows.map_err(|error| failure::of_read(&error, name))?;
    let mut stored: Vec<Stored> = Vec::new();
    for row in rows {
        let [version, file, no_transaction, text, digest, statement] =
            <[Option<String>; 6]>::try_from(row).unwrap_or_default();
        let version = Version(version.and_then(|version| version.parse().ok()).unwrap_or_default());
        if stored.last().is_none_or(|last| last.migration.version != version) {
            let mode = if no_transaction.as_deref() == Some("t") { Mode::NoTransaction } else { Mode::Transaction };
            let migration = Migration {
                version,
                file: Cow::Owned(file.unwrap_or_default()),
                text: Cow::Borrowed(""),
                mode,
                body: Body::Split { up: Cow::Borrowed(&[]), down: Cow::Borrowed(&[]) },
                digest: text.as_deref().and_then(Digest::from_hex).unwrap_or(Digest::of_text("")),
            };
            stored.push(Stored { migration, statements: Vec::new(), digest: digest.unwrap_or_default() });
        }
        if let Some(last) = stored.last_mut() {
            last.statements.extend(statement);
        }
    }
    let mut migrations = set.migrations.to_vec();
    for stored in stored {
        migrations.push(stored.checked()?);
    }
    migrations.sort_unstable_by_key(|migration| migration.version);
    Ok(Set { migrations: Cow::Owned(migrations), ..set.clone() })
}

impl Stored {
    /// The migration, when its statements are the ones that were written down.
    fn checked(self) -> Result<Migration, Failure> {
        let digest = Digest::of_parts(self.statements.iter().map(String::as_bytes));
        if digest.to_string() != self.digest {
            let version = self.migration.version;
            return Err(Failure::new(
                Exit::History,
                format!("the Down of version {version} that the ledger keeps is not the one that was written there"),
                format!("undo version {version} with the release that contains it"),
            ));
        }
        let (mut text, mut down) = (String::new(), Vec::new());
        for statement in &self.statements {
            let (start, line) = (saturate(text.len()), saturate(text.lines().count() + 1));
            text.push_str(statement);
            down.push(Statement::slice(Span::new(start, saturate(text.len())), line));
            text.push('\n');
        }
        let body = Body::Split { up: Cow::Borrowed(&[]), down: Cow::Owned(down) };
        Ok(Migration { text: Cow::Owned(text), body, ..self.migration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(statements: &[&str], digest: Digest) -> Stored {
        let migration = Migration {
            version: Version(7),
            file: "7_x.sql".into(),
            text: "".into(),
            mode: Mode::Transaction,
            body: Body::Deferred(None),
            digest: Digest::of_text(""),
        };
        let statements = statements.iter().map(|statement| (*statement).to_owned()).collect();
        Stored { migration, statements, digest: digest.to_string() }
    }

    #[test]
    fn what_was_stored_is_sent_statement_for_statement() {
        let statements = ["DROP TABLE a;", "DROP TABLE b\n  CASCADE;"];
        let digest = Digest::of_parts(statements.iter().map(|statement| statement.as_bytes()));
        let migration = stored(&statements, digest).checked().unwrap();
        let Body::Split { down, .. } = &migration.body else { panic!("{migration:?}") };
        let sent: Vec<_> = down.iter().map(|statement| (statement.sql(&migration.text), statement.line())).collect();
        assert_eq!(sent, [("DROP TABLE a;", 1), ("DROP TABLE b\n  CASCADE;", 2)]);
    }

    #[test]
    fn what_was_changed_since_is_refused() {
        let digest = Digest::of_parts([b"DROP TABLE a;".as_slice()]);
        let failure = stored(&["DROP TABLE b;"], digest).checked().unwrap_err();
        assert_eq!(failure.exit, Exit::History);
    }
}
