//! The text of a `migrate:allow` comment.

use crate::lint::Settings;
use crate::migration::Set;

pub(super) const MARK: &str = "migrate:allow";

/// What a comment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) rule: String,
    pub(super) object: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) until: Option<String>,
    pub(super) whole_file: bool,
}

impl Directive {
    /// Whether its last day, or the version that ends it, is behind.
    pub(super) fn is_expired(&self, set: &Set, settings: &Settings) -> bool {
        let Some(until) = &self.until else { return false };
        match until.parse::<i64>() {
            Ok(version) => version <= set.latest().0,
            Err(_) => settings.today.as_ref().is_some_and(|today| until < today),
        }
    }
}

/// Reads a comment: `None` when it is no directive, an error when it is one that cannot be read.
pub(super) fn parse(comment: &str) -> Option<Result<Directive, String>> {
    let rest = comment.trim_start_matches('-').trim_start().strip_prefix(MARK)?;
    let (whole_file, rest) = match rest.strip_prefix("-file") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if rest.chars().next().is_some_and(|c| !c.is_whitespace()) {
        return Some(Err("write `migrate:allow` or `migrate:allow-file`".into()));
    }
    Some(arguments(rest.trim()).map(|directive| Directive { whole_file, ..directive }))
}

fn arguments(text: &str) -> Result<Directive, String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
    let (rule, mut rest) = text.split_at(end);
    if rule.is_empty() || rest.starts_with('=') {
        return Err("it names no rule".into());
    }
    let mut directive = Directive { rule: rule.to_owned(), ..Directive::default() };
    if let Some(inner) = rest.strip_prefix('(') {
        let (object, after) = inner.split_once(')').ok_or("`(` is not closed")?;
        directive.object = Some(object.trim().to_owned());
        rest = after;
    }
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(directive);
        }
        let (key, value) = rest.split_once('=').ok_or_else(|| format!("`{rest}` is not understood"))?;
        let (value, after) = value_of(value)?;
        match key.trim_end() {
            "reason" if !value.trim().is_empty() => directive.reason = Some(value.to_owned()),
            "reason" => {}
            "until" if is_until(value) => directive.until = Some(value.to_owned()),
            "until" => return Err(format!("until={value} is neither a date like 2027-03-01 nor a version")),
            other => return Err(format!("`{other}` is neither reason nor until")),
        }
        rest = after;
    }
}

/// A value in quotes, or up to the next blank.
fn value_of(text: &str) -> Result<(&str, &str), String> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or_else(|| "a `\"` is not closed".into()),
        None => Ok(text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))),
    }
}

fn is_until(text: &str) -> bool {
    let is_version = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_version || is_date(text)
}

/// Whether it is a day of the calendar, as `2027-03-01`.
fn is_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}
