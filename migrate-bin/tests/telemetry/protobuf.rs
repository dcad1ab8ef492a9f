//! Protobuf as it is on the wire, without a schema: numbered fields, one after the other.

/// A message: its fields in order.
pub(crate) struct Message<'m>(Vec<(u64, Field<'m>)>);

/// What a field holds.
enum Field<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

impl<'m> Message<'m> {
    pub(crate) fn read(mut bytes: &'m [u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let field = match key & 7 {
                0 => Field::Number(varint(&mut bytes)),
                1 => Field::Number(u64::from_le_bytes(take(&mut bytes, 8).try_into().expect("eight bytes"))),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)).expect("a length");
                    Field::Bytes(take(&mut bytes, length))
                }
                5 => Field::Number(u32::from_le_bytes(take(&mut bytes, 4).try_into().expect("four bytes")).into()),
                other => panic!("a field of the wire type {other}"),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    pub(crate) fn bytes(&self, number: u64) -> impl Iterator<Item = &'m [u8]> + '_ {
        self.0.iter().filter_map(move |(at, field)| match field {
            Field::Bytes(bytes) if *at == number => Some(*bytes),
            _ => None,
        })
    }

    pub(crate) fn messages(&self, number: u64) -> impl Iterator<Item = Message<'m>> + '_ {
        self.bytes(number).map(Message::read)
    }

    pub(crate) fn text(&self, number: u64) -> Option<String> {
        self.bytes(number).next().map(|bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8"))
    }

    pub(crate) fn number(&self, number: u64) -> Option<u64> {
        self.0.iter().find_map(|(at, field)| match field {
            Field::Number(value) if *at == number => Some(*value),
            _ => None,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("a number of more than 64 bits")
}

fn take<'m>(bytes: &mut &'m [u8], count: usize) -> &'m [u8] {
    let (taken, rest) = bytes.split_at_checked(count).expect("a whole field");
    *bytes = rest;
    taken
}
