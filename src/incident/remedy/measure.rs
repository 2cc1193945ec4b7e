//! What can be done at once.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::registry::PersonId;

/// A countermeasure.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "kebab-case")]
pub enum Measure {
    /// Somebody gets no further: their sessions and what is under way end, and no other way to sign in helps.
    Suspend {
        /// Who.
        person: PersonId,
    },
    /// Everybody has to sign in again. It happens once.
    SignInAgain,
    /// A route answers nobody.
    Close {
        /// Its name, as the configuration has it.
        route: String,
    },
    /// A route answers privacy officers alone; nobody where it has no gate.
    Quarantine {
        /// Its name.
        route: String,
    },
    /// Limits on attempts at a login are a part of what they are.
    Limit {
        /// Its name.
        login: String,
        /// Which: one n-th, and at least one attempt.
        divisor: u32,
    },
    /// A network is banned.
    Ban {
        /// Which.
        network: IpNet,
    },
    /// People of a role see personal data masked, whatever policies say.
    Mask {
        /// Which.
        role: String,
    },
    /// What is written from now on is sealed by a new key. It happens once; the old keys stay, to read what is there.
    RotateKey,
}

impl std::fmt::Debug for Measure {
    /// The name alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Measure({})", self.name())
    }
}

impl Measure {
    /// As commands and records name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Suspend { .. } => "suspend",
            Self::SignInAgain => "sign-in-again",
            Self::Close { .. } => "close",
            Self::Quarantine { .. } => "quarantine",
            Self::Limit { .. } => "limit",
            Self::Ban { .. } => "ban",
            Self::Mask { .. } => "mask",
            Self::RotateKey => "rotate-key",
        }
    }

    /// Whether it holds until it is lifted; others happen once.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        !matches!(self, Self::SignInAgain | Self::RotateKey)
    }

    /// Whether it is about the same as another, so that both can't hold.
    #[must_use]
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Limit { login, .. }, Self::Limit { login: other, .. }) => login == other,
            (one, other) => one.lasts() && one == other,
        }
    }
}
