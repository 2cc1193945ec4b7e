//! Protocol Buffers' wire format (<https://protobuf.dev/programming-guides/encoding/>): as much as OTLP needs. What is exported is written
//! straight from what is known, without a struct a message in between.

use serde_json::Value;

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }

    fn key(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    /// A whole number, an enumeration or a truth.
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    /// Eight bytes.
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number with a fraction.
    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// Bytes, or text; nothing where there are none.
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.block(field, value);
        }
    }

    fn block(&mut self, field: u32, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A list of numbers of eight bytes.
    pub(super) fn packed(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        let bytes: Vec<u8> = values.flat_map(u64::to_le_bytes).collect();
        self.bytes(field, &bytes);
    }

    /// A message within.
    pub(super) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.block(field, &inner.0);
    }

    /// A `KeyValue`.
    pub(super) fn attribute(&mut self, field: u32, name: &str, value: &Value) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.any(2, value);
        });
    }

    /// An `AnyValue`.
    pub(super) fn any(&mut self, field: u32, value: &Value) {
        self.message(field, |any| match value {
            Value::Null => {}
            Value::Bool(holds) => any.number(2, u64::from(*holds)),
            Value::String(text) => any.block(1, text.as_bytes()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => any.number(3, whole.cast_unsigned()),
                (None, Some(double)) => any.double(4, double),
                (None, None) => {}
            },
            Value::Array(values) => any.message(5, |list| values.iter().for_each(|value| list.any(1, value))),
            Value::Object(pairs) => any.message(6, |list| {
                pairs.iter().for_each(|(name, value)| list.attribute(1, name, value));
            }),
        });
    }
}

/// One field of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// A whole number.
    Number(u64),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message, up to where it can't be read; those of fixed size are passed over.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        loop {
            let key = take_varint(&mut message)?;
            let value = match key & 7 {
                0 => Field::Number(take_varint(&mut message)?),
                2 => {
                    let length = usize::try_from(take_varint(&mut message)?).ok()?;
                    Field::Bytes(take(&mut message, length)?)
                }
                wire @ (1 | 5) => {
                    take(&mut message, if wire == 1 { 8 } else { 4 })?;
                    continue;
                }
                _ => return None,
            };
            return Some((key >> 3, value));
        }
    })
}

fn take<'a>(message: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(count)?;
    *message = rest;
    Some(taken)
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut message = Message::default();
        message.number(1, 300);
        message.double(2, 1.5);
        message.fixed32(3, 7);
        message.bytes(4, b"text");
        message.bytes(5, b"");
        message.message(16, |inner| inner.number(1, u64::MAX));
        let bytes = message.into_bytes();
        assert_eq!(bytes[..3], [0x08, 0xac, 0x02]);
        let read: Vec<_> = fields(&bytes).collect();
        assert_eq!(read[..2], [(1, Field::Number(300)), (4, Field::Bytes(b"text"))]);
        let (16, Field::Bytes(inner)) = read[2] else { panic!("{read:?}") };
        assert_eq!(fields(inner).collect::<Vec<_>>(), [(1, Field::Number(u64::MAX))]);
    }

    #[test]
    fn what_breaks_off_ends_and_nothing_panics() {
        for bytes in [
            &[0x08][..],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x0b],
            &[0xff; 20],
            &[0x09, 1],
        ] {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
    }
}
