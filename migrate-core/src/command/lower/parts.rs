//! What every kind of command is made of: from nodes of the syntax tree to names, words and flags.

use squawk_syntax::ast::{self, AstNode as _, normalize_name_node};
use squawk_syntax::{SyntaxElement, SyntaxKind as K, SyntaxNode, SyntaxToken};

use crate::command::{Kind, Name, Persistence, Where};
use crate::text::Span;

/// The first child node of this kind.
pub(super) fn child(node: &SyntaxNode, kind: K) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

/// The first node of this kind at or below a node.
pub(super) fn within(node: &SyntaxNode, kind: K) -> Option<SyntaxNode> {
    node.descendants().find(|node| node.kind() == kind)
}

/// Whether a node has a child of this kind, node or token.
pub(super) fn has(node: &SyntaxNode, kind: K) -> bool {
    node.children_with_tokens().any(|child| child.kind() == kind)
}

/// Where a node stands.
pub(super) fn place(node: &SyntaxNode) -> Where {
    let range = node.text_range();
    Where(Span::new(range.start().into(), range.end().into()))
}

/// The name that a node holds: its first path, or the bare name that the node is.
pub(super) fn name(node: &SyntaxNode) -> Option<Name> {
    let path = node.descendants().find(|node| matches!(node.kind(), K::PATH | K::PATH_REF));
    match path {
        Some(path) => joined(&path, &segments(&path)),
        None => joined(node, &[word(node)?]),
    }
}

/// The name in the first child of this kind.
pub(super) fn name_in(node: &SyntaxNode, kind: K) -> Option<Name> {
    name(&child(node, kind)?)
}

/// The names of all nodes of this kind below a node.
pub(super) fn names(node: &SyntaxNode, kind: K) -> Vec<Name> {
    node.descendants().filter(|node| node.kind() == kind).filter_map(|node| name(&node)).collect()
}

/// The words of all nodes of this kind below a node.
pub(super) fn all_words(node: &SyntaxNode, kind: K) -> Vec<String> {
    node.descendants().filter(|node| node.kind() == kind).filter_map(|node| word(&node)).collect()
}

/// The table and the column of a node that holds `table.column`.
pub(super) fn name_and_column(node: &SyntaxNode) -> Option<(Name, String)> {
    let path = within(node, K::PATH_REF)?;
    let mut segments = segments(&path);
    let column = segments.pop()?;
    let table = child(&path, K::PATH_REF)?;
    Some((joined(&table, &segments)?, column))
}

/// The function that a call names.
pub(super) fn called(call: &SyntaxNode) -> Option<Name> {
    let function = call.children().find(|node| matches!(node.kind(), K::NAME_REF | K::FIELD_EXPR))?;
    let segments: Vec<String> = names_of(&function, |kind| kind == K::NAME_REF);
    joined(&function, &segments)
}

/// How many bytes of a name PostgreSQL keeps: `NAMEDATALEN` without its zero byte (manual, 4.1.1 "Identifiers").
const LONGEST: usize = 63;

/// A name as PostgreSQL keeps it: folded to lower case unless it is quoted, and cut at 63 bytes.
fn folded(node: &SyntaxNode) -> String {
    let mut name = normalize_name_node(node);
    let end = (0..=LONGEST.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
    name.truncate(end.unwrap_or_default());
    name
}

fn segments(path: &SyntaxNode) -> Vec<String> {
    names_of(path, |kind| matches!(kind, K::PATH_SEGMENT | K::PATH_SEGMENT_REF))
}

fn names_of(node: &SyntaxNode, wanted: impl Fn(K) -> bool) -> Vec<String> {
    node.descendants().filter(|node| wanted(node.kind())).map(|node| folded(&node)).collect()
}

/// The last segment is the name, the one before it the schema; a database before them says nothing.
fn joined(node: &SyntaxNode, segments: &[String]) -> Option<Name> {
    let (name, before) = segments.split_last()?;
    Some(Name { schema: before.last().cloned(), name: name.clone(), span: place(node) })
}

/// The bare name that a node is, folded; the last name of a path.
pub(super) fn word(node: &SyntaxNode) -> Option<String> {
    if let Some(path) = node.descendants().find(|node| matches!(node.kind(), K::PATH | K::PATH_REF)) {
        return segments(&path).pop();
    }
    let node = within(node, K::ROLE_NAME_REF).unwrap_or_else(|| node.clone());
    let leaf = node.descendants().find(|node| tokens(node).next().is_some())?;
    Some(folded(&leaf)).filter(|word| !word.is_empty())
}

/// The bare name in the first child of this kind.
pub(super) fn word_in(node: &SyntaxNode, kind: K) -> Option<String> {
    word(&child(node, kind)?)
}

/// The tokens of a node itself, without space and comments.
pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.children_with_tokens().filter_map(SyntaxElement::into_token).filter(|token| !token.kind().is_trivia())
}

