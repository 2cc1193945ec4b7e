//! A sign-in that many failures came before: of the same account from elsewhere, or of other accounts from the same address.
//!
//! Whoever mistypes fails and succeeds at the same place. Of an address that many people share some fail and most succeed. And whoever is attacked still
//! signs in, from where they did before.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
};

/// Failures of the last hour count.
const SPAN: u64 = 3600;
/// Fewer are not told of.
const FEW: u64 = 5;
/// So many times as many accounts must have failed at an address as have succeeded there.
const TIMES: usize = 3;
/// Most accounts and addresses, and failures of each, that are remembered.
const MOST: usize = 20_000;
const EACH: usize = 1000;
/// So many places are somebody's own.
const HOMES: usize = 8;

/// Who has failed within the last hour, by whatever names accounts and addresses have.
#[derive(Debug)]
pub struct Failures<K> {
    /// Of an account: when, and from where.
    accounts: HashMap<K, Vec<(u64, K)>>,
    addresses: HashMap<K, Address<K>>,
    /// From where an account has signed in last.
    homes: HashMap<K, VecDeque<K>>,
}

#[derive(Debug)]
struct Address<K> {
    /// When an account has failed last.
    failed: HashMap<K, u64>,
    succeeded: HashSet<K>,
    last: u64,
}

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self { accounts: HashMap::new(), addresses: HashMap::new(), homes: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash> Failures<K> {
    /// Takes in an attempt at these seconds; of a success how many failures came before, where that is too many.
    pub fn take(&mut self, seconds: u64, account: &K, address: &K, success: bool) -> Option<u64> {
        self.forget(seconds);
        let since = seconds.saturating_sub(SPAN);
        if !success {
            let failures = self.accounts.entry(account.clone()).or_default();
            failures.retain(|(at, _)| *at >= since);
            if failures.len() < EACH {
                failures.push((seconds, address.clone()));
            }
        }
        let here = self.addresses.entry(address.clone()).or_insert_with(|| Address {
            failed: HashMap::new(),
            succeeded: HashSet::new(),
            last: seconds,
        });
        if seconds.saturating_sub(here.last) > SPAN {
            here.succeeded.clear();
        }
        here.last = seconds;
        here.failed.retain(|_, at| *at >= since);
        if !success {
            if here.failed.len() < EACH {
                here.failed.insert(account.clone(), seconds);
            }
            return None;
        }
        if here.succeeded.len() < EACH {
            here.succeeded.insert(account.clone());
        }
        let others = here.failed.keys().filter(|failed| !here.succeeded.contains(*failed)).count();
        let sprayed = if others >= TIMES * here.succeeded.len() { others as u64 } else { 0 };
        let failures = self.accounts.remove(account).unwrap_or_default();
        let elsewhere = failures.iter().filter(|(at, from)| *at >= since && from != address).count() as u64;
        let homes = self.homes.entry(account.clone()).or_default();
        // An office, where many sign in and few fail, is nobody's hideout.
        let office = here.succeeded.len() >= TIMES && here.failed.len() < here.succeeded.len();
        let elsewhere = if office || homes.contains(address) { 0 } else { elsewhere };
        homes.retain(|home| home != address);
        homes.push_back(address.clone());
        homes.drain(..homes.len().saturating_sub(HOMES));
        Some(sprayed.max(elsewhere)).filter(|failures| *failures >= FEW)
    }

    fn forget(&mut self, seconds: u64) {
        let since = seconds.saturating_sub(SPAN);
        if self.accounts.len() >= MOST {
            self.accounts.retain(|_, failures| failures.last().is_some_and(|(at, _)| *at >= since));
        }
        if self.addresses.len() >= MOST {
            self.addresses.retain(|_, address| address.last >= since);
        }
        if self.homes.len() >= 5 * MOST {
            self.homes.clear();
        }
        // A flood that fills an hour: nothing of it can be told apart any more.
        if self.accounts.len() >= 2 * MOST {
            self.accounts.clear();
        }
        if self.addresses.len() >= 2 * MOST {
            self.addresses.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_others_have_tried() {
        let mut failures = Failures::default();
        for n in 0..5 {
            assert_eq!(failures.take(n, &"kim", &"bot", false), None);
        }
        assert_eq!(failures.take(9, &"kim", &"home", true), Some(5));
        assert_eq!(failures.take(10, &"kim", &"home", true), None, "told once");
        // Who is attacked still signs in.
        for n in 0..9 {
            failures.take(20 + n, &"kim", &"bot", false);
        }
        assert_eq!(failures.take(30, &"kim", &"home", true), None);
        // Mistyping is no attack, and an hour is over at some time.
        let mut failures = Failures::default();
        for n in 0..9 {
            failures.take(n, &"kim", &"home", false);
        }
        assert_eq!(failures.take(9, &"kim", &"home", true), None);
        for n in 0..9 {
            failures.take(n, &"lee", &"bot", false);
        }
        assert_eq!(failures.take(3700, &"lee", &"home", true), None);
    }

    #[test]
    fn an_address_that_tries_many() {
        let mut failures = Failures::default();
        for n in 0..30 {
            failures.take(n, &n, &1000, false);
        }
        assert_eq!(failures.take(31, &77, &1000, true), Some(30));
        // An office: some mistype, and sign in.
        let mut failures = Failures::default();
        for n in 0..60 {
            failures.take(n, &n, &1000, n % 5 != 0);
        }
        assert_eq!(failures.take(70, &77, &1000, true), None);
    }
}
