//! The speed of attempts, whatever becomes of them: a bound on the work that an application is given, not on guesses.
//!
//! `governor` can neither look without taking nor give back, so it never decides about failures. It is asked last, after the ledger has let an
//! attempt through, and so a refusal of the ledger costs nothing here. Familiar clients are paced by their own key, never by the login's.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::{key::Key, settings::Limit};

/// Attempts, of any outcome, for each failure that the limit allows.
pub const FACTOR: u32 = 4;
/// Most keys that are paced, a login. When there are more, all begin anew.
pub const KEYS: usize = 65_536;

/// Hands in the time that an attempt came with.
#[derive(Debug, Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Relaxed).into()
    }
}

type Plain = NoOpMiddleware<Nanos>;
type Keyed = RateLimiter<Key, HashMapStateStore<Key>, Hand, Plain>;

/// The pace of one login.
pub(super) struct Pace {
    hand: Hand,
    quota: Quota,
    keyed: Mutex<Keyed>,
    route: RateLimiter<NotKeyed, InMemoryState, Hand, Plain>,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").field("quota", &self.quota).finish_non_exhaustive()
    }
}

/// [`FACTOR`] times a limit.
#[must_use]
pub fn times(limit: Limit) -> Limit {
    Limit { count: limit.count.saturating_mul(FACTOR), ..limit }
}

fn quota(limit: Limit) -> Quota {
    let burst = NonZeroU32::new(times(limit).count).unwrap_or(NonZeroU32::MIN);
    let one = (limit.window / burst.get()).max(Duration::from_nanos(1));
    Quota::with_period(one).unwrap_or(Quota::per_second(burst)).allow_burst(burst)
}

impl Pace {
    pub(super) fn new(address: Limit, route: Limit) -> Self {
        let (hand, quota_by_key) = (Hand::default(), quota(address));
        let keyed = Mutex::new(Keyed::hashmap_with_clock(quota_by_key, hand.clone()));
        let route = RateLimiter::direct_with_clock(quota(route), hand.clone());
        Self { hand, quota: quota_by_key, keyed, route }
    }

    /// Takes a step of `key`, and of the login where `with_route`.
    ///
    /// # Errors
    /// With the milliseconds to wait.
    pub(super) fn step(&self, key: &Key, with_route: bool, now: u64) -> Result<(), u64> {
        // Times come from many threads; the latest counts.
        self.hand.0.fetch_max(now.saturating_mul(1_000_000), Relaxed);
        let wait = |why: governor::NotUntil<Nanos>| {
            u64::try_from(why.wait_time_from(self.hand.now()).as_millis()).unwrap_or(u64::MAX).saturating_add(1)
        };
        {
            let mut keyed = self.keyed.lock().unwrap_or_else(PoisonError::into_inner);
            if keyed.len() >= KEYS {
                keyed.retain_recent();
                if keyed.len() >= KEYS {
                    *keyed = Keyed::hashmap_with_clock(self.quota, self.hand.clone());
                }
            }
            keyed.check_key(key).map_err(wait)?;
        }
        if with_route { self.route.check().map_err(wait) } else { Ok(()) }
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.keyed.lock().map_or(0, |keyed| keyed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_780_000_000_000;

    fn limit(count: u32) -> Limit {
        Limit { count, window: Duration::from_secs(60) }
    }

    fn key(n: u32) -> Key {
        Key(std::array::from_fn(|i| n.to_le_bytes()[i % 4]))
    }

    #[test]
    fn four_times_the_limit_go_at_once_and_then_at_their_pace() {
        let pace = Pace::new(limit(5), limit(1000));
        assert_eq!((0..50).filter(|_| pace.step(&key(1), true, START).is_ok()).count(), 20);
        let wait = pace.step(&key(1), true, START).expect_err("too fast");
        assert!((2900..=3001).contains(&wait), "{wait}");
        assert!(pace.step(&key(2), true, START).is_ok() && pace.step(&key(1), true, START + wait).is_ok());
    }

    #[test]
    fn the_login_has_a_pace_of_its_own_which_familiar_clients_do_not_meet() {
        let pace = Pace::new(limit(5), limit(10));
        assert_eq!((0..100).filter(|n| pace.step(&key(*n), true, START).is_ok()).count(), 40);
        assert!(pace.step(&key(1000), true, START).is_err() && pace.step(&key(1001), false, START).is_ok());
    }

    #[test]
    fn its_keys_are_bounded() {
        let pace = Pace::new(limit(5), limit(50_000));
        for n in 0..70_000 {
            let _ = pace.step(&key(n), false, START);
            assert!(pace.keys() <= KEYS);
        }
        let _ = pace.step(&key(1), false, START + 3_600_000);
        for n in 0..65_536 {
            let _ = pace.step(&key(n), false, START + 3_600_000);
        }
        assert!(pace.keys() <= KEYS);
    }
}
