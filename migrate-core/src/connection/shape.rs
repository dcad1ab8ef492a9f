//! Texts that nearly name a database: what clings to them, and what they are instead.
//!
//! Made from what a variable, a file or a command line holds, before anything of it is read. Invariant: nothing that is
//! said here repeats any of it.

/// What a text is that no connection can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What it is, behind "it".
    pub(super) is: &'static str,
    /// What to do about it.
    pub(super) help: &'static str,
}

/// The schemes of `PostgreSQL`'s URLs.
pub(super) const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// A text without the white space around it, and what was left out, in words. White space at the end of pairs may be
/// a value's; a line end never is.
pub(super) fn tidied(text: &str) -> (&str, Option<&'static str>) {
    let url = text.trim_start_matches(is_blank);
    let (behind, tidy) =
        if has_known_scheme(url) { (url, url.trim_end_matches(is_blank)) } else { (text, without_line_ends(text)) };
    let said = match (behind.len() < text.len(), &behind[tidy.len()..]) {
        (false, "") => None,
        (true, "") => Some("white space before it is left out"),
        (true, _) => Some("white space around it is left out"),
        (false, "\n" | "\r\n") => Some("a line end behind it is left out"),
        (false, _) => Some("white space behind it is left out"),
    };
    (tidy, said)
}

/// A text without the line ends behind it.
pub(super) fn without_line_ends(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// White space, and what nobody sees either.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

/// What a tidy text is, when it is none that a connection can be read from.
pub(super) fn odd(text: &str) -> Option<Shape> {
    let odd = SHAPES.iter().find(|(is_of, _)| is_of(text));
    odd.map(|(_, shape)| *shape)
}

const PLAIN: &str = "write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with special characters percent-encoded";
const ALONE: &str = "keep the URL alone: what a shell or a .env file needs around it is no part of a variable's value or of a \
                     mounted file";

/// Whether a text has a shape.
type IsOf = fn(&str) -> bool;

/// The first one that fits counts.
static SHAPES: &[(IsOf, Shape)] = &[
    (|text| text.trim_matches(is_blank).is_empty(), Shape { is: "is empty", help: PLAIN }),
    (
        |text| text.starts_with('\u{feff}'),
        Shape { is: "begins with a byte order mark", help: "save it as UTF-8 without a byte order mark" },
    ),
    (|text| text.starts_with(['"', '\'', '`', '“', '‘']), Shape { is: "stands in quotes", help: ALONE }),
    (|text| text.starts_with("export "), Shape { is: "begins with `export`, as a line of a shell", help: ALONE }),
    (|text| text.starts_with("psql "), Shape { is: "is a command that starts psql", help: ALONE }),
    (is_assignment, Shape { is: "begins with a variable's name and `=`, as a line of a .env file", help: ALONE }),
    (
        |text| text.starts_with(['$', '{', '<']),
        Shape { is: "begins as a placeholder that nobody filled in", help: "fill it in where the variable is set" },
    ),
    (
        |text| ["cG9zdGdyZX", "aG9zdD"].iter().any(|start| text.starts_with(start)),
        Shape {
            is: "is encoded as base64",
            help: "decode it: the `data` of a Kubernetes Secret is encoded once, and `stringData` not at all",
        },
    ),
    (
        |text| text.starts_with("jdbc:"),
        Shape {
            is: "is a JDBC URL",
            help: "leave `jdbc:` out, and write user and password before the host: `postgresql://USER:PASSWORD@HOST/DATABASE`",
        },
    ),
    (
        |text| scheme(text).is_some_and(|scheme| scheme.starts_with("postgres") && scheme.contains('+')),
        Shape { is: "names a driver behind `+`, as SQLAlchemy's URLs do", help: "leave the `+` and the driver out" },
    ),
    (
        |text| scheme(text).is_some_and(|scheme| SCHEMES.iter().any(|known| known.starts_with(&format!("{scheme}:")))),
        Shape { is: "has its scheme not in lower case", help: "write `postgres://` or `postgresql://`" },
    ),
    (
        |text| !text.contains("://") && ["postgres:", "postgresql:"].iter().any(|start| text.starts_with(start)),
        Shape { is: "has not two slashes behind its scheme", help: "write `postgres://` or `postgresql://`" },
    ),
    (
        |text| scheme(text).is_some() && !has_known_scheme(text),
        Shape { is: "is a URL, and no postgres:// one", help: PLAIN },
    ),
    (|text| ends_with(text, &[';']), Shape { is: "ends with a `;`", help: ALONE }),
    (|text| ends_with(text, &[',']), Shape { is: "ends with a `,`", help: ALONE }),
    (|text| ends_with(text, &['"', '\'', '`', '”', '’']), Shape { is: "ends with a quote", help: ALONE }),
];

fn has_known_scheme(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// What stands before `://`, in lower case where the text has it otherwise.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.:_".contains(c));
    (is_scheme && !has_known_scheme(text)).then(|| scheme.to_ascii_lowercase())
}

/// `DATABASE_URL=…` and what else gives a URL to a name.
fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let name = name.trim_end();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let value = value.trim_start_matches([' ', '"', '\'']);
    let is_variable = ["_URL", "_URI", "_DSN", "DBSTRING"].iter().any(|end| name.ends_with(end));
    let keeps_url = !matches!(name, "host" | "dbname" | "password" | "user") && has_known_scheme(value);
    is_name && (is_variable || keeps_url)
}

