//! From a call of `embed!` to its output.
//!
//! An ordinary function of the tokens and the [`Site`], tested without a compiler. Invariant: the output has the type
//! and the names that the caller relies on even when the folder is refused, so that no error follows from another.
//!
//! `build.rs` *watches* (`build::watch`: rerun-if-changed for the folder and each file, and the folder's digest in an
//! environment variable of the compiler), the macro *reads*, so that an error has one owner. The macro compares the two
//! digests: an edit with an old modification time is named `stale-watch`. In debug builds the command compares its set
//! with the folder again, and the module form of `embed!` generates a test that does. The output always has the type and
//! the names that the caller relies on, so that no error follows from another; texts are `include_str!`, statements are
//! spans into them. The revision of git goes the same way as the digest, for `migrate version` (`build/revision.rs`);
//! without git, `MIGRATE_REVISION` counts. The settings and the lock are `include_bytes!` constants that nothing uses:
//! cargo builds again after an edit of them. The digests of folder and set do not cover them.
//!
//! What the macro refuses is the `Verdict` that the command asks for too, so the build, `lint`, `lock` and `validate`
//! cannot disagree. It is a pure function of the files: no clock, no environment. Where it costs, and what keeps it
//! cheap:
//!
//! * **A constant a migration.** After an edit of one file rustc reuses what it knows of all other constants. In one
//!   array expression, 1,000 files cost it 0.9 s at every edit.
//! * **The output is text** that the compiler's own lexer reads (`Site::reader`): several times faster than as many
//!   tokens one by one.
//! * **A statement is parsed once** (`check::read_files`): the syntax gate and the commands come from one tree. Files
//!   are read, and later judged, on all processors (`parallel`), with the same outcome on any number of them.
//! * **A `Catalog` is cheap to copy** (`catalog/map.rs`: sorted chunks that copies share), because every command is
//!   looked at with the schema before and after it, and what hangs on a name is found by an index of mentions
//!   (`catalog/relations.rs`), because a scan of all relations at every DROP makes a history cost its square.
//!
//! `migrate-macros/benches/rebuild.rs` measures it: the rebuild after an edit beside the same crate with `include_str!`
//! alone.

use std::borrow::Cow;

use migrate_core::build::{touch, watch_variable};
use migrate_core::migration::{Dialect, Digest, Set};
use migrate_core::parse::{Environment, read_folder};
use migrate_core::verdict::{self, Request, Scope};
use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use crate::call::{Call, Form};
use crate::handle::{handles, promised};
use crate::project::Project;
use crate::refusal::refusals;
use crate::set::{digest, set};
use crate::site::{Place, Site};

