//! What has happened to notices and to what people were paid: each event is one record of the journal. No address is in any of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    delivery::{Addressed, Bounce, Outcome, State, Way},
    draft::{Document, Texts},
};
use crate::{
    incident::compensation::Entry,
    journal::{Kind, Record},
    registry::{Moment, PersonId},
};

/// One event. Its fields are those of its record.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Event {
    /// A text was written, or changed: whoever has approved it has not any more.
    #[serde(rename = "notice.drafted")]
    Drafted {
        case: u64,
        notice: u64,
        law: String,
        duty: String,
        texts: Texts,
        documents: Vec<Document>,
        sha256: String,
        by: PersonId,
    },
    /// Somebody has read it, and says that it may go out.
    #[serde(rename = "notice.approved")]
    Approved { case: u64, notice: u64, sha256: String, by: PersonId },
    /// It goes out from now on.
    #[serde(rename = "notice.sending")]
    Sending {
        case: u64,
        notice: u64,
        way: Way,
        recipients: u64,
        /// Also to those with whom it is so already.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<State>,
        by: PersonId,
    },
    /// It is about to be handed over for these, one after the other; never for more than `ahead` of them beyond those whose outcome is on disk.
    #[serde(rename = "notice.sent")]
    Sent { case: u64, notice: u64, window: u64, ahead: u64, people: Vec<Addressed> },
    /// What has become of the next of a window, in its order.
    #[serde(rename = "notice.delivery")]
    Delivery { case: u64, notice: u64, window: u64, outcomes: Vec<Outcome> },
    /// These were accepted, and have come back.
    #[serde(rename = "notice.bounced")]
    Bounced { case: u64, notice: u64, bounces: Vec<Bounce>, by: PersonId },
    /// It is to be seen on the public page until then.
    #[serde(rename = "notice.posting")]
    Posting { case: u64, notice: u64, sha256: String, until: Moment, by: PersonId },
    /// Privet has looked at its own page over TLS, as anybody would.
    #[serde(rename = "notice.posted")]
    Posted {
        case: u64,
        notice: u64,
        /// Of the pages that were seen, in the order of their languages.
        seen: Vec<String>,
        /// Whether they are what they should be.
        matches: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
    },
    /// It is on the public page no more.
    #[serde(rename = "notice.taken_down")]
    TakenDown {
        case: u64,
        notice: u64,
        reason: String,
        /// Nobody where its time was over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    /// What somebody was offered, has claimed, or was paid.
    #[serde(rename = "compensation.entered")]
    Compensated { case: u64, entry: Entry },
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
            Self::Drafted { .. } => Kind::NoticeDrafted,
            Self::Approved { .. } => Kind::NoticeApproved,
            Self::Sending { .. } => Kind::NoticeSending,
            Self::Sent { .. } => Kind::NoticeSent,
            Self::Delivery { .. } => Kind::NoticeDelivery,
            Self::Bounced { .. } => Kind::NoticeBounced,
            Self::Posting { .. } => Kind::NoticePosting,
            Self::Posted { .. } => Kind::NoticePosted,
            Self::TakenDown { .. } => Kind::NoticeTakenDown,
            Self::Compensated { .. } => Kind::CompensationEntered,
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
        if !["notice.", "compensation."].iter().any(|prefix| kind.starts_with(prefix)) {
            return None;
        }
        Some(Record::event(kind, body))
    }
}
