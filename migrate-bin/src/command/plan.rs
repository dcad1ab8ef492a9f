//! `plan` and `--dry-run`: the exact messages that would be sent, and nothing sent.

use migrate_core::apply::{self, Session};
use migrate_core::flight::{Bookkeeping, Flight, Message, Purpose, TableName, flight, prepare};
use migrate_core::history::{Existing, History, Row};
use migrate_core::migration::{Set, Statement, Version};
use migrate_core::plan::{Batch, Goal, OutOfOrder, Plan, Versioning, plan};
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

use super::Ended;
use super::database::{known_target, open, table};
use super::migrations::load;
use crate::arguments::{Form, PlanArguments, Shared};
use crate::console::{Console, words};
use crate::environment;

pub(super) async fn run(shared: &Shared, set: &Set, options: &PlanArguments, console: &mut Console) -> Ended {
    let (connected, database, table) = open(shared).await?;
    connected.close().await;
    let environment = environment::variables();
    let command = command(set, table, options, &environment);
    show_on(&command, &database, console)?;
    Ok(Exit::Ok)
}

pub(super) fn run_offline(
    shared: &Shared,
    embedded: &'static Set,
    options: &PlanArguments,
    console: &mut Console,
) -> Ended {
    let set = load(shared, embedded, console)?;
    let table = table(shared)?;
    let from = Version(options.from.unwrap_or_default());
    if from != Version::ZERO && set.find(from).is_none() {
        let help = format!("give a version of this set, at most {}, or 0 for an empty database", set.latest());
        return Err(Failure::new(Exit::Usage, format!("there is no version {from}"), help).into());
    }
    let tables = table.in_schema(table.schema().unwrap_or("public"));
    let database = apply::Database { history: applied_up_to(&set, from), tables };
    let environment = environment::variables();
    let command = command(&set, table, options, &environment);
    show_on(&command, &database, console)?;
    Ok(Exit::Ok)
}

fn command<'a>(
    set: &'a Set,
    table: TableName,
    options: &PlanArguments,
    environment: &'a migrate_core::parse::Environment,
) -> apply::Command<'a> {
    let goal = match options.to {
        Some(version) => Goal::UpTo(Version(version)),
        None if options.one => Goal::UpByOne,
        None => Goal::Up,
    };
    let out_of_order = if options.allow_missing { OutOfOrder::Allowed } else { OutOfOrder::Refused };
    let lock_wait = std::time::Duration::ZERO;
    apply::Command { set, table, goal, out_of_order, versioning: Versioning::Recorded, environment, lock_wait }
}

/// The history of a database that this program brought to a version.
fn applied_up_to(set: &Set, from: Version) -> History {
    if from == Version::ZERO {
        return History::default();
    }
    let versions = set.migrations.iter().map(|migration| migration.version).filter(|version| *version <= from);
    let rows = std::iter::once(Version::ZERO)
        .chain(versions)
        .map(|version| Row { version, applied: true, at: None, ledger: None })
        .collect();
    History { rows, tables: Existing { version: true, ledger: true } }
}

/// Plans on the database as it is and prints the plan.
pub(super) async fn show(
    session: &Session,
    command: &apply::Command<'_>,
    console: &mut Console,
) -> Result<(), Failure> {
    let database = apply::read(session, &command.table, command.versioning).await?;
    show_on(command, &database, console)
}

fn show_on(command: &apply::Command<'_>, database: &apply::Database, console: &mut Console) -> Result<(), Failure> {
    known_target(command.goal, command.set, &database.history)?;
    let plan = plan(command.request(&database.history)).map_err(|error| Failure::from(&error))?;
    let bookkeeping =
        Bookkeeping { tables: database.tables.clone(), release: command.set.release.clone().into_owned() };
    for warning in &plan.warnings {
        console.event(&migrate_core::report::Event::Warned(warning.clone()));
    }
    match console.output {
        Form::Text => console.data(&text(&plan, &bookkeeping)),
        Form::Json => console.json(&as_json(&plan, &bookkeeping)),
    }
    if plan.batches.is_empty() {
        console.say("planned", &format!("nothing to run: the database is at version {}", plan.from));
    }
    Ok(())
}

fn text(plan: &Plan<'_>, bookkeeping: &Bookkeeping) -> String {
    let mut text = String::new();
    if let Some(preparation) = plan.preparation {
        text.push_str("-- the version table and the ledger\n");
        push_messages(&mut text, &prepare(preparation, &bookkeeping.tables), None);
    }
    for batch in &plan.batches {
        let head = format!("-- {} {}, {}\n", batch.direction.word(), batch.path, batch.mode().word());
        text.push_str(&head);
        push_messages(&mut text, &flight(batch, bookkeeping), Some(batch));
    }
    text
}

fn push_messages(text: &mut String, flight: &Flight<'_>, batch: Option<&Batch<'_>>) {
    for message in &flight.messages {
        if let (Purpose::Statement(index), Some(batch)) = (message.purpose, batch)
            && let Some(statement) = batch.statements.get(index)
        {
            text.push_str(&format!("-- {}:{}\n", batch.path, statement.line()));
        } else {
            text.push_str(&format!("-- {}\n", message.purpose.word()));
        }
        text.push_str(&message.sql);
        text.push_str(terminator(&message.sql));
    }
    text.push('\n');
}

/// What ends a message for a reader such as psql; one `;` too many does no harm, one inside a comment is none.
fn terminator(sql: &str) -> &'static str {
    let last = sql.trim_end().rsplit('\n').next().unwrap_or_default();
    match last.split_once("--") {
        Some((code, _)) if code.trim_end().ends_with(';') => "\n",
        Some(_) => "\n;\n",
        None if last.ends_with(';') => "\n",
        None => ";\n",
    }
}

fn as_json(plan: &Plan<'_>, bookkeeping: &Bookkeeping) -> Value {
    let preparation = plan.preparation.map(|preparation| messages(&prepare(preparation, &bookkeeping.tables), None));
    let batches = plan.batches.iter().map(|batch| {
        json!({
            "version": batch.migration.version.0, "name": batch.migration.name(), "file": batch.path,
            "direction": batch.direction.word(), "mode": batch.mode().word(),
            "messages": messages(&flight(batch, bookkeeping), Some(batch)),
        })
    });
    json!({
        "from": plan.from.0, "preparation": preparation, "migrations": batches.collect::<Vec<_>>(),
        "warnings": plan.warnings.iter().map(|warning| words::of_warning(warning).0).collect::<Vec<_>>(),
    })
}

fn messages(flight: &Flight<'_>, batch: Option<&Batch<'_>>) -> Vec<Value> {
    let line = |purpose| match (purpose, batch) {
        (Purpose::Statement(index), Some(batch)) => batch.statements.get(index).map(Statement::line),
        _ => None,
    };
    let message = |message: &Message<'_>| json!({ "purpose": message.purpose.word(), "sql": message.sql, "line": line(message.purpose) });
    flight.messages.iter().map(message).collect()
}
