//! `plan` and `--dry-run`: the exact messages that would be sent, and nothing sent.

mod sizes;

use migrate_core::apply::{self, Session, Strongest};
use migrate_core::config::Config;
use migrate_core::flight::{Flight, Message, Purpose, TableName, Tables, prepare, relaid};
use migrate_core::history::History;
use migrate_core::lint::Settings;
use migrate_core::migration::{Migration, Mode, Set, Statement, Version};
use migrate_core::plan::{Batch, Goal, Order, OutOfOrder, Plan, plan};
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

use super::Ended;
use super::database::{open, table};
use super::migrations::load;
use super::settings::settings;
use crate::arguments::{Form, PlanArguments, Shared};
use crate::console::{Console, words};
use crate::environment;
use crate::trouble::Trouble;

pub(super) async fn run(shared: &Shared, set: &Set, options: &PlanArguments, console: &mut Console) -> Ended {
    let config = settings(shared, set)?.map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let (connected, database, table) = open(shared, console).await?;
    let environment = environment::variables();
    let request = request(set, table, options, &environment);
    let shown = show_with_sizes(&connected.session, &request, (&database, &config), console).await;
    connected.close().await;
    shown?;
    Ok(Exit::Ok)
}

pub(super) fn run_offline(
    shared: &Shared,
    embedded: &'static Set,
    options: &PlanArguments,
    console: &mut Console,
) -> Ended {
    let config = settings(shared, embedded)?.map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let set = load(shared, embedded, console)?;
    let table = table(shared)?;
    let from = Version(options.from.unwrap_or_default());
    if from != Version::ZERO && set.find(from).is_none() {
        let help = format!("give a version of this set, at most {}, or 0 for an empty database", set.latest());
        return Err(Failure::new(Exit::Usage, format!("there is no version {from}"), help).into());
    }
    let tables = table.in_schema(table.schema().unwrap_or("public"));
    let server = migrate_core::report::Opened::default();
    let database = apply::Database { history: applied_up_to(&set, from), tables, server, is_direct: true };
    let environment = environment::variables();
    let request = request(&set, table, options, &environment);
    show_on(&request, (&database, &config), None, console)?;
    Ok(Exit::Ok)
}

fn request<'a>(
    set: &'a Set,
    table: TableName,
    options: &PlanArguments,
    variables: &'a migrate_core::parse::Environment,
) -> apply::Request<'a> {
    let goal = match options.to {
        Some(version) => Goal::UpTo(Version(version)),
        None if options.one => Goal::UpByOne,
        None => Goal::Up,
    };
    let out_of_order = if options.allow_missing { OutOfOrder::Allowed } else { OutOfOrder::Refused };
    let order = Order { out_of_order, ..Order::new(set, goal, variables) };
    apply::Request { table, run: ANY_RUN.to_owned(), ..apply::Request::new(order) }
}

/// Stands for the run in a plan, which is the same for every run but for this.
pub(super) const ANY_RUN: &str = "RUN";

/// The history of a database that this program brought to a version.
fn applied_up_to(set: &Set, from: Version) -> History {
    if from == Version::ZERO {
        return History::default();
    }
    let versions = set.migrations.iter().map(|migration| migration.version).filter(|version| *version <= from);
    // The journal comes with the first file that needs it.
    let needs_journal = |migration: &Migration| migration.version <= from && migration.mode == Mode::NoTransaction;
    History::brought_to(versions, set.migrations.iter().any(needs_journal))
}

/// Plans on the database as it is and prints the plan.
pub(super) async fn show(
    session: &Session,
    request: &apply::Request<'_>,
    config: &Config,
    console: &mut Console,
) -> Result<(), Failure> {
    let database = apply::read(session, &request.table, request.order.versioning).await?;
    show_with_sizes(session, request, (&database, config), console).await
}

/// Refuses, before anything is changed, what is above a budget.
pub(super) async fn refuse_above_budget(
    session: &Session,
    request: &apply::Request<'_>,
    config: &Config,
) -> Result<(), Failure> {
    if config.budgets.is_empty() {
        return Ok(());
    }
    let database = apply::read(session, &request.table, request.order.versioning).await?;
    // What cannot be planned is refused by the run itself, with everything that it knows.
    let Ok(plan) = plan(request.order, &database.history) else { return Ok(()) };
    let weighed = sizes::weighed(session, request, &plan, config).await?;
    sizes::within_budgets(&weighed, config)
}

