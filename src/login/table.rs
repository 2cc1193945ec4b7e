//! States by key, of a bounded number: two lists, each ordered by use, as in a segmented LRU.
//!
//! Whoever names a million accounts fills the first list and pushes out the oldest of it. Keys in a wait and those of familiar clients are in the
//! second, of at most half of all places, which such a flood does not reach. What has no live state leaves by itself: at once when it is
//! changed, else when it is the oldest and another comes.

use hashbrown::HashTable;

use super::{
    key::Key,
    state::{State, Terms, second},
};

const NONE: u32 = u32::MAX;
/// Entries are made by blocks, so that growing never copies them.
const BLOCK: usize = 4096;
/// The oldest entries that are looked at when one comes.
const LOOKS: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    state: State,
    newer: u32,
    older: u32,
    /// Second from which the state means nothing.
    until: u32,
    kept: bool,
}

#[derive(Debug, Clone, Copy)]
struct List {
    newest: u32,
    oldest: u32,
    length: usize,
}

/// The table.
pub(super) struct Table {
    index: HashTable<u32>,
    blocks: Vec<Vec<Entry>>,
    free: Vec<u32>,
    most: usize,
    passing: List,
    kept: List,
}

impl Table {
    /// An empty table of at most `most` keys.
    pub(super) fn new(most: usize) -> Self {
        let empty = List { newest: NONE, oldest: NONE, length: 0 };
        let most = most.clamp(16, NONE as usize - 1);
        Self { index: HashTable::new(), blocks: Vec::new(), free: Vec::new(), most, passing: empty, kept: empty }
    }

    /// Keys that are remembered.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Bytes that are taken, and those that can be taken at most.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let index = self.index.allocation_size();
        // Seven eighths of the buckets are filled, each with a place and a byte; it grows where many come and go.
        let made = (self.most * 8).div_ceil(7).next_power_of_two() * (size_of::<u32>() + 1);
        let entries = self.blocks.len() * BLOCK * size_of::<Entry>();
        let free = self.free.capacity() * size_of::<u32>();
        let most = self.most.div_ceil(BLOCK) * BLOCK * (size_of::<Entry>() + size_of::<u32>());
        (index + entries + free, index.max(made) + most)
    }

    /// The state of a key; the default where there is none.
    pub(super) fn look(&self, key: &Key) -> State {
        self.find(key).map(|at| self.entry(at).state).unwrap_or_default()
    }

    /// Changes the state of a key.
    pub(super) fn change(&mut self, key: Key, terms: &Terms, now: u64, change: &dyn Fn(&mut State)) {
        let second = second(now);
        let found = self.find(&key);
        let mut state = found.map(|at| self.entry(at).state).unwrap_or_default();
        change(&mut state);
        let until = state.expires(terms);
        let lives = state.flight > 0 || until > second;
        let kept = state.wait_until > second || state.success > 0;
        match (found, lives) {
            (None, false) => {}
            (Some(at), false) => self.remove(at),
            (Some(at), true) => {
                self.unlink(at);
                let entry = self.entry_mut(at);
                (entry.state, entry.until, entry.kept) = (state, until, kept);
                self.link(at);
            }
            (None, true) => {
                self.make_room(second);
                self.insert(Entry { key, state, newer: NONE, older: NONE, until, kept });
            }
        }
        if self.kept.length > self.most / 2 {
            self.demote();
        }
    }

    /// The oldest of the kept is kept no longer.
    fn demote(&mut self) {
        let at = self.kept.oldest;
        self.unlink(at);
        self.entry_mut(at).kept = false;
        self.link(at);
    }

    /// Drops the oldest that mean nothing any more, and one that does where there is no place left.
    fn make_room(&mut self, second: u32) {
        for list in [false, true] {
            for _ in 0..LOOKS {
                let at = self.list(list).oldest;
                if at == NONE || self.entry(at).until > second || self.entry(at).state.flight > 0 {
                    break;
                }
                self.remove(at);
            }
        }
        if self.index.len() >= self.most {
            // At most half is kept, so there is one that is not.
            self.remove(self.passing.oldest);
        }
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.free.pop().unwrap_or_else(|| self.extend());
        *self.entry_mut(at) = entry;
        self.link(at);
        if self.index.capacity() == 0 {
            // All of it with the first key: growing it later would stop everybody for a moment.
            self.index.reserve(self.most, |_| 0);
        }
        let blocks = &self.blocks;
        self.index.insert_unique(hash(&entry.key), at, |at| hash(&blocks[block(*at)][place(*at)].key));
    }

    /// A place that was never used.
    fn extend(&mut self) -> u32 {
        if self.blocks.last().is_none_or(|last| last.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let before = (self.blocks.len() - 1) * BLOCK;
        let last = self.blocks.len() - 1;
        let state = State::default();
        let blank = Entry { key: Key::default(), state, newer: NONE, older: NONE, until: 0, kept: false };
        self.blocks[last].push(blank);
        u32::try_from(before + self.blocks[last].len() - 1).unwrap_or(NONE)
    }

    fn remove(&mut self, at: u32) {
        self.unlink(at);
        let key = self.entry(at).key;
        if let Ok(found) = self.index.find_entry(hash(&key), |other| *other == at) {
            found.remove();
        }
        self.free.push(at);
    }

    fn find(&self, key: &Key) -> Option<u32> {
        self.index.find(hash(key), |at| self.entry(*at).key == *key).copied()
    }

    fn entry(&self, at: u32) -> &Entry {
        &self.blocks[block(at)][place(at)]
    }

    fn entry_mut(&mut self, at: u32) -> &mut Entry {
        &mut self.blocks[block(at)][place(at)]
    }

    fn list(&mut self, kept: bool) -> &mut List {
        if kept { &mut self.kept } else { &mut self.passing }
    }

    /// Puts an entry at the new end of its list.
    fn link(&mut self, at: u32) {
        let kept = self.entry(at).kept;
        let list = self.list(kept);
        let before = std::mem::replace(&mut list.newest, at);
        list.length += 1;
        if before == NONE {
            list.oldest = at;
        } else {
            self.entry_mut(before).newer = at;
        }
        let entry = self.entry_mut(at);
        (entry.newer, entry.older) = (NONE, before);
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, kept, .. } = *self.entry(at);
        let list = self.list(kept);
        list.length -= 1;
        if newer == NONE {
            list.newest = older;
        }
        if older == NONE {
            list.oldest = newer;
        }
        if newer != NONE {
            self.entry_mut(newer).older = older;
        }
        if older != NONE {
            self.entry_mut(older).newer = newer;
        }
    }
}

