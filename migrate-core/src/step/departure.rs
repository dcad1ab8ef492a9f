//! Whether a file left the transaction that it was begun in, told by the commands of it that the server has finished.
//!
//! Invariant: it is fed what was done, in order, and nothing that was not.
#![cfg(feature = "postgres")]

use super::lexeme::{self, Lexeme};

/// What has become of a file's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a transaction; whether something was done in it.
    Inside(bool),
    /// In none: each command stays by itself.
    Outside,
}

/// What finished commands leave behind when everything that is open is rolled back.
#[derive(Debug)]
pub(crate) struct Departure {
    at: At,
    stays: bool,
    ended: bool,
}

impl Departure {
    /// Nothing is done yet, and a transaction is open.
    pub(crate) const fn begun() -> Self {
        Self { at: At::Inside(false), stays: false, ended: false }
    }

    /// Whether something stays.
    pub(crate) const fn stays(&self) -> bool {
        self.stays
    }

    /// Whether a command ended a transaction.
    pub(crate) const fn has_ended_it(&self) -> bool {
        self.ended
    }

    /// The first so many commands of a statement are done; all of them without a number.
    pub(crate) fn finish(&mut self, sql: &str, done: Option<usize>) {
        let lexemes = lexeme::significant(sql);
        for command in lexeme::commands(&lexemes).into_iter().take(done.unwrap_or(usize::MAX)) {
            self.command(command);
        }
    }

    fn command(&mut self, command: &[Lexeme<'_>]) {
        let has = |word: &str| command.iter().any(|lexeme| lexeme.is(word));
        let first = |words: &[&str]| command.first().is_some_and(|lexeme| lexeme.is_any(words));
        let second = |word: &str| command.get(1).is_some_and(|lexeme| lexeme.is(word));
        let next = if has("chain") && !has("no") { At::Inside(false) } else { At::Outside };
        if first(&["commit", "end"]) && !second("prepared") || first(&["prepare"]) && second("transaction") {
            self.stays |= self.at == At::Inside(true);
            self.ended = true;
            self.at = next;
        } else if first(&["rollback", "abort"]) && !second("prepared") {
            if !has("to") {
                self.ended = true;
                self.at = next;
            }
        } else if first(&["begin", "start"]) {
            if self.at == At::Outside {
                self.at = At::Inside(false);
            }
        } else if !first(&["savepoint", "release"]) {
            match self.at {
                At::Inside(_) => self.at = At::Inside(true),
                At::Outside => self.stays = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(statements: &[(&str, Option<usize>)]) -> bool {
        let mut departure = Departure::begun();
        for (sql, done) in statements {
            departure.finish(sql, *done);
        }
        departure.stays()
    }

    #[test]
    fn what_is_open_is_rolled_back_and_leaves_nothing() {
        for statements in [
            &[("SAVEPOINT s;", None), ("INSERT INTO t VALUES (1);", None)][..],
            &[("SAVEPOINT s;", None), ("SELECT 1;", None), ("ROLLBACK TO SAVEPOINT s;", None), ("SELECT 2;", None)],
            &[("INSERT INTO t VALUES (1); COMMIT;", Some(1))],
            &[("INSERT INTO t VALUES (1);", None), ("ROLLBACK;", None)],
            &[("ROLLBACK;", None), ("BEGIN;", None), ("INSERT INTO t VALUES (1);", None)],
            &[("ROLLBACK AND CHAIN;", None), ("INSERT INTO t VALUES (1);", None)],
            &[("COMMIT;", None), ("BEGIN;", None), ("SELECT 1;", None)],
            &[("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;", None)],
        ] {
            assert!(!stays(statements), "{statements:?}");
        }
    }

    #[test]
    fn what_was_committed_or_ran_outside_stays() {
        for statements in [
            &[("INSERT INTO t VALUES (1);", None), ("COMMIT;", None)][..],
            &[("INSERT INTO t VALUES (1); COMMIT; SELECT 1/0;", Some(2))],
            &[("CREATE TABLE t ();", None), ("COMMIT AND CHAIN;", None)],
            &[("CREATE TABLE t ();", None), ("PREPARE TRANSACTION 'x';", None)],
            &[("ROLLBACK;", None), ("INSERT INTO t VALUES (1);", None)],
            &[("END;", None), ("BEGIN;", None), ("SELECT 1;", None), ("COMMIT AND NO CHAIN;", None)],
        ] {
            assert!(stays(statements), "{statements:?}");
        }
    }
}
