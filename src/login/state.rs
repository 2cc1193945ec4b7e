//! The arithmetic of one key: what was failed, what is in flight, how long to wait. Pure functions of a state, its terms and the time.
//!
//! Failures are counted in [`SLOTS`] slots of a seventh of the window. A failure counts from its moment until its slot is eight slots old,
//! so at least for the whole window and at most for a seventh more: in no window of the configured length are there more failures than the
//! limit. Times are milliseconds since 1970 where they go in, and whole seconds where they are kept; all of it fits the
//! integers of a double, so that a script in another language can do the same sums.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Slots of a window.
pub const SLOTS: usize = 8;
/// First wait, in seconds; it doubles with each strike.
pub const FIRST_WAIT: u32 = 30;
/// Longest wait, in seconds.
pub const LONGEST_WAIT: u32 = 3600;
/// Strikes are forgotten after so many seconds without a failure.
pub const FADE: u32 = 86_400;
/// What somebody is told to wait, in milliseconds, when only attempts in flight stand in the way.
pub const IN_FLIGHT: u64 = 1000;

/// What holds for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Most failures in a window.
    pub limit: u32,
    /// Milliseconds of a slot: a seventh of the window, rounded up.
    pub slot: u64,
    /// Whether a failure that fills the limit starts a wait.
    pub waits: bool,
    /// Most consecutive failures; 0 is no bound.
    pub cap: u8,
    /// Seconds after the last failure at which consecutive ones are forgotten.
    pub forget: u32,
    /// Seconds for which a success makes familiar.
    pub remember: u32,
}

/// What is kept of a key: 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// Number of the newest slot: milliseconds since 1970 divided by the slot's length.
    pub slot: u64,
    /// Failures of slot `n` are in `slots[n % 8]`.
    pub slots: [u16; SLOTS],
    /// Second until which nobody is let through.
    pub wait_until: u32,
    /// Second of the last failure.
    pub last: u32,
    /// Second of the last success; 0 is never.
    pub success: u32,
    /// Attempts that are not settled yet.
    pub flight: u16,
    /// Failures since the last success.
    pub consecutive: u8,
    /// Waits so far.
    pub strikes: u8,
}

/// A time as it is counted here.
#[must_use]
pub fn millis(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis()).unwrap_or(u64::MAX)
}

/// The whole second of a time, as it is kept.
#[must_use]
pub fn second(now: u64) -> u32 {
    u32::try_from(now / 1000).unwrap_or(u32::MAX)
}

impl State {
    /// Failures that count at `now`.
    #[must_use]
    pub fn count(&self, terms: &Terms, now: u64) -> u32 {
        let oldest = self.current(terms, now).saturating_sub(SLOTS as u64 - 1);
        (0..SLOTS as u64)
            .filter_map(|age| self.slot.checked_sub(age))
            .take_while(|slot| *slot >= oldest)
            .map(|slot| u32::from(self.slots[index(slot)]))
            .sum()
    }

    /// The slot of `now`, but never one before the newest: clocks may be set back.
    fn current(&self, terms: &Terms, now: u64) -> u64 {
        (now / terms.slot.max(1)).max(self.slot)
    }

    /// Failures in a row that are not forgotten.
    #[must_use]
    pub fn run(&self, terms: &Terms, now: u64) -> u8 {
        if self.last.saturating_add(terms.forget) > second(now) { self.consecutive } else { 0 }
    }

    /// Whether a success is remembered, and no run of failures has spent it.
    #[must_use]
    pub fn is_familiar(&self, terms: &Terms, now: u64) -> bool {
        let fresh = self.success != 0 && self.success.saturating_add(terms.remember) > second(now);
        fresh && !self.is_spent(terms, now)
    }

    /// Whether a run of failures has reached the cap.
    #[must_use]
    pub fn is_spent(&self, terms: &Terms, now: u64) -> bool {
        terms.cap > 0 && self.run(terms, now) >= terms.cap
    }

    /// Milliseconds to wait before an attempt would be let through; 0 when one is.
    #[must_use]
    pub fn refusal(&self, terms: &Terms, now: u64) -> u64 {
        let until = u64::from(self.wait_until) * 1000;
        // A clock that was set back must not make a wait longer than any wait is.
        let wait = until.saturating_sub(now).min(u64::from(LONGEST_WAIT) * 1000);
        let (count, flight) = (self.count(terms, now), u32::from(self.flight));
        let window = match terms.limit {
            limit if count >= limit => self.frees(terms, count, now),
            limit if count + flight >= limit => IN_FLIGHT,
            _ => 0,
        };
        wait.max(window).max(self.end_of_run(terms, now))
    }

