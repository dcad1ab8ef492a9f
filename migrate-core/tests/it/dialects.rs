//! The two languages of variables beside the real parsers of goose 3.27.3 and 3.30.1, and what is made of both.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use migrate_core::diagnostic::Code;
use migrate_core::migration::{Dialect, Direction};
use migrate_core::parse::{Environment, Substitution, split};
use serde::Deserialize;

use crate::shared;
use crate::vector::{self, Outcome};

#[derive(Deserialize)]
struct Recording {
    env: BTreeMap<String, String>,
    vectors: Vec<Entry>,
    recorded_delta: Vec<Delta>,
}

/// An input, and what came out of it.
#[derive(Deserialize)]
struct Entry {
    id: String,
    input: Option<String>,
    input_b64: Option<String>,
    input_gen: Option<Vec<(String, usize)>>,
    env_gen: Option<BTreeMap<String, (String, usize)>>,
    #[serde(rename = "v3.27.3")]
    old: Both,
    #[serde(rename = "v3.30.1")]
    new: Both,
}

#[derive(Deserialize)]
struct Both {
    up: Outcome,
    down: Outcome,
}

impl Both {
    fn of(&self, direction: Direction) -> &Outcome {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// What the newer goose makes of an input that the older one was recorded on.
#[derive(Deserialize)]
struct Delta {
    id: String,
    #[serde(rename = "v3.30.1")]
    new: BTreeMap<String, Outcome>,
}

const DIRECTIONS: [Direction; 2] = [Direction::Up, Direction::Down];

fn recording(test: &str) -> Option<Recording> {
    let folder = shared::folder(test, "goose/vectors")?;
    let recording: Recording = serde_json::from_str(&shared::text(&folder.join("envsub-3.30.json"))).unwrap();
    assert!(recording.vectors.len() >= 74 && recording.recorded_delta.len() >= 32);
    Some(recording)
}

impl Entry {
    /// Its text, where it is one.
    fn text(&self) -> Option<String> {
        let joined = |pieces: &Vec<(String, usize)>| pieces.iter().map(|(text, times)| text.repeat(*times)).collect();
        let bytes = |text: &String| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let encoded = || self.input_b64.as_ref().and_then(|text| String::from_utf8(bytes(text)).ok());
        self.input.clone().or_else(|| self.input_gen.as_ref().map(joined)).or_else(encoded)
    }

    fn environment(&self, usual: &BTreeMap<String, String>) -> Environment {
        match &self.env_gen {
            Some(made) => made.iter().map(|(name, (text, times))| (name.clone(), text.repeat(*times))).collect(),
            None => usual.clone().into_iter().collect(),
        }
    }
}

/// Our code or what differs; nothing where ours is goose's.
fn difference(text: &str, direction: Direction, substitution: Substitution<'_>, goose: &Outcome) -> Option<String> {
    match split(text, direction, substitution) {
        Ok(section) => goose.differs_from(section.mode, &section.statements, text),
        Err(problem) => goose.differs_from_refusal(problem.code),
    }
}

#[test]
fn each_language_is_that_of_its_goose() {
    let Some(recording) = recording("each_language_is_that_of_its_goose") else { return };
    let (mut compared, mut not_text, mut different) = (0, BTreeSet::new(), BTreeSet::new());
    for entry in &recording.vectors {
        let Some(text) = entry.text() else {
            not_text.insert(entry.id.as_str());
            continue;
        };
        let environment = entry.environment(&recording.env);
        for (direction, dialect) in DIRECTIONS.into_iter().flat_map(|to| Dialect::ALL.map(|dialect| (to, dialect))) {
            let goose = if dialect == Dialect::Goose327 { &entry.old } else { &entry.new };
            let substitution = Substitution::Fill(&environment, Some(dialect));
            if let Some(difference) = difference(&text, direction, substitution, goose.of(direction)) {
                different.insert((entry.id.as_str(), dialect.word(), difference));
            }
            compared += 1;
        }
    }
    assert!(compared >= 288, "{compared}");
    assert_eq!(not_text, BTreeSet::from(["envsub330/invalid_utf8", "envsub330/invalid_utf8_no_variable"]));
    // Half a character is not UTF-8, which a migration is.
    let cut = ("envsub330/substring_utf8_cut", "goose-3.27", "P21".to_owned());
    assert_eq!(different, BTreeSet::from([cut]));
}

#[test]
fn without_a_name_what_both_make_alike_is_run_and_nothing_else_is_guessed() {
    let Some(recording) = recording("without_a_name_what_both_make_alike_is_run") else { return };
    for entry in &recording.vectors {
        let Some(text) = entry.text() else { continue };
        let environment = entry.environment(&recording.env);
        for direction in DIRECTIONS {
            let (old, new) = (entry.old.of(direction), entry.new.of(direction));
            let ours = split(&text, direction, Substitution::Fill(&environment, None));
            let alike = match split(&text, direction, Substitution::Fill(&environment, Some(Dialect::Goose330))) {
                Ok(newer) => old.differs_from(newer.mode, &newer.statements, &text).is_none(),
                Err(_) => false,
            };
            match (ours, old.ok, new.ok) {
                (Ok(ours), ..) => {
                    assert_eq!(new.differs_from(ours.mode, &ours.statements, &text), None, "{}", entry.id);
                    assert!(alike || !old.ok, "{}: run, although goose 3.27.3 makes other SQL of it", entry.id);
                }
                (Err(problem), true, true) => {
                    assert_eq!((problem.code, alike), (Code::VariableDialects, false), "{}", entry.id);
                }
                (Err(problem), false, true) => panic!("{}: {problem:?}, and goose 3.30.1 takes it", entry.id),
                (Err(problem), _, false) => assert_eq!(new.differs_from_refusal(problem.code), None, "{}", entry.id),
            }
        }
    }
}

#[test]
fn of_what_was_recorded_on_the_older_goose_the_newer_language_changes_what_goose_changed() {
    let scene = "of_what_was_recorded_on_the_older_goose_the_newer_language_changes_what_goose_changed";
    let Some(recording) = recording(scene) else { return };
    let changed: BTreeMap<&str, &Delta> =
        recording.recorded_delta.iter().map(|delta| (delta.id.as_str(), delta)).collect();
    let root = shared::own("vectors");
    let mut different = BTreeSet::new();
    for vector in vector::read(&root.join("tricky/expectations.json")) {
        let Ok(text) = String::from_utf8(vector.input(&root)) else { continue };
        let environment = vector.environment();
        for direction in DIRECTIONS {
            let delta = changed.get(vector.id.as_str()).and_then(|delta| delta.new.get(direction.word()));
            let substitution = Substitution::Fill(&environment, Some(Dialect::Goose330));
            let goose = delta.unwrap_or(vector.outcome(direction));
            if let Some(difference) = difference(&text, direction, substitution, goose) {
                different.insert(format!("{} {}: {difference}", vector.id, direction.word()));
            }
        }
    }
    assert_eq!(different, BTreeSet::new());
}
