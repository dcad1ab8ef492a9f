//! A schema as the statements that make it on an empty database.

use super::order::{is_inline, order};
use super::{Kind, Object, Schema};

/// The whole schema as a script for `psql` or any other client, in an order in which every statement finds what it needs.
#[must_use]
pub fn script(schema: &Schema) -> String {
    // Functions may name tables that come behind them.
    let mut text = String::from("SET check_function_bodies = off;\n");
    let mut last: Option<&Object> = None;
    for at in order(schema) {
        let object = &schema.objects[at];
        if !last.is_some_and(|last| stand_together(last, object)) {
            text.push('\n');
        }
        text.push_str(&match object.kind {
            Kind::Table => format!("{};\n", whole_table(schema, object)),
            Kind::Other => format!("-- not written: {}\n", object.definition),
            _ => format!("{};\n", object.definition),
        });
        last = Some(object);
    }
    text
}

/// Whether no empty line parts two objects: short ones of one kind.
fn stand_together(one: &Object, other: &Object) -> bool {
    one.kind == other.kind
        && [one, other].iter().all(|object| !object.definition.contains('\n'))
        && !matches!(one.kind, Kind::Table | Kind::Function | Kind::View)
}

/// The definition of a table has empty parentheses where its columns and constraints stand.
fn whole_table(schema: &Schema, table: &Object) -> String {
    let is_own = |object: &&Object| is_inline(object) && object.parent.as_deref() == Some(&table.name);
    let lines: Vec<String> =
        schema.objects.iter().filter(is_own).map(|part| format!("\n    {}", part.definition)).collect();
    if lines.is_empty() {
        return table.definition.clone();
    }
    let place = format!("{} ()", table.name);
    table.definition.replacen(&place, &format!("{} ({}\n)", table.name, lines.join(",")), 1)
}
