//! As much of CBOR (RFC 8949) as authenticators write: definite lengths and at most four levels, as CTAP 2.2 has it in section 8.
//!
//! A reader of its own, because what is left of CBOR under these rules is smaller than the edge of a library that reads all of it.

/// Deepest nesting of lists and maps.
const DEEPEST: u8 = 4;

/// One value; what it holds of lists and maps is read from the [`Reader`] afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer.
    Int(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// A list of so many values.
    List(u64),
    /// A map of so many pairs.
    Map(u64),
    /// False, true, null and the like; numbers with a fraction.
    Simple,
}

/// Reads values from bytes, one after the other.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of all `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next value; `None` where there is none, or none that an authenticator writes.
    pub fn value(&mut self) -> Option<Value<'a>> {
        let first = self.take(1)?[0];
        let (major, short) = (first >> 5, first & 31);
        let argument = match short {
            0..=23 => u64::from(short),
            24..=27 => self.take(1 << (short - 24))?.iter().fold(0, |number, b| number << 8 | u64::from(*b)),
            _ => return None,
        };
        Some(match major {
            0 => Value::Int(i64::try_from(argument).ok()?),
            1 => Value::Int(-1 - i64::try_from(argument).ok()?),
            2 => Value::Bytes(self.take(usize::try_from(argument).ok()?)?),
            3 => Value::Text(std::str::from_utf8(self.take(usize::try_from(argument).ok()?)?).ok()?),
            4 => Value::List(argument),
            5 => Value::Map(argument),
            7 => Value::Simple,
            _ => return None,
        })
    }

    /// Reads a whole value and what is in it, and drops it; `None` where that can't be done.
    pub fn skip(&mut self) -> Option<()> {
        self.skip_below(DEEPEST)
    }

    fn skip_below(&mut self, levels: u8) -> Option<()> {
        let within = match self.value()? {
            Value::List(length) => length,
            Value::Map(pairs) => pairs.checked_mul(2)?,
            _ => return Some(()),
        };
        let levels = levels.checked_sub(1)?;
        // Each value takes a byte at least, so that a length that is made up ends with the bytes.
        (0..within).try_for_each(|_| self.skip_below(levels))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let mut reader = Reader::new(b"\x05\x26\x39\x01\x00\x42ab\x62\xed\x95\x81\xa1\xf5");
        assert_eq!(reader.value(), Some(Value::Int(5)));
        assert_eq!(reader.value(), Some(Value::Int(-7)));
        assert_eq!(reader.value(), Some(Value::Int(-257)));
        assert_eq!(reader.value(), Some(Value::Bytes(b"ab")));
        assert_eq!(reader.value(), None, "half a letter is no text");
        let mut reader = Reader::new(b"\xa1\x61a\x82\x01\x02\xf5!");
        assert_eq!(reader.skip(), Some(()));
        assert_eq!((reader.value(), reader.rest()), (Some(Value::Simple), &b"!"[..]));
    }

    #[test]
    fn what_no_authenticator_writes_is_refused() {
        for bad in [
            &b""[..],
            b"\x18",
            b"\x5f\x41a\xff",
            b"\x42a",
            b"\xc0\x01",
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x81\x81\x81\x81\x81\x01",
            b"\x82\x01",
        ] {
            assert_eq!(Reader::new(bad).skip(), None, "{bad:02x?}");
        }
    }
}
