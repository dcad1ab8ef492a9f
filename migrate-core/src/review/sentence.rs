//! What a migration does, in one sentence for a person: from its commands, in their order.
//!
//! Invariant: every command is in it but those that change neither schema nor rows (settings, transactions), and comments
//! beside anything else; a long list is cut with the number of what was left out.

use super::plural;
use crate::catalog::Catalog;
use crate::command::{
    Action, AlterTable, ColumnChange, Command, Constraint, ConstraintKind, CreateIndex, CreateTable, Kind, Name,
    Persistence, Query, Rename, TableChange, TypeChange, Write,
};
use crate::effect::{Majors, effect};

/// How many objects of one verb are named.
const NAMED: usize = 6;

/// Verb and object: `adds column`, `documents.size_bytes`.
type Phrase = (String, String);

/// The sentence, without a full stop.
pub(super) fn sentence(commands: &[Vec<Command>], before: &Catalog, majors: Majors) -> String {
    let all = || commands.iter().flatten();
    let mut phrases: Vec<Phrase> = all().flat_map(|command| phrases(command, before, majors)).collect();
    if phrases.is_empty() {
        let comments = all().filter(|command| matches!(command.action, Action::Comment(_))).count();
        let words =
            if comments > 0 { format!("writes {}", plural(comments, "comment")) } else { "does nothing".into() };
        phrases.push((words, String::new()));
    }
    join(phrases)
}

/// Phrases with one verb become a list.
fn join(phrases: Vec<Phrase>) -> String {
    let mut lists: Vec<(String, Vec<String>)> = Vec::new();
    for (verb, object) in phrases {
        match lists.last_mut() {
            Some((last, objects)) if *last == verb => {
                if !objects.contains(&object) {
                    objects.push(object);
                }
            }
            _ => lists.push((verb, vec![object])),
        }
    }
    let told = lists.into_iter().map(|(verb, objects)| {
        let shown = objects.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = objects.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{verb} {shown}{more}").trim_end().to_owned()
    });
    told.collect::<Vec<_>>().join("; ")
}

fn phrases(command: &Command, before: &Catalog, majors: Majors) -> Vec<Phrase> {
    let one = |verb: &str, object: String| vec![(verb.to_owned(), object)];
    let of = |name: &Name| shown(name, before);
    match &command.action {
        Action::Comment(_) | Action::Setting(_) | Action::Transaction(_) => Vec::new(),
        Action::CreateTable(create) => vec![created(create, before)],
        Action::AlterTable(alter) => alter.changes.iter().map(|(_, change)| changed(alter, change, before)).collect(),
        Action::CreateIndex(create) => vec![indexed(create, before)],
        Action::Rename(rename) => vec![renamed(rename, before)],
        Action::CreateTrigger(create) => one("creates trigger", format!("{} on {}", create.name, of(&create.table))),
        Action::CreatePolicy { name, table, .. } => one("creates policy", format!("{name} on {}", of(table))),
        Action::CreateFunction(create) if create.or_replace => one("creates or replaces function", of(&create.name)),
        Action::Drop(drop) => match &drop.on {
            Some(on) => {
                let names: Vec<&str> = drop.names.iter().map(|name| name.name.as_str()).collect();
                one(&default_verb(command, before, majors), format!("{} on {}", names.join(", "), of(on)))
            }
            None => default(command, before, majors),
        },
        Action::Write(write) => vec![written(write, before)],
        Action::Select(query) => asked(query, before),
        Action::AlterType { name, changes } => changes.iter().map(|change| of_type(name, change)).collect(),
        Action::Do { .. } => one("runs a DO block", String::new()),
        Action::Truncate { tables, .. } => tables.iter().map(|table| ("empties table".to_owned(), of(table))).collect(),
        Action::Opaque => one("runs a statement that is not understood", String::new()),
        _ => default(command, before, majors),
    }
}

/// A relation's name as people write it: without `public`.
fn shown(name: &Name, before: &Catalog) -> String {
    before.relation(name).known().map_or_else(|| name.to_string(), |(known, _)| known.to_string())
}

/// `CREATE TYPE mood` is "creates type mood".
fn default(command: &Command, before: &Catalog, majors: Majors) -> Vec<Phrase> {
    let effect = effect(command, before, majors);
    let objects: Vec<&str> =
        effect.objects.iter().map(|(_, name)| name.strip_prefix("public.").unwrap_or(name)).collect();
    vec![(default_verb(command, before, majors), objects.join(", "))]
}

