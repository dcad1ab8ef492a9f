//! Password files: `host:port:database:user:password` lines.

use super::Secret;
use super::hosts::Endpoint;

/// The password of the first line that fits. An empty one is none, and ends the search all the same.
pub(super) fn password(text: &str, endpoint: &Endpoint, database: &str, user: &str) -> Option<Secret> {
    let (host, port) = (endpoint.in_password_file(), endpoint.port.to_string());
    let wanted = [host.as_str(), &port, database, user];
    let lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let password = lines.find_map(|line| wanted.iter().try_fold(line, |rest, wanted| skip_field(rest, wanted)))?;
    let password = unescaped(password);
    (!password.is_empty()).then(|| Secret::new(password))
}

/// Why a password file is not used, in libpq's words; nothing when it may be.
#[must_use]
pub fn distrust(path: &str, is_plain: bool, mode: u32) -> Option<String> {
    if !is_plain {
        return Some(format!("password file \"{path}\" is not a plain file"));
    }
    (mode & 0o077 != 0).then(|| {
        format!("password file \"{path}\" has group or world access; permissions should be u=rw (0600) or less")
    })
}

/// What stands behind a field, when the field is `*` or this text.
fn skip_field<'l>(line: &'l str, wanted: &str) -> Option<&'l str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut wanted = wanted.chars();
    let mut field = line.char_indices();
    while let Some((at, c)) = field.next() {
        match c {
            ':' if wanted.as_str().is_empty() => return Some(&line[at + 1..]),
            '\\' => {
                let (_, escaped) = field.next()?;
                (wanted.next() == Some(escaped)).then_some(())?;
            }
            c => (wanted.next() == Some(c)).then_some(())?,
        }
    }
    None
}

/// The password up to the next colon, as libpq reads it.
fn unescaped(text: &str) -> String {
    let mut password = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => break,
            '\\' => password.push(chars.next().unwrap_or('\\')),
            c => password.push(c),
        }
    }
    password
}
