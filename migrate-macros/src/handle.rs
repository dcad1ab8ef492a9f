//! A handle per migration: a constant by which code names it, so that the code no longer compiles when it is gone.

use std::collections::BTreeSet;

use migrate_core::migration::Set;
use migrate_core::parse::{Folder, version};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

/// The handles of a set whose migrations stand in `MIGRATIONS`.
pub(crate) fn handles(set: &Set, root: &TokenStream) -> TokenStream {
    let handles = set.migrations.iter().enumerate().map(|(index, migration)| {
        let name = name(&migration.file);
        let doc = format!("Version {}: `{}`.", migration.version, set.path_of(migration));
        let index = Literal::usize_unsuffixed(index);
        quote! {
            #[doc = #doc]
            pub const #name: &#root::migration::Migration = &MIGRATIONS[#index];
        }
    });
    quote!(#(#handles)*)
}

/// The handles that a refused folder would have: code that names them is not at fault, and gets no error.
pub(crate) fn promised(folder: &Folder, root: &TokenStream) -> TokenStream {
    let mut names = BTreeSet::new();
    let files = folder.sources.iter().map(|source| source.file.as_str()).filter(|file| version(file).is_ok());
    let handles = files.map(name).filter(|name| names.insert(name.clone())).map(|name| {
        quote! {
            pub const #name: &#root::migration::Migration = &#root::migration::Migration {
                version: LATEST,
                file: ::std::borrow::Cow::Borrowed(""),
                text: ::std::borrow::Cow::Borrowed(""),
                mode: #root::migration::Mode::Transaction,
                body: #root::migration::Body::Deferred(::core::option::Option::None),
                digest: SET_DIGEST,
            };
        }
    });
    quote!(#(#handles)*)
}

/// `V00012_add_tasks` for `00012_add_tasks.sql`: digits as written, and `_` for what cannot stand in an identifier.
/// Different versions have different names, because the first `_` ends the digits.
fn name(file: &str) -> Ident {
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    // goose allows a plus sign in front of the digits.
    let stem = stem.strip_prefix('+').unwrap_or(stem);
    let name: String = stem.chars().map(|c| if unicode_ident::is_xid_continue(c) { c } else { '_' }).collect();
    Ident::new(&format!("V{name}"), Span::call_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stay_as_they_are_written() {
        assert_eq!(name("00012_add_task_templates.sql"), "V00012_add_task_templates");
        assert_eq!(name("1_000_rows.sql"), "V1_000_rows");
    }

    #[test]
    fn what_cannot_stand_in_an_identifier_becomes_an_underscore() {
        assert_eq!(name("1_é x-y.sql"), "V1_é_x_y");
        assert_eq!(name("+7_m².v2.sql"), "V7_m__v2");
        assert_eq!(name("3_.sql"), "V3_");
    }
}
