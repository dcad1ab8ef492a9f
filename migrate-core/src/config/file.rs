//! The file as TOML: its keys, and what is wrong with them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use toml::Spanned;

use super::{Budget, Config, External, Level, Postgres, Source};
use crate::diagnostic::{Code, Problem};
use crate::migration::Version;
use crate::text::{Span, nearest, saturate};

/// The whole file. Every table and key may be left out; any other is refused.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a table", deny_unknown_fields)]
struct File {
    postgres: Servers,
    lint: Lint,
    external: External,
    budgets: BTreeMap<String, Size>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a table", deny_unknown_fields)]
struct Servers {
    min: Option<Spanned<u16>>,
    max: Option<Spanned<u16>>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
struct Lint {
    judge_from: Option<Spanned<i64>>,
    rules: BTreeMap<Spanned<String>, Level>,
}

/// A number of rows, an integer or a text such as `100k`; or a number of bytes, a text such as `1GB`.
struct Size(Budget);

const HELP: &str = "correct it or take it out; docs/configuration.md describes every key";

/// The oldest and the newest server that can be meant: a slip such as `150000` is none.
const SERVERS: std::ops::RangeInclusive<u16> = 10..=99;

/// The settings in a text, or the first thing that is wrong with it.
pub(super) fn config(text: &str, path: &str) -> Result<Config, Problem> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The parser may explain itself in several lines; a problem has one.
        let found = problem(error.span(), error.message().replace('\n', ", "));
        let meant = meant(error.message()).map(|key| format!("is `{key}` meant? "));
        Problem { help: format!("{}{}", meant.unwrap_or_default(), found.help), ..found }
    })?;
    let rules = file.lint.rules.keys().map(|rule| (rule.get_ref().clone(), span(Some(rule.span())))).collect();
    Ok(Config {
        postgres: servers(&file.postgres)?,
        judge_from: file.lint.judge_from.map(|version| first_judged(&version)).transpose()?,
        rule_levels: file.lint.rules.into_iter().map(|(rule, level)| (rule.into_inner(), level)).collect(),
        external: file.external,
        budgets: file.budgets.into_iter().map(|(table, size)| (table, size.0)).collect(),
        source: Source { path: path.to_owned(), text: text.to_owned(), rules },
    })
}

/// The key that an unknown one is nearest to: the parser names the unknown one first, and then all that there are.
fn meant(message: &str) -> Option<&str> {
    let (_, names) = message.split_once("unknown field ")?;
    let mut names = names.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    nearest(unknown, names)
}

fn servers(written: &Servers) -> Result<Postgres, Problem> {
    for version in written.min.iter().chain(&written.max) {
        if !SERVERS.contains(version.get_ref()) {
            let message = format!("`{}` is no major version of PostgreSQL", version.get_ref());
            return Err(problem(Some(version.span()), message));
        }
    }
    // Where one end is given, the other's default must not make the range empty.
    let default = Postgres::default();
    let given = |end: &Option<Spanned<u16>>| end.as_ref().map(|version| *version.get_ref());
    let (min, max) = match (given(&written.min), given(&written.max)) {
        (Some(min), Some(max)) => (min, max),
        (Some(min), None) => (min, default.max.max(min)),
        (None, Some(max)) => (default.min.min(max), max),
        (None, None) => (default.min, default.max),
    };
    if min > max {
        let place = written.min.as_ref().map(Spanned::span);
        return Err(problem(place, format!("the range of servers is empty: min {min} is above max {max}")));
    }
    Ok(Postgres { min, max })
}

fn first_judged(version: &Spanned<i64>) -> Result<Version, Problem> {
    match *version.get_ref() {
        number if number >= 1 => Ok(Version(number)),
        number => Err(problem(Some(version.span()), format!("`{number}` is no version: versions start at 1"))),
    }
}

fn problem(place: Option<Range<usize>>, message: String) -> Problem {
    Problem { code: Code::BadConfig, span: span(place), message, help: HELP.into() }
}

