//! What was given, decided: one value for everything, checked and of its type.

use std::time::Duration;

use super::hosts::{self, Endpoint};
use super::layers::{Layers, Value};
use super::problem::Problem;
use super::tls::{self, Tls};
use super::{PARAMETERS, Parameter, Secret, Use, number, passfile, server};

/// Everything that is needed to connect and to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The servers, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// Whether the order is drawn by lot.
    pub shuffled: bool,
    /// Who logs in.
    pub user: String,
    /// The database.
    pub database: String,
    /// `options` for the server, and the settings that the text gives it.
    pub options: Option<String>,
    /// How this program calls itself.
    pub application_name: String,
    /// How long one server may take from the first packet to the end of the login; no limit when absent.
    pub connect_timeout: Option<Duration>,
    /// How a silent connection is found to be dead; not at all when absent.
    pub keepalive: Option<Keepalive>,
    /// How long sent data may go unacknowledged; the system's limit when absent.
    pub tcp_user_timeout: Option<Duration>,
    /// What kind of session has to come out, where somebody said so.
    pub session: Option<SessionKind>,
    /// Whether the login is bound to the TLS channel.
    pub channel_binding: ChannelBinding,
    /// TLS.
    pub tls: Tls,
    /// `pgbouncer=true`: the URL says itself that a pooler answers there.
    pub pooled: bool,
    /// The password file to ask, where no password was given.
    pub password_file: Option<String>,
}

/// When a silent peer is asked for a sign of life. What is absent is left to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// After so much silence.
    pub idle: Option<Duration>,
    /// And then so often.
    pub interval: Option<Duration>,
    /// And after so many in vain it is dead.
    pub count: Option<u32>,
}

/// `target_session_attrs`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Any.
    Any,
    /// One that may write.
    ReadWrite,
    /// One that may not.
    ReadOnly,
    /// A server that is not a standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, and any where there is none.
    PreferStandby,
}

/// `channel_binding`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server can.
    Prefer,
    /// Always.
    Require,
}

/// How long one server may take, unless somebody says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A dropped reply is noticed within half a minute, instead of the quarter of an hour that systems allow.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE: Keepalive =
    Keepalive { idle: Some(Duration::from_secs(15)), interval: Some(Duration::from_secs(5)), count: Some(3) };

/// Decides and checks everything but the passwords of a password file.
///
/// # Errors
/// The first thing that cannot be used.
pub(super) fn settings(layers: &Layers<'_>) -> Result<Settings, Problem> {
    refuse_what_cannot_be_honoured(layers)?;
    let mut endpoints = hosts::endpoints(layers)?;
    let user = layers.filled(Parameter::User).map(|value| value.text).or(layers.account).ok_or(Problem::NoUser)?;
    let text = |parameter| layers.filled(parameter).map(|value| value.text.to_owned());
    let password = text(Parameter::Password).map(Secret::new);
    let password_file = if password.is_some() { None } else { password_file(layers) };
    for endpoint in &mut endpoints {
        endpoint.password.clone_from(&password);
    }
    let name = text(Parameter::ApplicationName).or_else(|| text(Parameter::FallbackApplicationName));
    Ok(Settings {
        endpoints,
        shuffled: shuffled(layers)?,
        user: user.to_owned(),
        database: text(Parameter::Dbname).unwrap_or_else(|| user.to_owned()),
        options: options(layers),
        application_name: name.unwrap_or_else(|| layers.application_name.to_owned()),
        connect_timeout: layers.or(Parameter::ConnectTimeout, connect_timeout, Some(CONNECT_TIMEOUT))?,
        keepalive: keepalive(layers)?,
        tcp_user_timeout: layers.or(Parameter::TcpUserTimeout, number::milliseconds, Some(TCP_USER_TIMEOUT))?,
        session: session(layers)?,
        channel_binding: channel_binding(layers)?,
        tls: tls::tls(layers)?,
        pooled: pooled(layers)?,
        password_file,
    })
}

