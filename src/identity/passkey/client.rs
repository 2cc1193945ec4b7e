//! What a browser says it has asked an authenticator for: client data (Web Authentication, section 5.8.1).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

/// What a passkey was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// To be made.
    Create,
    /// To sign.
    Get,
}

/// Client data. Members that are not known are passed over, as the standard wants it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    #[serde(rename = "type")]
    act: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

impl std::fmt::Debug for ClientData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientData")
    }
}

impl ClientData {
    /// Reads JSON; `None` where it is something else, or a member that counts stands twice.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whether a page of `origin` itself, in no frame of another's, has asked for `act`.
    #[must_use]
    pub fn is_of(&self, act: Act, origin: &str) -> bool {
        let name = match act {
            Act::Create => "webauthn.create",
            Act::Get => "webauthn.get",
        };
        self.act == name && self.origin == origin && !self.cross_origin && self.top_origin.is_none()
    }

    /// The challenge.
    #[must_use]
    pub fn challenge(&self) -> Option<Vec<u8>> {
        BASE64_URL_SAFE_NO_PAD.decode(&self.challenge).ok()
    }
}
