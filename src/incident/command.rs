//! What can be asked for of cases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::{Outcome, Risk, Scope, Sign};
use crate::{
    access::canary::Holder,
    registry::{Moment, PersonId},
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has proved who they are.
    Person(PersonId),
    /// Privet itself.
    Gateway,
}

/// What is changed of what a case is about. Lists grow by what is named; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// More records that it is about; a time replaces the one before.
    #[serde(default)]
    pub scope: Scope,
    /// Persons who are suspected no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acquit: Vec<PersonId>,
    /// More types of personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Whether somebody came in from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_intrusion: Option<bool>,
    /// Whether sensitive data is among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    /// Whether unique identifiers are among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_identifiers: Option<bool>,
    /// How likely people come to harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Of how many people a law speaks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, u64>,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible: Option<PersonId>,
}

impl Change {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Command {
    /// Open a case.
    Open {
        title: String,
        /// When somebody first knew; now without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        known_at: Option<Moment>,
        #[serde(default)]
        change: Change,
    },
    /// A rule has seen something: a case opens, or one that is open goes on. Nobody sends it.
    #[serde(skip)]
    Signal { sign: Sign, title: String },
    /// People's data has left.
    Confirm { case: u64, reason: String },
    /// It has not.
    Clear { case: u64, reason: String },
    /// All is done.
    Close { case: u64, reason: String },
    /// Note something, and change what is known by it.
    Note {
        case: u64,
        text: String,
        #[serde(default)]
        change: Change,
    },
    /// Say why something is late.
    Delay {
        case: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        law: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duty: Option<String>,
        reason: String,
    },
    /// Write down how many people's data it was, and of which types.
    Count {
        case: u64,
        confirmed: u64,
        possible: u64,
        unattributed: u64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        types: Vec<String>,
    },
    /// Ask from whose lists so many values come.
    Trace { values: u64, holders: Vec<Holder> },
    /// Say that a duty is done, or is none.
    Settle {
        case: u64,
        law: String,
        duty: String,
        outcome: Outcome,
        /// When it was done; now without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Moment>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
}

impl Command {
    /// Its name, as it is sent.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Signal { .. } => "signal",
            Self::Confirm { .. } => "confirm",
            Self::Clear { .. } => "clear",
            Self::Close { .. } => "close",
            Self::Note { .. } => "note",
            Self::Delay { .. } => "delay",
            Self::Count { .. } => "count",
            Self::Trace { .. } => "trace",
            Self::Settle { .. } => "settle",
        }
    }
}

impl std::fmt::Debug for Command {
    /// The name alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({})", self.name())
    }
}
