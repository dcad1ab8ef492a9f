//! The query of a view as every server prints it.
//!
//! Up to PostgreSQL 15 the columns of a view over one relation have its name in front, and from 16 on they have not. The
//! older form is brought into the newer one. Invariant: what is left means the same; where the name in front decides what
//! is meant, it stays.

use std::collections::BTreeSet;
use std::ops::Range;

/// The text of a view's definition without the name of the one relation that its query reads.
pub(super) fn unqualified(definition: &str) -> String {
    let tokens = tokens(definition);
    let Some(relation) = only_relation(definition, &tokens) else { return definition.to_owned() };
    let text = |token: &Token| &definition[token.range.clone()];
    let named_anew: BTreeSet<&str> = tokens
        .windows(2)
        .filter(|pair| pair[0].is_ours() && text(&pair[0]) == "AS")
        .map(|pair| text(&pair[1]))
        .collect();
    let sorts_from =
        tokens.windows(2).position(|pair| pair[0].is_ours() && text(&pair[0]) == "ORDER").unwrap_or(tokens.len());
    let mut kept = String::with_capacity(definition.len());
    let mut from = 0;
    for (at, window) in tokens.windows(4).enumerate() {
        let [name, dot, column, next] = window else { continue };
        let is_reference =
            name.is_ours() && text(name) == relation && text(dot) == "." && text(column) != "*" && text(next) != "(";
        let is_path = at > 0 && text(&tokens[at - 1]) == ".";
        let decides = at > sorts_from && named_anew.contains(text(column));
        if is_reference && !is_path && !decides {
            kept.push_str(&definition[from..name.range.start]);
            from = column.range.start;
        }
    }
    kept.push_str(&definition[from..]);
    kept
}

/// A word, a quoted name or string, or one other character.
struct Token {
    range: Range<usize>,
    /// How many parentheses it is in.
    depth: usize,
    /// Whether it is in a query of its own.
    nested: bool,
}

impl Token {
    fn is_ours(&self) -> bool {
        !self.nested
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    // For each open parenthesis, whether what it holds is in a query of its own.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let length = length(&text[at..], first);
        let range = at..at + length;
        at = range.end;
        if first.is_whitespace() {
            continue;
        }
        let nested = open.last().copied().unwrap_or_default();
        if first == ')' {
            open.pop();
        }
        tokens.push(Token { range, depth: open.len(), nested });
        if first == '(' {
            let inside = text[at..].trim_start();
            open.push(nested || ["SELECT", "WITH", "VALUES"].iter().any(|word| inside.starts_with(word)));
        }
    }
    // One more, so that the last word has a next one.
    tokens.push(Token { range: text.len()..text.len(), depth: 0, nested: true });
    tokens
}

fn length(text: &str, first: char) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let quoted = |quote: char| {
        let mut inside = text.char_indices().skip(1).peekable();
        while let Some((at, c)) = inside.next() {
            match (c == quote, inside.peek()) {
                (true, Some((_, next))) if *next == quote => drop(inside.next()),
                (true, _) => return at + 1,
                _ => {}
            }
        }
        text.len()
    };
    match first {
        '"' | '\'' => quoted(first),
        // A string with escapes: the server prints one where there is a backslash.
        'E' if text.starts_with("E'") => escaped(text),
        _ if is_word(first) => text.find(|c| !is_word(c)).unwrap_or(text.len()),
        _ if first.is_whitespace() => text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len()),
        _ => first.len_utf8(),
    }
}

fn escaped(text: &str) -> usize {
    let mut inside = text.char_indices().skip(2).peekable();
    while let Some((at, c)) = inside.next() {
        let doubled = c == '\'' && inside.peek().is_some_and(|(_, next)| *next == '\'');
        match c {
            '\\' => drop(inside.next()),
            '\'' if doubled => drop(inside.next()),
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The name that the columns of the only relation of the query have in front of them.
fn only_relation<'t>(text: &'t str, tokens: &[Token]) -> Option<&'t str> {
    let word = |at: usize| tokens.get(at).map(|token| &text[token.range.clone()]);
    let own: Vec<usize> = (0..tokens.len()).filter(|at| tokens[*at].depth == 0 && !tokens[*at].nested).collect();
    let is_one_of = |at: usize, words: &[&str]| word(at).is_some_and(|word| words.contains(&word));
    if own.iter().any(|at| is_one_of(*at, &["UNION", "INTERSECT", "EXCEPT"])) {
        return None;
    }
    let from = *own.iter().find(|at| is_one_of(**at, &["FROM"]))?;
    // What follows at the level of the query itself, without what is in parentheses.
    let mut item = own.iter().copied().filter(|at| *at > from).peekable();
    let mut name = None;
    while let Some(at) = item.next_if(|at| !is_one_of(*at, &ENDS)) {
        match word(at)? {
            "," => return None,
            // Of a join, and not of a query, a function's arguments or the names of columns.
            "(" if name.is_none() && !tokens[at + 1].nested => return None,
            "(" | ")" | "." | "LATERAL" | "ONLY" | "AS" => {}
            word => name = Some(word),
        }
    }
    name
}

/// What can stand behind the relations of a query.
const ENDS: [&str; 11] =
    ["WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "WITH", "TABLESAMPLE"];

#[cfg(test)]
mod tests {
    use super::unqualified;

    #[test]
    fn the_name_of_the_only_relation_is_left_out() {
        for (older, newer) in [
            (
                " SELECT z.id,\n    z.name\n   FROM public.zone z\n  WHERE (z.mood = 'z.a'::text)",
                " SELECT id,\n    name\n   FROM public.zone z\n  WHERE (mood = 'z.a'::text)",
            ),
            (
                " SELECT zone.id\n   FROM public.zone\n  GROUP BY zone.id",
                " SELECT id\n   FROM public.zone\n  GROUP BY id",
            ),
            (" SELECT (\"Z\".pair).a\n   FROM ONLY public.\"Z\"", " SELECT (pair).a\n   FROM ONLY public.\"Z\""),
            (" SELECT g.n\n   FROM generate_series(1, 3) g(n)", " SELECT n\n   FROM generate_series(1, 3) g(n)"),
            (
                " SELECT x.a\n   FROM ( SELECT t.a\n           FROM t) x",
                " SELECT a\n   FROM ( SELECT t.a\n           FROM t) x",
            ),
        ] {
            assert_eq!(unqualified(older), newer);
            assert_eq!(unqualified(newer), newer, "the newer form stays");
        }
    }

    #[test]
    fn a_name_stays_where_it_is_needed_or_where_every_server_prints_it() {
        for text in [
            " SELECT a.id\n   FROM (public.a\n     JOIN public.b ON ((a.id = b.id)))",
            " SELECT a.id\n   FROM public.a,\n    public.b",
            " SELECT a.id\n   FROM public.a\nUNION ALL\n SELECT b.id\n   FROM public.b",
            " SELECT row_to_json(a.*) AS r\n   FROM public.a",
            " SELECT 1 AS id\n   FROM public.a\n  ORDER BY a.id",
            " SELECT ( SELECT max(b.x) AS max\n           FROM b\n          WHERE (b.id = a.id)) AS m\n   FROM public.a",
            " SELECT a.f(1) AS x\n   FROM public.a",
        ] {
            assert_eq!(unqualified(text), text);
        }
    }
}
