//! Why a folder is refused, as the build prints it.
//!
//! From a [`Verdict`] to the texts of compile errors, the same that `migrate lint` prints. Invariants: every problem of
//! the files is told; of what the rules find, as much as a person can read, and how to see the rest.

use std::collections::BTreeSet;

use migrate_core::diagnostic::{Code, Diagnostic, Severity};
use migrate_core::lint::Finding;
use migrate_core::verdict::Verdict;

use crate::site::Place;

/// How many findings of rules are shown. A project that embeds its hundred old migrations for the first time has to
/// find in its build how to say that they are history.
const SHOWN: usize = 20;

/// The errors of a folder; empty when it is accepted. Warnings refuse nothing, and a macro cannot show them.
pub(crate) fn refusals(verdict: &Verdict, place: &Place) -> Vec<String> {
    let refused = verdict.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error);
    let mut errors: Vec<String> = refused.cloned().map(of_diagnostic).collect();
    let found = verdict.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let found: Vec<&Finding> = found.collect();
    // The newest files are those that somebody works on.
    let (rest, shown) = found.split_at(found.len().saturating_sub(SHOWN));
    errors.extend(shown.iter().map(|finding| of_finding(finding)));
    errors.extend((!rest.is_empty()).then(|| summary(rest, place)));
    errors
}

fn of_diagnostic(mut diagnostic: Diagnostic) -> String {
    let help = match diagnostic.code {
        Code::NoFolder => Some("the path is relative to the file with this `embed!`: correct it or create the folder"),
        Code::NoMigrations => {
            Some("the path is relative to the file with this `embed!`: correct it, or write the first migration")
        }
        _ => None,
    };
    if let Some(help) = help {
        help.clone_into(&mut diagnostic.help);
    }
    let entry = diagnostic.code.entry();
    headed(&diagnostic.render(false), &format!("[{} {}]", entry.id, entry.name))
}

fn of_finding(finding: &Finding) -> String {
    headed(&finding.render(false), &format!("[{} {}]", finding.rule, finding.name))
}

/// The text without `error[…]: ` in front: rustc writes `error: ` there itself.
fn headed(text: &str, code: &str) -> String {
    let rest = text.strip_prefix("error").and_then(|rest| rest.strip_prefix(code)?.strip_prefix(": "));
    let Some(rest) = rest else { return text.to_owned() };
    let (message, excerpt) = rest.split_once('\n').unwrap_or((rest, ""));
    format!("{message} {code}\n{excerpt}")
}

fn summary(rest: &[&Finding], place: &Place) -> String {
    let (count, shown) = (rest.len(), &place.shown);
    let files = rest.iter().map(|finding| finding.version).collect::<BTreeSet<_>>().len();
    let (errors, migrations) =
        (if count == 1 { "error" } else { "errors" }, if files == 1 { "migration" } else { "migrations" });
    format!(
        "{count} more {errors} of the rules in {files} {migrations}\n  \
         = help: `migrate lint --dir {shown}` shows all of them\n  \
         = help: what databases have applied already is history: `migrate lock --dir {shown}` writes it down, and from \
         then on only new migrations are judged"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrate_core::config::Config;
    use migrate_core::parse::Environment;
    use migrate_core::verdict::{Request, Scope, of_folder};
    use std::fs;

    /// A folder that makes a table and then so many indexes under a lock.
    fn indexes(count: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        put("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n");
        for version in 2..count + 2 {
            let text =
                format!("-- +goose Up\nCREATE INDEX i{version} ON a (id);\n-- +goose Down\nDROP INDEX i{version};\n");
            put(&format!("{version:05}_i.sql"), &text);
        }
        let request = Request {
            config: Ok(Config::default()),
            scope: Scope::default(),
            today: None,
            dialect: None,
            values: Environment::default(),
        };
        let place = Place { folder: folder.path().to_owned(), shown: "m".into() };
        refusals(&of_folder(&place.folder, "m", request), &place)
    }

    #[test]
    fn a_finding_reads_as_migrate_lint_prints_it_behind_the_word_that_rustc_adds() {
        let errors = indexes(1);
        let [error] = errors.as_slice() else { panic!("{errors:#?}") };
        let (first, rest) = error.split_once('\n').unwrap();
        assert!(first.ends_with(" [L01 blocking-index-build]") && !first.starts_with("error"), "{first}");
        assert!(rest.trim_start().starts_with("--> m/00002_i.sql:2:"), "{rest}");
    }

    #[test]
    fn what_nobody_can_read_is_counted_and_the_way_out_comes_last() {
        assert_eq!(indexes(SHOWN).len(), SHOWN);
        let errors = indexes(SHOWN + 3);
        assert_eq!(errors.len(), SHOWN + 1);
        assert!(errors[0].contains("--> m/00005_i.sql"), "the newest are shown: {}", errors[0]);
        let last = errors.last().unwrap();
        assert!(last.starts_with("3 more errors of the rules in 3 migrations\n"), "{last}");
        assert!(last.contains("`migrate lock --dir m`") && last.contains("`migrate lint --dir m`"), "{last}");
    }
}
