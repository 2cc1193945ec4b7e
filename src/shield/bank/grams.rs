//! Which of thousands of literals occur in a text, in one pass over it: each literal is known by a gram, a few bytes of it that are rare in ordinary texts, and
//! only where a gram occurs are the literals compared that have it. Which grams there are is in a few bits, so that a pass stays within the
//! nearest cache, where an automaton of all literals does not.

use std::collections::BTreeMap;

/// Longest gram.
const LONGEST: usize = 4;
/// Words of a filter: a bit for each number of 16 bits.
const WORDS: usize = 1 << 10;

/// Literals, in any case.
#[derive(Debug)]
pub(super) struct Grams {
    /// Literals of one byte.
    single: Vec<(u8, Owners)>,
    /// Which grams of two, three and four bytes there are.
    filters: [Filter; 3],
    /// Grams by their bytes: a table of open addresses.
    table: Vec<Slot>,
    candidates: Vec<Candidate>,
    /// The literals that candidates are compared with.
    bytes: Vec<u8>,
    owners: Vec<u32>,
}

/// A literal, where its gram ends, and the patterns that it is for.
type Known<'l> = (&'l [u8], usize, Owners);

/// A run of numbers of patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owners(u32, u32);

/// A gram's candidates: a run of them, empty where there is no gram.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    first: u32,
    last: u32,
}

#[derive(Debug)]
struct Candidate {
    start: u32,
    length: u32,
    /// How many of its bytes stand before the end of its gram.
    before: u32,
    owners: Owners,
}

#[derive(Debug)]
struct Filter {
    mask: u32,
    bits: Box<[u64; WORDS]>,
}

impl Filter {
    fn new(length: usize) -> Self {
        Self { mask: u32::MAX >> (32 - 8 * length), bits: Box::new([0; WORDS]) }
    }

    /// Two bytes are their own index.
    const fn place(&self, window: u32) -> usize {
        let gram = window & self.mask;
        (if self.mask == 0xffff { gram } else { gram.wrapping_mul(0x9e37_79b1) >> 16 }) as usize
    }

    fn add(&mut self, gram: u32) {
        let place = self.place(gram);
        self.bits[place / 64] |= 1 << (place % 64);
    }

    fn has(&self, window: u32) -> bool {
        let place = self.place(window);
        self.bits[place / 64 % WORDS] >> (place % 64) & 1 != 0
    }
}

/// How often a byte occurs in ordinary texts, roughly.
fn commonness(byte: u8) -> u32 {
    const ORDER: &[u8] = b"qzjxk0987654321bvgwfypmducl/.-hrsn=_:;iota e";
    ORDER.iter().position(|known| *known == byte).map_or(0, |at| u32::try_from(at).unwrap_or(0) + 6)
}

/// The end of the gram that a literal is known by: of those that are as long as can be the rarest, the first of equals.
fn end_of_gram(literal: &[u8]) -> usize {
    let length = literal.len().min(LONGEST);
    let cost = |end: &usize| literal[end - length..*end].iter().map(|byte| commonness(*byte)).sum::<u32>();
    (length..=literal.len()).min_by_key(cost).unwrap_or(length)
}

/// A gram's bytes and length as one number.
fn key(gram: u32, length: usize) -> u64 {
    (length as u64) << 32 | u64::from(gram)
}

