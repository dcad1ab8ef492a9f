//! Whether a session has the settings that it was to begin with. A server that does not take one refuses the login; a
//! pooler may take them all and drop them, and the version table would be looked for in another schema.

use super::cause;
use super::fault::Reason;
use super::line::{self, Line};
use crate::connection::given_settings;
use crate::flight::literal;

/// Asks for the settings that options give; nothing is sent when they give none.
pub(super) async fn verify(line: &Line, options: Option<&str>) -> Result<(), Reason> {
    let asked = given_settings(options.unwrap_or_default());
    if asked.is_empty() {
        return Ok(());
    }
    let rows = line::rows(&line.client, &question(&asked)).await.map_err(cause::of_login)?;
    let lost: Vec<String> = rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    if lost.is_empty() { Ok(()) } else { Err(Reason::Dropped(lost)) }
}

/// The settings that are not in force. A value may be written in more than one way: where it came from tells as well.
fn question(asked: &[(String, String)]) -> String {
    let rows: Vec<String> =
        asked.iter().map(|(name, value)| format!("({}, {})", literal(name), literal(value))).collect();
    format!(
        "SELECT a.name FROM (VALUES {}) AS a(name, value) \
         WHERE pg_catalog.current_setting(a.name, true) IS DISTINCT FROM a.value \
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_settings AS s \
         WHERE pg_catalog.lower(s.name) = pg_catalog.lower(a.name) AND s.source IN ('client', 'session'))",
        rows.join(", ")
    )
}
