//! The statements of one direction, each with its line, step, facts, terms, findings and exceptions.

use std::time::Duration;

use super::summary::Context;
use super::transcript::{Manner, manner};
use super::{Material, Trace, plural};
use crate::check::own_terms;
use crate::command::{Action, Command, LockMode};
use crate::diagnostic::printable;
use crate::effect::{Effect, Lock, Touched};
use crate::flight::{Nature, Pace};
use crate::lint::{ActiveAllow, Finding, facts, meaning};
use crate::migration::{Body, Direction, Statement};

/// How much of a statement is shown above its facts; all of it is in the transcript.
const WIDTH: usize = 120;

/// How many relations of one fact are named.
const NAMED: usize = 6;

/// The text of a direction; empty where it has no statements.
pub(super) fn text(material: &Material<'_>, context: &Context, direction: Direction) -> String {
    let statements = statements(context, direction);
    let mut text = format!("{}: {}\n", direction.word().to_uppercase(), plural(statements.len(), "statement"));
    if statements.is_empty() {
        return text;
    }
    let manner = manner(material, &context.migration, direction);
    text.push_str(&format!("  {}\n", terms(material, context)));
    if let Some(manner) = &manner {
        text.push_str(&format!("  {}\n", on_failure(manner.pace)));
    }
    for (index, statement) in statements.iter().enumerate() {
        let one = One { material, context, direction, index };
        text.push_str(&one.text(statement, manner.as_ref()));
    }
    text
}

fn statements(context: &Context, direction: Direction) -> &[Statement] {
    match (&context.migration.body, direction) {
        (Body::Split { up, .. }, Direction::Up) => up,
        (Body::Split { down, .. }, Direction::Down) => down,
        (Body::Deferred(_), _) => &[],
    }
}

/// The timeouts at the first statement: the file's own, or those of the run.
fn terms(material: &Material<'_>, context: &Context) -> String {
    let run = &material.bookkeeping.terms;
    let own = own_terms(&context.migration).unwrap_or_default();
    let source = |own: Option<Duration>| if own.is_some() { "the file's" } else { "the run's" };
    format!(
        "lock_timeout {} ({}), statement_timeout {} ({})",
        time(own.lock_timeout.unwrap_or(run.lock_timeout)),
        source(own.lock_timeout),
        time(own.statement_timeout.unwrap_or(run.statement_timeout)),
        source(own.statement_timeout),
    )
}

fn time(time: Duration) -> String {
    match time.as_millis() {
        0 => "off".to_owned(),
        whole if whole % 1_000 == 0 => format!("{}s", whole / 1_000),
        other => format!("{other}ms"),
    }
}

const fn on_failure(pace: Pace) -> &'static str {
    match pace {
        Pace::Pipelined => {
            "one transaction: an error rolls all of it back; lock not obtained, deadlock or serialization failure \
             (55P03, 40P01, 40001): tried again from the start"
        }
        Pace::Stepwise => "the file ends its transaction itself: what it has committed stays; nothing is tried again",
        Pace::Unwrapped => {
            "no transaction: what is done stays, and the next run goes on with the statement that failed; lock not \
             obtained, deadlock or serialization failure (55P03, 40P01, 40001): the statement is tried again"
        }
    }
}

/// In what a statement of a file without a transaction runs, and what is made of a crash in it.
fn manner_of(nature: &Nature, may_commit: bool) -> &'static str {
    match nature {
        Nature::Wrapped if may_commit => {
            "in a transaction with its entry in the journal; if the server refuses that (25001, 2D000), alone, and never \
             twice; a crash in it is left to a person (27) then"
        }
        Nature::Wrapped => "in a transaction with its entry in the journal",
        Nature::Setting => {
            "in a transaction with its entry in the journal; set again when a later run goes on behind it"
        }
        Nature::Temporary => {
            "in a transaction with its entry in the journal; gone with the session, so no later run can go on behind it"
        }
        Nature::Block => "a transaction of the file's own, with its entry in the journal",
        Nature::CreateIndex { .. } | Nature::Reindex(..) => {
            "alone, without lock_timeout; after a crash the catalogs tell whether it took effect, and an INVALID index is \
             dropped and built again"
        }
        Nature::DropIndex(_) | Nature::Detach { .. } => {
            "alone, without lock_timeout; after a crash the catalogs tell whether it took effect"
        }
        Nature::Cluster(..) => "alone; after a crash the catalogs tell whether it took effect",
        Nature::Repeatable => "alone; after a crash it is done again",
        Nature::Opaque => "alone, and never twice; a crash in it is left to a person (27)",
    }
}

/// One statement in its section.
struct One<'a> {
    material: &'a Material<'a>,
    context: &'a Context,
    direction: Direction,
    index: usize,
}

