//! `key=value` pairs, read as libpq reads them.

use super::problem::Problem;
use super::server::is_space;
use super::unknown::{self, Before};
use super::{Given, Parameter};

/// The parameters of a text such as `host=db user=me password='two words'`.
pub(super) fn read(text: &str) -> Result<Given, Problem> {
    let mut given = Given::default();
    let mut before = Before::default();
    let mut rest = skip_space(text);
    if rest.is_empty() {
        return Err(Problem::NeitherForm);
    }
    while !rest.is_empty() {
        let first = rest.len() == skip_space(text).len();
        let (name, behind) = name(rest).ok_or(if first { Problem::NeitherForm } else { Problem::Word })?;
        let (value, behind) = value(behind)?;
        unknown::store(&mut given, name, value, before)?;
        before.password |= Parameter::find(name).is_some_and(Parameter::is_secret);
        rest = skip_space(behind);
    }
    Ok(given)
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The name before the next `=`, and what stands behind that.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| c == '=' || is_space(c))?;
    let behind = skip_space(&text[end..]).strip_prefix('=')?;
    Some((&text[..end], skip_space(behind)))
}

/// A value, quoted or not, without its backslashes, and what stands behind it.
fn value(text: &str) -> Result<(String, &str), Problem> {
    let (text, quoted) = match text.strip_prefix('\'') {
        Some(quoted) => (quoted, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && is_space(c) => return Ok((value, &text[at..])),
            '\0' => return Err(Problem::ZeroByte),
            c => value.push(c),
        }
    }
    if quoted { Err(Problem::OpenQuote) } else { Ok((value, "")) }
}
