//! Types as a command writes them, their spellings made one.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::parts::{child, name, place, text};
use crate::command::{ColumnType, Name};

/// A type, under the one name that this program has for it (see [`ColumnType`]).
pub(super) fn column_type(kind: &ast::Type) -> ColumnType {
    let node = kind.syntax();
    if let ast::Type::ArrayType(_) = kind {
        let Some(element) = node.children().find_map(ast::Type::cast) else { return bare("unknown", node) };
        let bounds = node.children().filter(|child| child.kind() == K::ARRAY_BOUND).count().max(1);
        let inner = column_type(&element);
        let bounds = u32::try_from(bounds).unwrap_or(u32::MAX);
        return ColumnType { dimensions: inner.dimensions.saturating_add(bounds), ..inner };
    }
    let modifiers = modifiers(node);
    let zoned =
        || child(node, K::WITH_TIMEZONE).is_some() || text(node).to_ascii_lowercase().contains("with time zone");
    let base = match kind {
        ast::Type::VarcharType(_) => "varchar",
        ast::Type::CharacterType(_) => return ColumnType { modifiers: one(modifiers), ..bare("char", node) },
        ast::Type::BitType(_) => "bit",
        ast::Type::BitVaryingType(_) => "varbit",
        ast::Type::DoubleType(_) => "double precision",
        ast::Type::TimeType(_) => {
            if zoned() {
                "timetz"
            } else {
                "time"
            }
        }
        ast::Type::TimestampType(_) => {
            if zoned() {
                "timestamptz"
            } else {
                "timestamp"
            }
        }
        ast::Type::IntervalType(_) => "interval",
        _ => return path_type(node, modifiers),
    };
    ColumnType { modifiers, ..bare(base, node) }
}

/// `char` alone is `char(1)`.
fn one(modifiers: Vec<i64>) -> Vec<i64> {
    if modifiers.is_empty() { vec![1] } else { modifiers }
}

fn bare(base: &str, node: &SyntaxNode) -> ColumnType {
    let name = Name { schema: None, name: base.to_owned(), span: place(node) };
    ColumnType { name, modifiers: Vec::new(), dimensions: 0 }
}

fn path_type(node: &SyntaxNode, modifiers: Vec<i64>) -> ColumnType {
    let Some(mut written) = name(node) else { return bare(&text(node).to_ascii_lowercase(), node) };
    if written.schema.as_deref() == Some("pg_catalog") {
        written.schema = None;
    }
    if written.schema.is_none() && written.name == "float" {
        // `float(n)` counts binary digits; what is stored has none to choose.
        let base = if modifiers.first().is_some_and(|digits| *digits <= 24) { "real" } else { "double precision" };
        return bare(base, node);
    }
    let base = written.schema.is_none().then(|| spelling(&written.name)).flatten();
    let name = base.map_or(written.name, str::to_owned);
    ColumnType { name: Name { name, ..written }, modifiers, dimensions: 0 }
}

/// The one name of a type that has several.
fn spelling(name: &str) -> Option<&'static str> {
    Some(match name {
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "float8" => "double precision",
        "float4" => "real",
        "bool" => "boolean",
        "decimal" | "dec" => "numeric",
        _ => return None,
    })
}

/// The numbers between the parentheses of a type, signs included: `numeric(3, -2)` has two.
fn modifiers(node: &SyntaxNode) -> Vec<i64> {
    let arguments = node.children().filter(|child| child.kind() == K::ARG_LIST).flat_map(|list| list.children());
    let bare = node.children().filter(|child| child.kind() == K::LITERAL);
    arguments.chain(bare).filter_map(|number| text(&number).replace(' ', "").parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::command::{Action, read};

    fn written(kind: &str) -> String {
        let commands = read(&format!("CREATE TABLE t (c {kind});"));
        let Action::CreateTable(table) = &commands[0].action else { panic!("{commands:?}") };
        table.columns[0].kind.as_ref().unwrap().to_string()
    }

    #[test]
    fn the_spellings_of_a_type_are_made_one() {
        for (kind, name) in [
            ("int4", "integer"),
            ("INT", "integer"),
            ("character varying(20)", "varchar(20)"),
            ("char", "char(1)"),
            ("timestamp(3) with time zone", "timestamptz(3)"),
            ("timestamp without time zone", "timestamp"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("text[][]", "text[][]"),
            ("int ARRAY", "integer[]"),
            ("double precision", "double precision"),
            ("bit varying(5)", "varbit(5)"),
            ("pg_catalog.int8", "bigint"),
            ("pg_catalog.inet", "inet"),
            ("numeric(3, -2)", "numeric(3,-2)"),
            ("float", "double precision"),
            ("float(24)", "real"),
            ("float(53)", "double precision"),
            ("national character varying(7)[]", "varchar(7)[]"),
            ("time(0)", "time(0)"),
            ("time with time zone", "timetz"),
            ("interval(3)", "interval(3)"),
            ("serial4", "serial4"),
            ("app.int4", "app.int4"),
            ("geometry(Point, 4326)", "geometry(4326)"),
            ("text[3][]", "text[][]"),
            ("app.mood", "app.mood"),
            ("\"Mood\"", "Mood"),
        ] {
            assert_eq!(written(kind), name, "{kind}");
        }
    }
}
