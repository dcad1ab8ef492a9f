//! Variable substitution of goose's ENVSUB mode (goose/spec.md 3; goose/spec-3.30.md 2).
//!
//! goose has two languages for it, and a few lines are accepted by both and mean different SQL. So a line is filled in by
//! both: what they make of it alike is run, and what they do not is refused unless somebody says which one is meant.
//! Values come only from an [`Environment`] that the caller hands in: nothing here reads the process's own.

mod difference;
mod expansion;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::difference::{Reading, only_older, reading};
use self::expansion::{Expansion, Piece};
use crate::diagnostic::Code;
use crate::migration::Dialect;

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

impl Environment {
    /// The same variables with `…` for every value that is not empty: for text that shows what was filled in, and no secret.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mask = |value: &String| if value.is_empty() { String::new() } else { "…".to_owned() };
        Self(self.0.iter().map(|(name, value)| (name.clone(), mask(value))).collect())
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
    /// Fill the values in, as goose does when a file runs: as both of its languages do, or as one that is named.
    Fill(&'a Environment, Option<Dialect>),
    /// Check that one of the two grammars takes the line, and leave it as it is: what can be known at build time.
    Check,
}

impl Substitution<'_> {
    /// The language that is named.
    pub(super) const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Fill(_, dialect) => dialect,
            Self::Check => None,
        }
    }
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
    match substitution {
        Substitution::Check => match reading(line, None) {
            Reading::Refused(error) => Err(error),
            _ => Ok(line.to_owned()),
        },
        Substitution::Fill(environment, Some(dialect)) => expand_as(line, environment, dialect),
        Substitution::Fill(environment, None) => difference::agreed(line, environment),
    }
}

/// Whether what a line comes to does not depend on a variable that is not set here; its variables are added to `names`.
pub(super) fn is_known(
    line: &str,
    environment: &Environment,
    dialect: Option<Dialect>,
    names: &mut BTreeSet<String>,
) -> bool {
    let dialects = dialect.map_or_else(|| vec![Dialect::Goose327, Dialect::Goose330], |dialect| vec![dialect]);
    let readings = dialects.into_iter().filter_map(|dialect| expansion::read(line, dialect).ok());
    readings.flatten().all(|piece| match piece {
        Piece::Text(_) => true,
        Piece::Variable { name, does, .. } => {
            let has_default =
                matches!(does, Expansion::IfEmpty | Expansion::IfUnset | Expansion::IfFilled | Expansion::IfSet);
            let is_known = has_default || environment.get(&name).is_some();
            names.insert(name);
            is_known
        }
    })
}

fn expand_as(line: &str, environment: &Environment, dialect: Dialect) -> Result<String, ExpandError> {
    let pieces = expansion::read(line, dialect)?;
    let bytes = fill(&pieces, environment, dialect)?;
    // Which of the substrings is at fault cannot be said: two halves of a character may follow each other.
    String::from_utf8(bytes).map_err(|_| ExpandError {
        code: Code::VariableCut,
        at: 0,
        cause: "a substring on this line starts or ends inside a character".to_owned(),
    })
}

/// A demand that is not met: its message is the word that is being filled in.
struct Demand<'p> {
    name: &'p str,
    at: usize,
    default: &'static str,
    /// Where the message starts in what is filled in.
    from: usize,
    /// The piece behind its word.
    end: usize,
}

impl Demand<'_> {
    fn error(&self, message: &[u8]) -> ExpandError {
        let message = String::from_utf8_lossy(message);
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        ExpandError {
            code: Code::VariableUnset,
            at: self.at,
            cause: format!("`${}` is {}{message}", self.name, self.default),
        }
    }
}

