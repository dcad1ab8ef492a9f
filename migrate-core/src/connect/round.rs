//! One round over all servers and all their addresses, in order, until one of them is what was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempt::{self, Opened, Target};
use super::backoff::lot;
use super::cancel::Canceller;
use super::fault::{Class, Fault, Reason};
use super::line::{self, Line};
use super::peer::Peer;
use super::socket::{self, Address};
use super::startup;
use super::tls::Encryption;
use crate::connection::{Access, Endpoint, Host, SessionKind, Settings};

/// A line that may be used, who answers on it, and how to stop him.
pub(super) struct Answer {
    pub(super) line: Line,
    pub(super) peer: Peer,
    pub(super) canceller: Canceller,
}

/// What a session has to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wish {
    kind: SessionKind,
    /// Another kind will do when no server has this one.
    only_preferred: bool,
}

/// The first server that is reached and that fits. A server that refuses for good ends the round: the others would
/// refuse as well, or be the wrong ones.
pub(super) async fn round(settings: &Settings, access: Access, deadline: Option<Instant>) -> Result<Answer, Fault> {
    let all = |reason| Fault::new(settings.shown(), reason);
    let encryption = Encryption::prepare(&settings.tls).map_err(all)?;
    let round = Round { settings: Arc::new(settings.clone()), encryption, wish: wish(settings, access), deadline };
    let (mut second_best, mut last, mut before) = (None, None, Vec::new());
    for endpoint in shuffled(&settings.endpoints, settings.shuffled) {
        match round.endpoint(endpoint, &mut second_best).await {
            Ok(answer) => {
                close(second_best).await;
                return Ok(answer);
            }
            Err(fault) if fault.class() == Class::Permanent => {
                close(second_best).await;
                return Err(fault);
            }
            Err(fault) => before.extend(last.replace(fault).map(|fault: Fault| fault.to_string())),
        }
    }
    second_best.ok_or_else(|| Fault { before, ..last.unwrap_or_else(|| all(Reason::HungUp)) })
}

async fn close(answer: Option<Answer>) {
    if let Some(answer) = answer {
        answer.line.close().await;
    }
}

/// Without a word from anybody, a command that writes would rather have a server that takes writes, and is content
/// with a standby: there may be nothing to write.
fn wish(settings: &Settings, access: Access) -> Wish {
    match (settings.session, access) {
        (Some(SessionKind::PreferStandby), _) => Wish { kind: SessionKind::Standby, only_preferred: true },
        (Some(kind), _) => Wish { kind, only_preferred: false },
        (None, Access::Change) => Wish { kind: SessionKind::ReadWrite, only_preferred: true },
        // A database whose transactions are read-only by default may be written to all the same.
        (None, Access::Resume) => Wish { kind: SessionKind::Primary, only_preferred: false },
        (None, Access::Read) => Wish { kind: SessionKind::Any, only_preferred: false },
    }
}

struct Round {
    settings: Arc<Settings>,
    encryption: Encryption,
    wish: Wish,
    deadline: Option<Instant>,
}

impl Round {
    /// The first of a server's addresses that fits.
    async fn endpoint(&self, endpoint: &Endpoint, second_best: &mut Option<Answer>) -> Result<Answer, Fault> {
        let at = endpoint.shown();
        let fault = |reason| Fault::new(at.clone(), reason);
        let addresses = self.in_time(socket::addresses(endpoint)).await.map_err(fault)?;
        // With one address and no demand there is nothing to choose between, and nothing to ask.
        let alone = self.settings.endpoints.len() == 1 && addresses.len() == 1;
        let wish = (!(alone && self.wish.only_preferred)).then_some(self.wish.kind);
        let mut last = None;
        for address in shuffled(&addresses, self.settings.shuffled) {
            let reason = match self.in_time(self.address(endpoint, address, wish)).await {
                Ok((answer, None)) => return Ok(answer),
                Ok((answer, Some(misfit))) => {
                    self.keep_or_close(answer, second_best).await;
                    self.misfit(misfit)
                }
                Err(reason) => reason,
            };
            let fault = fault(reason);
            if fault.class() == Class::Permanent {
                return Err(fault);
            }
            last = Some(fault);
        }
        let last = last.unwrap_or_else(|| fault(Reason::HungUp));
        Err(if is_only_six(endpoint, &addresses) { last.without_a_route() } else { last })
    }

    fn misfit(&self, why: &'static str) -> Reason {
        match self.wish.kind {
            SessionKind::Standby | SessionKind::ReadOnly => Reason::TakesWrites(why),
            _ => Reason::Kind(why),
        }
    }

    /// The first session of another kind is kept where such a one will do.
    async fn keep_or_close(&self, answer: Answer, second_best: &mut Option<Answer>) {
        if self.wish.only_preferred && second_best.is_none() {
            *second_best = Some(answer);
        } else {
            answer.line.close().await;
        }
    }

