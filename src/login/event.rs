//! What became of each attempt, for whoever wants to know: bans, incidents, metrics.

use std::{fmt, net::IpAddr, sync::Arc, time::SystemTime};

use super::{
    key::Key,
    ledger::{Standing, Why},
    username::Unreadable,
};
use crate::common::meter::Counter;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The password was right.
    Success,
    /// It was not.
    Failure,
    /// The application did not say.
    Unclear,
    /// It never reached the application.
    Abandoned,
    /// It was not let through.
    Refused(Why),
    /// It was not let through, for its account can't be read.
    Unreadable(Unreadable),
}

impl Verdict {
    /// As metrics name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unclear => "unclear",
            Self::Abandoned => "abandoned",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A client's address, which no log may show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub IpAddr);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

/// One attempt that is over.
#[derive(Debug, Clone)]
pub struct Event {
    /// The login's name.
    pub login: Arc<str>,
    /// What became of it.
    pub verdict: Verdict,
    /// Where it came from.
    pub address: Address,
    /// The same as a pseudonym.
    pub source: Key,
    /// The account's pseudonym, where it could be read.
    pub account: Option<Key>,
    /// Whether its browser says that another site's page has made it try.
    pub induced: bool,
    /// By what it was judged, where it was.
    pub standing: Option<Standing>,
    /// When it was over.
    pub time: SystemTime,
}

/// Attempts by what became of them.
#[derive(Debug, Default)]
pub struct Counts {
    success: Counter,
    failure: Counter,
    unclear: Counter,
    abandoned: Counter,
    refused: [Counter; Why::ALL.len()],
    unreadable: Counter,
}

impl Counts {
    pub(super) fn add(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Success => &self.success,
            Verdict::Failure => &self.failure,
            Verdict::Unclear => &self.unclear,
            Verdict::Abandoned => &self.abandoned,
            Verdict::Refused(why) => &self.refused[why as usize],
            Verdict::Unreadable(_) => &self.unreadable,
        };
        counter.increment();
    }

    /// Verdict, limit (empty where none stood in the way) and number, for `privet_login_attempts_total`.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let plain = [
            ("success", &self.success),
            ("failure", &self.failure),
            ("unclear", &self.unclear),
            ("abandoned", &self.abandoned),
            ("unreadable", &self.unreadable),
        ];
        let plain = plain.into_iter().map(|(name, counter)| (name, "", counter.value()));
        plain.chain(Why::ALL.iter().map(|why| ("refused", why.name(), self.refused[*why as usize].value())))
    }
}
