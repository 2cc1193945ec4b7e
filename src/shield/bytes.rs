//! A set of bytes: which occur in a text, or which a pattern needs.

/// One bit a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bytes([u64; 4]);

impl Bytes {
    /// No byte.
    pub const NONE: Self = Self([0; 4]);
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Those that occur in `text`.
    #[must_use]
    pub const fn of(text: &[u8]) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < text.len() {
            set = set.with(text[at]);
            at += 1;
        }
        set
    }

    /// With one more.
    #[must_use]
    pub const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// With all from `first` to `last`.
    #[must_use]
    pub const fn with_range(mut self, first: u8, last: u8) -> Self {
        let mut byte = first;
        loop {
            self = self.with(byte);
            if byte >= last {
                return self;
            }
            byte += 1;
        }
    }

    /// What either has.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// Whether they have a byte in common.
    #[must_use]
    pub const fn meets(&self, other: &Self) -> bool {
        (self.0[0] & other.0[0]) | (self.0[1] & other.0[1]) | (self.0[2] & other.0[2]) | (self.0[3] & other.0[3]) != 0
    }

    /// Whether `byte` is in it.
    #[must_use]
    pub const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] & (1 << (byte & 63)) != 0
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn has_all(&self, other: &Self) -> bool {
        (other.0[0] & !self.0[0]) | (other.0[1] & !self.0[1]) | (other.0[2] & !self.0[2]) | (other.0[3] & !self.0[3])
            == 0
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.0[0].count_ones() + self.0[1].count_ones() + self.0[2].count_ones() + self.0[3].count_ones()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().zip([0u8, 64, 128, 192]).flat_map(|(word, base)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    #[expect(clippy::cast_possible_truncation, reason = "a bit's place in a word is below 64")]
                    let bit = bit as u8;
                    base + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_there_and_nothing_else() {
        let set = Bytes::of(b"a\x00\xff").with_range(b'0', b'2');
        assert_eq!(set.iter().collect::<Vec<_>>(), b"\x00012a\xff");
        assert_eq!(set.len(), 6);
        assert!(set.has(b'1') && !set.has(b'3'));
        assert!(set.meets(&Bytes::of(b"xa")) && !set.meets(&Bytes::of(b"xyz")) && Bytes::NONE.is_empty());
        assert_eq!(Bytes::ALL.len(), 256);
    }
}
