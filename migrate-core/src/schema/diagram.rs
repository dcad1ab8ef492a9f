//! A schema as an entity-relationship diagram in Mermaid's words.
//!
//! Tables with their columns, and a line for each foreign key. Partitions are not shown beside their table.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Object, Schema};

/// The diagram, as the text of a `mermaid` block in Markdown.
#[must_use]
pub fn mermaid(schema: &Schema) -> String {
    let of = |kind: Kind| schema.objects.iter().filter(move |object| object.kind == kind);
    let partitions: BTreeSet<&str> = of(Kind::Partition).filter_map(|object| object.parent.as_deref()).collect();
    let mut text = String::from("erDiagram\n");
    let tables = of(Kind::Table).filter(|table| !partitions.contains(table.name.as_str()));
    for table in tables {
        text.push_str(&entity(schema, table));
    }
    for key in of(Kind::Constraint) {
        let (Some(from), Some(to)) = (key.parent.as_deref(), key.target.as_deref()) else { continue };
        if partitions.contains(from) || partitions.contains(to) {
            continue;
        }
        let is_optional = keyed(&key.definition, "FOREIGN KEY")
            .iter()
            .any(|name| column(schema, from, name).is_some_and(|column| !column.definition.contains(" NOT NULL")));
        let end = if is_optional { "|o" } else { "||" };
        text.push_str(&format!("    {} {end}--o{{ {} : {}\n", quoted(to), quoted(from), quoted(&key.name)));
    }
    text
}

fn entity(schema: &Schema, table: &Object) -> String {
    let mut marks: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let parts = schema.objects.iter().filter(|object| object.parent.as_deref() == Some(&table.name));
    for constraint in parts.clone().filter(|object| object.kind == Kind::Constraint) {
        for (words, mark) in [("PRIMARY KEY", "PK"), ("FOREIGN KEY", "FK"), ("UNIQUE", "UK")] {
            for name in keyed(&constraint.definition, words) {
                marks.entry(name).or_default().insert(mark);
            }
        }
    }
    let columns = parts.filter(|object| object.kind == Kind::Column).map(|column| {
        let kind = column.target.as_deref().unwrap_or_default();
        let marks = marks
            .get(&column.name)
            .map_or_else(String::new, |marks| format!(" {}", marks.iter().copied().collect::<Vec<_>>().join(", ")));
        format!("        {} {}{marks}\n", plain(kind), plain(&column.name))
    });
    let columns: String = columns.collect();
    format!("    {} {{\n{columns}    }}\n", quoted(&table.name))
}

fn column<'s>(schema: &'s Schema, table: &str, name: &str) -> Option<&'s Object> {
    let is_it = |object: &&Object| {
        object.kind == Kind::Column && object.parent.as_deref() == Some(table) && object.name == name
    };
    schema.objects.iter().find(is_it)
}

/// The columns in the parentheses behind the words of a constraint.
fn keyed(definition: &str, words: &str) -> Vec<String> {
    let Some((_, rest)) = definition.split_once(&format!(" {words} (")) else { return Vec::new() };
    let inside = rest.split_once(')').map_or(rest, |(inside, _)| inside);
    inside.split(", ").map(str::to_owned).collect()
}

/// The name of an entity: `public.` says nothing.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.strip_prefix("public.").unwrap_or(name).replace('"', ""))
}

/// What Mermaid takes for a type or a name: letters, digits, `_`, `-`, `[`, `]`, `(` and `)`.
fn plain(text: &str) -> String {
    let text = text.strip_prefix("public.").unwrap_or(text).replace(", ", "-");
    let fits = |c: char| c.is_alphanumeric() || "_-[]()".contains(c);
    text.chars().filter(|c| *c != '"').map(|c| if fits(c) { c } else { '_' }).collect()
}
