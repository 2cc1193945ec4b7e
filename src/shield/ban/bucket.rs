//! A leaky bucket in one number: the time at which it is empty again. In whole microseconds below 2^53, so that a shared store can do the
//! same sums in doubles.

use crate::common::limit::Limit;

/// What holds for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Microseconds in which a drop leaks away.
    pub cost: u64,
    /// Microseconds in which a full bucket does.
    pub room: u64,
}

impl Terms {
    /// A bucket that takes `limit.count` drops, and is empty after `limit.window`.
    #[must_use]
    pub fn of(limit: Limit) -> Self {
        let window = u64::try_from(limit.window.as_micros()).unwrap_or(u64::MAX);
        let count = u64::from(limit.count.max(1));
        let cost = (window / count).max(1);
        Self { cost, room: cost.saturating_mul(count) }
    }

    /// One of `replicas` shares, which takes at least one drop.
    #[must_use]
    pub fn share(self, replicas: u32) -> Self {
        Self { cost: self.cost.saturating_mul(u64::from(replicas.max(1))).min(self.room), ..self }
    }
}

/// A bucket; empty by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket(u64);

impl Bucket {
    /// Adds a drop at these microseconds since 1970; whether it has run over. A full one stays full.
    pub fn pour(&mut self, terms: Terms, now: u64) -> bool {
        // One that was filled by a clock that was set back since is full, and no more than that.
        let level = self.0.saturating_sub(now).min(terms.room).saturating_add(terms.cost);
        self.0 = now.saturating_add(level.min(terms.room));
        level > terms.room
    }

    /// Whether nothing is left in it.
    #[must_use]
    pub fn is_empty(self, now: u64) -> bool {
        self.0 <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn it_takes_what_the_limit_says_and_leaks() {
        let terms = Terms::of(Limit::new(10, 60));
        let (mut bucket, now) = (Bucket::default(), 1_800_000_000 * SECOND);
        assert!((0..10).all(|_| !bucket.pour(terms, now)));
        assert!(bucket.pour(terms, now), "the eleventh");
        assert!(!bucket.pour(terms, now + 6 * SECOND), "one has leaked away");
        assert!(bucket.pour(terms, now + 6 * SECOND));
        assert!(!bucket.is_empty(now + 65 * SECOND) && bucket.is_empty(now + 66 * SECOND));
        assert!((0..1000).all(|n| !bucket.pour(terms, now + (100 + 6 * n) * SECOND)), "as fast as it leaks");
    }

    #[test]
    fn a_share_takes_its_part_and_at_least_one() {
        let poured = |terms: Terms| {
            let mut bucket = Bucket::default();
            (0..1000).take_while(|_| !bucket.pour(terms, 1)).count()
        };
        let terms = Terms::of(Limit::new(10, 60));
        assert_eq!(
            (poured(terms), poured(terms.share(3)), poured(terms.share(100)), poured(terms.share(0))),
            (10, 3, 1, 10)
        );
    }

    #[test]
    fn a_clock_that_was_set_back_ends_no_peace() {
        let terms = Terms::of(Limit::new(2, 60));
        let mut bucket = Bucket::default();
        bucket.pour(terms, 1_000_000 * SECOND);
        assert!(bucket.pour(terms, 5));
        assert!(bucket.is_empty(5 + 60 * SECOND));
        Bucket(u64::MAX).pour(Terms { cost: u64::MAX, room: u64::MAX / 2 }, u64::MAX / 2);
    }
}
