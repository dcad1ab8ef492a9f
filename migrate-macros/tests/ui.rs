//! What a developer reads in the build when a folder of migrations is wrong.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p migrate-macros --test ui`, then read each `.stderr`.

use std::path::Path;
use std::process::Command;

/// Set in the program that runs the cases.
const INSIDE: &str = "MIGRATE_TEST_UI";

/// The compiler inherits the environment of the test program. One case needs a build script's variable in it, so the
/// program runs itself with that set.
#[test]
fn every_error_is_shown_with_its_line_and_the_way_out() {
    if std::env::var_os(INSIDE).is_some() {
        let cases = trybuild::TestCases::new();
        cases.pass("tests/ui/passes.rs");
        cases.compile_fail("tests/ui/refused_*.rs");
        return;
    }
    let variable = migrate_core::build::watch_variable(Path::new("tests/ui/refused_stale_watch")).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "every_error_is_shown_with_its_line_and_the_way_out"])
        .env(INSIDE, "1")
        .env(variable, "0".repeat(64))
        .status()
        .unwrap();
    assert!(status.success(), "a case differs from its .stderr, see above");
}
