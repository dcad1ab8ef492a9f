//! The grammar's faults in the words of a PostgreSQL user.

use super::place::UNEXPECTED;
use super::token::Unclosed;

/// Where nothing better can be said.
pub(super) const CHECK: &str = "PostgreSQL refuses the statement as it stands: correct it";

/// Message and help of a text that ends inside something.
pub(super) fn unclosed(unclosed: Unclosed) -> (String, String) {
    let (message, help) = match unclosed {
        Unclosed::Dollar => ("unterminated dollar-quoted string", "close it with the same `$tag$` that opens it"),
        Unclosed::String => ("unterminated quoted string", "close it with `'`; a quote inside is written twice: `''`"),
        Unclosed::Name => ("unterminated quoted identifier", "close it with `\"`"),
        Unclosed::Comment => ("unterminated /* comment", "close it with `*/`; comments nest in PostgreSQL"),
    };
    (message.into(), help.into())
}

/// Whether the grammar tells what it expected, rather than what is wrong.
pub(super) fn is_expectation(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["expected", "missing", "unexpected"].iter().any(|word| message.starts_with(word))
}

/// What was expected, from a message such as `expected R_PAREN` or `expected command, found IDENT`, at the first token of
/// the text or behind it.
pub(super) fn help(message: &str, at_start: bool) -> String {
    let cut = [", found ", ", got "].iter().find_map(|word| message.split_once(word)).map_or(message, |it| it.0);
    let Some(expected) = cut.strip_prefix("expected ").or_else(|| cut.strip_prefix("Expected ")) else {
        return match cut {
            "missing comma" => "PostgreSQL expects a comma or the end of the list before it".into(),
            "unexpected trailing comma" => "delete the comma before it".into(),
            UNEXPECTED => {
                "a keyword is no name here: choose another, or write it in double quotes wherever it is used".into()
            }
            "Missing semicolon between statements" => {
                "the statement before it is complete, or not spelled right".into()
            }
            "" => CHECK.into(),
            _ => sentence(cut),
        };
    };
    if expected == "command" {
        let help = if at_start {
            "no statement begins with this word: check its spelling"
        } else {
            "the statement is complete before this: delete the rest, or correct what stands before it"
        };
        return help.into();
    }
    let words: Vec<String> = expected.split(' ').map(word).collect();
    format!("PostgreSQL expects {} before it", words.join(" "))
}

/// A name of the grammar's as it is written in SQL.
fn word(name: &str) -> String {
    let sign = match name {
        "COMMA" => ",",
        "L_PAREN" => "(",
        "R_PAREN" => ")",
        "L_BRACK" => "[",
        "R_BRACK" => "]",
        "SEMICOLON" => ";",
        "EQ" => "=",
        "DOT" => ".",
        "COLON" => ":",
        "STRING" => return "a string".into(),
        "IDENT" => return "a name".into(),
        "INT_NUMBER" => return "a number".into(),
        _ => {
            return name.strip_suffix("_KW").map_or_else(|| name.to_owned(), |keyword| format!("`{keyword}`"));
        }
    };
    format!("`{sign}`")
}

/// The message with a small first letter, as all messages here begin.
pub(super) fn sentence(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut characters = message.chars();
    let Some(first) = characters.next() else { return String::new() };
    let rest = characters.as_str();
    // An abbreviation or a keyword stays as it is.
    if rest.starts_with(|c: char| c.is_ascii_uppercase()) {
        return message.to_owned();
    }
    first.to_lowercase().chain(rest.chars()).collect()
}

/// The start of a token, which may be a body of many lines.
pub(super) fn shorten(token: &str) -> String {
    let line = token.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(40).collect();
    if short.len() < token.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_grammar_become_sql() {
        assert_eq!(help("expected R_PAREN", false), "PostgreSQL expects `)` before it");
        assert_eq!(help("expected FROM_KW", false), "PostgreSQL expects `FROM` before it");
        assert_eq!(
            help("expected an expression, found SEMICOLON", false),
            "PostgreSQL expects an expression before it"
        );
    }

    #[test]
    fn a_word_that_begins_no_statement_is_told_from_one_that_is_too_much() {
        assert!(help("expected command, found IDENT", true).contains("check its spelling"));
        assert!(help("expected command, found IDENT", false).contains("complete before this"));
    }

    #[test]
    fn a_message_starts_small_unless_it_starts_with_a_keyword() {
        assert_eq!(sentence("Transition table"), "transition table");
        assert_eq!(sentence("NATURAL join"), "NATURAL join");
    }
}
