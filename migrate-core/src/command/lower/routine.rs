//! Routines and triggers: from CREATE and ALTER of FUNCTION, PROCEDURE, ROUTINE, AGGREGATE, from CREATE TRIGGER, DO and
//! CALL to their actions.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::parts::{child, has, literal, name, name_in, place, text, within, word, word_in};
use super::{expression, name as names, parts, types};
use crate::command::{Action, AlterFunction, CreateFunction, CreateTrigger, Kind, Volatility, Where};
use crate::text::{Span, saturate};

/// The action of a command on routines or triggers.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    match node.kind() {
        K::CREATE_FUNCTION => create(node, Kind::Function),
        K::CREATE_PROCEDURE => create(node, Kind::Procedure),
        K::CREATE_AGGREGATE => create(node, Kind::Aggregate),
        K::ALTER_FUNCTION => alter(node, Kind::Function),
        K::ALTER_PROCEDURE => alter(node, Kind::Procedure),
        K::ALTER_ROUTINE => alter(node, Kind::Routine),
        K::ALTER_AGGREGATE => alter(node, Kind::Aggregate),
        K::CREATE_TRIGGER => trigger(node),
        K::DO => anonymous(node),
        K::CALL => Some(Action::Call { name: name_in(node, K::PROCEDURE_NAME_REF)? }),
        _ => None,
    }
}

fn create(node: &SyntaxNode, kind: Kind) -> Option<Action> {
    let own = [K::FUNCTION_NAME, K::PROCEDURE_NAME, K::AGGREGATE_NAME];
    let name = name(&node.children().find(|child| own.contains(&child.kind()))?)?;
    let options = child(node, K::FUNC_OPTION_LIST);
    let option = |kind| options.as_ref().and_then(|options| child(options, kind));
    let language = option(K::LANGUAGE_FUNC_OPTION)
        .and_then(ast::LanguageFuncOption::cast)
        .and_then(|option| option.language_name())
        .map(|language| language.name.to_ascii_lowercase());
    let in_sql = node.children().any(|child| ast::RoutineBody::can_cast(child.kind()));
    Some(Action::CreateFunction(Box::new(CreateFunction {
        kind,
        name,
        or_replace: has(node, K::OR_REPLACE),
        arguments: child(node, K::PARAM_LIST).map(|list| arguments(&list)).unwrap_or_default(),
        argument_names: child(node, K::PARAM_LIST).map(|list| argument_names(&list)).unwrap_or_default(),
        returns: child(node, K::RET_TYPE).map(|returns| after_returns(&returns)).unwrap_or_default(),
        language: language.unwrap_or_else(|| if in_sql { "sql".to_owned() } else { String::new() }),
        volatility: options.as_ref().and_then(volatility).unwrap_or_default(),
        body: option(K::AS_FUNC_OPTION).and_then(|option| child(&option, K::AS_DEFINITION)).and_then(|it| literal(&it)),
    })))
}

/// The types of the input arguments of a parameter list.
pub(super) fn arguments(list: &SyntaxNode) -> Vec<String> {
    inputs(list).filter_map(|parameter| parameter.func_type()).map(|kind| argument(&kind)).collect()
}

fn inputs(list: &SyntaxNode) -> impl Iterator<Item = ast::Param> {
    let parameters = list.descendants().filter_map(ast::Param::cast);
    parameters.filter(|parameter| !matches!(parameter.mode(), Some(ast::ParamMode::ParamOut(_))))
}

fn argument_names(list: &SyntaxNode) -> Vec<String> {
    let name = |parameter: ast::Param| parameter.name().and_then(|name| word(name.syntax())).unwrap_or_default();
    inputs(list).map(name).collect()
}

fn argument(kind: &ast::FuncType) -> String {
    match kind {
        ast::FuncType::Type(kind) => names::column_type(kind).to_string(),
        ast::FuncType::PercentType(kind) => text(kind.syntax()).to_ascii_lowercase(),
    }
}

fn after_returns(node: &SyntaxNode) -> String {
    let text = text(node).to_ascii_lowercase();
    text.strip_prefix("returns").unwrap_or(&text).trim().to_owned()
}

fn volatility(options: &SyntaxNode) -> Option<Volatility> {
    options.descendants().find_map(|node| match node.kind() {
        K::IMMUTABLE => Some(Volatility::Immutable),
        K::STABLE => Some(Volatility::Stable),
        K::VOLATILE => Some(Volatility::Volatile),
        _ => None,
    })
}

fn alter(node: &SyntaxNode, kind: Kind) -> Option<Action> {
    if let Some(rename) = types::rename(node) {
        return Some(rename);
    }
    let sig = node
        .children()
        .find(|child| matches!(child.kind(), K::FUNCTION_SIG | K::PROCEDURE_SIG | K::ROUTINE_SIG | K::AGGREGATE))?;
    Some(Action::AlterFunction(AlterFunction {
        kind,
        name: name(&sig)?,
        schema: child(node, K::SET_SCHEMA).and_then(|set| word_in(&set, K::SCHEMA_REF)),
        volatility: child(node, K::FUNC_OPTION_LIST).as_ref().and_then(volatility),
    }))
}

