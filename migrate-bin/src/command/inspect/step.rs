//! What a statement does, in JSON and in a comment above it.

use migrate_core::command::Kind;
use migrate_core::effect::{Effect, Evidence, Majors, Runs, Touched};
use migrate_core::lint::facts;
use serde_json::{Value, json};

/// The documented form (docs/json.md).
pub(super) fn json(step: &Effect) -> Value {
    let objects = step.objects.iter().map(|(kind, name)| json!({ "kind": word(*kind), "name": name }));
    let locks = step.locks.iter().map(
        |lock| json!({ "relation": lock.relation, "mode": lock.mode.pg_locks(), "evidence": evidence(lock.evidence) }),
    );
    let relations = |touched: &[Touched]| touched.iter().map(|one| one.relation.clone()).collect::<Vec<_>>();
    json!({
        "verb": step.verb,
        "objects": objects.collect::<Vec<_>>(),
        "locks": locks.collect::<Vec<_>>(),
        "rewrites": relations(&step.rewrites),
        "scans": relations(&step.scans),
        "runs": runs(step.runs),
        "destructive": step.destructive,
        "evidence": evidence(weakest(step)),
        "assumed": weakest(step) == Evidence::Assumed,
    })
}

/// The comment lines above a statement's text.
pub(super) fn text(step: &Effect, majors: Majors) -> String {
    let mut facts = facts(step, majors);
    if is_opaque(step) {
        facts.push("what else it does is not known".to_owned());
    } else if facts.is_empty() {
        facts.push("blocks nobody".to_owned());
    }
    if step.destructive {
        facts.push("data is lost".to_owned());
    }
    if step.runs == Runs::OutsideTransaction {
        facts.push("runs outside a transaction only".to_owned());
    }
    let lines: Vec<String> = facts.iter().map(|fact| format!("--   {fact}\n")).collect();
    format!("-- {}\n{}", step.verb, lines.concat())
}

const fn runs(runs: Runs) -> &'static str {
    match runs {
        Runs::Anywhere => "anywhere",
        Runs::OutsideTransaction => "outside-transaction",
    }
}

const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Table => "table",
        Evidence::History => "history",
        Evidence::Assumed => "assumed",
    }
}

/// Whether code that is not read, or not understood, may do anything.
fn is_opaque(step: &Effect) -> bool {
    matches!(step.verb.as_str(), "DO" | "CALL" | "OPAQUE")
}

/// The evidence of all its facts together: that of the one that is known least.
fn weakest(step: &Effect) -> Evidence {
    if is_opaque(step) {
        return Evidence::Assumed;
    }
    let locks = step.locks.iter().map(|lock| lock.evidence);
    let touched = step.rewrites.iter().chain(&step.scans).map(|touched| touched.evidence);
    locks.chain(touched).max().unwrap_or(Evidence::Table)
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "table",
        Kind::ForeignTable => "foreign-table",
        Kind::View => "view",
        Kind::MaterializedView => "materialized-view",
        Kind::Index => "index",
        Kind::Sequence => "sequence",
        Kind::Type => "type",
        Kind::Domain => "domain",
        Kind::Function => "function",
        Kind::Procedure => "procedure",
        Kind::Routine => "routine",
        Kind::Aggregate => "aggregate",
        Kind::Trigger => "trigger",
        Kind::EventTrigger => "event-trigger",
        Kind::Policy => "policy",
        Kind::Rule => "rule",
        Kind::Schema => "schema",
        Kind::Extension => "extension",
        Kind::Statistics => "statistics",
        Kind::Database => "database",
        Kind::System => "system",
        Kind::Role => "role",
        Kind::Column => "column",
        Kind::Constraint => "constraint",
        Kind::Attribute => "attribute",
        Kind::Value => "value",
        Kind::Tablespace => "tablespace",
        Kind::Publication => "publication",
        Kind::Subscription => "subscription",
        Kind::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrate_core::command::LockMode;
    use migrate_core::effect::Lock;

    fn step() -> Effect {
        Effect {
            verb: "ALTER TABLE ALTER COLUMN TYPE".into(),
            objects: vec![(Kind::Table, "users".into()), (Kind::MaterializedView, "app.totals".into())],
            locks: vec![Lock { relation: "users".into(), mode: LockMode::AccessExclusive, evidence: Evidence::Table }],
            rewrites: vec![Touched { relation: "users".into(), evidence: Evidence::Assumed }],
            ..Effect::default()
        }
    }

    #[test]
    fn a_step_has_every_field_whether_or_not_it_does_anything() {
        let expected = json!({
            "verb": "ALTER TABLE ALTER COLUMN TYPE",
            "objects": [{ "kind": "table", "name": "users" }, { "kind": "materialized-view", "name": "app.totals" }],
            "locks": [{ "relation": "users", "mode": "AccessExclusiveLock", "evidence": "table" }],
            "rewrites": ["users"], "scans": [], "runs": "anywhere", "destructive": false,
            "evidence": "assumed", "assumed": true,
        });
        assert_eq!(json(&step()), expected);
    }

    #[test]
    fn a_step_as_text_says_what_a_person_asks_first() {
        let told = text(&Effect { destructive: true, runs: Runs::OutsideTransaction, ..step() }, Majors::default());
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "-- ALTER TABLE ALTER COLUMN TYPE");
        assert!(lines[1].contains("ACCESS EXCLUSIVE on users (blocks reads and writes)"), "{told}");
        assert!(lines[1].contains("rewrite") && lines[1].contains("[assumed, PG 15-18]"), "{told}");
        assert_eq!(&lines[2..], ["--   data is lost", "--   runs outside a transaction only"]);
        assert!(text(&Effect::default(), Majors::default()).contains("blocks nobody"));
        let block = Effect { verb: "DO".into(), ..Effect::default() };
        assert!(text(&block, Majors::default()).contains("what else it does is not known"));
        assert_eq!((weakest(&block), weakest(&Effect::default())), (Evidence::Assumed, Evidence::Table));
    }
}
