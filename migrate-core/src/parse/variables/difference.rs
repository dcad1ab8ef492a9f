//! What goose's two languages of variables make of one line, compared.

use super::expansion::{self, Piece};
use super::{Environment, ExpandError, expand_as};
use crate::diagnostic::Code;
use crate::migration::Dialect;

/// What can be said of a line without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::parse) enum Reading {
    /// It is read alike, or by the language that is named.
    Plain,
    /// Only goose from 3.30.1 on reads it.
    NeedsNewer,
    /// Only goose up to 3.30.0 reads it; what the other says.
    NeedsOlder(ExpandError),
    /// Both read it, and make different text of it.
    Differs { at: usize },
    /// It is not read: by neither, or not by the one that is named.
    Refused(ExpandError),
}

/// How a line is read, by its grammar alone.
pub(in crate::parse) fn reading(line: &str, dialect: Option<Dialect>) -> Reading {
    if let Some(dialect) = dialect {
        return expansion::read(line, dialect).map_or_else(Reading::Refused, |_| Reading::Plain);
    }
    // A line without any of the three is its own text in both.
    if !line.contains(['$', '\\']) {
        return Reading::Plain;
    }
    match (expansion::read(line, Dialect::Goose327), expansion::read(line, Dialect::Goose330)) {
        (Ok(old), Ok(new)) if old == new => Reading::Plain,
        (Ok(old), Ok(new)) => Reading::Differs { at: first_difference(&old, &new) },
        (Err(_), Ok(_)) => Reading::NeedsNewer,
        (Ok(_), Err(error)) => Reading::NeedsOlder(error),
        (Err(_), Err(error)) => Reading::Refused(error),
    }
}

/// The text that both languages make of a line.
pub(super) fn agreed(line: &str, environment: &Environment) -> Result<String, ExpandError> {
    let new = expand_as(line, environment, Dialect::Goose330);
    match (expand_as(line, environment, Dialect::Goose327), new) {
        (Ok(old), Ok(new)) if old == new => Ok(new),
        (Ok(_), Ok(_)) => Err(differs(line)),
        // goose up to 3.30.0 sends half a character.
        (Err(error), Ok(_)) if error.code == Code::VariableCut => Err(differs(line)),
        (Err(_), Ok(new)) => Ok(new),
        (Ok(_), Err(error)) if error.code != Code::VariableUnset => Err(only_older(&error)),
        (_, Err(error)) => Err(error),
    }
}

/// The word of goose from 3.30.1 on, where an older one takes the line.
pub(in crate::parse) fn only_older(error: &ExpandError) -> ExpandError {
    let cause = format!("goose up to 3.30.0 takes this line, and goose from 3.30.1 on does not: {}", error.cause);
    ExpandError { cause, code: error.code, at: error.at }
}

/// Values are not shown: they may be secrets.
fn differs(line: &str) -> ExpandError {
    let at = match (expansion::read(line, Dialect::Goose327), expansion::read(line, Dialect::Goose330)) {
        (Ok(old), Ok(new)) if old != new => first_difference(&old, &new),
        (Ok(_), Ok(new)) => new.iter().find_map(substring).unwrap_or(0),
        _ => 0,
    };
    let cause = "goose up to 3.30.0 makes other text of this line than goose from 3.30.1 on".to_owned();
    ExpandError { code: Code::VariableDialects, at, cause }
}

/// Where a substring stands: with the same grammar, only these can come to different text.
fn substring(piece: &Piece) -> Option<usize> {
    match piece {
        Piece::Variable { does: expansion::Expansion::Substring { .. }, at, .. } => Some(*at),
        _ => None,
    }
}

/// The place of the first expansion that the two do not read alike.
fn first_difference(old: &[Piece], new: &[Piece]) -> usize {
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let place = |piece: &Piece| match piece {
        Piece::Variable { at, .. } => Some(*at),
        Piece::Text(_) => None,
    };
    let behind = |pieces: &[Piece]| pieces.iter().skip(same).find_map(place);
    // A text that differs is the word of the expansion before it.
    let before = || old.iter().take(same).rev().find_map(place);
    match (old.get(same), new.get(same)) {
        (Some(Piece::Text(_)), Some(Piece::Text(_))) => before().or_else(|| behind(new)),
        _ => behind(new).into_iter().chain(behind(old)).min(),
    }
    .unwrap_or(0)
}
