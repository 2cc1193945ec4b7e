//! What has happened to cases: each event is one record of the journal, and has happened whole or not at all.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    case::{Case, Count, Opener, Settled, Sign, Warning},
    command::Change,
};
use crate::{
    access::canary::Holder,
    journal::{Kind, Record},
    registry::{Moment, PersonId},
};

/// One event. Its fields are those of its record.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(clippy::large_enum_variant)] // few are alive at a time
#[allow(missing_docs)] // the fields are what their types say
pub enum Event {
    /// Something has happened, or may have.
    #[serde(rename = "incident.opened")]
    Opened { case: u64, title: String, by: Opener, known_at: Moment, change: Change },
    /// A rule has seen something.
    #[serde(rename = "incident.signalled")]
    Signalled { case: u64, sign: Sign },
    /// People's data has left.
    #[serde(rename = "incident.confirmed")]
    Confirmed { case: u64, reason: String, by: PersonId },
    /// It has not.
    #[serde(rename = "incident.cleared")]
    Cleared { case: u64, reason: String, by: PersonId },
    /// All is done that had to be.
    #[serde(rename = "incident.closed")]
    Closed { case: u64, reason: String, by: PersonId },
    /// Something was noted, and what is known is another by it.
    #[serde(rename = "incident.noted")]
    Noted {
        case: u64,
        text: String,
        #[serde(default, skip_serializing_if = "Change::is_empty")]
        change: Change,
        by: PersonId,
    },
    /// Something is late, and this is why.
    #[serde(rename = "incident.delayed")]
    Delayed {
        case: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        law: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duty: Option<String>,
        reason: String,
        by: PersonId,
    },
    /// So many people's data it was, and of these types.
    #[serde(rename = "incident.counted")]
    Counted {
        case: u64,
        count: Count,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        types: Vec<String>,
        by: PersonId,
    },
    /// An officer has asked from whose lists something comes that was found outside, and was told these.
    #[serde(rename = "incident.traced")]
    Traced { values: u64, holders: Vec<Holder>, by: PersonId },
    /// A duty is done, or is none.
    #[serde(rename = "incident.settled")]
    Settled { case: u64, settled: Settled },
    /// A clock runs out, or has.
    #[serde(rename = "incident.warned")]
    Warned { case: u64, warning: Warning },
    /// A case that is open, carried on before the keys of old records are destroyed.
    #[serde(rename = "incident.standing")]
    Standing { next: u64, case: Case },
}

impl std::fmt::Debug for Event {
    /// The kind alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event({})", self.kind().name())
    }
}

impl Event {
    /// The kind of its record.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Opened { .. } => Kind::IncidentOpened,
            Self::Signalled { .. } => Kind::IncidentSignalled,
            Self::Confirmed { .. } => Kind::IncidentConfirmed,
            Self::Cleared { .. } => Kind::IncidentCleared,
            Self::Closed { .. } => Kind::IncidentClosed,
            Self::Noted { .. } => Kind::IncidentNoted,
            Self::Delayed { .. } => Kind::IncidentDelayed,
            Self::Counted { .. } => Kind::IncidentCounted,
            Self::Traced { .. } => Kind::IncidentTraced,
            Self::Settled { .. } => Kind::IncidentSettled,
            Self::Warned { .. } => Kind::IncidentWarned,
            Self::Standing { .. } => Kind::IncidentStanding,
        }
    }

    /// Which case it is about; 0 where it is about none.
    #[must_use]
    pub fn case(&self) -> u64 {
        match self {
            Self::Traced { .. } => 0,
            Self::Standing { case, .. } => case.number,
            Self::Opened { case, .. }
            | Self::Signalled { case, .. }
            | Self::Confirmed { case, .. }
            | Self::Cleared { case, .. }
            | Self::Closed { case, .. }
            | Self::Noted { case, .. }
            | Self::Delayed { case, .. }
            | Self::Counted { case, .. }
            | Self::Settled { case, .. }
            | Self::Warned { case, .. } => *case,
        }
    }

    /// As it is written down; `None` where it can't be.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        Record::of_event(self.kind(), self)
    }

    /// What a record of this kind says; `None` where the kind is none of ours.
    ///
    /// # Errors
    /// When it is, and says something else.
    #[must_use]
    pub fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Self, serde_json::Error>> {
        const OURS: [Kind; 12] = [
            Kind::IncidentOpened,
            Kind::IncidentSignalled,
            Kind::IncidentConfirmed,
            Kind::IncidentCleared,
            Kind::IncidentClosed,
            Kind::IncidentNoted,
            Kind::IncidentDelayed,
            Kind::IncidentCounted,
            Kind::IncidentTraced,
            Kind::IncidentSettled,
            Kind::IncidentWarned,
            Kind::IncidentStanding,
        ];
        if !OURS.iter().any(|ours| ours.name() == kind) {
            return None;
        }
        Some(Record::event(kind, body))
    }
}
