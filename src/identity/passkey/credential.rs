//! What is kept of a passkey, in the staff file with its account.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// Bytes of a [`Passkey::handle`].
pub const HANDLE: usize = 16;
/// Most passkeys of an account.
pub const MOST: usize = 16;
/// Longest name of a passkey, in characters.
pub const LONGEST_NAME: usize = 64;

/// A passkey. It is no secret, and tells one person from others: no format shows what is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// What it calls itself.
    pub id: Vec<u8>,
    /// The random name that its authenticator knows the person by, the same in all passkeys of an account.
    pub handle: [u8; HANDLE],
    /// The site that it is for: a host without a port, or a domain.
    pub host: String,
    /// Its public key, as COSE.
    pub key: Vec<u8>,
    /// How many signatures it had made; 0 where it doesn't count.
    pub counter: u32,
    /// Whether it may be copied to other devices of the person, which does not change.
    pub copied: bool,
    /// When the challenge of its last sign-in was issued, in milliseconds since 1970: none of before counts any more.
    #[serde(default)]
    pub last: u64,
    /// What its owner calls it.
    pub name: String,
    /// Seconds since 1970.
    pub created: u64,
}

impl std::fmt::Debug for Passkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passkey")
    }
}

impl Passkey {
    /// What pages and commands tell it from others by: twelve hexadecimal digits.
    #[must_use]
    pub fn tag(&self) -> String {
        let hash = digest::digest(&digest::SHA256, &self.id);
        let number = hash.as_ref()[..6].iter().fold(0_u64, |number, b| number << 8 | u64::from(*b));
        format!("{number:012x}")
    }
}

/// A name as people type it, without what can't be seen; `None` where nothing is left, or too much.
#[must_use]
pub fn name(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    (1..=LONGEST_NAME).contains(&text.chars().count()).then_some(text)
}
