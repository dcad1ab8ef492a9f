//! Parameters by name, and what is said of a name that nobody knows.

use super::problem::{Advice, Problem};
use super::{Given, PARAMETERS, Parameter};

/// What stands before a name in its text. A password that was not encoded goes on behind its end, and what looks like
/// a parameter there is part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// A password.
    pub(super) password: bool,
    /// Something else that may be the end of one.
    pub(super) doubt: bool,
}

/// Keeps a value under its parameter; the last one of several counts.
pub(super) fn store(given: &mut Given, name: &str, value: String, before: Before) -> Result<(), Problem> {
    // The name that `sslmode` had until 7.4; libpq still takes it.
    let (name, value) = match name {
        "requiressl" => ("sslmode", if value.starts_with('1') { "require" } else { "prefer" }.to_owned()),
        name => (name, value),
    };
    let parameter = Parameter::find(name).ok_or_else(|| unknown(name, before))?;
    given.replace(parameter, value);
    Ok(())
}

fn unknown(name: &str, before: Before) -> Problem {
    let advice = advice(name);
    let plain = !name.is_empty()
        && name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let shown = plain && (advice.is_some() || !(before.password || before.doubt));
    Problem::Unknown { name: shown.then(|| name.to_owned()), advice: advice.filter(|_| shown) }
}

/// Parameters of servers, and of other drivers and their pools, that stand in URLs which work elsewhere.
const SERVER: [&str; 12] = [
    "DateStyle",
    "TimeZone",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "role",
    "search_path",
    "statement_timeout",
    "timezone",
    "transaction_timeout",
    "work_mem",
];
const OTHERS: [&str; 19] = [
    "ApplicationName",
    "binary_parameters",
    "connection_limit",
    "default_query_exec_mode",
    "description_cache_capacity",
    "keepalives_retries",
    "max_conns",
    "pool_health_check_period",
    "pool_max_conn_idle_time",
    "pool_max_conn_lifetime",
    "pool_max_conns",
    "pool_min_conns",
    "pool_timeout",
    "prefer_simple_protocol",
    "schema",
    "sslaccept",
    "sslinline",
    "statement_cache_capacity",
    "x-migrations-table",
];

/// What the same thing is called elsewhere.
const SYNONYMS: [(&str, &str); 8] = [
    ("database", "dbname"),
    ("hostname", "host"),
    ("pass", "password"),
    ("pwd", "password"),
    ("ssl", "sslmode"),
    ("sslca", "sslrootcert"),
    ("timeout", "connect_timeout"),
    ("username", "user"),
];

fn advice(name: &str) -> Option<Advice> {
    if SERVER.contains(&name) {
        return Some(Advice::ServerSetting);
    }
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == name) {
        return Some(Advice::Meant(meant));
    }
    if let Some(near) = nearest(name) {
        return Some(Advice::Meant(near));
    }
    OTHERS.contains(&name).then_some(Advice::OtherProgram)
}

/// The known name that a slip of the hand made this one of.
fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let spelled = |known: &str| known.replace('_', "") == lower.replace(['_', '-'], "");
    let near = PARAMETERS.iter().map(|row| (if spelled(row.name) { 0 } else { distance(&lower, row.name) }, row.name));
    let allowed = if name.len() < 4 { 1 } else { 2 };
    near.min().filter(|(distance, _)| *distance <= allowed).map(|(_, name)| name)
}

/// How many characters have to be put in, left out or replaced.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, b) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, before: Before) -> String {
        store(&mut Given::default(), name, String::new(), before).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_known_one_that_is_near() {
        for (name, meant) in [
            ("sslmod", "sslmode"),
            ("SSLMODE", "sslmode"),
            ("sslRootCert", "sslrootcert"),
            ("hots", "host"),
            ("database", "dbname"),
            ("connect-timeout", "connect_timeout"),
            ("connecttimeout", "connect_timeout"),
            ("target_session_attr", "target_session_attrs"),
            ("nosuch", ""),
        ] {
            let said = said(name, Before::default());
            assert!(said.contains(&format!("`{name}`")), "{said}");
            assert_eq!(said.contains(&format!("is `{meant}` meant?")), !meant.is_empty(), "{said}");
        }
    }

    #[test]
    fn settings_of_the_server_and_of_other_drivers_are_told_apart() {
        assert!(said("search_path", Before::default()).contains("options=-c search_path=VALUE"));
        assert!(said("pool_max_conns", Before::default()).contains("another program's driver"));
    }

    #[test]
    fn behind_a_password_only_a_name_that_is_nearly_known_is_repeated() {
        for before in [Before { password: true, doubt: false }, Before { password: false, doubt: true }] {
            assert!(!said("Xq7canary", before).contains("Xq7"));
            assert!(said("sslmod", before).contains("`sslmod`"));
        }
        assert!(!said("Xq7 canary", Before::default()).contains("Xq7"));
    }

    #[test]
    fn the_distance_counts_edits() {
        for (one, other, edits) in [("", "abc", 3), ("abc", "abc", 0), ("abd", "abc", 1), ("kitten", "sitting", 3)] {
            assert_eq!(distance(one, other), edits);
        }
    }
}
