//! What is kept of one key: failures in a sliding window, attempts in flight, and how long to wait. All of the arithmetic is here.
//!
//! The window is cut in eight slots. Failures are counted by slot, and a count is taken over nine of them, so that a stretch of the
//! window's length never holds more than the limit, wherever it begins; room comes up to an eighth of the window later than it could.

use super::settings::Limit;

/// Slots that are looked at: eight make a window, and the one at hand is not full.
const SLOTS: usize = 9;
/// First wait of whoever has filled a limit, in milliseconds; it doubles each time.
const FIRST_WAIT: u64 = 30_000;
/// Longest wait.
const LONGEST_WAIT: u64 = 3_600_000;
/// After so long without a failure the waits begin anew.
const QUIET: u64 = 86_400_000;
/// When to try again where attempts in flight hold all there is.
const IN_FLIGHT_WAIT: u64 = 1_000;

/// One key. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// Number of the newest slot.
    newest: u64,
    counts: [u16; SLOTS],
    /// Attempts without an answer so far.
    in_flight: u16,
    /// Failures in a row.
    consecutive: u16,
    strikes: u8,
    wait_until: u64,
    last_failure: u64,
    /// Until when a success counts.
    known_until: u64,
}

fn slot(limit: &Limit) -> u64 {
    u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).div_ceil(SLOTS as u64 - 1).max(1)
}

impl State {
    /// When the next attempt may come; `None` is now. Nothing changes by asking.
    #[must_use]
    pub fn blocked_until(&self, limit: &Limit, now: u64) -> Option<u64> {
        if self.wait_until > now {
            return Some(self.wait_until.max(self.room_at(limit, now).unwrap_or(0)));
        }
        if let Some(at) = self.room_at(limit, now) {
            return Some(at);
        }
        (self.count(limit, now) + u32::from(self.in_flight) >= u32::from(limit.failures))
            .then_some(now + IN_FLIGHT_WAIT)
    }

    /// How many more failures there is room for.
    #[must_use]
    pub fn remaining(&self, limit: &Limit, now: u64) -> u32 {
        u32::from(limit.failures).saturating_sub(self.count(limit, now) + u32::from(self.in_flight))
    }

    /// An attempt begins.
    pub fn reserve(&mut self) {
        self.in_flight = self.in_flight.saturating_add(1);
    }

