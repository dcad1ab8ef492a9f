//! One migration as a text that a person reads in a diff.

use super::section::{self, exception};
use super::summary::Context;
use super::transcript::{self, sent};
use super::{Ending, Material, Proof};
use crate::diagnostic::printable;
use crate::migration::{Direction, Migration};

/// The picture of a migration: its summary, every statement, the change of the schema, the proof of its Down, and the
/// messages, those of the bookkeeping in one line each.
#[must_use]
pub fn picture(material: &Material<'_>, migration: &Migration) -> String {
    let context = Context::new(material, migration);
    let mut text = format!("{}\n{}\n", printable(&migration.file), context.summary(material).line());
    push_notes(&mut text, material, migration);
    for direction in [Direction::Up, Direction::Down] {
        text.push('\n');
        text.push_str(&section::text(material, &context, direction));
    }
    push_proof(&mut text, material.proof(migration.version));
    for direction in [Direction::Up, Direction::Down] {
        text.push_str(&format!("\nWIRE, {}\n", direction.word().to_uppercase()));
        match sent(material, migration, direction) {
            Ok(messages) => text.push_str(&transcript::text(&messages)),
            Err(why) => text.push_str(&format!("  not sent: {why}\n")),
        }
    }
    text
}

/// Findings and exceptions about the file as a whole.
fn push_notes(text: &mut String, material: &Material<'_>, migration: &Migration) {
    let whole = |finding: &&crate::lint::Finding| finding.version == migration.version && finding.statement.is_none();
    for finding in material.findings.iter().filter(whole) {
        let line = finding.position().line;
        let (severity, message) = (finding.severity.word(), printable(&finding.message));
        text.push_str(&format!("{severity} {} {}, line {line}: {message}\n", finding.rule, finding.name));
    }
    let allows = material.allows.iter().filter(|allow| allow.version == migration.version && allow.whole_file);
    allows.for_each(|allow| text.push_str(&format!("allowed {}\n", exception(allow))));
}

fn push_proof(text: &mut String, proof: Option<&Proof>) {
    text.push_str("\nSCHEMA\n");
    let Some(proof) = proof else {
        text.push_str("  not replayed here\n");
        return;
    };
    if proof.change.is_empty() {
        text.push_str("  unchanged\n");
    }
    proof.change.iter().for_each(|line| text.push_str(&format!("  {}\n", line.trim_end())));
    text.push_str(&format!("\nPROOF\n  {}\n", verdict(proof)));
    proof.difference.iter().for_each(|line| text.push_str(&format!("  {}\n", line.trim_end())));
    if let Some(error) = &proof.error {
        text.push_str(&format!("  {}\n", printable(error)));
    }
}

/// What a replay showed, in one sentence.
pub(super) fn verdict(proof: &Proof) -> String {
    match (proof.up, proof.down, proof.reapply) {
        (Ending::Ok, Ending::Ok, Ending::Ok) => {
            "up, down and up again: Down brings back the very schema before Up".into()
        }
        (Ending::Ok, Ending::Irreversible, _) => "up; the file says that nothing undoes it".into(),
        (Ending::Ok, Ending::Missing, _) => "up; there is no Down to try".into(),
        (Ending::Ok, Ending::Differs, _) => {
            "up and down: Down leaves another schema: + is left behind, - is lost, ~ is changed".into()
        }
        (Ending::Ok, Ending::Fails, _) => "up; Down fails".into(),
        (Ending::Ok, Ending::Ok, again) => format!("up and down: Up {} the second time", again.word()),
        (up, down, again) => format!("up {}, down {}, up again {}", up.word(), down.word(), again.word()),
    }
}
