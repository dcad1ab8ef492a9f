//! What `review` says of branches: each case is a repository of git, and the comment that its pull request would get.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A repository whose folder `migrations` holds two migrations on the branch `main`; work goes on on `ours`.
struct Repository(tempfile::TempDir);

const USERS: (&str, &str) = (
    "00001_users.sql",
    "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text, fax text);\n\n-- +goose Down\nDROP TABLE users;\n",
);
const TASKS: (&str, &str) = (
    "00002_tasks.sql",
    "-- +goose Up\nCREATE TABLE tasks (id bigint PRIMARY KEY, user_id bigint);\n\n-- +goose Down\nDROP TABLE tasks;\n",
);
const NOTES: (&str, &str) = (
    "00003_notes.sql",
    "-- +goose Up\nCREATE TABLE notes (id bigint PRIMARY KEY);\n\n-- +goose Down\nDROP TABLE notes;\n",
);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a folder"));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(&[USERS, TASKS]);
        repository.git(&["checkout", "--quiet", "-b", "ours"]);
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let output = git(self.0.path(), arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join("migrations").join(file)
    }

    fn put(&self, files: &[(&str, &str)]) {
        std::fs::create_dir_all(self.path("")).expect("a folder");
        for (file, text) in files {
            std::fs::write(self.path(file), text).expect("a file");
        }
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).expect("a rename");
    }

    fn commit(&self, files: &[(&str, &str)]) {
        self.put(files);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    }

    /// What others merge meanwhile.
    fn main_gets(&self, files: &[(&str, &str)]) {
        self.git(&["checkout", "--quiet", "main"]);
        self.commit(files);
        self.git(&["checkout", "--quiet", "ours"]);
    }

    fn review(&self, arguments: &[&str]) -> Output {
        review(self.0.path(), arguments)
    }

    /// Pictures the comment, and checks how the program ends and which codes it names.
    fn picture(&self, name: &str, arguments: &[&str], (exit, codes): (i32, &[&str])) {
        let output = self.review(&[&["--base", "main", "--output", "markdown"], arguments].concat());
        let comment = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = String::from_utf8_lossy(&output.stderr);
        let named =
            |line: &str| line.split("** `").nth(1).map(|rest| rest.split(' ').next().unwrap_or_default().to_owned());
        let found: Vec<String> = comment.lines().filter(|line| line.starts_with("* **")).filter_map(named).collect();
        assert_eq!(output.status.code(), Some(exit), "{comment}{log}");
        assert_eq!(found, codes, "{comment}{log}");
        crate::settings("review").bind(|| {
            insta::assert_snapshot!(format!("branch_{name}"), format!("exit {exit}\n{log}\n{comment}"));
        });
    }
}

/// The codes, rules and files that the entries of a comment object to.
fn named(comment: &str) -> Vec<String> {
    let entries = comment.lines().filter(|line| line.starts_with("* **"));
    let first = |line: &str| line.split("** `").nth(1)?.split([' ', '`']).next().map(str::to_owned);
    entries.filter_map(first).collect()
}

fn git(folder: &Path, arguments: &[&str]) -> Output {
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "core.autocrlf=false"])
        .args(identity)
        .args(arguments)
        .output()
        .expect("git starts")
}

fn review(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pictured"));
    command.args(["review", "--dir", "migrations"]).args(arguments).env_clear().current_dir(folder);
    command.output().expect("the program starts")
}

const FINE: (i32, &[&str]) = (0, &[]);

#[test]
fn a_new_migration_behind_all_others_is_fine() {
    let repository = Repository::new();
    repository.put(&[NOTES]);
    repository.picture("new", &[], FINE);
    repository.commit(&[]);
    repository.picture("new", &[], FINE);
}

#[test]
fn an_edit_of_a_file_that_the_base_has_is_refused() {
    let repository = Repository::new();
    repository.commit(&[(TASKS.0, &TASKS.1.replace("user_id bigint", "user_id bigint NOT NULL"))]);
    repository.picture("edited", &[], (29, &["H01"]));
}

#[test]
fn a_file_that_is_gone_is_refused() {
    let repository = Repository::new();
    repository.git(&["rm", "--quiet", "migrations/00002_tasks.sql"]);
    repository.commit(&[]);
    repository.picture("removed", &[], (29, &["H02"]));
}