fn default_verb(command: &Command, before: &Catalog, majors: Majors) -> String {
    let verb = effect(command, before, majors).verb.to_lowercase();
    let (first, rest) = verb.split_once(' ').map_or((verb.as_str(), ""), |(first, rest)| (first, rest));
    let ending = if first.ends_with('x') || first.ends_with('h') { "es" } else { "s" };
    let first = if first == "copy" { "copie".to_owned() } else { first.to_owned() };
    format!("{first}{ending} {rest}").trim_end().to_owned()
}

fn created(create: &CreateTable, before: &Catalog) -> Phrase {
    let name = shown(&create.name, before);
    match (&create.partition_of, create.persistence) {
        (Some(partition), _) => ("creates partition".into(), format!("{name} of {}", shown(&partition.parent, before))),
        (None, Persistence::Temporary) => ("creates temporary table".into(), name),
        (None, Persistence::Unlogged) => ("creates unlogged table".into(), name),
        (None, Persistence::Permanent) => ("creates table".into(), name),
    }
}

fn indexed(create: &CreateIndex, before: &Catalog) -> Phrase {
    let unique = if create.unique { "unique " } else { "" };
    let how = if create.concurrently { " concurrently" } else { "" };
    let name = create.name.as_ref().map_or("", |name| name.name.as_str());
    (format!("builds {unique}index{how}"), format!("{name} on {}", shown(&create.table, before)).trim().to_owned())
}

fn renamed(rename: &Rename, before: &Catalog) -> Phrase {
    let object = shown(&rename.object, before);
    let from = rename.from.as_ref().map_or_else(|| object.clone(), |from| format!("{object}.{from}"));
    let what = match rename.what {
        Kind::Column => "column",
        Kind::Constraint => "constraint",
        Kind::Table => "table",
        Kind::Index => "index",
        Kind::View | Kind::MaterializedView => "view",
        Kind::Type | Kind::Domain => "type",
        Kind::Value => "value",
        _ => "object",
    };
    (format!("renames {what}"), format!("{from} to {}", rename.to))
}

fn written(write: &Write, before: &Catalog) -> Phrase {
    let verb = match write.verb {
        "insert" => "inserts rows into",
        "update" if write.condition.is_none() => "updates every row of",
        "update" => "updates rows of",
        "delete" if write.condition.is_none() => "deletes every row of",
        "delete" => "deletes rows of",
        _ => "merges rows into",
    };
    (verb.to_owned(), shown(&write.table, before))
}

fn asked(query: &Query, before: &Catalog) -> Vec<Phrase> {
    if !query.writes.is_empty() {
        return query.writes.iter().map(|write| written(write, before)).collect();
    }
    if query.calls.is_empty() {
        return vec![(
            "reads".into(),
            query.reads.iter().map(|name| shown(name, before)).collect::<Vec<_>>().join(", "),
        )];
    }
    query.calls.iter().map(|call| ("calls".to_owned(), call.to_string())).collect()
}

fn changed(alter: &AlterTable, change: &TableChange, before: &Catalog) -> Phrase {
    let table = shown(&alter.name, before);
    let part = |verb: &str, part: &str| (verb.to_owned(), format!("{table}.{part}"));
    match change {
        TableChange::AddColumn { column, .. } => part("adds column", &column.name),
        TableChange::DropColumn { column, .. } => part("drops column", column),
        TableChange::AlterColumn { column, change } => of_column(&format!("{table}.{column}"), change),
        TableChange::AddConstraint(constraint) => added(constraint, &table),
        TableChange::DropConstraint { name, .. } => part("drops constraint", name),
        TableChange::ValidateConstraint(name) => part("validates constraint", name),
        TableChange::AttachPartition { partition, .. } => {
            ("attaches partition".into(), format!("{} to {table}", shown(partition, before)))
        }
        TableChange::DetachPartition { partition, .. } => {
            ("detaches partition".into(), format!("{} from {table}", shown(partition, before)))
        }
        TableChange::Trigger { name, enable: true } => part("enables trigger", name),
        TableChange::Trigger { name, .. } => part("disables trigger", name),
        TableChange::RowLevelSecurity { enable: Some(false) } => ("switches off row level security of".into(), table),
        TableChange::RowLevelSecurity { .. } => ("switches on row level security of".into(), table),
        TableChange::SetSchema(schema) => ("moves".into(), format!("{table} to schema {schema}")),
        TableChange::OwnerTo(role) => ("gives".into(), format!("{table} to {role}")),
        _ => ("alters".into(), table),
    }
}