    /// An attempt has ended, in whatever way.
    pub fn release(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// An attempt has failed. `waits` says whether waits grow for this key.
    pub fn fail(&mut self, limit: &Limit, waits: bool, now: u64) {
        if now.saturating_sub(self.last_failure) > QUIET {
            self.strikes = 0;
        }
        let length = slot(limit);
        let at = now / length;
        self.forget(at);
        let count = &mut self.counts[index(at)];
        *count = count.saturating_add(1);
        self.consecutive = self.consecutive.saturating_add(1);
        self.last_failure = now;
        if waits && self.count(limit, now) >= u32::from(limit.failures) {
            let wait = (FIRST_WAIT << self.strikes.min(16)).min(LONGEST_WAIT);
            self.wait_until = self.wait_until.max(now + wait);
            self.strikes = self.strikes.saturating_add(1);
        }
    }

    /// An attempt has won: what was counted is forgotten, and the key is known until then. Attempts in flight go on.
    pub fn win(&mut self, known_until: u64) {
        *self = Self { in_flight: self.in_flight, known_until, ..Self::default() };
    }

    /// Failures in a row are over.
    pub fn end_row(&mut self) {
        self.consecutive = 0;
    }

    /// Failures in a row, forgotten after `lock` milliseconds without one.
    #[must_use]
    pub fn row(&self, lock: u64, now: u64) -> Row {
        let until = self.last_failure.saturating_add(lock);
        Row { length: if until > now { self.consecutive } else { 0 }, until }
    }

    /// Whether a success counts still.
    #[must_use]
    pub fn is_known(&self, now: u64) -> bool {
        self.known_until > now
    }

    /// Whether forgetting it would free somebody who must wait, or make somebody unknown.
    #[must_use]
    pub fn is_dear(&self, now: u64) -> bool {
        self.in_flight > 0 || self.wait_until > now || self.is_known(now)
    }

    /// Failures in the window that ends now.
    fn count(&self, limit: &Limit, now: u64) -> u32 {
        let at = now / slot(limit);
        self.slots(at).map(|(_, count)| u32::from(count)).sum()
    }

    /// When so many have left the window that there is room; `None` where there is.
    fn room_at(&self, limit: &Limit, now: u64) -> Option<u64> {
        let length = slot(limit);
        let mut over = (self.count(limit, now) + 1).checked_sub(u32::from(limit.failures)).filter(|over| *over > 0)?;
        for (number, count) in self.slots(now / length) {
            over = over.saturating_sub(u32::from(count));
            if over == 0 {
                return Some((number + SLOTS as u64) * length);
            }
        }
        None
    }

    /// Slots that count at slot `at`, oldest first, with their numbers.
    fn slots(&self, at: u64) -> impl Iterator<Item = (u64, u16)> {
        let oldest = at.saturating_sub(SLOTS as u64 - 1);
        // A clock that is set back must not make failures vanish: newer slots count too.
        let first = self.newest.saturating_sub(SLOTS as u64 - 1);
        (first..=self.newest).filter(move |n| *n >= oldest).map(|n| (n, self.counts[index(n)]))
    }

    /// Empties slots between the newest and `at`.
    fn forget(&mut self, at: u64) {
        if at <= self.newest {
            return;
        }
        let gap = (at - self.newest).min(SLOTS as u64);
        for n in 0..gap {
            self.counts[index(at - n)] = 0;
        }
        self.newest = at;
    }
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How many.
    pub length: u16,
    /// When they are forgotten unless another comes.
    pub until: u64,
}

fn index(number: u64) -> usize {
    // Below nine.
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limit(failures: u16, seconds: u64) -> Limit {
        Limit { failures, window: Duration::from_secs(seconds) }
    }

    const START: u64 = 1_800_000_000_000;

    #[test]
    fn no_stretch_of_the_windows_length_holds_more() {
        let mut random = fastrand::Rng::with_seed(7);
        for failures in [1, 5, 30] {
            for seconds in [1, 60, 3600] {
                let (limit, mut state, mut now) = (limit(failures, seconds), State::default(), START);
                let mut done: Vec<u64> = Vec::new();
                for _ in 0..3000 {
                    now += random.u64(0..seconds * 1000 / u64::from(failures));
                    if let Some(until) = state.blocked_until(&limit, now) {
                        assert!(until > now && until <= now + seconds * 1125 + 10, "{until} at {now}");
                    } else {
                        state.fail(&limit, false, now);
                        done.push(now);
                    }
                }
                let window = seconds * 1000;
                for (i, first) in done.iter().enumerate() {
                    let within = done[i..].iter().take_while(|at| **at < first + window).count();
                    assert!(within <= usize::from(failures), "{within} in {seconds} s");
                }
                assert!(done.len() > 100);
            }
        }
    }

    #[test]
    fn the_time_that_is_told_is_the_time_that_comes() {
        let (limit, mut state) = (limit(5, 60), State::default());
        for i in 0..5 {
            state.fail(&limit, false, START + i * 7000);
        }
        let until = state.blocked_until(&limit, START + 30_000).expect("full");
        assert!(state.blocked_until(&limit, until - 1).is_some());
        assert_eq!(state.blocked_until(&limit, until), None);
        assert!(until > START + 60_000 && until <= START + 67_500);
    }

    #[test]
    fn waits_grow_to_an_hour_and_fade_after_a_quiet_day() {
        let (limit, mut state, mut now) = (limit(1, 1), State::default(), START);
        let mut waits = Vec::new();
        for _ in 0..10 {
            state.fail(&limit, true, now);
            let until = state.blocked_until(&limit, now).expect("waits");
            waits.push((until - now) / 1000);
            now = until;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        now += QUIET + 3_600_001;
        state.fail(&limit, true, now);
        assert_eq!(state.blocked_until(&limit, now), Some(now + 30_000));
    }

    #[test]
    fn attempts_in_flight_hold_their_place() {
        let (limit, mut state) = (limit(3, 60), State::default());
        for _ in 0..3 {
            assert_eq!(state.blocked_until(&limit, START), None);
            state.reserve();
        }
        assert!(state.blocked_until(&limit, START).is_some());
        assert_eq!(state.remaining(&limit, START), 0);
        state.release();
        assert_eq!(state.blocked_until(&limit, START), None);
    }

    #[test]
    fn a_clock_that_is_set_back_frees_nobody() {
        let (limit, mut state) = (limit(2, 60), State::default());
        state.fail(&limit, false, START);
        state.fail(&limit, false, START);
        assert!(state.blocked_until(&limit, START - 600_000).is_some());
    }
}
