//! The address of a server, and with it of each of its databases.
//!
//! From the URL of one database to those of the others. Invariant: everything but the database stays as it was given.

use crate::ScratchError;

/// A URL in three parts: up to the database, the database, and the parameters.
pub(super) struct Address {
    server: String,
    database: String,
    parameters: String,
}

impl Address {
    /// Reads a URL; `shown` is what an error calls it.
    pub(super) fn read(url: &str, shown: &'static str) -> Result<Self, ScratchError> {
        let parts = || {
            let (scheme, rest) = url.trim().split_once("://")?;
            let (place, parameters) = rest.find('?').map_or((rest, ""), |at| rest.split_at(at));
            let (host, database) = place.split_once('/').unwrap_or((place, ""));
            let database = if database.is_empty() { "postgres" } else { database };
            let known = ["postgres", "postgresql"].contains(&scheme) && !host.is_empty();
            known.then(|| Self {
                server: format!("{scheme}://{host}"),
                database: database.to_owned(),
                parameters: parameters.to_owned(),
            })
        };
        parts().ok_or(ScratchError::Address { shown })
    }

    /// The URL of the database in which locks are taken.
    pub(super) fn own(&self) -> String {
        self.of(&self.database)
    }

    /// The URL of another database of the server.
    pub(super) fn of(&self, database: &str) -> String {
        format!("{}/{database}{}", self.server, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn only_the_database_of_an_address_changes() {
        for (given, expected) in [
            ("postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres@127.0.0.1:5432/t"),
            ("postgresql://u:p%2F@h/app?connect_timeout=5", "postgresql://u:p%2F@h/t?connect_timeout=5"),
            ("postgres://h?user=u", "postgres://h/t?user=u"),
        ] {
            assert_eq!(Address::read(given, "it").unwrap().of("t"), expected);
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_shown() {
        for given in ["", "host=h password=secret", "mysql://u:secret@h/d", "postgres:///d"] {
            let error = Address::read(given, "the address").err().unwrap().to_string();
            assert!(error.starts_with("the address is not of the form") && !error.contains("secret"), "{error}");
        }
    }
}
