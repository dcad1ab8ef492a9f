//! `--database-url embedded:`: the first command of the README. The build that leaves it out is the release binary's.

#[cfg(feature = "embedded")]
use crate::stage::{example_command, folder, migrate_command};

#[cfg(feature = "embedded")]
#[test]
fn the_main_job_migrates_a_database_that_nobody_installed_and_finds_it_again() {
    let home = folder(&[]);
    let run = |arguments: &[&str]| -> crate::stage::Ended {
        let mut command = example_command(arguments);
        command.args(["--database-url", "embedded:./.migrate/db"]).current_dir(home.path());
        command.output().expect("migrate starts").into()
    };
    let up = run(&["up"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    assert!(up.stderr.contains("the 20 migrations built into this program"), "{}", up.stderr);
    assert!(up.stderr.contains("20 migrations run") && up.stderr.contains("at version 20"), "{}", up.stderr);
    let again = run(&["up"]);
    assert!(again.stderr.contains("nothing to apply: the database is at version 20"), "{}", again.stderr);
    let reset = run(&["reset"]);
    assert_eq!(reset.code, 0, "{}", reset.stderr);
    assert_eq!(run(&["version"]).stdout, "0\n");
    assert!(home.path().join(".migrate/db").is_dir(), "its files are where the URL says");
}

#[cfg(feature = "embedded")]
#[test]
fn in_memory_nothing_is_left_behind() {
    let home = folder(&[("m/00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n")]);
    let mut command = migrate_command(&["up", "--dir", "m", "--database-url", "embedded:"]);
    let up: crate::stage::Ended = command.current_dir(home.path()).output().expect("migrate starts").into();
    assert_eq!(up.code, 0, "{}", up.stderr);
    assert_eq!(crate::stage::names(home.path()), ["m"]);
}
