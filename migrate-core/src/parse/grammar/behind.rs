//! Where the grammar is behind the server: statements that PostgreSQL reads and the grammar does not.
//!
//! From a text and the grammar's fault to the tree of another text, as long as it, which says the same and which the
//! grammar reads; the words of the first text stand in that tree. What the other text leaves as it was is judged.
//! Invariant: a text is read anew only where the grammar gets further with it, so no fault is passed over for nothing.

mod instead;

use rowan::GreenToken;
use squawk_syntax::ast::{AstNode as _, SourceFile};
use squawk_syntax::{SyntaxNode, SyntaxToken};

use super::keyword::{Class, class};
use super::token::{Token, significant};
use super::{Fault, Reading, accepted, first_fault, place};
use crate::text::{Span, saturate};

/// How often a text is read anew: a table may have several such columns.
const ROUNDS: usize = 16;

/// What the grammar makes of a text that it does not read as it stands: what it makes of one that says the same, or its
/// fault.
pub(super) fn read(sql: &str, tree: SourceFile, fault: Fault) -> Reading {
    let mut text = sql.to_owned();
    let mut now = (tree, Some(fault));
    for _ in 0..ROUNDS {
        let (_, Some(fault)) = &now else { break };
        let Some((next, better)) = further(&text, fault) else { break };
        (text, now) = (next, better);
    }
    let (tree, fault) = now;
    if let Some(fault) = fault {
        return Reading { tree, broken: true, fault: Some(fault) };
    }
    match restored(&tree, sql, &text) {
        Ok(tree) => accepted(tree, &significant(&text)),
        Err(fault) => Reading { tree, broken: true, fault: Some(fault) },
    }
}

/// The text that says the same and in which the grammar does not stop, or stops last; later than in this one.
fn further(text: &str, fault: &Fault) -> Option<(String, (SourceFile, Option<Fault>))> {
    let tokens = significant(text);
    let stop = stop(&tokens, fault);
    let body = tokens.get(stop).filter(|token| token.is_string() && token.span.start < fault.span.start);
    let texts: Vec<String> = match body {
        Some(body) => in_body(text, body, fault),
        None => instead::texts(text, &tokens, stop).collect(),
    };
    let mut best = None;
    let mut reached = (stop, body.map_or(u32::MAX, |_| fault.span.start));
    for next in texts {
        let parsed = SourceFile::parse(&next);
        let Some(fault) = first_fault(&parsed) else { return Some((next, (parsed.tree(), None))) };
        let reach = (self::stop(&significant(&next), &fault), fault.span.start);
        if reach > reached {
            reached = reach;
            best = Some((next, (parsed.tree(), Some(fault))));
        }
    }
    best
}

/// The same for a fault in the body of a function, which is SQL between dollars.
fn in_body(text: &str, body: &Token<'_>, fault: &Fault) -> Vec<String> {
    let tag = body.text.get(1..).and_then(|rest| rest.find('$')).map_or(0, |at| at + 2);
    let inner = Span::new(body.span.start + saturate(tag), body.span.end.saturating_sub(saturate(tag)));
    if !body.text.starts_with('$') || inner.end < inner.start {
        return Vec::new();
    }
    let tokens = significant(inner.of(text));
    let at = fault.span.start.saturating_sub(inner.start);
    let stop = tokens.partition_point(|token| token.span.end <= at);
    let whole = |body: String| {
        let (before, after) = (Span::new(0, inner.start), Span::new(inner.end, saturate(text.len())));
        format!("{}{body}{}", before.of(text), after.of(text))
    };
    instead::texts(inner.of(text), &tokens, stop).map(whole).collect()
}

/// The token at which the grammar stopped, by its place among the tokens.
fn stop(tokens: &[Token<'_>], fault: &Fault) -> usize {
    tokens.partition_point(|token| token.span.end <= fault.span.start)
}

/// The tree of `text` with the words of `sql` where the two differ; the fault where such a word may not be a name.
fn restored(tree: &SourceFile, sql: &str, text: &str) -> Result<SourceFile, Fault> {
    let mut root = tree.syntax().clone();
    for stand_in in significant(text) {
        let word = stand_in.span.of(sql);
        let is_body = stand_in.is_string() && stand_in.text.starts_with('$');
        if stand_in.text == word || !(is_body || is_word(word) && is_word(stand_in.text)) {
            continue;
        }
        let Some(token) = token_at(&root, stand_in.span.start) else { continue };
        let narrow = matches!(class(word), Some(Class::Reserved | Class::TypeOrFunction));
        if !is_body && !place::may_be(&token, word).unwrap_or(!narrow) {
            return Err(Fault { span: stand_in.span, message: place::UNEXPECTED.to_owned() });
        }
        let kind = token.green().kind();
        root = SyntaxNode::new_root(token.replace_with(GreenToken::new(kind, word)));
    }
    Ok(SourceFile::cast(root).unwrap_or_else(|| tree.clone()))
}

/// Whether a text is one bare word, or the number that stands for a column.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn token_at(root: &SyntaxNode, start: u32) -> Option<SyntaxToken> {
    let token = root.token_at_offset(start.into()).right_biased()?;
    (u32::from(token.text_range().start()) == start).then_some(token)
}

#[cfg(test)]
mod tests;
