//! What a process knows of its orders: answers that are pending, how each order stands, and what has come of all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use super::challenge::Challenges;
use crate::common::meter::Counter;

/// Orders that run at once: a first start with many would be what authorities call abuse.
const AT_ONCE: usize = 4;
/// What an attempt may come to.
const RESULTS: [&str; 6] = ["issued", "not_validated", "refused", "rate_limited", "unreachable", "failed"];

/// How one order stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it is renewed, or tried again; seconds since the epoch.
    pub next: Option<i64>,
    /// Why the last attempt has failed, where it has. Holds the authority's words: to be scrubbed before it is shown.
    pub trouble: Option<String>,
}

/// Shared by the tasks that order, the workers that answer, and whoever asks how things stand. Outlives reloads.
#[derive(Debug)]
pub struct Orders {
    /// Answers that are pending.
    pub challenges: Arc<Challenges>,
    pub(super) turns: Semaphore,
    standing: Mutex<BTreeMap<String, Standing>>,
    results: [Counter; RESULTS.len()],
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            challenges: Arc::default(),
            turns: Semaphore::new(AT_ONCE),
            standing: Mutex::default(),
            results: [const { Counter::new() }; RESULTS.len()],
        }
    }
}

impl Orders {
    /// How the order stands whose first domain is `name`.
    #[must_use]
    pub fn standing(&self, name: &str) -> Standing {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// When each order is renewed, or tried again.
    #[must_use]
    pub fn next(&self) -> Vec<(String, i64)> {
        self.lock().iter().filter_map(|(name, standing)| Some((name.clone(), standing.next?))).collect()
    }

    /// Attempts so far, by what they came to.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        RESULTS.into_iter().zip(self.results.iter().map(Counter::value))
    }

    pub(super) fn count(&self, result: &str) {
        if let Some(at) = RESULTS.iter().position(|known| *known == result) {
            self.results[at].increment();
        }
    }

    pub(super) fn note(&self, name: &str, change: impl FnOnce(&mut Standing)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }

    pub(super) fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
