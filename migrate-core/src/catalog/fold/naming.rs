//! The names that PostgreSQL makes where none is given (`makeObjectName`, `ChooseRelationName`, `ChooseConstraintName`).

use crate::catalog::{Catalog, QualifiedName};
use crate::command::IndexColumn;

/// The longest identifier in bytes, NAMEDATALEN without its zero byte.
const LONGEST: usize = 63;

/// `name1_name2_label`, the two names shortened evenly until it fits.
pub(super) fn object_name(first: &str, second: Option<&str>, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(second.is_some());
    let available = LONGEST.saturating_sub(overhead);
    let (mut one, mut two) = (first.len(), second.map_or(0, str::len));
    while one + two > available {
        if one > two { one -= 1 } else { two -= 1 }
    }
    let mut name = clip(first, one).to_owned();
    if let Some(second) = second {
        name.push('_');
        name.push_str(clip(second, two));
    }
    name.push('_');
    name.push_str(label);
    name
}

/// At most `length` bytes of a text, whole characters only.
fn clip(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Column names joined for a constraint's or an index's name.
pub(super) fn joined<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for column in columns {
        if !text.is_empty() {
            text.push('_');
        }
        text.push_str(column);
        if text.len() > LONGEST {
            break;
        }
    }
    text
}

/// The names of an index's columns: expressions are called after their function, repeated ones are numbered.
pub(super) fn index_columns(columns: &[IndexColumn], include: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let plain = columns.iter().map(|column| match column {
        IndexColumn::Column(name) => name.clone(),
        IndexColumn::Expression(expression) => figure(&expression.text),
    });
    for name in plain.chain(include.iter().cloned()) {
        let numbered = (1..).map(|number| format!("{name}{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

/// What PostgreSQL calls an expression (`FigureColname`): its function, the column or type of a cast, or `expr`.
fn figure(text: &str) -> String {
    let mut text = text.trim();
    while let Some(inner) = parenthesised(text) {
        text = inner.trim();
    }
    let word_end = text.find(|c: char| !(c.is_alphanumeric() || "_.\"".contains(c))).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    let called = |word: &str| word.rsplit('.').next().unwrap_or(word).trim_matches('"').to_lowercase();
    let rest = rest.trim_start();
    if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
        return cast(text).unwrap_or_else(|| "expr".to_owned());
    }
    let call_end = if rest.starts_with('(') { closing(rest) } else { Some(0) };
    match call_end.map(|end| rest[end..].trim_start()) {
        Some("") if word.eq_ignore_ascii_case("case") => "case".to_owned(),
        Some("") => called(word),
        Some(after) if after.starts_with("::") && !after[2..].contains("->") => called(word),
        Some(after) if after.to_lowercase().starts_with("at time zone") => "timezone".to_owned(),
        _ => "expr".to_owned(),
    }
}

/// The type of a trailing cast of something nameless.
fn cast(text: &str) -> Option<String> {
    let (_, kind) = text.rsplit_once("::")?;
    let kind = kind.trim().to_lowercase();
    let plain = kind.chars().all(|c| c.is_alphanumeric() || c == '_');
    let internal = match kind.as_str() {
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "decimal" => "numeric",
        other => other,
    };
    plain.then(|| internal.to_owned())
}

/// What stands between parentheses that embrace the whole text.
fn parenthesised(text: &str) -> Option<&str> {
    let whole = text.starts_with('(') && closing(text) == Some(text.len());
    whole.then(|| &text[1..text.len() - 1])
}

/// Where the parenthesis that opens a text ends.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0_u32, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

impl Catalog {
    /// A free name for a relation: `t_a_idx`, `t_a_idx1` … .
    pub(super) fn choose_relation(&self, table: &QualifiedName, second: Option<&str>, label: &str) -> QualifiedName {
        let taken = |name: &QualifiedName| self.relations.contains_key(name);
        choose(table, second, label, taken)
    }

    /// A free name for an index that stands behind a constraint: no relation and no constraint of the schema has it.
    pub(super) fn choose_index_constraint(
        &self,
        table: &QualifiedName,
        second: Option<&str>,
        label: &str,
    ) -> QualifiedName {
        let taken = |name: &QualifiedName| self.relations.contains_key(name) || self.has_constraint(name);
        choose(table, second, label, taken)
    }

    /// A free name for a constraint without an index.
    pub(super) fn choose_constraint(&self, table: &QualifiedName, second: Option<&str>, label: &str) -> String {
        choose(table, second, label, |name| self.has_constraint(name)).name
    }

    /// Whether a constraint of any table or domain of the schema has this name.
    fn has_constraint(&self, name: &QualifiedName) -> bool {
        self.relations.mentioning(&name.name).any(|(relation, contents)| {
            relation.schema == name.schema && contents.constraints.iter().any(|constraint| constraint.name == name.name)
        })
    }
}

fn choose(
    table: &QualifiedName,
    second: Option<&str>,
    label: &str,
    taken: impl Fn(&QualifiedName) -> bool,
) -> QualifiedName {
    let second = second.filter(|second| !second.is_empty());
    let mut candidate = QualifiedName { schema: table.schema.clone(), name: object_name(&table.name, second, label) };
    let mut number = 1_u32;
    while taken(&candidate) {
        candidate.name = object_name(&table.name, second, &format!("{label}{number}"));
        number += 1;
    }
    candidate
}
