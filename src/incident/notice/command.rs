//! What can be asked for of notices and of what people are paid.

use serde::{Deserialize, Serialize};

use super::{
    delivery::{Addressed, Bounce, Outcome, State, Way},
    draft::Texts,
};
use crate::{incident::compensation::Claim, registry::Moment};

/// What is asked for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Command {
    /// Write a notice, or more of one that has not gone out; an empty text takes one away.
    Draft { case: u64, law: String, duty: String, texts: Texts },
    /// Say that it may go out, by the first digits of the SHA-256 of what was read.
    Approve { case: u64, notice: u64, sha256: String },
    /// Begin to send it, or go on; also to those `again` with whom it is in doubt or has failed.
    Send { case: u64, notice: u64, way: Way, recipients: u64, again: Vec<State> },
    /// These are next.
    Window { case: u64, notice: u64, window: u64, people: Vec<Addressed> },
    /// This has become of the first of them.
    Settle { case: u64, notice: u64, window: u64, outcomes: Vec<Outcome> },
    /// These have come back, as mail servers say.
    Bounced { case: u64, notice: u64, bounces: Vec<Bounce> },
    /// Post it where everybody sees it.
    Post { case: u64, notice: u64, until: Moment },
    /// Post it no longer.
    TakeDown { case: u64, reason: String },
    /// Say how far somebody's compensation is.
    Compensate { case: u64, claim: Claim },
    /// The public page was looked at. Nobody sends it.
    #[serde(skip)]
    Seen { case: u64, notice: u64, seen: Vec<String>, matches: bool, trouble: Option<String> },
    /// The time of a posting is over. Nobody sends it.
    #[serde(skip)]
    Expire { case: u64 },
}

impl Command {
    /// Whether it is a step of something that an officer has ordered, so that nobody proves anew who they are.
    #[must_use]
    pub fn is_step(&self) -> bool {
        matches!(self, Self::Window { .. } | Self::Settle { .. })
    }

    /// Which case it is about.
    #[must_use]
    pub fn case(&self) -> u64 {
        match self {
            Self::Draft { case, .. }
            | Self::Approve { case, .. }
            | Self::Send { case, .. }
            | Self::Window { case, .. }
            | Self::Settle { case, .. }
            | Self::Bounced { case, .. }
            | Self::Post { case, .. }
            | Self::TakeDown { case, .. }
            | Self::Compensate { case, .. }
            | Self::Seen { case, .. }
            | Self::Expire { case } => *case,
        }
    }
}

impl std::fmt::Debug for Command {
    /// The case alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command(case {})", self.case())
    }
}
