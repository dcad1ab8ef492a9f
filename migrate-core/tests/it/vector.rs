//! One recorded parse of goose: the input, the environment, and what came out of either direction.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use migrate_core::diagnostic::Code;
use migrate_core::migration::{Direction, Mode, Statement};
use migrate_core::parse::Environment;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::shared;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

/// An input and both outcomes.
#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) file: Option<String>,
    /// Pieces to repeat and join, for inputs too big to store.
    input_gen: Option<Vec<(String, usize)>>,
    input_len: usize,
    input_sha256: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    env_gen: BTreeMap<String, (String, usize)>,
    up: Outcome,
    down: Outcome,
    pub(crate) both_ok: bool,
}

/// What goose made of one direction.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    #[serde(default)]
    use_tx: bool,
    #[serde(default)]
    count: usize,
    statements: Option<Vec<String>>,
    statements_b64: Option<Vec<String>>,
    statements_digest: Option<Vec<Long>>,
    #[serde(default)]
    error_class: String,
}

/// A statement too long to store.
#[derive(Deserialize)]
struct Long {
    len: usize,
    sha256: String,
}

/// The vectors of a folder of inputs; ids and files are relative to `root`.
pub(crate) fn read(expectations: &Path) -> Vec<Vector> {
    let file: File = serde_json::from_str(&shared::text(expectations)).unwrap();
    assert!(!file.vectors.is_empty());
    file.vectors
}

impl Vector {
    /// The input as recorded, checked against its digest: a checkout that changes line ends must not pass for a bug.
    pub(crate) fn input(&self, root: &Path) -> Vec<u8> {
        let bytes = match (&self.file, &self.input_gen) {
            (Some(file), None) => shared::bytes(&root.join(file)),
            (None, Some(pieces)) => pieces.iter().flat_map(|(text, times)| text.repeat(*times).into_bytes()).collect(),
            _ => panic!("{}: neither one file nor one recipe", self.id),
        };
        assert_eq!((bytes.len(), hex(&bytes)), (self.input_len, self.input_sha256.clone()), "{}: the input", self.id);
        bytes
    }

    /// The variables that were set, and no others.
    pub(crate) fn environment(&self) -> Environment {
        let long = self.env_gen.iter().map(|(name, (text, times))| (name.clone(), text.repeat(*times)));
        self.env.clone().into_iter().chain(long).collect()
    }

    pub(crate) fn outcome(&self, direction: Direction) -> &Outcome {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

impl Outcome {
    /// How our refusal differs: our code, when goose does not refuse for the same reason.
    pub(crate) fn differs_from_refusal(&self, code: Code) -> Option<String> {
        let entry = code.entry();
        let same = !self.ok && self.error_class == entry.class;
        (!same).then(|| entry.id.to_owned())
    }

    /// How our statements differ.
    pub(crate) fn differs_from(&self, mode: Mode, ours: &[Statement], text: &str) -> Option<String> {
        if !self.ok {
            return Some(format!("goose refuses with {:?}, ours accepts", self.error_class));
        }
        if self.use_tx != (mode == Mode::Transaction) {
            return Some(format!("use_tx is {}, ours is {mode:?}", self.use_tx));
        }
        assert_eq!(self.statements().count(), self.count, "the recording holds what it counts");
        let ours: Vec<&str> = ours.iter().map(|statement| statement.sql(text)).collect();
        if ours.len() != self.count {
            return Some(format!("{} statements, ours are {}: {ours:?}", self.count, ours.len()));
        }
        let mut pairs = self.statements().zip(&ours);
        pairs.find(|(goose, ours)| !goose.is(ours)).map(|(_, ours)| format!("another statement, ours is {ours:?}"))
    }

    fn statements(&self) -> Box<dyn Iterator<Item = Recorded<'_>> + '_> {
        match (&self.statements, &self.statements_b64, &self.statements_digest) {
            (Some(texts), None, None) => Box::new(texts.iter().map(|text| Recorded::Bytes(text.clone().into_bytes()))),
            (None, Some(encoded), None) => Box::new(
                encoded
                    .iter()
                    .map(|text| Recorded::Bytes(base64::engine::general_purpose::STANDARD.decode(text).unwrap())),
            ),
            (None, None, Some(long)) => Box::new(long.iter().map(Recorded::Long)),
            _ => panic!("one form of statements"),
        }
    }
}

/// A statement in one of the recording's forms.
enum Recorded<'a> {
    Bytes(Vec<u8>),
    Long(&'a Long),
}

impl Recorded<'_> {
    fn is(&self, sql: &str) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == sql.as_bytes(),
            Self::Long(long) => long.len == sql.len() && long.sha256 == hex(sql.as_bytes()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap()
}