fn trigger(node: &SyntaxNode) -> Option<Action> {
    let when = child(node, K::WHEN_CONDITION).and_then(ast::WhenCondition::cast).and_then(|when| when.expr());
    let events = child(node, K::TRIGGER_EVENT_LIST);
    Some(Action::CreateTrigger(Box::new(CreateTrigger {
        name: word_in(node, K::TRIGGER)?,
        or_replace: has(node, K::OR_REPLACE),
        table: name(&child(&child(node, K::ON_RELATION)?, K::RELATION_NAME_REF)?)?,
        from: child(node, K::FROM_TABLE).and_then(|from| name_in(&from, K::TABLE_NAME_REF)),
        function: child(node, K::CALL_EXPR).and_then(|call| parts::called(&call)),
        when: when.map(|expr| expression::expression(&expr)),
        columns: events.map(|events| parts::all_words(&events, K::COLUMN_NAME_REF)).unwrap_or_default(),
    })))
}

fn anonymous(node: &SyntaxNode) -> Option<Action> {
    // The language may be a literal too, but inside its own node.
    let body = child(node, K::LITERAL)?;
    Some(Action::Do { body: literal(&body)?, span: inside_quotes(&body) })
}

/// Where the text between the quotes of a literal stands.
fn inside_quotes(literal: &SyntaxNode) -> Where {
    let (Where(whole), written) = (place(literal), text(literal));
    let (opening, closing) = match written.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(tag) => (tag + 2, tag + 2),
        None => (written.find('\'').map_or(0, |at| at + 1), 1),
    };
    let (start, end) = (whole.start + saturate(opening), whole.end.saturating_sub(saturate(closing)));
    Where(Span::new(start, end.max(start)))
}

/// What a function or a procedure is called where `sig` names it, and its arguments, where they are listed.
pub(super) fn signature(sig: &SyntaxNode) -> Option<Vec<String>> {
    within(sig, K::PARAM_LIST).map(|list| arguments(&list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn action(sql: &str) -> Action {
        read(sql).remove(0).action
    }

    #[test]
    fn a_function_has_its_input_types_its_language_and_its_code() {
        let sql = "CREATE OR REPLACE FUNCTION s.\"F\"(a INT4, OUT b text, c character varying(3)[])\n\
                   RETURNS SETOF  text LANGUAGE 'PLpgSQL' STABLE AS $x$ BEGIN END $x$";
        let Action::CreateFunction(function) = action(sql) else { panic!("{:?}", action(sql)) };
        assert_eq!(function.name.to_string(), "s.F");
        assert_eq!(function.arguments[0], "integer");
        assert_eq!(function.arguments.len(), 2);
        assert_eq!(function.argument_names, ["a", "c"]);
        assert_eq!(function.returns, "setof text");
        assert_eq!((function.language.as_str(), function.volatility), ("plpgsql", Volatility::Stable));
        assert_eq!(function.body.as_deref(), Some(" BEGIN END "));
        assert!(function.or_replace);
    }

    #[test]
    fn a_body_without_quotes_is_sql() {
        let Action::CreateFunction(function) = action("CREATE FUNCTION f() RETURNS int RETURN 1") else { panic!() };
        assert_eq!((function.language.as_str(), function.body.as_deref()), ("sql", None));
    }

    #[test]
    fn a_trigger_names_its_table_and_its_function() {
        let sql = "CREATE TRIGGER t BEFORE UPDATE OF a, \"B\" ON s.x FOR EACH ROW \
                   WHEN (old.a IS NULL) EXECUTE FUNCTION q.f('z')";
        let Action::CreateTrigger(trigger) = action(sql) else { panic!() };
        assert_eq!((trigger.table.to_string(), trigger.columns), ("s.x".to_owned(), vec!["a".into(), "B".into()]));
        assert_eq!(trigger.function.map(|name| name.to_string()).as_deref(), Some("q.f"));
        assert_eq!(trigger.when.map(|when| when.text).as_deref(), Some("old.a IS NULL"));
    }

    #[test]
    fn the_code_of_a_do_block_stands_between_its_quotes() {
        for sql in ["DO $a$code$a$", "DO LANGUAGE plpgsql 'code'", "DO E'code' LANGUAGE 'plpgsql'"] {
            let Action::Do { body, span } = action(sql) else { panic!("{sql}") };
            assert_eq!((body.as_str(), span.0.of(sql)), ("code", "code"), "{sql}");
        }
    }

    #[test]
    fn altered_routines_say_what_changes() {
        let Action::AlterFunction(alter) = action("ALTER FUNCTION a.f(int) IMMUTABLE") else { panic!() };
        assert_eq!((alter.volatility, alter.name.to_string()), (Some(Volatility::Immutable), "a.f".to_owned()));
        let Action::AlterFunction(alter) = action("ALTER AGGREGATE a.f(int) SET SCHEMA b") else { panic!() };
        assert_eq!((alter.kind, alter.schema.as_deref()), (Kind::Aggregate, Some("b")));
        let Action::Rename(rename) = action("ALTER PROCEDURE a.f(int) RENAME TO g") else { panic!() };
        assert_eq!((rename.of, rename.to.as_str()), (Kind::Procedure, "g"));
        assert!(matches!(action("CALL s.p(1)"), Action::Call { name } if name.to_string() == "s.p"));
    }
}
