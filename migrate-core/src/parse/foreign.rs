//! Files of other migration tools, recognised by their shape, and how each becomes a goose file.

/// How a file of another tool becomes one of goose's; nothing where its shape is no other tool's.
pub(super) fn way_out(file: &str, text: &str) -> Option<String> {
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    let is_half = |end: &str| stem.strip_suffix(end).is_some_and(|stem| !stem.is_empty());
    if is_half(".up") || is_half(".down") {
        let name = stem.trim_end_matches(".up").trim_end_matches(".down");
        return Some(format!(
            "this is half a migration of golang-migrate or sqlx: put both halves into `{name}.sql`, the up file below `-- +goose \
             Up` and the down file below `-- +goose Down`, each function's body between `-- +goose StatementBegin` and \
             `-- +goose StatementEnd`"
        ));
    }
    if let Some(rest) = of_flyway(stem) {
        let undo = stem.starts_with('U');
        let (section, repeats) = if undo { ("Down", "") } else { ("Up", "") };
        let repeats = if stem.starts_with('R') {
            "; what Flyway repeats is a new migration at each change here"
        } else {
            repeats
        };
        return Some(format!(
            "this is a migration of Flyway: name it like `{rest}.sql`, and write `-- +goose {section}` above its SQL{repeats}"
        ));
    }
    let is_dbmate = |line: &str| {
        line.trim_start().strip_prefix("--").is_some_and(|rest| {
            let rest = rest.trim();
            rest == "migrate:up"
                || rest == "migrate:down"
                || rest.starts_with("migrate:up ")
                || rest.starts_with("migrate:down ")
        })
    };
    text.lines().any(is_dbmate).then(|| {
        "this is a migration of dbmate: write `-- +goose Up` for `-- migrate:up`, `-- +goose Down` for `-- migrate:down`, and \
         `-- +goose NO TRANSACTION` as the first line for `transaction:false`; a function's body stands between `-- +goose \
         StatementBegin` and `-- +goose StatementEnd`"
            .to_owned()
    })
}

/// `V1.2__add_users`, `U1__…`, `R__…` in goose's form: `00001_add_users`.
fn of_flyway(stem: &str) -> Option<String> {
    let rest = stem.strip_prefix(['V', 'U', 'R'])?;
    let (version, name) = rest.split_once("__")?;
    let is_version = version.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
    if !is_version || name.is_empty() || (version.is_empty() != stem.starts_with('R')) {
        return None;
    }
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    Some(format!("{:0>5}_{}", digits, name.to_lowercase().replace(' ', "_")))
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
            (".up.sql", ""),
            ("00001_a.sql", "-- migrate:lock-timeout 2s\nSELECT 1;"),
        ] {
            assert_eq!(way_out(file, text), None, "{file}");
        }
    }
}
