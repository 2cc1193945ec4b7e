//! What browsers keep for Privet: sealed, and of use with one session, person and set of roles alone. So every replica knows it, and there is no
//! table to fill.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest, hmac,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::seal::Ring;

const NONCE: usize = 12;
/// More than browsers keep in one cookie.
const LONGEST_TEXT: usize = 4096;

/// Who holds it.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// What the session is kept under.
    pub session: &'a [u8],
    /// Who vouches for them.
    pub issuer: &'a str,
    /// Their name there.
    pub subject: &'a str,
    /// The roles they hold: who is given or loses one begins anew.
    pub roles: &'a [&'a str],
}

impl Holder<'_> {
    /// All of it, with what the cookie is called, in 32 bytes; every part has its length before it.
    fn digest(&self, cookie: &str) -> [u8; 32] {
        let mut roles = self.roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let mut context = digest::Context::new(&digest::SHA256);
        let parts = [cookie.as_bytes(), self.session, self.issuer.as_bytes(), self.subject.as_bytes()];
        for part in parts.into_iter().chain(roles.into_iter().map(str::as_bytes)) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let digest = context.finish();
        std::array::from_fn(|i| digest.as_ref()[i])
    }
}

/// Seals what browsers keep.
pub struct CookieKey(RandomizedNonceKey);

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey")
    }
}

impl CookieKey {
    /// Of the ring's newest epoch: what was sealed under another is void. `None` where the library refuses the key.
    #[must_use]
    pub fn of(ring: &Ring) -> Option<Self> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ring.newest().secret()), b"privet access cookie 1");
        RandomizedNonceKey::new(&AES_256_GCM, derived.as_ref()).ok().map(Self)
    }

    /// The value of the cookie of this name. `None` where the cipher refuses, which it has no reason to.
    #[must_use]
    pub fn seal(&self, name: &str, what: &impl Serialize, holder: Holder<'_>) -> Option<String> {
        let mut sealed = serde_json::to_vec(what).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(holder.digest(name)), &mut sealed).ok()?;
        Some(BASE64.encode([&nonce.as_ref()[..], &sealed].concat()))
    }

    /// What the value of the cookie of this name says, where it is this holder's.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, name: &str, text: &str, holder: Holder<'_>) -> Option<T> {
        let mut bytes = Zeroizing::new((text.len() <= LONGEST_TEXT).then(|| BASE64.decode(text).ok())??);
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(holder.digest(name)), sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// The value of `Set-Cookie` for what was sealed; an empty one takes it away.
#[must_use]
pub fn cookie(name: &str, sealed: &str, life: Duration) -> String {
    let age = if sealed.is_empty() { 0 } else { life.as_secs() };
    format!("{name}={sealed}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")
}

/// Seconds since 1970.
#[must_use]
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CookieKey {
        CookieKey::of(&Ring::ephemeral().expect("random bytes")).expect("a key")
    }

    #[test]
    fn what_is_kept_is_its_holders() {
        let key = key();
        let mine = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["complaints", "duty"] };
        let text = key.seal("a", &"said", mine).expect("sealed");
        let open = |holder: Holder<'_>| key.open::<String>("a", &text, holder);
        assert_eq!(open(mine).as_deref(), Some("said"));
        assert_eq!(open(Holder { roles: &["duty", "complaints"], ..mine }).as_deref(), Some("said"));
        assert_eq!(key.open::<String>("b", &text, mine), None, "of another cookie");
        // Foreign: another session, person, issuer; the parts can't be shifted into each other.
        for other in [
            Holder { session: &[8; 32], ..mine },
            Holder { subject: "lee", ..mine },
            Holder { issuer: "https://idp.example", ..mine },
            Holder { issuer: "staffk", subject: "im", ..mine },
        ] {
            assert_eq!(open(other), None, "{other:?}");
        }
        // Changed roles, more and fewer.
        for roles in [&["complaints"][..], &["complaints", "duty", "marketing"], &[]] {
            assert_eq!(open(Holder { roles, ..mine }), None, "{roles:?}");
        }
    }

    #[test]
    fn what_is_forged_is_nothing() {
        let (key, other) = (key(), key());
        let holder = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["duty"] };
        let text = key.seal("a", &"said", holder).expect("sealed");
        assert_eq!(other.open::<String>("a", &text, holder), None);
        let bytes = BASE64.decode(&text).expect("base64");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(key.open::<String>("a", &BASE64.encode(changed), holder), None, "byte {at}");
        }
        for bad in ["", "AAAA", "!", &text[1..], &"A".repeat(5000)] {
            assert_eq!(key.open::<String>("a", bad, holder), None);
        }
    }
}
