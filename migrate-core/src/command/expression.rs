//! What an expression or a query refers to, and the commands on rows that a query may hold.

use super::{Name, Where};

/// An expression: its text and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expression {
    /// The text as written.
    pub text: String,
    /// Where it stands in the statement's text.
    pub span: Where,
    /// The columns it names, without their qualifier.
    pub columns: Vec<String>,
    /// The functions it calls; `CURRENT_TIMESTAMP` and its kin are not among them.
    pub calls: Vec<Name>,
    /// The types it names, in casts and typed literals.
    pub types: Vec<Name>,
    /// The relations that its subqueries read.
    pub reads: Vec<Name>,
    /// The string literals in it: values of enums, names for `nextval('s')` and `'t'::regclass`.
    pub strings: Vec<String>,
    /// `column` of `column IS NOT NULL`, for each that is AND-ed at the top level: what a CHECK proves.
    pub proves_not_null: Vec<String>,
    /// Nothing but the literal NULL, perhaps with a cast.
    pub is_null: bool,
}

/// A query: SELECT, VALUES, TABLE, or the query part of another command (sub-queries and CTEs included).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The text as written.
    pub text: String,
    /// Where it stands in the statement's text.
    pub span: Where,
    /// The relations that it reads; names of its CTEs are left out.
    pub reads: Vec<Name>,
    /// The relations that it reads with `FOR UPDATE`, `FOR NO KEY UPDATE`, `FOR SHARE` or `FOR KEY SHARE`.
    pub locks: Vec<Name>,
    /// The functions that it calls.
    pub calls: Vec<Name>,
    /// The types that it names.
    pub types: Vec<Name>,
    /// Every column name that it mentions, without its qualifier.
    pub columns: Vec<String>,
    /// The string literals in it.
    pub strings: Vec<String>,
    /// The names of its output columns, where every one is known from the text: `None` for `*` or a nameless one.
    pub output: Option<Vec<String>>,
    /// `SELECT … INTO name`.
    pub into: Option<Name>,
    /// The data-modifying commands in its CTEs.
    pub writes: Vec<Write>,
    /// It has a WHERE, LIMIT or JOIN at its top level; without, it reads all of its one relation.
    pub restricted: bool,
}

/// A command that changes rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a clause that is written or not")]
pub struct Write {
    /// `insert`, `update`, `delete` or `merge`.
    pub verb: &'static str,
    /// DELETE, or a MERGE that deletes.
    pub deletes: bool,
    /// UPDATE, or a MERGE or an `ON CONFLICT` that updates.
    pub updates: bool,
    /// The table.
    pub table: Name,
    /// The columns listed by INSERT, or set by UPDATE and `ON CONFLICT DO UPDATE`.
    pub columns: Vec<String>,
    /// INSERT lists its columns.
    pub lists_columns: bool,
    /// INSERT takes rows from a query that is not VALUES.
    pub from_query: bool,
    /// The relations that it is joined with: of FROM in UPDATE, of USING in DELETE and MERGE.
    pub sources: Vec<Name>,
    /// `WHERE` with something other than `true`.
    pub condition: Option<Expression>,
    /// `ON CONFLICT`.
    pub on_conflict: bool,
    /// All that it refers to: sources, sub-queries, values.
    pub query: Query,
}
