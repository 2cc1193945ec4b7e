//! Which of many patterns a text may match at all, told in one pass over it.
//!
//! A pattern is out where none of the literals that it needs occurs (one Aho-Corasick automaton has all of them), or where the text has no byte of a set that it
//! needs. What is left is a bit a pattern; for an ordinary text few bits are set.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{bytes::Bytes, literal::Need};

/// How many sets of a pattern are looked at.
const LAYERS: usize = 2;

/// Patterns that may match, a bit each.
pub type Mask = Vec<u64>;

/// The automaton and tables of all patterns of a plan.
#[derive(Debug)]
pub struct Bank {
    /// Words of a mask.
    words: usize,
    literals: Option<AhoCorasick>,
    /// Which patterns each literal is for: a run of `owners`.
    runs: Vec<(u32, u32)>,
    owners: Vec<u32>,
    /// Patterns that need no literal.
    free: Mask,
    /// A layer has a mask a byte: the patterns that this byte is enough for.
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    /// Patterns without a set in this layer.
    free: Mask,
    /// 256 masks, one behind the other.
    masks: Vec<u64>,
}

impl Bank {
    /// A bank of patterns by what they need.
    ///
    /// # Errors
    /// When the literals are too many for an automaton.
    pub fn new(needs: &[Need]) -> Result<Self, aho_corasick::BuildError> {
        let words = needs.len().div_ceil(64).max(1);
        let mut owned: std::collections::BTreeMap<&[u8], Vec<u32>> = std::collections::BTreeMap::new();
        let mut free = vec![0; words];
        let mut layers: Vec<Layer> =
            (0..LAYERS).map(|_| Layer { free: vec![0; words], masks: vec![0; 256 * words] }).collect();
        for (need, number) in needs.iter().zip(0u32..) {
            let at = number as usize;
            match &need.literals {
                Some(literals) => literals.iter().for_each(|literal| owned.entry(literal).or_default().push(number)),
                None => set(&mut free, at),
            }
            for (level, layer) in layers.iter_mut().enumerate() {
                match need.sets.get(level) {
                    Some(bytes) => {
                        bytes.iter().for_each(|byte| set(&mut layer.masks[usize::from(byte) * words..][..words], at));
                    }
                    None => set(&mut layer.free, at),
                }
            }
        }
        let (mut runs, mut owners) = (Vec::new(), Vec::new());
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        for numbers in owned.values() {
            let start = place(owners.len());
            owners.extend_from_slice(numbers);
            runs.push((start, place(owners.len())));
        }
        let literals = if owned.is_empty() {
            None
        } else {
            let kind = Some(AhoCorasickKind::ContiguousNFA);
            Some(AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(owned.keys())?)
        };
        Ok(Self { words, literals, runs, owners, free, layers })
    }

    /// Words of a mask.
    #[must_use]
    pub const fn words(&self) -> usize {
        self.words
    }

    /// Appends the mask of a text that has these bytes.
    pub fn mask(&self, text: &[u8], present: &Bytes, into: &mut Mask) {
        let start = into.len();
        into.extend_from_slice(&self.free);
        let mask = &mut into[start..];
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(text) {
                let (first, last) = self.runs[found.pattern().as_usize()];
                for number in &self.owners[first as usize..last as usize] {
                    set(mask, *number as usize);
                }
            }
        }
        let mut allowed = [0u64; 32];
        for layer in &self.layers {
            let allowed = &mut allowed[..self.words.min(32)];
            allowed.copy_from_slice(&layer.free[..allowed.len()]);
            for byte in present.iter() {
                let masks = &layer.masks[usize::from(byte) * self.words..];
                allowed.iter_mut().zip(masks).for_each(|(word, mask)| *word |= mask);
            }
            mask.iter_mut().zip(allowed.iter()).for_each(|(word, allowed)| *word &= allowed);
        }
    }
}

fn set(mask: &mut [u64], at: usize) {
    mask[at / 64] |= 1 << (at % 64);
}

/// Whether a bit is set.
#[must_use]
pub fn has(mask: &[u64], at: u32) -> bool {
    mask.get(at as usize / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_what_may_match() {
        let need = |literals: &[&str], sets: &[&[u8]]| Need {
            literals: (!literals.is_empty()).then(|| literals.iter().map(|l| l.as_bytes().to_vec()).collect()),
            sets: sets.iter().map(|set| Bytes::of(set)).collect(),
        };
        let mut needs =
            vec![need(&["select", "elec"], &[]), need(&[], &[b"'"]), need(&["or"], &[b"=", b"'"]), need(&[], &[])];
        needs.extend((0..70).map(|_| need(&["never"], &[])));
        needs.push(need(&["lect"], &[]));
        let bank = Bank::new(&needs).expect("a bank");
        let of = |text: &[u8]| {
            let mut mask = vec![];
            bank.mask(text, &Bytes::of(text), &mut mask);
            (0..75).filter(|at| has(&mask, *at)).collect::<Vec<_>>()
        };
        assert_eq!(of(b"a SELECT b"), [0, 3, 74]);
        assert_eq!(of(b"1' or '1'='1"), [1, 2, 3]);
        assert_eq!(of(b"or="), [3]);
        assert_eq!(of(b""), [3]);
        assert!(Bank::new(&[]).expect("an empty bank").words() == 1);
    }
}
