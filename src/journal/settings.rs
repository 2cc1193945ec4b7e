//! Where the journal is, and for how long it can be read. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its folder. A `*` in its name stands for the lowest number of a folder that no other gateway writes.
    pub path: PathBuf,
    /// Whether it was asked for, so that a gateway may not go on without it.
    pub given: bool,
    /// How long the records of each class can be read.
    pub retention: Retention,
    /// Longest time that a record goes without a signed checkpoint over it.
    pub checkpoint: Duration,
}

impl Settings {
    /// Whether several gateways have a folder each.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        super::hold::pattern(&self.path).is_some()
    }

    /// The defaults, in this folder.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, given: false, retention: Retention::default(), checkpoint: Duration::from_secs(10) }
    }
}

/// How long the records of each class can be read: the key of a day is destroyed so long after that day's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Who did what with personal data, and who signed in.
    pub access: Duration,
    /// Who was given or lost which right.
    pub grants: Duration,
    /// What the gateway itself did.
    pub operations: Duration,
}

impl Default for Retention {
    /// Two years, three years, one year, leap days included: the longest that Korea's standard for safety measures (sections 5 and 8) asks for,
    /// since what is destroyed too early is gone.
    fn default() -> Self {
        let days = |n: u64| Duration::from_secs(n * DAY);
        Self { access: days(731), grants: days(1096), operations: days(366) }
    }
}
