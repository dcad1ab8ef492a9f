//! A set of migrations written down as Rust.
//!
//! Invariant: typed constants and `include_str!` only, never the texts or digests as arrays of numbers: those cost the
//! compiler twice the time.

use std::path::Path;

use migrate_core::migration::{Body, Digest, Migration, Mode, Set, Statement};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The statics `MIGRATIONS` and `SET` of a set; the path of the crate is `root`, the visibility of `SET` is `public`.
pub(crate) fn set(set: &Set, root: &TokenStream, public: &TokenStream) -> TokenStream {
    let migrations = set.migrations.iter().map(|entry| migration(entry, Path::new(set.origin.folder.as_ref()), root));
    let count = Literal::usize_unsuffixed(set.migrations.len());
    let digest = digest(set.digest, root);
    let (folder, shown) = (&set.origin.folder, &set.origin.shown);
    quote! {
        static MIGRATIONS: [#root::migration::Migration; #count] = [#(#migrations),*];
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
        };
    }
}

/// A digest as an expression.
pub(crate) fn digest(digest: Digest, root: &TokenStream) -> TokenStream {
    let bytes = Literal::byte_string(digest.bytes());
    quote!(#root::migration::Digest::new(*#bytes))
}

fn migration(migration: &Migration, folder: &Path, root: &TokenStream) -> TokenStream {
    let version = Literal::i64_unsuffixed(migration.version.0);
    let file = &migration.file;
    // Absolute, because a relative path would be read from the caller's file, which may be any.
    let path = folder.join(file.as_ref()).display().to_string();
    let mode = match migration.mode {
        Mode::Transaction => quote!(#root::migration::Mode::Transaction),
        Mode::NoTransaction => quote!(#root::migration::Mode::NoTransaction),
    };
    let body = body(&migration.body, root);
    let digest = digest(migration.digest, root);
    quote! {
        #root::migration::Migration {
            version: #root::migration::Version(#version),
            file: ::std::borrow::Cow::Borrowed(#file),
            text: ::std::borrow::Cow::Borrowed(::core::include_str!(#path)),
            mode: #mode,
            body: #body,
            digest: #digest,
        }
    }
}

fn body(body: &Body, root: &TokenStream) -> TokenStream {
    let section = |statements: &[Statement]| {
        let statements = statements.iter().map(|entry| statement(entry, root));
        quote!(::std::borrow::Cow::Borrowed(&[#(#statements),*]))
    };
    match body {
        Body::Split { up, down } => {
            let (up, down) = (section(up), section(down));
            quote!(#root::migration::Body::Split { up: #up, down: #down })
        }
        Body::Deferred => quote!(#root::migration::Body::Deferred),
    }
}

fn statement(statement: &Statement, root: &TokenStream) -> TokenStream {
    let start = Literal::u32_unsuffixed(statement.span().start);
    let end = Literal::u32_unsuffixed(statement.span().end);
    let line = Literal::u32_unsuffixed(statement.line());
    let span = quote!(#root::text::Span::new(#start, #end));
    match statement.rewritten_sql() {
        None => quote!(#root::migration::Statement::slice(#span, #line)),
        Some(sql) => quote! {
            #root::migration::Statement::rewritten(#span, #line, ::std::borrow::Cow::Borrowed(#sql))
        },
    }
}
