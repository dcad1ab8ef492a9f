//! What is wrong with how a connection was asked for, in words that hold no value of it.

use super::Parameter;
use super::shape::Shape;

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The URL or the `key=value` pairs.
    Text,
    /// The service file.
    Service,
    /// The environment variable that stands for the parameter.
    Variable(&'static str),
}

impl From {
    /// The parameter as its reader wrote it: the variable's name, where it is one.
    #[must_use]
    pub fn shown(self, parameter: Parameter) -> &'static str {
        match self {
            Self::Variable(name) => name,
            Self::Text | Self::Service => parameter.name(),
        }
    }

    /// The same, with where to look for it.
    #[must_use]
    pub fn place(self, parameter: Parameter) -> String {
        match self {
            Self::Variable(name) => name.to_owned(),
            Self::Text => format!("`{}`", parameter.name()),
            Self::Service => format!("`{}` in the service file", parameter.name()),
        }
    }
}

/// Why a connection cannot be made from what was given. No variant repeats a value: a password that was not
/// percent-encoded, or not quoted, may be anywhere in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Neither a URL nor pairs.
    #[error("it is neither a postgres:// URL nor key=value pairs")]
    NeitherForm,
    /// Something else, by its shape.
    #[error("it {}", .0.is)]
    Shape(Shape),
    /// A value that describes a whole connection, in the place of a part of one.
    #[error("{place} holds {looks}; it takes {takes}")]
    Misplaced {
        /// Where it stands.
        place: String,
        /// What it looks like.
        looks: &'static str,
        /// What belongs there.
        takes: &'static str,
    },
    /// A host with a character that none has.
    #[error("{place} holds {what}, which no host has")]
    Host {
        /// Where it stands.
        place: String,
        /// The character.
        what: &'static str,
    },
    /// A percent sign without its two digits.
    #[error("it holds a `%` that is not followed by two hexadecimal digits; write `%25`")]
    PercentCode,
    /// A zero byte.
    #[error("it holds a zero byte")]
    ZeroByte,
    /// A second line.
    #[error("it is a URL of more than one line")]
    LineEnd,
    /// A second `@` where the hosts begin.
    #[error("it holds more than one `@`; in a user or a password write `%40`")]
    SecondAt,
    /// An `@` behind a `?` or a `#`.
    #[error(
        "it holds a `?` or a `#` before its `@`; in a user or a password write `%3F` and `%23`, in a parameter `%40`"
    )]
    AtBehindMark,
    /// An `@` behind the `/` that ends the hosts.
    #[error("it holds a `/` before its `@`; in a user or a password write `%2F`, in a database's name `%40`")]
    AtBehindSlash,
    /// A character that no host has.
    #[error("what stands in the place of its host has a character that no host has; it may be the end of a password")]
    OddHost,
    /// A bracketed address that does not end, is empty, or has something behind it.
    #[error("an IPv6 address in it is not of the form `[ADDRESS]` or `[ADDRESS]:PORT`")]
    Brackets,
    /// A part of the query without `=`.
    #[error("a parameter behind its `?` has no `=`")]
    NoEquals,
    /// A part of the query with two of them.
    #[error("a parameter behind its `?` has more than one `=`; in a value write `%3D`")]
    SecondEquals,
    /// A quoted value that does not end.
    #[error("it holds a quote that is not closed")]
    OpenQuote,
    /// A word between the pairs.
    #[error("it holds a word without `=`; quote a value that has spaces: 'two words'")]
    Word,
    /// A parameter that nobody knows, by its name; it is left out where it may be part of a password.
    #[error("{}", unknown(name.as_deref(), *advice))]
    Unknown {
        /// Its name, when it can be nothing else.
        name: Option<String>,
        /// What was probably meant.
        advice: Option<Advice>,
    },
    /// A parameter that this program cannot honour.
    #[error("`{}` cannot be honoured: {why}", from.shown(*parameter))]
    Unsupported {
        /// Which.
        parameter: Parameter,
        /// Where it comes from.
        from: From,
        /// Why not.
        why: &'static str,
    },
    /// A value of another kind.
    #[error("invalid value for `{}`: {expected}", from.shown(*parameter))]
    Value {
        /// Which.
        parameter: Parameter,
        /// Where it comes from.
        from: From,
        /// What it may be.
        expected: &'static str,
    },
    /// Hosts and addresses that do not pair up.
    #[error("`host` names {hosts} hosts, and `hostaddr` {addresses} addresses")]
    Addresses {
        /// How many hosts.
        hosts: usize,
        /// How many addresses.
        addresses: usize,
    },
    /// Hosts and ports that do not pair up.
    #[error("`port` names {ports} ports for {hosts} hosts: give one for all, or one for each")]
    Ports {
        /// How many hosts.
        hosts: usize,
        /// How many ports.
        ports: usize,
    },
    /// Two parameters that contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A service that no file defines.
    #[error("no service file defines the service `{0}`")]
    NoService(String),
    /// A line of a service file.
    #[error("line {line} of the service file {path}: {why}")]
    ServiceLine {
        /// The file.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file that describes the connection.
    #[error("cannot read {path}: {why}")]
    File {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
    /// Nobody to log in as.
    #[error("it names no user, and the account that runs this program has no name")]
    NoUser,
}

/// What was meant by a parameter that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// A slip of the hand.
    Meant(&'static str),
    /// A setting of another program's driver, for which there is one here.
    OtherProgram,
}

fn unknown(name: Option<&str>, advice: Option<Advice>) -> String {
    let Some(name) = name else {
        return "it holds a parameter that this program does not know; its name is not repeated, because it may be \
                part of a password"
            .to_owned();
    };
    let advice = match advice {
        None => String::new(),
        Some(Advice::Meant(meant)) => format!("; is `{meant}` meant?"),
        Some(Advice::OtherProgram) => {
            "; it belongs to another program's driver, and `sslmode` and `sslrootcert` say here what it says there"
                .to_owned()
        }
    };
    format!("unknown parameter `{name}`{advice}")
}

impl Problem {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Shape(shape) => shape.help,
            Self::Misplaced { .. } => {
                "a whole URL goes into DATABASE_URL or `--database-url`, or into the file that DATABASE_URL_FILE names"
            }
            Self::Host { .. } => {
                "hosts have commas between them; a port, a user and a password have parameters and variables of their own, \
                 and blanks between one pair and the next"
            }
            Self::NoService(_) | Self::ServiceLine { .. } => {
                "a service file has `[NAME]` lines, and below each `parameter=value` without spaces around the `=`"
            }
            Self::Value { from: From::Variable(_), .. } | Self::Unsupported { from: From::Variable(_), .. } => {
                "unset the variable, or set it to such a value"
            }
            Self::Unknown { .. }
            | Self::Unsupported { .. }
            | Self::Value { .. }
            | Self::Addresses { .. }
            | Self::Ports { .. }
            | Self::Contradiction(_) => "docs/connection.md says what each parameter means, and which values it has",
            Self::File { .. } => "name a file that is there and that this program may read",
            Self::NoUser => "name one: `postgres://USER@HOST/DATABASE`, or PGUSER",
            _ => "write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with special characters percent-encoded",
        }
    }
}
