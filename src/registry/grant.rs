//! A grant: somebody is something, from a time to a time, and others have said so.

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    person::{PersonId, Role},
};

/// One grant, or one that is proposed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its number, from 1.
    pub id: u64,
    /// Whose.
    pub person: PersonId,
    /// What they are by it.
    pub role: Role,
    /// The job description that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// Why.
    pub reason: String,
    /// Who gave it, or proposed it; nobody did at the founding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// Who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<PersonId>,
    /// From when on it holds.
    pub start: Moment,
    /// When it holds no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// When it was given or proposed, or last found to be right still.
    pub certified: Moment,
    /// How it has ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// How a grant has ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Moment,
    /// Who has ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// By what: `revoked`, `moved`, `left`, `handed over`.
    pub how: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl std::fmt::Debug for Grant {
    /// Without names and reasons: they are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant({}, {})", self.id, self.role)
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ended({})", self.how)
    }
}

impl Grant {
    /// Whether it holds at this time. One that was ended never does again, whatever becomes of the clock.
    #[must_use]
    pub fn holds(&self, now: Moment) -> bool {
        self.lasts(now) && self.start <= now
    }

    /// Whether it holds, or will.
    #[must_use]
    pub fn lasts(&self, now: Moment) -> bool {
        self.ended.is_none() && self.until.is_none_or(|until| now < until)
    }

    /// Whether it is of this role and duty.
    #[must_use]
    pub fn is_of(&self, role: &Role, duty: Option<&str>) -> bool {
        self.role == *role && self.duty.as_deref() == duty
    }
}
