//! Tables, their columns and constraints: from `CREATE TABLE` in its forms to its action.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::expression;
use super::name::column_type;
use super::parts::{all_words, child, has, name, name_in, persistence, place, text, within, word, word_in};
use crate::command::{
    Action, Column, Constraint, ConstraintKind, CreateTable, Expression, Generated, Identity, Name, Partition,
};

/// The action of `CREATE TABLE`, `CREATE FOREIGN TABLE` and `CREATE TABLE … AS`.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    match node.kind() {
        K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE => create_table(node),
        K::CREATE_TABLE_AS => create_table_as(node),
        _ => None,
    }
}

fn create_table(node: &SyntaxNode) -> Option<Action> {
    let arguments = child(node, K::TABLE_ARG_LIST);
    let arguments = || arguments.iter().flat_map(SyntaxNode::children);
    let inherits = child(node, K::INHERITS);
    let like = arguments().filter(|node| node.kind() == K::LIKE_CLAUSE);
    Some(Action::CreateTable(Box::new(CreateTable {
        name: name_in(node, K::TABLE_NAME)?,
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        persistence: persistence(node),
        foreign: node.kind() == K::CREATE_FOREIGN_TABLE,
        columns: arguments().filter(|node| node.kind() == K::COLUMN).filter_map(|node| column(&node)).collect(),
        constraints: arguments().filter_map(ast::Constraint::cast).filter_map(|node| constraint(&node)).collect(),
        like: like.filter_map(|clause| Some((name(&clause)?, included(&clause)))).collect(),
        inherits: inherits.iter().flat_map(SyntaxNode::children).filter_map(|parent| name(&parent)).collect(),
        of_type: child(node, K::OF_TYPE).and_then(|of| name(&of)),
        partition_of: child(node, K::PARTITION_OF).and_then(|of| partition(name(&of)?, node)),
        partition_by: child(node, K::PARTITION_BY).map(|by| plain_columns(&by)),
    })))
}

/// What `INCLUDING` names, lower case.
fn included(like: &SyntaxNode) -> Vec<String> {
    let options = like.children().filter(|node| node.kind() == K::INCLUDING_PROPERTY);
    options.filter_map(|option| Some(text(&option).to_ascii_lowercase().split_once(' ')?.1.to_owned())).collect()
}

/// The bound that a command writes for a partition of `parent`.
pub(super) fn partition(parent: Name, node: &SyntaxNode) -> Option<Partition> {
    let bound = node.children().find(|node| {
        let bounds = [K::PARTITION_FOR_VALUES_WITH, K::PARTITION_FOR_VALUES_IN, K::PARTITION_FOR_VALUES_FROM];
        bounds.contains(&node.kind()) || node.kind() == K::PARTITION_DEFAULT
    })?;
    Some(Partition { parent, default: bound.kind() == K::PARTITION_DEFAULT, bound: text(&bound) })
}

/// The plain columns among the elements of a key.
pub(super) fn plain_columns(node: &SyntaxNode) -> Vec<String> {
    let items = node.descendants().filter(|node| node.kind() == K::PARTITION_ITEM);
    items.filter_map(|item| item.children().find_map(ast::Expr::cast)).filter_map(|expr| plain(&expr)).collect()
}

/// The column that an element of a key is, when it is nothing else; `(a)` and `a COLLATE "C"` are the column `a` still.
pub(super) fn plain(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::NameRef(_) => word(expr.syntax()),
        ast::Expr::ParenExpr(_) | ast::Expr::Collate(_) => plain(&expr.syntax().children().find_map(ast::Expr::cast)?),
        _ => None,
    }
}

fn create_table_as(node: &SyntaxNode) -> Option<Action> {
    let columns = child(node, K::TABLE_ARG_LIST);
    let columns = columns.iter().flat_map(SyntaxNode::children).filter(|node| node.kind() == K::COLUMN);
    let query = node.children().find(|node| ast::SelectVariant::can_cast(node.kind()) || node.kind() == K::EXECUTE)?;
    Some(Action::CreateTableAs {
        name: name_in(node, K::TABLE_NAME)?,
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        persistence: persistence(node),
        columns: columns.filter_map(|column| word_in(&column, K::COLUMN_NAME)).collect(),
        query: Box::new(expression::query(&query)),
        with_data: !has(node, K::WITH_NO_DATA),
    })
}

