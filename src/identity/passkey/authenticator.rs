//! What an authenticator says, and signs: authenticator data (Web Authentication, section 6.1).

use aws_lc_rs::{constant_time, digest};

use super::{
    cbor::{Reader, Value},
    cose::PublicKey,
};

/// Longest name of a credential, in bytes (section 5.8.3).
pub const LONGEST_ID: usize = 1023;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const MAY_BE_BACKED_UP: u8 = 1 << 3;
const IS_BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// Authenticator data.
#[derive(Debug)]
pub struct Data<'a> {
    site: &'a [u8],
    flags: u8,
    /// Counts its signatures, or stays 0.
    pub counter: u32,
    /// The credential that was made, where one was.
    pub credential: Option<Made<'a>>,
}

/// A credential that was made.
#[derive(Debug)]
pub struct Made<'a> {
    /// Its name.
    pub id: &'a [u8],
    /// Its public key.
    pub key: PublicKey<'a>,
    /// The same, as it came.
    pub cose: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads all of `bytes`; `None` where it is something else.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (site, rest) = bytes.split_at_checked(32)?;
        let (&[flags], rest) = rest.split_first_chunk()?;
        let (counter, mut rest) = rest.split_first_chunk()?;
        let mut credential = None;
        if flags & HAS_CREDENTIAL != 0 {
            let (made, after) = Made::read(rest)?;
            (credential, rest) = (Some(made), after);
        }
        if flags & HAS_EXTENSIONS != 0 {
            let mut reader = Reader::new(rest);
            reader.skip()?;
            rest = reader.rest();
        }
        rest.is_empty().then_some(Self { site, flags, counter: u32::from_be_bytes(*counter), credential })
    }

    /// Whether it is for the site called `host`.
    #[must_use]
    pub fn is_of(&self, host: &str) -> bool {
        let hash = digest::digest(&digest::SHA256, host.as_bytes());
        constant_time::verify_slices_are_equal(hash.as_ref(), self.site).is_ok()
    }

    /// Whether a person was there, and was verified: by a PIN, a finger, a face.
    #[must_use]
    pub fn has_verified(&self) -> bool {
        let both = USER_PRESENT | USER_VERIFIED;
        self.flags & both == both
    }

    /// Whether it may be copied to other devices of the same person. `None` where it is said to be copied and that it can't be.
    #[must_use]
    pub fn may_be_backed_up(&self) -> Option<bool> {
        let may = self.flags & MAY_BE_BACKED_UP != 0;
        (may || self.flags & IS_BACKED_UP == 0).then_some(may)
    }
}

impl<'a> Made<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        // The first 16 name the model of the authenticator, and nobody vouches for them.
        let (_, rest) = bytes.split_at_checked(16)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, rest) = rest.split_at_checked(length).filter(|_| (1..=LONGEST_ID).contains(&length))?;
        let mut reader = Reader::new(rest);
        let key = PublicKey::read(&mut reader)?;
        let after = reader.rest();
        Some((Self { id, key, cose: &rest[..rest.len() - after.len()] }, after))
    }
}

/// The authenticator data of an attestation object (section 6.5.4). Its statement is not looked at: none was asked for.
#[must_use]
pub fn of_attestation(object: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(object);
    let Value::Map(pairs) = reader.value()? else { return None };
    let mut data = None;
    for _ in 0..pairs {
        let Value::Text(label) = reader.value()? else { return None };
        if label == "authData" {
            let Value::Bytes(bytes) = reader.value()? else { return None };
            if data.replace(bytes).is_some() {
                return None;
            }
        } else {
            reader.skip()?;
        }
    }
    data.filter(|_| reader.rest().is_empty())
}
