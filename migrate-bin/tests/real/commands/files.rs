//! `create`, `fix` and `validate`: the commands that work on the folder alone.

use serde_json::json;

use super::{A, B, alone, json};
use crate::stage::{Database, folder, goose, names, run_goose, text};

/// goose's template for SQL, byte for byte.
const TEMPLATE: &str = "-- +goose Up\nSELECT 'up SQL query';\n\n-- +goose Down\nSELECT 'down SQL query';\n";

#[test]
fn create_names_a_file_by_the_time_and_fills_it_with_goose_s_template() {
    let files = folder(&[]);
    let ended = alone(files.path(), &["create", "Add users Table!"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let [name] = names(files.path()).try_into().expect("one file");
    let (stamp, rest) = name.split_at(14);
    assert!(stamp.starts_with("20") && stamp.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    assert_eq!(rest, "_add_users_table_.sql");
    let path = files.path().join(&name);
    assert_eq!(ended.stdout, format!("{}\n", path.display()));
    assert_eq!(text(&path), TEMPLATE);
    assert_eq!(alone(files.path(), &["validate"]).code, 0);
}

#[test]
fn create_counts_on_from_the_highest_version_that_is_no_time() {
    let files = folder(&[A, ("00041_x.sql", TEMPLATE), ("20230826163141_y.sql", TEMPLATE)]);
    for arguments in [["create", "one", "-s"], ["create", "two", "--sequential"]] {
        assert_eq!(alone(files.path(), &arguments).code, 0);
    }
    let ended = alone(files.path(), &["create", "three", "-s", "--output", "json"]);
    let path = files.path().join("00044_three.sql");
    assert_eq!(json(&ended.stdout), json!({ "path": path }));
    assert!(names(files.path()).contains(&"00042_one.sql".to_owned()) && path.is_file());
}

#[test]
fn create_needs_a_folder_and_makes_none() {
    let files = folder(&[]);
    let ended = alone(&files.path().join("nowhere"), &["create", "x"]);
    assert_eq!(ended.code, 20, "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere does not exist") && ended.stderr.contains("--dir"), "{}", ended.stderr);
    assert_eq!(names(files.path()), Vec::<String>::new());
}

#[test]
fn fix_renumbers_what_is_named_by_time_behind_the_sequence_and_is_then_content() {
    let files = folder(&[A, ("20230826163151_y.sql", TEMPLATE), ("20230826163141_x.sql", TEMPLATE), B]);
    let ended = alone(files.path(), &["fix", "--output", "json"]);
    let expected = json!({ "renamed": [
        { "from": "20230826163141_x.sql", "to": "00003_x.sql" },
        { "from": "20230826163151_y.sql", "to": "00004_y.sql" },
    ]});
    assert_eq!((ended.code, json(&ended.stdout)), (0, expected), "{}", ended.stderr);
    assert_eq!(names(files.path()), ["00001_a.sql", "00002_b.sql", "00003_x.sql", "00004_y.sql"]);
    let again = alone(files.path(), &["fix"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.stderr);
    assert!(again.stderr.contains("no migration is named by time"), "{}", again.stderr);
}

#[test]
fn fix_renames_nothing_in_a_folder_with_problems() {
    let files = folder(&[A, ("20230826163141_x.sql", "garbage\n")]);
    assert_eq!(alone(files.path(), &["fix"]).code, 29);
    assert_eq!(names(files.path()), ["00001_a.sql", "20230826163141_x.sql"]);
}

#[test]
fn fix_wraps_what_goose_would_cut_and_goose_applies_it() {
    let cut = "-- +goose Up\nCREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1;\nEND $$ LANGUAGE plpgsql;\n\n\
               -- +goose Down\nDO $$ BEGIN\n  DROP FUNCTION f();\nEND $$;\n";
    let files = folder(&[("00001_f.sql", cut)]);
    let before = alone(files.path(), &["validate"]);
    assert!(before.code == 29 && before.stderr.contains("`migrate fix --wrap` does it"), "{}", before.stderr);
    let path = files.path().join("00001_f.sql");
    let wrapped = alone(files.path(), &["fix", "--wrap"]);
    assert_eq!((wrapped.code, wrapped.stdout.trim()), (0, path.to_str().expect("a path")), "{}", wrapped.stderr);
    assert_eq!(text(&path).matches("-- +goose StatementBegin").count(), 2, "{}", text(&path));
    assert_eq!(alone(files.path(), &["validate"]).code, 0);
    let again = alone(files.path(), &["fix", "--wrap", "--output", "json"]);
    assert_eq!((again.code, json(&again.stdout)), (0, json!({ "wrapped": [] })), "{}", again.stderr);
    let Some(goose) = goose("a file that was wrapped") else { return };
    let database = Database::create();
    for command in ["up", "down"] {
        let ended = run_goose(&goose, &database.url, files.path(), &[command]);
        assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
    }
}

#[test]
fn fix_wraps_nothing_that_the_lock_names() {
    let cut = "-- +goose Up\nDO $$ BEGIN\n  NULL;\nEND $$;\n";
    let files = folder(&[A]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    std::fs::write(files.path().join(A.0), cut).expect("a file");
    let refused = alone(files.path(), &["fix", "--wrap"]);
    assert!(refused.code == 29 && refused.stderr.contains("named by the lock"), "{}", refused.stderr);
    assert_eq!(text(&files.path().join(A.0)), cut);
}

#[test]
fn validate_reads_a_folder_or_one_file_and_lists_its_problems_as_json() {
    let warned = "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\n";
    let files = folder(&[A, ("00002_b.sql", warned)]);
    let good = alone(files.path(), &["validate", "--output", "json"]);
    let value = json(&good.stdout);
    assert_eq!((good.code, &value["migrations"]), (0, &2.into()), "{}", good.stderr);
    assert_eq!(
        (&value["diagnostics"][0]["code"], &value["diagnostics"][0]["severity"]),
        (&"P31".into(), &"warning".into())
    );
    let file = alone(&files.path().join(A.0), &["validate"]);
    assert_eq!(file.code, 0, "{}", file.stderr);
    std::fs::write(files.path().join("00003_c.sql"), "-- +goose Up\nSELECT 1\n").expect("a file");
    let bad = alone(files.path(), &["validate", "--output", "json"]);
    let codes: Vec<_> =
        json(&bad.stdout)["diagnostics"].as_array().into_iter().flatten().map(|d| d["code"].clone()).collect();
    assert_eq!((bad.code, codes), (29, vec!["P31".into(), "P12".into()]), "{}", bad.stderr);
}