/// A column with all that is written about it.
pub(super) fn column(node: &SyntaxNode) -> Option<Column> {
    let named = child(node, K::COLUMN_NAME)?;
    let name = word(&named)?;
    let written: Vec<ast::Constraint> = node.children().filter_map(ast::Constraint::cast).collect();
    let mut constraints: Vec<Constraint> = written.iter().filter_map(constraint).collect();
    constraints.retain(|constraint| !matches!(constraint.kind, ConstraintKind::NotNull(_)));
    for constraint in &mut constraints {
        of_column(&name, constraint);
    }
    let of_kind = |kind| written.iter().map(ast::Constraint::syntax).find(move |node| node.kind() == kind).cloned();
    let generation = of_kind(K::GENERATED_CONSTRAINT);
    Some(Column {
        kind: node.children().find_map(ast::Type::cast).map(|kind| column_type(&kind)),
        not_null: of_kind(K::NOT_NULL_CONSTRAINT).is_some(),
        default: of_kind(K::DEFAULT_CONSTRAINT).and_then(|node| only_expression(&node)),
        generated: generation.as_ref().and_then(generated),
        identity: generation.as_ref().and_then(identity),
        collation: child(node, K::COLLATE).and_then(|collate| super::parts::name(&collate)),
        span: place(&named),
        constraints,
        name,
    })
}

/// A constraint that is written with a column is about that column.
fn of_column(column: &str, constraint: &mut Constraint) {
    match &mut constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. }
        | ConstraintKind::Unique { columns, .. }
        | ConstraintKind::Exclude { columns }
        | ConstraintKind::ForeignKey { columns, .. } => *columns = vec![column.to_owned()],
        ConstraintKind::Check { .. } | ConstraintKind::NotNull(_) => {}
    }
}

/// The first expression that a node holds.
pub(super) fn only_expression(node: &SyntaxNode) -> Option<Expression> {
    node.children().find_map(ast::Expr::cast).map(|expr| expression::expression(&expr))
}

/// `GENERATED … AS IDENTITY`, at or below a node.
pub(super) fn identity(node: &SyntaxNode) -> Option<Identity> {
    let of_identity =
        within(node, K::GENERATED_IDENTITY).or_else(|| (node.kind() == K::ADD_GENERATED).then(|| node.clone()))?;
    Some(if within(&of_identity, K::GENERATED_BY_DEFAULT).is_some() { Identity::ByDefault } else { Identity::Always })
}

fn generated(node: &SyntaxNode) -> Option<Generated> {
    let stored = within(node, K::GENERATED_STORED)?;
    let word = match () {
        () if has(&stored, K::STORED) => Some(true),
        () if has(&stored, K::VIRTUAL) => Some(false),
        () => None,
    };
    Some(Generated { expression: only_expression(&stored)?, stored: word })
}

/// A constraint; none for DEFAULT, NULL and GENERATED, which the grammar calls so too.
pub(super) fn constraint(written: &ast::Constraint) -> Option<Constraint> {
    let node = written.syntax();
    let kind = match node.kind() {
        K::CHECK_CONSTRAINT => {
            let no_inherit =
                text(node).to_ascii_lowercase().ends_with("no inherit") || within(node, K::NO_INHERIT).is_some();
            ConstraintKind::Check { expression: only_expression(node)?, no_inherit }
        }
        K::NOT_NULL_CONSTRAINT => ConstraintKind::NotNull(word_in(node, K::COLUMN_NAME_REF).unwrap_or_default()),
        K::PRIMARY_KEY_CONSTRAINT => {
            let (columns, using_index) = key(node);
            ConstraintKind::PrimaryKey { columns, using_index }
        }
        K::UNIQUE_CONSTRAINT => {
            let (columns, using_index) = key(node);
            let nulls_not_distinct = within(node, K::NULLS_NOT_DISTINCT).is_some();
            ConstraintKind::Unique { columns, using_index, nulls_not_distinct }
        }
        K::EXCLUDE_CONSTRAINT => ConstraintKind::Exclude { columns: excluded(node) },
        K::FOREIGN_KEY_CONSTRAINT => foreign_key(node)?,
        K::REFERENCES_CONSTRAINT => ConstraintKind::ForeignKey {
            columns: Vec::new(),
            references: name_in(node, K::TABLE_NAME_REF)?,
            referenced: word_in(node, K::COLUMN_NAME_REF).into_iter().collect(),
        },
        _ => return None,
    };
    Some(Constraint {
        name: within(node, K::CONSTRAINT_NAME_CLAUSE).and_then(|clause| word_in(&clause, K::CONSTRAINT_NAME)),
        span: place(node),
        kind,
        not_valid: has(node, K::NOT_VALID),
        not_enforced: has(node, K::NOT_ENFORCED),
        deferrable: has(node, K::DEFERRABLE_CONSTRAINT_OPTION) || has(node, K::INITIALLY_DEFERRED_CONSTRAINT_OPTION),
    })
}