#[test]
fn a_file_with_another_number_is_refused() {
    let repository = Repository::new();
    repository.rename(TASKS.0, "00005_tasks.sql");
    repository.commit(&[]);
    repository.picture("renumbered", &[], (29, &["H03"]));
}

#[test]
fn a_file_with_another_name_and_the_same_number_is_a_warning() {
    let repository = Repository::new();
    repository.rename(TASKS.0, "00002_create_tasks.sql");
    repository.commit(&[]);
    repository.picture("renamed", &[], (0, &["H05"]));
}

#[test]
fn an_edit_of_white_space_and_comments_is_a_warning_and_one_of_line_ends_nothing() {
    let repository = Repository::new();
    repository.commit(&[
        (USERS.0, &USERS.1.replace("CREATE TABLE", "-- who\nCREATE  TABLE")),
        (TASKS.0, &TASKS.1.replace('\n', "\r\n")),
    ]);
    repository.picture("reformatted", &[], (0, &["H04"]));
}

#[test]
fn two_branches_that_add_one_version_are_told_who_was_faster_and_a_rebase_mends_it() {
    let repository = Repository::new();
    repository.commit(&[NOTES]);
    repository.main_gets(&[("00003_theirs.sql", &NOTES.1.replace("notes", "theirs"))]);
    repository.picture("version_taken", &[], (29, &["H06"]));
    repository.git(&["rebase", "--quiet", "main"]);
    let output = repository.review(&["--base", "main", "--output", "markdown"]);
    let comment = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(29) && comment.contains("N02") && comment.contains("H06"), "{comment}");
    repository.rename(NOTES.0, "00004_notes.sql");
    repository.commit(&[]);
    repository.picture("rebased", &[], FINE);
}

#[test]
fn a_new_file_below_the_base_as_it_is_now_is_refused_and_what_the_base_did_meanwhile_is_not_ours() {
    let repository = Repository::new();
    let edited = USERS.1.replace("fax text", "fax text, phone text");
    repository.main_gets(&[("00004_theirs.sql", &NOTES.1.replace("notes", "theirs")), (USERS.0, &edited)]);
    let output = repository.review(&["--base", "main", "--output", "json"]);
    assert!(output.status.success(), "this branch changed nothing: {}", String::from_utf8_lossy(&output.stdout));
    repository.commit(&[NOTES]);
    repository.picture("below_the_base", &[], (29, &["H07"]));
}

#[test]
fn against_a_base_without_the_folder_everything_is_new() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "--orphan", "empty"]);
    repository.git(&["rm", "-r", "--quiet", "--cached", "."]);
    std::fs::remove_dir_all(repository.path("")).expect("a folder");
    repository.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    repository.git(&["branch", "--force", "main"]);
    repository.commit(&[USERS, TASKS]);
    repository.picture("first", &[], FINE);
}

