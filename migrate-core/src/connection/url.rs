//! `postgres://` URLs, read as libpq reads them.

use super::problem::Problem;
use super::unknown::{self, Before};
use super::{Given, Parameter};

/// The parameters of what stands behind `postgres://`.
pub(super) fn read(rest: &str) -> Result<Given, Problem> {
    // libpq would take it for part of a name. It is a second line of a file, and anything may stand there.
    if rest.contains(['\n', '\r']) {
        return Err(Problem::LineEnd);
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let at = rest[..slash].find('@');
    let mark = rest[..slash].find(['?', '#']);
    match (at, mark) {
        // RFC 3986 ends the authority at the first of `/`, `?` and `#`; libpq only looks for `/`. Where the two see
        // different hosts, the query has to be one of parameters, or what stands before the `@` a login.
        (Some(at), Some(mark)) if mark < at => match without_login(rest) {
            Ok(given) if rest[mark..].starts_with('?') && has_port(&given) => Ok(given),
            _ => with_login(rest, at).map_err(|_| Problem::AtBehindMark),
        },
        (Some(at), _) => with_login(rest, at),
        (None, mark) => {
            // A password with a `/` ends as one of these, and what is left of it would be taken for a database.
            if mark.is_none()
                && rest[..slash].contains(':')
                && rest[slash..].split('?').next().is_some_and(|path| path.contains('@'))
            {
                return Err(Problem::AtBehindSlash);
            }
            without_login(rest)
        }
    }
}

/// Whether its port is one, or left to be the usual one: what is none may be a password.
fn has_port(given: &Given) -> bool {
    given.get(Parameter::Port).is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit() || byte == b','))
}

fn with_login(rest: &str, at: usize) -> Result<Given, Problem> {
    let mut given = Given::default();
    login(&rest[..at], &mut given)?;
    behind_login(&rest[at + 1..], given)
}

fn without_login(rest: &str) -> Result<Given, Problem> {
    behind_login(rest, Given::default())
}

fn behind_login(hosts: &str, mut given: Given) -> Result<Given, Problem> {
    if let Some(query) = hosts_and_database(hosts, &mut given)? {
        parameters(query, &mut given)?;
    }
    Ok(given)
}

fn login(text: &str, given: &mut Given) -> Result<(), Problem> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    insert(given, Parameter::User, decode(user)?);
    insert(given, Parameter::Password, decode(password)?);
    Ok(())
}

/// Reads up to the query, and returns it.
fn hosts_and_database<'t>(text: &'t str, given: &mut Given) -> Result<Option<&'t str>, Problem> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let (host, behind) = host(rest)?;
        let port_end = behind.find(['/', '?', ',']).unwrap_or(behind.len());
        hosts.push(host);
        ports.push(behind[..port_end].strip_prefix(':').unwrap_or_default());
        rest = &behind[port_end..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    insert(given, Parameter::Host, decode(&hosts.join(","))?);
    insert(given, Parameter::Port, decode(&ports.join(","))?);
    let Some(database) = rest.strip_prefix('/') else { return Ok(rest.strip_prefix('?')) };
    let (database, query) = match database.split_once('?') {
        Some((database, query)) => (database, Some(query)),
        None => (database, None),
    };
    insert(given, Parameter::Dbname, decode(database)?);
    Ok(query)
}

/// One host, and what stands behind it.
fn host(text: &str) -> Result<(&str, &str), Problem> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']').ok_or(Problem::Brackets)?;
        let ends = behind.is_empty() || behind.starts_with([':', '/', '?', ',']);
        return if address.is_empty() || !ends { Err(Problem::Brackets) } else { Ok((address, behind)) };
    }
    let end = text.find([':', '/', '?', ',']).unwrap_or(text.len());
    let host = &text[..end];
    // libpq takes these for part of the host's name, and names it when it cannot be found. It is the end of a password.
    if host.contains('@') {
        return Err(Problem::SecondAt);
    }
    if host.contains(|c: char| "&=#\"'\\".contains(c) || c.is_whitespace()) {
        Err(Problem::OddHost)
    } else {
        Ok(text.split_at(end))
    }
}

fn parameters(query: &str, given: &mut Given) -> Result<(), Problem> {
    let mut rest = query;
    let mut before = Before::default();
    while !rest.is_empty() {
        let (pair, behind) = rest.split_once('&').unwrap_or((rest, ""));
        // What an `@` stands behind may still be somebody's password.
        before.doubt |= rest.contains('@');
        before.password |= parameter(pair, given, before)?;
        rest = behind;
    }
    Ok(())
}

/// Keeps one parameter; whether it is a password.
fn parameter(pair: &str, given: &mut Given, before: Before) -> Result<bool, Problem> {
    let (name, value) = pair.split_once('=').ok_or(Problem::NoEquals)?;
    let name = decode(name)?;
    // libpq refuses it in every value; in this one it can be nothing else, and goose's driver took it for years.
    if value.contains('=') && name != Parameter::Options.name() {
        return Err(Problem::SecondEquals);
    }
    let value = decode(value)?;
    match (name.as_str(), value.as_str()) {
        ("ssl", "true") => given.replace(Parameter::SslMode, "require".to_owned()),
        _ => unknown::store(given, &name, value, before)?,
    }
    Ok(Parameter::find(&name).is_some_and(Parameter::is_secret))
}

/// Where libpq sees no value, it goes on looking for one; an empty host of several is one all the same.
fn insert(given: &mut Given, parameter: Parameter, value: String) {
    if !value.is_empty() {
        given.replace(parameter, value);
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |at: usize| behind.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(Problem::PercentCode) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| Problem::PercentCode)?);
        rest = &behind[2..];
    }
    if bytes.contains(&0) {
        return Err(Problem::ZeroByte);
    }
    String::from_utf8(bytes).map_err(|_| Problem::PercentCode)
}