impl One<'_> {
    fn text(&self, statement: &Statement, manner: Option<&Manner>) -> String {
        let sql = statement.sql(&self.context.migration.text);
        let mut text = format!("\n{:>5}  {}\n", statement.line(), in_short(sql));
        let mut push = |label: &str, line: &str| text.push_str(&format!("       {label:<7} {line}\n"));
        if let Some(effect) = self.context.effects(self.direction).get(self.index) {
            let facts = self.facts(effect);
            let is_quiet = facts.is_empty() && self.settings().is_empty();
            push("step", &format!("{}{}", step(effect), if is_quiet { " · holds nobody up" } else { "" }));
            for fact in &facts {
                push("fact", fact);
            }
        }
        self.settings().iter().for_each(|setting| push("from on", setting));
        let nature = manner.and_then(|manner| manner.natures.iter().find(|(first, _)| *first == self.index));
        if let Some((_, nature)) = nature {
            push("runs", manner_of(nature, self.may_commit()));
        }
        self.findings().for_each(|finding| {
            let severity = finding.severity.word();
            push(severity, &format!("{} {}: {}", finding.rule, finding.name, printable(&finding.message)));
            finding.help.lines().for_each(|line| push("", line.trim()));
        });
        self.allows(statement).for_each(|allow| push("allowed", &exception(allow)));
        text
    }

    fn commands(&self) -> &[Command] {
        self.context.commands.of_direction(self.direction).get(self.index).map_or(&[], Vec::as_slice)
    }

    /// Whether it is code that may end a transaction itself.
    fn may_commit(&self) -> bool {
        self.commands().iter().any(|command| matches!(command.action, Action::Do { .. } | Action::Call { .. }))
    }

    /// The timeouts that it sets for what comes after it.
    fn settings(&self) -> Vec<String> {
        let set = self.commands().iter().filter_map(|command| match &command.action {
            Action::Setting(setting) if setting.name.ends_with("_timeout") => {
                let value = if setting.reset { "as the session has it".to_owned() } else { setting.values.join(", ") };
                Some(format!("{} {value}", setting.name))
            }
            _ => None,
        });
        set.collect()
    }

    fn facts(&self, effect: &Effect) -> Vec<String> {
        let effect = &self.without_indexes(effect);
        let mut lines = facts(effect, self.material.settings.majors);
        let rows = effect.locks.iter().filter(|lock| lock.mode == LockMode::RowExclusive);
        lines.extend(rows.map(|lock| format!("writes rows of {}: whoever writes the same rows waits", lock.relation)));
        let strong = |relation: &str| {
            effect.locks.iter().any(|lock| lock.relation == relation && lock.mode >= LockMode::ShareUpdateExclusive)
        };
        let read = effect.scans.iter().filter(|touched| !strong(&touched.relation));
        lines.extend(read.map(|touched| format!("may read {} in full", touched.relation)));
        if effect.destructive {
            lines.push("data is lost for good".to_owned());
        }
        if matches!(effect.verb.as_str(), "DO" | "CALL" | "OPAQUE") {
            lines.push("what else it does is not known".to_owned());
        }
        if let Some(trace) = self.trace() {
            let confirmed: Vec<String> = confirmed(effect, trace).collect();
            let is_confirmed = |line: &String| confirmed.iter().any(|fact| line.starts_with(fact));
            lines.iter_mut().filter(|line| is_confirmed(line)).for_each(|line| {
                *line = line.replacen(", PG ", ", trace, PG ", 1);
            });
            lines.extend(self.differences(effect, trace));
        }
        lines
    }

    /// Without the indexes of tables that are told of anyway: whoever waits, waits for the table.
    fn without_indexes(&self, effect: &Effect) -> Effect {
        let is_index = |relation: &str| self.context.is_index(relation);
        let mut tables = effect.clone();
        if effect.locks.iter().any(|lock| !is_index(&lock.relation)) {
            tables.forget(is_index);
        }
        tables
    }

    /// What was seen of it on a server.
    fn trace(&self) -> Option<&Trace> {
        let proof = self.material.proof(self.context.migration.version)?;
        proof.traces.iter().find(|trace| trace.statement == self.index && trace.direction == self.direction)
    }

    /// How what was seen differs from what the table says, where others would feel it.
    fn differences(&self, effect: &Effect, trace: &Trace) -> Vec<String> {
        let expected =
            |relation: &str| effect.locks.iter().find(|lock| lock.relation == relation).map(|lock| lock.mode);
        // What the migration itself has made is there for the server, and for nobody else.
        let is_table = |relation: &&String| !self.context.is_index(relation) && !self.context.is_own(relation);
        let mut lines: Vec<String> = Vec::new();
        for mode in LockMode::ALL.into_iter().rev().filter(|mode| *mode >= LockMode::ShareUpdateExclusive) {
            let locked = trace.locks.iter().filter(|(relation, seen)| *seen == mode && is_table(&relation));
            let unexpected: Vec<&str> = locked
                .map(|(relation, _)| relation.as_str())
                .filter(|relation| expected(relation) != Some(mode))
                .collect();
            if !unexpected.is_empty() {
                lines.push(format!("seen: {} on {} ({})   [trace]", mode.sql(), listed(&unexpected), meaning(mode)));
            }
        }
        let unseen = effect.locks.iter().filter(|lock| lock.mode >= LockMode::ShareUpdateExclusive);
        let unseen = unseen.filter(|lock| trace.locks.iter().all(|(relation, _)| *relation != lock.relation));
        lines.extend(unseen.map(|lock| format!("not seen: {} on {}   [trace]", lock.mode.sql(), lock.relation)));
        let is_new = |seen: &str, known: &[Touched]| !known.iter().any(|known| known.relation == seen);
        let rewritten = trace.rewrites.iter().filter(is_table).filter(|seen| is_new(seen, &effect.rewrites));
        lines.extend(rewritten.map(|relation| format!("seen: {relation} was rewritten   [trace]")));
        let scanned = trace.scans.iter().filter(is_table).filter(|seen| is_new(seen, &effect.scans));
        lines.extend(scanned.map(|relation| format!("seen: {relation} was read in full   [trace]")));
        // What reads rows chooses its way by the data.
        let is_locked =
            |known: &&Touched| expected(&known.relation).is_some_and(|mode| mode >= LockMode::ShareUpdateExclusive);
        let unread = effect.scans.iter().filter(is_locked).filter(|known| !trace.scans.contains(&known.relation));
        lines.extend(unread.map(|known| format!("not seen: {} read in full   [trace]", known.relation)));
        let kept = effect.rewrites.iter().filter(|known| !trace.rewrites.contains(&known.relation));
        lines.extend(kept.map(|known| format!("not seen: {} rewritten   [trace]", known.relation)));
        lines
    }

    fn is_up(&self) -> bool {
        self.direction == Direction::Up
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.material.findings.iter().filter(|finding| {
            finding.version == self.context.migration.version
                && finding.direction == self.direction
                && finding.statement == Some(self.index)
        })
    }

    /// The exceptions above the statement or at its end: between the statement before and the one behind it.
    fn allows(&self, statement: &Statement) -> impl Iterator<Item = &ActiveAllow> {
        let all = statements(self.context, self.direction);
        let before =
            self.index.checked_sub(1).and_then(|index| all.get(index)).map_or(0, |before| self.last_line(before));
        let last = self.last_line(statement);
        let start = if self.index == 0 && !self.is_up() { self.first_line_of_down() } else { before };
        self.material.allows.iter().filter(move |allow| {
            allow.version == self.context.migration.version
                && !allow.whole_file
                && allow.line > start
                && allow.line <= last
        })
    }

    fn first_line_of_down(&self) -> u32 {
        statements(self.context, Direction::Up).last().map_or(0, |last| self.last_line(last))
    }

    fn last_line(&self, statement: &Statement) -> u32 {
        let text = &self.context.migration.text;
        let breaks = statement.span().of(text).trim_end().matches('\n').count();
        statement.line() + crate::text::saturate(breaks)
    }
}

