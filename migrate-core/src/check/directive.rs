//! What a file says about its own run, in comments: `-- migrate:lock-timeout 2s`, `-- migrate:statement-timeout 10min`,
//! `-- migrate:requires-app >= 18`.
//!
//! Invariant: a comment that names such a directive is read or refused, never passed over.

use std::time::Duration;

use crate::diagnostic::{Code, Problem};
use crate::migration::{Migration, Version};
use crate::text::{Span, saturate};

/// A file's own terms, where it names any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnTerms {
    /// How long one of its statements waits for a lock.
    pub lock_timeout: Option<Duration>,
    /// How long one of its statements may run.
    pub statement_timeout: Option<Duration>,
    /// The oldest release that works with the schema behind it, by the highest version that the release knows.
    pub requires_app: Option<Version>,
}

/// The directives of a file. Both sections share them.
///
/// # Errors
/// The first one that cannot be read.
pub fn own_terms(migration: &Migration) -> Result<OwnTerms, Problem> {
    let mut terms = OwnTerms::default();
    for directive in directives(&migration.text) {
        let read = match directive.name {
            "lock-timeout" => duration(directive.value).map(|time| terms.lock_timeout = Some(time)),
            "statement-timeout" => duration(directive.value).map(|time| terms.statement_timeout = Some(time)),
            "requires-app" => floor(directive.value, migration.version).map(|floor| {
                terms.requires_app = terms.requires_app.max(Some(floor));
            }),
            _ => continue,
        };
        if read.is_none() {
            return Err(directive.malformed(migration));
        }
    }
    Ok(terms)
}

/// Why nothing undoes a file, or nothing exactly, where the file says so: `-- migrate:irreversible reason="…"`.
#[must_use]
pub fn irreversible(migration: &Migration) -> Option<String> {
    let said = directives(&migration.text).find(|directive| directive.name == IRREVERSIBLE)?;
    reason(said.value).map(str::to_owned)
}

/// The one argument of `irreversible`; nothing when it is another, or says nothing.
fn reason(value: &str) -> Option<&str> {
    let inside = value.strip_prefix("reason=\"")?.strip_suffix('"')?;
    (!inside.contains('"') && !inside.trim().is_empty()).then(|| inside.trim())
}

/// What is wrong with a file's directives, those included that nobody knows.
pub(super) fn problems(migration: &Migration) -> Vec<Problem> {
    // The rules read the others, and complain of those themselves.
    let known = |name: &str| name.starts_with("allow") || NAMES.iter().any(|(own, _)| *own == name);
    let unknown = directives(&migration.text).filter(|directive| !known(directive.name)).map(|directive| Problem {
        code: Code::BadDirective,
        span: directive.span,
        message: format!("nobody obeys `migrate:{}`", directive.name),
        help: format!("write one of {}, or delete the comment", NAMES.map(|(name, _)| name).join(", ")),
    });
    let unreasoned = directives(&migration.text)
        .filter(|directive| directive.name == IRREVERSIBLE && reason(directive.value).is_none())
        .map(|directive| directive.malformed(migration));
    own_terms(migration).err().into_iter().chain(unknown).chain(unreasoned).chain(unread(&migration.text)).collect()
}

/// Directives where nobody reads them: behind SQL, or with capitals.
fn unread(text: &str) -> Vec<Problem> {
    let mut start = 0;
    let mut problems = Vec::new();
    for line in text.split_inclusive('\n') {
        problems.extend(unread_in(line).map(|(at, name)| {
            let end = start + line.trim_end().len();
            Problem {
                code: Code::BadDirective,
                span: Span::new(saturate(start + at), saturate(end)),
                message: format!("`migrate:{name}` is not read here"),
                help: format!("write `-- migrate:{name} …` in lower case, as a line of its own"),
            }
        }));
        start += line.len();
    }
    problems
}

/// Where such a comment begins in a line, and the directive that it names.
fn unread_in(line: &str) -> Option<(usize, &'static str)> {
    line.match_indices("--").find_map(|(at, dashes)| unread_at(&line[..at], &line[at + dashes.len()..]))
}

fn unread_at(before: &str, comment: &str) -> Option<(usize, &'static str)> {
    let name_of = |text: &str| {
        let rest = text.trim_start().get(.."migrate:".len()).filter(|word| word.eq_ignore_ascii_case("migrate:"))?;
        let word = text.trim_start()[rest.len()..].split_whitespace().next()?;
        NAMES.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(word))
    };
    let name = name_of(comment)?;
    let is_read = before.trim().is_empty() && comment.trim_start().starts_with(&format!("migrate:{name}"));
    // What stands in quotes is no comment.
    let in_quotes = before.matches('\'').count() % 2 == 1;
    (!is_read && !in_quotes).then_some((before.len(), name))
}

/// Our directives, with what to write behind each.
const IRREVERSIBLE: &str = "irreversible";
const NAMES: [(&str, &str); 4] = [
    ("lock-timeout", "a time with its unit, such as `-- migrate:lock-timeout 2s` (ms, s, min, h)"),
    ("statement-timeout", "a time with its unit, such as `-- migrate:statement-timeout 2s` (ms, s, min, h)"),
    ("requires-app", "a version that is not above the file's own, such as `-- migrate:requires-app >= 18`"),
    (
        IRREVERSIBLE,
        "a reason and nothing else, such as `-- migrate:irreversible reason=\"the old values are not kept\"`",
    ),
];

