//! `exit-codes`: every way in which this program can end, for people and for whoever writes a `podFailurePolicy`.

use migrate_core::report::{EXITS, Exit};
use serde_json::json;

use super::Ended;
use crate::arguments::Form;
use crate::console::Console;

#[expect(clippy::unnecessary_wraps, reason = "it is called as every command is")]
pub(super) fn run(console: &mut Console) -> Ended {
    if console.output == Form::Json {
        let rows = EXITS.iter().map(|row| {
            json!({
                "code": row.code, "name": row.name, "meaning": row.meaning, "database": row.database, "job": row.job(),
            })
        });
        console.json(&rows.collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    let mut text = format!("{:>4}  {:<24}  {:<8}  meaning; the database\n", "code", "name", "job");
    for row in EXITS {
        text.push_str(&format!(
            "{:>4}  {:<24}  {:<8}  {}; {}\n",
            row.code,
            row.name,
            row.job(),
            row.meaning,
            row.database
        ));
    }
    console.data(&text);
    Ok(Exit::Ok)
}