/// An exception in words.
pub(super) fn exception(allow: &ActiveAllow) -> String {
    let object = allow.object.as_ref().map(|object| format!("({})", printable(object))).unwrap_or_default();
    let until = allow.until.as_ref().map(|until| format!(", until {}", printable(until))).unwrap_or_default();
    let whole = if allow.whole_file { " in the whole file" } else { "" };
    format!("{}{object}{whole}: {}{until}", allow.rule, printable(&allow.reason))
}

/// How the lines of those locks begin that were seen just so, with the same scans and rewrites.
fn confirmed<'a>(effect: &'a Effect, trace: &'a Trace) -> impl Iterator<Item = String> + 'a {
    let touches = |known: &[Touched], seen: &[String], relation: &String| {
        known.iter().any(|touched| touched.relation == *relation) == seen.contains(relation)
    };
    let is_seen = move |lock: &&Lock| {
        trace.locks.contains(&(lock.relation.clone(), lock.mode))
            && touches(&effect.scans, &trace.scans, &lock.relation)
            && touches(&effect.rewrites, &trace.rewrites, &lock.relation)
    };
    effect.locks.iter().filter(is_seen).map(|lock| format!("{} on {} (", lock.mode.sql(), lock.relation))
}

/// The first of them, and how many more.
fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.get(..NAMED.min(names.len())).unwrap_or_default().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

fn step(effect: &Effect) -> String {
    let mut objects: Vec<&str> = Vec::new();
    for (_, object) in &effect.objects {
        let object = object.strip_prefix("public.").unwrap_or(object);
        if !objects.contains(&object) {
            objects.push(object);
        }
    }
    format!("{}  {}", effect.verb, objects.join(", ")).trim_end().to_owned()
}

/// A statement on one line, without lines that are comments, cut where it is long.
fn in_short(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    let cut: String = line.chars().take(WIDTH).collect();
    let ending = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{ending}", printable(&cut))
}
