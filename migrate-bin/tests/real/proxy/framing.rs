//! Bytes of PostgreSQL's protocol, cut into its messages. Invariant: what comes out, joined, is what went in.

use super::fault::Side;

/// One message with everything of it: tag, length, text.
pub(crate) struct Message {
    /// Its tag; a client's packets before it is logged in have none, and neither has the answer to a question for TLS.
    pub(super) tag: Option<char>,
    pub(super) bytes: Vec<u8>,
}

impl Message {
    pub(super) fn holds(&self, words: &str) -> bool {
        self.bytes.windows(words.len()).any(|window| window == words.as_bytes())
    }
}

/// A server's word that ends a session.
pub(super) fn fatal(sqlstate: &str, words: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0M{words}\0\0");
    let length = u32::try_from(fields.len() + 4).expect("a short message");
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

/// What one side has sent and is not yet a whole message.
pub(super) struct Framing {
    side: Side,
    rest: Vec<u8>,
    /// Whether the messages have tags by now.
    tagged: bool,
}

/// What asks for a session, beside its length: protocol 3 and any minor number.
const VERSION_3: u16 = 3;

impl Framing {
    pub(super) fn new(side: Side) -> Self {
        Self { side, rest: Vec::new(), tagged: false }
    }

    /// The messages that are whole with these bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.rest.extend(bytes);
        let mut messages = Vec::new();
        while let Some(length) = self.next_length().filter(|length| *length <= self.rest.len()) {
            let rest = self.rest.split_off(length);
            let bytes = std::mem::replace(&mut self.rest, rest);
            messages.push(self.message(bytes));
        }
        messages
    }

    /// What is left when nothing more comes.
    pub(super) fn rest(self) -> Vec<u8> {
        self.rest
    }

    fn next_length(&self) -> Option<usize> {
        let first = *self.rest.first()?;
        if self.answers_for_tls(first) {
            return Some(1);
        }
        let at = usize::from(self.has_tags());
        let length = self.rest.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)?;
        usize::try_from(length).ok().map(|length| length + at)
    }

    fn message(&mut self, bytes: Vec<u8>) -> Message {
        if self.answers_for_tls(bytes[0]) {
            return Message { tag: None, bytes };
        }
        if self.has_tags() {
            self.tagged = true;
            return Message { tag: Some(char::from(bytes[0])), bytes };
        }
        let version = bytes.get(4..6).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        self.tagged = version == Some(VERSION_3);
        Message { tag: None, bytes }
    }

    fn has_tags(&self) -> bool {
        self.tagged || self.side == Side::Server
    }

    /// The server's one byte before anything else: no TLS, or TLS, which no scene speaks through a proxy with faults.
    fn answers_for_tls(&self, first: u8) -> bool {
        self.side == Side::Server && !self.tagged && matches!(first, b'N' | b'S' | b'G')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(side: Side, bytes: &[u8], chunk: usize) -> Vec<Option<char>> {
        let mut framing = Framing::new(side);
        let messages: Vec<Message> = bytes.chunks(chunk).flat_map(|chunk| framing.push(chunk)).collect();
        let joined: Vec<u8> = messages.iter().flat_map(|message| message.bytes.clone()).collect();
        assert_eq!(joined, bytes, "nothing is lost");
        messages.iter().map(|message| message.tag).collect()
    }

    #[test]
    fn a_client_s_messages_have_tags_behind_its_startup_packet() {
        let question = [0, 0, 0, 8, 4, 210, 22, 47];
        let startup = [0, 0, 0, 9, 0, 3, 0, 0, 0];
        let bytes = [&question[..], &startup, b"Q\0\0\0\x0bCOMMIT\0", b"X\0\0\0\x04"].concat();
        for chunk in [1, 3, 100] {
            assert_eq!(tags(Side::Client, &bytes, chunk), [None, None, Some('Q'), Some('X')], "{chunk}");
        }
    }

    #[test]
    fn a_server_s_first_byte_may_be_its_answer_for_tls_and_later_the_same_byte_is_a_tag() {
        let bytes = b"NR\0\0\0\x08\0\0\0\0S\0\0\0\x05\0N\0\0\0\x05\0";
        for chunk in [1, 100] {
            assert_eq!(tags(Side::Server, bytes, chunk), [None, Some('R'), Some('S'), Some('N')], "{chunk}");
        }
    }
}
