//! The documented exit codes are those of the program.

use std::path::Path;

use migrate_core::report::EXITS;

#[test]
fn the_table_in_the_docs_is_the_program_s() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exit-codes.md");
    let text = crate::shared::text(&path);
    let rows: Vec<&str> = text.lines().filter(|line| documents_a_code(line)).collect();
    let expected: Vec<String> = EXITS
        .iter()
        .map(|row| format!("| {} | `{}` | {} | {} |", row.code, row.name, row.meaning, row.database))
        .collect();
    assert_eq!(rows, expected);
}

/// A row of the table of codes: number, then the name in backticks. The table of policies has no name.
fn documents_a_code(line: &str) -> bool {
    let mut cells = line.split(" | ");
    let number = cells.next().and_then(|cell| cell.strip_prefix("| ")).unwrap_or_default();
    number.parse::<u8>().is_ok() && cells.next().is_some_and(|cell| cell.starts_with('`'))
}