/// The text of a node, its white space and comments made single spaces.
pub(super) fn text(node: &SyntaxNode) -> String {
    let mut text = String::new();
    for token in node.descendants_with_tokens().filter_map(SyntaxElement::into_token) {
        match token.kind().is_trivia() {
            true if text.ends_with(' ') => {}
            true => text.push(' '),
            false => text.push_str(token.text()),
        }
    }
    text.trim().to_owned()
}

/// The value of a string literal, or the text of another literal.
pub(super) fn literal(node: &SyntaxNode) -> Option<String> {
    let literal = ast::Literal::cast(within(node, K::LITERAL)?)?;
    Some(literal.string_value().filter(|_| is_string(&literal)).unwrap_or_else(|| text(literal.syntax())))
}

fn is_string(literal: &ast::Literal) -> bool {
    use ast::LitKind::{DollarQuotedString, EscString, NationalString, String, UnicodeEscString};
    let kind = literal.kind();
    matches!(kind, Some(String(_) | DollarQuotedString(_) | EscString(_) | NationalString(_) | UnicodeEscString(_)))
}

/// `TEMPORARY`, `UNLOGGED` or neither.
pub(super) fn persistence(node: &SyntaxNode) -> Persistence {
    match node {
        _ if has(node, K::TEMP) => Persistence::Temporary,
        _ if has(node, K::UNLOGGED) => Persistence::Unlogged,
        _ => Persistence::Permanent,
    }
}

/// What the grammar calls a node, in words: `CREATE EVENT TRIGGER`.
pub(super) fn called_by_grammar(node: &SyntaxNode) -> String {
    format!("{:?}", node.kind()).replace('_', " ")
}

/// The kind of object that such words name after their verb: `MATERIALIZED VIEW`.
pub(super) fn kind(words: &str) -> Kind {
    match words {
        "TABLE" => Kind::Table,
        "FOREIGN TABLE" => Kind::ForeignTable,
        "VIEW" => Kind::View,
        "MATERIALIZED VIEW" => Kind::MaterializedView,
        "INDEX" => Kind::Index,
        "SEQUENCE" => Kind::Sequence,
        "TYPE" => Kind::Type,
        "DOMAIN" => Kind::Domain,
        "FUNCTION" => Kind::Function,
        "PROCEDURE" => Kind::Procedure,
        "ROUTINE" => Kind::Routine,
        "AGGREGATE" => Kind::Aggregate,
        "TRIGGER" => Kind::Trigger,
        "EVENT TRIGGER" => Kind::EventTrigger,
        "POLICY" => Kind::Policy,
        "RULE" => Kind::Rule,
        "SCHEMA" => Kind::Schema,
        "EXTENSION" => Kind::Extension,
        "STATISTICS" => Kind::Statistics,
        "DATABASE" => Kind::Database,
        "SYSTEM" => Kind::System,
        "ROLE" | "USER" | "GROUP" => Kind::Role,
        "COLUMN" => Kind::Column,
        "CONSTRAINT" => Kind::Constraint,
        "TABLESPACE" => Kind::Tablespace,
        "PUBLICATION" => Kind::Publication,
        "SUBSCRIPTION" => Kind::Subscription,
        _ => Kind::Other,
    }
}
