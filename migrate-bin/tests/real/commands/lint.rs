//! `lint` and `explain`: what is found, in each form, how it ends, and which migrations are judged.

use std::path::Path;

use serde_json::{Value, json};

use super::{A, B, alone, json};
use crate::background::Background;
use crate::stage::{Ended, example_command, folder, migrate_command, text};

/// An error of the rules (L01) whatever the configuration does not say: `a` is there before.
const INDEX: (&str, &str) =
    ("00002_index.sql", "-- +goose Up\nCREATE INDEX a_id ON a (id);\n-- +goose Down\nDROP INDEX a_id;\n");
/// A warning (G01).
const WITHOUT_DOWN: (&str, &str) = ("00002_c.sql", "-- +goose Up\nCREATE TABLE c (id bigint PRIMARY KEY);\n");

fn lint(dir: &Path, arguments: &[&str]) -> Ended {
    alone(dir, &[&["lint"], arguments].concat())
}

/// The findings as `file rule severity`.
fn found(dir: &Path, arguments: &[&str]) -> Vec<String> {
    let ended = lint(dir, &[arguments, &["--output", "json"]].concat());
    let value = json(&ended.stdout);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tell = |found: &Value| {
        let file = word(&found["file"]);
        let file = file.rsplit('/').next().unwrap_or_default();
        format!("{file} {} {}", word(&found["rule"]), word(&found["severity"]))
    };
    let found: Vec<String> = value["findings"].as_array().into_iter().flatten().map(tell).collect();
    let refused = found.iter().any(|found| found.ends_with(" error"));
    assert_eq!(ended.code, if refused { 29 } else { 0 }, "{found:?}: {}", ended.stderr);
    found
}

const NOTHING: [&str; 0] = [];
const INDEX_ERROR: [&str; 1] = ["00002_index.sql L01 error"];

#[test]
fn an_error_ends_with_29_and_a_warning_with_0() {
    assert_eq!(found(folder(&[A, INDEX]).path(), &[]), INDEX_ERROR);
    assert_eq!(found(folder(&[A, WITHOUT_DOWN]).path(), &[]), ["00002_c.sql G01 warning"]);
    assert_eq!(found(folder(&[A, B]).path(), &[]), NOTHING);
    let broken = folder(&[A, ("00002_b.sql", "-- +goose Up\nSELECT 1\n")]);
    assert_eq!(found(broken.path(), &[]), ["00002_b.sql P12 error"], "what cannot be read is found too");
}

#[test]
fn a_finding_in_json_has_the_documented_fields() {
    let files = folder(&[A, INDEX]);
    let ended = lint(files.path(), &["--output", "json"]);
    let mut value = json(&ended.stdout);
    let finding = &mut value["findings"][0];
    assert!(finding["facts"].as_array().is_some_and(|facts| facts.iter().all(Value::is_string)), "{finding}");
    assert!(finding["help"].as_str().is_some_and(|help| help.contains("CONCURRENTLY")), "{finding}");
    finding["facts"] = json!([]);
    finding["help"] = json!("");
    let expected = json!({
        "findings": [{
            "rule": "L01", "name": "blocking-index-build", "severity": "error",
            "file": files.path().join(INDEX.0), "line": 2, "column": 22, "section": "up",
            "message": "CREATE INDEX makes every write to `a` wait until the index is built",
            "facts": [], "history": [], "help": "", "explain": "migrate explain L01",
        }],
        "migrations": 2, "judged": 2,
    });
    assert_eq!(value, expected);
    assert_eq!(ended.stderr, "2 of 2 migrations judged: 1 error, 0 warnings\n");
}

