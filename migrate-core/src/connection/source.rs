//! Which of the places that may name a database does.

use super::misplaced;
use crate::parse::Environment;

/// What a command does with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It changes it, and would rather not do so through a pooler.
    Change,
    /// It goes on with changes that it has begun: a standby cannot even tell what became of them.
    Resume,
}

/// Where the text that names the database is. Its `Debug` form shows the place and not the text.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// On the command line.
    Argument(String),
    /// In a variable.
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// In a file that a variable names; it is read again for every try, because passwords are changed in it.
    File {
        /// The variable.
        name: &'static str,
        /// The file.
        path: String,
    },
    /// In `PGHOST` and its kin alone.
    Parts,
}

impl Source {
    /// What messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Argument(_) => "the database URL".to_owned(),
            Self::Variable { name, .. } => format!("the database URL in {name}"),
            // What is no path may be the URL itself.
            Self::File { name, path } if misplaced::connection(path).is_some() => {
                format!("the database URL in the file of {name}")
            }
            Self::File { name, path } => format!("the database URL in {path} ({name})"),
            Self::Parts => "the connection that the PG* variables describe".to_owned(),
        }
    }

    /// goose's variable, where it names another database than the one that goes before it: whoever set it for goose may
    /// not know that.
    pub(super) fn passed_over(&self, variables: &Environment) -> Option<String> {
        let goose = variables.get(GOOSE).filter(|text| !text.is_empty())?;
        let is_of_another_driver =
            variables.get("GOOSE_DRIVER").is_some_and(|name| !["", "postgres", "pgx"].contains(&name));
        let name = match self {
            Self::Variable { name, text } if *name != GOOSE && text.trim() != goose.trim() => name,
            Self::File { name, .. } => name,
            _ => return None,
        };
        (!is_of_another_driver).then(|| format!("{GOOSE} is left out: {name} goes before it"))
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Variables for a direct connection, where the other one leads through a pooler.
const DIRECT: [&str; 3] = ["DATABASE_URL_DIRECT", "DIRECT_URL", "DATABASE_URL_UNPOOLED"];
const FILE: &str = "DATABASE_URL_FILE";
const GOOSE: &str = "GOOSE_DBSTRING";
const USUAL: [&str; 2] = ["DATABASE_URL", GOOSE];
/// Any of these says enough to connect.
const PARTS: [&str; 4] = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"];

/// The place that counts; nothing when none names a database. A variable that is set to nothing is not set. An argument that
/// is empty is one all the same: what it was made of was not set, and whoever wrote it meant no other database.
#[must_use]
pub fn choose(argument: Option<&str>, access: Access, variables: &Environment) -> Option<Source> {
    if let Some(text) = argument {
        return Some(Source::Argument(text.to_owned()));
    }
    let set = |name: &'static str| variables.get(name).filter(|value| !value.is_empty());
    let text = |name: &'static str| Some(Source::Variable { name, text: set(name)?.to_owned() });
    let direct = || DIRECT.into_iter().find_map(text);
    let preferred = || direct().filter(|_| access != Access::Read);
    let file = || Some(Source::File { name: FILE, path: set(FILE)?.to_owned() });
    let usual = || USUAL.into_iter().find_map(text);
    let parts = || PARTS.into_iter().find_map(set).map(|_| Source::Parts);
    // What only reads goes through the pooler like the application, unless a direct connection is all that is named: it
    // leads to the database that is changed, and PG* may lead elsewhere.
    preferred().or_else(file).or_else(usual).or_else(direct).or_else(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(argument: Option<&str>, access: Access, variables: &[(&str, &str)]) -> Option<String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let source = choose(argument, access, &variables.iter().map(own).collect())?;
        Some(match source {
            Source::Argument(_) => "--database-url".to_owned(),
            Source::Variable { name, .. } | Source::File { name, .. } => name.to_owned(),
            Source::Parts => "PG*".to_owned(),
        })
    }

    /// In the order of precedence.
    const ALL: [(&str, &str); 8] = [
        ("DATABASE_URL_DIRECT", "a"),
        ("DIRECT_URL", "b"),
        ("DATABASE_URL_UNPOOLED", "c"),
        ("DATABASE_URL_FILE", "d"),
        ("DATABASE_URL", "e"),
        ("GOOSE_DBSTRING", "f"),
        ("PGHOST", "g"),
        ("PGPASSWORD", "h"),
    ];

    #[test]
    fn each_place_counts_where_none_before_it_names_a_database() {
        assert_eq!(chosen(Some("x"), Access::Change, &ALL).as_deref(), Some("--database-url"));
        for first in 0..6 {
            assert_eq!(chosen(None, Access::Change, &ALL[first..]).as_deref(), Some(ALL[first].0));
        }
        assert_eq!(chosen(None, Access::Change, &ALL[6..]).as_deref(), Some("PG*"));
        assert_eq!(chosen(None, Access::Change, &ALL[7..]), None);
    }

    #[test]
    fn an_argument_that_is_empty_is_no_leave_to_take_another_database() {
        assert_eq!(chosen(Some(""), Access::Change, &ALL).as_deref(), Some("--database-url"));
    }

    #[test]
    fn goose_s_variable_is_named_where_another_one_goes_before_it() {
        let passed_over = |variables: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let variables = variables.iter().map(own).collect();
            choose(None, Access::Read, &variables)?.passed_over(&variables)
        };
        let (url, goose) = (("DATABASE_URL", "a"), ("GOOSE_DBSTRING", "b"));
        let told = passed_over(&[url, goose]);
        assert_eq!(told.as_deref(), Some("GOOSE_DBSTRING is left out: DATABASE_URL goes before it"));
        assert!(passed_over(&[("DATABASE_URL_FILE", "a"), goose, ("GOOSE_DRIVER", "postgres")]).is_some());
        for silent in [
            &[url][..],
            &[goose],
            &[url, ("GOOSE_DBSTRING", "a")],
            &[url, ("GOOSE_DBSTRING", "")],
            &[url, goose, ("GOOSE_DRIVER", "mysql")],
        ] {
            assert_eq!(passed_over(silent), None, "{silent:?}");
        }
    }

    #[test]
    fn only_what_changes_a_database_takes_the_direct_connection() {
        assert_eq!(chosen(None, Access::Read, &ALL).as_deref(), Some("DATABASE_URL_FILE"));
    }

    #[test]
    fn a_direct_connection_that_is_the_only_one_is_good_enough_to_read() {
        for first in 0..3 {
            assert_eq!(chosen(None, Access::Read, &ALL[first..3]).as_deref(), Some(ALL[first].0));
        }
        assert_eq!(chosen(None, Access::Read, &[ALL[6], ALL[0]]).as_deref(), Some("DATABASE_URL_DIRECT"));
    }

    #[test]
    fn a_url_in_the_place_of_its_file_is_not_shown() {
        for path in ["postgres://u:Xq7canary@h/d", "host=h password=Xq7canary"] {
            let shown = format!("{:?}", Source::File { name: FILE, path: path.to_owned() });
            assert!(shown.contains(FILE) && !shown.contains("Xq7"), "{shown}");
        }
    }

    #[test]
    fn variables_that_are_empty_or_that_kubernetes_sets_for_services_name_no_database() {
        let links = [
            ("DATABASE_URL", ""),
            ("PGHOST", ""),
            ("PG_PORT", "tcp://10.0.0.1:5432"),
            ("PG_SERVICE_HOST", "10.0.0.1"),
            ("MIGRATE_PORT", "tcp://10.0.0.1:80"),
        ];
        assert_eq!(chosen(None, Access::Change, &links), None);
    }
}
