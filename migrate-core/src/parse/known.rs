//! A file's text with its variables filled in, for whoever judges it before it runs.
//!
//! Only where every value is known: a variable that is not set here may be set where the file runs. Invariant: the text
//! has the lines of the file, so that a place in it is a line of the file; values that bring lines along are not known.

use std::collections::BTreeSet;

use super::annotation::{self, Annotation};
use super::machine::{fault, split};
use super::variables::{Environment, Substitution, expand, is_known};
use crate::diagnostic::Problem;
use crate::migration::{Dialect, Direction};

/// A file's text with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The text, line by line as in the file, without the annotations that switch variables on and off.
    pub(crate) text: String,
    /// The variables that it was made with.
    pub(crate) names: BTreeSet<String>,
}

/// The text that values make of a file; nothing where one is not known, and an error where a line cannot be filled in.
pub(crate) fn known_text(
    text: &str,
    environment: &Environment,
    dialect: Option<Dialect>,
) -> Result<Option<Known>, Problem> {
    // Lines are filled in whatever direction they belong to.
    let Ok(section) = split(text, Direction::Up, Substitution::Check) else { return Ok(None) };
    let mut known = Known { text: String::with_capacity(text.len()), names: BTreeSet::new() };
    let mut filled = section.filled.iter().peekable();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let here = filled.next_if(|span| span.start as usize == start);
        match here {
            Some(span) if !is_known(span.of(text), environment, dialect, &mut known.names) => return Ok(None),
            Some(span) => {
                let sql = expand(span.of(text), Substitution::Fill(environment, dialect))
                    .map_err(|error| fault::bad_expansion(*span, &error))?;
                if sql.contains(['\n', '\r']) || annotation::read(&sql).is_some() {
                    return Ok(None);
                }
                known.text.push_str(&sql);
                known.text.push_str(&line[span.of(text).len()..]);
            }
            None if is_switch(content) => known.text.push_str(&line.replace(content, "--")),
            None => known.text.push_str(line),
        }
        start += line.len();
    }
    Ok(Some(known))
}

fn is_switch(line: &str) -> bool {
    matches!(annotation::read(line), Some(Ok(Annotation::EnvsubOn | Annotation::EnvsubOff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "-- +goose ENVSUB ON\n-- +goose Up\r\nCREATE TABLE ${T} (id int);\r\n-- +goose Down\nDROP TABLE $T;\n";

    fn with(values: &[(&str, &str)]) -> Option<Known> {
        let environment = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        known_text(FILE, &environment, None).unwrap()
    }

    #[test]
    fn a_known_text_has_the_lines_of_the_file() {
        let known = with(&[("T", "users")]).unwrap();
        assert_eq!(
            known.text,
            "--\n-- +goose Up\r\nCREATE TABLE users (id int);\r\n-- +goose Down\nDROP TABLE users;\n"
        );
        assert_eq!(known.names, BTreeSet::from(["T".to_owned()]));
    }

    #[test]
    fn what_is_not_set_here_or_brings_lines_along_is_not_known() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("T", "a\nb")]), None);
        let defaults =
            "-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${T:-1} ${U+2};\n-- +goose ENVSUB OFF\nSELECT '$V';\n";
        let known = known_text(defaults, &Environment::default(), None).unwrap().unwrap();
        assert_eq!(known.text, "-- +goose Up\n--\nSELECT 1 ;\n--\nSELECT '$V';\n");
    }

    #[test]
    fn a_line_that_its_value_spoils_is_an_error() {
        let text = "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${U:0:2}';\n";
        let environment = [("U".to_owned(), "h\u{e9}".to_owned())].into_iter().collect();
        let problem = known_text(text, &environment, None).unwrap_err();
        assert_eq!(
            (problem.span.of(text).is_empty(), problem.code),
            (false, crate::diagnostic::Code::VariableDialects)
        );
    }
}