fn of_type(name: &Name, change: &TypeChange) -> Phrase {
    match change {
        TypeChange::AddValue { value, .. } => ("adds value".into(), format!("{value} to type {name}")),
        TypeChange::AddAttribute(attribute, _) => ("adds attribute".into(), format!("{name}.{attribute}")),
        TypeChange::DropAttribute(attribute) => ("drops attribute".into(), format!("{name}.{attribute}")),
        TypeChange::AlterAttribute(attribute, to) => {
            ("changes the type of attribute".into(), format!("{name}.{attribute} to {to}"))
        }
        TypeChange::SetSchema(_) | TypeChange::OwnerTo(_) | TypeChange::Other => {
            ("alters type".into(), name.to_string())
        }
    }
}

fn of_column(column: &str, change: &ColumnChange) -> Phrase {
    let (verb, object) = match change {
        ColumnChange::Type { to, .. } => ("changes the type of", format!("{column} to {to}")),
        ColumnChange::SetNotNull => ("sets NOT NULL on", column.to_owned()),
        ColumnChange::DropNotNull => ("drops NOT NULL of", column.to_owned()),
        ColumnChange::SetDefault(default) => ("sets the default of", format!("{column} to {}", default.text)),
        ColumnChange::DropDefault => ("drops the default of", column.to_owned()),
        _ => ("alters column", column.to_owned()),
    };
    (verb.to_owned(), object)
}

fn added(constraint: &Constraint, table: &str) -> Phrase {
    let kind = match &constraint.kind {
        ConstraintKind::Check { .. } => "CHECK",
        ConstraintKind::NotNull(_) => "NOT NULL",
        ConstraintKind::PrimaryKey { .. } => "primary key",
        ConstraintKind::Unique { .. } => "unique constraint",
        ConstraintKind::Exclude { .. } => "exclusion constraint",
        ConstraintKind::ForeignKey { .. } => "foreign key",
    };
    let later = if constraint.not_valid { " (NOT VALID)" } else { "" };
    let name = constraint.name.as_deref().unwrap_or_default();
    let references = match &constraint.kind {
        ConstraintKind::ForeignKey { references, .. } => format!(" to {references}"),
        _ => String::new(),
    };
    (format!("adds {kind}"), format!("{name} on {table}{references}{later}").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::External;
    use crate::command::read;

    fn told(sql: &str) -> String {
        sentence(&[read(sql)], &Catalog::new(External::default()), Majors::default())
    }

    #[test]
    fn each_command_is_told_in_words_of_its_own() {
        for (sql, words) in [
            ("CREATE TABLE a (id int); CREATE TABLE s.b (id int);", "creates table a, s.b"),
            ("CREATE TEMP TABLE a (id int);", "creates temporary table a"),
            ("CREATE TABLE p PARTITION OF a DEFAULT;", "creates partition p of a"),
            ("ALTER TABLE a ADD COLUMN c int, DROP COLUMN d;", "adds column a.c; drops column a.d"),
            (
                "ALTER TABLE a ALTER c TYPE text, ALTER c SET NOT NULL;",
                "changes the type of a.c to text; sets NOT NULL on a.c",
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES b NOT VALID;",
                "adds foreign key k on a to b (NOT VALID)",
            ),
            ("ALTER TABLE a RENAME COLUMN c TO d;", "renames column a.c to d"),
            ("ALTER TABLE a RENAME TO b;", "renames table a to b"),
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON a (c);", "builds unique index concurrently i on a"),
            ("DROP TRIGGER t ON a; DROP VIEW v;", "drops trigger t on a; drops view v"),
            ("ALTER TYPE mood ADD VALUE 'glad';", "adds value glad to type mood"),
            ("UPDATE a SET c = 1; DELETE FROM a WHERE c = 2;", "updates every row of a; deletes rows of a"),
            ("WITH x AS (DELETE FROM a RETURNING c) SELECT * FROM x;", "deletes every row of a"),
            ("TRUNCATE a, b;", "empties table a, b"),
            ("REFRESH MATERIALIZED VIEW m;", "refreshes materialized view m"),
            ("ALTER TABLE a ENABLE ROW LEVEL SECURITY;", "switches on row level security of a"),
            ("SET lock_timeout = '2s'; COMMENT ON TABLE a IS 'x';", "writes 1 comment"),
            ("SET lock_timeout = '2s';", "does nothing"),
        ] {
            assert_eq!(told(sql), words, "{sql}");
        }
    }

    #[test]
    fn a_long_list_is_cut_with_the_number_of_the_rest() {
        let sql: Vec<String> = (0..9).map(|n| format!("CREATE TABLE t{n} (id int);")).collect();
        assert_eq!(told(&sql.concat()), "creates table t0, t1, t2, t3, t4, t5 and 3 more");
    }
}
