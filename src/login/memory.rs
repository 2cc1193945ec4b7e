//! The ledger of one process.

use std::sync::Mutex;

use super::{
    ledger::{Ask, Claim, Ledger, Outcome, Reserved, Standing},
    table::Table,
};

/// States in memory, under one lock that is held for some hundred nanoseconds and never across a wait.
pub struct Memory(Mutex<Table>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} keys)", self.keys())
    }
}

impl Memory {
    /// Of at most `keys` keys.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        Self(Mutex::new(Table::new(keys)))
    }

    /// Bytes that are taken, and those that can be taken at most.
    #[must_use]
    pub fn bytes(&self) -> (usize, usize) {
        self.table().bytes()
    }

    /// The same as [`Ledger::reserve`], without a wait.
    ///
    /// # Errors
    /// When a limit stands in the way.
    pub fn reserve_now(&self, ask: Ask, now: u64) -> Result<Claim, super::ledger::Denied> {
        let mut table = self.table();
        let standing: Standing = ask.decide(|key| table.look(key), now)?;
        for (key, terms) in ask.places(standing) {
            table.change(key, &terms, now, &super::state::State::reserve);
        }
        Ok(Claim { ask, standing, lease: 0 })
    }

    /// Holds the place of a claim that was decided elsewhere.
    pub(super) fn hold(&self, claim: &Claim, now: u64) {
        let mut table = self.table();
        for (key, terms) in claim.ask.places(claim.standing) {
            table.change(key, &terms, now, &super::state::State::reserve);
        }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // Nothing panics while it is held; were it so, limits that are almost right are better than none.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Ledger for Memory {
    fn reserve(&self, ask: Ask, now: u64) -> Reserved<'_> {
        Box::pin(std::future::ready(self.reserve_now(ask, now)))
    }

    fn settle(&self, claim: &Claim, outcome: Outcome, now: u64) {
        let mut table = self.table();
        claim.changes(outcome, now, |key, terms, change| table.change(key, terms, now, change));
    }

    fn keys(&self) -> usize {
        self.table().len()
    }
}
