//! A case: something that has happened, or may have, and what is known and done about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    access::canary::Holder,
    registry::{Moment, PersonId},
};

/// How sure it is that people's data has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It may have.
    Possible,
    /// It has.
    Confirmed,
    /// It has not.
    Cleared,
    /// All is done that had to be.
    Closed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Possible, Self::Confirmed, Self::Cleared, Self::Closed];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Confirmed => "confirmed",
            Self::Cleared => "cleared",
            Self::Closed => "closed",
        }
    }

    /// Whether clocks run.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Possible | Self::Confirmed)
    }
}

/// How likely it is that people come to harm, as an officer has assessed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Unlikely.
    None,
    /// Not unlikely.
    Some,
    /// Likely, and high.
    High,
}

/// How much a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Low,
    /// Worth one today.
    Medium,
    /// Worth one now.
    High,
}

/// What a rule has seen in the records. Nobody whose data it was is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// Which rule.
    pub rule: String,
    /// How much it says.
    pub severity: Severity,
    /// When it was seen.
    pub at: Moment,
    /// Who has done it, where somebody had signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// From where, where nobody had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// On which routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Since when.
    pub since: Moment,
    /// The records that show it, by their index; the first where there are very many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<u64>,
    /// What was measured.
    pub measure: u64,
    /// What it may be.
    pub threshold: u64,
    /// Into whose lists those were planted who were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planted: Vec<Holder>,
}

impl Sign {
    /// Whoever has done it, and from whose lists those come who were seen, each once.
    pub fn suspects(&self) -> impl Iterator<Item = &PersonId> {
        let all: BTreeSet<_> = self.planted.iter().map(|holder| &holder.person).collect();
        self.person.iter().chain(all.into_iter().filter(|person| Some(*person) != self.person.as_ref()))
    }
}

impl std::fmt::Debug for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sign({}, {}/{})", self.rule, self.measure, self.threshold)
    }
}

/// Which records a case is about: those that all of what is said here lets through; all of them where nothing is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// By these people, who are suspected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<PersonId>,
    /// From these addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// On these routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// These requests, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// From this time on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// Up to this time, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({} persons, {} routes)", self.persons.len(), self.routes.len())
    }
}

/// What is known of a case that duties rest on. `None` is what nobody has said yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Types of personal data, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Somebody came in from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_intrusion: Option<bool>,
    /// Data is among it that says of health, belief, genes, crimes and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    /// Numbers are among it that the state has given to one person alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_identifiers: Option<bool>,
    /// How likely people come to harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Of how many people a law speaks, where an officer has said so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, u64>,
}

/// How many people's data it was, as it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Whose answers the client's socket has taken whole.
    pub confirmed: u64,
    /// Whose have broken off, or only waited.
    pub possible: u64,
    /// Records that nobody can be named for.
    pub unattributed: u64,
    /// When it was counted.
    pub at: Moment,
}

/// Who has opened a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opener {
    /// An officer.
    Person(PersonId),
    /// A rule.
    Rule(String),
}

/// What somebody has noted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What.
    pub text: String,
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Note({})", self.at)
    }
}

/// Why something is not done in time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// Of which law; of all where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<String>,
    /// Which duty; all where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

impl std::fmt::Debug for Delay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delay({:?}, {:?})", self.law, self.duty)
    }
}

/// What has become of a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is none in this case.
    NotDue,
}

/// A duty that is settled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Of which law.
    pub law: String,
    /// Which.
    pub duty: String,
    /// How.
    pub outcome: Outcome,
    /// When it was done, which may be before it was said.
    pub at: Moment,
    /// The authority's number for it, or why it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who says so; Privet itself where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
}

impl std::fmt::Debug for Settled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settled({}, {}, {:?})", self.law, self.duty, self.outcome)
    }
}

/// How far a clock has run when it is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Half of the time is over.
    Half,
    /// A day is left.
    Day,
    /// Six hours are left.
    SixHours,
    /// An hour is left.
    Hour,
    /// Nothing is left.
    Out,
}

impl Level {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Half => "half",
            Self::Day => "day",
            Self::SixHours => "six_hours",
            Self::Hour => "hour",
            Self::Out => "out",
        }
    }
}

/// A clock that was told of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Of which law.
    pub law: String,
    /// Which duty.
    pub duty: String,
    /// How far it had run.
    pub level: Level,
    /// When it runs out.
    pub due: Moment,
}

/// One case.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number, from 1.
    pub number: u64,
    /// How sure it is.
    pub status: Status,
    /// What it is called. No personal data is to be in it.
    pub title: String,
    /// When it was opened.
    pub opened: Moment,
    /// By whom.
    pub by: Opener,
    /// When somebody first knew: clocks run from here, whatever is decided later.
    pub known_at: Moment,
    /// When it was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Moment>,
    /// When it was cleared or closed, by whom and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Note>,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible: Option<PersonId>,
    /// Which records it is about.
    #[serde(default)]
    pub scope: Scope,
    /// What duties rest on.
    #[serde(default)]
    pub facts: Facts,
    /// How many people's data it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// What has made it a case; the latest where there are very many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<Sign>,
    /// Signs in all.
    #[serde(default)]
    pub signals: u64,
    /// What was noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Why something is late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delays: Vec<Delay>,
    /// What is done of what had to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// Clocks that were told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Time of the record that this is from.
    pub since: Moment,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({}, {})", self.number, self.status.name())
    }
}

impl Case {
    /// Whether somebody is suspected in it.
    #[must_use]
    pub fn suspects(&self, person: &PersonId) -> bool {
        self.scope.persons.contains(person)
    }

    /// What has become of a duty.
    #[must_use]
    pub fn settled(&self, law: &str, duty: &str) -> Option<&Settled> {
        self.settled.iter().rev().find(|settled| settled.law == law && settled.duty == duty)
    }

    /// Why a duty is late, where that was said.
    #[must_use]
    pub fn delay(&self, law: &str, duty: &str) -> Option<&Delay> {
        let of = |named: &Option<String>, name: &str| named.as_deref().is_none_or(|named| named == name);
        self.delays.iter().rev().find(|delay| of(&delay.law, law) && of(&delay.duty, duty))
    }
}
