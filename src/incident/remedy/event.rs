//! What has happened: each event is one record of the journal.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{measure::Measure, state::Taken};
use crate::{
    journal::{Kind, Record},
    registry::PersonId,
};

/// One event. Its fields are those of its record.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Event {
    /// A countermeasure holds from now on, or has happened.
    #[serde(rename = "remedy.taken")]
    Taken { id: u64, case: u64, what: Measure, reason: String, by: PersonId },
    /// It holds no more.
    #[serde(rename = "remedy.lifted")]
    Lifted { id: u64, case: u64, reason: String, by: PersonId },
    /// One that holds still, carried on before the keys of old records are destroyed.
    #[serde(rename = "remedy.standing")]
    Standing { last: u64, taken: Taken },
}

impl std::fmt::Debug for Event {
    /// The kind alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event({})", self.kind().name())
    }
}

impl Event {
    const OURS: [Kind; 3] = [Kind::RemedyTaken, Kind::RemedyLifted, Kind::RemedyStanding];

    /// The kind of its record.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Taken { .. } => Kind::RemedyTaken,
            Self::Lifted { .. } => Kind::RemedyLifted,
            Self::Standing { .. } => Kind::RemedyStanding,
        }
    }

    /// Which case it is for.
    #[must_use]
    pub fn case(&self) -> u64 {
        match self {
            Self::Taken { case, .. } | Self::Lifted { case, .. } => *case,
            Self::Standing { taken, .. } => taken.case,
        }
    }

    /// What was taken.
    #[must_use]
    pub fn measure(&self) -> Option<&Measure> {
        match self {
            Self::Taken { what, .. } => Some(what),
            Self::Standing { taken, .. } => Some(&taken.what),
            Self::Lifted { .. } => None,
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
        if !Self::OURS.iter().any(|ours| ours.name() == kind) {
            return None;
        }
        Some(Record::event(kind, body))
    }
}
