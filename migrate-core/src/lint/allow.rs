//! `-- migrate:allow rule(object) reason="…" until=…`: a finding that a person has answered for.
//!
//! A comment counts directly above its statement, at the end of the statement's last line, or, as `migrate:allow-file`,
//! before `-- +goose Up`. Nothing inside a literal, a body or a block comment counts.

mod directive;
mod place;

use self::directive::Directive;
use self::place::Target;
use super::{Finding, RULES, Rule, Settings, unused_allow};
use crate::diagnostic::{Excerpt, Severity};
use crate::migration::{Direction, Migration, Set, Version};
use crate::text::{Span, line_at};

/// An exception that a file makes, for whoever reviews it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveAllow {
    /// The migration.
    pub version: Version,
    /// Its file, as the user would write it.
    pub path: String,
    /// The line of the comment.
    pub line: u32,
    /// The rule's name.
    pub rule: &'static str,
    /// The one object that is excepted; all of them without.
    pub object: Option<String>,
    /// Why, in the author's words.
    pub reason: String,
    /// The date or version that ends it, as written.
    pub until: Option<String>,
    /// It holds for the whole file.
    pub whole_file: bool,
}

/// A comment that asks for an exception.
#[derive(Debug)]
pub(super) struct Allow {
    /// Where the comment stands in the file.
    span: Span,
    target: Target,
    directive: Result<Directive, String>,
    rule: Option<&'static Rule>,
    expired: bool,
    used: bool,
}

/// Every such comment of a file.
pub(super) fn read_file(migration: &Migration) -> Vec<Allow> {
    if !migration.text.contains(directive::MARK) {
        return Vec::new();
    }
    let found = place::comments(migration).into_iter().filter_map(|(span, target)| {
        let directive = directive::parse(span.of(&migration.text))?;
        let name = directive.as_ref().map_or("", |directive| directive.rule.as_str());
        let rule = RULES.iter().find(|rule| rule.name == name || rule.id.eq_ignore_ascii_case(name)).copied();
        let target = match &directive {
            Ok(directive) if directive.whole_file != (target == Target::File) => Target::Nowhere,
            _ => target,
        };
        Some(Allow { span, target, directive, rule, expired: false, used: false })
    });
    found.collect()
}

/// Removes the findings that are allowed, and notes which comments were of use.
pub(super) fn filter(allows: &mut [Allow], findings: &mut Vec<Finding>, set: &Set, settings: &Settings) {
    for allow in allows.iter_mut() {
        allow.expired = allow.directive.as_ref().is_ok_and(|directive| directive.is_expired(set, settings));
    }
    findings.retain(|finding| {
        let mut kept = true;
        for allow in allows.iter_mut().filter(|allow| allow.covers(finding)) {
            allow.used = true;
            kept = false;
        }
        kept
    });
}

/// What is wrong with the comments themselves (rule G23).
pub(super) fn complaints(allows: &[Allow], migration: &Migration, set: &Set, settings: &Settings) -> Vec<Finding> {
    let rule = &unused_allow::RULE;
    let Some(level) = settings.level(rule) else { return Vec::new() };
    let told = settings.levels.contains_key(rule.id) || settings.levels.contains_key(rule.name);
    let complain = |allow: &Allow| {
        let (worst, message, label) = allow.complaint()?;
        Some(Finding {
            rule: rule.id,
            name: rule.name,
            severity: if told { level } else { worst },
            version: migration.version,
            path: set.path_of(migration),
            direction: allow.target.direction().unwrap_or(Direction::Up),
            statement: None,
            span: allow.span,
            message,
            label,
            object: String::new(),
            facts: Vec::new(),
            history: Vec::new(),
            help: rule.instead.to_owned(),
            excerpt: Excerpt::new(&migration.text, allow.span),
        })
    };
    allows.iter().filter_map(complain).collect()
}

/// Whether two spellings name one object: in quotes or without, with the schema `public` or without.
fn is_same(written: &str, found: &str) -> bool {
    let plain = |name: &str| {
        let name = name.replace('"', "");
        name.strip_prefix("public.").map(str::to_owned).unwrap_or(name)
    };
    plain(written) == plain(found)
}

impl Allow {
    /// The comment for the snapshot; `None` when it is not well formed.
    pub(super) fn active(&self, migration: &Migration, set: &Set) -> Option<ActiveAllow> {
        let directive = self.directive.as_ref().ok()?;
        Some(ActiveAllow {
            version: migration.version,
            path: set.path_of(migration),
            line: line_at(&migration.text, self.span.start).0,
            rule: self.rule?.name,
            object: directive.object.clone(),
            reason: directive.reason.clone()?,
            until: directive.until.clone(),
            whole_file: directive.whole_file,
        })
    }

    fn covers(&self, finding: &Finding) -> bool {
        let Ok(directive) = &self.directive else { return false };
        let here = match self.target {
            Target::File => true,
            Target::Statement(direction, index) => finding.direction == direction && finding.statement == Some(index),
            Target::Nowhere => false,
        };
        here && directive.reason.is_some()
            && !self.expired
            && self.rule.is_some_and(|rule| rule.id == finding.rule)
            && directive.object.as_ref().is_none_or(|object| is_same(object, &finding.object))
    }

    fn complaint(&self) -> Option<(Severity, String, String)> {
        let directive = match &self.directive {
            Ok(directive) => directive,
            Err(why) => {
                return Some((Severity::Error, format!("this `migrate:allow` cannot be read: {why}"), String::new()));
            }
        };
        let name = &directive.rule;
        let found = if self.rule.is_none() {
            (Severity::Error, format!("there is no rule `{name}` to allow"), "`migrate explain` lists them".to_owned())
        } else if directive.reason.is_none() {
            (Severity::Error, format!("this `migrate:allow {name}` gives no reason"), "add reason=\"…\"".to_owned())
        } else if self.target == Target::Nowhere {
            (Severity::Warning, format!("this `migrate:allow {name}` stands where it has no effect"), self.where_to())
        } else if self.expired {
            let until = directive.until.as_deref().unwrap_or_default();
            (Severity::Warning, format!("this `migrate:allow {name}` has expired"), format!("until={until}"))
        } else if self.used {
            return None;
        } else {
            (Severity::Warning, format!("this `migrate:allow {name}` allows nothing"), "no finding here".to_owned())
        };
        Some(found)
    }

    fn where_to(&self) -> String {
        let whole_file = self.directive.as_ref().is_ok_and(|directive| directive.whole_file);
        let right = if whole_file { "before `-- +goose Up`" } else { "directly above its statement" };
        format!("put it {right}")
    }
}

#[cfg(test)]
mod tests;