/// Expands a call of `embed!` that stands at `site`.
pub(crate) fn expand(input: TokenStream, site: &Site) -> TokenStream {
    let call: Call = match syn::parse2(input) {
        Ok(call) => call,
        Err(error) => return error.to_compile_error(),
    };
    let place = site.resolve(&call.path.value());
    let project = Project::of(&place, site);
    let (read, errors) = read((&place, &project), call.dialect, site);
    let tracked = project.tracked();
    let root = &call.root;
    let compile_errors = errors.iter().map(|error| quote_spanned!(call.path.span()=> ::core::compile_error!(#error);));
    match &call.form {
        Form::Expression => {
            let set = set(&read, root, &TokenStream::new(), site.reader);
            quote!({ #(#compile_errors)* #tracked #set &SET })
        }
        Form::Items { head, name } => {
            let doc = format!("The migrations of `{}` as they were when this was built.", place.shown);
            let handles = if errors.is_empty() {
                handles(&read, root)
            } else {
                promised(&read_folder(&place.folder, &place.shown), root)
            };
            let items = items(&read, root, site);
            quote! {
                #head mod #name {
                    #![doc = #doc]
                    #![allow(dead_code, missing_docs, non_upper_case_globals, unreachable_pub)]
                    #(#compile_errors)*
                    #tracked
                    #items
                    #handles
                }
            }
        }
    }
}

/// What the module holds besides the handles.
fn items(read: &Set, root: &TokenStream, site: &Site) -> TokenStream {
    let set = set(read, root, &quote!(pub), site.reader);
    let digest = digest(read.digest, root);
    let latest = Literal::i64_unsuffixed(read.latest().0);
    quote! {
        #set
        /// The highest version, 0 for an empty set.
        pub const LATEST: #root::migration::Version = #root::migration::Version(#latest);
        /// The digest of the whole set.
        pub const SET_DIGEST: #root::migration::Digest = #digest;

        #[cfg(test)]
        #[test]
        fn the_embedded_migrations_are_those_of_the_folder() {
            let stale = #root::build::stale(&SET).map(|stale| stale.to_string());
            ::core::assert!(stale.is_none(), "{}", stale.unwrap_or_default());
        }
    }
}

/// The set of the folder, or an empty one and every error.
fn read((place, project): (&Place, &Project), dialect: Option<Dialect>, site: &Site) -> (Set, Vec<String>) {
    // No date: a build that fails tomorrow without a change could not be repeated. `migrate lint` knows the date.
    let request = Request {
        config: project.config(),
        scope: Scope::default(),
        today: None,
        dialect,
        values: Environment::default(),
    };
    let verdict = verdict::of_folder(&place.folder, &place.shown, request);
    let mut errors = refusals(&verdict, place);
    let set = verdict.set;
    if place.folder.to_str().is_none() {
        errors.push(format!("the path of `{}` is not UTF-8\n  = help: rename or move the folder", place.shown));
    }
    errors.extend(watch_error(place, set.digest, site));
    if errors.is_empty() {
        return (set, errors);
    }
    let empty = Set { migrations: Cow::Borrowed(&[]), digest: Digest::of_parts([]), ..set };
    (empty, errors)
}

/// The build script has read the folder too. Where it saw other content it did not run after the last change, and
/// nothing else that cargo remembers about the folder can be trusted.
fn watch_error(place: &Place, digest: Digest, site: &Site) -> Option<String> {
    let watched = site.watched.get(&watch_variable(&place.folder)?)?;
    (*watched != digest.to_string()).then(|| {
        format!(
            "build.rs last ran on other migrations than those in `{shown}` now\n  \
             = note: cargo compares modification times, and a file was changed with an old one, as by tar, \
             rsync -t or a restored cache\n  \
             = help: run `{touch}` and build again",
            touch = touch(&place.shown),
            shown = place.shown
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    const SQL: &str = "-- +goose Up\nSELECT 1;\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("m")).unwrap();
        for (file, text) in files {
            fs::write(folder.path().join("m").join(file), text).unwrap();
        }
        folder
    }

    fn site(folder: &Path) -> Site {
        Site::of_test(folder, folder)
    }

    /// The output as a compiler would read it, blanks aside.
    fn expanded(call: &str, site: &Site) -> String {
        expand(call.parse().unwrap(), site).to_string().replace(' ', "")
    }

    #[test]
    fn an_expression_ends_in_a_reference_to_the_set() {
        let folder = folder(&[("1_a.sql", SQL)]);
        let output = expanded("\"m\"", &site(folder.path()));
        assert!(output.starts_with("{use::migrate_coreas__migrate_core;constMIGRATION_1:"), "{output}");
        assert!(
            output.contains("staticMIGRATIONS:[__migrate_core::migration::Migration;1]=[MIGRATION_1,]"),
            "{output}"
        );
        assert!(output.ends_with("&SET}"), "{output}");
        assert!(output.contains("Statement::slice(__migrate_core::text::Span::new(13,22),2)"), "{output}");
        let path = folder.path().canonicalize().unwrap().join("m/1_a.sql");
        assert!(output.contains(&format!("include_str!(\"{}\")", path.display())), "{output}");
        assert!(!output.contains("V1_a"), "{output}");
    }

    #[test]
    fn a_module_has_a_handle_for_every_migration() {
        let folder = folder(&[("00002_b.sql", SQL), ("1_é x-y.sql", SQL)]);
        let output = expanded("#[cfg(unix)] pub(crate) mod schema = \"m\", crate = other", &site(folder.path()));
        assert!(output.starts_with("#[cfg(unix)]pub(crate)modschema{"), "{output}");
        assert!(output.contains("pubconstV1_é_x_y:&other::migration::Migration=&MIGRATIONS[0];"), "{output}");
        assert!(output.contains("pubconstV00002_b:&other::migration::Migration=&MIGRATIONS[1];"), "{output}");
        assert!(output.contains("pubconstLATEST:other::migration::Version=other::migration::Version(2);"), "{output}");
        assert!(output.contains("fnthe_embedded_migrations_are_those_of_the_folder()"), "{output}");
        assert!(!output.replace("__migrate_core", "").contains("migrate_core"), "{output}");
    }

    #[test]
    fn a_file_with_variables_is_split_when_it_runs() {
        let folder = folder(&[("1_a.sql", "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '$A';\n")]);
        assert!(expanded("\"m\"", &site(folder.path())).contains("Body::Deferred"));
    }

    #[test]
    fn every_error_is_emitted_and_the_set_is_empty() {
        let folder = folder(&[("1_a.sql", "SELECT 1;\n"), ("2_b.sql", "-- +goose Up\nSELECT 1\n"), ("3_c.sql", SQL)]);
        let output = expanded("mod schema = \"m\"", &site(folder.path()));
        assert_eq!(output.matches("::core::compile_error!").count(), 2, "{output}");
        assert!(output.contains("[P12missing-semicolon]\\n-->m/2_b.sql:2:1"), "{output}");
        assert!(output.contains("staticMIGRATIONS:[__migrate_core::migration::Migration;0]=[]"), "{output}");
        for handle in ["V1_a", "V2_b", "V3_c"] {
            assert!(output.contains(&format!("pubconst{handle}:")), "code with {handle} is not at fault: {output}");
        }
    }

    #[test]
    fn a_refused_folder_defines_no_name_twice() {
        let folder = folder(&[("1_a b.sql", SQL), ("1_a-b.sql", SQL)]);
        let output = expanded("mod schema = \"m\"", &site(folder.path()));
        assert_eq!(output.matches("pubconstV1_a_b:").count(), 1, "{output}");
    }

    #[test]
    fn warnings_refuse_nothing() {
        let text = "-- +goose Up\nSELECT 1;\n-- +goose StatementBegin\n-- +goose StatementEnd\n";
        let folder = folder(&[("1_a.sql", text)]);
        assert!(!expanded("\"m\"", &site(folder.path())).contains("compile_error"));
    }

    #[test]
    fn the_lock_and_the_settings_are_part_of_what_the_compiler_reads() {
        let folder = folder(&[("1_a.sql", SQL)]);
        let site = site(folder.path());
        assert!(!expanded("\"m\"", &site).contains("include_bytes"));
        let set = migrate_core::check::folder(&folder.path().join("m"), "m", None).set;
        fs::write(folder.path().join("m/migrate.lock"), migrate_core::lock::render(&set)).unwrap();
        fs::write(folder.path().join("migrate.toml"), "").unwrap();
        let root = folder.path().canonicalize().unwrap();
        for call in ["\"m\"", "mod schema = \"m\""] {
            let output = expanded(call, &site);
            assert!(!output.contains("compile_error"), "{output}");
            for file in ["m/migrate.lock", "migrate.toml"] {
                let path = root.join(file).display().to_string();
                let constant = format!("const_:&[u8]=::core::include_bytes!(\"{path}\");");
                assert!(output.contains(&constant), "{output}");
            }
        }
    }

    #[test]
    fn an_error_of_the_settings_or_the_lock_is_one_of_the_folder() {
        let folder = folder(&[("1_a.sql", SQL), ("migrate.lock", "garbage\n")]);
        fs::write(folder.path().join("migrate.toml"), "[budgets]\na = 1\nb = true\n").unwrap();
        let output = expanded("mod schema = \"m\"", &site(folder.path()));
        assert_eq!(output.matches("::core::compile_error!").count(), 2, "{output}");
        assert!(output.contains("[C01bad-config]\\n-->migrate.toml:3:5"), "{output}");
        assert!(output.contains("[K04bad-lock]\\n-->m/migrate.lock:1:1"), "{output}");
    }

    #[test]
    fn the_build_script_must_have_seen_what_is_embedded() {
        let folder = folder(&[("1_a.sql", SQL)]);
        let path = folder.path().join("m");
        let variable = watch_variable(&path).unwrap();
        let mut site = site(folder.path());
        site.watched.insert(variable.clone(), read_folder(&path, "m").digest().to_string());
        assert!(!expanded("\"m\"", &site).contains("compile_error"));
        site.watched.insert(variable, "0".repeat(64));
        assert!(expanded("\"m\"", &site).contains("run`touchm/*.sql`"));
    }
}
