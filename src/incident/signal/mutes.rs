//! Rules whose signals open no case for a while, by an officer's word and for a reason: a fold over events, each a record of the journal.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::ledger::Fold,
    found::{Signal, Who},
    rule::Rule,
};
use crate::{
    journal::{self, Kind, Record},
    registry::{self, Moment, PersonId},
};

/// Longest that a rule is muted: whoever wants it for good turns the rule off, in the configuration.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// Most characters of a reason, and most mutes at a time.
const TEXT: usize = 500;
const MOST: usize = 200;

/// What is muted: a rule, of somebody or of a route where they are named.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Which.
    pub rule: Rule,
    /// Signals about this person alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Signals on this route alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

/// One mute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// What of.
    #[serde(flatten)]
    pub about: About,
    /// Until when.
    pub until: Moment,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: PersonId,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Order {
    /// Signals open no case for a while.
    Mute { about: About, until: Moment, reason: String },
    /// They do again.
    Unmute { about: About },
}

/// What has happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Muting {
    /// Signals open no case for a while.
    #[serde(rename = "incident.muted")]
    Muted { mute: Mute },
    /// They do again.
    #[serde(rename = "incident.unmuted")]
    Unmuted { about: About, by: PersonId },
}

impl std::fmt::Debug for Order {
    /// The rule alone: all else is about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Mute { about, .. } | Self::Unmute { about }) = self;
        write!(f, "Order({})", about.rule.name())
    }
}

impl std::fmt::Debug for Muting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Muting")
    }
}

/// Why it does not happen. Nobody's name is in the texts.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody has founded a registry, so that nobody is an officer.
    #[error("the registry was not founded yet: `privet staff init` names the first officers")]
    NotFounded,
    /// Only officers mute.
    #[error("only a privacy officer may mute a rule")]
    NotAnOfficer,
    /// Nobody mutes what is about themselves.
    #[error("nobody may mute a rule about themselves")]
    Own,
    /// It is empty, or too long.
    #[error("the reason has to be of 1 to 500 characters, without control characters")]
    Reason,
    /// The time is over, or too far away.
    #[error("`until` has to be in the future, and within a year")]
    Until,
    /// There is no such mute.
    #[error("no such mute is in force")]
    NoMute,
    /// There are too many.
    #[error("200 mutes are in force: remove some, or set the rules' thresholds")]
    Many,
    /// It can't be written down.
    #[error("the journal can't be written")]
    Journal(#[from] journal::Error),
}

/// All mutes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mutes {
    all: Vec<Mute>,
}

impl std::fmt::Debug for Mutes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mutes({})", self.all.len())
    }
}

impl Mutes {
    /// Those in force.
    pub fn in_force(&self, now: Moment) -> impl Iterator<Item = &Mute> {
        self.all.iter().filter(move |mute| now < mute.until)
    }

    /// Those in force, as others read them.
    #[must_use]
    pub fn object(&self, now: Moment) -> Value {
        serde_json::json!({ "mutes": self.in_force(now).collect::<Vec<_>>() })
    }

    /// Whether a signal opens no case. Nobody's own word covers what is about themselves.
    #[must_use]
    pub fn mutes(&self, signal: &Signal) -> bool {
        let about = |Mute { about, by, .. }: &Mute| {
            if signal.who == Who::Person(by.clone()) {
                return false;
            }
            let person = about.person.as_ref().is_none_or(|person| signal.who == Who::Person(person.clone()));
            about.rule == signal.rule && person && (about.route.is_none() || about.route == signal.route)
        };
        self.in_force(signal.at).any(about)
    }

    /// What happens when `by` asks for `order`.
    ///
    /// # Errors
    /// When it may not happen.
    pub fn decide(
        &self,
        officers: &registry::State,
        order: &Order,
        by: &PersonId,
        now: Moment,
    ) -> Result<Vec<Muting>, Refused> {
        if !officers.is_founded() {
            return Err(Refused::NotFounded);
        }
        if !officers.officers(now).any(|grant| grant.person == *by) {
            return Err(Refused::NotAnOfficer);
        }
        match order {
            Order::Mute { about, until, reason } => {
                let plain = !reason.trim().is_empty() && !reason.chars().any(char::is_control);
                if !plain || reason.chars().count() > TEXT {
                    return Err(Refused::Reason);
                }
                if *until <= now || *until > now.after(LONGEST) {
                    return Err(Refused::Until);
                }
                if about.person.as_ref() == Some(by) {
                    return Err(Refused::Own);
                }
                if self.in_force(now).count() >= MOST {
                    return Err(Refused::Many);
                }
                let (about, until, reason, by) = (about.clone(), *until, reason.clone(), by.clone());
                Ok(vec![Muting::Muted { mute: Mute { about, until, reason, by } }])
            }
            Order::Unmute { about } => {
                let known = self.in_force(now).any(|mute| mute.about == *about);
                let event = Muting::Unmuted { about: about.clone(), by: by.clone() };
                known.then(|| vec![event]).ok_or(Refused::NoMute)
            }
        }
    }
}

impl Fold for Mutes {
    type Event = Muting;

    fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Muting, serde_json::Error>> {
        if ![Kind::IncidentMuted, Kind::IncidentUnmuted].iter().any(|ours| ours.name() == kind) {
            return None;
        }
        Some(Record::event(kind, body))
    }

    fn record(event: &Muting) -> Option<Record> {
        let kind = match event {
            Muting::Muted { .. } => Kind::IncidentMuted,
            Muting::Unmuted { .. } => Kind::IncidentUnmuted,
        };
        Record::of_event(kind, event)
    }

    fn apply(&mut self, event: &Muting, at: Moment) {
        // What is over can't come back.
        self.all.retain(|mute| at < mute.until);
        let (Muting::Muted { mute: Mute { about, .. } } | Muting::Unmuted { about, .. }) = event;
        self.all.retain(|mute| mute.about != *about);
        if let Muting::Muted { mute } = event {
            self.all.push(mute.clone());
        }
    }
}
