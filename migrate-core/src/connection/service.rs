//! Service files: `[NAME]` and the parameters below it.

use super::layers::variable_value;
use super::problem::Problem;
use super::{Given, Parameter};
use crate::parse::Environment;

/// The service that was asked for, and where to look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceQuery {
    /// Its name.
    pub(super) name: String,
    /// The files that may define it; the first one that does counts.
    pub(super) files: Vec<ServiceFile>,
}

/// A file that may define a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceFile {
    /// Where it is.
    pub(super) path: String,
    /// Whether somebody named it, so that its absence is an error.
    pub(super) named: bool,
}

/// Where distributions keep the file of the whole system.
const SYSTEM_FOLDER: &str = "/etc/postgresql-common";

/// The service that a text or `PGSERVICE` asks for.
#[must_use]
pub(super) fn query(given: &Given, variables: &Environment) -> Option<ServiceQuery> {
    let asked = |parameter: Parameter| {
        let given = given.get(parameter);
        given.or_else(|| variable_value(variables, parameter.row().variable)).filter(|value| !value.is_empty())
    };
    let name = asked(Parameter::Service)?.to_owned();
    let own = match asked(Parameter::ServiceFile) {
        Some(path) => Some(ServiceFile { path: path.to_owned(), named: true }),
        None => variables
            .get("HOME")
            .filter(|home| !home.is_empty())
            .map(|home| ServiceFile { path: format!("{home}/.pg_service.conf"), named: false }),
    };
    let folder = variables.get("PGSYSCONFDIR").filter(|folder| !folder.is_empty()).unwrap_or(SYSTEM_FOLDER);
    let system = ServiceFile { path: format!("{folder}/pg_service.conf"), named: false };
    Some(ServiceQuery { name, files: own.into_iter().chain([system]).collect() })
}

/// The parameters of a service, when this file defines it.
///
/// # Errors
/// A line of the service that is none, by its number.
pub(super) fn read(text: &str, path: &str, name: &str) -> Result<Option<Given>, Problem> {
    let mut found: Option<Given> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let named = header.strip_prefix(name).is_some_and(|rest| rest.starts_with(']'));
            found = named.then(Given::default);
        } else if let Some(given) = &mut found {
            let wrong = |why| Problem::ServiceLine { path: path.to_owned(), line: index + 1, why };
            parameter(line, given).map_err(wrong)?;
        }
    }
    Ok(found)
}

/// Keeps one line; the first of several for one parameter counts. The reason names nothing of it: the line may hold a
/// password.
fn parameter(line: &str, given: &mut Given) -> Result<(), &'static str> {
    if line.starts_with("ldap") {
        return Err("this program looks no service up by LDAP");
    }
    let (name, value) = line.split_once('=').ok_or("it has no `=`")?;
    let parameter = match name {
        "service" | "servicefile" => return Err("a service cannot name another one"),
        _ if name.ends_with([' ', '\t']) => return Err("there is a space before its `=`"),
        _ => Parameter::find(name).ok_or("its parameter is unknown")?,
    };
    given.keep_first(parameter, value);
    Ok(())
}
