//! The machine form of `review` (docs/json.md).

use migrate_core::migration::Migration;
use migrate_core::review::{Proof, Reversal, summary};
use serde_json::{Value, json};

use super::Told;
use crate::command::lint::form as findings;

pub(super) fn json(told: &Told<'_>) -> Value {
    let migrations: Vec<Value> = told.new.iter().map(|migration| of_migration(told, migration)).collect();
    let verdict = findings::json(&told.review.verdict);
    json!({
        "base": told.review.base.as_ref().map(|base| &base.revision),
        "refused": told.review.refuses(),
        "migrations": migrations,
        "findings": verdict["findings"],
    })
}

fn of_migration(told: &Told<'_>, migration: &Migration) -> Value {
    let material = told.material();
    let summary = summary(&material, migration);
    let (reversal, reason) = match &summary.reversal {
        Reversal::Down => ("down", None),
        Reversal::Declared(reason) => ("irreversible", Some(reason)),
        Reversal::Missing => ("missing", None),
    };
    let proof = told.review.proofs.iter().find(|proof| proof.version == migration.version);
    json!({
        "version": migration.version.0,
        "name": migration.name(),
        "file": migration.file,
        "mode": summary.mode.word(),
        "summary": summary.line(),
        "does": summary.does,
        "lock": summary.lock.as_ref().map(|(mode, relation)| json!({ "relation": relation, "mode": mode.pg_locks() })),
        "rewrites": summary.rewrites,
        "scans": summary.scans,
        "destructive": summary.destructive,
        "overwrites": summary.overwrites,
        "tables": summary.tables,
        "reversal": reversal,
        "reason": reason,
        "proof": proof.map(of_proof),
    })
}

fn of_proof(proof: &Proof) -> Value {
    json!({
        "up": proof.up.word(), "down": proof.down.word(), "reapply": proof.reapply.word(), "holds": proof.holds(),
        "difference": proof.difference, "error": proof.error, "change": proof.change,
    })
}
