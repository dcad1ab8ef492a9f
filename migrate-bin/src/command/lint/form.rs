//! The machine forms of `lint`: JSON, SARIF 2.1.0 for code scanning, and annotations of a GitHub workflow.

use migrate_core::diagnostic::{CODES, Diagnostic, Severity};
use migrate_core::lint::{Finding, RULES};
use migrate_core::verdict::Verdict;
use serde_json::{Value, json};

/// One problem, whichever floor found it.
struct Item<'a> {
    rule: &'a str,
    name: &'a str,
    severity: Severity,
    file: &'a str,
    line: u32,
    column: u32,
    section: Option<&'static str>,
    message: &'a str,
    help: &'a str,
    facts: &'a [String],
    history: &'a [String],
}

fn items(verdict: &Verdict) -> Vec<Item<'_>> {
    verdict.diagnostics.iter().map(of_diagnostic).chain(verdict.findings.iter().map(of_finding)).collect()
}

fn of_diagnostic(diagnostic: &Diagnostic) -> Item<'_> {
    let entry = diagnostic.code.entry();
    let (line, column) = diagnostic.position().map_or((1, 1), |at| (at.line, at.column));
    Item {
        rule: entry.id,
        name: entry.name,
        severity: diagnostic.severity(),
        file: &diagnostic.path,
        line,
        column,
        section: None,
        message: &diagnostic.message,
        help: &diagnostic.help,
        facts: &[],
        history: &[],
    }
}

fn of_finding(finding: &Finding) -> Item<'_> {
    let at = finding.position();
    Item {
        rule: finding.rule,
        name: finding.name,
        severity: finding.severity,
        file: &finding.path,
        line: at.line,
        column: at.column,
        section: Some(finding.direction.word()),
        message: &finding.message,
        help: &finding.help,
        facts: &finding.facts,
        history: &finding.history,
    }
}

/// The documented form (docs/json.md).
pub(in crate::command) fn json(verdict: &Verdict) -> Value {
    let findings: Vec<Value> = items(verdict)
        .iter()
        .map(|item| {
            json!({
                "rule": item.rule, "name": item.name, "severity": item.severity.word(), "file": item.file,
                "line": item.line, "column": item.column, "section": item.section, "message": item.message,
                "facts": item.facts, "history": item.history, "help": item.help, "explain": explain(item.rule),
            })
        })
        .collect();
    json!({ "findings": findings, "migrations": verdict.set.migrations.len(), "judged": verdict.judged })
}

/// SARIF 2.1.0 (OASIS): one run, with the rules that it mentions.
pub(in crate::command) fn sarif(verdict: &Verdict) -> Value {
    let items = items(verdict);
    let mut ids: Vec<&str> = items.iter().map(|item| item.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    let rules: Vec<Value> = ids.iter().map(|id| described(id)).collect();
    let results: Vec<Value> = items
        .iter()
        .map(|item| {
            json!({
                "ruleId": item.rule,
                "ruleIndex": ids.iter().position(|id| *id == item.rule),
                "level": item.severity.word(),
                "message": { "text": text(item) },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": uri(item.file) },
                    "region": { "startLine": item.line, "startColumn": item.column },
                }}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "migrate", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A rule or code as SARIF describes it.
fn described(id: &str) -> Value {
    let rule = RULES.iter().find(|rule| rule.id == id).map(|rule| (rule.name, rule.summary, rule.why));
    let code = || CODES.iter().find(|entry| entry.id == id).map(|entry| (entry.name, entry.explanation, ""));
    let (name, summary, why) = rule.or_else(code).unwrap_or((id, id, ""));
    json!({
        "id": id, "name": name, "shortDescription": { "text": summary },
        "fullDescription": { "text": if why.is_empty() { summary } else { why } },
        "help": { "text": explain(id) },
    })
}

fn explain(id: &str) -> String {
    format!("migrate explain {id}")
}

/// What is wrong, why, and what to do, for readers that show nothing else.
fn text(item: &Item<'_>) -> String {
    let facts = item.facts.iter().chain(item.history).map(String::as_str);
    let lines: Vec<&str> = std::iter::once(item.message).chain(facts).chain([item.help]).collect();
    format!("{}\n{}", lines.join("\n"), explain(item.rule))
}

/// A path as a URI reference (RFC 3986): relative ones are resolved against the root of the repository.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let part = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let encoded: String = path.replace('\\', "/").bytes().map(part).collect();
    if encoded.starts_with('/') { format!("file://{encoded}") } else { encoded.trim_start_matches("./").to_owned() }
}

/// Workflow commands of GitHub Actions, one a line.
pub(in crate::command) fn github(verdict: &Verdict) -> String {
    let line = |item: &Item<'_>| {
        format!(
            "::{level} file={file},line={line},col={column},title={title}::{message}\n",
            level = item.severity.word(),
            file = property(item.file),
            line = item.line,
            column = item.column,
            title = property(&format!("{} {}", item.rule, item.name)),
            message = data(&text(item)),
        )
    };
    items(verdict).iter().map(line).collect()
}

/// What GitHub's own toolkit escapes in the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What it escapes in a property besides.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_whatever_it_holds() {
        assert_eq!(uri("migrations/1_a.sql"), "migrations/1_a.sql");
        assert_eq!(uri("./m/1_é x%.sql"), "m/1_%C3%A9%20x%25.sql");
        assert_eq!(uri("/srv/m/1_a.sql"), "file:///srv/m/1_a.sql");
    }

    #[test]
    fn a_line_break_does_not_end_a_workflow_command() {
        assert_eq!(data("a\nb 100%"), "a%0Ab 100%25");
        assert_eq!(property("m/1_a,b:c.sql"), "m/1_a%2Cb%3Ac.sql");
    }
}
