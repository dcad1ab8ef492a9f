//! The comment below a pull request: alarms first, then what is new, what the rules say, the proof, the schema.

use super::markdown::{Page, block, code, escape, prose};
use super::picture::verdict;
use super::section::exception;
use super::summary::summary;
use super::{Material, Proof, plural};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Finding;
use crate::migration::Migration;

/// The first line of a comment, by which it is found again and edited in place.
pub const MARKER: &str = "<!-- migrate-review -->";

/// What a comment is about.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// What the review rests on.
    pub material: Material<'a>,
    /// The revision that the branch is compared with; none where all migrations are looked at.
    pub revision: Option<&'a str>,
    /// The migrations that the branch adds.
    pub new: &'a [&'a Migration],
    /// What it did to those that the base has.
    pub alarms: &'a [Diagnostic],
    /// What else is wrong with the files.
    pub problems: &'a [Diagnostic],
}

/// The comment as GitHub's Markdown, of at most 65,000 characters.
#[must_use]
pub fn comment(letter: &Letter<'_>) -> String {
    let mut page = Page::new(&head(letter));
    page.section("Migrations that may be applied already", letter.alarms.iter().map(of_diagnostic).collect());
    page.section("Problems of the files", letter.problems.iter().map(of_diagnostic).collect());
    page.section("New migrations", letter.new.iter().map(|migration| of_migration(letter, migration)).collect());
    let mut findings: Vec<&Finding> = letter.material.findings.iter().collect();
    // Stable: within a severity by version and place.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    page.section("Findings", findings.into_iter().map(of_finding).collect());
    page.section("Can it be undone?", proofs(letter));
    page.section("What changes in the schema", changes(letter));
    page.section("Accepted by the author", accepted(letter));
    page.finish("`migrate review` prints all of it; the log of this workflow and its SARIF have it too.")
}

fn head(letter: &Letter<'_>) -> String {
    let (errors, warnings) = (count(letter, Severity::Error), count(letter, Severity::Warning));
    let title = match (errors, warnings) {
        (0, 0) => "nothing to object to".to_owned(),
        (0, warnings) => plural(warnings, "warning"),
        (errors, 0) => plural(errors, "error"),
        (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    };
    let against = letter.revision.map(|revision| format!(" against {}", code(revision))).unwrap_or_default();
    let new = match letter.new.len() {
        0 => format!("No migration is new{against}."),
        count => format!("{} new{against}.", plural(count, "migration")),
    };
    format!("{MARKER}\n## Migrations: {title}\n\n{new}\n")
}

fn count(letter: &Letter<'_>, wanted: Severity) -> usize {
    let files = letter.alarms.iter().chain(letter.problems).map(Diagnostic::severity);
    let rules = letter.material.findings.iter().map(|finding| finding.severity);
    let unproven = proofs_of(letter).filter(|proof| !proof.holds()).map(|_| Severity::Error);
    files.chain(rules).chain(unproven).filter(|severity| *severity == wanted).count()
}

fn of_diagnostic(diagnostic: &Diagnostic) -> String {
    let entry = diagnostic.code.entry();
    let line = diagnostic.position().map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
    format!(
        "* **{}** {} in {}: {}\n  * do: {}\n",
        diagnostic.severity().word(),
        code(&format!("{} {}", entry.id, entry.name)),
        code(&format!("{}{line}", diagnostic.path)),
        prose(&diagnostic.message),
        prose(&diagnostic.help),
    )
}

fn of_migration(letter: &Letter<'_>, migration: &Migration) -> String {
    let summary = summary(&letter.material, migration);
    format!("* {}: {}\n", code(&migration.file), escape(&summary.line()))
}

fn of_finding(finding: &Finding) -> String {
    let at = finding.position();
    let mut text = format!(
        "* **{}** {} in {} ({}): {}\n",
        finding.severity.word(),
        code(&format!("{} {}", finding.rule, finding.name)),
        code(&format!("{}:{}:{}", finding.path, at.line, at.column)),
        finding.direction.word(),
        prose(&finding.message),
    );
    finding.facts.iter().for_each(|fact| text.push_str(&format!("  * fact: {}\n", prose(fact))));
    finding.history.iter().for_each(|line| text.push_str(&format!("  * history: {}\n", prose(line))));
    let help = finding.help.lines().map(|line| prose(line.trim()));
    text.push_str(&format!("  * do: {}\n", help.collect::<Vec<_>>().join("<br>")));
    let file = if finding.statement.is_some() { "" } else { "-file" };
    text.push_str(&format!(
        "  * or answer for it: {}\n",
        code(&format!("-- migrate:allow{file} {} reason=\"…\"", finding.name))
    ));
    text
}

fn proofs_of<'a>(letter: &'a Letter<'_>) -> impl Iterator<Item = &'a Proof> {
    letter.new.iter().filter_map(|migration| letter.material.proof(migration.version))
}

fn proofs(letter: &Letter<'_>) -> Vec<String> {
    if !letter.new.is_empty() && proofs_of(letter).next().is_none() {
        return vec!["* Not proven here: `migrate review --verify` tries every Down on a scratch server.\n".to_owned()];
    }
    let entry = |migration: &&Migration| {
        let name = code(&migration.file);
        let Some(proof) = letter.material.proof(migration.version) else {
            let summary = summary(&letter.material, migration);
            return format!("* {name}: {}\n", escape(&summary.reversible()));
        };
        let word = if proof.holds() { "" } else { "**error** " };
        let mut text = format!("* {word}{name}: {}\n", escape(&verdict(proof)));
        if let Some(error) = &proof.error {
            text.push_str(&format!("  * {}\n", code(error)));
        }
        if !proof.difference.is_empty() {
            text.push_str(&format!("\n{}\n", block("diff", &proof.difference)));
        }
        text
    };
    letter.new.iter().map(entry).collect()
}

fn changes(letter: &Letter<'_>) -> Vec<String> {
    let proofs = proofs_of(letter).filter(|proof| !proof.change.is_empty());
    let entry = |proof: &Proof| {
        let migration = letter.new.iter().find(|migration| migration.version == proof.version);
        let name = migration.map_or_else(String::new, |migration| code(&migration.file));
        format!("* {name}\n\n{}\n", block("diff", &proof.change))
    };
    proofs.map(entry).collect()
}

fn accepted(letter: &Letter<'_>) -> Vec<String> {
    let is_new = |version| letter.new.iter().any(|migration| migration.version == version);
    let allows = letter.material.allows.iter().filter(|allow| is_new(allow.version));
    allows
        .map(|allow| format!("* {}: {}\n", code(&format!("{}:{}", allow.path, allow.line)), prose(&exception(allow))))
        .collect()
}
