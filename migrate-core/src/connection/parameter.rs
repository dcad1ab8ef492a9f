//! The parameters of libpq: what each is called, where else it comes from, and what this program does with it.
//!
//! Invariant: a parameter is honoured, changes nothing here by its nature, or is refused; none is ignored.

/// What this program does with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It has libpq's meaning.
    Honoured,
    /// It only concerns something that this program never does.
    WithoutEffect(&'static str),
    /// These values say what this program does anyway; others ask for what it cannot do.
    Only(&'static [&'static str]),
    /// It asks for something that this program cannot do.
    Refused(&'static str),
}

/// One row of the table of parameters.
#[derive(Debug)]
pub struct ParameterRow {
    /// Which.
    pub parameter: Parameter,
    /// Its name in a URL, in `key=value` pairs and in a service file.
    pub name: &'static str,
    /// The variable that gives it where no text does; empty when there is none.
    pub variable: &'static str,
    /// What this program does with it.
    pub uses: Use,
}

macro_rules! parameters {
    ($($variant:ident $name:literal $variable:literal $uses:expr;)*) => {
        /// A parameter of a connection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Parameter {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        /// Every parameter that this program knows, in the order of the manual.
        pub const PARAMETERS: &[ParameterRow] = &[
            $(ParameterRow { parameter: Parameter::$variant, name: $name, variable: $variable, uses: $uses },)*
        ];
    };
}

const NO_GSS: Use = Use::WithoutEffect("it concerns GSSAPI, which this program does not use");
const NO_OAUTH: Use = Use::Refused("this program does not log in by OAuth");

parameters! {
    Host "host" "PGHOST" Use::Honoured;
    Hostaddr "hostaddr" "PGHOSTADDR" Use::Honoured;
    Port "port" "PGPORT" Use::Honoured;
    Dbname "dbname" "PGDATABASE" Use::Honoured;
    User "user" "PGUSER" Use::Honoured;
    Password "password" "PGPASSWORD" Use::Honoured;
    Passfile "passfile" "PGPASSFILE" Use::Honoured;
    RequireAuth "require_auth" "PGREQUIREAUTH" Use::Refused("this program does not choose between ways of logging in; use `sslmode=verify-full` or `channel_binding=require`");
    ChannelBinding "channel_binding" "PGCHANNELBINDING" Use::Honoured;
    ConnectTimeout "connect_timeout" "PGCONNECT_TIMEOUT" Use::Honoured;
    ClientEncoding "client_encoding" "" Use::Only(&["UTF8", "utf8", "UTF-8", "utf-8", "UNICODE", "unicode", "auto"]);
    Options "options" "PGOPTIONS" Use::Honoured;
    ApplicationName "application_name" "PGAPPNAME" Use::Honoured;
    FallbackApplicationName "fallback_application_name" "" Use::Honoured;
    Keepalives "keepalives" "" Use::Honoured;
    KeepalivesIdle "keepalives_idle" "" Use::Honoured;
    KeepalivesInterval "keepalives_interval" "" Use::Honoured;
    KeepalivesCount "keepalives_count" "" Use::Honoured;
    TcpUserTimeout "tcp_user_timeout" "" Use::Honoured;
    Replication "replication" "" Use::Only(&["false", "off", "no", "0"]);
    GssEncMode "gssencmode" "PGGSSENCMODE" Use::Only(&["disable", "prefer"]);
    SslMode "sslmode" "PGSSLMODE" Use::Honoured;
    SslNegotiation "sslnegotiation" "PGSSLNEGOTIATION" Use::Honoured;
    SslCompression "sslcompression" "PGSSLCOMPRESSION" Use::WithoutEffect("TLS is never compressed here");
    SslCert "sslcert" "PGSSLCERT" Use::Honoured;
    SslKey "sslkey" "PGSSLKEY" Use::Honoured;
    SslPassword "sslpassword" "" Use::WithoutEffect("this program reads no encrypted keys, and says so when it meets one");
    SslCertMode "sslcertmode" "PGSSLCERTMODE" Use::Honoured;
    SslRootCert "sslrootcert" "PGSSLROOTCERT" Use::Honoured;
    SslCrl "sslcrl" "PGSSLCRL" Use::Honoured;
    SslCrlDir "sslcrldir" "PGSSLCRLDIR" Use::Refused("this program reads one file of revocation lists: `sslcrl`");
    SslSni "sslsni" "PGSSLSNI" Use::Honoured;
    RequirePeer "requirepeer" "PGREQUIREPEER" Use::Refused("this program does not ask who owns a socket");
    SslMinProtocolVersion "ssl_min_protocol_version" "PGSSLMINPROTOCOLVERSION" Use::Honoured;
    SslMaxProtocolVersion "ssl_max_protocol_version" "PGSSLMAXPROTOCOLVERSION" Use::Honoured;
    MinProtocolVersion "min_protocol_version" "PGMINPROTOCOLVERSION" Use::Only(&["3.0"]);
    MaxProtocolVersion "max_protocol_version" "PGMAXPROTOCOLVERSION" Use::Only(&["3.0", "3.2", "latest"]);
    KrbSrvName "krbsrvname" "PGKRBSRVNAME" NO_GSS;
    GssLib "gsslib" "PGGSSLIB" NO_GSS;
    GssDelegation "gssdelegation" "PGGSSDELEGATION" NO_GSS;
    ScramClientKey "scram_client_key" "" Use::Refused("this program logs in with the password");
    ScramServerKey "scram_server_key" "" Use::Refused("this program logs in with the password");
    SslKeyLogFile "sslkeylogfile" "" Use::Refused("this program writes no TLS keys to files");
    OauthIssuer "oauth_issuer" "" NO_OAUTH;
    OauthClientId "oauth_client_id" "" NO_OAUTH;
    OauthClientSecret "oauth_client_secret" "" NO_OAUTH;
    OauthScope "oauth_scope" "" NO_OAUTH;
    Service "service" "PGSERVICE" Use::Honoured;
    ServiceFile "servicefile" "PGSERVICEFILE" Use::Honoured;
    TargetSessionAttrs "target_session_attrs" "PGTARGETSESSIONATTRS" Use::Honoured;
    LoadBalanceHosts "load_balance_hosts" "PGLOADBALANCEHOSTS" Use::Honoured;
    PgBouncer "pgbouncer" "" Use::Honoured;
}

impl Parameter {
    /// The parameter of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        PARAMETERS.iter().find(|row| row.name == name).map(|row| row.parameter)
    }

    /// Its row in the table.
    #[must_use]
    pub fn row(self) -> &'static ParameterRow {
        // The table is written by the same macro as the variants, in the same order.
        &PARAMETERS[self as usize]
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether its value is a secret.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::SslPassword | Self::OauthClientSecret | Self::ScramClientKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_finds_its_own_row() {
        for row in PARAMETERS {
            assert_eq!(row.parameter.name(), row.name);
            assert_eq!(Parameter::find(row.name), Some(row.parameter));
        }
        assert_eq!(Parameter::find("HOST"), None);
    }
}
