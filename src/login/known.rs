//! Credentials that were right a moment ago, as keyed hashes. With HTTP Basic every request has them, and a page asks for dozens of things at
//! once: those are no guesses, and need neither a place nor a decision.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::key::Key;

/// Seconds for which credentials are taken for right.
const FRESH: u32 = 300;
/// Most that are remembered.
const MOST: usize = 16_384;

/// The credentials.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Key, u32>>);

impl Known {
    /// Whether they were right a moment ago.
    pub(super) fn has(&self, credentials: &Key, second: u32) -> bool {
        self.map().get(credentials).is_some_and(|until| *until > second)
    }

    /// They were right just now.
    pub(super) fn add(&self, credentials: Key, second: u32) {
        let mut map = self.map();
        if map.len() >= MOST {
            map.retain(|_, until| *until > second);
        }
        if map.len() >= MOST {
            // To look through all of them at each that comes would cost more than to judge them once again.
            map.clear();
        }
        map.insert(credentials, second.saturating_add(FRESH));
    }

    /// They are right no more.
    pub(super) fn remove(&self, credentials: &Key) {
        self.map().remove(credentials);
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Key, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_known_for_a_while_and_in_bounded_number() {
        let known = Known::default();
        known.add(Key([1; 16]), 100);
        assert!(known.has(&Key([1; 16]), 399) && !known.has(&Key([1; 16]), 400) && !known.has(&Key([2; 16]), 100));
        known.remove(&Key([1; 16]));
        assert!(!known.has(&Key([1; 16]), 100));
        for n in 0..2 * MOST {
            known.add(Key(std::array::from_fn(|i| n.to_le_bytes()[i % 8])), 100);
        }
        assert!(
            known.map().len() <= MOST
                && known.has(&Key(std::array::from_fn(|i| (2 * MOST - 1).to_le_bytes()[i % 8])), 100)
        );
        known.add(Key([9; 16]), 400);
        assert_eq!(known.map().len(), 1);
    }
}
