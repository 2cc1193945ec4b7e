//! What is counted of the shared store.

use crate::common::meter::{Counter, Gauge};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Answered,
    /// Not sent: the server was known to be away.
    Away,
    /// No answer within the timeout.
    Late,
    /// The connection broke, or the server could not serve (read-only, loading, out of memory, ...).
    Failed,
    /// The server refused the request itself: a mistake of ours, or a permission that is missing.
    Refused,
}

impl Outcome {
    /// All of them, in the order of the counters.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Away, Self::Late, Self::Failed, Self::Refused];

    /// The label `outcome`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Away => "away",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Counters of one store.
#[derive(Debug, Default)]
pub struct Counts {
    requests: [Counter; Outcome::ALL.len()],
    /// `privet_store_up`: 1 while requests are sent.
    pub up: Gauge,
    /// `privet_store_reconnects_total`: connections made after the first.
    pub reconnects: Counter,
    /// `privet_store_dropped_total`: requests of [`tell`](super::Store::tell) that found no room or no server.
    pub dropped: Counter,
}

impl Counts {
    /// `privet_store_requests_total{outcome}`.
    #[must_use]
    pub fn requests(&self, outcome: Outcome) -> &Counter {
        &self.requests[outcome as usize]
    }
}
