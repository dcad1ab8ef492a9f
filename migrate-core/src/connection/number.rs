//! Numbers as libpq reads them, and the spans of time that they stand for.

use std::time::Duration;

use super::layers::Value;
use super::problem::Problem;

/// A whole number, with C's white space around it.
pub(super) fn integer(value: Value<'_>) -> Result<i32, Problem> {
    let text = value.text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    text.parse().map_err(|_| value.refuse("it is a whole number"))
}

/// A positive number of seconds; nothing for zero and below, which leave it to the system.
pub(super) fn seconds(value: Value<'_>) -> Result<Option<Duration>, Problem> {
    Ok(u64::try_from(integer(value)?).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

/// The same of milliseconds.
pub(super) fn milliseconds(value: Value<'_>) -> Result<Option<Duration>, Problem> {
    Ok(u64::try_from(integer(value)?).ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis))
}
