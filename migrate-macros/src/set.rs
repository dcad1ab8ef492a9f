//! A set of migrations written down as Rust.
//!
//! Invariants: typed constants and `include_str!` only, never the texts or digests as arrays of numbers; and a constant
//! a migration, so that after an edit of one file the compiler reuses what it knows of all others. In one constant, a
//! thousand files cost it a second at every edit.

use std::path::Path;

use migrate_core::migration::{Body, Digest, Migration, Mode, Set, Statement};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::site::Reader;

/// The name by which the output calls `migrate_core`, wherever that is.
const CORE: &str = "__migrate_core";

/// The statics `MIGRATIONS` and `SET` of a set; the path of the crate is `root`, the visibility of `SET` is `public`.
pub(crate) fn set(set: &Set, root: &TokenStream, public: &TokenStream, reader: Reader) -> TokenStream {
    let migrations = reader(&migrations(set)).unwrap_or_else(|problem| quote!(::core::compile_error!(#problem);));
    let digest = digest(set.digest, root);
    let (folder, shown) = (&set.origin.folder, &set.origin.shown);
    quote! {
        use #root as __migrate_core;
        #migrations
        /// The migrations, ascending by version.
        #public static SET: #root::migration::Set = #root::migration::Set {
            migrations: ::std::borrow::Cow::Borrowed(&MIGRATIONS),
            digest: #digest,
            origin: #root::migration::Origin {
                folder: ::std::borrow::Cow::Borrowed(#folder),
                shown: ::std::borrow::Cow::Borrowed(#shown),
            },
            release: ::std::borrow::Cow::Borrowed(::core::concat!(
                ::core::env!("CARGO_PKG_NAME"), " ", ::core::env!("CARGO_PKG_VERSION")
            )),
            revision: ::std::borrow::Cow::Borrowed(match ::core::option_env!("MIGRATE_REVISION") {
                ::core::option::Option::Some(revision) => revision,
                ::core::option::Option::None => "",
            }),
        };
    }
}

/// A digest as an expression.
pub(crate) fn digest(digest: Digest, root: &TokenStream) -> TokenStream {
    let bytes = Literal::byte_string(digest.bytes());
    quote!(#root::migration::Digest::new(*#bytes))
}

/// A constant a migration, and the array of them all. Written as text, because the compiler reads one text several
/// times faster than it takes as many tokens one by one.
fn migrations(set: &Set) -> String {
    let folder = Path::new(set.origin.folder.as_ref());
    let mut text = String::new();
    let mut names = String::new();
    for entry in set.migrations.iter() {
        let name = format!("MIGRATION_{}", entry.version);
        text.push_str(&format!("const {name}: {CORE}::migration::Migration = {};\n", migration(entry, folder)));
        names.push_str(&name);
        names.push(',');
    }
    let count = set.migrations.len();
    text.push_str(&format!("static MIGRATIONS: [{CORE}::migration::Migration; {count}] = [{names}];"));
    text
}

fn migration(migration: &Migration, folder: &Path) -> String {
    let version = migration.version;
    let file = literal(&migration.file);
    // Absolute, because a relative path would be read from the caller's file, which may be any.
    let path = literal(&folder.join(migration.file.as_ref()).display().to_string());
    let mode = match migration.mode {
        Mode::Transaction => "Transaction",
        Mode::NoTransaction => "NoTransaction",
    };
    let body = body(&migration.body);
    let digest = Literal::byte_string(migration.digest.bytes());
    format!(
        "{CORE}::migration::Migration {{ version: {CORE}::migration::Version({version}), \
         file: ::std::borrow::Cow::Borrowed({file}), \
         text: ::std::borrow::Cow::Borrowed(::core::include_str!({path})), \
         mode: {CORE}::migration::Mode::{mode}, body: {body}, digest: {CORE}::migration::Digest::new(*{digest}) }}"
    )
}

fn body(body: &Body) -> String {
    let section = |statements: &[Statement]| {
        let statements: String = statements.iter().map(statement).collect();
        format!("::std::borrow::Cow::Borrowed(&[{statements}])")
    };
    match body {
        Body::Split { up, down } => {
            format!("{CORE}::migration::Body::Split {{ up: {}, down: {} }}", section(up), section(down))
        }
        Body::Deferred(dialect) => {
            let dialect = dialect.map_or_else(
                || "::core::option::Option::None".to_owned(),
                |dialect| format!("::core::option::Option::Some({CORE}::migration::Dialect::{dialect:?})"),
            );
            format!("{CORE}::migration::Body::Deferred({dialect})")
        }
    }
}

fn statement(statement: &Statement) -> String {
    let (span, line) = (statement.span(), statement.line());
    let span = format!("{CORE}::text::Span::new({}, {})", span.start, span.end);
    match statement.rewritten_sql() {
        None => format!("{CORE}::migration::Statement::slice({span}, {line}),"),
        Some(sql) => format!(
            "{CORE}::migration::Statement::rewritten({span}, {line}, ::std::borrow::Cow::Borrowed({})),",
            literal(sql)
        ),
    }
}

fn literal(text: &str) -> String {
    Literal::string(text).to_string()
}
