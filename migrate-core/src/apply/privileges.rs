//! What a role needs for a check and for a run, and which of it it has: asked of the catalogs, table by table, so that a
//! person is told every GRANT at once and none that would not help.

use tokio_postgres::Error;

use super::Session;
use crate::flight::{TableName, literal, quote};
use crate::history::TextRow;
use crate::report::{Failure, Setting};

/// Something that a command needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    /// Such as `SELECT ON TABLE public.goose_db_version`.
    pub what: String,
    /// Which command needs it: `check` or `up`.
    pub needed_by: &'static str,
    /// Whether the role has it.
    pub held: bool,
    /// What gives it.
    pub grant: String,
}

/// Everything that is needed on the tables that are there and on their schema.
pub(super) async fn needed(session: &Session, name: &TableName, user: &str) -> Result<Vec<Privilege>, Error> {
    Ok(of_rows(&session.rows(&query(name)).await?, user))
}

/// The failure of a statement of ours that the server denied, with the GRANTs that this role lacks, whoever it is.
pub(super) async fn explained(session: &Session, name: &TableName, failure: Failure) -> Failure {
    let user = session.rows("SELECT session_user").await.ok();
    let user = user.and_then(|rows| rows.into_iter().next()?.into_iter().next()?);
    let Some(user) = user else { return failure };
    let Ok(needed) = needed(session, name, &user).await else { return failure };
    let missing: Vec<&str> = needed.iter().filter(|one| !one.held).map(|one| one.grant.as_str()).collect();
    let next = if missing.is_empty() {
        "this role has every privilege that `migrate` needs on its tables: what the server denies is asked for by something \
         else, such as an event trigger, a trigger or a policy, or needs the tables' owner; the message and its context \
         name it"
            .to_owned()
    } else {
        let is_there = |end: &str| needed.iter().any(|one| one.what.contains(" ON TABLE ") && one.what.ends_with(end));
        // Where goose's table is there, and ours is not, a run can do without it.
        let next = format!("as the owner: {}; or run `migrate up` once as that owner", missing.join("; "));
        if is_there("\"") && !is_there("_ledger\"") {
            let next = format!("{next}; or run without the ledger: no table is made then, and no edited file noticed");
            return Failure { next, ..failure }.with_setting(Setting::WithoutLedger);
        }
        next
    };
    Failure { next, ..failure }
}

/// A row a table that is there, with what the role may do; one row with the schema alone where there is none.
fn query(name: &TableName) -> String {
    let schema = match name.schema() {
        Some(schema) => literal(schema),
        None => format!(
            "coalesce((SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
             ON n.oid = c.relnamespace WHERE c.relname = {} AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1), \
             pg_catalog.current_schema(), 'public')",
            literal(name.table())
        ),
    };
    let tables: Vec<String> = name.all().map(|table| literal(&table)).collect();
    let held = ["SELECT", "INSERT", "DELETE", "UPDATE"]
        .map(|privilege| format!("pg_catalog.has_table_privilege(session_user, c.oid, '{privilege}')"));
    // An identity column's sequence asks for nothing; that of `serial`, which older gooses made, does.
    let sequence = "(SELECT d.objid::pg_catalog.regclass::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s \
                    ON s.oid = d.objid WHERE d.refobjid = c.oid AND d.deptype = 'a' AND s.relkind = 'S' \
                    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
                    AND NOT pg_catalog.has_sequence_privilege(session_user, d.objid, 'USAGE') LIMIT 1)";
    format!(
        "SELECT n.nspname, pg_catalog.has_schema_privilege(session_user, n.oid, 'USAGE'), \
         pg_catalog.has_schema_privilege(session_user, n.oid, 'CREATE'), c.relname, {}, {sequence} \
         FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname IN ({}) \
         WHERE n.nspname = {schema} ORDER BY c.relname",
        held.join(", "),
        tables.join(", "),
    )
}

fn of_rows(rows: &[TextRow], user: &str) -> Vec<Privilege> {
    let mut privileges = Vec::new();
    let role = quote(user);
    let privilege = |what: &str, on: &str, needed_by, held| Privilege {
        what: format!("{what} ON {on}"),
        needed_by,
        held,
        grant: format!("GRANT {what} ON {on} TO {role}"),
    };
    for (at, row) in rows.iter().enumerate() {
        let text = |column: usize| row.get(column).and_then(Option::as_deref);
        let held = |column: usize| text(column) == Some("t");
        let schema = quote(text(0).unwrap_or_default());
        if at == 0 {
            let on = format!("SCHEMA {schema}");
            privileges.push(privilege("USAGE", &on, "check", held(1)));
            privileges.push(privilege("CREATE", &on, "up", held(2)));
        }
        let Some(table) = text(3) else { continue };
        let on = format!("TABLE {schema}.{}", quote(table));
        privileges.push(privilege("SELECT", &on, "check", held(4)));
        let writes: &[(&str, usize)] = match table.strip_suffix("_journal") {
            Some(_) => &[("INSERT", 5), ("UPDATE", 7)],
            None => &[("INSERT", 5), ("DELETE", 6)],
        };
        privileges.extend(writes.iter().map(|(what, column)| privilege(what, &on, "up", held(*column))));
        privileges.extend(text(8).map(|sequence| privilege("USAGE", &format!("SEQUENCE {sequence}"), "up", false)));
    }
    privileges
}
