//! When to renew, and when to try again. Pure; times are seconds since the epoch.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// Certificates that live for less are renewed at half of their life, others when a third is left.
const SHORT: i64 = 10 * 86_400;
/// The part of a life within which renewals of one authority's certificates are spread.
const SPREAD: i64 = 30;
/// First pauses after failures of the way, and of the question; each failure in a row makes them so many times as long.
const WAY: Pause = Pause { first: 5, factor: 2, most: 600 };
/// Let's Encrypt lets a domain fail five times an hour.
const QUESTION: Pause = Pause { first: 60, factor: 3, most: 6 * 3600 };
/// An authority that says "too much" and not how long.
const RATE_LIMITED: u64 = 3600;
/// Longest pause that an authority may ask for.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The life of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// `notBefore`.
    pub(super) since: i64,
    /// `notAfter`.
    pub(super) until: i64,
    /// Uniform, of the certificate: the same at every look, after a restart and in every replica, so that asking again and again does
    /// not draw again.
    lot: u32,
}

/// What has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The authority could not be asked, or is out of order.
    Way,
    /// It has said no.
    Question,
    /// It has said that it is asked too often.
    RateLimited,
}

impl Life {
    pub(super) fn new(since: i64, until: i64, leaf: &[u8]) -> Self {
        let lot = digest(&SHA256, leaf).as_ref()[..4].iter().fold(0_u32, |lot, byte| lot << 8 | u32::from(*byte));
        Self { since, until, lot }
    }

    /// When to renew where the authority has no opinion: `before` the end, or when a third of the life is left; a little earlier by lot.
    pub(super) fn renewal(&self, before: Option<Duration>) -> i64 {
        let whole = (self.until - self.since).max(0);
        let usual = if whole < SHORT { whole / 2 } else { whole / 3 };
        let before = before.map_or(usual, |before| i64::try_from(before.as_secs()).unwrap_or(i64::MAX));
        // Whatever is asked for, half of a life goes by first: a renewal must not find its own successor due.
        let before = before.min(whole / 2);
        self.until - before - self.part(whole / SPREAD)
    }

    /// When to renew in the window that the authority suggests (RFC 9773, section 4.2); `None` where the window makes no sense.
    pub(super) fn renewal_within(&self, start: i64, end: i64) -> Option<i64> {
        (start < end && start < self.until).then(|| start + self.part(end.min(self.until) - start))
    }

    /// From 0 to `most`, by lot.
    fn part(&self, most: i64) -> i64 {
        let part = i128::from(most.max(0)) * i128::from(self.lot) / (1 << 32);
        i64::try_from(part).unwrap_or(0)
    }
}

struct Pause {
    first: u64,
    factor: u64,
    most: u64,
}

/// How long to wait after `failures` in a row, at least one, of which the last was `failure`; `asked` is what the authority asks for.
/// `lot` is uniform from 0 to 1.
pub(super) fn pause(failure: Failure, failures: u32, asked: Option<Duration>, lot: f64) -> Duration {
    let rule = if failure == Failure::Way { WAY } else { QUESTION };
    let grown = rule.first.saturating_mul(rule.factor.saturating_pow(failures.saturating_sub(1))).min(rule.most);
    let grown = if failure == Failure::RateLimited && asked.is_none() { grown.max(RATE_LIMITED) } else { grown };
    // A fifth up or down, never earlier than asked for.
    let spread = Duration::from_secs(grown).mul_f64(0.8 + 0.4 * lot.clamp(0.0, 1.0));
    match asked.map(|asked| asked.min(LONGEST)) {
        Some(asked) if asked > spread => asked.mul_f64(1.0 + 0.05 * lot.clamp(0.0, 1.0)),
        _ => spread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn life(days: i64, lot: u32) -> Life {
        Life { since: 1_000_000, until: 1_000_000 + days * DAY, lot }
    }

    #[test]
    fn a_third_is_left_and_half_of_a_short_life() {
        assert_eq!(life(90, 0).renewal(None), 1_000_000 + 60 * DAY);
        assert_eq!(life(90, u32::MAX).renewal(None), 1_000_000 + 57 * DAY + 1);
        assert_eq!(life(6, 0).renewal(None), 1_000_000 + 3 * DAY);
        let before = |days: u64| Some(Duration::from_secs(days * 86_400));
        assert_eq!(life(90, 0).renewal(before(7)), 1_000_000 + 83 * DAY);
        assert_eq!(life(90, 0).renewal(before(400)), 1_000_000 + 45 * DAY);
        assert_eq!(Life { since: 5, until: 5, lot: 1 }.renewal(None), 5);
        assert!(Life { since: 0, until: i64::MAX, lot: u32::MAX }.renewal(Some(Duration::MAX)) > 0);
    }

    #[test]
    fn a_suggested_window_is_used_whole() {
        let start = 2_000_000;
        let at = |lot| life(90, lot).renewal_within(start, start + 2 * DAY);
        assert_eq!(at(0), Some(start));
        assert_eq!(at(1 << 31), Some(start + DAY));
        assert!(at(u32::MAX).is_some_and(|at| at < start + 2 * DAY));
        // In the past: at once. Without sense, or after the end: not at all.
        assert_eq!(life(90, 0).renewal_within(5, 9), Some(5));
        assert_eq!(life(90, 0).renewal_within(9, 9), None);
        assert_eq!(life(90, 0).renewal_within(1_000_000 + 91 * DAY, 1_000_000 + 92 * DAY), None);
        assert!(life(90, u32::MAX).renewal_within(5, i64::MAX).is_some_and(|at| at < life(90, 0).until));
    }

    #[test]
    fn lots_are_of_the_certificate_and_spread() {
        let lot = |n: u32| Life::new(0, 1, &n.to_be_bytes()).lot;
        assert_eq!(lot(7), lot(7));
        let low = (0..1000).filter(|n| lot(*n) < 1 << 31).count();
        assert!((400..600).contains(&low), "{low}");
    }

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_shorter_than_asked_for() {
        let seconds = |failure, failures| pause(failure, failures, None, 0.5).as_secs();
        assert_eq!([1, 2, 3, 9].map(|n| seconds(Failure::Way, n)), [5, 10, 20, 600]);
        assert_eq!([1, 2, 3, 4, 5].map(|n| seconds(Failure::Question, n)), [60, 180, 540, 1620, 4860]);
        assert_eq!(seconds(Failure::Question, u32::MAX), 6 * 3600);
        assert_eq!(seconds(Failure::RateLimited, 1), 3600);
        let asked = |asked, lot| pause(Failure::RateLimited, 1, Some(Duration::from_secs(asked)), lot).as_secs();
        assert_eq!((asked(7200, 0.0), asked(7200, 1.0)), (7200, 7560));
        assert_eq!(asked(10, 0.0), 48);
        assert_eq!(asked(u64::MAX, 0.0), 7 * 86_400);
        assert_ne!(pause(Failure::Way, 3, None, 0.0), pause(Failure::Way, 3, None, 1.0));
    }
}