    /// Within `connect_timeout`, and what is left of the patience.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Reason>>) -> Result<T, Reason> {
        // A last try that has no time at all would only tell that.
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(1)));
        let limit = [self.settings.connect_timeout, left].into_iter().flatten().min();
        match limit {
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or(Err(Reason::Silent(limit))),
            None => work.await,
        }
    }

    /// A session at one address, and what about it is not as was asked for.
    async fn address(
        &self,
        endpoint: &Endpoint,
        address: &Address,
        wish: Option<SessionKind>,
    ) -> Result<(Answer, Option<&'static str>), Reason> {
        let target = Target { settings: &self.settings, endpoint, address, encryption: &self.encryption };
        let Opened { client, connection, tls } = attempt::open(target).await?;
        let told = Nature::told(|name| connection.parameter(name));
        let line = Line::drive(client, connection);
        startup::verify(&line, self.settings.options.as_deref()).await?;
        let peer = Peer::new(&self.settings, endpoint, address.to_string(), tls);
        let canceller = Canceller::new(
            &line.client,
            &peer,
            (Arc::clone(&self.settings), endpoint, address),
            self.encryption.clone(),
        );
        let misfit = match wish {
            None | Some(SessionKind::Any) => None,
            Some(kind) => {
                let nature = match told {
                    Some(nature) => nature,
                    None => Nature::asked(&line).await?,
                };
                nature.misfit(kind)
            }
        };
        Ok((Answer { line, peer, canceller }, misfit))
    }
}

/// Whether a server's name stands for IPv6 addresses only: those of some providers do, and a Pod may have no IPv6.
fn is_only_six(endpoint: &Endpoint, addresses: &[Address]) -> bool {
    let is_name = endpoint.address.is_none()
        && matches!(&endpoint.host, Host::Name(name) if name.parse::<std::net::IpAddr>().is_err());
    is_name && addresses.iter().all(|address| matches!(address, Address::Tcp(address) if address.is_ipv6()))
}

/// What kind of session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nature {
    read_only: bool,
    standby: bool,
}

impl Nature {
    /// As the server told by itself at the login (`PostgreSQL` 14 and newer): that costs no round trip.
    fn told<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let standby = parameter("in_hot_standby")? == "on";
        let read_only = standby || parameter("default_transaction_read_only")? == "on";
        Some(Self { read_only, standby })
    }

    async fn asked(line: &Line) -> Result<Self, Reason> {
        let query = "SELECT pg_catalog.current_setting('transaction_read_only'), pg_catalog.pg_is_in_recovery()";
        let rows = line::rows(&line.client, query).await.map_err(super::cause::of_login)?;
        let is = |column: usize, yes: &str| {
            rows.first().and_then(|row| row.get(column)).is_some_and(|value| value.as_deref() == Some(yes))
        };
        let standby = is(1, "t");
        Ok(Self { read_only: standby || is(0, "on"), standby })
    }

    /// What speaks against it; nothing when it fits.
    fn misfit(self, kind: SessionKind) -> Option<&'static str> {
        let (fits, why) = match kind {
            SessionKind::Any | SessionKind::PreferStandby => (true, ""),
            SessionKind::ReadWrite if self.standby => (false, "is a standby, and takes no writes"),
            SessionKind::ReadWrite => (!self.read_only, "takes no writes: `default_transaction_read_only` is on"),
            SessionKind::ReadOnly => {
                (self.read_only, "takes writes, and `target_session_attrs=read-only` asks for one that does not")
            }
            SessionKind::Primary => (!self.standby, "is a standby"),
            SessionKind::Standby => (self.standby, "is not a standby"),
        };
        (!fits).then_some(why)
    }
}

/// The things in their order, or in one that is drawn by lot.
fn shuffled<T>(things: &[T], by_lot: bool) -> Vec<&T> {
    let mut things: Vec<(f64, &T)> = things.iter().map(|thing| (if by_lot { lot() } else { 0.0 }, thing)).collect();
    things.sort_by(|one, other| one.0.total_cmp(&other.0));
    things.into_iter().map(|(_, thing)| thing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_fits_by_what_its_server_told_at_the_login() {
        let told = |standby: &'static str, read_only: &'static str| {
            Nature::told(|name| Some(if name == "in_hot_standby" { standby } else { read_only })).unwrap()
        };
        let (primary, standby, timid) = (told("off", "off"), told("on", "off"), told("off", "on"));
        for (kind, fits) in [
            (SessionKind::Any, [true, true, true]),
            (SessionKind::ReadWrite, [true, false, false]),
            (SessionKind::ReadOnly, [false, true, true]),
            (SessionKind::Primary, [true, false, true]),
            (SessionKind::Standby, [false, true, false]),
        ] {
            assert_eq!([primary, standby, timid].map(|nature| nature.misfit(kind).is_none()), fits, "{kind:?}");
        }
        assert_eq!(Nature::told(|_| None), None);
    }

    #[test]
    fn a_lot_loses_nobody_and_without_one_the_order_stays() {
        let things: Vec<u32> = (0..50).collect();
        assert!(shuffled(&things, false).into_iter().eq(&things));
        let mut drawn = shuffled(&things, true);
        assert!(!drawn.iter().copied().eq(&things));
        drawn.sort_unstable();
        assert!(drawn.into_iter().eq(&things));
    }
}