/// The columns of a key, or the index that it uses.
fn key(node: &SyntaxNode) -> (Vec<String>, Option<String>) {
    let list = within(node, K::CONSTRAINT_COLUMN_REF_LIST);
    let columns = list.map(|list| all_words(&list, K::COLUMN_NAME_REF)).unwrap_or_default();
    let index = child(node, K::USING_INDEX_NAME).and_then(|using| name(&using)).map(|name| name.name);
    (columns, index)
}

fn excluded(node: &SyntaxNode) -> Vec<String> {
    let elements = node.descendants().filter(|node| node.kind() == K::CONSTRAINT_EXCLUSION);
    elements
        .filter_map(|element| element.children().find_map(ast::Expr::cast))
        .filter_map(|expr| plain(&expr))
        .collect()
}

fn foreign_key(node: &SyntaxNode) -> Option<ConstraintKind> {
    let mut lists = node.children().filter(|node| node.kind() == K::FOREIGN_KEY_COLUMN_LIST);
    let mut columns = || lists.next().map(|list| all_words(&list, K::COLUMN_NAME_REF)).unwrap_or_default();
    Some(ConstraintKind::ForeignKey {
        columns: columns(),
        references: name_in(node, K::TABLE_NAME_REF)?,
        referenced: columns(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn table(sql: &str) -> CreateTable {
        match &read(sql)[0].action {
            Action::CreateTable(table) => (**table).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_carry_what_is_written_with_them() {
        let table = table(
            "CREATE TABLE IF NOT EXISTS app.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             p int NOT NULL DEFAULT 5 CONSTRAINT p_min CHECK (p > 0) REFERENCES \"Q\" (id), \
             g int GENERATED ALWAYS AS (p + 1) STORED, CONSTRAINT u UNIQUE (p, g), FOREIGN KEY (p, g) REFERENCES o (a, b));",
        );
        assert!(table.if_not_exists);
        assert_eq!(table.name.to_string(), "app.t");
        let [id, p, g] = &table.columns[..] else { panic!("{table:?}") };
        assert_eq!(id.identity, Some(Identity::Always));
        assert!(matches!(&id.constraints[0].kind, ConstraintKind::PrimaryKey { columns, .. } if columns == &["id"]));
        assert!(p.not_null);
        assert_eq!(p.default.as_ref().unwrap().text, "5");
        assert_eq!(p.constraints[0].name.as_deref(), Some("p_min"));
        let ConstraintKind::ForeignKey { columns, references, referenced } = &p.constraints[1].kind else { panic!() };
        assert_eq!(
            (columns.as_slice(), references.name.as_str(), referenced.as_slice()),
            (&["p".to_owned()][..], "Q", &["id".to_owned()][..])
        );
        assert_eq!(g.generated.as_ref().unwrap().stored, Some(true));
        assert_eq!(table.constraints.len(), 2);
    }

    #[test]
    fn partitions_and_their_parents_are_read() {
        let table = table("CREATE TABLE p1 PARTITION OF app.p FOR VALUES FROM (1) TO (2);");
        let of = table.partition_of.unwrap();
        assert_eq!((of.parent.to_string().as_str(), of.default), ("app.p", false));
        let parent = self::table("CREATE TABLE p (id int, at date) PARTITION BY RANGE (at, lower('x'));");
        assert_eq!(parent.partition_by, Some(vec!["at".to_owned()]));
    }

    #[test]
    fn a_table_made_from_a_query_reads_what_the_query_reads() {
        let commands =
            read("CREATE TABLE t AS WITH c AS (SELECT 1) SELECT a, lower(b) FROM s.o JOIN c ON true WITH NO DATA;");
        let Action::CreateTableAs { query, with_data, .. } = &commands[0].action else { panic!("{commands:?}") };
        assert!(!with_data);
        assert_eq!(query.reads.iter().map(Name::to_string).collect::<Vec<_>>(), ["s.o"]);
        assert_eq!(query.output, Some(vec!["a".into(), "lower".into()]));
    }
}