    /// The same by the failures in a row alone.
    #[must_use]
    pub fn end_of_run(&self, terms: &Terms, now: u64) -> u64 {
        let (run, flight, cap) = (u32::from(self.run(terms, now)), u32::from(self.flight), u32::from(terms.cap));
        let forgotten = (u64::from(self.last) + u64::from(terms.forget)) * 1000;
        match cap {
            0 => 0,
            cap if run >= cap => forgotten.saturating_sub(now),
            cap if run + flight >= cap => IN_FLIGHT,
            _ => 0,
        }
    }

    /// Whether what works once has neither worked nor is just being tried.
    #[must_use]
    pub fn is_unused(&self, terms: &Terms, now: u64) -> bool {
        self.flight == 0 && !self.is_familiar(terms, now)
    }

    /// Milliseconds until fewer than the limit count.
    fn frees(&self, terms: &Terms, count: u32, now: u64) -> u64 {
        let current = self.current(terms, now);
        let mut left = count;
        for slot in current.saturating_sub(SLOTS as u64 - 1)..=self.slot {
            left -= u32::from(self.slots[index(slot)]).min(left);
            if left < terms.limit {
                return ((slot + SLOTS as u64) * terms.slot).saturating_sub(now).clamp(1, terms.slot * SLOTS as u64);
            }
        }
        terms.slot * SLOTS as u64
    }

    /// An attempt is let through.
    pub fn reserve(&mut self) {
        self.flight = self.flight.saturating_add(1);
    }

    /// An attempt is over, whatever came of it.
    pub fn release(&mut self) {
        self.flight = self.flight.saturating_sub(1);
    }

    /// A failure.
    pub fn fail(&mut self, terms: &Terms, now: u64) {
        let second = second(now);
        self.slide(terms, now);
        let newest = &mut self.slots[index(self.slot)];
        *newest = newest.saturating_add(1);
        self.consecutive = self.run(terms, now).saturating_add(1);
        if self.last.saturating_add(FADE) <= second {
            self.strikes = 0;
        }
        self.last = self.last.max(second);
        if terms.waits && self.count(terms, now) >= terms.limit {
            let wait = FIRST_WAIT << self.strikes.min(7);
            self.wait_until = self.wait_until.max(second + wait.min(LONGEST_WAIT));
            self.strikes = self.strikes.saturating_add(1);
        }
    }

    /// A success: all is well again, and remembered. One within a window of another forgives no failures: whoever could pretend to have
    /// succeeded would otherwise guess without end.
    pub fn succeed(&mut self, terms: &Terms, now: u64) {
        let window = terms.slot.saturating_mul(SLOTS as u64);
        let again = self.success != 0 && (u64::from(self.success) * 1000).saturating_add(window) > now;
        let kept = if again { *self } else { Self::default() };
        *self = Self {
            success: second(now),
            flight: self.flight,
            slot: kept.slot,
            slots: kept.slots,
            strikes: kept.strikes,
            last: kept.last,
            ..Self::default()
        };
    }

    /// A success elsewhere ends the run of failures, and nothing else.
    pub fn end_run(&mut self) {
        self.consecutive = 0;
    }

    fn slide(&mut self, terms: &Terms, now: u64) {
        let current = self.current(terms, now);
        let stale = (current - self.slot).min(SLOTS as u64);
        for ahead in 0..stale {
            self.slots[index(current - ahead)] = 0;
        }
        self.slot = current;
    }

    /// The second from which nothing of it matters any more, were nothing in flight.
    #[must_use]
    pub fn expires(&self, terms: &Terms) -> u32 {
        let newest =
            if self.slots.iter().any(|n| *n > 0) { (self.slot + SLOTS as u64) * terms.slot / 1000 + 1 } else { 0 };
        let after = |set: bool, from: u32, length: u32| if set { from.saturating_add(length) } else { 0 };
        u32::try_from(newest)
            .unwrap_or(u32::MAX)
            .max(self.wait_until)
            .max(after(self.consecutive > 0 && terms.cap > 0, self.last, terms.forget))
            .max(after(self.strikes > 0, self.last, FADE))
            .max(after(self.success > 0, self.success, terms.remember))
    }
}

