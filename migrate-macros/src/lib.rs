//! [`embed!`]: a folder of goose migrations as typed constants of the program.
//!
//! Reading, parsing and checking are `migrate_core`'s, the same code that the `migrate` command runs; this crate only
//! writes the result down as Rust. The macro is a shim over `expand::expand`, an ordinary function on token streams.
//! Invariant: the output always compiles but for its own errors, so that a wrong SQL file is reported once.

mod call;
mod expand;
mod handle;
mod project;
mod refusal;
mod set;
mod site;

use proc_macro::TokenStream;

/// Embeds a folder of goose migrations, as an expression or as a module.
///
/// As an expression it is a `&'static migrate_core::migration::Set`:
///
/// ```text
/// let set = migrate_macros::embed!("../../migrations");
/// ```
///
/// As an item it is a module that also has a handle for every migration:
///
/// ```text
/// migrate_macros::embed!(pub mod schema = "../../migrations");
///
/// assert_eq!(schema::LATEST, schema::V00012_add_task_templates.version);
/// ```
///
/// The module holds `SET`, `LATEST` (the highest version, 0 for an empty set), `SET_DIGEST`, a
/// `pub const V00012_add_task_templates: &Migration` for the file `00012_add_task_templates.sql` (what cannot stand in
/// an identifier becomes `_`), and a test that fails when the build is older than the folder. Code that names a handle
/// no longer compiles when its migration is gone. Attributes and visibility are written before `mod`, as always.
///
/// The path is relative to the file with the call, like that of `include_str!` (where the compiler does not know that
/// file, to the folder of `Cargo.toml`). All errors of all files are reported at once.
///
/// A `migrate.toml` above the folder and a `migrate.lock` in it are checked with it, and an edit of either builds again.
/// The rules judge every migration that neither of the two calls history; what they find is an error of the build when
/// its level is `deny`, in the text that `migrate lint` prints. A macro cannot emit warnings: `migrate lint` shows them.
/// A build knows no date: an exception `until=2027-03-01` ends in `migrate lint`, not in a build that worked yesterday.
///
/// Cargo notices edits and deletions by itself, but new files only with a `build.rs`:
///
/// ```no_run
/// fn main() {
///     migrate_core::build::watch("../migrations"); // relative to Cargo.toml
/// }
/// ```
///
/// The code refers to the crate `::migrate_core`. Where that is known by another name, say it last:
/// `embed!("../../migrations", crate = migrate_bin::core)`.
///
/// Where a file switches ENVSUB on, and goose up to 3.30.0 reads one of its lines differently than goose from 3.30.1 on, say
/// which one is meant: `embed!("../../migrations", envsub = "goose-3.30")`, or `"goose-3.27"`.
#[proc_macro]
pub fn embed(input: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    expand::expand(input.into(), &site::Site::of_compiler(file.as_deref())).into()
}
