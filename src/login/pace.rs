//! The pace of attempts, whatever becomes of them: a token bucket (GCRA) an address, and one for the login as a whole.
//!
//! `governor` can neither look without taking nor give back, so it decides nothing about failures. Its rates are four times those of
//! the failures that are allowed: whoever mistypes now and then never meets them, a machine does.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::{key::Key, settings::Limit};

/// Attempts for each failure that is allowed.
const GENEROSITY: u32 = 4;
/// Most addresses that are held; whoever has been quiet for long enough is forgotten first, and then all of them.
const ADDRESSES: usize = 50_000;

type Moment = std::time::Instant;
type Keyed = RateLimiter<Key, HashMapStateStore<Key>, MonotonicClock, NoOpMiddleware<Moment>>;

/// Two paces.
#[derive(Debug)]
pub struct Pace {
    address: Mutex<Keyed>,
    quota: Quota,
    route: RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Moment>>,
}

fn quota(limit: &Limit) -> Quota {
    let burst = NonZeroU32::new(u32::from(limit.failures) * GENEROSITY).unwrap_or(NonZeroU32::MIN);
    let each = limit.window / burst.get();
    Quota::with_period(each.max(Duration::from_nanos(1))).unwrap_or(Quota::per_second(burst)).allow_burst(burst)
}

impl Pace {
    /// Paces after the limits of an address and of the whole.
    #[must_use]
    pub fn new(address: &Limit, route: &Limit) -> Self {
        Self {
            address: Mutex::new(keyed(quota(address))),
            quota: quota(address),
            route: RateLimiter::direct_with_clock(quota(route), MonotonicClock),
        }
    }

    /// Takes one from both.
    ///
    /// # Errors
    /// With the time to wait when there is none.
    pub fn take(&self, address: Key) -> Result<(), Duration> {
        let wait = |not: NotUntil<Moment>| not.wait_time_from(MonotonicClock.now());
        {
            let mut all = self.address.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= ADDRESSES {
                all.retain_recent();
                // Looking through all of them for each attempt would be a way to keep us busy.
                if all.len() >= ADDRESSES / 2 {
                    *all = keyed(self.quota);
                }
            }
            all.check_key(&address).map_err(wait)?;
        }
        self.route.check().map_err(wait)
    }
}

fn keyed(quota: Quota) -> Keyed {
    RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_held_back_and_memory_is_bounded() {
        let limit = |failures| Limit { failures, window: Duration::from_secs(3600) };
        let pace = Pace::new(&limit(5), &limit(10_000));
        let taken = (0..100).filter(|_| pace.take(Key([1; 16])).is_ok()).count();
        assert_eq!(taken, 20);
        let wait = pace.take(Key([1; 16])).expect_err("none left");
        assert!(wait > Duration::from_secs(100) && wait <= Duration::from_secs(180), "{wait:?}");
        for i in 0..120_000_u32 {
            let mut key = [2; 16];
            key[..4].copy_from_slice(&i.to_be_bytes());
            let _ = pace.take(Key(key));
        }
        assert!(pace.address.lock().expect("unpoisoned").len() <= ADDRESSES);
    }
}
