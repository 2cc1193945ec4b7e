//! Who is counted, and who is banned: a table of a bounded number of entries, in parts with a lock each.
//!
//! A flood of new addresses pushes out others, not those who are banned: of some entries that are drawn the least that is known goes.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use hashbrown::HashTable;

use super::{
    bucket::{Bucket, Terms},
    scenario::Scenario,
    who::Key,
};

const PARTS: usize = 16;
/// Entries that are drawn when one has to go.
const DRAWN: usize = 8;
/// Paths that are remembered of an entry.
const RECENT: usize = 8;
/// Entries are made room for by so many.
const GRAIN: usize = 512;

/// How bans grow, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// How long each lasts; not empty.
    pub steps: Vec<u64>,
    /// Quiet time after which the next is a first one.
    pub forget: u64,
}

impl Ladder {
    /// How long the ban of this number lasts, which begins at nought, and the number of its step.
    fn step(&self, strikes: u8) -> (u8, u64) {
        let at = usize::from(strikes).min(self.steps.len().saturating_sub(1));
        (u8::try_from(at).unwrap_or(u8::MAX), self.steps.get(at).copied().unwrap_or(0))
    }
}

/// One thing that somebody has done.
#[derive(Debug, Clone, Copy)]
pub struct Deed {
    /// Which.
    pub scenario: Scenario,
    /// What of it, where the same thing again is not counted.
    pub what: Option<u64>,
}

/// A ban by a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// For what.
    pub scenario: Scenario,
    /// Which step, from nought.
    pub step: u8,
    /// Until when, in milliseconds since 1970.
    pub until: u64,
}

/// What came of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It was counted, or was no news.
    Counted,
    /// It was one too many.
    Banned(Held),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    buckets: [Bucket; Scenario::ALL.len()],
    /// Milliseconds since 1970; also of a ban that is over, until it is forgotten.
    until: u64,
    /// When something was last noted, in seconds since 1970.
    seen: u32,
    recent: [u16; RECENT],
    next: u8,
    strikes: u8,
    step: u8,
    scenario: u8,
}

impl Entry {
    fn new(key: Key) -> Self {
        let buckets = [Bucket::default(); Scenario::ALL.len()];
        Self { key, buckets, until: 0, seen: 0, recent: [0; RECENT], next: 0, strikes: 0, step: 0, scenario: 0 }
    }

    fn held(&self, now: u64) -> Option<Held> {
        let scenario = Scenario::of(self.scenario).filter(|_| self.until > now)?;
        Some(Held { scenario, step: self.step, until: self.until })
    }

    fn is_remembered(&self, now: u64, forget: u64) -> bool {
        self.strikes > 0 && self.until.saturating_add(forget) > now
    }

    /// Whether this was done before; noted, where it was not.
    fn repeats(&mut self, what: u64) -> bool {
        // Zero is nothing.
        let short = u16::try_from(what & 0xffff).unwrap_or(0) | 1;
        if self.recent.contains(&short) {
            return true;
        }
        let at = usize::from(self.next) % RECENT;
        self.recent[at] = short;
        self.next = self.next.wrapping_add(1);
        false
    }

    fn ban(&mut self, held: Held, strikes: u8) {
        self.buckets = Default::default();
        (self.until, self.step, self.scenario) = (held.until, held.step, held.scenario as u8);
        self.strikes = strikes;
    }
}

#[derive(Default)]
struct Part {
    index: HashTable<u32>,
    entries: Vec<Entry>,
}

/// The table.
pub struct Table {
    parts: [Mutex<Part>; PARTS],
    hasher: RandomState,
    most: AtomicUsize,
    /// When the last ban ends: nothing has to be looked up after it.
    latest: AtomicU64,
    latest_session: AtomicU64,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} keys)", self.len())
    }
}

