//! What two schemas differ in, a line each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Object, Schema};

/// How many characters of a definition a line shows.
const ROOM: usize = 100;

type Key<'s> = (Kind, Option<&'s str>, &'s str);
type Objects<'s> = BTreeMap<Key<'s>, &'s Object>;

pub(super) fn difference(one: &Schema, other: &Schema) -> Vec<String> {
    let (before, after) = (by_key(one), by_key(other));
    let (lost, gained) = (wholes(&before, &after), wholes(&after, &before));
    let keys: BTreeSet<&Key<'_>> = before.keys().chain(after.keys()).collect();
    let mut lines = Vec::new();
    for key in keys {
        match (before.get(key), after.get(key)) {
            (Some(was), None) if !is_part_of(was, &lost) => lines.push(format!("- {}", named(was))),
            (None, Some(is)) if !is_part_of(is, &gained) => lines.push(format!("+ {}{}", named(is), more(is, &after))),
            (Some(was), Some(is)) if was.definition != is.definition => {
                lines.push(format!("~ {}: {}", named(was), changed(&was.definition, &is.definition)));
            }
            _ => {}
        }
    }
    lines.extend(reordered(one, other));
    lines
}

fn by_key(schema: &Schema) -> Objects<'_> {
    schema
        .objects
        .iter()
        .map(|object| ((object.kind, object.parent.as_deref(), object.name.as_str()), object))
        .collect()
}

/// The names of what only the first has and what has parts.
fn wholes<'s>(here: &Objects<'s>, there: &Objects<'s>) -> BTreeSet<&'s str> {
    let only = here.keys().filter(|key| key.1.is_none() && !there.contains_key(*key));
    only.map(|(_, _, name)| *name).collect()
}

fn is_part_of(object: &Object, wholes: &BTreeSet<&str>) -> bool {
    object.parent.as_deref().is_some_and(|parent| wholes.contains(parent))
}

fn named(object: &Object) -> String {
    let Object { kind, name, parent, .. } = object;
    match (kind, parent) {
        (Kind::Column, Some(parent)) => format!("column {parent}.{name}"),
        (Kind::Comment, _) => format!("comment on {}", in_lower_case(name)),
        (Kind::Other, _) => name.clone(),
        (Kind::Setting, Some(parent)) => format!("{name} of {parent}"),
        (Kind::Partition, Some(parent)) => format!("partition {parent}"),
        (Kind::Privilege, Some(parent)) => format!("privilege {name} on {parent}"),
        (_, Some(parent)) => format!("{} {name} on {parent}", kind.word()),
        (_, None) => format!("{} {name}", kind.word()),
    }
}

/// The keyword in front of a name as the rest of the line has it.
fn in_lower_case(phrase: &str) -> String {
    let (word, rest) = phrase.split_once(' ').unwrap_or((phrase, ""));
    format!("{} {rest}", word.to_lowercase())
}

/// What a line says of an object that is new, beside its name.
fn more(object: &Object, all: &Objects<'_>) -> String {
    match object.kind {
        Kind::Table => {
            let is_own = |key: &&Key<'_>| key.0 == Kind::Column && key.1 == Some(object.name.as_str());
            let columns = all.keys().filter(is_own).count();
            format!(" ({columns} column{})", if columns == 1 { "" } else { "s" })
        }
        Kind::Column => {
            let rest = object.definition.strip_prefix(&object.name).unwrap_or(&object.definition);
            format!(": {}", cut(rest))
        }
        Kind::Setting | Kind::Privilege | Kind::DefaultPrivilege | Kind::Partition => {
            format!(": {}", cut(&object.definition))
        }
        Kind::Constraint => {
            let rest = object.definition.split_once(&format!("CONSTRAINT {} ", object.name));
            format!(": {}", cut(rest.map_or(object.definition.as_str(), |(_, rest)| rest)))
        }
        _ => String::new(),
    }
}

/// What two definitions differ in: the first line that is another, without what both have in front and behind.
fn changed(was: &str, is: &str) -> String {
    let lines = was.lines().map(Some).chain(std::iter::repeat(None));
    let others = is.lines().map(Some).chain(std::iter::repeat(None));
    let length = was.lines().count().max(is.lines().count());
    let differing = lines.zip(others).take(length).find(|(one, other)| one != other);
    let (one, other) = differing.unwrap_or((Some(was), Some(is)));
    let shown =
        |line: Option<&str>| line.map_or_else(|| "nothing".to_owned(), |line| format!("`{}`", cut(line.trim())));
    format!("{} → {}", shown(one), shown(other))
}

fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= ROOM {
        return text;
    }
    let head: String = text.chars().take(ROOM - 1).collect();
    format!("{head}…")
}

/// Tables that have the same columns in another order.
fn reordered(one: &Schema, other: &Schema) -> Vec<String> {
    let (before, after) = (columns(one), columns(other));
    let mut lines = Vec::new();
    for (table, was) in before {
        let Some(is) = after.get(table) else { continue };
        let kept: Vec<&str> = was.iter().filter(|name| is.contains(name)).copied().collect();
        let now: Vec<&str> = is.iter().filter(|name| was.contains(name)).copied().collect();
        if kept != now {
            lines.push(format!(
                "~ order of the columns of {table}: {} → {}",
                cut(&kept.join(", ")),
                cut(&now.join(", "))
            ));
        }
    }
    lines
}

/// The columns of every table, in their order.
fn columns(schema: &Schema) -> BTreeMap<&str, Vec<&str>> {
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in schema.objects.iter().filter(|object| object.kind == Kind::Column) {
        tables.entry(object.parent.as_deref().unwrap_or_default()).or_default().push(&object.name);
    }
    tables
}
