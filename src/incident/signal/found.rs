//! What rules find, and what they tell of it.

use serde::{Deserialize, Serialize};

use super::{super::case::Severity, rule::Rule};
use crate::{
    access::canary::Holder,
    registry::{Moment, PersonId},
};

/// Whom a signal is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Somebody of the staff.
    Person(PersonId),
    /// Somebody at an address: the address, or its pseudonym where that is what records have.
    Address(String),
    /// Whoever comes by a route.
    Route(String),
    /// The gateway itself.
    Gateway,
}

impl std::fmt::Debug for Who {
    /// Without names and addresses.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Person(_) => "Person",
            Self::Address(_) => "Address",
            Self::Route(_) => "Route",
            Self::Gateway => "Gateway",
        })
    }
}

/// What a rule has found in a record and those before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Which.
    pub rule: Rule,
    /// About whom.
    pub who: Who,
    /// How much.
    pub measure: u64,
    /// From how much on it is found.
    pub threshold: u64,
    /// By which records.
    pub records: Vec<u64>,
}

/// A rule has fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Which.
    pub rule: Rule,
    /// How bad that is.
    pub severity: Severity,
    /// About whom.
    pub who: Who,
    /// When, by the last of its records.
    pub at: Moment,
    /// The office's day of it, since 1970.
    pub day: i64,
    /// How much.
    pub measure: u64,
    /// From how much on it fires.
    pub threshold: u64,
    /// Numbers of the records that show it, a thousand at most.
    pub evidence: Vec<u64>,
    /// On which route, where the last of them says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Into whose lists those were planted whom it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planted: Vec<Holder>,
}
