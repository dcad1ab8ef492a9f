//! What an error of a server, or of what stands in its place, means: how the command ends, whether the same again may
//! succeed, what to do. One table for all of them.
//!
//! Invariant: a row goes by words only where no SQLSTATE tells, because poolers and providers' proxies use one code for
//! everything. PostgreSQL translates its own words (`lc_messages`), so no row rests on them; those that a pooler relays
//! without their code are known in every language that PostgreSQL 15 speaks ([`relayed`]). The name of the server's
//! function (field `R` of an error) is never translated.

mod relayed;

use super::Exit;

/// When an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between the first packet and the end of the login.
    Login,
    /// The same, without TLS, at a server that speaks it.
    Clear,
    /// While the history was read.
    Reading,
    /// By the statement that opens a transaction for writing.
    Begin,
    /// By anything else that was sent.
    Running,
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It may pass; the command ends so when it does not.
    Passing(Exit),
    /// What was rolled back may succeed when it is sent again.
    Again,
    /// The server takes no writes now; another one may, or this one later.
    ReadOnly,
    /// It will be the same the next time.
    Lasting(Exit),
}

impl Meaning {
    /// How the command ends for it; nothing where the migration itself is at fault.
    pub(crate) const fn exit(self) -> Option<Exit> {
        match self {
            Self::Passing(exit) | Self::Lasting(exit) => Some(exit),
            Self::ReadOnly => Some(Exit::ReadOnly),
            Self::Again => None,
        }
    }
}

/// One kind of error.
#[derive(Debug)]
pub(crate) struct Row {
    phases: &'static [Phase],
    /// The beginning of the SQLSTATE.
    sqlstate: &'static str,
    /// Parts of a message: one of them is in it. None: any message.
    words: &'static [&'static str],
    /// The beginning of the name of the server's function that reports it.
    routine: &'static str,
    pub(crate) meaning: Meaning,
    /// What to do; `{user}` and `{database}` stand for those of the connection.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only what talks to a server gives advice"))]
    pub(crate) advice: Option<&'static str>,
}

use Exit::{Auth, Config, Connect, ConnectionLost, MigrationFailed, NeedsDirect, Privilege, Resources, Tls};
use Meaning::{Again, Lasting, Passing, ReadOnly};
use Phase::{Begin, Clear, Login, Reading, Running};

const ANY: &[Phase] = &[Login, Reading, Begin, Running];
const AT_WORK: &[Phase] = &[Reading, Begin, Running];

const fn row(
    phases: &'static [Phase],
    sqlstate: &'static str,
    words: &'static [&'static str],
    meaning: Meaning,
    advice: &'static str,
) -> Row {
    let advice = if advice.is_empty() { None } else { Some(advice) };
    Row { phases, sqlstate, words, routine: "", meaning, advice }
}

impl Row {
    const fn by(mut self, routine: &'static str) -> Self {
        self.routine = routine;
        self
    }

    fn is_of(&self, phase: Phase, said: Said<'_>) -> bool {
        self.phases.contains(&phase)
            && said.sqlstate.starts_with(self.sqlstate)
            && said.routine.starts_with(self.routine)
            && (self.words.is_empty() || self.words.iter().any(|words| said.message.contains(words)))
    }
}

/// What is known of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) sqlstate: &'a str,
    pub(crate) message: &'a str,
    /// The name of the server's function that reported it; empty where none is told.
    pub(crate) routine: &'a str,
}

impl<'a> Said<'a> {
    pub(crate) const fn new(sqlstate: &'a str, message: &'a str) -> Self {
        Self { sqlstate, message, routine: "" }
    }
}

