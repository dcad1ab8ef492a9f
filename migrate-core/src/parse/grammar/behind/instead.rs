//! Texts that say the same, for a text in which the grammar stopped.
//!
//! Each rule knows one shape that PostgreSQL reads and the grammar does not, and writes it as one that both read. Every
//! byte keeps its place. Invariant: what a rule takes away it has read itself.

use std::ops::Range;

use squawk_lexer::TokenKind;

use crate::parse::grammar::keyword::{Class, class, is_bare_label};
use crate::parse::grammar::token::Token;
use crate::text::Span;

/// A command of a text, in its tokens, and the token at which the grammar stopped.
struct Command<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    stop: usize,
}

/// What stands instead of what, as long as it.
type Change = (Span, String);

/// One shape that the grammar does not read: what to change in a command that has it.
type Rule = fn(&Command<'_>) -> Option<Vec<Change>>;

/// The texts to try, the likeliest first.
pub(super) fn texts<'a>(text: &'a str, tokens: &'a [Token<'a>], stop: usize) -> impl Iterator<Item = String> {
    let is_end = |token: &Token<'_>| token.kind == TokenKind::Semi;
    let first = tokens.iter().take(stop).rposition(is_end).map_or(0, |at| at + 1);
    let end = tokens.iter().skip(stop).position(is_end).map_or(tokens.len(), |at| stop + at);
    let tokens = tokens.get(first..end).unwrap_or_default();
    let command = Command { text, tokens, stop: stop.saturating_sub(first) };
    let rules: [Rule; 8] = [
        scope_of_transaction,
        assigned_role,
        setting,
        exclusion,
        further_actions,
        existing_statistics,
        language,
        numbered_column,
    ];
    let shapes: Vec<String> = rules.iter().filter_map(|rule| Some(changed(text, &rule(&command)?))).collect();
    let names: Vec<String> = names(&command).map(|change| changed(text, &[change])).collect();
    shapes.into_iter().chain(names)
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut whole = text.to_owned();
    for (span, instead) in changes {
        whole.replace_range(span.start as usize..span.end as usize, instead);
    }
    whole
}

fn blank(text: &str, span: Span) -> Change {
    let blank = |c: char| if c.is_whitespace() { c.to_string() } else { " ".repeat(c.len_utf8()) };
    (span, span.of(text).chars().map(blank).collect())
}

/// A name as long as what it stands for, which is no keyword.
fn stand_in(span: Span) -> Change {
    (span, "z".repeat((span.end - span.start) as usize))
}

fn across(tokens: &[Token<'_>]) -> Option<Span> {
    Some(Span::new(tokens.first()?.span.start, tokens.last()?.span.end))
}

impl Command<'_> {
    fn word(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_any(words))
    }

    fn starts(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(at, word)| self.word(at, &[word]))
    }

    fn blank(&self, at: usize) -> Option<Vec<Change>> {
        Some(vec![blank(self.text, self.tokens.get(at)?.span)])
    }

    fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        (from..self.tokens.len()).find(|at| self.word(*at, words))
    }

    /// Behind the bracket that closes the one at `open`.
    fn behind_brackets(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// Behind the name, with or without its schema, that starts at `at`.
    fn behind_name(&self, at: usize) -> Option<usize> {
        let is_name = |at: usize| {
            let kind = self.tokens.get(at).map(|token| token.kind);
            matches!(kind, Some(TokenKind::Ident | TokenKind::QuotedIdent { .. }))
        };
        let mut end = is_name(at).then_some(at + 1)?;
        while self.word(end, &["."]) && is_name(end + 1) {
            end += 2;
        }
        Some(end)
    }
}

/// `SET LOCAL TRANSACTION READ ONLY`: the scope says nothing that the command does not say.
fn scope_of_transaction(command: &Command<'_>) -> Option<Vec<Change>> {
    let scoped =
        command.starts(&["SET"]) && command.word(1, &["LOCAL", "SESSION"]) && command.word(2, &["TRANSACTION"]);
    scoped.then(|| command.blank(1)).flatten()
}

