//! A record as it is on disk. Whoever has no key can still tell whether it is what was written, and where it belongs.
//!
//! ```text
//!  0   4  "PJE1"
//!  4   4  length of the whole entry
//!  8   8  index, from 0
//! 16   8  time, milliseconds since 1970
//! 24   8  how many records were on disk for certain when this one was written
//! 32   1  class
//! 33   1  mark: 0, or 1 where a torn end was cut off before this entry
//! 34   2  zero
//! 36   8  id of the data key
//! 44  12  nonce, random
//! 56  32  hash of the entry before, or SHA-256 of the origin
//! 88   n  ciphertext
//!     16  tag
//!     32  hash: SHA-256 of a zero byte and everything before it (the leaf hash of RFC 6962)
//! ```
//! Numbers are big-endian. The cipher is AES-256-GCM-SIV (RFC 8452) with the first 88 bytes as its context: it forgives a nonce that comes
//! twice, which a machine restored from a snapshot could bring about.

use aws_lc_rs::{
    aead::{Aad, LessSafeKey, Nonce},
    rand,
};

use super::{
    kind::Class,
    record,
    tree::{self, Hash},
};

pub(super) const MAGIC: [u8; 4] = *b"PJE1";
const HEADER: usize = 88;
const TAG: usize = 16;
const HASH: usize = 32;
const SHORTEST: usize = HEADER + TAG + HASH;
/// Most bytes of an entry.
pub(super) const LONGEST: usize = SHORTEST + record::LONGEST;

/// What tells a data key from the others; nothing of the key.
pub(super) type KeyId = [u8; 8];

/// Where an entry belongs, and what is to be known of it without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) durable: u64,
    pub(super) class: Class,
    pub(super) cut: bool,
    pub(super) key: KeyId,
    pub(super) previous: Hash,
}

/// The cipher has refused, or the system gave no random bytes.
#[derive(Debug)]
pub(super) struct Failed;

/// Appends an entry to `out`; its hash.
pub(super) fn seal(place: &Place, text: &[u8], key: &LessSafeKey, out: &mut Vec<u8>) -> Result<Hash, Failed> {
    let start = out.len();
    let length = u32::try_from(SHORTEST + text.len()).map_err(|_| Failed)?;
    let mut nonce = [0; 12];
    rand::fill(&mut nonce).map_err(|_| Failed)?;
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length.to_be_bytes());
    for number in [place.index, place.time, place.durable] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&[place.class as u8, place.cut.into(), 0, 0]);
    out.extend_from_slice(&place.key);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&place.previous);
    out.extend_from_slice(text);
    let (header, text) = out[start..].split_at_mut(HEADER);
    let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), text);
    out.extend_from_slice(tag.map_err(|_| Failed)?.as_ref());
    let hash = tree::leaf(&out[start..]);
    out.extend_from_slice(&hash);
    Ok(hash)
}

/// Why bytes are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// They end before it does.
    Short,
    /// They do not begin like one.
    Shape,
    /// Its hash is not that of its bytes.
    Hash,
}

/// An entry whose hash is that of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    bytes: &'a [u8],
    pub(super) place: Place,
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.place.index)
    }
}

impl<'a> Entry<'a> {
    /// The entry that `bytes` begin with.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let begun = bytes.len().min(MAGIC.len());
        if bytes[..begun] != MAGIC[..begun] {
            return Err(Fault::Shape);
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else { return Err(Fault::Short) };
        let number = |at: usize| header[at..at + 8].iter().fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
        let length = usize::try_from(number(4) >> 32).unwrap_or(usize::MAX);
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(Fault::Shape);
        }
        let Some(bytes) = bytes.get(..length) else { return Err(Fault::Short) };
        let (covered, hash) = bytes.split_at(length - HASH);
        if tree::leaf(covered) != *hash {
            return Err(Fault::Hash);
        }
        let (mut key, mut previous) = (KeyId::default(), Hash::default());
        key.copy_from_slice(&header[36..44]);
        previous.copy_from_slice(&header[56..]);
        let class = Class::of(header[32]).filter(|_| header[33] <= 1 && header[34..36] == [0, 0]);
        let class = class.ok_or(Fault::Shape)?;
        let (index, time, durable, cut) = (number(8), number(16), number(24), header[33] == 1);
        Ok(Self { bytes, place: Place { index, time, durable, class, cut, key, previous } })
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Its leaf hash, which the next entry repeats.
    pub(super) fn hash(&self) -> Hash {
        self.bytes[self.bytes.len() - HASH..].try_into().unwrap_or_default()
    }

    /// What it says; `None` where `key` has not sealed it.
    pub(super) fn open<'b>(&self, key: &LessSafeKey, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        let nonce = Nonce::assume_unique_for_key(self.bytes[44..56].try_into().ok()?);
        buffer.clear();
        buffer.extend_from_slice(&self.bytes[HEADER..self.bytes.len() - HASH]);
        key.open_in_place(nonce, Aad::from(&self.bytes[..HEADER]), buffer).ok().map(|text| &*text)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_256_GCM_SIV, UnboundKey};

    use super::*;

    fn key(byte: u8) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &[byte; 32]).expect("a key"))
    }

    fn sealed(text: &[u8]) -> Vec<u8> {
        let place = Place {
            index: 7,
            time: 1_700_000_000_000,
            durable: 5,
            class: Class::Grants,
            cut: true,
            key: [9; 8],
            previous: [3; 32],
        };
        let mut out = Vec::new();
        seal(&place, text, &key(1), &mut out).expect("sealed");
        out
    }

    #[test]
    fn it_opens_with_its_key_alone() {
        let bytes = sealed(b"what was said");
        let entry = Entry::read(&bytes).expect("whole");
        assert_eq!((entry.place.index, entry.place.durable, entry.place.class), (7, 5, Class::Grants));
        assert!(entry.place.cut && entry.place.previous == [3; 32] && entry.len() == bytes.len());
        let mut buffer = Vec::new();
        assert_eq!(entry.open(&key(1), &mut buffer), Some(&b"what was said"[..]));
        assert_eq!(entry.open(&key(2), &mut buffer), None);
        assert!(memchr::memmem::find(&bytes, b"said").is_none());
        assert_ne!(bytes, sealed(b"what was said"), "no two are alike");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes = sealed(b"what was said");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(Entry::read(&other).is_err(), "byte {at}");
            }
            assert_eq!(Entry::read(&bytes[..at]), Err(Fault::Short), "cut to {at}");
        }
    }
}
