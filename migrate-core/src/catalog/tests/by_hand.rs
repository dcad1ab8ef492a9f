//! The same rules on commands that no text was read for.

use super::*;
use crate::command::{
    Action, AlterTable, Column, ColumnType, Constraint, ConstraintKind, CreateIndex, CreateTable, Drop, Expression,
    IndexColumn, Kind, Persistence, Rename, TableChange,
};

fn column(text: &str, kind: &str, constraints: Vec<ConstraintKind>) -> Column {
    let kind = Some(ColumnType { name: name(kind), modifiers: vec![], dimensions: 0 });
    Column {
        name: text.to_owned(),
        span: Where::default(),
        kind,
        not_null: false,
        default: None,
        generated: None,
        identity: None,
        collation: None,
        constraints: constraints.into_iter().map(constraint).collect(),
    }
}

fn constraint(kind: ConstraintKind) -> Constraint {
    Constraint { name: None, span: Where::default(), kind, not_valid: false, not_enforced: false, deferrable: false }
}

fn list(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|&column| column.to_owned()).collect()
}

fn primary(columns: &[&str]) -> ConstraintKind {
    ConstraintKind::PrimaryKey { columns: list(columns), using_index: None }
}

fn unique(columns: &[&str]) -> ConstraintKind {
    ConstraintKind::Unique { columns: list(columns), using_index: None, nulls_not_distinct: false }
}

fn foreign(columns: &[&str], table: &str) -> ConstraintKind {
    ConstraintKind::ForeignKey { columns: list(columns), references: name(table), referenced: vec![] }
}

fn check(columns: &[&str]) -> ConstraintKind {
    let expression = Expression { columns: list(columns), ..Expression::default() };
    ConstraintKind::Check { expression, no_inherit: false }
}

fn table(of: &str, columns: Vec<Column>) -> Action {
    Action::CreateTable(Box::new(CreateTable {
        name: name(of),
        if_not_exists: false,
        persistence: Persistence::Permanent,
        foreign: false,
        columns,
        constraints: vec![],
        like: vec![],
        inherits: vec![],
        of_type: None,
        partition_of: None,
        partition_by: None,
    }))
}

fn index(of: &str, columns: &[&str]) -> Action {
    Action::CreateIndex(Box::new(CreateIndex {
        name: None,
        table: name(of),
        only: false,
        unique: false,
        concurrently: false,
        if_not_exists: false,
        method: "btree".into(),
        columns: columns.iter().map(|&column| IndexColumn::Column(column.to_owned())).collect(),
        include: vec![],
        predicate: None,
        nulls_not_distinct: false,
    }))
}

fn alter(of: &str, change: TableChange) -> Action {
    let (kind, changes) = (Kind::Table, vec![(Where::default(), change)]);
    Action::AlterTable(Box::new(AlterTable { kind, name: name(of), if_exists: false, only: false, changes }))
}

fn rename(object: &str, what: Kind, from: Option<&str>, to: &str) -> Action {
    let from = from.map(str::to_owned);
    let (object, to) = (name(object), to.to_owned());
    Action::Rename(Box::new(Rename { what, of: Kind::Table, object, if_exists: false, from, to }))
}

fn drop(of: &str) -> Action {
    Action::Drop(Box::new(Drop {
        kind: Kind::Table,
        names: vec![name(of)],
        on: None,
        if_exists: false,
        cascade: true,
        concurrently: false,
        arguments: vec![None],
    }))
}

fn folded(actions: Vec<Action>) -> Catalog {
    let mut catalog = Catalog::new(External::default());
    for (at, action) in actions.into_iter().enumerate() {
        let command = Command { span: crate::text::Span::new(0, 0), action };
        catalog.apply(&command, place(u32::try_from(at).unwrap() + 1));
    }
    catalog
}

fn example() -> Vec<Action> {
    let columns = vec![
        column("id", "bigserial", vec![primary(&["id"])]),
        column("a", "integer", vec![unique(&["a"]), check(&["a"])]),
        column("b", "integer", vec![foreign(&["b"], "t")]),
    ];
    vec![table("t", columns), index("t", &["a", "b"]), index("t", &["a", "b"])]
}

#[test]
fn names_nullability_and_sequences_are_postgresql_s() {
    let catalog = folded(example());
    assert_eq!(catalog.the("t").shown(), "id bigint!=, a integer, b integer");
    assert_eq!(catalog.the("t").rules(), "t_a_check(a) t_pkey(id) t_a_key(a) t_b_fkey(b)");
    assert_eq!(catalog.all(), "t t_a_b_idx t_a_b_idx1 t_a_key t_id_seq t_pkey");
}

#[test]
fn renames_reach_indexes_keys_and_sequences() {
    let mut actions = example();
    actions.push(rename("t", Kind::Table, None, "n"));
    actions.push(rename("n", Kind::Column, Some("a"), "z"));
    actions.push(rename("n", Kind::Constraint, Some("t_a_key"), "k"));
    actions.push(table("t", vec![column("b", "integer", vec![foreign(&["b"], "n")])]));
    let catalog = folded(actions);
    assert_eq!(catalog.the("n").rules(), "t_a_check(z) t_pkey(id) k(z) t_b_fkey(b)");
    assert_eq!(catalog.the("t").rules(), "t_b_fkey1(b)");
    assert_eq!(catalog.all(), "k n t t_a_b_idx t_a_b_idx1 t_id_seq t_pkey");
    assert_eq!(catalog.indexes_of(&catalog.qualify(&name("n"))).count(), 4);
    assert_eq!(catalog.referencing(&catalog.qualify(&name("n"))).count(), 2);
}

#[test]
fn drops_take_what_depends() {
    let mut actions = example();
    actions.push(table("u", vec![column("t", "integer", vec![foreign(&["t"], "t")])]));
    let change = TableChange::DropColumn { column: "a".into(), if_exists: false, cascade: false };
    actions.push(alter("t", change));
    let catalog = folded(actions.clone());
    assert_eq!(
        (catalog.all().as_str(), catalog.the("t").rules().as_str()),
        ("t t_id_seq t_pkey u", "t_pkey(id) t_b_fkey(b)")
    );
    actions.push(drop("t"));
    let catalog = folded(actions);
    assert_eq!((catalog.all().as_str(), catalog.the("u").rules().as_str()), ("u", ""));
}
