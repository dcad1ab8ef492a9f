//! How this program calls itself to servers.

use crate::parse::Environment;

/// A server keeps this many bytes of a name.
const LONGEST: usize = 63;

/// `migrate/VERSION`, and the Pod or host where there is one.
pub(super) fn application_name(variables: &Environment) -> String {
    let own = concat!("migrate/", env!("CARGO_PKG_VERSION"));
    let pod = ["POD_NAME", "HOSTNAME"].iter().find_map(|name| variables.get(name).filter(|value| !value.is_empty()));
    // What a server cannot show, it replaces with question marks.
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let name: String = pod.map_or_else(|| own.to_owned(), |pod| format!("{own}/{pod}")).chars().map(plain).collect();
    name.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(variables: &[(&str, &str)]) -> String {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        application_name(&variables.iter().map(own).collect())
    }

    #[test]
    fn a_pod_is_found_again_by_its_name() {
        let own = concat!("migrate/", env!("CARGO_PKG_VERSION"));
        assert_eq!(name(&[]), own);
        assert_eq!(name(&[("HOSTNAME", "")]), own);
        assert_eq!(name(&[("HOSTNAME", "migrate-7-x2x4l")]), format!("{own}/migrate-7-x2x4l"));
        assert_eq!(name(&[("HOSTNAME", "node"), ("POD_NAME", "pod")]), format!("{own}/pod"));
    }

    #[test]
    fn a_name_is_as_long_as_servers_keep_it_and_plain() {
        let long = name(&[("POD_NAME", &"é\n".repeat(100))]);
        assert_eq!(long.len(), LONGEST);
        assert!(long.is_ascii() && !long.contains('\n'));
    }
}
