//! Who asks, and how they proved it.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::privacy::surname::FullName;

/// A way of proving who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A password of the staff file.
    Password,
    /// A one-time code (RFC 6238).
    Otp,
    /// A recovery code, which stands in for a one-time code.
    Recovery,
    /// A passkey that has verified its owner, which are two factors.
    Passkey,
    /// An `OpenID` Connect provider.
    Oidc,
    /// Several factors, as a provider says.
    Factors,
    /// A bearer token.
    Jwt,
    /// A client certificate.
    Certificate,
    /// HTTP Basic, for machines.
    Basic,
}

impl Method {
    /// The value of `amr` (RFC 8176), where there is one for it.
    #[must_use]
    pub fn amr(self) -> Option<&'static str> {
        match self {
            Self::Password | Self::Basic => Some("pwd"),
            Self::Otp | Self::Recovery => Some("otp"),
            Self::Certificate => Some("hwk"),
            Self::Factors | Self::Passkey => Some("mfa"),
            Self::Oidc | Self::Jwt => None,
        }
    }
}

/// Whoever was recognised.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Their name, unique with its issuer.
    pub subject: String,
    /// Who vouches: the realm's name for accounts of the staff file, or an issuer's URL.
    pub issuer: String,
    /// What they are.
    pub roles: Vec<String>,
    /// What they proved it by.
    pub methods: Vec<Method>,
    /// When they last did.
    pub authenticated_at: SystemTime,
    /// What they are called, where their provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FullName>,
}

impl std::fmt::Debug for Principal {
    /// Without the name: it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal").field("roles", &self.roles).field("methods", &self.methods).finish_non_exhaustive()
    }
}

impl Principal {
    /// Whether two factors were given.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        let second =
            |method: &Method| matches!(method, Method::Otp | Method::Recovery | Method::Factors | Method::Passkey);
        self.methods.iter().any(second)
    }

    /// Whether they have signed in here, or at a provider that they were led to from here: what else there is programs use as well.
    #[must_use]
    pub fn has_signed_in(&self) -> bool {
        let by_programs = |method: &Method| matches!(method, Method::Jwt | Method::Certificate | Method::Basic);
        !self.methods.iter().any(by_programs)
    }

    /// Whether they have one of `roles`, or none is asked for.
    #[must_use]
    pub fn has_one_of(&self, roles: &[String]) -> bool {
        roles.is_empty() || roles.iter().any(|role| self.roles.contains(role))
    }
}
