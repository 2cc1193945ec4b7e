//! Challenges: what a passkey has to sign. Nothing is kept of one that is under way, so that strangers can fill no table and any replica
//! takes the answer: it says itself when it was issued, and proves that it was, for what, and for whom.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, hmac, rand};

use super::credential::HANDLE;
use crate::{identity::keys::derive, seal::Ring};

/// How long one is good.
pub const LIFE: Duration = Duration::from_secs(10 * 60);

const TIME: usize = 8;
const RANDOM: usize = 16;
const PLAIN: usize = TIME + HANDLE + RANDOM;
const TAG: usize = 32;

/// What a challenge is for. One of another use is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Signing in.
    SignIn,
    /// Proving more, or again, after a sign-in.
    StepUp,
    /// Making a passkey.
    Enrol,
}

/// A challenge that we have issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// When, in milliseconds since 1970.
    pub issued: u64,
    /// The name that authenticators know the person by, if they make a passkey.
    pub handle: [u8; HANDLE],
}

/// Issues challenges, and knows them again.
pub struct ChallengeKey(hmac::Key);

impl std::fmt::Debug for ChallengeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChallengeKey")
    }
}

impl ChallengeKey {
    /// Of the ring's newest epoch.
    #[must_use]
    pub fn of(ring: &Ring, realm: &str) -> Option<Self> {
        let secret = ring.newest().secret();
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &*derive(secret, realm, "passkey challenge"))))
    }

    /// A new one, for whoever has `holder`; `None` when the system gives no random bytes. `handle` is the one that the person has.
    #[must_use]
    pub fn issue(&self, r#use: Use, holder: &[u8], handle: Option<[u8; HANDLE]>, now: SystemTime) -> Option<Vec<u8>> {
        let mut bytes = vec![0; PLAIN];
        rand::fill(&mut bytes).ok()?;
        bytes[..TIME].copy_from_slice(&milliseconds(now).to_be_bytes());
        if let Some(handle) = handle {
            bytes[TIME..TIME + HANDLE].copy_from_slice(&handle);
        }
        let tag = self.tag(r#use, holder, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        Some(bytes)
    }

    /// The challenge in `bytes`, where it was issued for this use and this holder, and is still good.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], r#use: Use, holder: &[u8], now: SystemTime) -> Option<Challenge> {
        let (plain, tag) = bytes.split_at_checked(PLAIN).filter(|(_, tag)| tag.len() == TAG)?;
        constant_time::verify_slices_are_equal(self.tag(r#use, holder, plain).as_ref(), tag).ok()?;
        let (time, rest) = plain.split_first_chunk()?;
        let challenge = Challenge { issued: u64::from_be_bytes(*time), handle: *rest.first_chunk()? };
        let life = u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX);
        // One from the future is another replica's, whose clock is ahead, or of before the clock was set back.
        milliseconds(now).checked_sub(challenge.issued).is_none_or(|age| age <= life).then_some(challenge)
    }

    fn tag(&self, r#use: Use, holder: &[u8], plain: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, &[&[r#use as u8], plain, holder].concat())
    }
}

/// The handle in a challenge that [`ChallengeKey::issue`] has made.
#[must_use]
pub fn handle(challenge: &[u8]) -> &[u8] {
    challenge.get(TIME..TIME + HANDLE).unwrap_or_default()
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_challenge_is_for_one_use_one_holder_and_a_while() {
        let ring = Ring::ephemeral().expect("random bytes");
        let key = ChallengeKey::of(&ring, "staff").expect("a key");
        let issued = key.issue(Use::SignIn, b"browser", Some([9; 16]), at(0)).expect("random bytes");
        let good =
            |bytes: &[u8], r#use, holder: &[u8], now: SystemTime| key.verify(bytes, r#use, holder, now).is_some();
        assert!(good(&issued, Use::SignIn, b"browser", at(0)));
        assert!(good(&issued, Use::SignIn, b"browser", at(0) + LIFE));
        assert_eq!(key.verify(&issued, Use::SignIn, b"browser", at(0)).expect("good").handle, [9; 16]);
        assert!(!good(&issued, Use::SignIn, b"browser", at(1) + LIFE));
        assert!(!good(&issued, Use::StepUp, b"browser", at(0)));
        assert!(!good(&issued, Use::Enrol, b"browser", at(0)));
        assert!(!good(&issued, Use::SignIn, b"another", at(0)));
        assert!(!good(&issued[1..], Use::SignIn, b"browser", at(0)));
        let other = ChallengeKey::of(&ring, "office").expect("a key");
        assert!(other.verify(&issued, Use::SignIn, b"browser", at(0)).is_none(), "another realm's");
        for at_byte in 0..issued.len() {
            let mut odd = issued.clone();
            odd[at_byte] ^= 1;
            assert!(!good(&odd, Use::SignIn, b"browser", at(0)), "byte {at_byte}");
        }
        assert_ne!(issued, key.issue(Use::SignIn, b"browser", Some([9; 16]), at(0)).expect("random bytes"));
    }
}
