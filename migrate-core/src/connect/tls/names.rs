//! Whether a certificate is that of a host, by libpq's rules.

use std::net::IpAddr;

use super::certificate::Names;

/// A certificate of somebody else.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate is for {names}, not for {host}")]
pub(super) struct OtherHost {
    names: String,
    host: String,
}

/// Alternative names count; the common name does only where there is no alternative name of the host's kind.
pub(super) fn check(names: &Names, host: &str) -> Result<(), OtherHost> {
    let address = host.parse::<IpAddr>().ok();
    let by_address = address.is_some_and(|address| names.addresses.contains(&address));
    let by_name = names.hosts.iter().any(|pattern| fits(pattern, host));
    let has_kind = if address.is_some() { !names.addresses.is_empty() } else { !names.hosts.is_empty() };
    let by_common_name = !has_kind && names.common.as_ref().is_some_and(|pattern| fits(pattern, host));
    if by_address || by_name || by_common_name {
        return Ok(());
    }
    Err(OtherHost { names: shown(names), host: host.to_owned() })
}

/// A name, or `*.` and the rest of one, which stands for one label.
fn fits(pattern: &str, host: &str) -> bool {
    // A zero byte would end the name for one reader and not for another.
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(domain) = pattern.strip_prefix("*.").filter(|domain| !domain.is_empty()) else { return false };
    let Some((label, rest)) = host.split_once('.') else { return false };
    !label.is_empty() && rest.eq_ignore_ascii_case(domain) && host.parse::<IpAddr>().is_err()
}

fn shown(names: &Names) -> String {
    let mut all: Vec<String> = names.hosts.clone();
    all.extend(names.addresses.iter().map(ToString::to_string));
    if all.is_empty() {
        all.extend(names.common.clone());
    }
    let plain = |name: String| name.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
    if all.is_empty() { "nobody".to_owned() } else { all.into_iter().map(plain).collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(hosts: &[&str], addresses: &[&str], common: &str) -> Names {
        Names {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            common: Some(common.to_owned()).filter(|common| !common.is_empty()),
        }
    }

    #[test]
    fn a_host_is_found_where_libpq_finds_it() {
        for (names, host, fits) in [
            (named(&["db.example"], &[], ""), "db.example", true),
            (named(&["db.example"], &[], ""), "DB.Example", true),
            (named(&["db.example"], &[], ""), "other.example", false),
            (named(&["a", "db.example"], &[], ""), "db.example", true),
            (named(&["*.example"], &[], ""), "db.example", true),
            (named(&["*.example"], &[], ""), "a.db.example", false),
            (named(&["*.example"], &[], ""), "example", false),
            (named(&["*"], &[], ""), "db", false),
            (named(&["*."], &[], ""), "db.", false),
            (named(&["d*.example"], &[], ""), "db.example", false),
            (named(&["*.0.0.1"], &[], ""), "127.0.0.1", false),
            (named(&["db.example\0.evil"], &[], ""), "db.example", false),
            (named(&[], &["127.0.0.1"], ""), "127.0.0.1", true),
            (named(&[], &["::1"], ""), "0:0:0:0:0:0:0:1", true),
            (named(&[], &["127.0.0.1"], ""), "127.0.0.2", false),
            (named(&["127.0.0.1"], &[], ""), "127.0.0.1", true),
            (named(&[], &[], "db.example"), "db.example", true),
            (named(&[], &[], "*.example"), "db.example", true),
            (named(&[], &[], "127.0.0.1"), "127.0.0.1", true),
            (named(&["other"], &[], "db.example"), "db.example", false),
            (named(&[], &["127.0.0.1"], "db.example"), "db.example", true),
            (named(&[], &["127.0.0.1"], "127.0.0.2"), "127.0.0.2", false),
            (named(&["db.example"], &[], "127.0.0.2"), "127.0.0.2", true),
            (named(&[], &[], ""), "db.example", false),
        ] {
            assert_eq!(check(&names, host).is_ok(), fits, "{names:?} {host}");
        }
    }

    #[test]
    fn a_certificate_of_somebody_else_is_told_by_its_names() {
        let told = check(&named(&["a", "b\n"], &["10.0.0.1"], "c"), "db").unwrap_err().to_string();
        assert_eq!(told, "the server's certificate is for a, b?, 10.0.0.1, not for db");
        assert!(check(&named(&[], &[], ""), "db").unwrap_err().to_string().contains("for nobody"));
    }
}
