//! L26: ALTER DOMAIN that checks every table with a column of the domain.

use super::{Check, Findings, Rule, Subject};
use crate::catalog::TypeKind;
use crate::command::{Action, ColumnType, DomainChange, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L26",
    name: "domain-constraint-validated",
    level: Some(Severity::Warning),
    summary: "ALTER DOMAIN that checks every table with a column of the domain",
    why: "ADD CHECK, SET NOT NULL and VALIDATE hold SHARE on every table that uses the domain and scan it: writes \
          to all of them wait.",
    instead: "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later migration; SET NOT \
          NULL has no such form",
    bad: &[
        (
            "00001_paid.sql",
            "\
         -- +goose Up\n\
         CREATE DOMAIN amount AS numeric;\n\
         CREATE TABLE bills (paid amount);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE bills;\n\
         DROP DOMAIN amount;\n",
        ),
        (
            "00002_amount.sql",
            "\
         -- +goose Up\n\
         ALTER DOMAIN amount ADD CONSTRAINT amount_check CHECK (VALUE >= 0);\n\
         \n\
         -- +goose Down\n\
         ALTER DOMAIN amount DROP CONSTRAINT amount_check;\n",
        ),
    ],
    good: &[
        (
            "00001_paid.sql",
            "\
         -- +goose Up\n\
         CREATE DOMAIN amount AS numeric;\n\
         CREATE TABLE bills (paid amount);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE bills;\n\
         DROP DOMAIN amount;\n",
        ),
        (
            "00002_amount.sql",
            "\
         -- +goose Up\n\
         ALTER DOMAIN amount ADD CONSTRAINT amount_check CHECK (VALUE >= 0) NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER DOMAIN amount DROP CONSTRAINT amount_check;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::AlterDomain { name, change } = &subject.command.action else { return };
    let scans = match change {
        DomainChange::AddConstraint(constraint) => !constraint.not_valid,
        DomainChange::SetNotNull | DomainChange::ValidateConstraint(_) => true,
        _ => false,
    };
    let domains = with_those_over(subject, name);
    let is_of_domain = |kind: &ColumnType| domains.contains(&kind.name.name.as_str());
    let mut tables = subject.before.relations.iter().filter(|(_, table)| !subject.is_new_since(table.since));
    let using = tables.find(|(_, table)| table.columns.iter().any(|column| column.kind.as_ref().is_some_and(is_of_domain)));
    let is_known = subject.before.type_entry(name).known().is_some() && subject.before.clouded.is_none();
    if !scans || (using.is_none() && is_known) {
        return;
    }
    let label = using.map_or_else(|| "its tables are not known".to_owned(), |(table, _)| format!("{table} uses it"));
    let message = format!("this change of domain `{name}` scans every table that uses it while writes wait");
    let report = findings.report(subject.command.span, name.to_string(), message, label);
    if matches!(change, DomainChange::ValidateConstraint(_)) {
        report.help("there is no weaker way to validate: a migration of its own, with a lock_timeout, when writes are few");
    }
}

/// The name of a domain and of the domains over it.
fn with_those_over<'a>(subject: &'a Subject<'_>, domain: &'a Name) -> Vec<&'a str> {
    let mut names = vec![domain.name.as_str()];
    let mut next = 0;
    while let Some(below) = names.get(next).copied() {
        let over = subject.before.types.iter().filter(|(_, entry)| match &entry.kind {
            TypeKind::Domain { base, .. } => base.name.name == below,
            _ => false,
        });
        let over: Vec<&str> = over.map(|(name, _)| name.name.as_str()).filter(|name| !names.contains(name)).collect();
        names.extend(over);
        next += 1;
    }
    names
}
