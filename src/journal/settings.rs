//! Where the journal is, and for how long it can be read. Validated values only; `config` fills them.

use std::{fmt, path::PathBuf, time::Duration};

use super::place::Place;
use crate::{
    common::secret::Secret,
    dial::{address::Address, mail},
};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub place: Place,
    /// Whether it was asked for, so that a gateway may not go on without it.
    pub given: bool,
    /// How long the records of each class can be read.
    pub retention: Retention,
    /// Longest time that a record goes without a signed checkpoint over it.
    pub checkpoint: Duration,
    /// Who keeps checkpoints outside.
    pub witnesses: Vec<Witness>,
}

impl Settings {
    /// The defaults, at this place.
    #[must_use]
    pub fn new(place: impl Into<Place>) -> Self {
        Self {
            place: place.into(),
            given: false,
            retention: Retention::default(),
            checkpoint: Duration::from_secs(10),
            witnesses: Vec::new(),
        }
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

impl Retention {
    /// How long each class is kept, in the order of their numbers.
    #[must_use]
    pub fn by_class(&self) -> [Duration; 3] {
        [self.access, self.grants, self.operations]
    }
}

impl Default for Retention {
    /// Two years, three years, one year, leap days included: the longest that Korea's standard for safety measures (sections 5 and 8) asks for,
    /// since what is destroyed too early is gone.
    fn default() -> Self {
        let days = |n: u64| Duration::from_secs(n * DAY);
        Self { access: days(731), grants: days(1096), operations: days(366) }
    }
}

/// Who keeps checkpoints outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where they go.
    pub to: To,
    /// How often.
    pub every: Duration,
}

/// Where checkpoints go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Appended to a file.
    File(PathBuf),
    /// Posted.
    Url {
        /// Where.
        address: Address,
        /// PEM bundle of the only authorities believed; `None` takes the system's.
        ca: Option<PathBuf>,
        /// `Authorization`, where it is asked for.
        authorization: Option<Secret>,
    },
    /// Mailed.
    Mail(Mail),
}

/// A mailbox, and the server that takes mail for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who reads it.
    pub to: String,
    /// Who writes.
    pub from: String,
    /// The server.
    pub server: mail::Server,
}

/// A mailbox is somebody's.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail(by {:?})", self.server)
    }
}

impl Witness {
    /// What it is called in records, metrics and logs, as the `number`th of a configuration.
    #[must_use]
    pub fn name(&self, number: usize) -> String {
        let kind = match self.to {
            To::File(_) => "file",
            To::Url { .. } => "url",
            To::Mail(_) => "mail",
        };
        format!("{number} {kind}")
    }
}

/// Where it is, without whose mailbox.
impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url { address, .. } => write!(f, "{}", address.host()),
            Self::Mail(mail) => write!(f, "mail by {}", mail.server.host),
        }
    }
}