/// The first row that fits counts. `PgBouncer` reports every error of its own as `08P01`.
static ROWS: &[Row] = &[
    row(
        ANY,
        "08P01",
        &[STATEMENT_POOLING],
        Lasting(NeedsDirect),
        "this pooler is in statement mode, where no transaction is possible: use one in transaction mode, or set \
         DATABASE_URL_DIRECT to a URL that leads past it",
    ),
    // One that ended while nothing was under way may not come to that again.
    row(
        &[Begin, Running],
        "08P01",
        &["idle transaction timeout", "idle_transaction_timeout"],
        Passing(ConnectionLost),
        "run again",
    ),
    // `PgBouncer` names its limits on the time that work may take so, in all its versions.
    row(
        &[Begin, Running],
        "08P01",
        &["query timeout", "query_timeout", "transaction timeout", "transaction_timeout"],
        Lasting(MigrationFailed),
        RAISE_THE_LIMIT,
    ),
    row(&[Login], "", &["Couldn't connect to compute node", "Control plane request failed"], Passing(Connect), ""),
    row(&[Login], "", &["exceeded the compute time quota", "ndpoint ID is not specified"], Lasting(Config), ""),
    // Where a login is bound to its channel, both of PostgreSQL's functions that read what the client says of it.
    row(&[Login], "28000", &[], Lasting(Tls), BOUND_ELSEWHERE).by("read_client_"),
    row(&[Login], "", &["channel binding"], Lasting(Tls), BOUND_ELSEWHERE),
    // The function that reads pg_hba.conf: with `hostssl` lines alone it lets nobody in without TLS.
    row(&[Clear], "28000", &[], Lasting(Tls), "set `sslmode=require`, or a stricter one, in the database URL")
        .by("ClientAuthentication"),
    row(&[Login], "28000", &[], Lasting(Auth), "check the user in the database URL, and the server's pg_hba.conf"),
    row(&[Login], "28", &[], Lasting(Auth), ""),
    row(
        &[Login],
        "3D000",
        &[],
        Lasting(Config),
        "create it (`createdb {database}`), or name another in the database URL",
    ),
    // A setting of `options` that the role may not change, told by the functions that set it.
    row(&[Login], "42501", &[], Lasting(Config), NOT_THIS_SETTING).by("set_config"),
    row(&[Login], "42501", &[], Lasting(Config), NOT_THIS_SETTING).by("call_"),
    row(&[Login], "42501", &[], Lasting(Privilege), "GRANT CONNECT ON DATABASE {database} TO {user};"),
    row(&[Login], "55000", &[], Lasting(Config), "name another database in the database URL"),
    row(&[Login], "0A000", &[], Lasting(Config), ""),
    row(&[Login], "25006", &[], ReadOnly, ""),
    row(ANY, "57P04", &[], Lasting(Config), "the database was dropped: name another in the database URL"),
    row(&[Login], "57P", &[], Passing(Connect), ""),
    row(&[Login], "53300", &[], Passing(Connect), ""),
    row(&[Login], "08P01", &["no such database", "config error"], Lasting(Config), ""),
    row(&[Login], "08P01", relayed::DOES_NOT_EXIST, Lasting(Config), ""),
    row(
        &[Login],
        "08P01",
        &["unsupported startup parameter"],
        Lasting(Config),
        "a pooler takes no `options`, and no setting such as `search_path` at the start of a session: give it to the role \
         (ALTER ROLE {user} IN DATABASE {database} SET …), or set DATABASE_URL_DIRECT to a URL that leads past the pooler",
    ),
    row(
        &[Login],
        "08P01",
        &["authentication failed", "auth failed", "login rejected", "no such user", "pg_hba.conf"],
        Lasting(Auth),
        "",
    ),
    row(&[Login], "08P01", relayed::PASSWORD_FAILED, Lasting(Auth), ""),
    row(&[Login], "08P01", &["SSL required", "TLS required"], Lasting(Tls), ""),
    row(&[Login], "08", &[], Passing(Connect), ""),
    row(&[Login], "", &["endpoint is "], Passing(Connect), ""),
    row(
        &[Reading],
        "08",
        &[],
        Passing(Connect),
        "run again; if a pooler is short of backends, enlarge its pool or set DATABASE_URL_DIRECT",
    ),
    row(
        AT_WORK,
        "08",
        &[],
        Passing(ConnectionLost),
        "run again; if a pooler is short of backends, enlarge its pool or set DATABASE_URL_DIRECT",
    ),
    row(&[Reading, Running], "42501", &[], Lasting(Privilege), ""),
    row(AT_WORK, "25006", &[], ReadOnly, NAME_THE_PRIMARY),
    // A standby refuses BEGIN … READ WRITE as a feature that it does not support.
    row(&[Begin], "0A000", &[], ReadOnly, NAME_THE_PRIMARY),
    row(AT_WORK, "57P", &[], Passing(ConnectionLost), "run again"),
    row(&[Running], "55P03", &[], Again, ""),
    row(&[Running], "40P01", &[], Again, ""),
    row(&[Running], "40001", &[], Again, ""),
    row(ANY, "53", &[], Lasting(Resources), FREE_THE_RESOURCE),
    row(&[Login], "54", &[], Lasting(Resources), FREE_THE_RESOURCE),
    row(ANY, "58", &[], Lasting(Resources), FREE_THE_RESOURCE),
    row(ANY, "XX00", &[], Lasting(Resources), FREE_THE_RESOURCE),
    // An option or a parameter that the server does not take.
    row(&[Login], "", &[], Lasting(Config), ""),
];