#[test]
fn a_finding_as_text_shows_the_line_the_way_out_and_where_to_read_on() {
    let files = folder(&[A, INDEX]);
    let ended = lint(files.path(), &[]);
    for part in [
        "error[L01 blocking-index-build]: CREATE INDEX makes every write to `a` wait",
        "00002_index.sql:2:22",
        "2 | CREATE INDEX a_id ON a (id);",
        "= help: ",
        "= allow: -- migrate:allow blocking-index-build reason=\"…\"",
        "= explain: migrate explain L01",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

/// The parts that SARIF 2.1.0 demands, and those that a reader of it rests on.
#[test]
fn sarif_is_whole_and_every_result_points_at_its_rule_and_its_line() {
    let files = folder(&[A, INDEX, ("00003_ü b.sql", "-- +goose Up\nSELECT 1\n")]);
    let root = files.path().parent().expect("a parent");
    let dir = files.path().file_name().expect("a name");
    let mut command = migrate_command(&["lint", "--output", "sarif", "--dir"]);
    let ended: Ended = command.arg(dir).current_dir(root).output().expect("migrate starts").into();
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    let value = json(&ended.stdout);
    assert_eq!((&value["version"], value["runs"].as_array().map(Vec::len)), (&"2.1.0".into(), Some(1)));
    let run = &value["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        let texts = ["shortDescription", "fullDescription", "help"].map(|key| &rule[key]["text"]);
        assert!(texts.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty())), "{rule}");
    }
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 2, "{value}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small one");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["level"], "error");
        assert!(result["message"]["text"].as_str().is_some_and(|text| text.contains("migrate explain ")), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a place");
        assert!(!uri.starts_with('/') && !uri.contains(' ') && uri.is_ascii(), "{uri}");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line >= 1), "{place}");
        assert!(place["region"]["startColumn"].as_u64().is_some_and(|column| column >= 1), "{place}");
    }
}

#[test]
fn github_gets_a_workflow_command_a_finding() {
    let files = folder(&[A, INDEX]);
    let ended = lint(files.path(), &["--output", "github"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [line] = lines.as_slice() else { panic!("{}", ended.stdout) };
    let path = files.path().join(INDEX.0);
    let start =
        format!("::error file={},line=2,col=22,title=L01 blocking-index-build::CREATE INDEX makes", path.display());
    assert!(line.starts_with(&start), "{line}");
    assert!(line.contains("%0A") && line.ends_with("migrate explain L01"), "{line}");
    assert_eq!(ended.code, 29);
    let warned = lint(folder(&[A, WITHOUT_DOWN]).path(), &["--output", "github"]);
    assert!(warned.stdout.starts_with("::warning file=") && warned.code == 0, "{}", warned.stdout);
}

#[test]
fn forms_of_findings_are_those_of_lint_alone() {
    let files = folder(&[A]);
    for form in ["sarif", "github"] {
        let ended = alone(files.path(), &["validate", "--output", form]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(" lint`"), "{}", ended.stderr);
    }
}

#[test]
fn history_is_what_the_settings_or_the_lock_say() {
    let root = folder(&[("m/00001_a.sql", A.1), ("m/00002_index.sql", INDEX.1), ("migrate.toml", "")]);
    let dir = root.path().join("m");
    let settings = |text: &str| std::fs::write(root.path().join("migrate.toml"), text).expect("a file");
    assert_eq!(found(&dir, &[]), INDEX_ERROR);
    settings("[lint]\njudge-from = 3\n");
    assert_eq!(found(&dir, &[]), NOTHING);
    assert_eq!(found(&dir, &["--judge-from", "2"]), INDEX_ERROR, "the option wins");
    let told = lint(&dir, &[]);
    assert!(told.stderr.contains("0 of 2 migrations judged") && told.stderr.contains("are history"), "{}", told.stderr);
    settings("");
    assert_eq!(alone(&dir, &["lock"]).code, 0, "the first lock is made over a history");
    assert_eq!(found(&dir, &[]), NOTHING);
    assert_eq!(found(&dir, &["--judge-from", "1"]), INDEX_ERROR);
    settings("[lint.rules]\nblocking-index-build = \"warn\"\n");
    assert_eq!(found(&dir, &["--judge-from", "1"]), ["00002_index.sql L01 warning"]);
    settings("[lint.rules]\nblocking-index = \"warn\"\n");
    assert_eq!(found(&dir, &[]), ["migrate.toml C01 error"], "a rule that does not exist");
}

#[test]
fn watched_migrations_are_judged_again_when_a_file_or_a_setting_changes() {
    let root = folder(&[("m/00001_a.sql", A.1), ("m/00002_index.sql", INDEX.1), ("migrate.toml", "")]);
    let dir = root.path().join("m");
    let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).expect("a file");
    let mut watch = Background::spawn(migrate_command(&["lint", "--watch"]).arg("--dir").arg(&dir));
    watch.read_until("2 of 2 migrations judged: 1 error, 0 warnings");
    write("migrate.toml", "[lint.rules]\nblocking-index-build = \"warn\"\n");
    watch.read_until("0 errors, 1 warning");
    write("m/00002_index.sql", B.1);
    watch.read_until("0 errors, 0 warnings");
    write("m/00003_b.sql", "-- +goose Up\nSELECT 1\n");
    watch.read_until("1 error, 0 warnings");
    watch.signal("INT");
    assert_eq!(watch.wait().code, 50);
    let built_in = example_command(&["lint", "--watch"]).output().expect("migrate starts");
    assert_eq!(built_in.status.code(), Some(2), "what is built in does not change");
}

#[test]
fn one_file_is_judged_by_the_schema_that_its_folder_makes() {
    let files = folder(&[
        A,
        INDEX,
        (
            "00003_c.sql",
            "-- +goose Up\nALTER TABLE a ADD COLUMN c text;\n-- +goose Down\nALTER TABLE a DROP COLUMN c;\n",
        ),
    ]);
    assert_eq!(found(&files.path().join("00003_c.sql"), &[]), NOTHING, "`a` is known");
    assert_eq!(found(&files.path().join(INDEX.0), &[]), INDEX_ERROR);
}

#[test]
fn an_exception_ends_with_its_date() {
    let allowed = |until: &str| {
        let text = INDEX.1.replace("CREATE", &format!("-- migrate:allow L01 reason=\"small\"{until}\nCREATE"));
        found(folder(&[A, (INDEX.0, &text)]).path(), &[])
    };
    assert_eq!(allowed(""), NOTHING);
    assert_eq!(allowed(" until=2999-12-31"), NOTHING);
    assert_eq!(allowed(" until=2020-01-01"), ["00002_index.sql G23 warning", "00002_index.sql L01 error"]);
}

/// A repository of git whose folder `m` holds migrations.
pub(super) struct Repository(tempfile::TempDir);

impl Repository {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(folder(&[]));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(files);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let mut command = std::process::Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let ended: Ended =
            command.arg("-C").arg(self.0.path()).args(identity).args(arguments).output().expect("git starts").into();
        assert_eq!(ended.code, 0, "git {arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    pub(super) fn put(&self, (file, text): (&str, &str)) {
        std::fs::create_dir_all(self.dir()).expect("a folder");
        std::fs::write(self.dir().join(file), text).expect("a file");
    }

    pub(super) fn commit(&self, files: &[(&str, &str)]) {
        for file in files {
            self.put(*file);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "x"]);
    }

    pub(super) fn dir(&self) -> std::path::PathBuf {
        self.0.path().join("m")
    }
}

