//! What several records of a list have: it is nobody's own.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
};

/// Most values of a list that are remembered.
const MOST: usize = 8192;

/// Values of other records, each with its place, as hashes.
#[derive(Debug, Default)]
pub(super) struct Common {
    hashes: RandomState,
    known: HashMap<u64, Seen>,
    /// How many records there were.
    records: u32,
}

/// In how many records a value was, and the last of them.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    records: u32,
    last: u32,
}

impl Common {
    fn key<'a>(&self, place: impl Iterator<Item = &'a [u8]>, value: &[u8]) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        for name in place {
            hasher.write_usize(name.len());
            hasher.write(name);
        }
        hasher.write(value);
        hasher.finish()
    }

    /// Another record is noted.
    pub(super) fn begin(&mut self) {
        self.records += 1;
    }

    /// The record at hand has this value at this place.
    pub(super) fn note<'a>(&mut self, place: impl Iterator<Item = &'a [u8]>, value: &[u8]) {
        let key = self.key(place, value);
        let (is_full, now) = (self.known.len() >= MOST, self.records);
        let seen = match self.known.get_mut(&key) {
            Some(seen) => seen,
            None if is_full => return,
            None => self.known.entry(key).or_default(),
        };
        if seen.records == 0 || seen.last != now {
            *seen = Seen { records: seen.records + 1, last: now };
        }
    }

    /// Whether a record has it.
    pub(super) fn has<'a>(&self, place: impl Iterator<Item = &'a [u8]>, value: &[u8]) -> bool {
        self.known.contains_key(&self.key(place, value))
    }

    /// Whether more than half of the records have it.
    pub(super) fn is_usual<'a>(&self, place: impl Iterator<Item = &'a [u8]>, value: &[u8]) -> bool {
        self.known.get(&self.key(place, value)).is_some_and(|seen| 2 * seen.records > self.records)
    }
}
