//! Which of many patterns a text may match at all.
//!
//! A pattern is out where the text has no byte of a set that it needs, which is told at once, or where none of the literals that it needs occurs, which one pass
//! over the text tells of all patterns: a bit each. For an ordinary text little is left.

mod grams;

use std::collections::BTreeMap;

use self::grams::Grams;
use super::{bytes::Bytes, literal::Need};

/// Words that are looked at together.
const LANE: usize = 4;

/// Patterns that may match, a bit each.
pub type Mask = Vec<u64>;

/// Literals and bytes of all patterns of a plan.
#[derive(Debug)]
pub struct Bank {
    /// Words of a mask: whole lanes.
    words: usize,
    literals: Grams,
    /// Patterns that need no literal.
    free: Mask,
    /// The sets of each pattern: a run of `sets`.
    runs: Vec<(u32, u32)>,
    sets: Vec<Bytes>,
}

impl Bank {
    /// A bank of patterns by what they need.
    #[must_use]
    pub fn new(needs: &[Need]) -> Self {
        let words = needs.len().div_ceil(64 * LANE).max(1) * LANE;
        let mut owned: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        let mut free = vec![0; words];
        let (mut runs, mut sets) = (Vec::with_capacity(needs.len()), Vec::new());
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        for (need, number) in needs.iter().zip(0u32..) {
            match &need.literals {
                Some(literals) => literals.iter().for_each(|literal| owned.entry(literal).or_default().push(number)),
                None => set(&mut free, number as usize),
            }
            let start = place(sets.len());
            sets.extend_from_slice(&need.sets);
            runs.push((start, place(sets.len())));
        }
        sets.shrink_to_fit();
        Self { words, literals: Grams::new(&owned), free, runs, sets }
    }

    /// Words of a mask.
    #[must_use]
    pub const fn words(&self) -> usize {
        self.words
    }

    /// Whether texts in which no other bytes occur than these have a byte of each set that a pattern needs.
    #[must_use]
    pub fn allows(&self, at: u32, present: &Bytes) -> bool {
        let (first, last) = self.runs[at as usize];
        self.sets[first as usize..last as usize].iter().all(|set| set.meets(present))
    }

    /// Appends a mask: the patterns of whose literals one occurs in a text, and those that need none.
    pub fn mask(&self, text: &[u8], into: &mut Mask) {
        let start = into.len();
        into.extend_from_slice(&self.free);
        let mask = &mut into[start..];
        self.literals.find(text, |owners| owners.iter().for_each(|number| set(mask, *number as usize)));
    }
}

/// Adds what another mask has.
pub fn join(mask: &mut [u64], more: &[u64]) {
    let (lanes, others) = (mask.as_chunks_mut::<LANE>().0, more.as_chunks::<LANE>().0);
    for (lane, other) in lanes.iter_mut().zip(others) {
        lane.iter_mut().zip(other).for_each(|(word, more)| *word |= more);
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
        let bank = Bank::new(&needs);
        let of = |text: &[u8]| {
            let mut mask = vec![];
            bank.mask(text, &mut mask);
            (0..75).filter(|at| has(&mask, *at) && bank.allows(*at, &Bytes::of(text))).collect::<Vec<_>>()
        };
        assert_eq!(of(b"a SELECT b"), [0, 3, 74]);
        assert_eq!(of(b"1' or '1'='1"), [1, 2, 3]);
        assert_eq!(of(b"or="), [3]);
        assert_eq!(of(b""), [3]);
        assert_eq!(Bank::new(&[]).words(), 4);
    }
}
