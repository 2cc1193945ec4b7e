//! Names of a session: the secret one in a cookie, and two that are made from it and don't lead back.

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The cookie that holds an [`Id`].
pub const COOKIE: &str = "__Host-privet-session";

/// The random 256 bits that a browser holds.
pub struct Id(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Id")
    }
}

impl Id {
    /// A new one; `None` when the system gives no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut *bytes).ok().map(|()| Self(bytes))
    }

    /// From a cookie's value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        // The decoder asks for room for whole groups of four.
        let mut room = Zeroizing::new([0; 33]);
        let length = (text.len() == 43).then(|| BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut *room).ok())??;
        (length == 32).then(|| {
            bytes.copy_from_slice(&room[..32]);
            Self(bytes)
        })
    }

    /// The cookie's value.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// What the session is kept under.
    #[must_use]
    pub fn key(&self) -> Key {
        let digest = digest::digest(&digest::SHA256, &*self.0);
        Key(std::array::from_fn(|i| digest.as_ref()[i]))
    }
}

/// SHA-256 of an [`Id`], or of a provider's name for sessions: who reads the table, or a dump of it, can't take part in a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// What the end of all sessions is kept under that an issuer calls `name`.
    #[must_use]
    pub fn of_name(issuer: &str, name: &str) -> Self {
        let text = format!("privet session name\0{issuer}\0{name}");
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        Self(std::array::from_fn(|i| digest.as_ref()[i]))
    }

    /// What people name the session by: 16 hexadecimal digits.
    #[must_use]
    pub fn handle(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &[b"privet session handle", &self.0[..]].concat());
        let number = digest.as_ref()[..8].iter().fold(0_u64, |number, b| number << 8 | u64::from(*b));
        format!("{number:016x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_cookie() {
        let id = Id::random().expect("random bytes");
        let same = Id::parse(&id.text()).expect("an id");
        assert_eq!(id.key(), same.key());
        assert_ne!(id.key(), Id::random().expect("random bytes").key());
        assert_eq!(id.key().handle().len(), 16);
        for bad in ["", "AAAA", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43)] {
            assert!(Id::parse(bad).is_none(), "{bad}");
        }
    }
}