fn window(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |window, byte| window << 8 | u32::from(*byte))
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Grams {
    /// Of literals in lower case, with the patterns that each is for.
    pub(super) fn new(literals: &BTreeMap<&[u8], Vec<u32>>) -> Self {
        let mut grams: BTreeMap<u64, Vec<Known<'_>>> = BTreeMap::new();
        let mut all = Self {
            single: Vec::new(),
            filters: [Filter::new(2), Filter::new(3), Filter::new(4)],
            table: Vec::new(),
            candidates: Vec::new(),
            bytes: Vec::new(),
            owners: Vec::new(),
        };
        for (literal, numbers) in literals {
            let start = place(all.owners.len());
            all.owners.extend_from_slice(numbers);
            let owners = Owners(start, place(all.owners.len()));
            match *literal {
                [] => {}
                [byte] => all.single.push((*byte, owners)),
                literal => {
                    let (end, length) = (end_of_gram(literal), literal.len().min(LONGEST));
                    let gram = window(&literal[end - length..end]);
                    all.filters[length - 2].add(gram);
                    grams.entry(key(gram, length)).or_default().push((literal, end, owners));
                }
            }
        }
        all.table = vec![Slot::default(); (grams.len() * 2).next_power_of_two()];
        for (key, literals) in grams {
            let first = place(all.candidates.len());
            for (literal, before, owners) in literals {
                let (start, length, before) = (place(all.bytes.len()), place(literal.len()), place(before));
                all.bytes.extend_from_slice(literal);
                all.candidates.push(Candidate { start, length, before, owners });
            }
            let mut at = all.home(key);
            while all.table[at].last != 0 {
                at = (at + 1) % all.table.len();
            }
            all.table[at] = Slot { key, first, last: place(all.candidates.len()) };
        }
        all
    }

    /// Where a gram would stand in the table, if nothing else were there.
    fn home(&self, key: u64) -> usize {
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        usize::try_from(hash).unwrap_or_default() & (self.table.len() - 1)
    }

    /// Tells of the patterns of each literal that occurs, as often as it does.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(&[u32])) {
        for (byte, owners) in &self.single {
            if memchr::memchr2(*byte, byte.to_ascii_uppercase(), text).is_some() {
                found(self.owners_of(*owners));
            }
        }
        let [two, three, four] = &self.filters;
        let mut window = 0;
        for (at, byte) in text.iter().enumerate() {
            window = window << 8 | u32::from(byte.to_ascii_lowercase());
            // All are looked at, for to guess which costs more than to look.
            if two.has(window) | three.has(window) | four.has(window) {
                self.compare(text, at + 1, window, &mut found);
            }
        }
    }

    /// Compares the literals whose gram may end before `end`.
    fn compare(&self, text: &[u8], end: usize, window: u32, found: &mut impl FnMut(&[u32])) {
        for (filter, length) in self.filters.iter().zip(2..).filter(|(filter, _)| filter.has(window)) {
            let key = key(window & filter.mask, length);
            let mut at = self.home(key);
            let slot = loop {
                let slot = self.table[at];
                if slot.last == 0 || slot.key == key {
                    break slot;
                }
                at = (at + 1) % self.table.len();
            };
            for candidate in &self.candidates[slot.first as usize..slot.last as usize] {
                let literal = &self.bytes[candidate.start as usize..][..candidate.length as usize];
                let start = end.checked_sub(candidate.before as usize);
                let there = start.and_then(|start| text.get(start..start + literal.len()));
                if there.is_some_and(|there| there.eq_ignore_ascii_case(literal)) {
                    found(self.owners_of(candidate.owners));
                }
            }
        }
    }

    fn owners_of(&self, Owners(first, last): Owners) -> &[u32] {
        &self.owners[first as usize..last as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside a plain search of each.
    #[test]
    fn what_occurs_is_found_and_nothing_else() {
        let mut random = fastrand::Rng::with_seed(20_261_129);
        let mut word = |letters: &[u8], most: usize| -> Vec<u8> {
            (0..random.usize(1..most)).map(|_| letters[random.usize(..letters.len())]).collect()
        };
        for _ in 0..300 {
            let words: Vec<Vec<u8>> = (0..40).map(|_| word(b"abc<=\0\xff", 9)).collect();
            let mut literals: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
            for (at, word) in words.iter().enumerate() {
                literals.entry(word).or_default().push(place(at));
            }
            let grams = Grams::new(&literals);
            let text = word(b"abcABC<=\0\xff", 60);
            let lower = text.to_ascii_lowercase();
            let expected: Vec<u32> = (0..)
                .zip(&words)
                .filter(|(_, w)| memchr::memmem::find(&lower, w).is_some())
                .map(|(at, _)| at)
                .collect();
            let mut all = Vec::new();
            grams.find(&text, |owners| all.extend_from_slice(owners));
            all.sort_unstable();
            all.dedup();
            assert_eq!(all, expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_gram_is_rare() {
        assert_eq!(end_of_gram(b"select"), 6, "`lect` before `sele`, which has more of what is common");
        assert_eq!(end_of_gram(b"http://"), 7, "`p://`");
        assert_eq!((end_of_gram(b"or"), end_of_gram(b"abs")), (2, 3));
    }

    #[test]
    fn nothing_is_found_where_there_is_nothing() {
        let grams = Grams::new(&BTreeMap::new());
        grams.find(b"anything", |_| unreachable!("there are no literals"));
    }
}
