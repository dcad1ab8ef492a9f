//! The schema folded from commands is the schema that a server has after running them.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_core::catalog::{
    Catalog, CatalogConstraint, External, Place, QualifiedName, Relation, RelationKind, TypeKind,
};
use migrate_core::command::{ColumnType, ConstraintKind, read};
use migrate_core::migration::{Body, Direction, Migration, Version};
use migrate_core::parse::{parse, read_folder};
use migrate_scratch::Server;

use crate::corpus::{Set, prepare};
use crate::stage::{Database, migrate, shared};

/// What is compared: an object with its kind, and what is known about it; `?` stands for what the catalog leaves open.
type Facts = BTreeMap<String, String>;

/// Differences that stay, each with its reason: set, start of the object's line, reason.
const REMAINING: [(&str, &str, &str); 0] = [];

#[test]
#[expect(clippy::disallowed_methods, reason = "the table is no migration source")]
fn the_folded_schema_of_every_public_set_is_the_server_s() {
    let Some(root) = shared("the_folded_schema_of_every_public_set_is_the_server_s", "corpus") else { return };
    let root = root.canonicalize().expect("the corpus");
    let table = std::fs::read_to_string(root.join("APPLICABLE.tsv")).expect("the table");
    let sets = table.lines().skip(1).map(|line| Set::read(&root, line));
    // Roles, which some sets make, belong to the whole server.
    let server = Server::newest().expect("a server of its own");
    let mut differing = Vec::new();
    for set in sets.filter(|set| matches!(set.up_status.as_str(), "clean" | "needs-prep")) {
        let (facts, differences, clouded) = compare(&set, &server);
        println!(
            "{facts:>6} facts, {:>4} differ{}  {}",
            differences.len(),
            if clouded { ", clouded" } else { "" },
            set.name
        );
        for difference in differences {
            let remains =
                REMAINING.iter().any(|(name, start, _)| *name == set.name && difference[2..].starts_with(start));
            if clouded || remains {
                println!("        {difference}");
            } else {
                differing.push(format!("{}: {difference}", set.name));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// How many facts there are, which differ, and whether something hid objects.
fn compare(set: &Set, server: &Server) -> (usize, Vec<String>, bool) {
    let database = Database::create_on(server);
    prepare(set, &database).expect("the preparation");
    let up = migrate(&database.url, &set.dir, &["up"]);
    assert_eq!(up.code, 0, "{}: {}", set.name, up.stderr);
    let mut catalog = Catalog::new(External::default());
    let place = Place { version: Version::ZERO, line: 1, direction: Direction::Up, statement: 0 };
    for command in &read(&set.preparation) {
        catalog.apply(command, place);
    }
    for folder in set.on_top_of.iter().chain([&set.dir]) {
        fold(&mut catalog, folder);
    }
    let (server, mut folded) = (of_server(&database), of_catalog(&catalog));
    let mut differences = Vec::new();
    for (object, fact) in &server {
        match folded.remove(object) {
            Some(own) if own == *fact || own == "?" => {}
            Some(own) => differences.push(format!("~ {object}: {own}, the server has {fact}")),
            None if open(&catalog, object) => {}
            None => differences.push(format!("- {object}: absent, the server has {fact}")),
        }
    }
    differences.extend(folded.into_iter().map(|(object, own)| format!("+ {object}: {own}, the server has none")));
    (server.len(), differences, catalog.clouded.is_some())
}

fn fold(catalog: &mut Catalog, folder: &Path) {
    let parsed = parse(read_folder(folder, "migrations"));
    for migration in parsed.set.migrations.iter() {
        fold_migration(catalog, migration);
    }
}

fn fold_migration(catalog: &mut Catalog, migration: &Migration) {
    let Body::Split { up, .. } = &migration.body else { panic!("{}: variables", migration.file) };
    for (at, statement) in up.iter().enumerate() {
        let place = Place {
            version: migration.version,
            line: statement.line(),
            direction: Direction::Up,
            statement: u32::try_from(at).expect("few statements"),
        };
        for command in read(statement.sql(&migration.text)) {
            let before = catalog.clouded;
            catalog.apply(&command, place);
            if before != catalog.clouded {
                println!("        clouded by {}:{}", migration.file, place.line);
            }
        }
    }
    catalog.end_of_transaction();
}

/// Whether an object belongs to a relation of which not everything is known.
fn open(catalog: &Catalog, object: &str) -> bool {
    let Some(owner) = object.split(' ').nth(1) else { return false };
    let known = catalog.relations.iter().find(|(name, _)| full(name) == owner);
    known.is_some_and(|(_, relation)| !relation.complete)
}

fn full(name: &QualifiedName) -> String {
    format!("{}.{}", name.schema, name.name)
}

fn of_catalog(catalog: &Catalog) -> Facts {
    let mut facts = Facts::new();
    for (name, relation) in catalog.relations.iter().filter(|(name, _)| name.schema != "pg_temp") {
        of_relation(&mut facts, name, relation);
    }
    for (name, entry) in &catalog.types {
        let (kind, fact) = match &entry.kind {
            TypeKind::Enum(values) => {
                let values: Vec<&str> = values.iter().map(|(value, _)| value.as_str()).collect();
                ("enum", values.join(","))
            }
            TypeKind::Domain { not_null, .. } => ("domain", null(*not_null).to_owned()),
            _ => continue,
        };
        facts.insert(format!("{kind} {}", full(name)), fact);
    }
    for (name, functions) in &catalog.functions {
        facts.insert(format!("function {}", full(name)), functions.len().to_string());
    }
    facts
}

const fn null(not_null: bool) -> &'static str {
    if not_null { "not null" } else { "null" }
}

fn of_relation(facts: &mut Facts, name: &QualifiedName, relation: &Relation) {
    let owner = full(name);
    let (kind, fact) = match &relation.kind {
        RelationKind::Table { key: None } => ("table", String::new()),
        RelationKind::Table { key: Some(_) } => ("partitioned", String::new()),
        RelationKind::ForeignTable => ("foreign", String::new()),
        RelationKind::View(view) if view.materialized => ("materialized", String::new()),
        RelationKind::View(_) => ("view", String::new()),
        RelationKind::Index(index) => {
            let unique = if index.unique { "unique" } else { "plain" };
            ("index", format!("{} {unique} {}", full(&index.table), index.columns.join(",")))
        }
        RelationKind::Sequence { owner, .. } => {
            let owner = owner.as_ref().map(|(table, column)| format!("{}.{column}", full(table)));
            ("sequence", owner.unwrap_or_default())
        }
    };
    facts.insert(format!("{kind} {owner}"), fact);
    for (at, column) in relation.columns.iter().enumerate() {
        let default = column.default.is_some() || column.generated.is_some();
        let fact = column.kind.as_ref().map_or_else(
            || "?".to_owned(),
            |kind| {
                let default = if default { " default" } else { "" };
                format!("{} {} {}{default}", at + 1, type_of(kind), null(column.not_null))
            },
        );
        facts.insert(format!("column {owner} {}", column.name), fact);
    }
    for constraint in &relation.constraints {
        facts.insert(format!("constraint {owner} {}", constraint.name), of_constraint(relation, constraint));
    }
    for trigger in relation.triggers.keys() {
        facts.insert(format!("trigger {owner} {trigger}"), String::new());
    }
}

fn of_constraint(relation: &Relation, constraint: &CatalogConstraint) -> String {
    let kind = match constraint.kind {
        ConstraintKind::Check { .. } => "c",
        ConstraintKind::NotNull(_) => "n",
        ConstraintKind::PrimaryKey { .. } => "p",
        ConstraintKind::Unique { .. } => "u",
        ConstraintKind::Exclude { .. } => "x",
        ConstraintKind::ForeignKey { .. } => "f",
    };
    let mut columns = constraint.columns().to_vec();
    columns.retain(|name| relation.column(name).is_some());
    if matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::Exclude { .. }) {
        columns.sort();
        columns.dedup();
    }
    let references = constraint.references.as_ref().map_or(String::new(), full);
    format!("{kind} {} {} {references}", columns.join(","), if constraint.valid { "t" } else { "f" })
}

/// A type as `format_type` writes it.
fn type_of(kind: &ColumnType) -> String {
    let modifiers: Vec<String> = kind.modifiers.iter().map(i64::to_string).collect();
    let mut modifiers = modifiers.join(",");
    let (name, after) = match kind.name.name.as_str() {
        "varchar" => ("character varying", ""),
        "char" | "bpchar" => ("character", ""),
        "timestamptz" => ("timestamp", " with time zone"),
        "timestamp" => ("timestamp", " without time zone"),
        "timetz" => ("time", " with time zone"),
        "time" => ("time", " without time zone"),
        "varbit" => ("bit varying", ""),
        other => (other, ""),
    };
    match name {
        "character" | "bit" if modifiers.is_empty() => modifiers.push('1'),
        "numeric" if kind.modifiers.len() == 1 => modifiers.push_str(",0"),
        _ => {}
    }
    let schema = kind.name.schema.iter().filter(|schema| !matches!(schema.as_str(), "public" | "pg_catalog"));
    let schema = schema.map(|schema| format!("{schema}.")).collect::<Vec<_>>().concat();
    let modifiers = if modifiers.is_empty() { modifiers } else { format!("({modifiers})") };
    format!("{schema}{name}{modifiers}{after}{}", if kind.dimensions > 0 { "[]" } else { "" })
}

const USER: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Relations of the user, without our own tables and what extensions brought.
fn of_user(oid: &str) -> String {
    format!(
        "{USER} AND c.relname !~ '^goose_(db_version|base)' AND c.relname !~ '_ledger' \
         AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )
}

fn of_server(database: &Database) -> Facts {
    let mut facts = Facts::new();
    for query in queries() {
        for row in database.rows(&query) {
            let (object, fact) = row.split_once('|').expect("two columns");
            facts.insert(object.to_owned(), fact.to_owned());
        }
    }
    facts
}

#[expect(clippy::too_many_lines, reason = "a query an object kind, side by side")]
fn queries() -> Vec<String> {
    let of = of_user("c.oid");
    let from = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";
    let names = |keys: &str, order: &str| {
        format!(
            "(SELECT string_agg(a.attname, ',' ORDER BY {order}) FROM unnest({keys}) WITH ORDINALITY k(num, at) \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num)"
        )
    };
    let own = |class: &str, oid: &str| {
        format!(
            "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{class}'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
        )
    };
    vec![
        format!(
            "SELECT concat(CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' \
             WHEN 'm' THEN 'materialized' ELSE 'view' END, ' ', nspname, '.', relname), '' {from} \
             WHERE {of} AND relkind IN ('r', 'p', 'f', 'm', 'v')"
        ),
        format!(
            "SELECT concat('column ', nspname, '.', relname, ' ', attname), concat(\
             row_number() OVER (PARTITION BY c.oid ORDER BY attnum), ' ', replace(format_type(atttypid, atttypmod), '\"', ''), \
             CASE WHEN attnotnull THEN ' not null' ELSE ' null' END, CASE WHEN atthasdef THEN ' default' END) \
             {from} JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped \
             WHERE {of} AND relkind IN ('r', 'p', 'f', 'm', 'v')"
        ),
        format!(
            "SELECT concat('constraint ', n.nspname, '.', c.relname, ' ', conname), concat(contype, ' ', \
             CASE WHEN contype IN ('c', 'x') THEN {} ELSE {} END, ' ', convalidated, ' ', \
             (SELECT fn.nspname || '.' || f.relname FROM pg_class f JOIN pg_namespace fn ON fn.oid = f.relnamespace \
              WHERE f.oid = confrelid)) \
             {from} JOIN pg_constraint k ON k.conrelid = c.oid WHERE {of} AND contype <> 't' \
             AND (conparentid = 0 OR c.relispartition)",
            names("conkey", "a.attname"),
            names("conkey", "k.at"),
        ),
        format!(
            "SELECT concat('index ', n.nspname, '.', i.relname), concat(n.nspname, '.', c.relname, \
             CASE WHEN indisunique THEN ' unique ' ELSE ' plain ' END, {}) \
             {from} JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid \
             WHERE {of}",
            names("(indkey::int2[])[0:indnkeyatts - 1]", "k.at"),
        ),
        format!(
            "SELECT concat('sequence ', n.nspname, '.', c.relname), (SELECT concat(tn.nspname, '.', t.relname, '.', attname) \
             FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace \
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass \
             AND d.deptype IN ('a', 'i') LIMIT 1) {from} WHERE {of} AND relkind = 'S'"
        ),
        format!(
            "SELECT concat(CASE typtype WHEN 'e' THEN 'enum ' ELSE 'domain ' END, nspname, '.', typname), CASE typtype \
             WHEN 'e' THEN (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) \
             ELSE CASE WHEN typnotnull THEN 'not null' ELSE 'null' END END \
             FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE {USER} AND typtype IN ('e', 'd') AND {}",
            own("pg_type", "t.oid")
        ),
        format!(
            "SELECT concat('function ', nspname, '.', proname), count(*) FROM pg_proc p \
             JOIN pg_namespace n ON n.oid = pronamespace WHERE {USER} AND {} GROUP BY 1",
            own("pg_proc", "p.oid")
        ),
        format!(
            "SELECT concat('trigger ', nspname, '.', relname, ' ', tgname), '' {from} \
             JOIN pg_trigger t ON t.tgrelid = c.oid WHERE {of} AND NOT tgisinternal"
        ),
    ]
}
