use super::*;
use crate::config;
use std::fs;

const USERS: (&str, &str) = (
    "00001_users.sql",
    "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text);\n-- +goose Down\nDROP TABLE users;\n",
);
/// An error of the rules (L01), whatever comes before it.
const INDEX: &str =
    "-- +goose Up\nCREATE INDEX users_email ON users (email);\n-- +goose Down\nDROP INDEX users_email;\n";
/// An error of the rules (F01) unless the table is made before.
const PHONES: &str =
    "-- +goose Up\nALTER TABLE phones ADD COLUMN area text;\n-- +goose Down\nALTER TABLE phones DROP COLUMN area;\n";

/// A folder of files.
struct Migrations(tempfile::TempDir);

impl Migrations {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for file in files {
            folder.put(*file);
        }
        folder
    }

    fn put(&self, (file, text): (&str, &str)) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    fn lock(&self) {
        let set = check::runnable_folder(self.0.path(), "m").set;
        self.put((lock::FILE, &lock::render(&set)));
    }

    fn judge(&self, settings: &str, scope: Scope) -> Verdict {
        let config = config::parse(settings, "migrate.toml");
        of_folder(
            self.0.path(),
            "m",
            Request { config, scope, today: None, dialect: None, values: Environment::default() },
        )
    }

    /// Files and rules of the errors that are found, and the codes of the diagnostics.
    fn told(&self, settings: &str, scope: Scope) -> Vec<String> {
        let verdict = self.judge(settings, scope);
        let diagnostics = verdict.diagnostics.iter().map(|found| format!("{} {}", found.path, found.code.entry().id));
        let errors = verdict.findings.iter().filter(|finding| finding.severity == Severity::Error);
        diagnostics.chain(errors.map(|finding| format!("{} {}", finding.path, finding.rule))).collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn without_settings_and_lock_every_migration_is_judged() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    assert_eq!(folder.told("", Scope::default()), ["m/00002_index.sql L01"]);
    let verdict = folder.judge("", Scope::default());
    assert!(verdict.refuses());
    assert_eq!(verdict.judged, 2);
}

#[test]
fn history_is_what_stands_below_judge_from_or_in_the_lock() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    assert_eq!(folder.told("[lint]\njudge-from = 3\n", Scope::default()), NOTHING);
    folder.lock();
    assert_eq!(folder.told("", Scope::default()), NOTHING);
    assert_eq!(folder.judge("", Scope::default()).judged, 0);
    folder.put(("00003_again.sql", &INDEX.replace("users_email", "again")));
    assert_eq!(folder.told("", Scope::default()), ["m/00003_again.sql L01"], "what is new is judged");
}

#[test]
fn a_version_or_a_base_that_is_named_counts_instead_of_the_lock() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    folder.lock();
    let first = Scope { first: Some(Version(1)), ..Scope::default() };
    assert_eq!(folder.told("[lint]\njudge-from = 3\n", first), ["m/00002_index.sql L01"]);
    let base = |files: &[&str]| {
        let base = Some(files.iter().map(|file| (*file).to_owned()).collect());
        Scope { base, ..Scope::default() }
    };
    assert_eq!(folder.told("", base(&[USERS.0])), ["m/00002_index.sql L01"]);
    assert_eq!(folder.told("", base(&[USERS.0, "00002_index.sql"])), NOTHING);
    let only = Scope { only: Some(USERS.0.into()), ..Scope::default() };
    assert_eq!(folder.told("", only), NOTHING);
}

#[test]
fn a_locked_file_that_was_edited_is_told_once() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", USERS.1)]);
    folder.lock();
    folder.put(("00002_index.sql", INDEX));
    assert_eq!(folder.told("", Scope::default()), ["m/00002_index.sql K01"]);
}

#[test]
fn behind_a_file_that_cannot_be_read_nothing_is_judged() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX), ("00004_area.sql", PHONES)]);
    folder.put(("00003_phones.sql", "-- +goose Up\nCREATE TABLE phones (id bigint)\n"));
    assert_eq!(folder.told("", Scope::default()), ["m/00003_phones.sql P12", "m/00002_index.sql L01"]);
    folder.put(("phones.sql", "-- +goose Up\nCREATE TABLE phones (id bigint);\n"));
    assert_eq!(
        folder.told("", Scope::default()),
        ["m/00003_phones.sql P12", "m/phones.sql N01"],
        "it may belong anywhere"
    );
}

#[test]
fn behind_a_file_with_a_syntax_error_only_what_is_certain_is_told() {
    let folder = Migrations::new(&[USERS, ("00004_index.sql", INDEX), ("00005_area.sql", PHONES)]);
    folder.put(("00003_phones.sql", "-- +goose Up\nCREATE TABLE phones (id bigint text);\n"));
    assert_eq!(folder.told("", Scope::default()), ["m/00003_phones.sql P40", "m/00004_index.sql L01"]);
}

#[test]
fn without_a_lock_or_settings_that_can_be_read_no_rule_is_asked() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    assert_eq!(folder.told("[lint]\njudge_from = 3\n", Scope::default()), ["migrate.toml C01"]);
    folder.put((lock::FILE, "<<<<<<< HEAD\n"));
    assert_eq!(folder.told("", Scope::default()), ["m/migrate.lock K04"]);
}

#[test]
fn a_rule_of_the_settings_that_does_not_exist_is_told_with_its_line() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    let settings = "[lint.rules]\nL01 = \"warn\"\nL00 = \"warn\"\n";
    assert_eq!(folder.told(settings, Scope::default()), ["migrate.toml C01"]);
    let diagnostic = folder.judge(settings, Scope::default()).diagnostics.remove(0);
    assert_eq!(diagnostic.to_string(), "migrate.toml:3:1: error: there is no rule `L00` [C01]");
}

#[test]
fn an_embedded_set_is_judged_like_its_folder() {
    let folder = Migrations::new(&[USERS, ("00002_index.sql", INDEX)]);
    let Verdict { set, .. } = folder.judge("", Scope::default());
    let lock = Lock::of(&set);
    let request = || Request {
        config: Ok(Config::default()),
        scope: Scope::default(),
        today: None,
        dialect: None,
        values: Environment::default(),
    };
    assert_eq!(of_set(set.clone(), None, request()).findings, folder.judge("", Scope::default()).findings);
    assert_eq!(of_set(set, Some(lock), request()).findings, []);
}