/// `SET role = app` is `SET ROLE app`.
fn assigned_role(command: &Command<'_>) -> Option<Vec<Change>> {
    let role = if command.word(1, &["LOCAL", "SESSION"]) { 2 } else { 1 };
    let assigns = command.starts(&["SET"]) && command.word(role, &["ROLE"]) && command.word(role + 1, &["="]);
    (assigns && !command.word(role + 2, &["DEFAULT"])).then(|| command.blank(role + 1)).flatten()
}

/// Settings that have a form of their own, without `=`, and what they set.
const FORMS: [(&[&str], &str); 7] = [
    (&["NAMES"], "names"),
    (&["TIME", "ZONE"], "timezone"),
    (&["SESSION", "AUTHORIZATION"], "session_authorization"),
    (&["XML", "OPTION"], "xmloption"),
    (&["ROLE"], "role"),
    (&["SCHEMA"], "schema"),
    (&["CATALOG"], "catalog"),
];

/// `SET NAMES 'x'`, and every such form in a role's, a database's or a function's settings: as `SET names='x'`.
fn setting(command: &Command<'_>) -> Option<Vec<Change>> {
    let owners = ["ROLE", "USER", "DATABASE", "FUNCTION", "PROCEDURE", "ROUTINE"];
    let nested = command.word(0, &["ALTER", "CREATE"]) && (1..5).any(|at| command.word(at, &owners));
    let alone = command.starts(&["SET"]);
    let sets = (0..command.tokens.len()).filter(|at| command.word(*at, &["SET"]) && (nested || alone));
    let changes = sets.filter_map(|set| {
        let first = if alone && command.word(1, &["LOCAL", "SESSION"]) { set + 2 } else { set + 1 };
        let forms = if alone { &FORMS[..1] } else { &FORMS };
        let is_form = |words: &[&str]| words.iter().enumerate().all(|(at, word)| command.word(first + at, &[word]));
        let (words, name) = forms.iter().find(|(words, _)| is_form(words))?;
        assignment(command, first..first + words.len(), name)
    });
    let changes: Vec<Change> = changes.collect();
    (!changes.is_empty()).then_some(changes)
}

/// The words as one name, with `=` before the value behind them; without a value as one that is set.
fn assignment(command: &Command<'_>, words: Range<usize>, name: &str) -> Option<Change> {
    let value = command.tokens.get(words.end);
    let words = across(command.tokens.get(words)?)?;
    let padded = |end: u32, ending: &str| {
        let width = ((end - words.start) as usize).saturating_sub(ending.len());
        Some((Span::new(words.start, end), format!("{name:<width$.width$}{ending}")))
    };
    match value {
        None => padded(words.end, "=1"),
        Some(value) if value.is_any(&["=", "TO", "FROM"]) => None,
        Some(value) => padded(value.span.start, "="),
    }
}

/// `EXCLUDE USING gist (a gist_int4_ops DESC NULLS LAST WITH =)`: without what the index does with the element.
fn exclusion(command: &Command<'_>) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    let mut from = 0;
    while let Some(exclude) = command.find(from, &["EXCLUDE"]) {
        from = exclude + 1;
        let open = if command.word(from, &["USING"]) { command.behind_name(from + 1).unwrap_or(from) } else { from };
        if !command.word(open, &["("]) {
            continue;
        }
        let mut at = open;
        while command.word(at, &["(", ","]) {
            let Some((details, with)) = element(command, at + 1) else { break };
            changes.extend(across(command.tokens.get(details..with)?).map(|span| blank(command.text, span)));
            at = behind_operator(command, with);
        }
    }
    (!changes.is_empty()).then_some(changes)
}