impl Settings {
    /// Gives every server its password from a password file's text.
    pub fn take_passwords(&mut self, text: &str) {
        for endpoint in &mut self.endpoints {
            endpoint.password = passfile::password(text, endpoint, &self.database, &self.user);
        }
    }

    /// The servers as messages write them.
    #[must_use]
    pub fn shown(&self) -> String {
        let shown: Vec<String> = self.endpoints.iter().map(Endpoint::shown).collect();
        shown.join(", ")
    }
}

/// Settings stand behind the options: what a URL says by name counts.
fn options(layers: &Layers<'_>) -> Option<String> {
    let options = layers.filled(Parameter::Options).map(|value| value.text.to_owned());
    let settings = layers.text.settings().map(|(name, value)| server::option(name, value));
    let all: Vec<String> = options.into_iter().chain(settings).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn refuse_what_cannot_be_honoured(layers: &Layers<'_>) -> Result<(), Problem> {
    for row in PARAMETERS {
        let Some(value) = layers.filled(row.parameter) else { continue };
        match row.uses {
            Use::Refused(why) => return Err(value.unsupported(why)),
            Use::Only(allowed) if !allowed.contains(&value.text) => {
                return Err(value.unsupported("this program cannot do what its value asks for"));
            }
            Use::Honoured | Use::WithoutEffect(_) | Use::Only(_) => {}
        }
    }
    Ok(())
}

fn password_file(layers: &Layers<'_>) -> Option<String> {
    let named = layers.filled(Parameter::Passfile).map(|value| value.text.to_owned());
    let home = || layers.variables.get("HOME").filter(|home| !home.is_empty());
    named.or_else(|| home().map(|home| format!("{home}/.pgpass")))
}

/// libpq waits two seconds at least, because it measures in whole ones.
fn connect_timeout(value: Value<'_>) -> Result<Option<Duration>, Problem> {
    Ok(number::seconds(value)?.map(|limit| limit.max(Duration::from_secs(2))))
}

fn keepalive(layers: &Layers<'_>) -> Result<Option<Keepalive>, Problem> {
    let keepalive = Keepalive {
        idle: layers.or(Parameter::KeepalivesIdle, number::seconds, KEEPALIVE.idle)?,
        interval: layers.or(Parameter::KeepalivesInterval, number::seconds, KEEPALIVE.interval)?,
        count: layers.or(Parameter::KeepalivesCount, count, KEEPALIVE.count)?,
    };
    let on = layers.or(Parameter::Keepalives, number::integer, 1)? != 0;
    Ok(on.then_some(keepalive))
}

fn count(value: Value<'_>) -> Result<Option<u32>, Problem> {
    Ok(u32::try_from(number::integer(value)?).ok().filter(|count| *count > 0))
}

fn session(layers: &Layers<'_>) -> Result<Option<SessionKind>, Problem> {
    let kinds = [
        ("any", SessionKind::Any),
        ("read-write", SessionKind::ReadWrite),
        ("read-only", SessionKind::ReadOnly),
        ("primary", SessionKind::Primary),
        ("standby", SessionKind::Standby),
        ("prefer-standby", SessionKind::PreferStandby),
    ];
    let expected = "it is `any`, `read-write`, `read-only`, `primary`, `standby` or `prefer-standby`";
    layers.choice(Parameter::TargetSessionAttrs, &kinds, expected)
}

fn channel_binding(layers: &Layers<'_>) -> Result<ChannelBinding, Problem> {
    let words = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let binding = layers.choice(Parameter::ChannelBinding, &words, "it is `disable`, `prefer` or `require`")?;
    Ok(binding.unwrap_or(ChannelBinding::Prefer))
}

fn shuffled(layers: &Layers<'_>) -> Result<bool, Problem> {
    let words = [("disable", false), ("random", true)];
    Ok(layers.choice(Parameter::LoadBalanceHosts, &words, "it is `disable` or `random`")?.unwrap_or(false))
}

fn pooled(layers: &Layers<'_>) -> Result<bool, Problem> {
    let words = [("true", true), ("false", false)];
    Ok(layers.choice(Parameter::PgBouncer, &words, "it is `true` or `false`")?.unwrap_or(false))
}
