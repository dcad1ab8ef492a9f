//! `explain`: why a diagnostic or a rule exists, with an example that breaks it and one that does not; or which of them are
//! about something.

use migrate_core::diagnostic::{CODES, Entry, Severity};
use migrate_core::lint::{RULES, Rule};
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

use super::Ended;
use crate::arguments::Form;
use crate::console::Console;

/// Explains a code or a rule, by id or name; one line each of those that a word is in, or of all of them.
pub(super) fn run(which: Option<&str>, console: &mut Console) -> Ended {
    let Some(which) = which else {
        list(|_| true, console);
        return Ok(Exit::Ok);
    };
    let named = |id: &str, name: &str| id.eq_ignore_ascii_case(which) || name == which;
    if let Some(rule) = RULES.iter().find(|rule| named(rule.id, rule.name)) {
        print(&rule_page(rule), &rule_json(rule), console);
    } else if let Some(entry) = CODES.iter().find(|entry| named(entry.id, entry.name)) {
        print(&entry_page(entry), &entry_json(entry), console);
    } else {
        let word = which.to_lowercase();
        let has_it = |line: &Line| line.all().iter().any(|text| text.to_lowercase().contains(&word));
        if list(has_it, console) == 0 {
            let message = format!("there is no code or rule `{}`, and none that is about it", which.escape_debug());
            return Err(Failure::new(Exit::Usage, message, "`migrate explain` without an argument lists them").into());
        }
    }
    Ok(Exit::Ok)
}

/// What the list says of a code or a rule.
struct Line {
    id: &'static str,
    name: &'static str,
    level: &'static str,
    summary: &'static str,
    json: fn(&Self) -> Value,
}

impl Line {
    const fn all(&self) -> [&'static str; 4] {
        [self.id, self.name, self.level, self.summary]
    }
}

/// The codes, then the rules.
fn lines() -> impl Iterator<Item = Line> {
    let codes = CODES.iter().map(|entry| Line {
        id: entry.id,
        name: entry.name,
        level: entry.severity.word(),
        summary: first(entry.explanation),
        json: |line| CODES.iter().find(|entry| entry.id == line.id).map(entry_json).unwrap_or_default(),
    });
    let rules = RULES.iter().map(|rule| Line {
        id: rule.id,
        name: rule.name,
        level: level(rule),
        summary: rule.summary,
        json: |line| RULES.iter().find(|rule| rule.id == line.id).map(|rule| rule_json(rule)).unwrap_or_default(),
    });
    codes.chain(rules)
}

fn print(page: &str, value: &Value, console: &mut Console) {
    match console.output {
        Form::Json => console.json(value),
        Form::Text => console.data(page),
    }
}

/// Codes and rules, a line each: what each is about in one sentence. How many there were.
fn list(is_wanted: impl Fn(&Line) -> bool, console: &mut Console) -> usize {
    let wanted: Vec<Line> = lines().filter(is_wanted).collect();
    if wanted.is_empty() {
        return 0;
    }
    if console.output == Form::Json {
        console.json(&wanted.iter().map(|line| (line.json)(line)).collect::<Vec<_>>());
        return wanted.len();
    }
    let mut text = String::new();
    for Line { id, name, level, summary, .. } in &wanted {
        text.push_str(&format!("{id} {name:<40} {level:<8} {summary}\n"));
    }
    console.data(&text);
    console.say("listed", "`migrate explain L09` says all about one of them");
    wanted.len()
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
