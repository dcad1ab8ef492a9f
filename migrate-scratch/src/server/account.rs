//! The account a server runs under.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::ScratchError;

/// The account a server and its helpers run under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs this process.
    Own,
    /// Another user, because PostgreSQL refuses to run as root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for a server started by this process.
    #[expect(clippy::disallowed_methods, reason = "the list of users is not a migration source")]
    pub(super) fn suitable() -> Result<Self, ScratchError> {
        if !runs_as_root() {
            return Ok(Self::Own);
        }
        let path = Path::new("/etc/passwd");
        let users = fs::read_to_string(path).map_err(ScratchError::files("read", path))?;
        ["postgres", "nobody"].iter().find_map(|name| entry(&users, name)).ok_or(ScratchError::NoAccount)
    }

    /// A command that runs `program` under this account.
    ///
    /// It runs in a process group of its own, so that Ctrl-C in a terminal, or a test runner that
    /// ends a whole group, does not take the watchdog away before it could clean up; and in `/`,
    /// because the present folder may be out of reach for the account.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").process_group(0);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes this account the owner of `path`.
    pub(super) fn own(self, path: &Path) -> Result<(), ScratchError> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).map_err(ScratchError::files("change owner of", path))
            }
        }
    }
}

/// Whether the effective user is root. The owner of `/proc/self` tells it without a system call
/// the standard library lacks; where there is no `/proc`, a file this process makes tells it.
fn runs_as_root() -> bool {
    if let Ok(own) = fs::metadata("/proc/self") {
        return own.uid() == 0;
    }
    let probe = std::env::temp_dir().join(format!(".migrate-scratch-{}", std::process::id()));
    let uid = fs::File::create(&probe).and_then(|file| file.metadata()).map(|data| data.uid());
    // Best effort: an empty file left in the temporary folder harms nobody.
    let _ = fs::remove_file(&probe);
    uid.is_ok_and(|uid| uid == 0)
}

/// The user `name` in the text of a passwd file.
fn entry(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account::Other { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::{Account, entry};

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:101:104:P,,,:/v:/b\n";
        assert_eq!(entry(users, "postgres"), Some(Account::Other { uid: 101, gid: 104 }));
        assert_eq!(entry(users, "nobody"), None);
    }
}
