//! All measures: a fold over events, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{event::Event, measure::Measure};
use crate::{
    incident::ledger::Fold,
    journal::Record,
    registry::{Moment, PersonId},
};

/// A measure that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Its number.
    pub id: u64,
    /// For which case.
    pub case: u64,
    /// What.
    pub what: Measure,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: PersonId,
    /// When.
    pub at: Moment,
    /// When it was lifted, by whom and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
    /// Time of the record that this is from.
    pub since: Moment,
}

/// That a measure holds no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lifted {
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

impl Taken {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.what.lasts() && self.lifted.is_none()
    }
}

/// All measures.
#[derive(Clone, Default, PartialEq)]
pub struct State {
    all: BTreeMap<u64, Taken>,
    /// The highest number that was given.
    last: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} measures)", self.all.len())
    }
}

impl State {
    /// All of them, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &Taken> {
        self.all.values()
    }

    /// Those that hold.
    pub fn in_force(&self) -> impl Iterator<Item = &Taken> {
        self.all().filter(|taken| taken.holds())
    }

    /// The one of this number.
    #[must_use]
    pub fn taken(&self, id: u64) -> Option<&Taken> {
        self.all.get(&id)
    }

    /// The highest number that was given.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What has to be written again at `now`, so that no record which something rests on is older than `most`.
    #[must_use]
    pub fn to_carry(&self, now: Moment, most: Duration) -> Vec<Event> {
        let old = self.in_force().filter(|taken| now.since(taken.since) >= most);
        old.map(|taken| Event::Standing { last: self.last, taken: taken.clone() }).collect()
    }
}

impl Fold for State {
    type Event = Event;

    fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Event, serde_json::Error>> {
        Event::read(kind, body)
    }

    fn record(event: &Event) -> Option<Record> {
        event.record()
    }

    fn apply(&mut self, event: &Event, at: Moment) {
        match event.clone() {
            Event::Taken { id, case, what, reason, by } => {
                self.last = self.last.max(id);
                self.all.insert(id, Taken { id, case, what, reason, by, at, lifted: None, since: at });
            }
            Event::Lifted { id, reason, by, .. } => {
                if let Some(taken) = self.all.get_mut(&id) {
                    taken.lifted = Some(Lifted { reason, by, at });
                }
            }
            Event::Standing { last, taken } => {
                self.last = self.last.max(last).max(taken.id);
                self.all.insert(taken.id, Taken { since: at, ..taken });
            }
        }
    }
}
