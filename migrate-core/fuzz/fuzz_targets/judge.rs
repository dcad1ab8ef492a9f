//! Any history of migrations: read, judged, folded and classified without a panic, and everything that is said of a file
//! has its place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::check;
use migrate_core::lint::{Settings, all_steps, review};
use migrate_core::migration::{Set, Version};
use migrate_core::parse::{Folder, Parsed, Source, parse};

/// What stands between two files of an input.
const NEXT: &str = "\n-- next\n";

/// A history to change: what an input does to it is more than what it does to an empty database.
const FIRST: &str = "-- +goose Up
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
CREATE TABLE parent (id bigint PRIMARY KEY, code int UNIQUE, feeling mood);
CREATE TABLE child (id int PRIMARY KEY, parent_id bigint REFERENCES parent (id), name varchar(9), note short);
CREATE INDEX child_name ON child (lower(name)) WHERE name IS NOT NULL;
CREATE VIEW shown AS SELECT id, name FROM child;
CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- +goose Down
DROP TABLE part, child, parent CASCADE;
";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let set = set(text);
    let _ = check::check(&set);
    let settings = Settings { judge_from: Some(Version(2)), today: Some("2026-01-01".into()), ..Settings::default() };
    let review = review(&set, &settings);
    for finding in &review.findings {
        let migration = set.find(finding.version).expect("a finding is about a migration");
        let span = finding.span;
        assert!(migration.text.get(span.start as usize..span.end as usize).is_some(), "{finding}: {span:?}");
        assert!(!finding.render(false).is_empty());
    }
    for (version, steps) in all_steps(&set, &settings) {
        assert!(set.find(version).is_some());
        for effect in steps.up.iter().chain(&steps.down) {
            assert!(effect.locks.windows(2).all(|pair| pair[0].relation < pair[1].relation), "{effect:?}");
        }
    }
});

fn set(text: &str) -> Set {
    let files = std::iter::once(FIRST.to_owned()).chain(text.split(NEXT).map(|file| {
        if file.contains("+goose") { file.to_owned() } else { format!("-- +goose Up\n{file}\n;\n") }
    }));
    let sources = files.enumerate().map(|(at, text)| Source { file: format!("{}_a.sql", at + 1), text: Ok(text) });
    let folder = Folder { path: "m".into(), shown: "m".into(), sources: sources.collect(), diagnostics: vec![] };
    let Parsed { set, .. } = parse(folder);
    set
}
