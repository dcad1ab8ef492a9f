//! The session: from SET, RESET and the commands of transactions to their actions.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::parts::{all_words, child, has, literal, name, text, tokens, within, word};
use crate::command::{Action, Setting, Transaction};

/// The action of such a command.
pub(super) fn lower(node: &SyntaxNode) -> Option<Action> {
    let transaction = match node.kind() {
        K::BEGIN => Transaction::Begin,
        K::COMMIT_TRANSACTION | K::COMMIT_PREPARED => Transaction::Commit,
        K::ROLLBACK_TRANSACTION | K::ROLLBACK_PREPARED => Transaction::Rollback,
        K::ROLLBACK_TO_SAVEPOINT => Transaction::RollbackTo,
        K::SAVEPOINT_CREATE => Transaction::Savepoint,
        K::RELEASE_SAVEPOINT => Transaction::Release,
        K::PREPARE_TRANSACTION => Transaction::Prepare,
        _ => return setting(node).map(Action::Setting),
    };
    Some(Action::Transaction(transaction))
}

fn setting(node: &SyntaxNode) -> Option<Setting> {
    let (name, values) = match node.kind() {
        K::SET => set(node)?,
        K::RESET => (reset(node)?, Vec::new()),
        K::SET_ROLE | K::RESET_ROLE => ("role".to_owned(), last_value(node)),
        K::SET_SESSION_AUTH | K::RESET_SESSION_AUTH => ("session authorization".to_owned(), last_value(node)),
        K::SET_CONSTRAINTS => ("constraints".to_owned(), constraints(node)),
        K::SET_TRANSACTION => transaction(node),
        _ => return None,
    };
    let is_reset = matches!(node.kind(), K::RESET | K::RESET_ROLE | K::RESET_SESSION_AUTH);
    let to_default = [K::DEFAULT_KW, K::SET_SESSION_AUTH_DEFAULT];
    let to_default = node.descendants_with_tokens().any(|element| to_default.contains(&element.kind()));
    Some(Setting { name, local: has(node, K::LOCAL_SCOPE), reset: is_reset || to_default, values })
}

fn set(node: &SyntaxNode) -> Option<(String, Vec<String>)> {
    let target = node.children().find(|child| !matches!(child.kind(), K::LOCAL_SCOPE | K::SESSION_SCOPE))?;
    let values = || target.children().map(|node| value(&node)).collect();
    Some(match target.kind() {
        K::SET_CONFIG => (parameter(&target)?, assigned(&target)),
        K::SET_TIME_ZONE => ("time zone".to_owned(), zone(&target)),
        // PostgreSQL manual, SET: "SET SCHEMA 'value' is an alias for SET search_path TO value."
        K::SET_SCHEMA_VALUE => ("search_path".to_owned(), values()),
        K::SET_XML_OPTION => ("xmloption".to_owned(), values()),
        _ => ("catalog".to_owned(), values()),
    })
}

/// The name of a parameter, with its class before a point; both in lower case, as PostgreSQL compares them.
fn parameter(node: &SyntaxNode) -> Option<String> {
    let name = name(&within(node, K::CONFIG_PARAMETER_REF)?)?.to_string();
    Some(name.to_ascii_lowercase())
}

fn assigned(target: &SyntaxNode) -> Vec<String> {
    let to = child(target, K::TO_CONFIG_VALUE);
    to.map(|to| to.children().map(|node| value(&node)).collect()).unwrap_or_default()
}

fn zone(target: &SyntaxNode) -> Vec<String> {
    let values: Vec<String> = target.children().map(|node| value(&node)).collect();
    if values.is_empty() && has(target, K::LOCAL_KW) {
        return vec!["local".to_owned()];
    }
    values
}

fn value(node: &SyntaxNode) -> String {
    let value = match node.kind() {
        K::LITERAL if text(node).contains(['\'', '$']) => literal(node),
        K::CONFIG_VALUE_NAME | K::ROLE_REF => word(node),
        _ => None,
    };
    value.unwrap_or_else(|| text(node).to_ascii_lowercase())
}

