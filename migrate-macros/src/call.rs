//! What the caller wrote between the parentheses of `embed!`.

use migrate_core::migration::Dialect;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Token};

/// A call of `embed!`.
pub(crate) struct Call {
    pub(crate) form: Form,
    /// The folder, as written.
    pub(crate) path: LitStr,
    /// The path of the crate that the output refers to.
    pub(crate) root: TokenStream,
    /// The language of the files' variables, where one is named.
    pub(crate) dialect: Option<Dialect>,
}

/// What the call expands to.
pub(crate) enum Form {
    /// An expression of type `&'static Set`.
    Expression,
    /// A module.
    Items {
        /// Attributes and visibility, handed on unread.
        head: TokenStream,
        name: Ident,
    },
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let form = if input.peek(LitStr) { Form::Expression } else { items(input)? };
        let path = input.parse().map_err(|error| syn::Error::new(error.span(), EXPECTED))?;
        let (mut root, mut dialect) = (quote!(::migrate_core), None);
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            if input.peek(Token![crate]) {
                input.parse::<Token![crate]>()?;
                input.parse::<Token![=]>()?;
                root = crate_path(input)?;
            } else {
                dialect = Some(self::dialect(input)?);
            }
        }
        Ok(Self { form, path, root, dialect })
    }
}

const EXPECTED: &str = "expected the folder as a string literal: `embed!(\"../../migrations\")` or \
    `embed!(pub mod schema = \"../../migrations\");`";

/// `envsub = "goose-3.30"`, behind the path.
fn dialect(input: ParseStream<'_>) -> syn::Result<Dialect> {
    let name: Ident = input.parse()?;
    if name != "envsub" {
        return Err(syn::Error::new(name.span(), "expected `crate = path` or `envsub = \"goose-3.30\"`"));
    }
    input.parse::<Token![=]>()?;
    let word: LitStr = input.parse()?;
    word.value().parse().map_err(|error: String| syn::Error::new(word.span(), error))
}

/// `#[attribute] pub mod name =`, in front of the path.
fn items(input: ParseStream<'_>) -> syn::Result<Form> {
    let mut head = TokenStream::new();
    while !input.peek(Token![mod]) {
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), EXPECTED));
        }
        head.extend([input.parse::<TokenTree>()?]);
    }
    input.parse::<Token![mod]>()?;
    let name = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok(Form::Items { head, name })
}

/// `::a::b` or `crate::b`; segments have no arguments, so this is all a crate's path can be.
fn crate_path(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let leading: Option<Token![::]> = input.parse()?;
    let first = Ident::parse_any(input)?;
    let mut path = quote!(#leading #first);
    while let Some(colons) = input.parse::<Option<Token![::]>>()? {
        let segment = Ident::parse_any(input)?;
        path.extend(quote!(#colons #segment));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> syn::Result<Call> {
        syn::parse_str(text)
    }

    #[test]
    fn a_literal_alone_is_the_expression_form() {
        let call = call("\"../m\",").unwrap();
        assert!(matches!(call.form, Form::Expression));
        assert_eq!(call.path.value(), "../m");
        assert_eq!(call.root.to_string(), ":: migrate_core");
    }

    #[test]
    fn attributes_and_visibility_are_handed_on() {
        let call = call("/// Ours.\n#[cfg(unix)] pub(crate) mod schema = \"m\", crate = crate::core").unwrap();
        let Form::Items { head, name } = call.form else { panic!("not the item form") };
        assert_eq!(head.to_string(), "# [doc = \" Ours.\"] # [cfg (unix)] pub (crate)");
        assert_eq!(name, "schema");
        assert_eq!(call.root.to_string(), "crate :: core");
    }

    #[test]
    fn anything_else_is_answered_with_an_example() {
        for text in ["", "folder", "mod schema = folder", "pub"] {
            let error = call(text).err().unwrap().to_string();
            assert!(error.contains("embed!(\"../../migrations\")"), "{text}: {error}");
        }
    }
}