impl Table {
    /// An empty table of at most `most` entries.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            most: AtomicUsize::new(most),
            latest: AtomicU64::new(0),
            latest_session: AtomicU64::new(0),
        }
    }

    /// From now on at most `most` entries; those beyond go as others come.
    pub fn limit(&self, most: usize) {
        self.most.store(most, Relaxed);
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).entries.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are taken, and those that can be taken at most.
    #[must_use]
    pub fn bytes(&self) -> (usize, usize) {
        let taken = |part: &Mutex<Part>| {
            let part = lock(part);
            part.index.allocation_size() + part.entries.capacity() * size_of::<Entry>()
        };
        let each = self.most_each().next_multiple_of(GRAIN);
        // An index is a power of two, one eighth of which is free, with a byte beside each place; and twice as large at times, when many of
        // its places were used before.
        let index = (each * 8 / 7 + 16).next_power_of_two() * 2 * (size_of::<u32>() + 1) + 64;
        (self.parts.iter().map(taken).sum(), PARTS * (each * size_of::<Entry>() + index))
    }

    /// Notes a deed. Where `alone` is said, a bucket that has run over is a ban; else others say what comes of it. Who is banned is not counted.
    pub fn note(&self, key: Key, deed: Deed, terms: Terms, ladder: &Ladder, now: u64, alone: bool) -> Noted {
        let (hash, mut part) = self.part(key);
        let entry = self.entry(&mut part, hash, key, ladder, now);
        entry.seen = u32::try_from(now / 1000).unwrap_or(u32::MAX);
        if entry.held(now).is_some() || deed.what.is_some_and(|what| entry.repeats(what)) {
            return Noted::Counted;
        }
        let over = entry.buckets[deed.scenario as usize].pour(terms, now.saturating_mul(1000));
        if !over || !alone {
            return Noted::Counted;
        }
        let strikes = if entry.is_remembered(now, ladder.forget) { entry.strikes } else { 0 };
        let (step, life) = ladder.step(strikes);
        let held = Held { scenario: deed.scenario, step, until: now.saturating_add(life) };
        entry.ban(held, strikes.saturating_add(1));
        drop(part);
        self.note_latest(key, held.until);
        Noted::Banned(held)
    }

    /// Whether a deed is news, which is told once.
    pub fn is_news(&self, key: Key, what: u64, ladder: &Ladder, now: u64) -> bool {
        let (hash, mut part) = self.part(key);
        !self.entry(&mut part, hash, key, ladder, now).repeats(what)
    }

    /// Takes over a ban that others have made.
    pub fn ban(&self, key: Key, held: Held, ladder: &Ladder, now: u64) {
        let (hash, mut part) = self.part(key);
        let entry = self.entry(&mut part, hash, key, ladder, now);
        if held.until > entry.until {
            entry.ban(held, held.step.saturating_add(1));
            drop(part);
            self.note_latest(key, held.until);
        }
    }

    /// Whether a key is banned.
    #[must_use]
    pub fn held(&self, key: Key, now: u64) -> Option<Held> {
        if !self.may_hold(key, now) {
            return None;
        }
        let (hash, part) = self.part(key);
        let at = find(&part, hash, key)?;
        part.entries.get(at).and_then(|entry| entry.held(now))
    }

    /// Whether anybody may be banned: a look that costs nothing.
    #[must_use]
    pub fn may_hold(&self, key: Key, now: u64) -> bool {
        let latest = if key.is_session() { &self.latest_session } else { &self.latest };
        latest.load(Relaxed) > now
    }

    /// Whether any session may be banned.
    #[must_use]
    pub fn may_hold_sessions(&self, now: u64) -> bool {
        self.latest_session.load(Relaxed) > now
    }

    /// Forgets a key; whether it was banned.
    pub fn lift(&self, key: Key, now: u64) -> bool {
        let (hash, mut part) = self.part(key);
        let Some(at) = find(&part, hash, key) else { return false };
        let held = part.entries.get(at).is_some_and(|entry| entry.held(now).is_some());
        remove(&mut part, &self.hasher, at);
        held
    }

    /// Everybody who is banned, at most so many, and how many there are.
    #[must_use]
    pub fn all(&self, now: u64, most: usize) -> (Vec<(Key, Held)>, usize) {
        let (mut all, mut count) = (Vec::new(), 0);
        for part in &self.parts {
            for entry in &lock(part).entries {
                let Some(held) = entry.held(now) else { continue };
                count += 1;
                if all.len() < most {
                    all.push((entry.key, held));
                }
            }
        }
        (all, count)
    }

    /// Addresses and sessions that are banned.
    #[must_use]
    pub fn count(&self, now: u64) -> (usize, usize) {
        let (mut addresses, mut sessions) = (0, 0);
        for part in &self.parts {
            for entry in lock(part).entries.iter().filter(|entry| entry.held(now).is_some()) {
                *(if entry.key.is_session() { &mut sessions } else { &mut addresses }) += 1;
            }
        }
        (addresses, sessions)
    }

    /// Forgets whom nothing is held against any more.
    pub fn sweep(&self, ladder: &Ladder, now: u64) {
        for part in &self.parts {
            let mut part = lock(part);
            let mut at = 0;
            while let Some(entry) = part.entries.get(at) {
                let empty = entry.buckets.iter().all(|bucket| bucket.is_empty(now.saturating_mul(1000)));
                if empty && entry.held(now).is_none() && !entry.is_remembered(now, ladder.forget) {
                    remove(&mut part, &self.hasher, at);
                } else {
                    at += 1;
                }
            }
        }
    }

    fn note_latest(&self, key: Key, until: u64) {
        let latest = if key.is_session() { &self.latest_session } else { &self.latest };
        latest.fetch_max(until, Relaxed);
    }

    fn most_each(&self) -> usize {
        self.most.load(Relaxed).div_ceil(PARTS).max(DRAWN)
    }

    fn part(&self, key: Key) -> (u64, MutexGuard<'_, Part>) {
        let hash = self.hasher.hash_one(key);
        // The table within looks at the lowest and the highest bits.
        let at = usize::try_from((hash >> 32) & (PARTS as u64 - 1)).unwrap_or(0);
        (hash, lock(&self.parts[at]))
    }

    /// The entry of a key, made where there is none.
    fn entry<'p>(&self, part: &'p mut Part, hash: u64, key: Key, ladder: &Ladder, now: u64) -> &'p mut Entry {
        let at = find(part, hash, key).unwrap_or_else(|| self.make(part, hash, key, ladder, now));
        &mut part.entries[at]
    }

    /// The place of a new entry, for which others may have to go.
    fn make(&self, part: &mut Part, hash: u64, key: Key, ladder: &Ladder, now: u64) -> usize {
        while part.entries.len() >= self.most_each() {
            let least = least(part, ladder, now);
            remove(part, &self.hasher, least);
        }
        if part.entries.len() == part.entries.capacity() {
            part.entries.reserve_exact(GRAIN);
        }
        part.entries.push(Entry::new(key));
        let at = part.entries.len() - 1;
        let Part { index, entries } = part;
        index.insert_unique(hash, u32::try_from(at).unwrap_or(u32::MAX), |at| {
            entries.get(*at as usize).map_or(0, |entry| self.hasher.hash_one(entry.key))
        });
        at
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    // Nothing panics while it is held; were it so, counts that are almost right are better than none.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(part: &Part, hash: u64, key: Key) -> Option<usize> {
    let entries = &part.entries;
    let at = part.index.find(hash, |at| entries.get(*at as usize).is_some_and(|entry| entry.key == key))?;
    Some(*at as usize)
}