fn block(at: u32) -> usize {
    at as usize / BLOCK
}

fn place(at: u32) -> usize {
    at as usize % BLOCK
}

/// A key is a keyed hash already, so its first half is as good as any hash of it.
fn hash(key: &Key) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| key.0[i]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const NOW: u64 = 1_780_000_000_000;
    const TERMS: Terms = Terms { limit: 5, slot: 8572, waits: true, cap: 100, forget: 86_400, remember: 86_400 };

    fn key(n: u64) -> Key {
        let mut random = fastrand::Rng::with_seed(n);
        Key(std::array::from_fn(|_| random.u8(..)))
    }

    #[test]
    fn a_flood_pushes_out_the_oldest_but_no_wait_and_nobody_familiar() {
        let mut table = Table::new(1000);
        for _ in 0..5 {
            table.change(key(1), &TERMS, NOW, &|state| state.fail(&TERMS, NOW));
        }
        table.change(key(2), &TERMS, NOW, &|state| state.succeed(&TERMS, NOW));
        table.change(key(3), &TERMS, NOW, &|state| state.fail(&TERMS, NOW));
        for n in 100..100_100 {
            table.change(key(n), &TERMS, NOW, &|state| state.fail(&TERMS, NOW));
        }
        assert_eq!(table.len(), 1000);
        assert!(table.look(&key(1)).refusal(&TERMS, NOW) > 0 && table.look(&key(2)).is_familiar(&TERMS, NOW));
        assert_eq!(table.look(&key(3)), State::default());
        assert_eq!(table.look(&key(100_099)).count(&TERMS, NOW), 1);
    }

    #[test]
    fn what_is_kept_never_takes_more_than_half() {
        let mut table = Table::new(1000);
        for n in 0..5000 {
            table.change(key(n), &TERMS, NOW, &|state| state.succeed(&TERMS, NOW));
        }
        assert_eq!((table.kept.length, table.passing.length), (500, 500));
        assert!(table.look(&key(4600)).is_familiar(&TERMS, NOW));
    }

    #[test]
    fn what_means_nothing_leaves() {
        let mut table = Table::new(1000);
        table.change(key(1), &TERMS, NOW, &State::reserve);
        assert_eq!(table.len(), 1);
        table.change(key(1), &TERMS, NOW, &State::release);
        assert_eq!(table.len(), 0);
        for n in 0..4 {
            table.change(key(n), &TERMS, NOW, &|state| state.fail(&TERMS, NOW));
        }
        table.change(key(9), &TERMS, NOW + 2 * 86_400_000, &State::reserve);
        assert_eq!(table.len(), 1);
    }

    /// Against a plain map, with few enough keys that nothing is pushed out.
    #[test]
    fn it_remembers_what_a_map_remembers() {
        let (mut table, mut map) = (Table::new(400), HashMap::<Key, State>::new());
        let mut random = fastrand::Rng::with_seed(3);
        for step in 0..50_000 {
            let (key, now) = (key(random.u64(0..200)), NOW + step);
            let change: fn(&mut State, u64) = [
                (|state, _| state.reserve()) as fn(&mut State, u64),
                |state, _| state.release(),
                |state, now| state.fail(&TERMS, now),
                |state, now| state.succeed(&TERMS, now),
                |state, _| *state = State::default(),
            ][random.usize(0..5)];
            table.change(key, &TERMS, now, &|state| change(state, now));
            change(map.entry(key).or_default(), now);
            let expected = map[&key];
            assert!(table.look(&key) == expected || (expected.flight == 0 && expected.expires(&TERMS) <= second(now)));
        }
        assert_eq!(table.passing.length + table.kept.length, table.len());
    }
}
