//! Parts of lines that were made of late and in which nothing was found, so that what is asked for again and again is not looked through
//! again. Nothing in which anything was found is kept.

/// Parts that are remembered, and most bytes of one and of what it becomes.
const SLOTS: usize = 256;
const LONGEST: usize = 256;

/// What parts have become, each in the one slot that its bytes lead to.
#[derive(Debug)]
pub(super) struct Clean(Box<[Slot]>);

#[derive(Debug, Clone, Default)]
struct Slot {
    /// Of the rules that found nothing; none is 0.
    engine: u64,
    raw: Vec<u8>,
    written: Vec<u8>,
}

impl Default for Clean {
    fn default() -> Self {
        Self(vec![Slot::default(); SLOTS].into())
    }
}

impl Clean {
    fn slot(raw: &[u8]) -> usize {
        // Words of eight bytes: whoever makes parts fall into one slot costs himself the gain, nobody else the truth.
        let mut hash = 0_u64;
        let mut words = raw.chunks_exact(8);
        let mut mix = |word: [u8; 8]| {
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        };
        for word in &mut words {
            mix(word.try_into().unwrap_or_default());
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        mix(last);
        usize::try_from(hash >> 40).unwrap_or(0) % SLOTS
    }

    /// What `raw` has become under the rules of `engine`, where that is known.
    pub(super) fn find(&self, engine: u64, raw: &[u8]) -> Option<&[u8]> {
        let slot = &self.0[Self::slot(raw)];
        (slot.engine == engine && slot.raw == raw).then_some(&*slot.written)
    }

    /// Remembers what `raw`, in which nothing was found, has become.
    pub(super) fn keep(&mut self, engine: u64, raw: &[u8], written: &[u8]) {
        if raw.len() > LONGEST || written.len() > LONGEST {
            return;
        }
        let slot = &mut self.0[Self::slot(raw)];
        slot.engine = engine;
        slot.raw.clear();
        slot.raw.extend_from_slice(raw);
        slot.written.clear();
        slot.written.extend_from_slice(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_under_the_same_rules_are_known() {
        let mut clean = Clean::default();
        assert_eq!(clean.find(1, b"/orders"), None);
        assert_eq!(clean.find(1, b""), None);
        clean.keep(1, b"/orders", b"x");
        assert_eq!(clean.find(1, b"/orders"), Some(&b"x"[..]));
        assert_eq!(clean.find(2, b"/orders"), None);
        assert_eq!(clean.find(1, b"/orders\0"), None);
        for n in 0..10_000 {
            clean.keep(1, format!("/orders/{n}").as_bytes(), b"y");
        }
        assert_eq!(clean.find(1, b"/orders/9999"), Some(&b"y"[..]));
        clean.keep(1, &[b'a'; LONGEST + 1], b"");
        assert_eq!(clean.find(1, &[b'a'; LONGEST + 1]), None);
    }
}
