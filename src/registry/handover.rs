//! A handover: what somebody did becomes somebody else's, and both sign for it.

use serde::{Deserialize, Serialize};

use super::{moment::Moment, person::PersonId};

/// One handover.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Its number, from the same row as those of grants.
    pub id: u64,
    /// Who hands over.
    pub from: PersonId,
    /// Who takes over.
    pub to: PersonId,
    /// The grants that go over.
    pub grants: Vec<u64>,
    /// What there is to do.
    pub duties: Vec<String>,
    /// What is open.
    pub matters: Vec<String>,
    /// Whether the one who hands over keeps theirs.
    pub keep: bool,
    /// Which officer has started it.
    pub by: PersonId,
    /// When.
    pub started: Moment,
    /// When it was signed on the side of the one who hands over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_signed: Option<Moment>,
    /// When it was signed by the one who takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_signed: Option<Moment>,
    /// Who has signed for one who had left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_leaver: Option<PersonId>,
    /// When both had signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Moment>,
    /// Time of the record that this is from.
    pub since: Moment,
}

impl std::fmt::Debug for Handover {
    /// Without names and matters: they are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handover({})", self.id)
    }
}

/// Whose signature it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Of the one who hands over.
    From,
    /// Of the one who takes over.
    To,
}
