//! What a server's refusal of a login means: whether another try may help, and how the command ends if not.

use crate::report::Exit;

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may pass.
    Retry,
    /// The server takes no writes now; another one may, or this one later.
    ReadOnly,
    /// It will be the same the next time.
    End(Exit),
}

use Verdict::{End, ReadOnly, Retry};

/// The beginning of an SQLSTATE, a part of the message, and the verdict; the first row that fits counts. `PgBouncer`
/// reports every error of its own as `08P01`, and providers' proxies have codes of any kind: they are told by words.
const VERDICTS: &[(&str, &str, Verdict)] = &[
    ("", "Couldn't connect to compute node", Retry),
    ("", "Control plane request failed", Retry),
    ("", "exceeded the compute time quota", End(Exit::Config)),
    ("", "ndpoint ID is not specified", End(Exit::Config)),
    ("", "channel binding", End(Exit::Tls)),
    ("28", "", End(Exit::Auth)),
    ("3D000", "", End(Exit::Config)),
    ("42501", "", End(Exit::Privilege)),
    ("55000", "", End(Exit::Config)),
    ("0A000", "", End(Exit::Config)),
    ("25006", "", ReadOnly),
    ("57P01", "", Retry),
    ("57P02", "", Retry),
    ("57P03", "", Retry),
    ("53300", "", Retry),
    ("08P01", "no such database", End(Exit::Config)),
    ("08P01", "does not exist", End(Exit::Config)),
    ("08P01", "unsupported startup parameter", End(Exit::Config)),
    ("08P01", "config error", End(Exit::Config)),
    ("08P01", "authentication failed", End(Exit::Auth)),
    ("08P01", "auth failed", End(Exit::Auth)),
    ("08P01", "login rejected", End(Exit::Auth)),
    ("08P01", "no such user", End(Exit::Auth)),
    ("08P01", "SSL required", End(Exit::Tls)),
    ("08P01", "TLS required", End(Exit::Tls)),
    ("08", "", Retry),
    ("", "endpoint is ", Retry),
    ("53", "", End(Exit::Resources)),
    ("54", "", End(Exit::Resources)),
    ("58", "", End(Exit::Resources)),
    ("XX00", "", End(Exit::Resources)),
];

/// The verdict on a refusal. What no row knows is an option or a parameter that the server does not take.
pub(super) fn verdict(sqlstate: &str, message: &str) -> Verdict {
    let row = VERDICTS.iter().find(|(state, words, _)| sqlstate.starts_with(state) && message.contains(words));
    row.map_or(End(Exit::Config), |(_, _, verdict)| *verdict)
}

/// Whether a server that refuses so may let the same user in with TLS, or without it.
pub(super) fn may_depend_on_tls(sqlstate: &str, message: &str) -> bool {
    matches!(verdict(sqlstate, message), End(Exit::Auth | Exit::Tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_code_and_where_there_is_none_by_words() {
        for (sqlstate, message, expected) in [
            ("57P03", "the database system is starting up", Retry),
            ("57P03", "the database system is in recovery mode", Retry),
            ("57P01", "terminating connection due to administrator command", Retry),
            ("53300", "sorry, too many clients already", Retry),
            ("53300", "too many connections for role \"u\"", Retry),
            ("08006", "connection failure", Retry),
            ("08001", "unable to connect", Retry),
            ("28P01", "password authentication failed for user \"u\"", End(Exit::Auth)),
            ("28000", "no pg_hba.conf entry for host", End(Exit::Auth)),
            ("28000", "SCRAM channel binding check failed", End(Exit::Tls)),
            ("3D000", "database \"d\" does not exist", End(Exit::Config)),
            ("42501", "permission denied for database \"d\"", End(Exit::Privilege)),
            ("55000", "database \"d\" is not currently accepting connections", End(Exit::Config)),
            ("0A000", "unsupported frontend protocol", End(Exit::Config)),
            ("42704", "unrecognized configuration parameter \"nosuch\"", End(Exit::Config)),
            ("53200", "out of memory", End(Exit::Resources)),
            ("53100", "could not extend file", End(Exit::Resources)),
            ("58030", "could not read", End(Exit::Resources)),
            ("XX000", "invalid cache", End(Exit::Resources)),
            ("25006", "cannot execute in a read-only transaction", ReadOnly),
            ("08P01", "query_wait_timeout", Retry),
            ("08P01", "no more connections allowed (max_client_conn)", Retry),
            ("08P01", "server login has been failing, try again later (server_login_retry)", Retry),
            ("08P01", "pgbouncer cannot connect to server", Retry),
            ("08P01", "server conn crashed?", Retry),
            ("08P01", "the database system is starting up", Retry),
            ("08P01", "no such database: d", End(Exit::Config)),
            ("08P01", "server login failed: FATAL database \"d\" does not exist", End(Exit::Config)),
            ("08P01", "unsupported startup parameter: extra_float_digits", End(Exit::Config)),
            ("08P01", "password authentication failed", End(Exit::Auth)),
            ("08P01", "SASL authentication failed", End(Exit::Auth)),
            ("08P01", "SSL required", End(Exit::Tls)),
            ("XX000", "Couldn't connect to compute node", Retry),
            ("08006", "Control plane request failed", Retry),
            ("XX000", "endpoint is disabled. Enable it using the API", Retry),
            ("XX000", "Your project has exceeded the compute time quota.", End(Exit::Config)),
            ("08P01", "Endpoint ID is not specified. Either please upgrade …", End(Exit::Config)),
        ] {
            assert_eq!(verdict(sqlstate, message), expected, "{sqlstate} {message}");
        }
    }

    #[test]
    fn only_a_login_that_was_refused_may_go_better_with_or_without_tls() {
        assert!(may_depend_on_tls("28000", "no pg_hba.conf entry for host, no encryption"));
        assert!(may_depend_on_tls("08P01", "SSL required"));
        for (sqlstate, message) in [("3D000", "no database"), ("57P03", "starting up"), ("53300", "too many")] {
            assert!(!may_depend_on_tls(sqlstate, message));
        }
    }
}
