//! The elements of a `CREATE SCHEMA`, as commands of their own in that schema.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode as _};

use super::{index, table, types};
use crate::command::{Action, Column, Constraint, ConstraintKind, CreateTable, Name};

/// What the elements of a statement make, in order, each with its node. Triggers and privileges are left out: they stand
/// and fall with what they are on. Names without a schema are those of the new one where the elements make them
/// (PostgreSQL, CREATE SCHEMA: "as if the schema were current").
pub(super) fn elements(node: &SyntaxNode, action: &Action) -> Vec<(SyntaxNode, Action)> {
    let Action::CreateSchema { name: schema, .. } = action else { return Vec::new() };
    let statements = node.children().filter_map(ast::Stmt::cast);
    let lowered = statements.filter_map(|stmt| {
        let action = table::lower(&stmt).or_else(|| index::lower(&stmt)).or_else(|| types::lower(&stmt))?;
        Some((stmt.syntax().clone(), action))
    });
    let mut elements: Vec<(SyntaxNode, Action)> = lowered.filter(|(_, action)| made(action).is_some()).collect();
    let names: Vec<String> = elements
        .iter()
        .filter_map(|(_, action)| made(action).filter(|name| name.schema.is_none()).map(|name| name.name.clone()))
        .collect();
    for (_, action) in &mut elements {
        place(action, &schema.name, &names);
    }
    elements
}

/// The name of the relation that an element makes; for an index, of the one that it is on.
fn made(action: &Action) -> Option<&Name> {
    match action {
        Action::CreateTable(create) => Some(&create.name),
        Action::CreateView(create) => Some(&create.name),
        Action::CreateSequence(create) => Some(&create.name),
        Action::CreateIndex(create) => Some(&create.table),
        _ => None,
    }
}

fn place(action: &mut Action, schema: &str, names: &[String]) {
    let put = |name: &mut Name| {
        if name.schema.is_none() {
            name.schema = Some(schema.to_owned());
        }
    };
    let put_own = |name: &mut Name| {
        if names.contains(&name.name) {
            put(name);
        }
    };
    match action {
        Action::CreateTable(create) => {
            put(&mut create.name);
            references(create).for_each(put_own);
        }
        Action::CreateView(create) => {
            put(&mut create.name);
            create.query.reads.iter_mut().for_each(put_own);
        }
        Action::CreateSequence(create) => {
            put(&mut create.name);
            create.owned_by.iter_mut().for_each(|(table, _)| put_own(table));
        }
        Action::CreateIndex(create) => put_own(&mut create.table),
        _ => {}
    }
}

/// The tables that a table's foreign keys, and its `LIKE` and `INHERITS`, name.
fn references(create: &mut CreateTable) -> impl Iterator<Item = &mut Name> {
    let CreateTable { columns, constraints, like, inherits, .. } = create;
    let of_columns = columns.iter_mut().flat_map(|Column { constraints, .. }| constraints.iter_mut());
    let keys = of_columns.chain(constraints.iter_mut()).filter_map(|Constraint { kind, .. }| match kind {
        ConstraintKind::ForeignKey { references, .. } => Some(references),
        _ => None,
    });
    keys.chain(like.iter_mut().map(|(table, _)| table)).chain(inherits.iter_mut())
}

#[cfg(test)]
mod tests {
    use crate::command::{Action, read};

    #[test]
    fn what_a_schema_is_made_with_is_made_in_it() {
        let sql = "CREATE SCHEMA s CREATE TABLE a (id int PRIMARY KEY) CREATE TABLE b (a int REFERENCES a, o int REFERENCES \
                   other) CREATE VIEW v AS SELECT id FROM a CREATE INDEX i ON b (a) GRANT SELECT ON a TO PUBLIC";
        let commands = read(sql);
        let told: Vec<String> = commands
            .iter()
            .map(|command| match &command.action {
                Action::CreateSchema { name, .. } => format!("schema {name}"),
                Action::CreateTable(create) => format!("table {}", create.name),
                Action::CreateView(create) => format!("view {} of {}", create.name, create.query.reads[0]),
                Action::CreateIndex(create) => format!("index on {}", create.table),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["schema s", "table s.a", "table s.b", "view s.v of s.a", "index on s.b"]);
        assert_eq!(commands[2].span.of(sql), "CREATE TABLE b (a int REFERENCES a, o int REFERENCES other)");
        let Action::CreateTable(b) = &commands[2].action else { panic!("a table") };
        let named: Vec<String> = b.columns.iter().map(|column| format!("{:?}", column.constraints)).collect();
        assert!(named[0].contains("Some(\"s\")") && !named[1].contains("Some(\"s\")"), "{named:?}");
    }
}
