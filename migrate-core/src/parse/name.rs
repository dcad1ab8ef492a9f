//! The version in a file name (goose/spec.md 1.2).

use crate::migration::Version;

/// Why a file name holds no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// The name does not end in `.sql` or `.go`.
    Extension,
    /// There is no underscore after the version.
    Separator,
    /// The text before the first underscore is not a number.
    Syntax(String),
    /// The number does not fit in 64 bits.
    Range(String),
    /// Versions start at 1.
    NotPositive,
}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Extension => write!(f, "it does not end in `.sql`"),
            Self::Separator => write!(f, "it has no `_` after a version number"),
            Self::Syntax(text) => write!(f, "`{}` before the first `_` is not a number", text.escape_debug()),
            Self::Range(text) => write!(f, "its version {text} does not lie between 1 and 9223372036854775807"),
            Self::NotPositive => write!(f, "its version is not above zero"),
        }
    }
}

/// The version that goose reads from a path's last element.
///
/// # Errors
/// The first rule of goose/spec.md 1.2 that the name breaks.
pub fn version(path: &str) -> Result<Version, NameError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rfind('.').map(|at| &name[at..]);
    if !matches!(extension, Some(".sql" | ".go")) {
        return Err(NameError::Extension);
    }
    let (digits, _) = name.split_once('_').ok_or(NameError::Separator)?;
    let number = integer(digits).map_err(|error| match error {
        IntegerError::Syntax => NameError::Syntax(digits.to_owned()),
        IntegerError::Range => NameError::Range(digits.to_owned()),
    })?;
    if number < 1 { Err(NameError::NotPositive) } else { Ok(Version(number)) }
}

/// Why a text is not a 64-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntegerError {
    /// Not an optional sign and ASCII digits.
    Syntax,
    /// Digits, but outside 64 bits.
    Range,
}

/// A base-10 signed integer as Go's `strconv.ParseInt` reads it: an optional sign, then ASCII digits only.
pub(super) fn integer(text: &str) -> Result<i64, IntegerError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(IntegerError::Syntax);
    }
    text.parse().map_err(|_| IntegerError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_and_a_plus_sign_are_fine() {
        assert_eq!(version("+0012_a.sql"), Ok(Version(12)));
    }

    #[test]
    fn only_the_first_underscore_ends_the_version() {
        assert_eq!(version("1_000_a.sql"), Ok(Version(1)));
    }

    #[test]
    fn digits_of_other_scripts_are_no_version() {
        assert!(matches!(version("１_a.sql"), Err(NameError::Syntax(_))));
    }
}