/// Where the details of an element that starts at `at` begin, and where its `WITH` stands.
fn element(command: &Command<'_>, at: usize) -> Option<(usize, usize)> {
    let mut details = if command.word(at, &["("]) { command.behind_brackets(at) } else { command.behind_name(at)? };
    if command.word(details, &["("]) {
        details = command.behind_brackets(details);
    }
    if command.word(details, &["COLLATE"]) {
        details = command.behind_name(details + 1)?;
    }
    let mut end = details;
    if !command.word(end, &["WITH", "ASC", "DESC", "NULLS"]) {
        end = command.behind_name(end)?;
        end = if command.word(end, &["("]) { command.behind_brackets(end) } else { end };
    }
    end += usize::from(command.word(end, &["ASC", "DESC"]));
    end += if command.word(end, &["NULLS"]) && command.word(end + 1, &["FIRST", "LAST"]) { 2 } else { 0 };
    command.word(end, &["WITH"]).then_some((details, end))
}

/// Behind the operator of a `WITH`: at the comma or the bracket that ends the element.
fn behind_operator(command: &Command<'_>, with: usize) -> usize {
    let mut at = with + 1;
    while at < command.tokens.len() && !command.word(at, &[",", ")"]) {
        at = if command.word(at, &["("]) { command.behind_brackets(at) } else { at + 1 };
    }
    at
}

/// `ALTER VIEW v SET (…), RESET (…)`: its first action.
fn further_actions(command: &Command<'_>) -> Option<Vec<Change>> {
    let mut at = command.stop;
    if !command.starts(&["ALTER", "VIEW"]) {
        return None;
    }
    while command.word(at, &[","]) && command.word(at + 1, &["SET", "RESET"]) && command.word(at + 2, &["("]) {
        at = command.behind_brackets(at + 2);
    }
    let rest = (at == command.tokens.len()).then(|| command.tokens.get(command.stop..)).flatten()?;
    Some(vec![blank(command.text, across(rest)?)])
}

/// `ALTER STATISTICS IF EXISTS s SET STATISTICS -1`.
fn existing_statistics(command: &Command<'_>) -> Option<Vec<Change>> {
    let checked = command.starts(&["ALTER", "STATISTICS", "IF", "EXISTS"]);
    let mut changes = vec![blank(command.text, across(command.tokens.get(2..4).filter(|_| checked)?)?)];
    changes.extend(command.find(4, &["-"]).and_then(|sign| command.blank(sign)).unwrap_or_default());
    Some(changes)
}

/// `CREATE TRUSTED PROCEDURAL LANGUAGE l`: without what does not name it.
fn language(command: &Command<'_>) -> Option<Vec<Change>> {
    let trusted = usize::from(command.word(1, &["TRUSTED"]));
    let language = 1 + trusted + usize::from(command.word(1 + trusted, &["PROCEDURAL"]));
    let creates = command.starts(&["CREATE"]) && command.word(language, &["LANGUAGE"]);
    let words = command.tokens.get(1..language).filter(|_| creates)?;
    Some(vec![blank(command.text, across(words)?)])
}

/// `ALTER INDEX i ALTER 2 SET STATISTICS 5`: a column by its number.
fn numbered_column(command: &Command<'_>) -> Option<Vec<Change>> {
    let is_number = |at: &usize| matches!(command.tokens[*at].kind, TokenKind::Literal { .. });
    let follows = |at: &usize| command.word(at - 1, &["ALTER", "COLUMN"]) && command.word(at + 1, &["SET"]);
    let numbers = (1..command.tokens.len()).filter(is_number).filter(follows);
    let changes: Vec<Change> = numbers.map(|at| stand_in(command.tokens[at].span)).collect();
    (!changes.is_empty()).then_some(changes)
}

/// A keyword that is a name here, at the token where the grammar stopped or beside it.
fn names(command: &Command<'_>) -> impl Iterator<Item = Change> {
    let beside = (0..4).filter_map(|back| (command.stop + 1).checked_sub(back));
    let may_be_name = |at: &usize| {
        let reserved = |token: &Token<'_>| class(token.text) == Some(Class::Reserved);
        let is_label = |token: &Token<'_>| is_bare_label(token.text) && at + 1 == command.stop;
        let fits = |token: &Token<'_>| token.kind == TokenKind::Ident && (!reserved(token) || is_label(token));
        command.tokens.get(*at).is_some_and(fits)
    };
    beside.filter(may_be_name).filter_map(|at| Some(stand_in(command.tokens.get(at)?.span)))
}
