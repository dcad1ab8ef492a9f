//! Where values come from, and how one of them is refused.

use super::problem::{From, Problem};
use super::{Given, PARAMETERS, Parameter, shape};
use crate::parse::Environment;

/// Where values come from: the text, then the service, then the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    /// What the text said.
    pub(super) text: &'a Given,
    /// What the service says.
    pub(super) service: &'a Given,
    /// The environment.
    pub(super) variables: &'a Environment,
    /// The name of the account that runs this program, where it has one.
    pub(super) account: Option<&'a str>,
    /// How this program calls itself, unless somebody says otherwise.
    pub(super) application_name: &'a str,
}

/// One value, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) parameter: Parameter,
    pub(super) from: From,
    pub(super) text: &'a str,
}

impl Value<'_> {
    pub(super) fn refuse(self, expected: &'static str) -> Problem {
        Problem::Value { parameter: self.parameter, from: self.from, expected }
    }

    pub(super) fn unsupported(self, why: &'static str) -> Problem {
        Problem::Unsupported { parameter: self.parameter, from: self.from, why }
    }
}

impl<'a> Layers<'a> {
    /// The value that counts. A variable that is set to nothing is not set.
    pub(super) fn value(&self, parameter: Parameter) -> Option<Value<'a>> {
        let variable = parameter.row().variable;
        let given = |given: &'a Given, from| Some((given.get(parameter)?, from));
        let set = || Some((variable_value(self.variables, variable)?, From::Variable(variable)));
        let value = given(self.text, From::Text).or_else(|| given(self.service, From::Service)).or_else(set);
        value.map(|(text, from)| Value { parameter, from, text })
    }

    /// What was left out of the variables that count.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let values = PARAMETERS.iter().filter_map(|row| Some((self.value(row.parameter)?, row.variable)));
        let trimmed = values.filter(|(value, variable)| {
            value.from == From::Variable(variable)
                && self.variables.get(variable).is_some_and(|text| text != value.text)
        });
        trimmed.map(|(_, variable)| format!("{variable}: a line end behind it is left out"))
    }

    /// The same, when it says something.
    pub(super) fn filled(&self, parameter: Parameter) -> Option<Value<'a>> {
        self.value(parameter).filter(|value| !value.text.is_empty())
    }

    /// The parts between commas; none when nothing was said.
    pub(super) fn list(&self, parameter: Parameter) -> Vec<Value<'a>> {
        let value = self.filled(parameter);
        value.map(|value| value.text.split(',').map(|text| Value { text, ..value }).collect()).unwrap_or_default()
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &self,
        parameter: Parameter,
        words: &[(&str, T)],
        expected: &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.value(parameter) else { return Ok(None) };
        let word = words.iter().find(|(word, _)| *word == value.text);
        word.map(|(_, choice)| Some(*choice)).ok_or_else(|| value.refuse(expected))
    }

    /// A parameter that is read by `read`, and what it is where nobody says it.
    pub(super) fn or<T>(
        &self,
        parameter: Parameter,
        read: fn(Value<'_>) -> Result<T, Problem>,
        otherwise: T,
    ) -> Result<T, Problem> {
        self.value(parameter).map_or(Ok(otherwise), read)
    }
}

/// The value of a variable that is set to something. A line end behind it is a file's or a shell's, and no part of it.
pub(super) fn variable_value<'a>(variables: &'a Environment, name: &str) -> Option<&'a str> {
    variables.get(name).map(shape::without_line_ends).filter(|text| !text.is_empty())
}