#[test]
fn what_git_cannot_tell_is_an_error_that_says_what_to_do() {
    let repository = Repository::new();
    repository.commit(&[NOTES]);
    let words = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let unknown = repository.review(&["--base", "origin/nowhere"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        words(&unknown).contains("`origin/nowhere`") && words(&unknown).contains("git fetch"),
        "{}",
        words(&unknown)
    );
    let option = repository.review(&["--base=--upload-pack=x"]);
    assert_eq!(option.status.code(), Some(2), "{}", words(&option));
    // A clone that has both branches and not the place where they parted.
    repository.main_gets(&[("00004_theirs.sql", NOTES.1)]);
    let place = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", repository.0.path().display());
    let cloned =
        git(place.path(), &["clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=ours", &url, "clone"]);
    assert!(cloned.status.success(), "{}", words(&cloned));
    let shallow = review(&place.path().join("clone"), &["--base", "origin/main"]);
    assert_eq!(shallow.status.code(), Some(2), "{}", words(&shallow));
    assert!(words(&shallow).contains("shallow") && words(&shallow).contains("fetch-depth: 0"), "{}", words(&shallow));
    let bare = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(bare.path().join("migrations")).expect("a folder");
    let none = review(bare.path(), &["--base", "main"]);
    assert!(none.status.code() == Some(2) && words(&none).contains("not a git repository"), "{}", words(&none));
}

/// Hazards of every kind, a Down that leaves something behind, an exception, and names that want to be more than names.
const HAZARDS: [(&str, &str); 4] = [
    (
        "00003_email.sql",
        "-- +goose Up\nALTER TABLE users ALTER COLUMN email SET NOT NULL;\nCREATE INDEX users_email ON users (email);\n\n\
         -- +goose Down\nDROP INDEX users_email;\n",
    ),
    (
        "00004_drop_fax.sql",
        "-- +goose Up\n-- migrate:allow drop-column(users.fax) reason=\"unused since 2.14 <b>ask @ops</b>\"\n\
         ALTER TABLE users DROP COLUMN fax;\n\n-- +goose Down\nALTER TABLE users ADD COLUMN fax text;\n",
    ),
    (
        "00005_hostile.sql",
        "-- +goose Up\nCREATE TABLE \"<img src=x>`@everyone`\" (id bigint PRIMARY KEY);\n\
         ALTER TABLE tasks ADD CONSTRAINT \"|](http://example.com)\" FOREIGN KEY (user_id) REFERENCES users;\n\n\
         -- +goose Down\nALTER TABLE tasks DROP CONSTRAINT \"|](http://example.com)\";\nDROP TABLE \"<img src=x>`@everyone`\";\n",
    ),
    ("00006_backfill.sql", "-- +goose Up\nUPDATE tasks SET user_id = 0;\n"),
];

#[test]
fn the_comment_for_a_branch_with_hazards_says_what_to_do_about_each() {
    let repository = Repository::new();
    repository.commit(&HAZARDS);
    let server = migrate_scratch::Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let url = server.url("postgres");
    let output = repository.review(&["--base", "main", "--verify", "--database-url", &url, "--write", "out"]);
    assert_eq!(output.status.code(), Some(29));
    let out = |file: &str| crate::text(&repository.0.path().join("out").join(file));
    let comment = out("comment.md");
    crate::settings("review").bind(|| insta::assert_snapshot!("comment_with_hazards", comment));
    let objections = ["L09", "L01", "L06", "G02", "G01", "M01", "00003_email.sql", "00006_backfill.sql"];
    assert_eq!(named(&comment), objections, "{comment}");
    let mut is_in_block = false;
    for line in comment.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_in_block ^= is_fence;
        let text = if is_in_block || is_fence { String::new() } else { without_code(line).replace("\\]", "") };
        let is_hostile = ["<img", "<b>", "@everyone", "](http", "|](", "@ops"].iter().any(|part| text.contains(part));
        assert!(!is_hostile, "{line}");
    }
    for name in ["00004_drop_fax.txt", "00005_hostile.txt", "00006_backfill.txt", "review.json", "review.sarif"] {
        assert!(!out(name).is_empty(), "{name}");
    }
    let picture = out("00003_email.txt");
    crate::settings("review").bind(|| insta::assert_snapshot!("picture_with_hazards", picture));
}

/// A line of Markdown without its code spans.
fn without_code(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        text.push_str(&rest[..at]);
        if rest[..at].ends_with('\\') {
            rest = &rest[at + 1..];
            continue;
        }
        let fence = rest[at..].chars().take_while(|c| *c == '`').count();
        let after = &rest[at + fence..];
        let end = after.find(&"`".repeat(fence)).unwrap_or_else(|| panic!("a code span that does not end: {line}"));
        rest = &after[end + fence..];
    }
    text + rest
}

#[test]
fn a_comment_about_very_much_is_cut_and_says_so() {
    let repository = Repository::new();
    let files: Vec<(String, String)> = (3..303)
        .map(|version| {
            let text = format!(
                "-- +goose Up\nCREATE INDEX users_email_{version} ON users (email);\nALTER TABLE users ADD COLUMN c{version} text;\n\n\
                 -- +goose Down\nDROP INDEX users_email_{version};\n"
            );
            (format!("{version:05}_index.sql"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    repository.commit(&[files.as_slice(), &[(USERS.0, "-- +goose Up\nSELECT 1;\n")]].concat());
    let output = repository.review(&["--base", "main", "--output", "markdown"]);
    let comment = String::from_utf8_lossy(&output.stdout);
    let length = comment.encode_utf16().count();
    assert!((50_000..=65_000).contains(&length), "{length}");
    assert!(comment.contains("H01"), "what is most important is told first");
    assert!(comment.contains("not shown") && comment.trim_end().ends_with("SARIF have it too."), "{comment}");
}
