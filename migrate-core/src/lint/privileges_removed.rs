//! B13: REVOKE, another owner, or a table without the grants of its siblings.

use super::{Check, Findings, Rule, Subject, names};
use crate::command::{Action, CreateTable, Grant, Kind, Name, Persistence, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B13",
    name: "privileges-removed",
    level: Some(Severity::Warning),
    summary: "REVOKE, another owner, or a new table without the grants that its siblings have",
    why: "A version that runs as another role gets permission denied (SQLSTATE 42501), as soon as it uses the table.",
    instead: "GRANT in the same file what the application's role needs; release the version that no longer needs it before a REVOKE",
    bad: &[
        (
            "00001_grants.sql",
            "\
-- +goose Up
CREATE ROLE app;
CREATE TABLE a (id bigint PRIMARY KEY);
CREATE TABLE b (id bigint PRIMARY KEY);
GRANT SELECT ON a, b TO app;

-- +goose Down
DROP TABLE b;
DROP TABLE a;
DROP ROLE app;
",
        ),
        (
            "00002_revoke.sql",
            "\
-- +goose Up
REVOKE SELECT ON a FROM app;

-- +goose Down
GRANT SELECT ON a TO app;
",
        ),
    ],
    good: &[
        (
            "00001_grants.sql",
            "\
-- +goose Up
CREATE ROLE app;
CREATE TABLE a (id bigint PRIMARY KEY);
CREATE TABLE b (id bigint PRIMARY KEY);
GRANT SELECT ON a, b TO app;

-- +goose Down
DROP TABLE b;
DROP TABLE a;
DROP ROLE app;
",
        ),
        (
            "00002_more.sql",
            "\
-- +goose Up
CREATE TABLE c (id bigint PRIMARY KEY);
GRANT SELECT ON c TO app;
REVOKE ALL ON c FROM PUBLIC;

-- +goose Down
DROP TABLE c;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let span = subject.command.span;
    match &subject.command.action {
        Action::Grant(grant) if grant.revoke && grant.kind != Kind::Role => {
            let is_used = |name: &&Name| match grant.kind {
                kind if names::is_relation(kind) && !grant.all_in_schema => subject.is_existing(name),
                Kind::Function | Kind::Procedure | Kind::Routine => {
                    let known = subject.before.function(name).known();
                    known.is_none_or(|(_, all)| all.iter().any(|function| !subject.is_new_since(function.since)))
                }
                _ => true,
            };
            let Some(object) = grant.objects.iter().find(is_used).filter(|_| !is_granted_again(subject, grant)) else {
                return;
            };
            let (object, roles) = (subject.shown(object), grant.roles.join(", "));
            let message = format!("{roles} may no longer do on `{object}` what this takes away");
            findings.report(span, object, message, "permission denied from then on").without_facts();
        }
        Action::AlterTable(alter) if subject.is_existing(&alter.name) => {
            let owner = alter.changes.iter().find_map(|(_, change)| match change {
                TableChange::OwnerTo(role) => Some(role),
                _ => None,
            });
            if let Some(role) = owner {
                let table = subject.shown(&alter.name);
                let message = format!("`{table}` belongs to `{role}` after this: its owner before loses all privileges");
                findings.report(span, table, message, "owners need no GRANT, others do").without_facts();
            }
        }
        Action::CreateTable(create) => lone_table(subject, findings, create),
        _ => {}
    }
}

/// Whether the section gives one of the roles something back.
fn is_granted_again(subject: &Subject<'_>, revoke: &Grant) -> bool {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    later.iter().any(|(_, command)| match &command.action {
        Action::Grant(grant) if !grant.revoke && grant.kind == revoke.kind => {
            grant.objects.iter().any(|object| revoke.objects.contains(object))
                && grant.roles.iter().any(|role| revoke.roles.contains(role))
        }
        _ => false,
    })
}

/// A new table that lacks a grant which every other table of its schema has, of at least two.
fn lone_table(subject: &Subject<'_>, findings: &mut Findings<'_>, create: &CreateTable) {
    let before = subject.before;
    let is_open = before.default_privileges.is_some() || before.clouded.is_some() || create.partition_of.is_some();
    if is_open || create.persistence == Persistence::Temporary || subject.relation(&create.name).is_some() {
        return;
    }
    let own = before.qualify(&create.name);
    let siblings = before.relations.iter().filter(|(name, relation)| {
        name.schema == own.schema && relation.is_table() && relation.parents.is_empty()
    });
    let mut siblings = siblings.map(|(_, relation)| relation);
    let Some(first) = siblings.next().filter(|first| !first.grants.is_empty()) else { return };
    let (mut common, mut count) = (first.grants.clone(), 1);
    for sibling in siblings {
        common.retain(|role| sibling.grants.contains(role));
        count += 1;
        if common.is_empty() {
            return;
        }
    }
    let granted = granted_later(subject, create, &own.schema);
    if let Some(role) = common.iter().find(|role| count > 1 && !granted.contains(role)) {
        let message = format!("`{own}` has no GRANT to `{role}`, which the other {count} tables of its schema have");
        let report = findings.report(create.name.span.0, own.to_string(), message, format!("{role} may not use it"));
        report.without_facts();
    }
}

/// The roles that later commands of the section give something on the new table.
fn granted_later<'a>(subject: &'a Subject<'_>, create: &CreateTable, schema: &str) -> Vec<&'a String> {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    let grants = later.iter().filter_map(|(_, command)| match &command.action {
        Action::Grant(grant) if !grant.revoke => {
            let is_own = |name: &Name| if grant.all_in_schema { name.name == schema } else { name.name == create.name.name };
            grant.objects.iter().any(is_own).then_some(&grant.roles)
        }
        _ => None,
    });
    grants.flatten().collect()
}
