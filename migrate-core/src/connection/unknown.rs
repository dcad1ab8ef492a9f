//! Parameters by name, and what is said of a name that nobody knows.

use super::foreign::{self, Foreign};
use super::problem::{Advice, Problem};
use super::{Given, PARAMETERS, Parameter, server};
use crate::text::nearest;

/// What stands before a name in its text. A password that was not encoded goes on behind its end, and what looks like
/// a parameter there is part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    if let Some(parameter) = Parameter::find(name) {
        given.replace(parameter, value);
        return Ok(());
    }
    // An application's own setting may have any name: what may be the end of a password is not taken for one.
    if server::is_setting(name) || (server::is_custom(name) && before == Before::default()) {
        given.set(name, value);
        return Ok(());
    }
    match foreign::find(name) {
        Some(Foreign::WithoutEffect) => {
            given.note(format!("`{name}` is a parameter of another driver, and without effect here"));
        }
        Some(Foreign::SearchPath) => search_path(given, name, value),
        Some(Foreign::Schema) => search_path(given, name, format!("\"{}\"", value.replace('"', "\"\""))),
        Some(Foreign::Otherwise) | None => return Err(unknown(name, before)),
    }
    Ok(())
}

/// Takes another driver's word for it; one of its own stands, whichever came first.
fn search_path(given: &mut Given, name: &str, value: String) {
    if given.settings().any(|(name, _)| name.eq_ignore_ascii_case(SEARCH_PATH)) {
        given.note(format!("`{name}` is without effect beside `{SEARCH_PATH}`"));
    } else {
        given.note(format!("`{name}` is taken for `{SEARCH_PATH}`"));
        given.set(SEARCH_PATH, value);
    }
}

const SEARCH_PATH: &str = "search_path";

fn unknown(name: &str, before: Before) -> Problem {
    let advice = advice(name, before);
    let plain = !name.is_empty()
        && name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let shown = plain && (advice.is_some() || !(before.password || before.doubt));
    Problem::Unknown { name: shown.then(|| name.to_owned()), advice: advice.filter(|_| shown) }
}

/// What the same thing is called elsewhere.
const SYNONYMS: [(&str, &str); 11] = [
    ("charset", "client_encoding"),
    ("database", "dbname"),
    ("encoding", "client_encoding"),
    ("hostname", "host"),
    ("pass", "password"),
    ("pwd", "password"),
    ("ssl", "sslmode"),
    ("sslca", "sslrootcert"),
    ("targetServerType", "target_session_attrs"),
    ("timeout", "connect_timeout"),
    ("username", "user"),
];

fn advice(name: &str, before: Before) -> Option<Advice> {
    if foreign::find(name).is_some() {
        return Some(Advice::OtherProgram);
    }
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == name) {
        return Some(Advice::Meant(meant));
    }
    let own = PARAMETERS.iter().map(|row| row.name);
    // The more names there are, the more is near one of them: what may be the end of a password is near few.
    let others = server::names().chain(foreign::names()).filter(|_| before == Before::default());
    nearest(name, own.chain(others)).map(Advice::Meant)
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
            ("serch_path", "search_path"),
            ("time_zone", "TimeZone"),
            ("pool_max_con", "pool_max_conns"),
            ("targetServerType", "target_session_attrs"),
            ("nosuch", ""),
        ] {
            let said = said(name, Before::default());
            assert!(said.contains(&format!("`{name}`")), "{said}");
            assert_eq!(said.contains(&format!("is `{meant}` meant?")), !meant.is_empty(), "{said}");
        }
    }

    fn stored(pairs: &[(&str, &str)]) -> Given {
        let mut given = Given::default();
        for (name, value) in pairs {
            store(&mut given, name, (*value).to_owned(), Before::default()).unwrap();
        }
        given
    }

    #[test]
    fn settings_of_the_server_are_kept_under_their_names() {
        let given = stored(&[("search_path", "a"), ("TimeZone", "UTC"), ("app.tenant", "t"), ("SEARCH_PATH", "b")]);
        assert_eq!(
            given.settings().collect::<Vec<_>>(),
            [("TimeZone", "UTC"), ("app.tenant", "t"), ("SEARCH_PATH", "b")]
        );
        assert_eq!(given.notes(), [] as [&str; 0]);
    }

    #[test]
    fn parameters_of_other_drivers_are_told_and_what_they_mean_is_done() {
        for (name, value, search_path) in [
            ("pool_max_conns", "4", None),
            ("prepareThreshold", "0", None),
            ("currentSchema", "a,b", Some("a,b")),
            ("schema", "my-\"app", Some("\"my-\"\"app\"")),
        ] {
            let given = stored(&[(name, value)]);
            assert_eq!(given.settings().map(|(_, value)| value).next(), search_path, "{name}");
            assert!(given.notes()[0].contains(&format!("`{name}`")) && !given.notes()[0].contains(value), "{name}");
        }
        let both = stored(&[("search_path", "a"), ("schema", "b")]);
        assert_eq!(both.settings().collect::<Vec<_>>(), [("search_path", "a")]);
        assert!(said("sslaccept", Before::default()).contains("another program's driver"));
    }

    #[test]
    fn behind_a_password_only_a_name_that_is_nearly_known_is_repeated() {
        for before in [Before { password: true, doubt: false }, Before { password: false, doubt: true }] {
            assert!(!said("Xq7canary", before).contains("Xq7"));
            assert!(said("sslmod", before).contains("`sslmod`"));
        }
        assert!(!said("Xq7 canary", Before::default()).contains("Xq7"));
        for name in ["serch_path", "app.tenant"] {
            assert!(!said(name, Before { password: true, doubt: false }).contains(name));
        }
    }
}
