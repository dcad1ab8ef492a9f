//! What the driver says went wrong, told apart.

use std::io;

use tokio_postgres::error::DbError;

use super::fault::Reason;
use super::tls::of_stream;

/// What the driver says went wrong between the first packet and the end of the login.
pub(super) fn of_login(error: tokio_postgres::Error) -> Reason {
    if error.is_closed() {
        return Reason::HungUp;
    }
    let words = error.to_string();
    let Some(cause) = error.into_source() else { return Reason::Protocol(words) };
    let cause = match cause.downcast::<DbError>() {
        Ok(db) => return Reason::Server(db),
        Err(cause) => cause,
    };
    let cause = match cause.downcast::<io::Error>() {
        Ok(io) => return of_stream(*io),
        Err(cause) => cause.to_string(),
    };
    // The driver has no other way to tell these apart than its words.
    match (words.as_str(), cause.as_str()) {
        (_, "server did not use channel binding") => Reason::Binding,
        (_, "password missing") => Reason::Login("no password is given".to_owned()),
        ("authentication error", _) => Reason::Login(cause),
        _ => Reason::Protocol(format!("{words}: {cause}")),
    }
}
