//! Upkeep of tables: from COPY, TRUNCATE, LOCK, VACUUM, ANALYZE, CLUSTER and REINDEX to their actions.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::parts::{child, has, name, name_in, names, text, within, word_in};
use crate::command::{Action, Kind, LockMode, Name};

/// The action of such a command.
pub(super) fn lower(node: &SyntaxNode) -> Option<Action> {
    match node.kind() {
        K::COPY => Some(Action::Copy {
            table: child(node, K::COPY_TABLE).and_then(|table| name_in(&table, K::TABLE_NAME_REF)),
            from: has(node, K::COPY_FROM),
        }),
        K::TRUNCATE => Some(Action::Truncate {
            tables: names(&child(node, K::TABLE_LIST)?, K::TABLE_NAME_REF),
            cascade: has(node, K::CASCADE),
            restart: has(node, K::RESTART_IDENTITY),
        }),
        K::LOCK => Some(Action::Lock {
            tables: names(&child(node, K::RELATION_LIST)?, K::RELATION_NAME_REF),
            mode: child(node, K::LOCK_MODE_CLAUSE).as_ref().and_then(mode).unwrap_or(LockMode::AccessExclusive),
        }),
        K::VACUUM => Some(Action::Vacuum {
            tables: tables(node),
            full: has(node, K::FULL_KW) || switched(node, "full"),
            analyze: has(node, K::ANALYZE_KW)
                || has(node, K::ANALYSE_KW)
                || switched(node, "analyze")
                || switched(node, "analyse"),
        }),
        K::ANALYZE => Some(Action::Analyze { tables: tables(node) }),
        K::CLUSTER => Some(Action::Cluster { table: within(node, K::TABLE_NAME_REF).and_then(|table| name(&table)) }),
        K::REINDEX => reindex(node),
        _ => None,
    }
}

fn tables(node: &SyntaxNode) -> Vec<Name> {
    child(node, K::TABLE_AND_COLUMNS_LIST).map(|list| names(&list, K::TABLE_NAME_REF)).unwrap_or_default()
}

/// Whether an option of VACUUM is on: named, and not with a value that turns it off.
fn switched(node: &SyntaxNode, name: &str) -> bool {
    let mut options = node.descendants().filter(|node| node.kind() == K::VACUUM_OPTION);
    options.any(|option| word_in(&option, K::VACUUM_OPTION_NAME).as_deref() == Some(name) && is_on(&option))
}

fn is_on(option: &SyntaxNode) -> bool {
    let option = text(option).to_ascii_lowercase();
    let value = option.split_whitespace().nth(1).unwrap_or("on").trim_matches('\'').to_owned();
    !["off", "false", "0", "no"].contains(&value.as_str())
}

fn mode(clause: &SyntaxNode) -> Option<LockMode> {
    clause.children().find_map(|node| {
        let words = super::super::parts::called_by_grammar(&node);
        LockMode::ALL.into_iter().find(|mode| mode.sql() == words)
    })
}

fn reindex(node: &SyntaxNode) -> Option<Action> {
    let targets = [
        (K::REINDEX_TARGET_INDEX, Kind::Index),
        (K::REINDEX_TARGET_TABLE, Kind::Table),
        (K::REINDEX_TARGET_SCHEMA, Kind::Schema),
        (K::REINDEX_TARGET_DATABASE, Kind::Database),
        (K::REINDEX_TARGET_SYSTEM, Kind::System),
    ];
    let (target, kind) = targets.into_iter().find_map(|(wanted, kind)| Some((child(node, wanted)?, kind)))?;
    let option = within(node, K::REINDEX_OPTION_CONCURRENTLY);
    Some(Action::Reindex {
        kind,
        name: target.first_child().and_then(|named| name(&named)),
        concurrently: has(&target, K::CONCURRENTLY_KW) || option.is_some_and(|option| is_on(&option)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn action(sql: &str) -> Action {
        read(sql).remove(0).action
    }

    #[test]
    fn copy_goes_from_or_to_a_table() {
        assert!(matches!(action("COPY s.t (a) FROM stdin"), Action::Copy { table: Some(_), from: true }));
        assert!(matches!(action("COPY (SELECT 1) TO stdout"), Action::Copy { table: None, from: false }));
    }

    #[test]
    fn truncate_and_lock_name_all_their_tables() {
        let truncate = action("TRUNCATE TABLE ONLY a.b, c RESTART IDENTITY CASCADE");
        let Action::Truncate { tables, cascade: true, restart: true } = truncate else { panic!() };
        assert_eq!(tables.len(), 2);
        let Action::Lock { tables, mode } = action("LOCK TABLE ONLY a.b, c IN SHARE ROW EXCLUSIVE MODE") else {
            panic!()
        };
        assert_eq!((tables.len(), mode), (2, LockMode::ShareRowExclusive));
        assert!(matches!(action("LOCK a"), Action::Lock { mode: LockMode::AccessExclusive, .. }));
    }

    #[test]
    fn options_of_vacuum_may_be_switched_off() {
        let full = |sql: &str| matches!(action(sql), Action::Vacuum { full: true, .. });
        assert!(full("VACUUM FULL t") && full("VACUUM (FULL) t") && full("VACUUM (FULL true, ANALYZE off)"));
        assert!(!full("VACUUM t") && !full("VACUUM (FULL false)"));
        assert!(
            matches!(action("VACUUM ANALYZE a, b (c)"), Action::Vacuum { tables, analyze: true, .. } if tables.len() == 2)
        );
        assert!(matches!(action("ANALYZE s.t (a)"), Action::Analyze { tables } if tables.len() == 1));
    }

    #[test]
    fn cluster_and_reindex_name_what_they_rewrite() {
        for sql in ["CLUSTER s.t USING i", "CLUSTER i ON s.t"] {
            assert!(matches!(action(sql), Action::Cluster { table: Some(it) } if it.to_string() == "s.t"), "{sql}");
        }
        assert!(matches!(action("CLUSTER"), Action::Cluster { table: None }));
        for sql in ["REINDEX INDEX CONCURRENTLY s.i", "REINDEX (CONCURRENTLY) INDEX s.i"] {
            let Action::Reindex { kind: Kind::Index, name: Some(name), concurrently: true } = action(sql) else {
                panic!("{sql}")
            };
            assert_eq!(name.to_string(), "s.i");
        }
        assert!(matches!(action("REINDEX (CONCURRENTLY false) TABLE t"), Action::Reindex { concurrently: false, .. }));
    }
}
