//! What a URL itself tells of a pooler in transaction mode: hints, no proof.

use super::hosts::{Endpoint, Host};
use super::settings::Settings;

/// Why a pooler in transaction mode is expected behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolerHint {
    /// What tells it.
    pub sign: String,
    /// The host of the same database without the pooler, where the provider's names show it.
    pub direct: Option<String>,
}

/// The port that `PgBouncer` listens on, unless it is told otherwise.
const PGBOUNCER_PORT: u16 = 6432;
/// The port on which Supabase's pooler is in transaction mode; on 5432 it is in session mode.
const SUPABASE_PORT: u16 = 6543;

/// What the settings say of a pooler at one of their servers.
#[must_use]
pub fn pooler_hint(settings: &Settings, endpoint: &Endpoint) -> Option<PoolerHint> {
    let name = match &endpoint.host {
        Host::Name(name) => name.as_str(),
        Host::Here | Host::Socket(_) => "",
    };
    let (label, domain) = name.split_once('.').unwrap_or((name, ""));
    if let Some(label) = label.strip_suffix("-pooler").filter(|label| !label.is_empty()) {
        let direct = Some(format!("{label}.{domain}")).filter(|_| domain.ends_with("neon.tech"));
        return Some(PoolerHint { sign: format!("the host {name} is a pooler's by its name"), direct });
    }
    let sign = if name.ends_with("pooler.supabase.com") && endpoint.port == SUPABASE_PORT {
        format!("{name}:{SUPABASE_PORT} is a pooler in transaction mode")
    } else if settings.pooled {
        "the URL says `pgbouncer=true`".to_owned()
    } else if endpoint.port == PGBOUNCER_PORT {
        format!("{PGBOUNCER_PORT} is PgBouncer's port")
    } else {
        return None;
    };
    let direct = if name.ends_with("pooler.supabase.com") { supabase(&settings.user) } else { None };
    Some(PoolerHint { sign, direct })
}

/// Supabase's poolers serve all projects: the user's name tells which, as `ROLE.PROJECT`.
fn supabase(user: &str) -> Option<String> {
    let (_, project) = user.rsplit_once('.')?;
    let is_project =
        !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_project.then(|| format!("db.{project}.supabase.co"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Context, Files, Source, gather};
    use crate::parse::Environment;

    struct NoFiles;

    impl Files for NoFiles {
        fn text(&self, _path: &str) -> Result<Option<String>, String> {
            Ok(None)
        }

        fn passwords(&self, _path: &str) -> Result<Option<String>, String> {
            Ok(None)
        }
    }

    fn hint(url: &str) -> Option<PoolerHint> {
        let context = Context { variables: &Environment::default(), account: Some("me"), application_name: "migrate" };
        let settings = gather(&Source::Argument(url.to_owned()), context, &NoFiles).unwrap().settings;
        pooler_hint(&settings, &settings.endpoints[0])
    }

    #[test]
    fn a_pooler_is_expected_by_its_name_its_port_or_the_url_s_own_word() {
        for (url, expected) in [
            ("postgres://h/d", false),
            ("postgres://h:6432/d", true),
            ("postgres://h/d?pgbouncer=true", true),
            ("postgres://h/d?pgbouncer=false", false),
            ("postgres://aws-0-eu.pooler.supabase.com:6543/d", true),
            ("postgres://aws-0-eu.pooler.supabase.com:5432/d", false),
            ("postgres://ep-cool-1-pooler.eu-central-1.aws.neon.tech/d", true),
            ("postgres://ep-cool-1.eu-central-1.aws.neon.tech/d", false),
            ("postgres://-pooler.example/d", false),
            ("host=/tmp/x-pooler", false),
        ] {
            assert_eq!(hint(url).is_some(), expected, "{url}");
        }
    }

    #[test]
    fn the_direct_host_is_named_where_a_provider_s_names_show_it() {
        let direct = |url: &str| hint(url).and_then(|hint| hint.direct);
        let neon = "postgres://ep-cool-1-pooler.eu-central-1.aws.neon.tech/d";
        assert_eq!(direct(neon).as_deref(), Some("ep-cool-1.eu-central-1.aws.neon.tech"));
        assert_eq!(direct("postgres://db-pooler.example/d"), None);
        let supabase =
            |user: &str, port: u16| direct(&format!("postgres://{user}@aws-0-eu.pooler.supabase.com:{port}/d"));
        let named = Some("db.abcdefghij0123456789.supabase.co".to_owned());
        assert_eq!(supabase("postgres.abcdefghij0123456789", 6543), named);
        assert_eq!(supabase("postgres", 6543), None);
        assert_eq!(supabase("postgres.abcdefghij0123456789", 5432), None);
        assert_eq!(direct("postgres://postgres.abc@h:6432/d"), None);
    }
}
