//! Both languages of variables beside the libraries that goose reads them with, on lines that nobody wrote.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use migrate_core::diagnostic::Code;
use migrate_core::migration::{Dialect, Direction};
use migrate_core::parse::{Environment, Substitution, split};

use crate::shared;

/// How many lines are compared, and what they are made of.
const LINES: usize = 100_000;
const PIECES: [&str; 26] = [
    "$", "${", "}", "{", "A", "U", "E", "W", "_", "\u{c9}", "1", "2", "9", ":", ":-", "-", "?", ":?", "+", ":+", "#",
    " ", "\\", "x", "\u{65e5}", "(",
];

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

fn lines() -> Vec<String> {
    let mut numbers = Numbers(20_261_129);
    (0..LINES).map(|_| (0..=numbers.below(12)).map(|_| PIECES[numbers.below(PIECES.len())]).collect()).collect()
}

/// What a version of the library makes of the lines.
fn of_the_library(version: &str, lines: &[String]) -> Vec<String> {
    let room = tempfile::tempdir().unwrap();
    let sources = shared::own("interpolate");
    std::fs::copy(sources.join("main.go"), room.path().join("main.go")).unwrap();
    std::fs::copy(sources.join(format!("{version}.go.txt")), room.path().join("expand.go")).unwrap();
    let module = format!("module lines\n\ngo 1.21\n\nrequire github.com/mfridman/interpolate {version}\n");
    std::fs::write(room.path().join("go.mod"), module).unwrap();
    let go = |arguments: &[&str]| {
        let status = Command::new("go").args(arguments).current_dir(room.path()).status().unwrap();
        assert!(status.success(), "go {arguments:?}");
    };
    go(&["mod", "tidy"]);
    go(&["build", "-o", "lines", "."]);
    run(&room.path().join("lines"), lines)
}

fn run(program: &Path, lines: &[String]) -> Vec<String> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What we make of a line.
fn ours(line: &str, environment: &Environment, dialect: Option<Dialect>) -> Result<String, Code> {
    let text = format!("-- +goose ENVSUB ON\n-- +goose Up\nSELECT {line}\n;\n");
    let section =
        split(&text, Direction::Up, Substitution::Fill(environment, dialect)).map_err(|problem| problem.code)?;
    let sql = section.statements[0].sql(&text);
    Ok(sql.strip_prefix("SELECT ").unwrap().strip_suffix("\n;").unwrap().to_owned())
}

#[test]
fn a_hundred_thousand_lines_are_read_as_the_libraries_read_them() {
    let go = Command::new("go").arg("version").stdout(Stdio::null()).status();
    if std::env::var_os("MIGRATE_LONG").is_none() || !go.is_ok_and(|status| status.success()) {
        writeln!(std::io::stdout(), "skipped: lines that nobody wrote: `--long` or Go is absent").unwrap();
        return;
    }
    let lines = lines();
    let environment: Environment =
        [("A", "alpha"), ("E", ""), ("\u{c9}", "accent"), ("W", "h\u{e9}llo"), ("_", "under")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
    let [old, new] = ["v0.0.2", "v0.2.0"].map(|version| of_the_library(version, &lines));
    let mut accepted = 0;
    for (index, line) in lines.iter().enumerate() {
        let decode =
            |told: &String| (told != "!").then(|| base64::engine::general_purpose::STANDARD.decode(told).unwrap());
        let (old, new) = (decode(&old[index]), decode(&new[index]));
        for (dialect, told) in [(Dialect::Goose327, &old), (Dialect::Goose330, &new)] {
            match (ours(line, &environment, Some(dialect)), told) {
                (Ok(text), Some(told)) => assert_eq!(text.as_bytes(), told.as_slice(), "{line:?} {dialect:?}"),
                (Err(Code::VariableCut), Some(told)) => assert!(std::str::from_utf8(told).is_err(), "{line:?}"),
                (ours, told) => assert_eq!((ours.ok(), told), (None, &None), "{line:?} {dialect:?}"),
            }
        }
        if let Ok(text) = ours(line, &environment, None) {
            assert_eq!(Some(text.as_bytes()), new.as_deref(), "{line:?}");
            assert!(old.is_none() || old == new, "{line:?} is run although they differ");
            accepted += 1;
        }
    }
    assert!(accepted > LINES / 10, "{accepted}");
}
