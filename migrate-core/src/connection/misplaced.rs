//! Values in the wrong place: a URL where a host, a name or a path belongs.
//!
//! Made from the values that count. Such a value may hold a password, so messages repeat none of it: neither these
//! nor any later one, because nothing goes on with it.

use super::Parameter;
use super::layers::Layers;
use super::problem::Problem;

/// What messages name by its value, and what that has to be.
const NAMED: [(Parameter, &str); 10] = [
    (Parameter::Host, "a host's name"),
    (Parameter::Dbname, "a database's name"),
    (Parameter::User, "a user's name"),
    (Parameter::Passfile, A_PATH),
    (Parameter::SslCert, A_PATH),
    (Parameter::SslKey, A_PATH),
    (Parameter::SslRootCert, A_PATH),
    (Parameter::SslCrl, A_PATH),
    (Parameter::Service, "a service's name"),
    (Parameter::ServiceFile, A_PATH),
];
/// Variables of paths that are no parameter's.
const PATHS: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "PGSYSCONFDIR"];
const A_PATH: &str = "a path";

/// Refuses a value that describes a whole connection.
pub(super) fn refuse(layers: &Layers<'_>) -> Result<(), Problem> {
    for (parameter, takes) in NAMED {
        if let Some(value) = layers.filled(parameter) {
            refuse_in(|| value.from.place(parameter), value.text, takes)?;
        }
    }
    PATHS.iter().try_for_each(|name| {
        let text = layers.variables.get(name).unwrap_or_default();
        refuse_in(|| (*name).to_owned(), text, A_PATH)
    })
}

/// Refuses such a value in the place of a path.
pub(super) fn refuse_path(variable: &str, text: &str) -> Result<(), Problem> {
    refuse_in(|| variable.to_owned(), text, A_PATH)
}

fn refuse_in(place: impl Fn() -> String, text: &str, takes: &'static str) -> Result<(), Problem> {
    let looks = connection(text);
    looks.map_or(Ok(()), |looks| Err(Problem::Misplaced { place: place(), looks, takes }))
}

/// What kind of description of a connection a text is, in words; nothing for a name and for a path. Such a text may hold a
/// password, and is not to be repeated.
#[must_use]
pub fn connection(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") {
        return Some("a URL");
    }
    let gives = |word: &str| {
        let mut behind = lower.match_indices(word).map(|(at, word)| lower[at + word.len()..].trim_start());
        behind.any(|behind| behind.starts_with('='))
    };
    if ["password", "passwd", "pwd"].into_iter().any(gives) {
        return Some("a password among other things");
    }
    let has_login = !text.starts_with('/') && text.split_once('@').is_some_and(|(login, _)| login.contains(':'));
    has_login.then_some("a user and a password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_describes_a_connection_is_told_from_names_and_paths() {
        for text in [
            "postgres://u:p@h/d",
            "JDBC:postgresql://h/d",
            "host=h password=p",
            "h;Password = p",
            "Server=h;Pwd=p",
            "u:p@h/d",
        ] {
            assert!(connection(text).is_some(), "{text}");
        }
        for text in
            ["", "db", "/run/secrets/url", "C:\\keys\\root.crt", "@abstract", "me@example", "/a:b@c", "password"]
        {
            assert_eq!(connection(text), None, "{text}");
        }
    }
}
