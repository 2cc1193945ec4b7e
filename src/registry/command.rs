//! What the registry can be asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    person::{PersonId, Role},
    provider::{Entry, Provider},
    review::{Drawn, Verdict},
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has proved who they are.
    Person(PersonId),
    /// An identity provider that has proved which one it is.
    Provider(Provider),
    /// Privet itself, or whoever sets it up.
    Gateway,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Command {
    /// Name the first two officers, and what people sign.
    Found { officers: Vec<PersonId>, texts: BTreeMap<String, String> },
    /// Somebody is here from now on.
    Join { person: PersonId, name: Option<String> },
    /// Give somebody a role.
    Grant {
        person: PersonId,
        #[serde(flatten)]
        terms: Terms,
    },
    /// Agree to what another officer has proposed.
    Confirm { grant: u64 },
    /// Do not.
    Reject { grant: u64, reason: String },
    /// End a role of somebody, that with one duty or with any.
    Revoke { person: PersonId, role: Role, duty: Option<String>, reason: String },
    /// End all roles of somebody, and give another one at the same moment.
    Move {
        person: PersonId,
        #[serde(flatten)]
        terms: Terms,
    },
    /// Somebody is here no more.
    Leave { person: PersonId, reason: Option<String> },
    /// A provider's directory has this entry for somebody, or none any more, and says whether they are there.
    Provision { person: PersonId, entry: Option<Entry>, active: bool },
    /// A role of somebody was looked at, and is right still.
    Recertify { person: PersonId, role: Role },
    /// People sign this from now on.
    Publish { texts: BTreeMap<String, String> },
    /// Sign the pledge whose text has this SHA-256.
    Sign { version: u32, sha256: String },
    /// Take one's signature back.
    Withdraw,
    /// Let duties of somebody go over to somebody else; all roles where none is named.
    StartHandover {
        from: PersonId,
        to: PersonId,
        roles: Vec<Role>,
        duties: Vec<String>,
        matters: Vec<String>,
        keep: bool,
    },
    /// Sign for it.
    SignHandover { handover: u64 },
    /// Review what was done with personal data from a time to a time; what was not reviewed yet where none is named.
    OpenReview {
        since: Option<Moment>,
        until: Option<Moment>,
        sample: Option<u32>,
        /// What the registry itself has found in its journal: nobody sends it.
        #[serde(skip)]
        drawn: Drawn,
    },
    /// Say what came of looking at some of it, by the indexes of the records.
    Judge {
        records: Vec<u64>,
        #[serde(flatten)]
        opinion: Opinion,
    },
    /// Say that a file which `person` has taken along is no more in their hands.
    Return { download: String, person: PersonId, how: Returned },
    /// Sign a review; the one that is open where none is named.
    SignReview { review: Option<u64> },
}

/// What has become of a file that was taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// It is deleted, wherever it was.
    Deleted,
    /// It was given back, with every copy.
    Returned,
}

/// What somebody thinks of records that they have looked at.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Whether all is well.
    pub verdict: Verdict,
    /// What was found.
    pub result: String,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// On what terms somebody is given a role.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Which.
    pub role: Role,
    /// The job description that asks for it.
    pub duty: Option<String>,
    /// Why.
    pub reason: String,
    /// From when on; at once without.
    pub start: Option<Moment>,
    /// When it ends by itself; never without.
    pub until: Option<Moment>,
}

impl Command {
    /// Its name, as it is sent.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Join { .. } => "join",
            Self::Grant { .. } => "grant",
            Self::Confirm { .. } => "confirm",
            Self::Reject { .. } => "reject",
            Self::Revoke { .. } => "revoke",
            Self::Move { .. } => "move",
            Self::Leave { .. } => "leave",
            Self::Provision { .. } => "provision",
            Self::Recertify { .. } => "recertify",
            Self::Publish { .. } => "publish",
            Self::Sign { .. } => "sign",
            Self::Withdraw => "withdraw",
            Self::StartHandover { .. } => "start_handover",
            Self::SignHandover { .. } => "sign_handover",
            Self::OpenReview { .. } => "open_review",
            Self::Judge { .. } => "judge",
            Self::SignReview { .. } => "sign_review",
            Self::Return { .. } => "return",
        }
    }

    /// Whom it gives something, so that they have to be somebody.
    #[must_use]
    pub fn receivers(&self) -> Vec<&PersonId> {
        match self {
            Self::Found { officers, .. } => officers.iter().collect(),
            Self::Grant { person, .. } | Self::Move { person, .. } => vec![person],
            Self::StartHandover { to, .. } => vec![to],
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Debug for Command {
    /// The name alone: all else is about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({})", self.name())
    }
}

impl std::fmt::Debug for Opinion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opinion({:?})", self.verdict)
    }
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Terms({})", self.role)
    }
}
