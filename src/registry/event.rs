//! What has happened: each event is one record of the journal, and has happened whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    command::{Opinion, Returned},
    grant::Grant,
    handover::{Handover, Side},
    moment::Moment,
    person::{PersonId, Role},
    pledge::{Pledge, Signature},
    provider::Entry,
    review::{Review, Reviewed},
    state::Dossier,
};
use crate::journal::{Kind, Record};

/// One event. Its fields are those of its record.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(clippy::large_enum_variant)] // few are alive at a time
#[allow(missing_docs)] // the fields are what their types say
pub enum Event {
    /// The first officers, who were named by whoever set Privet up.
    #[serde(rename = "registry.founded")]
    Founded { grants: Vec<Grant> },
    /// What still holds, carried on before the keys of old records are destroyed.
    #[serde(rename = "registry.standing")]
    Standing {
        founded: Moment,
        next: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dossier: Option<Dossier>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pledge: Option<Pledge>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handover: Option<Handover>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reviewed: Option<Reviewed>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        review: Option<Review>,
    },
    /// Somebody is here from now on.
    #[serde(rename = "staff.joined")]
    Joined {
        person: PersonId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        by: PersonId,
    },
    /// Somebody has another duty: all former grants have ended at the same moment.
    #[serde(rename = "staff.moved")]
    Moved {
        person: PersonId,
        ended: Vec<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<Grant>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposed: Option<Grant>,
        reason: String,
        by: PersonId,
    },
    /// Somebody is not here any more.
    #[serde(rename = "staff.left")]
    Left {
        person: PersonId,
        ended: Vec<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        by: PersonId,
    },
    /// A provider's directory calls somebody this, or has forgotten them.
    #[serde(rename = "staff.listed")]
    Listed {
        person: PersonId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<Entry>,
        by: PersonId,
    },
    /// One officer wants to give what takes two.
    #[serde(rename = "grant.proposed")]
    Proposed { grant: Grant },
    /// Somebody may.
    #[serde(rename = "grant.given")]
    Given { grant: Grant },
    /// Somebody may no more, or what was proposed is not to be.
    #[serde(rename = "grant.ended")]
    Ended { grants: Vec<u64>, person: PersonId, role: Role, reason: String, by: PersonId },
    /// People sign this from now on.
    #[serde(rename = "pledge.published")]
    Published { version: u32, texts: BTreeMap<String, String>, sha256: BTreeMap<String, String> },
    /// Somebody has promised.
    #[serde(rename = "pledge.signed")]
    Signed { person: PersonId, signature: Signature },
    /// Somebody has taken their promise back.
    #[serde(rename = "pledge.withdrawn")]
    Withdrawn { person: PersonId, version: u32 },
    /// Duties are to go over.
    #[serde(rename = "handover.started")]
    HandoverStarted { handover: Handover },
    /// One of two has signed.
    #[serde(rename = "handover.signed")]
    HandoverSigned { handover: u64, side: Side, by: PersonId },
    /// The second has signed as well: duties and grants have gone over.
    #[serde(rename = "handover.done")]
    HandoverDone {
        handover: u64,
        side: Side,
        by: PersonId,
        given: Vec<Grant>,
        /// What takes two officers, and only one was among those who signed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proposed: Vec<Grant>,
        ended: Vec<u64>,
    },
    /// A grant was looked at, and is right still.
    #[serde(rename = "recertification.done")]
    Recertified { grant: u64, person: PersonId, role: Role, by: PersonId },
    /// What was done with personal data in a period is to be looked at.
    #[serde(rename = "review.opened")]
    ReviewOpened { review: Review },
    /// Somebody has looked at some of it.
    #[serde(rename = "review.result")]
    ReviewResult {
        review: u64,
        records: Vec<u64>,
        #[serde(flatten)]
        opinion: Opinion,
        by: PersonId,
    },
    /// A file that somebody has taken along is no more in their hands.
    #[serde(rename = "download.returned")]
    DownloadReturned { download: String, person: PersonId, how: Returned, by: PersonId },
    /// All of it was looked at.
    #[serde(rename = "review.signed")]
    ReviewSigned { review: u64, ok: u64, findings: u64, by: PersonId },
}

impl std::fmt::Debug for Event {
    /// The kind alone: all else is about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event({})", self.kind().name())
    }
}

impl Event {
    /// The kind of its record.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Founded { .. } => Kind::RegistryFounded,
            Self::Standing { .. } => Kind::RegistryStanding,
            Self::Joined { .. } => Kind::StaffJoined,
            Self::Moved { .. } => Kind::StaffMoved,
            Self::Left { .. } => Kind::StaffLeft,
            Self::Listed { .. } => Kind::StaffListed,
            Self::Proposed { .. } => Kind::GrantProposed,
            Self::Given { .. } => Kind::GrantGiven,
            Self::Ended { .. } => Kind::GrantEnded,
            Self::Published { .. } => Kind::PledgePublished,
            Self::Signed { .. } => Kind::PledgeSigned,
            Self::Withdrawn { .. } => Kind::PledgeWithdrawn,
            Self::HandoverStarted { .. } => Kind::HandoverStarted,
            Self::HandoverSigned { .. } => Kind::HandoverSigned,
            Self::HandoverDone { .. } => Kind::HandoverDone,
            Self::Recertified { .. } => Kind::RecertificationDone,
            Self::ReviewOpened { .. } => Kind::ReviewOpened,
            Self::ReviewResult { .. } => Kind::ReviewResult,
            Self::ReviewSigned { .. } => Kind::ReviewSigned,
            Self::DownloadReturned { .. } => Kind::DownloadReturned,
        }
    }

    /// Whether somebody may less after it than before.
    #[must_use]
    pub fn takes(&self) -> bool {
        match self {
            Self::Left { .. } | Self::Ended { .. } | Self::Published { .. } | Self::Withdrawn { .. } => true,
            Self::Moved { ended, .. } | Self::HandoverDone { ended, .. } => !ended.is_empty(),
            _ => false,
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
        let ours = [
            "registry.",
            "staff.",
            "grant.",
            "pledge.",
            "handover.",
            "recertification.",
            "review.",
            "download.returned",
        ];
        if !ours.iter().any(|prefix| kind.starts_with(prefix)) {
            return None;
        }
        Some(Record::event(kind, body))
    }
}
