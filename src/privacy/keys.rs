//! Keys of the rewriting: one secret an epoch, and everything that is derived from it.
//!
//! A plain hash of a telephone number falls in seconds, since there are only some 10^8 of them; so nothing here is unkeyed.
//! Every use has a key of its own (HMAC-SHA256 over a label, as HKDF-Expand's first block, RFC 5869), so that a token of a log
//! tells nothing about a value that another output or another room has rewritten.
//!
//! A [`Ring`] holds the epochs of a key file: the last is used for writing, the others open what was encrypted in their time. Deleting
//! an epoch's line destroys it: tokens of that time can no longer be made again from a guess, and nothing encrypted then can be opened.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::SecureRandom as _,
};
use ipcrypt_rs::IpcryptPfx;
use zeroize::Zeroizing;

use crate::seal::{self, keys::SECRET};

/// The cryptographic library gave no random bytes, or refused a key.
#[derive(Debug, thiserror::Error)]
#[error("the cryptographic library failed")]
pub struct Invalid;

/// The keys of one epoch.
pub struct Keys {
    epoch: String,
    token: hmac::Key,
    nonce: hmac::Key,
    seal: LessSafeKey,
    prefix: IpcryptPfx,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Keys {
    /// Derives every key from an epoch's secret.
    ///
    /// # Errors
    /// When the library refuses a key, which it does for none of the right length.
    pub fn derive(epoch: &str, secret: &[u8; SECRET]) -> Result<Self, Invalid> {
        let sub = |label: &str| sub_key(secret, label);
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, &*sub("privet privacy encrypt 1")).map_err(|_| Invalid)?;
        Ok(Self {
            epoch: epoch.to_owned(),
            token: hmac::Key::new(hmac::HMAC_SHA256, &*sub("privet privacy token 1")),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, &*sub("privet privacy nonce 1")),
            seal: LessSafeKey::new(unbound),
            // The halves differ but for one chance in 2^128.
            prefix: IpcryptPfx::new(*sub("privet privacy address 1")),
        })
    }

    /// Keys that live as long as the process.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn ephemeral() -> Result<Self, Invalid> {
        Self::derive("ephemeral", &*secret()?)
    }

    /// The epoch's name.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// What tells these keys from others, and nothing about them.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 10] {
        self.tag("", b"fingerprint")
    }

    /// The first 80 bits of the HMAC of a type's name, a zero and the canonical value.
    pub(super) fn tag(&self, kind: &str, canonical: &[u8]) -> [u8; 10] {
        let tag = keyed(&self.token, kind, canonical);
        std::array::from_fn(|i| tag.as_ref()[i])
    }

    /// Encrypts `value`, bound to its type: nonce, ciphertext and tag. Equal values give equal bytes, so that a stream's cuts
    /// can't matter; AES-GCM-SIV (RFC 8452) is safe with a nonce that is derived from what it encrypts.
    pub(super) fn seal(&self, kind: &str, value: &[u8]) -> Option<Vec<u8>> {
        let tag = keyed(&self.nonce, kind, value);
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|i| tag.as_ref()[i]);
        let mut body = value.to_vec();
        self.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kind), &mut body).ok()?;
        Some([&nonce[..], &body].concat())
    }

    /// Opens what [`Keys::seal`] made; nothing where the key, the type or a byte is another.
    pub(super) fn open(&self, kind: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let length =
            self.seal.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(kind), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }

    /// Encrypts an address so that addresses of one network stay of one network (ipcrypt-pfx, draft-denis-ipcrypt).
    pub(super) fn preserve(&self, address: std::net::IpAddr) -> std::net::IpAddr {
        self.prefix.encrypt_ipaddr(address)
    }
}

fn keyed(key: &hmac::Key, kind: &str, value: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(kind.as_bytes());
    context.update(&[0]);
    context.update(value);
    context.sign()
}

fn sub_key(secret: &[u8; SECRET], label: &str) -> Zeroizing<[u8; SECRET]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &[label.as_bytes(), &[1]].concat());
    let mut key = Zeroizing::new([0; SECRET]);
    key.copy_from_slice(tag.as_ref());
    key
}

fn secret() -> Result<Zeroizing<[u8; SECRET]>, Invalid> {
    let mut secret = Zeroizing::new([0; SECRET]);
    aws_lc_rs::rand::SystemRandom::new().fill(&mut *secret).map_err(|_| Invalid)?;
    Ok(secret)
}

/// All epochs, oldest first.
#[derive(Debug)]
pub struct Ring(Vec<Arc<Keys>>);

impl Ring {
    /// Derives the keys of every epoch of a key file.
    ///
    /// # Errors
    /// When the library refuses a key, which it does for none of the right length.
    pub fn of(file: &seal::Ring) -> Result<Self, Invalid> {
        file.keys().map(|key| Keys::derive(key.epoch(), key.secret()).map(Arc::new)).collect::<Result<_, _>>().map(Self)
    }

    /// The epoch that is written with.
    #[must_use]
    pub fn current(&self) -> Arc<Keys> {
        // A ring is never empty.
        Arc::clone(&self.0[self.0.len() - 1])
    }

    /// The epoch of a name.
    #[must_use]
    pub fn find(&self, epoch: &str) -> Option<&Keys> {
        self.0.iter().find(|keys| keys.epoch == epoch).map(|keys| &**keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_has_a_key_of_its_own() {
        let keys = Keys::derive("a", &[7; SECRET]).expect("valid");
        let other = Keys::derive("b", &[8; SECRET]).expect("valid");
        assert_ne!(keys.tag("EMAIL_ADDRESS", b"a@b.cd"), other.tag("EMAIL_ADDRESS", b"a@b.cd"));
        assert_ne!(keys.tag("EMAIL_ADDRESS", b"1"), keys.tag("PHONE_NUMBER", b"1"));
        let sealed = keys.seal("PERSON", "김서윤".as_bytes()).expect("sealed");
        assert_eq!(keys.open("PERSON", &sealed).as_deref(), Some("김서윤".as_bytes()));
        assert!(keys.open("EMAIL_ADDRESS", &sealed).is_none() && other.open("PERSON", &sealed).is_none());
        for i in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[i] ^= 1;
            assert!(keys.open("PERSON", &bent).is_none());
        }
        assert!(keys.open("PERSON", b"short").is_none());
    }

    #[test]
    fn networks_stay_together() {
        let keys = Keys::derive("a", &[7; SECRET]).expect("valid");
        let [a, b, c] = ["10.1.2.3", "10.1.2.200", "10.9.2.3"].map(|ip| match keys.preserve(ip.parse().expect("ip")) {
            std::net::IpAddr::V4(ip) => ip.octets(),
            std::net::IpAddr::V6(_) => [0; 4],
        });
        assert_eq!(a[..3], b[..3]);
        assert_ne!(a[..2], c[..2]);
    }
}