/// Of some entries that are drawn, the one that is missed least: banned ones are missed most, then those who were.
fn least(part: &Part, ladder: &Ladder, now: u64) -> usize {
    let drawn = (0..DRAWN).map(|_| fastrand::usize(..part.entries.len().max(1)));
    let rank = |at: &usize| {
        part.entries.get(*at).map(|entry| {
            let held = entry.held(now).is_some();
            (held, entry.is_remembered(now, ladder.forget), if held { entry.until / 1000 } else { entry.seen.into() })
        })
    };
    drawn.min_by_key(rank).unwrap_or(0)
}

/// Takes an entry out; the last has its place then.
fn remove(part: &mut Part, hasher: &RandomState, at: usize) {
    let hash_of = |entries: &[Entry], at: usize| entries.get(at).map(|entry| hasher.hash_one(entry.key));
    let last = part.entries.len() - 1;
    if let Some(hash) = hash_of(&part.entries, at)
        && let Ok(found) = part.index.find_entry(hash, |other| *other as usize == at)
    {
        found.remove();
    }
    if at != last
        && let Some(hash) = hash_of(&part.entries, last)
        && let Some(moved) = part.index.find_mut(hash, |other| *other as usize == last)
    {
        *moved = u32::try_from(at).unwrap_or(u32::MAX);
    }
    part.entries.swap_remove(at);
}

#[cfg(test)]
mod tests;
