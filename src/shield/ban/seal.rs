//! What bans are kept and shared under: addresses are people's.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};

use super::who::Key;
use crate::seal::Ring;

/// Keys that are derived from a ring: the newest seals and names, all open.
pub struct Seal {
    /// Newest last.
    keys: Vec<RandomizedNonceKey>,
    name: hmac::Key,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({} keys)", self.keys.len())
    }
}

impl Seal {
    /// Of `ring`. `None` where the library refuses a key, which it has no reason to.
    #[must_use]
    pub fn of(ring: &Ring) -> Option<Self> {
        let derive =
            |secret: &[u8], label: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), label.as_bytes());
        let key =
            |secret: &[u8]| RandomizedNonceKey::new(&AES_256_GCM, derive(secret, "privet ban record 1").as_ref()).ok();
        let keys = ring.keys().map(|epoch| key(epoch.secret())).collect::<Option<_>>()?;
        let name = hmac::Key::new(hmac::HMAC_SHA256, derive(ring.newest().secret(), "privet ban name 1").as_ref());
        Some(Self { keys, name })
    }

    /// Seals `text` for one place.
    #[must_use]
    pub fn seal(&self, place: &str, text: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = text.to_vec();
        let nonce = self.keys.last()?.seal_in_place_append_tag(Aad::from(place), &mut sealed).ok()?;
        Some([&nonce.as_ref()[..], &sealed].concat())
    }

    /// Opens what was sealed for this place.
    #[must_use]
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.keys.iter().rev().find_map(|key| {
            let mut text = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let length = key.open_in_place(nonce, Aad::from(place), &mut text).ok()?.len();
            text.truncate(length);
            Some(text)
        })
    }

    /// What a key is called where others can read it: 32 hexadecimal digits that tell nothing.
    #[must_use]
    pub fn name(&self, key: Key) -> String {
        let tag = hmac::sign(&self.name, &key.bytes());
        let bits = tag.as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        format!("{bits:032x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let [one, other] = [(); 2].map(|()| Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
        let sealed = one.seal("a", b"192.0.2.7").expect("sealed");
        assert!(memchr::memmem::find(&sealed, b"192").is_none());
        assert_eq!(one.open("a", &sealed).as_deref(), Some(&b"192.0.2.7"[..]));
        assert_eq!((one.open("b", &sealed), other.open("a", &sealed), one.open("a", b"short")), (None, None, None));
        let key = Key::address([192, 0, 2, 7].into(), false);
        assert_eq!((one.name(key), one.name(key).len()), (one.name(key), 32));
        assert_ne!(one.name(key), other.name(key));
    }
}
