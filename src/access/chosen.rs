//! The purpose that somebody has chosen, as their browser keeps it: sealed, and of use with their own session and roles alone. So every
//! replica knows it, and there is no table to fill.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest, hmac,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};

use crate::seal::Ring;

/// The cookie that keeps it.
pub const COOKIE: &str = "__Host-privet-purpose";
/// How long a choice holds at most: a day's work.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
const NONCE: usize = 12;
/// More than any cookie has.
const LONGEST_TEXT: usize = 1024;

/// What was chosen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The purpose's key.
    pub purpose: String,
    /// The ticket that was named.
    pub ticket: Option<String>,
    /// Whether the glass was broken.
    pub glass: bool,
    /// Until when it holds, in seconds since 1970.
    pub until: u64,
}

impl std::fmt::Debug for Chosen {
    /// Without the ticket, which may name somebody.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen").field("purpose", &self.purpose).field("glass", &self.glass).finish_non_exhaustive()
    }
}

impl Chosen {
    /// A choice that holds from `now` on.
    #[must_use]
    pub fn new(purpose: &str, ticket: Option<&str>, glass: bool, now: SystemTime) -> Self {
        Self { purpose: purpose.to_owned(), ticket: ticket.map(str::to_owned), glass, until: seconds(now + LONGEST) }
    }
}

/// Whose choice it is.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// What the session is kept under.
    pub session: &'a [u8],
    /// Who vouches for them.
    pub issuer: &'a str,
    /// Their name there.
    pub subject: &'a str,
    /// The roles they hold: who is given or loses one chooses anew.
    pub roles: &'a [&'a str],
}

impl Holder<'_> {
    /// All of it in 32 bytes; every part has its length before it.
    fn digest(&self) -> [u8; 32] {
        let mut roles = self.roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let mut context = digest::Context::new(&digest::SHA256);
        let parts = [self.session, self.issuer.as_bytes(), self.subject.as_bytes()];
        for part in parts.into_iter().chain(roles.into_iter().map(str::as_bytes)) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let digest = context.finish();
        std::array::from_fn(|i| digest.as_ref()[i])
    }
}

/// Seals choices for browsers to keep.
pub struct ChosenKey(RandomizedNonceKey);

impl std::fmt::Debug for ChosenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChosenKey")
    }
}

impl ChosenKey {
    /// Of the ring's newest epoch: who has chosen under another chooses anew. `None` where the library refuses the key.
    #[must_use]
    pub fn of(ring: &Ring) -> Option<Self> {
        let derived =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ring.newest().secret()), b"privet access purpose 1");
        RandomizedNonceKey::new(&AES_256_GCM, derived.as_ref()).ok().map(Self)
    }

    /// The cookie's value. `None` where the cipher refuses, which it has no reason to.
    #[must_use]
    pub fn seal(&self, chosen: &Chosen, holder: Holder<'_>) -> Option<String> {
        let mut sealed = serde_json::to_vec(chosen).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(holder.digest()), &mut sealed).ok()?;
        Some(BASE64.encode([&nonce.as_ref()[..], &sealed].concat()))
    }

    /// What a cookie's value says, where it is this holder's and still holds.
    #[must_use]
    pub fn open(&self, text: &str, holder: Holder<'_>, now: SystemTime) -> Option<Chosen> {
        let mut bytes = (text.len() <= LONGEST_TEXT).then(|| BASE64.decode(text).ok())??;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(holder.digest()), sealed).ok()?;
        serde_json::from_slice(plain).ok().filter(|chosen: &Chosen| seconds(now) < chosen.until)
    }
}

/// The value of `Set-Cookie` for a sealed choice; an empty one takes it away.
#[must_use]
pub fn set_cookie(sealed: &str) -> String {
    let age = if sealed.is_empty() { 0 } else { LONGEST.as_secs() };
    format!("{COOKIE}={sealed}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_its_holders_and_ends() {
        let key = ChosenKey::of(&Ring::ephemeral().expect("random bytes")).expect("a key");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mine = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["complaints", "duty"] };
        let chosen = Chosen::new("complaint", Some("CS-42"), false, now);
        let text = key.seal(&chosen, mine).expect("sealed");
        let open = |holder: Holder<'_>, now: SystemTime| key.open(&text, holder, now);
        assert_eq!(open(mine, now), Some(chosen.clone()));
        assert_eq!(open(Holder { roles: &["duty", "complaints"], ..mine }, now), Some(chosen));
        // Foreign: another session, person, issuer; the parts can't be shifted into each other.
        for other in [
            Holder { session: &[8; 32], ..mine },
            Holder { subject: "lee", ..mine },
            Holder { issuer: "https://idp.example", ..mine },
            Holder { issuer: "staffk", subject: "im", ..mine },
        ] {
            assert_eq!(open(other, now), None, "{other:?}");
        }
        // Changed roles, more and fewer.
        for roles in [&["complaints"][..], &["complaints", "duty", "marketing"], &[]] {
            assert_eq!(open(Holder { roles, ..mine }, now), None, "{roles:?}");
        }
        assert!(open(mine, now + LONGEST - Duration::from_secs(1)).is_some());
        assert_eq!(open(mine, now + LONGEST), None);
    }

    #[test]
    fn a_forged_choice_is_none() {
        let [key, other] = [(); 2].map(|()| ChosenKey::of(&Ring::ephemeral().expect("bytes")).expect("a key"));
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let holder = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["duty"] };
        let text = key.seal(&Chosen::new("duty", None, false, now), holder).expect("sealed");
        assert_eq!(other.open(&text, holder, now), None);
        let bytes = BASE64.decode(&text).expect("base64");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&BASE64.encode(changed), holder, now), None, "byte {at}");
        }
        for bad in ["", "AAAA", "!", &text[1..], &"A".repeat(2000)] {
            assert_eq!(key.open(bad, holder, now), None);
        }
        assert!(!format!("{:?}", Chosen::new("duty", Some("kim"), false, now)).contains("kim"));
        assert!(set_cookie(&text).len() < 400 && set_cookie("").contains("Max-Age=0"));
    }
}
