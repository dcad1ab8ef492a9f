//! Privileges: from GRANT and REVOKE to who gets what on which objects.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::parts::{all_words, called_by_grammar, child, kind, name, names};
use crate::command::{Action, Grant, Kind, Name};

/// The action of GRANT or REVOKE.
pub(super) fn lower(node: &SyntaxNode) -> Action {
    let clause = child(node, K::ON_PRIVILEGE_OBJECTS_CLAUSE);
    let target = clause.and_then(|on| on.children().find(|child| ast::PrivilegeObjects::can_cast(child.kind())));
    let (kind, all_in_schema, objects) = match target {
        Some(target) => on(&target),
        None => (Kind::Role, false, granted_roles(node)),
    };
    let roles = child(node, K::ROLE_REF_LIST).map(|list| all_words(&list, K::ROLE_REF));
    Action::Grant(Box::new(Grant {
        revoke: node.kind() == K::REVOKE,
        kind,
        all_in_schema,
        objects,
        roles: roles.unwrap_or_default(),
    }))
}

/// `GRANT role TO role`: the granted ones.
fn granted_roles(node: &SyntaxNode) -> Vec<Name> {
    child(node, K::REVOKE_COMMAND_LIST).map(|list| names(&list, K::ROLE_REF)).unwrap_or_default()
}

fn on(target: &SyntaxNode) -> (Kind, bool, Vec<Name>) {
    let words = called_by_grammar(target);
    let words = words.strip_prefix("PRIVILEGE ").unwrap_or(&words);
    let all = words.strip_prefix("ALL ").and_then(|words| words.strip_suffix("S IN SCHEMA"));
    let kind = match all.unwrap_or(words) {
        "DEFAULT" => Kind::Table,
        words => kind(words),
    };
    (kind, all.is_some(), objects(target))
}

fn objects(target: &SyntaxNode) -> Vec<Name> {
    let parts = target.children().filter(|part| part.kind() != K::LITERAL);
    let each = parts.flat_map(|part| match part.kind() {
        K::FUNCTION_SIG_LIST | K::PROCEDURE_SIG_LIST | K::ROUTINE_SIG_LIST => part.children().collect(),
        _ => vec![part],
    });
    each.filter_map(|part| name(&part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn grant(sql: &str) -> Grant {
        match read(sql).remove(0).action {
            Action::Grant(grant) => *grant,
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn written(names: &[Name]) -> String {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn privileges_name_their_objects_and_their_roles() {
        let cases = [
            ("GRANT SELECT (a), UPDATE ON s.t, u TO public, \"Me\"", Kind::Table, "s.t u", "public Me"),
            ("GRANT EXECUTE ON FUNCTION s.f(int), g TO CURRENT_USER", Kind::Function, "s.f g", "current_user"),
            ("GRANT USAGE ON SCHEMA a TO b", Kind::Schema, "a", "b"),
            ("GRANT USAGE, SELECT ON SEQUENCE s.q TO b", Kind::Sequence, "s.q", "b"),
            ("REVOKE ALL ON DATABASE d FROM public", Kind::Database, "d", "public"),
            ("GRANT a, b TO c", Kind::Role, "a b", "c"),
        ];
        for (sql, kind, objects, roles) in cases {
            let grant = grant(sql);
            assert_eq!((grant.kind, written(&grant.objects).as_str()), (kind, objects), "{sql}");
            assert_eq!((grant.roles.join(" ").as_str(), grant.all_in_schema), (roles, false), "{sql}");
            assert_eq!(grant.revoke, sql.starts_with("REVOKE"), "{sql}");
        }
    }

    #[test]
    fn all_objects_of_schemas_are_named_by_the_schemas() {
        let grant = grant("GRANT ALL ON ALL SEQUENCES IN SCHEMA a, b TO c");
        assert_eq!((grant.kind, grant.all_in_schema, written(&grant.objects).as_str()), (Kind::Sequence, true, "a b"));
    }
}
