//! So many in a window of time, as configurations write it.

use std::time::Duration;

/// So many in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Most of them.
    pub count: u32,
    /// In any window of this length.
    pub window: Duration,
}

impl Limit {
    /// Most that can be asked for: a slot of a login's window counts to 65,535.
    pub const MOST: u32 = 50_000;
    /// Longest window.
    pub const LONGEST: Duration = Duration::from_secs(7 * 86_400);

    /// Reads `"5/1m"`.
    ///
    /// # Errors
    /// With what is wrong, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a number, a slash and a duration");
        let (count, window) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse().map_err(|_| wrong())?;
        let window = crate::common::unit::parse_duration(window).map_err(|error| error.to_string())?;
        if !(1..=Self::MOST).contains(&count) {
            return Err(format!("the number must be from 1 to {}", Self::MOST));
        }
        if !(Duration::from_secs(1)..=Self::LONGEST).contains(&window) {
            return Err("the duration must be from 1s to 7d".to_owned());
        }
        Ok(Self { count, window })
    }

    /// So many in so many seconds.
    #[must_use]
    pub const fn new(count: u32, seconds: u64) -> Self {
        Self { count, window: Duration::from_secs(seconds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_a_number_and_a_duration() {
        assert_eq!(Limit::parse("5/1m"), Ok(Limit::new(5, 60)));
        assert_eq!(Limit::parse("600 / 1h30m"), Ok(Limit::new(600, 5400)));
        for wrong in ["", "5", "5/", "/1m", "0/1m", "50001/1m", "-1/1m", "5/1ms", "5/8d", "5/1x"] {
            assert!(Limit::parse(wrong).is_err(), "{wrong}");
        }
    }
}
