//! A moment as records and people tell it: whole seconds, written as RFC 3339 has it.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Last second of the year 9999, beyond which RFC 3339 has no text.
const LAST: u64 = 253_402_300_799;

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// So many seconds after 1970 began.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::at(self.0.saturating_add(time.as_secs()))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn millis(self) -> u64 {
        self.0 * 1000
    }

    /// How long after `earlier` this is; nothing where it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(time.unix_timestamp()).ok().map(Self::at)
    }

    /// The day alone, in UTC.
    #[must_use]
    pub fn day(self) -> String {
        self.to_string().get(..10).unwrap_or_default().to_owned()
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self::at(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(i64::try_from(self.0).unwrap_or_default());
        let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no time as RFC 3339 has it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        let moment = Moment::at(1_800_000_000);
        assert_eq!((moment.to_string().as_str(), moment.day().as_str()), ("2027-01-15T08:00:00Z", "2027-01-15"));
        assert_eq!(Moment::parse("2027-01-15T17:00:00.9+09:00"), Some(moment));
        assert_eq!(
            serde_json::from_str::<Moment>(&serde_json::to_string(&moment).expect("text")).expect("read"),
            moment
        );
        assert!(Moment::parse("1969-01-01T00:00:00Z").is_none() && Moment::parse("tomorrow").is_none());
        assert_eq!(Moment::parse(&Moment::at(u64::MAX).to_string()), Some(Moment::at(LAST)));
    }
}
