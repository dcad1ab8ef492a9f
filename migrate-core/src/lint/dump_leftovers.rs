//! G19: What `pg_dump` writes and other databases do not have: owners, grants and settings.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, DomainChange, TableChange, TypeChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G19",
    name: "dump-leftovers",
    level: Some(Severity::Warning),
    summary: "what pg_dump writes and other databases do not have: owners, grants and settings",
    why: "OWNER TO and GRANT fail where the role does not exist (SQLSTATE 42704), and CREATE SCHEMA public \
          fails everywhere (42P06).",
    instead: "delete them (pg_dump --no-owner --no-privileges), or list the roles in migrate.toml under [external]",
    bad: &[
        example::TABLES,
        (
            "00002_owner.sql",
            "\
-- +goose Up
ALTER TABLE clients OWNER TO alice;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_owner.sql",
            "\
-- +goose Up
CREATE ROLE alice;
ALTER TABLE clients OWNER TO alice;
GRANT SELECT ON clients TO PUBLIC;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// What every database has.
const ROLES: [&str; 5] = ["public", "current_user", "session_user", "current_role", "postgres"];

/// What only `pg_dump` sets.
const SETTINGS: [&str; 3] = ["xmloption", "default_table_access_method", "default_tablespace"];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let span = subject.command.span;
    match &subject.command.action {
        Action::CreateSchema { name, if_not_exists: false } if name.name == "public" => {
            findings.report(span, "public", "every database has the schema `public` already", "SQLSTATE 42P06");
        }
        Action::Setting(setting) if SETTINGS.contains(&setting.name.as_str()) && !setting.local => {
            let message = format!("the setting {} is a leftover of pg_dump", setting.name);
            findings.report(span, setting.name.clone(), message, "pg_dump writes this");
        }
        action => {
            if let Some(role) = roles(action).into_iter().find(|role| !is_known(subject, role)) {
                let message = format!("this fails where the role `{role}` does not exist");
                findings.report(span, role, message, "neither in migrate.toml nor made by a migration");
            }
        }
    }
}

fn roles(action: &Action) -> Vec<&str> {
    match action {
        Action::AlterTable(alter) => alter
            .changes
            .iter()
            .filter_map(|(_, change)| match change {
                TableChange::OwnerTo(role) => Some(role.as_str()),
                _ => None,
            })
            .collect(),
        Action::AlterType { changes, .. } => changes
            .iter()
            .filter_map(|change| match change {
                TypeChange::OwnerTo(role) => Some(role.as_str()),
                _ => None,
            })
            .collect(),
        Action::AlterDomain { change: DomainChange::OwnerTo(role), .. } => vec![role],
        Action::Grant(grant) => grant.roles.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether the configuration names the role, or an earlier command makes it.
fn is_known(subject: &Subject<'_>, role: &str) -> bool {
    ROLES.iter().any(|known| role.eq_ignore_ascii_case(known))
        || subject.roles.iter().any(|known| known == role)
        || subject.before.roles.contains(role)
}
