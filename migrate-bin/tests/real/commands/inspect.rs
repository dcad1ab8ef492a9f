//! `inspect`: the documented form, and goose's recorded parses through the command line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{A, B, alone, json};
use crate::stage::{self, folder, migrate_command, workspace};

/// The form without what `steps.rs` is about; every statement has to have it.
fn without_steps(mut value: Value) -> Value {
    for direction in ["up", "down"] {
        for statement in value.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
            let step = statement.as_object_mut().and_then(|statement| statement.remove("step"));
            assert!(step.is_some_and(|step| step.is_object()), "{statement}");
        }
    }
    value
}

#[test]
fn a_file_and_a_version_are_shown_in_the_documented_form() {
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE c (\n  id int);\nSELECT 1;\n-- +goose Down\nDROP TABLE c;\n";
    let files = folder(&[A, ("00003_make_c.sql", text)]);
    let path = files.path().join("00003_make_c.sql");
    let expected = json!({
        "version": 3, "name": "make_c", "mode": "no-transaction",
        "up": [{ "sql": "CREATE TABLE c (\n  id int);", "line": 3 }, { "sql": "SELECT 1;", "line": 5 }],
        "down": [{ "sql": "DROP TABLE c;", "line": 7 }],
        "diagnostics": [],
    });
    for which in [path.to_str().expect("a path"), "3", "00003", "make_c"] {
        let ended = alone(files.path(), &["inspect", which, "--output", "json"]);
        let value = without_steps(json(&ended.stdout));
        assert_eq!((ended.code, value), (0, expected.clone()), "{which}: {}", ended.stderr);
    }
    let all = alone(files.path(), &["inspect", "--output", "json"]);
    let all: Value = json(&all.stdout).as_array().into_iter().flatten().cloned().map(without_steps).collect();
    assert_eq!((all.as_array().map(Vec::len), &all[0]["mode"], &all[1]), (Some(2), &"transaction".into(), &expected));
    let text = alone(files.path(), &["inspect", "3"]).stdout;
    assert!(text.contains("no-transaction") && text.contains("\nCREATE TABLE c (\n  id int);"), "{text}");
    assert!(text.contains("-- line 3\n"), "{text}");
}

#[test]
fn a_file_of_any_name_may_be_looked_at() {
    let files = folder(&[("draft.sql", "-- +goose Up\nSELECT 1;\n")]);
    let path = files.path().join("draft.sql");
    let ended = alone(files.path(), &["inspect", path.to_str().expect("a path"), "--output", "json"]);
    let value = json(&ended.stdout);
    assert_eq!((ended.code, &value["version"], &value["name"]), (0, &Value::Null, &"draft".into()), "{}", ended.stderr);
    assert_eq!(value["diagnostics"][0]["code"], "N01");
}

#[test]
fn a_warning_of_a_file_is_among_its_diagnostics_however_it_is_asked_for() {
    let text = "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\n";
    let files = folder(&[A, ("00002_b.sql", text)]);
    let path = files.path().join("00002_b.sql");
    for which in [path.to_str().expect("a path"), "2"] {
        let ended = alone(files.path(), &["inspect", which, "--output", "json"]);
        let value = json(&ended.stdout);
        let found: Vec<_> = value["diagnostics"].as_array().into_iter().flatten().collect();
        assert_eq!((ended.code, found.len()), (0, 1), "{which}: {value}");
        assert_eq!((&found[0]["code"], &found[0]["severity"]), (&"P31".into(), &"warning".into()));
        assert!(found[0]["line"].is_u64() && found[0]["column"].is_u64() && found[0]["message"].is_string());
    }
}

