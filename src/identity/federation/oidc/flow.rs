//! A sign-in under way: what must fit together when a browser comes back. The browser itself keeps it, sealed, so that every
//! replica can take it up; here it is only remembered which ones were used.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    constant_time, digest, rand,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};

use crate::{
    identity::{keys, session::entry::seconds},
    seal::Ring,
};

/// How long somebody may take at the provider.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// Longest path to come back to that is kept, in bytes: a cookie has room for 4096.
const LONGEST_RETURN: usize = 1024;
const NONCE: usize = 12;

/// Cookies of sign-ins under way: several, for a browser may open several pages at once, though two may fall on one; few, for they are
/// sent along each time.
const COOKIES: [&str; 4] =
    ["__Host-privet-oidc-0", "__Host-privet-oidc-1", "__Host-privet-oidc-2", "__Host-privet-oidc-3"];

/// A sign-in under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What the provider brings back.
    pub state: String,
    /// What the ID token must carry.
    pub nonce: String,
    /// What proves at the token endpoint that we have asked (RFC 7636).
    pub verifier: String,
    /// Where to go on to: a path of this site.
    pub back: String,
    /// The site.
    pub host: String,
    /// Seconds since 1970.
    pub began: u64,
    /// Whether people must prove themselves to the provider anew.
    pub fresh: bool,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flow")
    }
}

impl Flow {
    /// A new one; `None` when the system gives no random bytes.
    #[must_use]
    pub fn begin(host: &str, back: &str, fresh: bool, now: SystemTime) -> Option<Self> {
        Some(Self {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            back: if back.len() <= LONGEST_RETURN { back.to_owned() } else { "/".to_owned() },
            host: host.to_owned(),
            began: seconds(now),
            fresh,
        })
    }

    /// The `code_challenge` of method S256.
    #[must_use]
    pub fn challenge(&self) -> String {
        BASE64.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }

    /// The name of the cookie that keeps it.
    #[must_use]
    pub fn cookie(state: &str) -> &'static str {
        COOKIES[usize::from(state.bytes().next().unwrap_or_default() & 3)]
    }

    /// Whether this is what was asked by `state` of `host`, not too long ago.
    #[must_use]
    pub fn answers(&self, state: &str, host: &str, now: SystemTime) -> bool {
        let same = constant_time::verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok();
        let age = seconds(now).checked_sub(self.began);
        same && self.host == host && age.is_some_and(|age| age <= PATIENCE.as_secs())
    }
}

fn random() -> Option<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    Some(BASE64.encode(bytes))
}

/// Seals sign-ins for browsers to keep.
pub struct FlowKey(RandomizedNonceKey);

impl std::fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlowKey")
    }
}

impl FlowKey {
    /// Of the ring's newest epoch: a sign-in that another epoch has sealed begins anew. `None` where the library refuses the key.
    #[must_use]
    pub fn of(ring: &Ring, realm: &str) -> Option<Self> {
        let key = keys::derive(ring.newest().secret(), realm, "oidc flow");
        RandomizedNonceKey::new(&AES_256_GCM, &*key).ok().map(Self)
    }

    /// The value of the cookie.
    #[must_use]
    pub fn seal(&self, flow: &Flow) -> Option<String> {
        let mut sealed = serde_json::to_vec(flow).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()?;
        Some(BASE64.encode([&nonce.as_ref()[..], &sealed].concat()))
    }

    /// What a cookie has kept; `None` where it is not ours.
    #[must_use]
    pub fn open(&self, value: &str) -> Option<Flow> {
        let mut bytes = BASE64.decode(value).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::federation::testing::now;

    fn key() -> FlowKey {
        FlowKey::of(&Ring::ephemeral().unwrap(), "staff").unwrap()
    }

    #[test]
    fn a_flow_comes_back_whole_or_not_at_all() {
        let key = key();
        let flow = Flow::begin("shop.example", "/a?b", true, now()).unwrap();
        let kept = key.seal(&flow).unwrap();
        assert!(!kept.contains(&flow.verifier) && kept.len() < 1024);
        assert_eq!(key.open(&kept), Some(flow));
        for at in 0..kept.len() {
            let mut changed = kept.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.open(std::str::from_utf8(&changed).unwrap()), None, "{at}");
        }
        for bad in ["", "A", "AAAA", "AAAAAAAAAAAAAAAAAAAA", "\u{e9}"] {
            assert_eq!(key.open(bad), None);
        }
        assert_eq!(self::key().open(&kept), None, "of another ring");
    }

    #[test]
    fn the_longest_fits_into_a_cookie() {
        let flow = Flow::begin(&"h".repeat(255), &format!("/{}", "x".repeat(1023)), false, now()).unwrap();
        assert_eq!(flow.back.len(), 1024);
        assert!(key().seal(&flow).unwrap().len() < 2600);
        assert_eq!(Flow::begin("h", &format!("/{}", "x".repeat(1024)), false, now()).unwrap().back, "/");
    }

    #[test]
    fn an_answer_fits_one_question_for_a_while() {
        let flow = Flow::begin("shop.example", "/", false, now()).unwrap();
        let state = flow.state.clone();
        assert!(flow.answers(&state, "shop.example", now() + PATIENCE));
        assert!(!flow.answers(&state, "shop.example", now() + PATIENCE + Duration::from_secs(1)));
        assert!(!flow.answers(&state, "shop.example", now() - Duration::from_secs(1)), "from the future");
        assert!(!flow.answers(&state, "other.example", now()));
        assert!(!flow.answers("", "shop.example", now()));
        let other = Flow::begin("shop.example", "/", false, now()).unwrap();
        assert!(!flow.answers(&other.state, "shop.example", now()));
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let mut flow = Flow::begin("h", "/", false, now()).unwrap();
        flow.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(flow.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
