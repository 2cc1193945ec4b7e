//! What was scanned: files that are clean, so that they need not be scanned again, and those that have passed, for when it turns out later
//! what they were. Hashes alone are remembered.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::verdict::Direction;
use crate::common::clock;

/// Most clean files that are remembered; twice as many for a while.
const CLEAN: usize = 32 << 10;
/// How long a file stays clean: clamd may read other signatures without a word.
const LIFE: Duration = Duration::from_secs(600);
/// Most files of which it is remembered that they have passed.
const PASSED: usize = 64 << 10;

/// A file, by its hashes and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5, which most hash signatures go by.
    pub md5: [u8; 16],
    /// Bytes.
    pub size: u64,
}

/// Clean files, by the epoch of the signatures that found nothing.
#[derive(Debug, Default)]
pub struct Clean(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<[u8; 32], (u64, u64)>,
    old: HashMap<[u8; 32], (u64, u64)>,
}

impl Clean {
    /// Remembers a file that was clean by the signatures of `epoch`.
    pub fn insert(&self, sha256: [u8; 32], epoch: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.young.len() >= CLEAN {
            all.old = std::mem::take(&mut all.young);
        }
        all.young.insert(sha256, (epoch, clock::millis()));
    }

    /// Whether a file is known to be clean by the signatures of `epoch`.
    #[must_use]
    pub fn has(&self, sha256: &[u8; 32], epoch: u64) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let life = u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX);
        let known = all.young.get(sha256).or_else(|| all.old.get(sha256));
        known.is_some_and(|(by, at)| *by == epoch && clock::millis().saturating_sub(*at) <= life)
    }
}

/// A file that has passed.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Which.
    pub file: Fingerprint,
    /// The request that it was part of.
    pub request: Arc<str>,
    /// The route.
    pub route: Arc<str>,
    /// Which way it went.
    pub direction: Direction,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// Files that have passed, the latest last.
#[derive(Debug, Default)]
pub struct Passage(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    files: VecDeque<Passed>,
    /// When something passed of which nobody knows what was in it.
    unknown: VecDeque<u64>,
    /// The latest that had to be forgotten for want of room.
    forgotten: Option<u64>,
}

/// What is known of files that have passed in a time.
#[derive(Debug, Default)]
pub struct Answer {
    /// Those that were asked for.
    pub files: Vec<Passed>,
    /// Files that were compared.
    pub compared: usize,
    /// Bodies that passed without a scan.
    pub unknown: usize,
    /// Whether there were more than are remembered.
    pub incomplete: bool,
}

impl Passage {
    fn log<T>(&self, work: impl FnOnce(&mut Log) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers a file for as long as `remember`.
    pub fn note(&self, passed: Passed, remember: Duration) {
        self.log(|log| {
            log.forget(remember, passed.at);
            if log.files.len() >= PASSED {
                log.forgotten = log.files.pop_front().map(|passed| passed.at);
            }
            log.files.push_back(passed);
        });
    }

    /// Something passed that was not scanned.
    pub fn note_unknown(&self, remember: Duration) {
        let now = clock::millis();
        self.log(|log| {
            log.forget(remember, now);
            if log.unknown.len() >= PASSED {
                log.forgotten = log.unknown.pop_front();
            }
            log.unknown.push_back(now);
        });
    }

    /// Which of the files that passed within `remember` are `wanted`.
    pub fn find(&self, remember: Duration, wanted: impl Fn(&Fingerprint) -> bool) -> Answer {
        let now = clock::millis();
        self.log(|log| {
            log.forget(remember, now);
            Answer {
                files: log.files.iter().filter(|passed| wanted(&passed.file)).cloned().collect(),
                compared: log.files.len(),
                unknown: log.unknown.len(),
                incomplete: log.forgotten.is_some_and(|at| at >= oldest(remember, now)),
            }
        })
    }
}

fn oldest(remember: Duration, now: u64) -> u64 {
    now.saturating_sub(u64::try_from(remember.as_millis()).unwrap_or(u64::MAX))
}

impl Log {
    fn forget(&mut self, remember: Duration, now: u64) {
        let oldest = oldest(remember, now);
        while self.files.front().is_some_and(|passed| passed.at < oldest) {
            self.files.pop_front();
        }
        while self.unknown.front().is_some_and(|at| *at < oldest) {
            self.unknown.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_is_what_these_signatures_have_seen() {
        let clean = Clean::default();
        clean.insert([1; 32], 5);
        assert!(clean.has(&[1; 32], 5) && !clean.has(&[1; 32], 6) && !clean.has(&[2; 32], 5));
        for n in 0..2 * CLEAN as u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            clean.insert(hash, 5);
        }
        let all = clean.0.lock().expect("whole");
        assert!(all.young.len() + all.old.len() <= 2 * CLEAN && !all.young.contains_key(&[1; 32]));
    }

    #[test]
    fn what_passed_is_found_for_a_while() {
        let passage = Passage::default();
        let hour = Duration::from_secs(3600);
        let now = clock::millis();
        let passed = |byte, at| Passed {
            file: Fingerprint { sha256: [byte; 32], md5: [byte; 16], size: 1 },
            request: "r".into(),
            route: "*/".into(),
            direction: Direction::Upload,
            at,
        };
        passage.note(passed(1, now - 7_200_000), hour);
        passage.note(passed(2, now - 1000), hour);
        passage.note_unknown(hour);
        let answer = passage.find(hour, |file| file.size == 1);
        assert_eq!((answer.files.len(), answer.compared, answer.unknown, answer.incomplete), (1, 1, 1, false));
        assert_eq!(answer.files[0].file.md5, [2; 16]);
        for _ in 0..=PASSED {
            passage.note(passed(3, now), hour);
        }
        let answer = passage.find(hour, |_| false);
        assert!(answer.files.is_empty() && answer.compared == PASSED && answer.incomplete);
    }
}
