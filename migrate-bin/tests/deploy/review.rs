//! The workflow that reviews pull requests: who may do what in it, and that its scripts do what they say.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::stage::{folder, text, workspace};
use crate::workflows::steps;

fn workflow() -> Value {
    crate::workflows::workflow("migrations.yml")
}

fn script<'a>(workflow: &'a Value, job: &str, name: &str) -> &'a str {
    let step = steps(workflow, job).iter().find(|step| step["name"] == name);
    step.and_then(|step| step["run"].as_str()).unwrap_or_else(|| panic!("no step {name}"))
}

#[test]
fn what_a_branch_contains_is_never_run_by_a_job_that_may_write() {
    let workflow = workflow();
    let events = workflow["on"].as_object().expect("events");
    assert_eq!(events.keys().collect::<Vec<_>>(), ["pull_request"], "a fork gets no secret and no token that writes");
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    assert_eq!(workflow["jobs"]["review"]["permissions"], serde_json::json!({ "contents": "read" }));
    let may = serde_json::json!({ "pull-requests": "write", "security-events": "write" });
    assert_eq!(workflow["jobs"]["tell"]["permissions"], may);
    let condition = workflow["jobs"]["tell"]["if"].as_str().expect("a condition");
    assert!(condition.contains("head.repo.full_name == github.repository"), "{condition}");
    let tell = steps(&workflow, "tell");
    assert!(!tell.iter().any(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("checkout"))));
    assert!(!text(&workspace().join(".github/workflows/migrations.yml")).contains("secrets."));
    let checkout = &steps(&workflow, "review")[0]["with"];
    assert_eq!((&checkout["fetch-depth"], &checkout["persist-credentials"]), (&0.into(), &false.into()));
}

/// Runs a script as the runner does, with programs of its own in front of the path.
fn run(script: &str, place: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(place);
    command.env("HOME", place).env("GIT_CONFIG_GLOBAL", "/dev/null").envs(environment.iter().copied());
    command.output().expect("bash starts")
}

fn git(place: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").current_dir(place);
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
    let output = command.args(identity).args(arguments).output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_review_of_a_folder_without_rust_is_written_and_fails_the_job_when_it_refuses() {
    let workflow = workflow();
    let script = script(&workflow, "review", "Review");
    let first = "-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\n-- +goose Down\nDROP TABLE a;\n";
    let place = folder(&[("migrations/00001_a.sql", first)]);
    let bin = place.path().join("migrate/bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_migrate"), bin.join("migrate")).expect("a link");
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "migrations"],
        &["commit", "--quiet", "--message=x"],
        &["update-ref", "refs/remotes/origin/main", "HEAD"],
    ] {
        git(place.path(), arguments);
    }
    let put =
        |file: &str, text: &str| std::fs::write(place.path().join("migrations").join(file), text).expect("a file");
    let summary = place.path().join("summary.md");
    let shown = summary.display().to_string();
    let environment = [("MIGRATIONS", "migrations"), ("BASE", "origin/main"), ("GITHUB_STEP_SUMMARY", shown.as_str())];
    put("00002_b.sql", &first.replace(" a ", " b ").replace(" a;", " b;"));
    let fine = run(script, place.path(), &environment);
    assert!(fine.status.success(), "{}", String::from_utf8_lossy(&fine.stderr));
    let comment = text(&summary);
    assert!(comment.starts_with(migrate_core::review::MARKER), "{comment}");
    assert!(comment.contains("nothing to object to") && comment.contains("reversible, proven"), "{comment}");
    put("00001_a.sql", &first.replace("bigint", "int"));
    let refused = run(script, place.path(), &environment);
    assert_eq!(refused.status.code(), Some(29));
    let findings = String::from_utf8_lossy(&refused.stdout);
    assert!(findings.starts_with("::error file=migrations/00001_a.sql"), "{findings}");
    assert!(text(&summary).contains("H01 base-file-edited"));
    for file in ["review.sarif", "review.json", "00002_b.txt"] {
        assert!(place.path().join("review").join(file).is_file(), "{file}");
    }
}

/// Stands for GitHub's own program: answers with the comments that there are, and writes down what it is asked.
const GH: &str = "#!/bin/sh\necho \"$@\" >>\"$ASKED\"\ncase \"$*\" in *--paginate*) printf '%s' \"$FOUND\";; esac\n";

#[test]
fn there_is_one_comment_and_it_is_edited_in_place() {
    let workflow = workflow();
    let script = script(&workflow, "tell", "Comment");
    assert!(script.contains(migrate_core::review::MARKER), "the comment is found by what it begins with");
    let place = folder(&[("bin/gh", GH), ("review/comment.md", "x")]);
    crate::stage::permit(&place.path().join("bin/gh"), 0o755);
    let path = format!("{}:{}", place.path().join("bin").display(), std::env::var("PATH").expect("a path"));
    let asked = place.path().join("asked");
    let shown = asked.display().to_string();
    let ask = |found: &str| {
        let environment = [
            ("PATH", path.as_str()),
            ("ASKED", shown.as_str()),
            ("FOUND", found),
            ("COMMENTS", "repos/o/r/issues/7/comments"),
            ("ONE_COMMENT", "repos/o/r/issues/comments"),
        ];
        let output = run(script, place.path(), &environment);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text(&asked).lines().last().expect("a question").to_owned()
    };
    assert_eq!(ask(""), "api --method POST repos/o/r/issues/7/comments --field body=@review/comment.md");
    assert_eq!(ask("42\n43\n"), "api --method PATCH repos/o/r/issues/comments/42 --field body=@review/comment.md");
}
