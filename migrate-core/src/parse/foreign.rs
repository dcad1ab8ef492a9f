//! Files of other migration tools, recognised by their shape, and how each becomes a goose file.

use crate::migration::Direction;

/// What the shape of a file tells of the tool that it was written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape<'a> {
    /// golang-migrate's and sqlx's `000001_add_users.up.sql`.
    Half(Half<'a>),
    /// Flyway's `V1.2__Add users.sql`; with `R` it has no version and is repeated.
    Flyway {
        /// Up for `V` and `R`, Down for `U`.
        direction: Direction,
        /// The parts of its version; none for what is repeated.
        version: Vec<u64>,
        /// What stands behind the version, in goose's snake case: `add_users`.
        name: String,
    },
    /// dbmate's sections, `-- migrate:up` and `-- migrate:down`.
    Dbmate,
}

/// One of the two files of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Half<'a> {
    /// What both files are called: `000001_add_users`.
    pub stem: &'a str,
    /// Which of them it is.
    pub direction: Direction,
}

/// The shape of a file; nothing where it is no other tool's.
#[must_use]
pub fn shape<'a>(file: &'a str, text: &str) -> Option<Shape<'a>> {
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    let half = |end: &str, direction| {
        let stem = stem.strip_suffix(end).filter(|stem| !stem.is_empty())?;
        Some(Shape::Half(Half { stem, direction }))
    };
    half(".up", Direction::Up)
        .or_else(|| half(".down", Direction::Down))
        .or_else(|| of_flyway(stem))
        .or_else(|| text.lines().any(|line| dbmate_section(line).is_some()).then_some(Shape::Dbmate))
}

/// What a line of dbmate begins, and its options.
#[must_use]
pub fn dbmate_section(line: &str) -> Option<(Direction, &str)> {
    let rest = line.trim_start().strip_prefix("--")?.trim();
    let behind = |word| rest.strip_prefix(word).filter(|options: &&str| options.is_empty() || options.starts_with(' '));
    let up = behind("migrate:up").map(|options| (Direction::Up, options));
    up.or_else(|| behind("migrate:down").map(|options| (Direction::Down, options)))
}

fn of_flyway(stem: &str) -> Option<Shape<'static>> {
    let kind = stem.chars().next().filter(|kind| matches!(kind, 'V' | 'U' | 'R'))?;
    let (version, name) = stem.strip_prefix(kind)?.split_once("__")?;
    let parts: Result<Vec<u64>, _> =
        version.split(['.', '_']).filter(|_| !version.is_empty()).map(str::parse).collect();
    let version = parts.ok().filter(|parts| parts.is_empty() == (kind == 'R') && !name.is_empty())?;
    let direction = if kind == 'U' { Direction::Down } else { Direction::Up };
    Some(Shape::Flyway { direction, version, name: name.to_lowercase().replace(' ', "_") })
}

/// How a file of another tool becomes one of goose's; nothing where its shape is no other tool's.
pub(super) fn way_out(file: &str, text: &str) -> Option<String> {
    let told = match shape(file, text)? {
        Shape::Half(Half { stem, .. }) => format!(
            "this is half a migration of golang-migrate or sqlx: put both halves into `{stem}.sql`, the up file below `-- +goose \
             Up` and the down file below `-- +goose Down`, each function's body between `-- +goose StatementBegin` and \
             `-- +goose StatementEnd`"
        ),
        Shape::Flyway { direction, version, name } => {
            let section = if direction == Direction::Down { "Down" } else { "Up" };
            let repeats =
                if version.is_empty() { "; what Flyway repeats is a new migration at each change here" } else { "" };
            let number = version.iter().map(u64::to_string).collect::<String>();
            format!(
                "this is a migration of Flyway: name it like `{number:0>5}_{name}.sql`, and write `-- +goose {section}` above \
                 its SQL{repeats}"
            )
        }
        Shape::Dbmate => {
            "this is a migration of dbmate: write `-- +goose Up` for `-- migrate:up`, `-- +goose Down` for `-- migrate:down`, and \
             `-- +goose NO TRANSACTION` as the first line for `transaction:false`; a function's body stands between `-- +goose \
             StatementBegin` and `-- +goose StatementEnd`"
                .to_owned()
        }
    };
    Some(format!("{told}; `migrate create --from {file}` writes it"))
}

#[cfg(test)]
mod tests {
    use super::way_out;

    #[test]
    fn each_tool_is_known_by_its_shape() {
        for (file, text, words) in [
            ("000001_create_users.up.sql", "CREATE TABLE users (id int);", "`000001_create_users.sql`"),
            ("20240101000000_create_users.down.sql", "DROP TABLE users;", "golang-migrate or sqlx"),
            ("V1__create_users.sql", "CREATE TABLE users (id int);", "`00001_create_users.sql`"),
            ("V1.2__Create users.sql", "", "`00012_create_users.sql`"),
            ("V1_2__a.sql", "", "`migrate create --from V1_2__a.sql`"),
            ("U1__create_users.sql", "", "`-- +goose Down`"),
            ("R__views.sql", "", "repeats"),
            ("20240101_a.sql", "-- migrate:up\nCREATE TABLE a ();\n\n-- migrate:down\nDROP TABLE a;\n", "dbmate"),
            ("20240101_a.sql", "-- migrate:up transaction:false\nVACUUM;\n", "NO TRANSACTION"),
        ] {
            let told = way_out(file, text).unwrap_or_else(|| panic!("{file} is not known"));
            assert!(told.contains(words), "{file}: {told}");
        }
        for (file, text) in [
            ("00001_a.sql", "SELECT 1;"),
            ("V.sql", ""),
            ("View__a.sql", ""),
            ("V__a.sql", ""),
            ("R1__a.sql", ""),
            ("V1.__a.sql", ""),
            (".up.sql", ""),
            ("00001_a.sql", "-- migrate:lock-timeout 2s\nSELECT 1;"),
        ] {
            assert_eq!(way_out(file, text), None, "{file}");
        }
    }
}