/// Whether a URL ends so, and not with a password.
fn ends_with(text: &str, ends: &[char]) -> bool {
    let last = text.rsplit(['?', '&']).next().unwrap_or_default();
    let is_password = ["password=", "sslpassword="].iter().any(|name| last.starts_with(name));
    has_known_scheme(text) && text.ends_with(ends) && !is_password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_url_is_left_out_and_told() {
        let url = "postgres://u:p@h/d";
        for (before, behind, said) in [
            ("", "", ""),
            ("", "\n", "a line end behind"),
            ("", "\r\n", "a line end behind"),
            ("", "\n\n", "white space behind"),
            ("", " ", "white space behind"),
            ("", "\u{a0}", "white space behind"),
            ("\n", "", "white space before"),
            (" ", "\n", "white space around"),
        ] {
            let text = format!("{before}{url}{behind}");
            let (tidy, told) = tidied(&text);
            assert_eq!(tidy, url, "{text:?}");
            assert!(
                told.unwrap_or_default().starts_with(said) && told.is_none() == said.is_empty(),
                "{text:?}: {told:?}"
            );
        }
        assert_eq!(tidied("host=h password=a\\ "), ("host=h password=a\\ ", None));
        assert_eq!(tidied(" host=h\n"), (" host=h", Some("a line end behind it is left out")));
    }

    #[test]
    fn a_text_that_is_something_else_is_called_what_it_is() {
        for (text, is) in [
            ("", "empty"),
            (" \t", "empty"),
            ("\u{feff}postgres://h/d", "byte order mark"),
            ("\"postgres://h/d\"", "in quotes"),
            ("'host=h'", "in quotes"),
            ("export DATABASE_URL=postgres://h/d", "`export`"),
            ("psql 'postgres://h/d'", "psql"),
            ("DATABASE_URL=postgres://h/d", ".env"),
            ("APP_DSN = \"postgres://h/d\"", ".env"),
            ("$(DATABASE_URL)", "placeholder"),
            ("cG9zdGdyZXM6Ly91OnBAaC9k", "base64"),
            ("cG9zdGdyZXNxbDovL3U6cEBoL2Q=", "base64"),
            ("jdbc:postgresql://h/d?user=u", "JDBC"),
            ("postgresql+psycopg2://u:p@h/d", "SQLAlchemy"),
            ("POSTGRES://h/d", "lower case"),
            ("PostgreSQL://h/d", "lower case"),
            ("postgres:/h/d", "two slashes"),
            ("mysql://u:p@h/d", "no postgres://"),
            ("postgres://u:p@h/d;", "`;`"),
            ("postgres://u:p@h/d,", "`,`"),
            ("postgres://u:p@h/d\"", "a quote"),
        ] {
            let shape = odd(text).unwrap_or_else(|| panic!("{text}: nothing"));
            assert!(shape.is.contains(is), "{text}: {}", shape.is);
        }
        for text in [
            "postgres://h/d",
            "postgresql://u:p;@h,i/d?password=p;",
            "host=h",
            "password=postgres://",
            "dbname=postgres://h/d",
            "sslmode=require host=h",
            "h",
        ] {
            assert_eq!(odd(text), None, "{text}");
        }
    }
}
