//! The table of measured facts, run through the classifier: each form's example takes the locks, rewrites and scans that
//! were measured.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::catalog::{Catalog, External, Place, QualifiedName, RelationKind};
use migrate_core::command::read;
use migrate_core::effect::{Effect, Majors, Runs, effect};
use migrate_core::migration::{Direction, Version};

const TABLE: &str = include_str!("../../src/effect/facts.tsv");
const FIXTURE: &str = include_str!("facts/fixture.sql");

/// The majors that the forms are compared on: the oldest and the newest that the product supports.
const MAJORS: [u32; 2] = [15, 18];

/// Forms whose facts differ from the table, each with the reason.
const DIFFERENT: &[(&str, &str)] = &[
    ("at.add_column.default_user_unlabelled_sql_fn_inlinable", "that a SQL function is inlined is nothing to rely on"),
    ("at.add_column.default_user_volatile_fn", "that a SQL function is inlined is nothing to rely on"),
    ("at.add_column.not_null_no_default_empty", "a server scans: `the_facts_are_those_that_a_server_shows`"),
    ("at.add_column_then_set_not_null_same_tx", "a server scans: `the_facts_are_those_that_a_server_shows`"),
    ("at.type.on_partitioned", "an index that is made again has new storage; the table counts it as dropped"),
    ("tb.create_fk_new_table_same_tx", "that the new table is empty is not known to a statement of its own"),
    ("tb.cluster_all", "which tables were clustered before is not known"),
];

/// A relation in a role that is an index, or another; what happens to it.
type Fact = (&'static str, &'static str, bool, bool);

/// A form of the table, with its rows on one major.
struct Form {
    sql: &'static str,
    /// What has to be there first.
    given: &'static str,
    outside: bool,
    /// PostgreSQL refuses it: no fact is expected.
    fails: bool,
    facts: BTreeSet<Fact>,
}

fn forms(major: u32) -> BTreeMap<&'static str, Form> {
    let mut forms: BTreeMap<&'static str, Form> = BTreeMap::new();
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let bound = |at: usize| cells[at].trim_end_matches('?').parse::<u32>().ok();
        let holds = bound(2).is_none_or(|since| since <= major) && bound(3).is_none_or(|until| major <= until);
        if !holds || cells[14] != "yes" {
            continue;
        }
        let given =
            cells[16].strip_prefix("given: ").unwrap_or(if cells[16].starts_with("SET ") { cells[16] } else { "" });
        // Only relations that were there before count, and an example of several commands is one statement.
        let made = |shown: &str| cells[1].contains(" ; ") && cells[1].starts_with(&format!("CREATE TABLE {shown} "));
        let target = cells[1].rsplit(" ; ").next().unwrap_or_default();
        let own = ["nt", "np", "nn1"].into_iter().filter(|name| made(name));
        let is_new = cells[4] == "target" && own.clone().any(|name| target.contains(&format!(" {name} ")));
        let form = forms.entry(cells[0]).or_insert_with(|| Form {
            sql: cells[1],
            given,
            outside: cells[12] == "no",
            fails: cells[12].starts_with("error"),
            facts: BTreeSet::new(),
        });
        if cells[5] != "-" && !is_new {
            let role = if matches!(cells[4], "index") { "index" } else { "relation" };
            let is = |cell: &str| !matches!(cell, "" | "no" | "-");
            form.facts.insert((role, cells[5], is(cells[10]), is(cells[11])));
        }
    }
    forms
}

fn fixture() -> Catalog {
    let mut catalog = Catalog::new(External::default());
    run(&mut catalog, FIXTURE);
    catalog
}

fn place() -> Place {
    Place { version: Version(1), line: 1, direction: Direction::Up, statement: 0 }
}

fn run(catalog: &mut Catalog, sql: &str) {
    for command in &read(sql) {
        catalog.apply(command, place());
    }
}

/// What the last command of an example does.
fn last(form: &Form, major: u32) -> (Effect, Catalog) {
    let mut catalog = fixture();
    run(&mut catalog, form.given);
    let before: BTreeSet<String> = catalog.relations.keys().map(ToString::to_string).collect();
    let (first, sql) = form.sql.rsplit_once(" ; ").unwrap_or(("", form.sql));
    run(&mut catalog, &first.replace(" ; ", ";\n"));
    let commands = read(sql);
    assert_eq!(commands.len(), 1, "{sql}");
    let mut effect = effect(&commands[0], &catalog, Majors { min: major, max: major });
    effect.forget(|relation| {
        catalog.relations.keys().any(|name| name.to_string() == relation) && !before.contains(relation)
    });
    (effect, catalog)
}

fn facts(effect: &Effect, catalog: &Catalog) -> BTreeSet<Fact> {
    let is_index = |shown: &str| {
        let (schema, name) = shown.split_once('.').unwrap_or(("public", shown));
        let name = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
        catalog.relations.get(&name).is_some_and(|relation| matches!(relation.kind, RelationKind::Index(_)))
    };
    let locks = effect.locks.iter().map(|lock| {
        let rewritten = effect.rewrites.iter().any(|touched| touched.relation == lock.relation);
        let scanned = effect.scans.iter().any(|touched| touched.relation == lock.relation);
        let role = if is_index(&lock.relation) { "index" } else { "relation" };
        (role, lock.mode.sql(), rewritten, scanned)
    });
    locks.collect()
}

#[test]
fn every_measured_form_is_classified_as_it_was_measured() {
    let mut wrong = BTreeMap::new();
    let mut checked = BTreeSet::new();
    for major in MAJORS {
        for (id, form) in forms(major).iter().filter(|(_, form)| !form.fails) {
            checked.insert(*id);
            let (effect, catalog) = last(form, major);
            let found = facts(&effect, &catalog);
            if found != form.facts || (effect.runs == Runs::OutsideTransaction) != form.outside {
                let text = format!(
                    "{id} on {major}: {}\n  measured {:?}{}\n  found    {found:?} {:?} {:?}",
                    form.sql,
                    form.facts,
                    if form.outside { " outside a transaction" } else { "" },
                    effect.runs,
                    effect.forms,
                );
                wrong.insert(*id, text);
            }
        }
    }
    let listed: BTreeSet<&str> = DIFFERENT.iter().map(|(id, _)| *id).collect();
    let found: BTreeSet<&str> = wrong.keys().copied().collect();
    println!("{} of {} forms differ, for {} listed reasons", found.len(), checked.len(), listed.len());
    let unlisted: Vec<&str> = found.difference(&listed).map(|id| wrong[id].as_str()).collect();
    assert!(unlisted.is_empty(), "{} forms:\n{}", unlisted.len(), unlisted.join("\n"));
    let gone: Vec<&&str> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "these are listed and do not differ any more: {gone:?}");
    assert!(found.len() * 50 <= checked.len(), "more than 2 % of the forms differ");
}