/// The role of `SET ROLE` and `SET SESSION AUTHORIZATION`.
fn last_value(node: &SyntaxNode) -> Vec<String> {
    let scopes = [K::LOCAL_SCOPE, K::SESSION_SCOPE, K::SET_SESSION_AUTH_DEFAULT];
    node.children().filter(|child| !scopes.contains(&child.kind())).map(|node| value(&node)).collect()
}

fn constraints(node: &SyntaxNode) -> Vec<String> {
    let mut values = all_words(node, K::CONSTRAINT_NAME_REF);
    if values.is_empty() {
        values.push("all".to_owned());
    }
    values.push(if has(node, K::DEFERRED) { "deferred" } else { "immediate" }.to_owned());
    values
}

fn transaction(node: &SyntaxNode) -> (String, Vec<String>) {
    let name = if has(node, K::SESSION_CHARACTERISTICS) { "session characteristics" } else { "transaction" };
    let modes = within(node, K::TRANSACTION_MODE_LIST);
    let modes = modes.map(|modes| modes.children().map(|mode| value(&mode)).collect());
    (name.to_owned(), modes.unwrap_or_default())
}

fn reset(node: &SyntaxNode) -> Option<String> {
    if let Some(name) = parameter(node) {
        return Some(name);
    }
    let target = node.first_child()?;
    let words: Vec<String> = tokens(&target).map(|token| token.text().to_ascii_lowercase()).collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn setting_of(sql: &str) -> Setting {
        match read(sql).remove(0).action {
            Action::Setting(setting) => setting,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn a_setting_has_its_values_without_quotes() {
        let cases = [
            ("SET search_path TO a, \"B\", 'c'''", "search_path", vec!["a", "B", "c'"]),
            ("SET LOCAL Lock_Timeout = '5s'", "lock_timeout", vec!["5s"]),
            ("SET my.\"Thing\" = -1", "my.thing", vec!["-1"]),
            ("SET check_function_bodies = OFF", "check_function_bodies", vec!["off"]),
            ("SET TIME ZONE 'UTC'", "time zone", vec!["UTC"]),
            ("SET SCHEMA 'x'", "search_path", vec!["x"]),
            ("SET ROLE \"Me\"", "role", vec!["Me"]),
            ("SET ROLE NONE", "role", vec!["none"]),
            ("SET SESSION AUTHORIZATION me", "session authorization", vec!["me"]),
            ("SET CONSTRAINTS a, s.b DEFERRED", "constraints", vec!["a", "b", "deferred"]),
            ("SET CONSTRAINTS ALL IMMEDIATE", "constraints", vec!["all", "immediate"]),
            ("SET TRANSACTION READ ONLY", "transaction", vec!["read only"]),
        ];
        for (sql, name, values) in cases {
            let setting = setting_of(sql);
            assert_eq!(
                (setting.name.as_str(), setting.values),
                (name, values.into_iter().map(Into::into).collect()),
                "{sql}"
            );
            assert_eq!((setting.local, setting.reset), (sql.contains("LOCAL"), false), "{sql}");
        }
    }

    #[test]
    fn a_reset_is_one_however_it_is_written() {
        let cases = [
            ("RESET ALL", "all"),
            ("RESET lock_timeout", "lock_timeout"),
            ("RESET TIME ZONE", "time zone"),
            ("RESET ROLE", "role"),
            ("SET lock_timeout TO DEFAULT", "lock_timeout"),
        ];
        for (sql, name) in cases {
            let setting = setting_of(sql);
            assert_eq!((setting.name.as_str(), setting.reset), (name, true), "{sql}");
            assert_eq!(setting.values, Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn commands_of_transactions_are_told_apart() {
        let cases = [
            ("START TRANSACTION READ ONLY", Transaction::Begin),
            ("END", Transaction::Commit),
            ("ABORT", Transaction::Rollback),
            ("SAVEPOINT a", Transaction::Savepoint),
            ("RELEASE a", Transaction::Release),
            ("ROLLBACK TO a", Transaction::RollbackTo),
            ("PREPARE TRANSACTION 'a'", Transaction::Prepare),
        ];
        for (sql, expected) in cases {
            assert_eq!(read(sql).remove(0).action, Action::Transaction(expected), "{sql}");
        }
    }
}