/// What `PgBouncer` says to BEGIN in statement mode.
const STATEMENT_POOLING: &str = "statement pooling";
const BOUND_ELSEWHERE: &str = "channel binding ties the login to the server's own TLS: nothing in between may end it and begin \
                               another; docs/connection.md";
const NOT_THIS_SETTING: &str = "leave the setting out of the database URL and of PGOPTIONS, or let a superuser give it to the \
                                role: ALTER ROLE {user} SET …";
const RAISE_THE_LIMIT: &str = "raise that limit of the pooler, or set DATABASE_URL_DIRECT to a URL that leads past it";
const NAME_THE_PRIMARY: &str = "point the database URL at the primary, or let the role write there";
const FREE_THE_RESOURCE: &str = "free the resource that the server names, then run again";

/// The row of an error; nothing where the migration itself is at fault.
pub(crate) fn meaning(phase: Phase, said: Said<'_>) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.is_of(phase, said))
}

impl Exit {
    /// The ending that an SQLSTATE of a failed migration stands for (operations.md §3.3); `None` for an error of the
    /// migration itself.
    #[must_use]
    pub fn of_sqlstate(sqlstate: &str) -> Option<Self> {
        meaning(Running, Said::new(sqlstate, ""))?.meaning.exit()
    }
}

/// Whether a migration that this error rolled back may succeed when it is sent again.
#[cfg(feature = "postgres")]
pub(crate) fn may_succeed_again(sqlstate: &str) -> bool {
    meaning(Running, Said::new(sqlstate, "")).is_some_and(|row| row.meaning == Again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phase: Phase, sqlstate: &str, message: &str) -> Option<Meaning> {
        meaning(phase, Said::new(sqlstate, message)).map(|row| row.meaning)
    }

    #[test]
    fn refusals_of_a_login_are_told_apart_by_code_and_where_there_is_none_by_words() {
        for (sqlstate, message, expected) in [
            ("57P03", "the database system is starting up", Passing(Connect)),
            ("57P03", "das Datenbanksystem startet", Passing(Connect)),
            ("57P01", "terminating connection due to administrator command", Passing(Connect)),
            ("57P04", "database dropped", Lasting(Config)),
            ("53300", "sorry, too many clients already", Passing(Connect)),
            ("08006", "connection failure", Passing(Connect)),
            ("28P01", "password authentication failed for user \"u\"", Lasting(Auth)),
            ("28000", "kein pg_hba.conf-Eintrag", Lasting(Auth)),
            ("08P01", "SCRAM channel binding check failed", Lasting(Tls)),
            ("3D000", "database \"d\" does not exist", Lasting(Config)),
            ("42501", "permission denied for database \"d\"", Lasting(Privilege)),
            ("55000", "database \"d\" is not currently accepting connections", Lasting(Config)),
            ("0A000", "unsupported frontend protocol", Lasting(Config)),
            ("42704", "unrecognized configuration parameter \"nosuch\"", Lasting(Config)),
            ("22023", "invalid value for parameter \"work_mem\"", Lasting(Config)),
            ("53200", "out of memory", Lasting(Resources)),
            ("58030", "could not read", Lasting(Resources)),
            ("XX000", "invalid cache", Lasting(Resources)),
            ("25006", "cannot execute in a read-only transaction", ReadOnly),
            ("08P01", "query_wait_timeout", Passing(Connect)),
            ("08P01", "no more connections allowed (max_client_conn)", Passing(Connect)),
            ("08P01", "server login has been failing, try again later (server_login_retry)", Passing(Connect)),
            ("08P01", "the database system is starting up", Passing(Connect)),
            ("08P01", "no such database: d", Lasting(Config)),
            ("08P01", "server login failed: FATAL database \"d\" does not exist", Lasting(Config)),
            ("08P01", "Datenbank >>d<< existiert nicht", Lasting(Config)),
            ("08P01", "no existe la base de datos «d»", Lasting(Config)),
            ("08P01", "роль \"u\" не существует", Lasting(Config)),
            ("08P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", Lasting(Auth)),
            ("08P01", "kein pg_hba.conf-Eintrag für Host »h«", Lasting(Auth)),
            ("08P01", "das Datenbanksystem startet", Passing(Connect)),
            ("08P01", "unsupported startup parameter: extra_float_digits", Lasting(Config)),
            ("08P01", "password authentication failed", Lasting(Auth)),
            ("08P01", "SASL authentication failed", Lasting(Auth)),
            ("08P01", "SSL required", Lasting(Tls)),
            ("XX000", "Couldn't connect to compute node", Passing(Connect)),
            ("08006", "Control plane request failed", Passing(Connect)),
            ("XX000", "endpoint is disabled. Enable it using the API", Passing(Connect)),
            ("XX000", "Your project has exceeded the compute time quota.", Lasting(Config)),
            ("08P01", "Endpoint ID is not specified. Either please upgrade …", Lasting(Config)),
        ] {
            assert_eq!(of(Login, sqlstate, message), Some(expected), "{sqlstate} {message}");
        }
    }

    #[test]
    fn a_login_that_is_bound_to_another_channel_is_known_by_the_function_that_refuses_it() {
        for (routine, expected) in
            [("read_client_final_message", Tls), ("read_client_first_message", Tls), ("auth_failed", Auth), ("", Auth)]
        {
            let said = Said { sqlstate: "28000", message: "SCRAM-Channel-Binding-Prüfung fehlgeschlagen", routine };
            let found = meaning(Login, said).map(|row| row.meaning);
            assert_eq!(found, Some(Lasting(expected)), "{routine}");
        }
    }

    #[test]
    fn a_setting_that_a_role_may_not_change_is_told_from_a_database_that_it_may_not_enter() {
        for (routine, expected) in [
            ("set_config_option", Config),
            ("set_config_with_handle", Config),
            ("call_string_check_hook", Config),
            ("CheckMyDatabase", Privilege),
            ("", Privilege),
        ] {
            let said = Said { sqlstate: "42501", message: "keine Berechtigung", routine };
            assert_eq!(meaning(Login, said).map(|row| row.meaning), Some(Lasting(expected)), "{routine}");
        }
    }

    #[test]
    fn a_login_in_the_clear_is_refused_for_want_of_tls_only_by_what_reads_the_rules() {
        for (sqlstate, routine, expected) in [
            ("28000", "ClientAuthentication", Some(Lasting(Tls))),
            ("28000", "InitializeSessionUserId", None),
            ("28P01", "auth_failed", None),
            ("28000", "", None),
        ] {
            let said = Said { sqlstate, message: "kein pg_hba.conf-Eintrag", routine };
            assert_eq!(meaning(Clear, said).map(|row| row.meaning), expected, "{routine}");
        }
    }

    #[test]
    fn an_error_at_work_is_a_migration_s_own_unless_a_row_says_otherwise() {
        for (phase, sqlstate, message, expected) in [
            (Running, "42601", "syntax error", None),
            (Running, "P0001", "statement pooling", None),
            (Running, "0A000", "cannot alter a column used by a view", None),
            (Begin, "0A000", "cannot set transaction read-write mode during recovery", Some(ReadOnly)),
            (Running, "25006", "nur Lesezugriff", Some(ReadOnly)),
            (Reading, "08P01", "query_wait_timeout", Some(Passing(Connect))),
            (Running, "08P01", "query_wait_timeout", Some(Passing(ConnectionLost))),
            (Begin, "08P01", "transaction blocks not allowed in statement pooling mode", Some(Lasting(NeedsDirect))),
            (Running, "08P01", "query_timeout", Some(Lasting(MigrationFailed))),
            (Running, "08P01", "idle transaction timeout", Some(Passing(ConnectionLost))),
            (Running, "57P01", "Verbindung wird abgebrochen", Some(Passing(ConnectionLost))),
            (Running, "55P03", "lock timeout", Some(Again)),
            (Running, "53100", "disk full", Some(Lasting(Resources))),
        ] {
            assert_eq!(of(phase, sqlstate, message), expected, "{sqlstate} {message}");
        }
    }

    #[test]
    fn every_row_can_be_reached() {
        for (at, row) in ROWS.iter().enumerate() {
            let (sqlstate, routine) = (row.sqlstate, row.routine);
            let messages = if row.words.is_empty() { &[""] } else { row.words };
            for &message in messages {
                let said = Said { sqlstate, message, routine };
                let reached = |phase: &Phase| meaning(*phase, said).is_some_and(|found| std::ptr::eq(found, row));
                assert!(row.phases.iter().any(reached), "row {at}, {message:?}: {row:?}");
            }
        }
    }
}
