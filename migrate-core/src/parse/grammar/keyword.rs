//! PostgreSQL's keywords, and where they may be names.
//!
//! From a word to its class, as `pg_get_keywords()` has it in every major from 15 to 18. A word that is a keyword in some of
//! them only is none here: what one server accepts is not refused. Every other keyword may be any name.

/// What a keyword that is not any name may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A label behind `AS` and nothing else.
    Reserved,
    /// Also the name of a type, a function or a parameter.
    TypeOrFunction,
    /// Also the name of a column or a table, and never of a function; of a type only where SQL has it built in.
    ColumnName,
}

/// The class of a word in any spelling; `None` for names and for keywords that may be any name.
pub(super) fn class(word: &str) -> Option<Class> {
    let word = word.to_ascii_lowercase();
    let in_list = |words: &[&str]| words.binary_search(&word.as_str()).is_ok();
    [(RESERVED, Class::Reserved), (TYPE_OR_FUNCTION, Class::TypeOrFunction), (COLUMN_NAME, Class::ColumnName)]
        .into_iter()
        .find_map(|(words, class)| in_list(words).then_some(class))
}

/// Whether a word may be a label without `AS` before it.
pub(super) fn is_bare_label(word: &str) -> bool {
    NEEDS_AS.binary_search(&word.to_ascii_lowercase().as_str()).is_err()
}

/// Whether a keyword that may be a column's name is also a type that SQL has built in.
pub(super) fn is_type(word: &str) -> bool {
    TYPES.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

/// Whether a keyword is a function that is called without parentheses.
pub(super) fn is_value(word: &str) -> bool {
    VALUES.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

/// Functions of SQL that have no parentheses.
const VALUES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// In order, for the binary search, as all lists here.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Types' and functions' names.
const TYPE_OR_FUNCTION: &[&str] = &[
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "tablesample",
    "verbose",
];

/// Columns' and tables' names.
const COLUMN_NAME: &[&str] = &[
    "between",
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "coalesce",
    "dec",
    "decimal",
    "exists",
    "extract",
    "float",
    "greatest",
    "grouping",
    "inout",
    "int",
    "integer",
    "interval",
    "least",
    "national",
    "nchar",
    "none",
    "normalize",
    "nullif",
    "numeric",
    "out",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "setof",
    "smallint",
    "substring",
    "time",
    "timestamp",
    "treat",
    "trim",
    "values",
    "varchar",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// Those of them that are types.
const TYPES: &[&str] = &[
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "dec",
    "decimal",
    "float",
    "int",
    "integer",
    "interval",
    "national",
    "nchar",
    "numeric",
    "real",
    "setof",
    "smallint",
    "time",
    "timestamp",
    "varchar",
];

/// Labels behind `AS` alone.
const NEEDS_AS: &[&str] = &[
    "array",
    "as",
    "char",
    "character",
    "create",
    "day",
    "except",
    "fetch",
    "filter",
    "for",
    "from",
    "grant",
    "group",
    "having",
    "hour",
    "intersect",
    "into",
    "isnull",
    "limit",
    "minute",
    "month",
    "notnull",
    "offset",
    "on",
    "order",
    "over",
    "overlaps",
    "precision",
    "returning",
    "second",
    "to",
    "union",
    "varying",
    "where",
    "window",
    "with",
    "within",
    "without",
    "year",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order() {
        for words in [RESERVED, TYPE_OR_FUNCTION, COLUMN_NAME, TYPES, VALUES, NEEDS_AS] {
            assert!(words.is_sorted());
        }
    }

    #[test]
    fn a_word_is_a_keyword_in_any_spelling() {
        assert_eq!(class("ORDER"), Some(Class::Reserved));
        assert_eq!(class("Left"), Some(Class::TypeOrFunction));
        assert_eq!(class("values"), Some(Class::ColumnName));
        assert_eq!(class("name"), None);
        assert_eq!(class("system_user"), None);
    }
}
