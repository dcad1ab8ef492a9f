//! Where one message of a PostgreSQL client ends and the next begins.

use bytes::{Bytes, BytesMut};

/// The request code of `SSLRequest`.
const SSL: u32 = 80_877_103;
/// The request code of `GSSENCRequest`.
const GSS: u32 = 80_877_104;
/// The request code of `CancelRequest`.
const CANCEL: u32 = 80_877_102;

/// The longest message PostgreSQL accepts, and so the longest collected here.
const LONGEST: usize = 0x3fff_ffff;
/// The longest startup packet PostgreSQL accepts.
const LONGEST_STARTUP: usize = 10_000;

/// What a client may send before its session has begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It asks for encryption.
    Encryption,
    /// It wants a statement of another session cancelled.
    Cancel,
    /// It begins a session; the whole packet.
    Startup(Bytes),
}

/// A length that cannot be right: the client does not speak the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLength;

/// Takes the next packet of a session not yet begun from `buffer`; `None` until it is complete.
pub(super) fn next_opening(buffer: &mut BytesMut) -> Result<Option<Opening>, BadLength> {
    let Some(length) = number(buffer, 0) else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| BadLength)?;
    if !(8..=LONGEST_STARTUP).contains(&length) {
        return Err(BadLength);
    }
    if buffer.len() < length {
        return Ok(None);
    }
    let packet = buffer.split_to(length).freeze();
    Ok(Some(match number(&packet, 4) {
        Some(SSL | GSS) => Opening::Encryption,
        Some(CANCEL) => Opening::Cancel,
        _ => Opening::Startup(packet),
    }))
}

/// Takes the next message (type, length, body) from `buffer`; `None` until it is complete.
pub(super) fn next_message(buffer: &mut BytesMut) -> Result<Option<BytesMut>, BadLength> {
    let Some(length) = number(buffer, 1) else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| BadLength)?;
    if !(4..=LONGEST).contains(&length) {
        return Err(BadLength);
    }
    if buffer.len() <= length {
        // Large messages come in many pieces; do not grow the buffer at each of them.
        buffer.reserve(length + 1 - buffer.len());
        return Ok(None);
    }
    Ok(Some(buffer.split_to(length + 1)))
}

/// The database a startup packet names; PostgreSQL takes the user's name where it names none.
pub(super) fn database(packet: &[u8]) -> Option<String> {
    let texts = packet.get(8..)?.split(|&byte| byte == 0);
    let texts: Vec<_> = texts.map(String::from_utf8_lossy).collect();
    let value = |name: &str| {
        texts
            .chunks_exact(2)
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].clone().into_owned())
            .filter(|value| !value.is_empty())
    };
    value("database").or_else(|| value("user"))
}

/// Whether an answer holds an error after which a server closes the connection.
pub(super) fn is_fatal(mut answer: &[u8]) -> bool {
    while let Some(length) = number(answer, 1).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = answer.get(..=length) else {
            return false;
        };
        if message[0] == b'E' && severity(&message[5..]).is_some_and(ends_session) {
            return true;
        }
        answer = &answer[message.len()..];
    }
    false
}

/// A fatal error message, for a session that can no longer answer by itself.
pub(super) fn fatal(code: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', text)] {
        body.extend_from_slice(field.to_string().as_bytes());
        body.extend(value.bytes().filter(|&byte| byte != 0));
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let mut message = vec![b'E'];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&body);
    message
}

/// The untranslated severity (field `V`) of an error's fields.
fn severity(fields: &[u8]) -> Option<&[u8]> {
    fields.split(|&byte| byte == 0).find_map(|field| field.strip_prefix(b"V"))
}

fn ends_session(severity: &[u8]) -> bool {
    matches!(severity, b"FATAL" | b"PANIC")
}

/// The four-byte number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

    use super::{BadLength, Opening, database, fatal, is_fatal, next_message, next_opening};
    use bytes::BytesMut;

    fn startup(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for (name, value) in pairs {
            body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).unwrap();
        [length.to_be_bytes().to_vec(), body].concat()
    }

    #[test]
    fn a_message_is_taken_only_when_it_is_complete() {
        let whole = b"Q\0\0\0\x06a\0X\0\0\0\x04";
        let mut buffer = BytesMut::new();
        for byte in &whole[..6] {
            buffer.extend_from_slice(&[*byte]);
            assert_eq!(next_message(&mut buffer), Ok(None));
        }
        buffer.extend_from_slice(&whole[6..]);
        assert_eq!(next_message(&mut buffer).unwrap().unwrap(), whole[..7]);
        assert_eq!(next_message(&mut buffer).unwrap().unwrap(), whole[7..]);
        assert_eq!(next_message(&mut buffer), Ok(None));
    }

    #[test]
    fn a_length_that_cannot_be_right_is_an_error() {
        let mut http = BytesMut::from("GET / HTTP/1.1\r\n");
        assert_eq!(next_opening(&mut http), Err(BadLength));
        let mut short = BytesMut::from(&b"Q\0\0\0\x03"[..]);
        assert_eq!(next_message(&mut short), Err(BadLength));
    }

    #[test]
    fn encryption_cancellation_and_startup_are_told_apart() {
        let mut buffer = BytesMut::from(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f][..]);
        buffer.extend_from_slice(&[0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2]);
        let packet = startup(&[("user", "u")]);
        buffer.extend_from_slice(&packet);
        let mut next = || next_opening(&mut buffer).unwrap();
        assert_eq!(next(), Some(Opening::Encryption));
        assert_eq!(next(), Some(Opening::Cancel));
        assert_eq!(next(), Some(Opening::Startup(packet.clone().into())));
        assert_eq!(next(), None);
    }

    #[test]
    fn the_database_defaults_to_the_users_name() {
        let named = startup(&[("user", "u"), ("application_name", ""), ("database", "d")]);
        assert_eq!(database(&named).as_deref(), Some("d"));
        assert_eq!(database(&startup(&[("user", "u")])).as_deref(), Some("u"));
        assert_eq!(database(&startup(&[])), None);
    }

    #[test]
    fn only_fatal_errors_end_a_session() {
        assert!(is_fatal(&fatal("XX000", "gone")));
        let mut answer = b"C\0\0\0\x0aBEGIN\0".to_vec();
        assert!(!is_fatal(&answer));
        answer.extend_from_slice(b"E\0\0\0\x13SERROR\0VERROR\0\0");
        assert!(!is_fatal(&answer));
        answer.extend_from_slice(&fatal("XX000", "gone"));
        assert!(is_fatal(&answer));
    }
}
