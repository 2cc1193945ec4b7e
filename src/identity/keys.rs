//! Keys of a realm: each for one use, derived from the seal ring under a label of its own, so that replicas that share the ring
//! agree, and nothing that one key makes is of use with another.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::seal::{Ring, keys::SECRET};

/// Derives the key of one use from one epoch's secret.
#[must_use]
pub fn derive(secret: &[u8; SECRET], realm: &str, label: &str) -> Zeroizing<[u8; 32]> {
    let text = format!("privet identity {label} 1\0{realm}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(tag.as_ref());
    key
}

/// Signs what a form must bring back.
pub struct FormKey(hmac::Key);

impl std::fmt::Debug for FormKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormKey")
    }
}

impl FormKey {
    /// Of the ring's newest epoch.
    #[must_use]
    pub fn of(ring: &Ring, realm: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*derive(ring.newest().secret(), realm, "form")))
    }

    /// What belongs into the hidden field of a form called `form` for whoever has `nonce`.
    #[must_use]
    pub fn token(&self, form: &str, nonce: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.sign(form, nonce))
    }

    /// Whether `token` is that.
    #[must_use]
    pub fn verifies(&self, form: &str, nonce: &[u8], token: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|given| constant_time::verify_slices_are_equal(self.sign(form, nonce).as_ref(), &given).is_ok())
    }

    fn sign(&self, form: &str, nonce: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, &[form.as_bytes(), &[0], nonce].concat())
    }
}
