//! Files that one person's key opens: age, version 1, to one X25519 recipient, written as they come. <https://c2sp.org/age> has the format.

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    hmac,
    rand::{self, SystemRandom},
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use zeroize::Zeroizing;

use super::zip::Failed;

const INTRO: &str = "age-encryption.org/v1\n";
const LABEL: &str = "age-encryption.org/v1/X25519";
const KEY: usize = 32;
const FILE_KEY: usize = 16;
const NONCE: usize = 16;
const CHUNK: usize = 64 << 10;

/// Whose key opens a file: what `age-keygen` prints as a public key.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient([u8; KEY]);

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recipient")
    }
}

impl Recipient {
    /// Reads `age1...`, Bech32 (BIP 173) of 32 bytes; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const SIGNS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        const CHECK: usize = 6;
        let data = text.strip_prefix("age1")?;
        let value = |b: u8| SIGNS.iter().position(|sign| *sign == b).and_then(|value| u8::try_from(value).ok());
        let values: Vec<u8> = data.bytes().map(value).collect::<Option<_>>()?;
        let prefix = b"age".iter().map(|b| b >> 5).chain([0]).chain(b"age".iter().map(|b| b & 31));
        if values.len() != (KEY * 8).div_ceil(5) + CHECK || sum(prefix.chain(values.iter().copied())) != 1 {
            return None;
        }
        let (mut key, mut bits, mut held) = (Vec::with_capacity(KEY), 0_u32, 0_u32);
        for value in &values[..values.len() - CHECK] {
            held = (held << 5 | u32::from(*value)) & 0xFFF;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                key.push(u8::try_from(held >> bits & 0xFF).ok()?);
            }
        }
        // What fills up the last sign is zero.
        (held & ((1 << bits) - 1) == 0).then(|| key.try_into().ok().map(Self))?
    }
}

/// The checksum of Bech32.
fn sum(values: impl Iterator<Item = u8>) -> u32 {
    const TERMS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum, value| {
        let shifted = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        TERMS.iter().enumerate().filter(|(bit, _)| sum >> 25 >> bit & 1 == 1).fold(shifted, |sum, (_, term)| sum ^ term)
    })
}

/// A file under way.
pub struct Age {
    head: Vec<u8>,
    key: LessSafeKey,
    counter: u64,
    held: Vec<u8>,
}

impl std::fmt::Debug for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Age").field("counter", &self.counter).finish_non_exhaustive()
    }
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY
    }
}

/// 32 bytes of HKDF-SHA-256.
fn derived(secret: &[u8], salt: &[u8], label: &str) -> Option<Zeroizing<[u8; KEY]>> {
    let mut out = Zeroizing::new([0; KEY]);
    let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
    extracted.expand(&[label.as_bytes()], Length).ok()?.fill(&mut *out).ok()?;
    Some(out)
}

fn cipher(key: &[u8; KEY]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}

impl Age {
    /// One that `recipient` opens. `None` where there is no randomness, or the library refuses: their key may be none.
    #[must_use]
    pub fn new(recipient: &Recipient) -> Option<Self> {
        let (mut file_key, mut nonce) = (Zeroizing::new([0; FILE_KEY]), [0; NONCE]);
        rand::fill(&mut *file_key).ok()?;
        rand::fill(&mut nonce).ok()?;
        let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let share = own.compute_public_key().ok()?.as_ref().to_vec();
        let salt = [&share[..], &recipient.0].concat();
        let their = UnparsedPublicKey::new(&X25519, recipient.0);
        let wrap = agree_ephemeral(own, their, (), |secret| derived(secret, &salt, LABEL).ok_or(())).ok()?;
        let mut wrapped = file_key.to_vec();
        // A key of its own for each file: its one nonce is zero.
        cipher(&wrap)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut wrapped)
            .ok()?;
        let mut head = format!("{INTRO}-> X25519 {}\n{}\n---", BASE64.encode(&share), BASE64.encode(&wrapped));
        let sum =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*derived(&*file_key, b"", "header")?), head.as_bytes());
        head.extend([" ", &BASE64.encode(sum.as_ref()), "\n"]);
        let mut head = head.into_bytes();
        head.extend(nonce);
        let key = cipher(&*derived(&*file_key, &nonce, "payload")?)?;
        Some(Self { head, key, counter: 0, held: Vec::with_capacity(CHUNK) })
    }

    /// Takes a piece of the file in; appends what can go out.
    ///
    /// # Errors
    /// When the library fails.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        out.append(&mut self.head);
        while !bytes.is_empty() {
            // A full one goes out when there is more: the last is told apart.
            if self.held.len() == CHUNK {
                self.chunk(false, out)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.held.len()));
            self.held.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// The file ends here: appends the rest.
    ///
    /// # Errors
    /// When the library fails.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Failed> {
        out.append(&mut self.head);
        self.chunk(true, out)
    }

    fn chunk(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), Failed> {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.counter.to_be_bytes());
        nonce[11] = u8::from(last);
        self.counter += 1;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut self.held).map_err(|_| Failed)?;
        out.append(&mut self.held);
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `age-keygen`; its secret is thrown away.
    const TEXT: &str = "age1nqyy0cjntj635x0pw8u79362e34tmty6j32aandhrq73k04w8dlshwymnh";

    #[test]
    fn recipients_are_read_with_their_checksum() {
        assert!(Recipient::parse(TEXT).is_some());
        for at in 4..TEXT.len() {
            let mut wrong = TEXT.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            assert!(Recipient::parse(&String::from_utf8(wrong).expect("text")).is_none(), "sign {at}");
        }
        for bad in [
            "",
            "age1",
            "AGE-SECRET-KEY-1",
            &TEXT[..60],
            "age1nqyy0cjntj635x0pw8u79362e34tmty6j32aandhrq73k04w8dlshwymné",
        ] {
            assert!(Recipient::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_file_is_a_head_and_chunks() {
        let recipient = Recipient::parse(TEXT).expect("a recipient");
        let head = INTRO.len() + "-> X25519 ".len() + 43 + 1 + 43 + 1 + "--- ".len() + 43 + 1 + NONCE;
        for (length, chunks) in [(0, 1), (1, 1), (CHUNK, 1), (CHUNK + 1, 2), (3 * CHUNK, 3)] {
            let (mut age, mut out) = (Age::new(&recipient).expect("a file"), Vec::new());
            for piece in vec![7; length].chunks(1000) {
                age.push(piece, &mut out).expect("taken");
            }
            age.finish(&mut out).expect("ended");
            assert_eq!(out.len(), head + length + chunks * 16, "{length}");
            assert!(out.starts_with(INTRO.as_bytes()));
        }
    }
}
