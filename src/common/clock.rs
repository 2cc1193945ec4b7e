//! The time of day as records tell it: the system's, or one that starts where `serve --demo --now` has put it.
//!
//! Certificates, deadlines and files keep to the system's own: they must agree with the world outside.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime},
};

/// Where the set clock starts, and when that was.
static START: OnceLock<(SystemTime, Instant)> = OnceLock::new();

/// Sets the clock of this process, once and before its first record. `false` when it is set already.
pub fn start_at(time: SystemTime) -> bool {
    START.set((time, Instant::now())).is_ok()
}

/// The time of day.
#[must_use]
pub fn now() -> SystemTime {
    START.get().map_or_else(SystemTime::now, |(time, since)| *time + since.elapsed())
}

/// The time of day in milliseconds since 1970.
#[must_use]
pub fn millis() -> u64 {
    let since = now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The hour, 0 to 23, the weekday, 1 for Monday, and the day since 1970 of an office that is so many minutes ahead of UTC, at these seconds since 1970.
#[must_use]
pub fn office(seconds: u64, utc_offset: i16) -> (u8, u8, i64) {
    let local = i64::try_from(seconds).unwrap_or(0).saturating_add(i64::from(utc_offset) * 60);
    let hour = local.div_euclid(3600).rem_euclid(24);
    let day = local.div_euclid(86_400);
    // The first of 1970 was a Thursday.
    let weekday = (day + 3).rem_euclid(7) + 1;
    (u8::try_from(hour).unwrap_or(0), u8::try_from(weekday).unwrap_or(1), day)
}

/// Whether the clock was set, which every record made under it must say.
#[must_use]
pub fn is_set() -> bool {
    START.get().is_some()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn an_office_has_hours_and_weekdays_of_its_own() {
        // 2026-11-27T16:30:00Z, a Friday.
        let at = 1_795_797_000;
        assert_eq!(super::office(at, 0), (16, 5, 20_784));
        assert_eq!(super::office(at, 540), (1, 6, 20_785));
        assert_eq!(super::office(0, -720), (12, 3, -1));
    }

    #[test]
    fn a_clock_that_nobody_set_is_the_systems() {
        let before = std::time::SystemTime::now();
        let now = super::now();
        assert!(!super::is_set());
        assert!(now >= before && now < before + Duration::from_secs(3600));
    }
}