/// One comment.
struct Directive<'t> {
    name: &'t str,
    value: &'t str,
    span: Span,
}

impl Directive<'_> {
    fn malformed(&self, migration: &Migration) -> Problem {
        let Self { name, value, span } = self;
        let message = match *name {
            "requires-app" => format!("`migrate:{name} {value}` names no version up to {}", migration.version),
            IRREVERSIBLE => format!("`migrate:{name} {value}` is not one reason in quotes"),
            _ => format!("`migrate:{name}` has no time"),
        };
        let form = NAMES.iter().find(|(own, _)| own == name).map_or("", |(_, form)| form);
        Problem { code: Code::BadDirective, span: *span, message, help: format!("write {form}") }
    }
}

/// The comments that are directives. Most files have none, and large ones are not walked line by line for it.
fn directives(text: &str) -> impl Iterator<Item = Directive<'_>> {
    let text = if text.contains("migrate:") { text } else { "" };
    let mut next = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = next + line.len() - line.trim_start().len();
        next += line.len();
        let line = line.trim();
        let rest = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        Some(Directive { name, value: value.trim(), span: Span::new(saturate(start), saturate(start + line.len())) })
    })
}

/// A release that contains the file itself is never below its floor.
fn floor(text: &str, own: Version) -> Option<Version> {
    let version = text.strip_prefix(">=")?.trim().parse().ok().map(Version)?;
    (version > Version::ZERO && version <= own).then_some(version)
}

/// A time as PostgreSQL writes it, with its unit; `0` needs none.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit.trim() {
        "" if number == 0 => 0,
        "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "min" | "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    // What the server takes for these settings, in milliseconds.
    i32::try_from(milliseconds).is_ok().then(|| Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{Body, Digest, Mode};

    fn migration(text: &str) -> Migration {
        Migration {
            version: Version(20),
            file: "00020_x.sql".into(),
            text: text.to_owned().into(),
            mode: Mode::Transaction,
            body: Body::Deferred(None),
            digest: Digest::of_text(text),
        }
    }

    #[test]
    fn times_have_a_unit_and_fit_the_server() {
        for (text, milliseconds) in [("250ms", 250), ("2s", 2_000), ("2 min", 120_000), ("1h", 3_600_000), ("0", 0)] {
            assert_eq!(duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5s", "2 weeks", "999999h", "99999999999999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn the_highest_floor_of_a_file_counts() {
        let text = "-- migrate:requires-app >= 18\n  --   migrate:requires-app >=20\n-- +goose Up\nSELECT 1;\n";
        assert_eq!(own_terms(&migration(text)).unwrap().requires_app, Some(Version(20)));
    }

    #[test]
    fn a_floor_that_is_no_version_up_to_the_files_own_is_refused_at_its_place() {
        for value in ["", "18", "> 18", ">= x", ">= 0", ">= -1", ">= 21", ">= 18 19"] {
            let text = format!("\n-- migrate:requires-app {value}\n-- +goose Up\n");
            let problems = problems(&migration(&text));
            assert_eq!(problems.len(), 1, "{value}");
            assert!(problems[0].span.of(&text).starts_with("-- migrate:requires-app"), "{value}");
        }
    }

    #[test]
    fn what_is_irreversible_has_a_reason_and_nothing_else() {
        let text = "-- migrate:irreversible reason=\"the old values are not kept\"\n-- +goose Up\n";
        assert_eq!(irreversible(&migration(text)).as_deref(), Some("the old values are not kept"));
        assert!(problems(&migration(text)).is_empty());
        for value in
            ["", "reason=", "reason=\"\"", "reason=\" \"", "reason=x", "reason=\"x\" until=\"5\"", "until=\"5\"", "why"]
        {
            let text = format!("-- +goose Up\n-- migrate:irreversible {value}\n");
            let problems = problems(&migration(&text));
            assert_eq!((problems.len(), irreversible(&migration(&text))), (1, None), "{value}");
            assert!(problems[0].span.of(&text).starts_with("-- migrate:irreversible"), "{value}");
        }
    }

    #[test]
    fn a_directive_that_nobody_knows_is_a_problem_and_those_of_others_are_none() {
        let text = "-- migrate:requires-ap >= 18\n-- migrate:allow drop-table reason=\"x\"\n\
                    -- migrate:irreversible reason=\"x\"\n-- it says migrate:nothing\n";
        let problems = problems(&migration(text));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.contains("requires-ap`"));
        assert_eq!(own_terms(&migration(text)), Ok(OwnTerms::default()), "what goose can apply is applied");
    }

    #[test]
    fn a_directive_is_never_passed_over_where_nobody_reads_it() {
        for (text, name) in [
            ("ALTER TABLE t ADD c int; -- migrate:requires-app >= 4\n", "requires-app"),
            ("-- Migrate:Requires-App >= 3\nSELECT 1;\n", "requires-app"),
            ("SELECT 'it''s'; --migrate:lock-timeout 2s\n", "lock-timeout"),
            ("SELECT 'a--b'; -- migrate:lock-timeout 2s\n", "lock-timeout"),
        ] {
            let found = problems(&migration(text));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].message.contains(&format!("`migrate:{name}` is not read here")), "{text}: {found:?}");
        }
        for text in [
            "SELECT '-- migrate:requires-app >= 4';\n",
            "-- migrate:requires-app >= 3\nSELECT 1; -- done\n",
            "SELECT 1; -- migrate later\n",
        ] {
            assert_eq!(problems(&migration(text)), [], "{text}");
        }
    }
}
