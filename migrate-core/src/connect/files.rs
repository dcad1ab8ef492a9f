//! The files that describe a connection or secure it, read from disk; the only place of this floor that reads any.

use std::io::ErrorKind;
use std::path::Path;

use crate::connection::{Files, distrust};

/// The real files.
#[derive(Debug)]
pub(super) struct Disk;

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        let Some(bytes) = read(path)? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8 text".to_owned())
    }

    fn passwords(&self, path: &str) -> Result<Option<String>, String> {
        let Ok(found) = std::fs::metadata(path) else { return Ok(None) };
        match distrust(path, found.is_file(), permissions(&found)) {
            Some(why) => Err(why),
            // As in libpq: a password file that cannot be read is as good as none.
            None => Ok(self.text(path).ok().flatten()),
        }
    }
}

/// The bytes of a file; nothing when it is not there.
#[expect(clippy::disallowed_methods, reason = "what describes a connection is not a migration source")]
pub(super) fn read(path: &str) -> Result<Option<Vec<u8>>, String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Why a private key is not used: others may read it. A key that belongs to root may be read by its group, as mounted
/// secrets are.
#[cfg(feature = "tls")]
pub(super) fn distrust_key(path: &str) -> Option<String> {
    let found = std::fs::metadata(Path::new(path)).ok()?;
    let forbidden = if owner(&found) == 0 { 0o037 } else { 0o077 };
    (permissions(&found) & forbidden != 0).then(|| {
        format!(
            "private key file \"{path}\" has group or world access; it must have permissions u=rw (0600) or less, or \
             u=rw,g=r (0640) or less when root owns it"
        )
    })
}

/// The folders that hold a server's socket on this port.
pub(super) fn has_socket(folder: &str, port: u16) -> bool {
    Path::new(folder).join(format!(".s.PGSQL.{port}")).exists()
}

#[cfg(unix)]
fn permissions(found: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
}

#[cfg(not(unix))]
fn permissions(_found: &std::fs::Metadata) -> u32 {
    0
}

#[cfg(all(unix, feature = "tls"))]
fn owner(found: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(found)
}

#[cfg(all(not(unix), feature = "tls"))]
fn owner(_found: &std::fs::Metadata) -> u32 {
    0
}
