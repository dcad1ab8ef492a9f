//! From a database URL to an open session: a server over the network, or one inside this program.

use migrate_core::apply::Session;
use migrate_core::report::{Exit, Failure};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::environment;

/// Where a command connects to.
pub(crate) enum Target {
    Server(Box<Config>),
    #[cfg(feature = "embedded")]
    Embedded(migrate_scratch::Storage),
}

/// An open session, and what has to be closed with it.
pub(crate) struct Connected {
    pub(crate) session: Session,
    #[cfg(feature = "embedded")]
    embedded: Option<migrate_scratch::Embedded>,
}

impl Target {
    /// The target of a URL, of `DATABASE_URL`, or of `GOOSE_DBSTRING`.
    pub(crate) fn find(url: Option<&str>) -> Result<Self, Failure> {
        let url = url
            .map(str::to_owned)
            .filter(|url| !url.is_empty())
            .or_else(|| environment::variable("DATABASE_URL"))
            .or_else(|| environment::variable("GOOSE_DBSTRING"));
        let Some(url) = url else {
            return Err(Failure::new(
                Exit::Usage,
                "no database is named",
                "give `--database-url URL` or set DATABASE_URL; `--database-url embedded:./.migrate/db` needs no server",
            ));
        };
        match url.strip_prefix("embedded:") {
            Some(path) => embedded(path),
            None => server(&url).map(|config| Self::Server(Box::new(config))),
        }
    }

    pub(crate) async fn connect(self) -> Result<Connected, Failure> {
        match self {
            Self::Server(config) => Ok(Connected {
                session: Session::connect(&config).await?,
                #[cfg(feature = "embedded")]
                embedded: None,
            }),
            #[cfg(feature = "embedded")]
            Self::Embedded(storage) => connect_embedded(storage).await,
        }
    }
}

impl Connected {
    /// Ends the session in order; an embedded server is shut down so that its files are whole.
    pub(crate) async fn close(self) {
        self.session.close().await;
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            // The work is committed; a server that cannot shut down in order recovers when it is opened again.
            let _recovers = embedded.close();
        }
    }
}

/// The settings of a URL or of `key=value` pairs. Nothing of a text that cannot be read is repeated: it may hold the
/// password anywhere.
fn server(url: &str) -> Result<Config, Failure> {
    let invalid = |why: String| Failure::new(Exit::Config, format!("the database URL cannot be used: {why}"), URL_HELP);
    if let Some(mode) = unsupported_sslmode(url) {
        return Err(Failure::new(
            Exit::Tls,
            format!("`sslmode={mode}` asks for TLS, which this build does not have"),
            "use `sslmode=disable` on a network you trust, or `sslmode=prefer`",
        ));
    }
    if url.contains("://") && !is_percent_encoded(url) {
        return Err(invalid("it holds a `%` that is not followed by two hexadecimal digits; write `%25`".into()));
    }
    let config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        invalid(speakable(&cause))
    })?;
    let at = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
    if config.get_hosts().iter().any(at) {
        return Err(invalid("it holds more than one `@`; in a user or a password write `%40`".into()));
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(invalid("it names no host".into()));
    }
    Ok(config)
}

/// The parser's complaint as far as it holds nothing of the text but names that are nobody's password.
fn speakable(cause: &str) -> String {
    let option = cause.split('`').nth(1).unwrap_or_default();
    if cause.starts_with("invalid value for option") || LIBPQ_OPTIONS.contains(&option) {
        cause.to_owned()
    } else if cause.starts_with("unknown option") {
        "it holds an option that this program does not know".into()
    } else {
        "it is neither a postgres:// URL nor key=value pairs".into()
    }
}

/// Options of libpq and pgx that this program does not have: the likely ones in a URL that works elsewhere.
const LIBPQ_OPTIONS: [&str; 20] = [
    "channel_binding",
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "krbsrvname",
    "passfile",
    "pool_max_conns",
    "pool_min_conns",
    "require_auth",
    "requirepeer",
    "search_path",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "statement_timeout",
    "timezone",
];

fn is_percent_encoded(url: &str) -> bool {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    url.split('%').skip(1).all(|rest| hex(rest.as_bytes().first()) && hex(rest.as_bytes().get(1)))
}

const URL_HELP: &str = "write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with special characters percent-encoded";

fn unsupported_sslmode(url: &str) -> Option<&'static str> {
    let (_, rest) = url.split_once("sslmode")?;
    let mode = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches('\'');
    ["require", "verify-ca", "verify-full"].into_iter().find(|known| mode.starts_with(known))
}

#[cfg(feature = "embedded")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is no embedded server to name")]
fn embedded(path: &str) -> Result<Target, Failure> {
    Ok(Target::Embedded(if path.is_empty() {
        migrate_scratch::Storage::Memory
    } else {
        migrate_scratch::Storage::Folder(path.into())
    }))
}

#[cfg(not(feature = "embedded"))]
fn embedded(_path: &str) -> Result<Target, Failure> {
    Err(Failure::new(
        Exit::Config,
        "this program was built without an embedded PostgreSQL",
        "name a server in the database URL, or build with `--features embedded`",
    ))
}

#[cfg(feature = "embedded")]
async fn connect_embedded(storage: migrate_scratch::Storage) -> Result<Connected, Failure> {
    let failed = |error: migrate_scratch::ScratchError| {
        Failure::new(Exit::Connect, format!("the embedded PostgreSQL does not start: {error}"), "see the message")
    };
    let embedded = migrate_scratch::Embedded::open(storage).map_err(failed)?;
    let stream = embedded.connect().map_err(failed)?;
    let mut config = Config::new();
    config.user("postgres").dbname("postgres");
    let session = Session::over(stream, &config).await?;
    Ok(Connected { session, embedded: Some(embedded) })
}