#[test]
fn only_what_a_base_revision_does_not_have_is_judged() {
    let repository = Repository::new(&[A, INDEX]);
    let dir = repository.dir();
    assert_eq!(found(&dir, &["--since", "main"]), NOTHING);
    let again = ("00003_again.sql", INDEX.1.replace("a_id", "again"));
    repository.put((again.0, &again.1));
    assert_eq!(found(&dir, &["--since", "main"]), ["00003_again.sql L01 error"], "before it is committed");
    repository.git(&["checkout", "--quiet", "-b", "ours"]);
    repository.commit(&[]);
    assert_eq!(found(&dir, &["--since", "main"]), ["00003_again.sql L01 error"], "and after");
    assert_eq!(found(&dir, &["--since", "HEAD"]), NOTHING);
    assert_eq!(alone(&dir, &["lock"]).code, 0);
    assert_eq!(found(&dir, &["--since", "main"]), ["00003_again.sql L01 error"], "whatever the lock says");
}

#[test]
fn a_file_that_was_edited_since_is_judged_and_one_that_others_added_since_is_not_missed() {
    let repository = Repository::new(&[A, INDEX]);
    let dir = repository.dir();
    repository.git(&["checkout", "--quiet", "-b", "ours"]);
    repository.put((INDEX.0, &INDEX.1.replace("(id)", "(id DESC)")));
    assert_eq!(found(&dir, &["--since", "main"]), INDEX_ERROR);
    repository.git(&["checkout", "--quiet", "--", "."]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit(&[("00003_theirs.sql", B.1), (INDEX.0, &INDEX.1.replace("(id)", "(id ASC)"))]);
    repository.git(&["checkout", "--quiet", "ours"]);
    assert_eq!(found(&dir, &["--since", "main"]), NOTHING, "main moved on, and this branch changed nothing");
    let ours = INDEX.1.replace("a_id", "ours");
    repository.commit(&[("00003_ours.sql", &ours)]);
    assert_eq!(found(&dir, &["--since", "main"]), ["00003_ours.sql L01 error"], "the number is main's too");
}

#[test]
fn a_revision_that_git_does_not_have_and_a_folder_without_git_are_wrong_arguments() {
    let repository = Repository::new(&[A]);
    for revision in ["origin/nowhere", "--help", ""] {
        let ended = lint(&repository.dir(), &[&format!("--since={revision}")]);
        assert_eq!(ended.code, 2, "{revision}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("`{revision}`")), "{}", ended.stderr);
        assert!(ended.stderr.contains("fetch") && ended.stdout.is_empty(), "{}", ended.stderr);
    }
    let bare = lint(folder(&[A]).path(), &["--since", "main"]);
    assert_eq!(bare.code, 2, "{}", bare.stderr);
}

#[test]
fn lock_takes_nothing_in_that_the_rules_refuse() {
    let files = folder(&[A]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    let lock = text(&files.path().join("migrate.lock"));
    let put = |text: &str| std::fs::write(files.path().join(INDEX.0), text).expect("a file");
    put(INDEX.1);
    let refused = alone(files.path(), &["lock"]);
    assert_eq!(refused.code, 29);
    for part in
        ["error[L01 blocking-index-build]", "1 error of the rules in what is not locked yet", "the lock is as it was"]
    {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(text(&files.path().join("migrate.lock")), lock);
    put("-- +goose Up\nCREATE INDX a_id ON a (id);\n");
    let unreadable = alone(files.path(), &["lock"]);
    assert!(unreadable.code == 29 && unreadable.stderr.contains("error[P40 syntax-error]"), "{}", unreadable.stderr);
    put(&INDEX.1.replace("CREATE", "-- migrate:allow L01 reason=\"ten rows\"\nCREATE"));
    assert_eq!(alone(files.path(), &["lock"]).stdout, "added 00002_index.sql\n");
    std::fs::rename(files.path().join(INDEX.0), files.path().join("00003_index.sql")).expect("a rename");
    assert_eq!(alone(files.path(), &["lock"]).code, 0, "another name is no new text");
}

#[test]
fn every_code_and_rule_is_explained_by_its_id_and_by_its_name() {
    let dir = folder(&[]);
    let list = json(&alone(dir.path(), &["explain", "--output", "json"]).stdout);
    let list = list.as_array().expect("a list");
    assert!(list.len() > 100, "{}", list.len());
    let lines = alone(dir.path(), &["explain"]).stdout;
    assert_eq!(lines.lines().count(), list.len());
    for (entry, line) in list.iter().zip(lines.lines()) {
        let [id, name, level] = ["id", "name", "level"].map(|key| entry[key].as_str().expect("a text"));
        assert!(line.starts_with(&format!("{id} {name}")) && line.contains(level), "{line}");
        assert!(["error", "warning", "off"].contains(&level), "{entry}");
    }
    for which in ["L09", "l09", "set-not-null-scan"] {
        let ended = alone(dir.path(), &["explain", which]);
        assert!(ended.stdout.starts_with("L09 set-not-null-scan: error"), "{}", ended.stdout);
        for part in ["Reported:", "Not reported:", "-- migrate:allow set-not-null-scan", "[lint.rules]"] {
            assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
        }
    }
    let code = alone(dir.path(), &["explain", "missing-semicolon", "--output", "json"]);
    assert_eq!(json(&code.stdout)["id"], "P12");
    let about = alone(dir.path(), &["explain", "Concurrently"]).stdout;
    assert!(about.contains("concurrently-unsupported") && !about.contains("missing-down"), "{about}");
    let off = json(&alone(dir.path(), &["explain", "off", "--output", "json"]).stdout);
    let has_word = |entry: &Value| entry.to_string().to_lowercase().contains("off");
    assert!(off.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(has_word)), "{off}");
    let unknown = alone(dir.path(), &["explain", "L00"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("lists them"), "{}", unknown.stderr);
}