/// The plan first: whoever is refused wants to see what it was.
async fn show_with_sizes(
    session: &Session,
    request: &apply::Request<'_>,
    (database, config): (&apply::Database, &Config),
    console: &mut Console,
) -> Result<(), Failure> {
    let planned = plan(request.order, &database.history).map_err(|error| Failure::from(&error))?;
    let weighed = sizes::weighed(session, request, &planned, config).await?;
    show_on(request, (database, config), Some(&weighed), console)?;
    sizes::within_budgets(&weighed, config)
}

fn show_on(
    request: &apply::Request<'_>,
    (database, config): (&apply::Database, &Config),
    sizes: Option<&[sizes::Weighed]>,
    console: &mut Console,
) -> Result<(), Failure> {
    let plan = plan(request.order, &database.history).map_err(|error| Failure::from(&error))?;
    let flights = request.flights(&plan, database);
    let locks = apply::strongest_locks(request.order.set, &plan, &Settings::from_config(config));
    for warning in &plan.warnings {
        console.event(&migrate_core::report::Event::Warned(warning.clone()));
    }
    match console.output {
        Form::Text => console.data(&text(&plan, &locks, &flights, &database.tables)),
        Form::Json => {
            let mut json = as_json(&plan, &locks, &flights, &database.tables);
            if let Some(sizes) = sizes {
                json["tables"] = sizes.iter().map(sizes::as_json).collect();
            }
            console.json(&json);
        }
    }
    for weighed in sizes.unwrap_or_default() {
        console.say("touches", &sizes::text(weighed));
    }
    if plan.batches.is_empty() {
        console.say("planned", &format!("nothing to run: the database is at version {}", plan.from));
    }
    Ok(())
}

fn text(plan: &Plan<'_>, locks: &[Option<Strongest>], flights: &[Flight<'_>], tables: &Tables) -> String {
    let mut text = String::new();
    if let Some(preparation) = plan.preparation {
        text.push_str("-- the version table and the ledger\n");
        push_messages(&mut text, &prepare(preparation, tables), None);
    }
    for ((batch, lock), flight) in plan.batches.iter().zip(locks).zip(flights) {
        let lock = lock.as_ref().map(|lock| format!("; {} on {}", lock.mode.sql(), lock.relations.join(", ")));
        let (direction, mode) = (batch.direction.word(), batch.mode().word());
        let head = format!("-- {direction} {}, {mode}{}\n", batch.path, lock.unwrap_or_default());
        text.push_str(&head);
        push_messages(&mut text, flight, Some(batch));
    }
    if let Some(relaid) = relaid(plan, tables) {
        text.push_str("-- the digests of files whose layout was changed\n");
        push_messages(&mut text, &relaid, None);
    }
    text
}

fn push_messages(text: &mut String, flight: &Flight<'_>, batch: Option<&Batch<'_>>) {
    for message in &flight.messages {
        if let Some(statement) = first_statement(message, batch)
            && let Some(batch) = batch
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

fn as_json(plan: &Plan<'_>, locks: &[Option<Strongest>], flights: &[Flight<'_>], tables: &Tables) -> Value {
    let preparation = plan.preparation.map(|preparation| messages(&prepare(preparation, tables), None));
    let strongest = |lock: &Strongest| json!({ "mode": lock.mode.pg_locks(), "relations": lock.relations });
    let batches = plan.batches.iter().zip(locks).zip(flights).map(|((batch, lock), flight)| {
        json!({
            "version": batch.migration.version.0, "name": batch.migration.name(), "file": batch.path,
            "direction": batch.direction.word(), "mode": batch.mode().word(),
            "strongest_lock": lock.as_ref().map(strongest),
            "messages": messages(flight, Some(batch)),
        })
    });
    let mut json = json!({
        "from": plan.from.0, "preparation": preparation, "migrations": batches.collect::<Vec<_>>(),
        "warnings": plan.warnings.iter().map(|warning| words::of_warning(warning).0).collect::<Vec<_>>(),
    });
    if let Some(relaid) = relaid(plan, tables) {
        json["relaid"] = messages(&relaid, None).into();
    }
    json
}

fn messages(flight: &Flight<'_>, batch: Option<&Batch<'_>>) -> Vec<Value> {
    let message = |message: &Message<'_>| {
        let statements = match message.purpose {
            Purpose::Statements { count, .. } => Some(count),
            _ => None,
        };
        json!({
            "purpose": message.purpose.word(), "sql": message.sql,
            "line": first_statement(message, batch).map(Statement::line), "statements": statements,
        })
    };
    flight.messages.iter().map(message).collect()
}

/// The first of the file's statements that a message holds.
fn first_statement<'b>(message: &Message<'_>, batch: Option<&'b Batch<'_>>) -> Option<&'b Statement> {
    match message.purpose {
        Purpose::Statements { first, .. } => batch?.statements.get(first),
        _ => None,
    }
}
