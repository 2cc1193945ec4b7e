//! What is answered: what may be done and seen, or what is missing. Nobody's name is in it.

use std::{fmt, sync::Arc};

use crate::privacy::Kind;

/// The answer to an [`super::Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Permit(Permit),
    /// A purpose has to be chosen; with one of these keys it may be done.
    Purpose(Vec<Arc<str>>),
    /// The current pledge has to be signed.
    Pledge,
    /// A ticket has to be named.
    Ticket,
    /// It may be done if the glass is broken.
    Glass,
    /// It may not be done.
    Deny(Why),
}

/// What may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The key of the purpose.
    pub purpose: Arc<str>,
    /// Types of personal data that may be seen, in their order; all others are masked.
    pub reveal: Arc<[Kind]>,
    /// What becomes of records of people who have not agreed.
    pub consent: Rule,
    /// Whether somebody has to look at it afterwards: without the broken glass it would not have been permitted.
    pub review: bool,
    /// The policies that have permitted it, by their ids.
    pub policies: Vec<Arc<str>>,
}

/// What becomes of records of people who have not agreed; the stricter are the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing: consent is not what it rests on.
    Any,
    /// Everything personal in them is masked.
    Mask,
    /// They are left out.
    Drop,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Any, Self::Mask, Self::Drop];

    /// As policies have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Mask => "mask",
            Self::Drop => "drop",
        }
    }

    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No policy permits anything to these roles.
    Role,
    /// A second factor is needed.
    SecondFactor,
    /// The route does not know who has agreed.
    Consent,
    /// These policies forbid it.
    Forbidden(Vec<Arc<str>>),
    /// Nothing permits it.
    Nothing,
    /// This policy could not be evaluated, so nobody passes.
    Broken(Arc<str>),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role => f.write_str("no policy permits anything to these roles"),
            Self::SecondFactor => f.write_str("a second factor is needed"),
            Self::Consent => f.write_str("the route does not know who has agreed"),
            Self::Forbidden(ids) => write!(f, "forbidden by {}", ids.join(", ")),
            Self::Nothing => f.write_str("no policy permits it"),
            Self::Broken(id) => write!(f, "the policy {id} could not be evaluated"),
        }
    }
}
