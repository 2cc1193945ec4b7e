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

/// Whether the clock was set, which every record made under it must say.
#[must_use]
pub fn is_set() -> bool {
    START.get().is_some()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn a_clock_that_nobody_set_is_the_systems() {
        let before = std::time::SystemTime::now();
        let now = super::now();
        assert!(!super::is_set());
        assert!(now >= before && now < before + Duration::from_secs(3600));
    }
}