fn span(place: Option<Range<usize>>) -> Span {
    place.map_or_else(Span::default, |place| Span::new(saturate(place.start), saturate(place.end)))
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a number of rows such as 100000, \"100k\" or \"5M\", or a size such as \"1GB\"")
    }

    fn visit_i64<E: serde::de::Error>(self, rows: i64) -> Result<Size, E> {
        let rows = u64::try_from(rows).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(rows), &self))?;
        self.visit_u64(rows)
    }

    fn visit_u64<E: serde::de::Error>(self, rows: u64) -> Result<Size, E> {
        Ok(Size(Budget::Rows(rows)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
        let size = bytes(text).map(Budget::Bytes).or_else(|| rows(text).map(Budget::Rows));
        size.map(Size).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// `16kB`, `100 MB`, `1GB` or `2TB`, as PostgreSQL counts them: by 1,024.
fn bytes(text: &str) -> Option<u64> {
    let units = [("kB", 10), ("MB", 20), ("GB", 30), ("TB", 40)];
    let (digits, power) = units.iter().find_map(|(unit, power)| Some((text.strip_suffix(unit)?, *power)))?;
    let digits = digits.trim_end();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()?.checked_mul(1 << power)).flatten()
}

/// `100`, `100k`, `5M` or `2G`: thousands, millions, thousands of millions.
fn rows(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        b'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    // `parse` alone would take a sign.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()?.checked_mul(unit)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::{Level, parse};
    use super::*;

    fn refused(text: &str) -> String {
        parse(text, "migrate.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_says_nothing_is_the_default() {
        for text in ["", "# nothing\n", "[lint]\n[external]\n[budgets]\n[postgres]\n[lint.rules]\n"] {
            let config = parse(text, "migrate.toml").unwrap();
            assert_eq!(Config { source: Source::default(), ..config }, Config::default(), "{text:?}");
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            [postgres]
            min = 16
            max = 17
            [lint]
            judge-from = 42
            [lint.rules]
            set-not-null-scan = "warn"
            [external]
            relations = ["auth.users"]
            types = ["citext"]
            functions = ["uuid_generate_v4"]
            schemas = ["auth"]
            roles = ["app"]
            extensions = ["postgis"]
            [budgets]
            clients = 100_000
            "auth.users" = "5M"
            events = "2G"
            small = "100k"
            documents = "1GB"
            "*" = "100 MB"
        "#;
        let config = parse(text, "migrate.toml").unwrap();
        assert_eq!(config.postgres, Postgres { min: 16, max: 17 });
        assert_eq!(config.judge_from, Some(Version(42)));
        assert_eq!(config.rule_levels, BTreeMap::from([("set-not-null-scan".into(), Level::Warn)]));
        let external = &config.external;
        let lists = [&external.relations, &external.types, &external.functions, &external.schemas, &external.roles];
        let lists: Vec<&String> = lists.into_iter().flatten().collect();
        assert_eq!(lists, ["auth.users", "citext", "uuid_generate_v4", "auth", "app"]);
        assert_eq!(external.extensions, ["postgis"]);
        let budgets: Vec<_> = config.budgets.iter().map(|(table, size)| (table.as_str(), *size)).collect();
        let expected = [
            ("*", Budget::Bytes(100 << 20)),
            ("auth.users", Budget::Rows(5_000_000)),
            ("clients", Budget::Rows(100_000)),
            ("documents", Budget::Bytes(1 << 30)),
            ("events", Budget::Rows(2_000_000_000)),
            ("small", Budget::Rows(100_000)),
        ];
        assert_eq!(budgets, expected);
    }

    #[test]
    fn one_end_of_the_servers_moves_the_other_out_of_its_way() {
        assert_eq!(parse("[postgres]\nmin = 19\n", "").unwrap().postgres, Postgres { min: 19, max: 19 });
        assert_eq!(parse("[postgres]\nmax = 14\n", "").unwrap().postgres, Postgres { min: 14, max: 14 });
        assert_eq!(parse("[postgres]\nmin = 17\n", "").unwrap().postgres, Postgres { min: 17, max: 18 });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            ("lint = 1\n", "1:8: error: invalid type: integer `1`, expected a table [C01]"),
            ("[lints]\n", "1:2: error: unknown field `lints`, expected one of `postgres`, `lint`"),
            ("[lint]\njudge_from = 2\n", "2:1: error: unknown field `judge_from`, expected `judge-from` or `rules`"),
            ("[lint]\njudge-from = 0\n", "2:14: error: `0` is no version: versions start at 1"),
            ("[lint.rules]\nx = \"wran\"\n", "2:5: error: unknown variant `wran`, expected one of `allow`, `warn`"),
            ("[postgres]\nmin = 18\nmax = 15\n", "2:7: error: the range of servers is empty: min 18 is above max 15"),
            ("[postgres]\nmax = 150\n", "2:7: error: `150` is no major version of PostgreSQL"),
            ("[budgets]\nt = \"1m\"\n", "2:5: error: invalid value: string \"1m\", expected a number of rows such as"),
            ("[budgets]\nt = -1\n", "2:5: error: invalid value: integer `-1`, expected a number of rows such as"),
            ("[budgets]\nt = 1.5\n", "2:5: error: invalid type: floating point `1.5`, expected a number of rows"),
            ("[external]\ntypes = \"x\"\n", "2:9: error: invalid type: string \"x\", expected a sequence"),
            ("[external]\ntypes = [\n", "2:10: error: unclosed array"),
            ("[lint]\n[lint]\n", "2:2: error: duplicate key"),
        ];
        for (text, expected) in cases {
            let line = refused(text);
            assert!(line.starts_with(&format!("migrate.toml:{expected}")), "{text:?}: {line}");
        }
    }

    #[test]
    fn an_unknown_key_is_told_with_the_one_that_is_near() {
        for (text, meant) in [
            ("[postgre]\n", Some("postgres")),
            ("[postgres]\nmni = 15\n", Some("min")),
            ("[lint]\njudge_from = 2\n", Some("judge-from")),
            ("[external]\nrelation = []\n", Some("relations")),
            ("[elsewhere]\n", None),
        ] {
            let help = parse(text, "migrate.toml").unwrap_err().help;
            assert_eq!(help.contains("meant?"), meant.is_some(), "{text}: {help}");
            assert!(meant.is_none_or(|meant| help.starts_with(&format!("is `{meant}` meant?"))), "{text}: {help}");
        }
    }

    #[test]
    fn numbers_of_rows_are_digits_and_one_unit() {
        assert_eq!(rows("0"), Some(0));
        assert_eq!(rows("12k"), Some(12_000));
        for text in ["", "k", "+1", "-1k", "1 k", "1kk", "1.5M", "99999999999999999999", "18446744073709551615k", "é"]
        {
            assert_eq!(rows(text), None, "{text:?}");
        }
    }
}
