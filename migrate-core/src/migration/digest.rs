//! SHA-256 digests of what was written, so that a later change is seen.

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a text, with CRLF read as LF: a checkout on Windows has the same digest.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut hasher = Sha256::new();
        let mut rest = text;
        // One byte is found several times as fast as two, and most texts do not have it.
        while let Some(at) = rest.find('\r') {
            let end = if rest[at + 1..].starts_with('\n') { at } else { at + 1 };
            hasher.update(&rest.as_bytes()[..end]);
            rest = &rest[at + 1..];
        }
        hasher.update(rest.as_bytes());
        Self(hasher.finalize().into())
    }

    /// The digest of parts, each with its length in front, so that no two different lists of parts agree.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Reads the 64 hexadecimal digits that [`Display`](std::fmt::Display) writes.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Of a hexadecimal digit. A history of thousands has three digests a row, and the standard library reads a number of any
/// base and length at ten times the cost.
const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_do_not_change_the_digest_but_a_lone_cr_does() {
        assert_eq!(Digest::of_text("a\r\nb\r\n"), Digest::of_text("a\nb\n"));
        assert_ne!(Digest::of_text("a\rb"), Digest::of_text("a\nb"));
    }

    #[test]
    fn the_digest_is_plain_sha_256() {
        assert_eq!(
            Digest::of_text("abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hexadecimal_is_read_back() {
        let digest = Digest::of_text("abc");
        assert_eq!(Digest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(Digest::from_hex("ba78"), None);
        assert_eq!(Digest::from_hex(&digest.to_string().to_uppercase()), Some(digest));
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
        assert_eq!(Digest::from_hex(&"+1".repeat(32)), None);
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(Digest::of_parts([&b"ab"[..], b"c"]), Digest::of_parts([&b"a"[..], b"bc"]));
    }
}