fn index(slot: u64) -> usize {
    // Below eight.
    usize::try_from(slot % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_780_000_000_123;

    fn terms(limit: u32, window: u64) -> Terms {
        Terms { limit, slot: window.div_ceil(7), waits: false, cap: 0, forget: 86_400, remember: 86_400 }
    }

    /// Random attempts at random times, all of which fail: whatever is let through, no window holds more than the limit.
    #[test]
    fn no_window_holds_more_failures_than_the_limit() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let terms = Terms { waits: random.bool(), ..terms(random.u32(1..12), random.u64(1000..90_000)) };
            let window = terms.slot * 7;
            let (mut state, mut now, mut failures) = (State::default(), START, Vec::new());
            for _ in 0..400 {
                let most = [1, 50, window / 3, window][random.usize(0..4)];
                now += random.u64(0..=most);
                let wait = state.refusal(&terms, now);
                if wait == 0 {
                    state.reserve();
                    state.release();
                    state.fail(&terms, now);
                    failures.push(now);
                } else if state.wait_until == 0 {
                    assert!(state.refusal(&terms, now + wait - 1) > 0, "not told to come too late");
                    assert_eq!(state.refusal(&terms, now + wait), 0, "not told to come too early");
                }
            }
            let limit = terms.limit as usize;
            assert!(failures.len() > limit);
            assert!(failures.windows(limit + 1).all(|w| w[limit] - w[0] > window), "{terms:?}");
        }
    }

    #[test]
    fn attempts_in_flight_count_and_come_back() {
        let (terms, mut state) = (terms(5, 60_000), State::default());
        let through =
            (0..200).filter(|_| (state.refusal(&terms, START) == 0).then(|| state.reserve()).is_some()).count();
        assert_eq!((through, state.refusal(&terms, START)), (5, IN_FLIGHT));
        (0..5).for_each(|_| state.release());
        assert_eq!((state.refusal(&terms, START), state.expires(&terms)), (0, 0));
    }

    #[test]
    fn waits_double_up_to_an_hour_and_fade_after_a_quiet_day() {
        let (terms, mut state, mut now) = (Terms { waits: true, ..terms(1, 1000) }, State::default(), START);
        for wait in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600] {
            state.fail(&terms, now);
            assert_eq!(state.wait_until, second(now) + wait);
            let before = state;
            assert!(state.refusal(&terms, now + 1) > 0 && state == before, "a refusal changes nothing");
            now = u64::from(state.wait_until) * 1000;
            assert_eq!(state.refusal(&terms, now), 0);
        }
        now += u64::from(FADE) * 1000;
        state.fail(&terms, now);
        assert_eq!(state.wait_until, second(now) + FIRST_WAIT);
    }

    #[test]
    fn a_run_ends_at_the_cap_until_a_success_or_its_age() {
        let (terms, mut state, mut now) = (Terms { cap: 100, ..terms(1000, 1000) }, State::default(), START);
        for _ in 0..100 {
            assert_eq!(state.refusal(&terms, now), 0);
            state.fail(&terms, now);
            now += 60_000;
        }
        assert!(state.is_spent(&terms, now) && state.refusal(&terms, now) > 86_000_000);
        let later = now + 86_400_000;
        assert_eq!(state.refusal(&terms, later), 0);
        state.end_run();
        assert_eq!(state.refusal(&terms, now), 0);
    }

    #[test]
    fn successes_in_a_row_forgive_no_more_than_once_a_window() {
        let (terms, mut state, mut failures) = (terms(5, 60_000), State::default(), 0);
        for _ in 0..20 {
            for _ in 0..4 {
                if state.refusal(&terms, START) == 0 {
                    state.fail(&terms, START);
                    failures += 1;
                }
            }
            if state.refusal(&terms, START) == 0 {
                state.succeed(&terms, START);
            }
        }
        assert!(failures <= 9, "{failures}");
    }

    #[test]
    fn a_success_is_remembered_for_its_time() {
        let (terms, mut state) = (Terms { cap: 3, ..terms(50, 1000) }, State::default());
        assert!(!state.is_familiar(&terms, START));
        state.reserve();
        state.fail(&terms, START);
        state.succeed(&terms, START);
        assert_eq!((state.flight, state.count(&terms, START)), (1, 0));
        assert!(state.is_familiar(&terms, START + 86_399_000) && !state.is_familiar(&terms, START + 86_400_000));
        (0..3).for_each(|_| state.fail(&terms, START));
        assert!(!state.is_familiar(&terms, START), "a run of failures spends it");
    }

    #[test]
    fn a_clock_set_back_opens_nothing() {
        let (terms, mut state) = (Terms { waits: true, ..terms(2, 60_000) }, State::default());
        (0..2).for_each(|_| state.fail(&terms, START));
        let back = START - 86_400_000;
        assert_eq!(state.refusal(&terms, back), 3_600_000);
        state.fail(&terms, back);
        assert_eq!(state.count(&terms, START), 3);
    }

    #[test]
    fn a_state_is_small() {
        assert_eq!(size_of::<State>(), 40);
    }
}
