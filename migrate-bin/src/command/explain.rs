//! `explain`: why a diagnostic or a rule exists, with an example that breaks it and one that does not; or which of them are
//! about something.

use migrate_core::diagnostic::{CODES, Entry, Severity};
use migrate_core::lint::{RULES, Rule};
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

use super::Ended;
use crate::arguments::Form;
use crate::console::Console;

/// What can be explained.
enum Topic {
    Code(&'static Entry),
    Rule(&'static Rule),
}

impl Topic {
    /// The codes, then the rules.
    fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(Self::Code).chain(RULES.iter().map(|rule| Self::Rule(rule)))
    }

    /// Id, name, level, and what it is about in one sentence.
    fn line(&self) -> [&'static str; 4] {
        match self {
            Self::Code(entry) => [entry.id, entry.name, entry.severity.word(), first(entry.explanation)],
            Self::Rule(rule) => [rule.id, rule.name, level(rule), rule.summary],
        }
    }

    fn page(&self) -> String {
        match self {
            Self::Code(entry) => entry_page(entry),
            Self::Rule(rule) => rule_page(rule),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Code(entry) => entry_json(entry),
            Self::Rule(rule) => rule_json(rule),
        }
    }
}

/// Explains a code or a rule, by id or name; one line each of those that a word is in, or of all of them.
pub(super) fn run(which: Option<&str>, console: &mut Console) -> Ended {
    let Some(which) = which else {
        list(&Topic::all().collect::<Vec<_>>(), console);
        return Ok(Exit::Ok);
    };
    let is_named = |topic: &Topic| {
        let [id, name, ..] = topic.line();
        id.eq_ignore_ascii_case(which) || name == which
    };
    if let Some(topic) = Topic::all().find(is_named) {
        match console.output {
            Form::Json => console.json(&topic.json()),
            Form::Text => console.data(&topic.page()),
        }
        return Ok(Exit::Ok);
    }
    let word = which.to_lowercase();
    let has_it = |topic: &Topic| topic.line().iter().any(|text| text.to_lowercase().contains(&word));
    let about: Vec<Topic> = Topic::all().filter(has_it).collect();
    if about.is_empty() {
        let message = format!("there is no code or rule `{}`, and none that is about it", which.escape_debug());
        return Err(Failure::new(Exit::Usage, message, "`migrate explain` without an argument lists them").into());
    }
    list(&about, console);
    Ok(Exit::Ok)
}

/// A line each.
fn list(topics: &[Topic], console: &mut Console) {
    if console.output == Form::Json {
        console.json(&topics.iter().map(Topic::json).collect::<Vec<_>>());
        return;
    }
    let line = |topic: &Topic| {
        let [id, name, level, summary] = topic.line();
        format!("{id} {name:<40} {level:<8} {summary}\n")
    };
    console.data(&topics.iter().map(line).collect::<String>());
    console.say("listed", "`migrate explain L09` says all about one of them");
}

/// The first sentence.
fn first(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn level(rule: &Rule) -> &'static str {
    rule.level.map_or("off", Severity::word)
}

fn rule_page(rule: &Rule) -> String {
    let mut page = format!("{} {}: {}\n\n", rule.id, rule.name, by_default(rule));
    page.push_str(&format!("Reports {}.\n{}\n\nInstead:\n{}\n", rule.summary, rule.why, indented(rule.instead)));
    page.push_str("\nReported:\n");
    rule.bad.iter().for_each(|file| page.push_str(&example(file)));
    page.push_str("\nNot reported:\n");
    let same: Vec<&str> = rule.good.iter().filter(|file| rule.bad.contains(file)).map(|(name, _)| *name).collect();
    if !same.is_empty() {
        page.push_str(&format!("\n-- {} as above\n", same.join(", ")));
    }
    rule.good.iter().filter(|file| !rule.bad.contains(file)).for_each(|file| page.push_str(&example(file)));
    page.push_str(&format!(
        "\nTo answer for one finding, above its statement:\n    -- migrate:allow {name} reason=\"…\"\n\
         To change what its findings count, in migrate.toml, with \"allow\", \"warn\" or \"deny\":\n    \
         [lint.rules]\n    {name} = \"warn\"\n",
        name = rule.name
    ));
    page
}

fn by_default(rule: &Rule) -> &'static str {
    match rule.level {
        Some(Severity::Error) => "error, refuses the migrations",
        Some(Severity::Warning) => "warning, is shown",
        None => "off unless migrate.toml asks for it",
    }
}

fn example((file, text): &(&str, &str)) -> String {
    format!("\n-- {file}\n{}\n", text.trim_end())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn entry_page(entry: &Entry) -> String {
    let example = if entry.bad_text.is_empty() {
        String::new()
    } else {
        format!("\nReported:\n\n-- {}\n{}", entry.bad_file, entry.bad_text.replace('\0', "\\0"))
    };
    let effect = match entry.severity {
        Severity::Error => "error, refuses the migrations",
        Severity::Warning => "warning, is shown",
    };
    format!("{} {}: {effect}\n\n{}\n{example}", entry.id, entry.name, entry.explanation)
}

fn rule_json(rule: &Rule) -> Value {
    let files = |files: &[(&str, &str)]| -> Vec<Value> {
        files.iter().map(|(file, text)| json!({ "file": file, "text": text })).collect()
    };
    json!({
        "id": rule.id, "name": rule.name, "level": level(rule), "summary": rule.summary, "why": rule.why,
        "instead": rule.instead, "bad": files(rule.bad), "good": files(rule.good),
    })
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "name": entry.name, "level": entry.severity.word(), "summary": entry.explanation,
        "bad": [{ "file": entry.bad_file, "text": entry.bad_text }],
    })
}
