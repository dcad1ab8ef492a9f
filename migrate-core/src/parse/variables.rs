//! Variable substitution of goose's ENVSUB mode (goose/spec.md 3).
//!
//! Values come only from an [`Environment`] that the caller hands in: nothing here reads the process's own.

mod expansion;

use std::collections::BTreeMap;

use self::expansion::{Expansion, Piece};
use crate::diagnostic::Code;

/// The values that variables may take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// How a parse treats lines under ENVSUB ON.
#[derive(Debug, Clone, Copy)]
pub enum Substitution<'a> {
    /// Fill the values in, as goose does when a file runs.
    Fill(&'a Environment),
    /// Check the grammar and leave the line as it is: what can be known at build time.
    Check,
}

/// Why a line could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpandError {
    pub(super) code: Code,
    /// Byte offset in the line.
    pub(super) at: usize,
    pub(super) cause: String,
}

/// The line with its variables filled in, or as it is when only the grammar is checked.
pub(super) fn expand(line: &str, substitution: Substitution<'_>) -> Result<String, ExpandError> {
    let pieces = expansion::read(line)?;
    match substitution {
        Substitution::Check => Ok(line.to_owned()),
        Substitution::Fill(environment) => {
            let bytes = fill(&pieces, environment)?;
            // Which of the substrings is at fault cannot be said: two halves of a character may follow each other.
            String::from_utf8(bytes).map_err(|_| ExpandError {
                code: Code::VariableCut,
                at: 0,
                cause: "a substring on this line starts or ends inside a character".to_owned(),
            })
        }
    }
}

fn fill(pieces: &[Piece], environment: &Environment) -> Result<Vec<u8>, ExpandError> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Variable { name, expansion, at } => {
                out.extend_from_slice(&value(name, expansion, *at, environment)?);
            }
        }
    }
    Ok(out)
}

fn value(name: &str, expansion: &Expansion, at: usize, environment: &Environment) -> Result<Vec<u8>, ExpandError> {
    let value = environment.get(name);
    let set = || value.unwrap_or_default().as_bytes().to_vec();
    match expansion {
        Expansion::IfEmpty(word) if value.unwrap_or_default().is_empty() => fill(word, environment),
        Expansion::IfUnset(word) if value.is_none() => fill(word, environment),
        Expansion::Required(word) if value.is_none() => {
            let message = String::from_utf8_lossy(&fill(word, environment)?).into_owned();
            let message = if message.is_empty() { message } else { format!(": {message}") };
            Err(ExpandError { code: Code::VariableUnset, at, cause: format!("`${name}` is not set{message}") })
        }
        Expansion::Plain | Expansion::IfEmpty(_) | Expansion::IfUnset(_) | Expansion::Required(_) => Ok(set()),
        Expansion::Substring { offset, length } => {
            let value = value.unwrap_or_default().as_bytes();
            substring(value, *offset, *length).map(<[u8]>::to_vec).ok_or_else(|| ExpandError {
                code: Code::VariableOverflow,
                at,
                cause: format!("offset and length of `${name}` together do not fit in 64 bits"),
            })
        }
    }
}

/// A substring in bytes; `None` when offset and length overflow, which makes goose crash.
fn substring(value: &[u8], offset: i64, length: Option<i64>) -> Option<&[u8]> {
    let size = i64::try_from(value.len()).ok()?;
    let from = if offset < 0 { offset.saturating_add(size).max(0) } else { offset.min(size) };
    let to = match length {
        None => size,
        Some(length) if length >= 0 => from.checked_add(length)?.min(size),
        Some(length) => length.saturating_add(size).max(from),
    };
    value.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> Result<String, ExpandError> {
        let environment = [("A", "alpha"), ("EMPTY", ""), ("D", "$A")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        expand(line, Substitution::Fill(&environment))
    }

    #[test]
    fn defaults_nest_and_values_are_not_expanded_again() {
        assert_eq!(filled("${NO:-<${EMPTY:-$A}>} $D").as_deref(), Ok("<alpha> $A"));
    }

    #[test]
    fn a_required_variable_may_be_empty_but_not_unset() {
        assert_eq!(filled("[${EMPTY?x}]").as_deref(), Ok("[]"));
        assert_eq!(filled("${NO?}").map_err(|error| error.cause), Err("`$NO` is not set".to_owned()));
    }

    #[test]
    fn an_overflowing_substring_is_an_error_not_a_crash() {
        let error = filled("${A:1:9223372036854775807}").map_err(|error| error.code);
        assert_eq!(error, Err(Code::VariableOverflow));
    }

    #[test]
    fn checking_leaves_the_line_as_it_is() {
        assert_eq!(expand("${NO?x}", Substitution::Check).as_deref(), Ok("${NO?x}"));
        assert!(expand("$1", Substitution::Check).is_err());
    }
}