fn fill(pieces: &[Piece], environment: &Environment, dialect: Dialect) -> Result<Vec<u8>, ExpandError> {
    let mut out = Vec::new();
    // The innermost one ends first, and its error is the line's.
    let mut demand: Option<Demand<'_>> = None;
    let mut next = 0;
    loop {
        if let Some(demand) = demand.as_ref().filter(|demand| demand.end == next) {
            return Err(demand.error(&out[demand.from..]));
        }
        let Some(piece) = pieces.get(next) else { return Ok(out) };
        let (name, does, end, at) = match piece {
            Piece::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                next += 1;
                continue;
            }
            Piece::Variable { name, does, end, at } => (name, *does, *end, *at),
        };
        match outcome(environment.get(name), does, dialect) {
            Outcome::Word => next += 1,
            Outcome::Value(value) => {
                out.extend_from_slice(&value);
                next = end;
            }
            Outcome::Demand(default) => {
                demand = Some(Demand { name, at, default, from: out.len(), end });
                next += 1;
            }
        }
    }
}

/// What an expansion comes to.
enum Outcome {
    /// Its word, which is filled in next.
    Word,
    Value(Vec<u8>),
    /// An error, with its word as the message.
    Demand(&'static str),
}

fn outcome(value: Option<&str>, does: Expansion, dialect: Dialect) -> Outcome {
    let text = value.unwrap_or_default();
    let (is_set, is_filled) = (value.is_some(), !text.is_empty());
    match does {
        Expansion::IfEmpty if !is_filled => Outcome::Word,
        Expansion::IfUnset if !is_set => Outcome::Word,
        Expansion::IfFilled if is_filled => Outcome::Word,
        Expansion::IfSet if is_set => Outcome::Word,
        Expansion::IfFilled | Expansion::IfSet => Outcome::Value(Vec::new()),
        Expansion::Required if !is_set => Outcome::Demand("not set"),
        Expansion::RequiredFilled if !is_filled => Outcome::Demand("empty or not set"),
        Expansion::Length => Outcome::Value(text.chars().count().to_string().into_bytes()),
        Expansion::Substring { offset, length } => Outcome::Value(match dialect {
            Dialect::Goose327 => bytes(text.as_bytes(), offset, length).to_vec(),
            Dialect::Goose330 => characters(text, offset, length).into_bytes(),
        }),
        Expansion::Plain
        | Expansion::IfEmpty
        | Expansion::IfUnset
        | Expansion::Required
        | Expansion::RequiredFilled => Outcome::Value(text.as_bytes().to_vec()),
    }
}

/// A substring in bytes, up to 3.30.0: before the start means the start.
fn bytes(value: &[u8], offset: i64, length: Option<i64>) -> &[u8] {
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let from = if offset < 0 { offset.saturating_add(size).max(0) } else { offset.min(size) };
    let to = end(from, size, length);
    let place = |at: i64| usize::try_from(at).unwrap_or_default();
    value.get(place(from)..place(to)).unwrap_or_default()
}

/// A substring in characters, from 3.30.1 on: before the start is nothing.
fn characters(value: &str, offset: i64, length: Option<i64>) -> String {
    let size = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let from = if offset < 0 { offset.saturating_add(size) } else { offset };
    if from < 0 || from > size {
        return String::new();
    }
    let count = usize::try_from(end(from, size, length) - from).unwrap_or_default();
    value.chars().skip(usize::try_from(from).unwrap_or_default()).take(count).collect()
}

/// Where a substring ends; a negative length counts from the end of the value.
fn end(from: i64, size: i64, length: Option<i64>) -> i64 {
    match length {
        None => size,
        Some(length) if length >= 0 => from.saturating_add(length).min(size),
        Some(length) => length.saturating_add(size).max(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("A", "alpha"), ("EMPTY", ""), ("D", "$A"), ("UTF", "h\u{e9}llo")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    fn filled(line: &str, dialect: Option<Dialect>) -> Result<String, ExpandError> {
        expand(line, Substitution::Fill(&environment(), dialect))
    }

    fn both(line: &str) -> Result<String, ExpandError> {
        filled(line, None)
    }

    #[test]
    fn defaults_nest_and_values_are_not_expanded_again() {
        assert_eq!(both("${NO:-<${EMPTY:-$A}>} $D").as_deref(), Ok("<alpha> $A"));
    }

    #[test]
    fn a_required_variable_may_be_empty_but_not_unset() {
        assert_eq!(both("[${EMPTY?x}]").as_deref(), Ok("[]"));
        assert_eq!(both("${NO?}").map_err(|error| error.cause), Err("`$NO` is not set".to_owned()));
        let inner = "${NO?a ${A} b ${NEITHER?inside}}";
        assert_eq!(both(inner).map_err(|error| error.cause), Err("`$NEITHER` is not set: inside".to_owned()));
    }

    #[test]
    fn a_length_that_no_value_has_is_an_error_up_to_3_30_0() {
        // goose refuses this one with an error of its own.
        let error = filled("${A:1:9223372036854775808}", Some(Dialect::Goose327)).map_err(|error| error.code);
        assert_eq!(error, Err(Code::VariableLength));
    }

    #[test]
    fn checking_leaves_the_line_as_it_is_and_takes_what_one_of_the_languages_takes() {
        for line in ["${NO?x}", "$1", "${A:+x}", "${\u{c9}}"] {
            assert_eq!(expand(line, Substitution::Check).as_deref(), Ok(line));
        }
        assert!(expand("${1}", Substitution::Check).is_err());
    }

    #[test]
    fn what_both_languages_make_of_a_line_alike_is_run() {
        for (line, text) in [("${U:+3}", ""), ("${A: -2}", "ha"), ("${A:0:2}$$", "al$"), ("a$(b)", "a$(b)")] {
            assert_eq!(both(line).as_deref(), Ok(text), "{line}");
        }
    }

    #[test]
    fn what_they_make_of_it_differently_is_refused_until_one_is_named() {
        for (line, old, new) in [
            ("${A:+3}", "ha", "3"),
            ("${U:-x\\}y}", "x\\y}", "x}y"),
            ("$A\u{b2}", "", "alpha\u{b2}"),
            ("${A: -9}", "alpha", ""),
        ] {
            assert_eq!(both(line).map_err(|error| error.code), Err(Code::VariableDialects), "{line}");
            assert_eq!(filled(line, Some(Dialect::Goose327)).as_deref(), Ok(old), "{line}");
            assert_eq!(filled(line, Some(Dialect::Goose330)).as_deref(), Ok(new), "{line}");
        }
        assert_eq!(both("${UTF:0:2}").map_err(|error| error.code), Err(Code::VariableDialects));
        assert_eq!(filled("${UTF:0:2}", Some(Dialect::Goose330)).as_deref(), Ok("h\u{e9}"));
    }

    #[test]
    fn what_only_the_newer_takes_is_run_and_what_only_the_older_takes_is_not() {
        assert_eq!(both("$1 ${A:?m} ${#A} ${A::2}").as_deref(), Ok("$1 alpha 5 al"));
        let error = both("${\u{c9}}").expect_err("refused");
        assert_eq!(error.code, Code::VariableName);
        assert!(error.cause.contains("3.30.1"), "{}", error.cause);
    }

    #[test]
    fn a_thousand_expansions_inside_each_other_are_filled_in_on_a_small_stack() {
        let nested = |levels: usize| format!("{}x{}", "${NO:-".repeat(levels), "}".repeat(levels));
        let deep = std::thread::Builder::new().stack_size(64 * 1024).spawn(move || {
            assert_eq!(both(&nested(1000)).as_deref(), Ok("x"));
            assert_eq!(both(&nested(1001)).map_err(|error| error.code), Err(Code::VariableDepth));
            let demands = format!("{}x{}", "${NO?".repeat(1000), "}".repeat(1000));
            assert_eq!(both(&demands).map_err(|error| error.cause), Err("`$NO` is not set: x".to_owned()));
        });
        deep.unwrap().join().unwrap();
    }
}