#[test]
fn a_refused_file_has_goose_s_class_and_the_direction_that_can_be_read() {
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE a\n")]);
    let path = files.path().join("00001_a.sql");
    let ended = alone(files.path(), &["inspect", path.to_str().expect("a path"), "--output", "json"]);
    let value = json(&ended.stdout);
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    assert_eq!(
        (&value["error"]["class"], &value["error"]["line"]),
        (&"missing_semicolon".into(), &4.into()),
        "{value}"
    );
    assert!(value["error"]["message"].is_string() && value.get("down").is_none(), "{value}");
    assert_eq!(without_steps(value.clone())["up"], json!([{ "sql": "SELECT 1;", "line": 2 }]));
    assert_eq!((&value["diagnostics"][0]["code"], &value["diagnostics"][0]["column"]), (&"P12".into(), &1.into()));
    assert!(ended.stderr.contains("error[P12"), "{}", ended.stderr);
}

#[test]
fn values_come_from_the_environment_and_may_refuse_a_version() {
    let text = "-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE ${NAME?name it} (id int);\n";
    let files = folder(&[A, B, ("00003_c.sql", text)]);
    let inspect = |name: Option<&str>| {
        let mut command = migrate_command(&["inspect", "3", "--output", "json", "--dir"]);
        command.arg(files.path()).envs(name.map(|name| ("NAME", name)));
        let ended: crate::stage::Ended = command.output().expect("migrate starts").into();
        (ended.code, json(&ended.stdout))
    };
    let (code, value) = inspect(Some("filled"));
    assert_eq!((code, &value["up"][0]["sql"]), (0, &"CREATE TABLE filled (id int);".into()));
    let (code, value) = inspect(None);
    assert_eq!((code, &value["error"]["class"]), (29, &"envsub_required_unset".into()), "{value}");
}

#[derive(Deserialize)]
struct Expectations {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    file: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    env_gen: Option<Value>,
    up: Parse,
    down: Parse,
}

#[derive(Deserialize)]
struct Parse {
    ok: bool,
    use_tx: Option<bool>,
    statements: Option<Vec<String>>,
    error_class: Option<String>,
}

/// Recorded parses that cannot be shown as JSON text: not UTF-8 (goose/spec.md Q13).
const NOT_TEXT: [&str; 5] = [
    "tricky/env_invalid_utf8",
    "tricky/env_off_invalid_utf8",
    "tricky/latin1_bytes",
    "tricky/latin1_nbsp_byte",
    "tricky/env_substr_utf8",
];

/// What `inspect` has to print for one direction.
fn expected(parse: &Parse) -> Value {
    if parse.ok { json!(parse.statements) } else { json!(parse.error_class) }
}

/// What it printed: the statements, or the class of the error of this direction.
fn printed(value: &Value, direction: &str) -> Value {
    let statements = value[direction].as_array();
    let sql = statements.map(|all| all.iter().map(|statement| statement["sql"].clone()).collect());
    let errors = value["errors"].as_array().into_iter().flatten();
    let class = errors.filter(|error| error["section"] == direction).map(|error| error["class"].clone()).next();
    sql.or(class).unwrap_or_default()
}

#[test]
fn goose_s_recorded_parses_are_what_inspect_prints() {
    let root = workspace().join("migrate-core/tests/vectors");
    let text = stage::text(&root.join("tricky/expectations.json"));
    let recorded: Expectations = serde_json::from_str(&text).expect("the recordings' form");
    let mut seen = 0;
    for vector in recorded.vectors {
        let (Some(file), None, false) = (&vector.file, &vector.env_gen, NOT_TEXT.contains(&vector.id.as_str())) else {
            continue;
        };
        let mut command = migrate_command(&["inspect", "--output", "json", "--envsub", "goose-3.27"]);
        let output = command.arg(root.join(file)).envs(&vector.env).output().expect("migrate starts");
        let value = json(&String::from_utf8_lossy(&output.stdout));
        for (direction, parse) in [("up", &vector.up), ("down", &vector.down)] {
            assert_eq!(printed(&value, direction), expected(parse), "{} {direction}", vector.id);
            let mode = parse.use_tx.map(|tx| if tx { "transaction" } else { "no-transaction" });
            assert!(mode.is_none_or(|mode| value["mode"] == mode), "{}", vector.id);
        }
        seen += 1;
    }
    assert!(seen >= 195, "only {seen} recordings were compared");
}
