//! Whether a change of the version table took effect: asked in the transaction that made it, before its COMMIT.
//!
//! A trigger or a policy can swallow, change or bring back a row without an error; the statement then succeeds and the
//! table says something else than what was done. Invariant: what is not there exactly as asked for raises
//! [`NOT_RECORDED`], and rolls the file back with it.

use super::table::{Tables, literal};
use crate::migration::Version;

/// The code of a record, a seed or a removal that did not take effect.
pub const NOT_RECORDED: &str = "MG005";

/// Where the id of the row is kept from the statement that wrote it to its proof.
const ROW: &str = "migrate.row";

/// Keeps the id of a new row; a column of a statement whose rows have a `row_id`.
pub(super) fn note_row() -> String {
    format!("pg_catalog.set_config('{ROW}', row_id::text, true)")
}

/// Keeps how many rows of a query there are.
pub(super) fn note_removed(query: &str) -> String {
    format!("pg_catalog.set_config('{ROW}', (SELECT pg_catalog.count(*) FROM {query})::text, true)")
}

/// That the row of a version is there, applied, with its row of the ledger.
pub(super) fn of_record(version: Version, tables: &Tables) -> String {
    let there = recorded(&version.to_string(), tables);
    block(&tables.version, &there, &format!("the row of version {version} is not there as it was written"))
}

/// Whether the rows of a version, which is an SQL expression, are there.
pub(super) fn recorded(version: &str, tables: &Tables) -> String {
    format!(
        "EXISTS (SELECT FROM {} v JOIN {} l ON l.row_id = v.id AND l.version_id = v.version_id\n    \
         WHERE v.id = nullif(pg_catalog.current_setting('{ROW}', true), '')::bigint AND v.version_id = {version} \
         AND v.is_applied)",
        tables.version,
        tables.ledger()
    )
}

/// That the row of a version is there, applied.
pub(super) fn of_plain_record(version: Version, tables: &Tables) -> String {
    let there = format!(
        "EXISTS (SELECT FROM {} WHERE id = nullif(pg_catalog.current_setting('{ROW}', true), '')::bigint\n    \
         AND version_id = {version} AND is_applied)",
        tables.version
    );
    block(&tables.version, &there, &format!("the row of version {version} is not there as it was written"))
}

/// That the ledger's row of a version has the digest of the file as it is.
pub(super) fn of_acceptance(version: Version, text: &str, tables: &Tables) -> String {
    let there = format!(
        "EXISTS (SELECT FROM {} l JOIN {} v ON l.row_id = v.id AND l.version_id = v.version_id AND l.tstamp = v.tstamp\n    \
         WHERE v.version_id = {version} AND l.text_sha256 = '{text}')",
        tables.ledger(),
        tables.version
    );
    block(
        &tables.version,
        &there,
        &format!("the row of version {version} in the ledger is not there as it was written"),
    )
}

/// That at least one row was removed, and none of the version is left.
pub(super) fn of_removal(version: Version, tables: &Tables) -> String {
    let gone = format!(
        "coalesce(nullif(pg_catalog.current_setting('{ROW}', true), '')::bigint, 0) > 0\n    \
         AND NOT EXISTS (SELECT FROM {} WHERE version_id = {version})",
        tables.version
    );
    block(&tables.version, &gone, &format!("the row of version {version} is still there"))
}

/// That the row of version 0 is there.
pub(super) fn of_seed(tables: &Tables) -> String {
    let there = format!("EXISTS (SELECT FROM {} WHERE version_id = 0 AND is_applied)", tables.version);
    block(&tables.version, &there, "the row of version 0 is not there as it was written")
}

/// Triggers that wait for COMMIT would change the table behind the proof, so they run before it.
fn block(table: &str, condition: &str, otherwise: &str) -> String {
    format!(
        "DO $migrate$ BEGIN\n  IF {} THEN SET CONSTRAINTS ALL IMMEDIATE; END IF;\n  \
         IF NOT ({condition})\n  THEN RAISE EXCEPTION 'migrate: {otherwise}' USING ERRCODE = '{NOT_RECORDED}'; \
         END IF;\nEND $migrate$",
        has_late_triggers(table),
    )
}

/// Whether a table has triggers that can wait for COMMIT.
pub(super) fn has_late_triggers(table: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = {}::pg_catalog.regclass AND tgdeferrable)",
        literal(table)
    )
}
