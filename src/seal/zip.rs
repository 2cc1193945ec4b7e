//! Archives that a passphrase opens: a ZIP with one file, deflated and sealed by AES-256 (AE-2), written as it comes.
//!
//! 7-Zip, Keka, Bandizip and libarchive open it; what Windows and macOS bring of their own does not. The format derives its keys by PBKDF2 with HMAC-SHA-1 and a thousand rounds,
//! which would be too few for a password that people think of: so a [`Passphrase`] is 140 random bits, and nobody guesses one however fast
//! they are. Its tag has 80 bits. Name, time and lengths of the file stand in clear.
//!
//! APPNOTE.TXT 6.3.10 and <https://www.winzip.com/en/support/aes-encryption/> have the format. Sizes are not known before the end, so they stand behind
//! the data, in 64 bits; the directory at the end has 64 bits where it takes them.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, UnboundCipherKey},
    hmac, pbkdf2, rand,
};
use compression_codecs::{
    DeflateEncoder, EncodeV2,
    core::{
        Level,
        util::{PartialBuffer, WriteBuffer},
    },
    flate::params::FlateEncoderParams,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Rounds that the format has.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1000).expect("more than none");
const SALT: usize = 16;
const KEY: usize = 32;
/// Bytes that tell a wrong passphrase at once, most of the time.
const CHECK: usize = 2;
const TAG: usize = 10;
const BLOCK: usize = 16;
/// Key stream that is made at a time.
const AHEAD: usize = 256 * BLOCK;
/// Most that one step of the compression gives.
const STEP: usize = 16 << 10;

/// Sealed, sizes behind the data, name in UTF-8.
const FLAGS: u16 = 1 | 1 << 3 | 1 << 11;
/// Version 5.1 of the format, which has AES.
const VERSION: u16 = 51;
/// "Sealed by AES": the extra field says what is below.
const METHOD: u16 = 99;
/// What does not fit into 32 bits stands in an extra field.
const ELSEWHERE: u32 = u32::MAX;

/// Why an archive can't be written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the archive could not be written")]
pub struct Failed;

/// What opens an archive: 28 letters and digits that can't be taken for each other, in groups of four.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl Passphrase {
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const LENGTH: usize = 28;

    /// A new one; `None` when the system gives no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        rand::fill(&mut *bytes).ok()?;
        let mut text = Zeroizing::new(String::with_capacity(Self::LENGTH + Self::LENGTH / 4));
        for (number, byte) in bytes.iter().enumerate() {
            if number > 0 && number % 4 == 0 {
                text.push('-');
            }
            // 32 divides 256: every sign is as likely as any other.
            text.push(char::from(Self::SIGNS[usize::from(byte % 32)]));
        }
        Some(Self(text))
    }

    /// One that was made before and kept; `None` where it can't have been.
    #[must_use]
    pub fn kept(text: &str) -> Option<Self> {
        let groups = || text.split('-');
        let legal = |group: &str| group.len() == 4 && group.bytes().all(|b| Self::SIGNS.contains(&b));
        (groups().count() == Self::LENGTH / 4 && groups().all(legal)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// As people type it, dashes and all.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// An archive under way.
pub struct Zip {
    name: Vec<u8>,
    /// Time and date, as the format has them.
    stamp: [u16; 2],
    salt: [u8; SALT],
    check: [u8; CHECK],
    deflate: DeflateEncoder,
    room: Box<[u8]>,
    seal: Seal,
    has_begun: bool,
    sizes: Sizes,
}

/// Bytes of the file: as it is, and as it lies in the archive.
#[derive(Debug, Clone, Copy, Default)]
struct Sizes {
    plain: u64,
    packed: u64,
}

impl std::fmt::Debug for Zip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zip").field("sizes", &self.sizes).finish_non_exhaustive()
    }
}

impl Zip {
    /// One that holds a file of this name, made at `at` by the reader's clock. `None` where there is no randomness, or the library refuses.
    #[must_use]
    pub fn new(name: &str, passphrase: &Passphrase, at: OffsetDateTime) -> Option<Self> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).ok()?;
        let mut keys = Zeroizing::new([0; KEY + KEY + CHECK]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, &salt, passphrase.text().as_bytes(), &mut *keys);
        let (cipher, rest) = keys.split_at(KEY);
        let (tag, check) = rest.split_at(KEY);
        Some(Self {
            name: name.as_bytes().to_vec(),
            stamp: stamp(at),
            salt,
            check: [check[0], check[1]],
            deflate: DeflateEncoder::new(FlateEncoderParams::from(Level::Precise(4))),
            room: vec![0; STEP].into_boxed_slice(),
            seal: Seal::new(cipher, tag)?,
            has_begun: false,
            sizes: Sizes::default(),
        })
    }

    /// Takes a piece of the file in; appends what can go out.
    ///
    /// # Errors
    /// When the library fails.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        self.begin(out);
        self.sizes.plain += bytes.len() as u64;
        let mut source = PartialBuffer::new(bytes);
        while !source.unwritten().is_empty() {
            let mut sink = WriteBuffer::new_initialized(&mut self.room);
            self.deflate.encode(&mut source, &mut sink).map_err(|_| Failed)?;
            let from = out.len();
            out.extend_from_slice(sink.written());
            self.seal(from, out)?;
        }
        Ok(())
    }

    /// The file ends here: appends the rest of the archive.
    ///
    /// # Errors
    /// When the library fails.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Failed> {
        self.begin(out);
        let mut done = false;
        while !done {
            let mut sink = WriteBuffer::new_initialized(&mut self.room);
            done = self.deflate.finish(&mut sink).map_err(|_| Failed)?;
            let from = out.len();
            out.extend_from_slice(sink.written());
            self.seal(from, out)?;
        }
        out.extend_from_slice(&self.seal.tag.clone().sign().as_ref()[..TAG]);
        self.sizes.packed += (SALT + CHECK + TAG) as u64;
        put(out, &[&le32(0x0807_4b50), &le32(0), &le64(self.sizes.packed), &le64(self.sizes.plain)]);
        self.directory(out);
        Ok(())
    }

    fn seal(&mut self, from: usize, out: &mut [u8]) -> Result<(), Failed> {
        self.sizes.packed += (out.len() - from) as u64;
        self.seal.apply(&mut out[from..])
    }

    /// The head of the file, with its sizes left open.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        out.extend(le32(0x0403_4b50));
        let wide = wide(Sizes::default());
        self.common([ELSEWHERE; 2], wide.len(), out);
        put(out, &[&self.name, &wide, &SEALED, &self.salt, &self.check]);
    }

    /// What the head of the file and the directory both say of it.
    fn common(&self, sizes: [u32; 2], wide: usize, out: &mut Vec<u8>) {
        let [time, date] = self.stamp;
        let words = [VERSION, FLAGS, METHOD, time, date];
        out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // No sum of the plain file: the tag is better, and a sum would tell of it.
        put(out, &[&le32(0), &le32(sizes[0]), &le32(sizes[1])]);
        let lengths = [short(self.name.len()), short(wide + SEALED.len())];
        out.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
    }

    fn directory(&self, out: &mut Vec<u8>) {
        let narrow = |n: u64| u32::try_from(n).ok().filter(|n| *n < ELSEWHERE);
        let (sizes, extra) = match (narrow(self.sizes.packed), narrow(self.sizes.plain)) {
            (Some(packed), Some(plain)) => ([packed, plain], Vec::new()),
            _ => ([ELSEWHERE; 2], wide(self.sizes)),
        };
        let head = 30 + self.name.len() + wide(self.sizes).len() + SEALED.len();
        // Behind the head, the file, and its sizes.
        let at = head as u64 + self.sizes.packed + 24;
        let from = out.len();
        // Made on Unix, where only its owner may read the file.
        put(out, &[&le32(0x0201_4b50), &(VERSION | 3 << 8).to_le_bytes()]);
        self.common(sizes, extra.len(), out);
        put(out, &[&[0; 2], &[0; 2], &[0; 2], &le32(0o100_600 << 16), &le32(0), &self.name, &extra, &SEALED]);
        let length = (out.len() - from) as u64;
        if narrow(at).is_none() {
            let end = at + length;
            put(out, &[&le32(0x0606_4b50), &le64(44), &(VERSION | 3 << 8).to_le_bytes(), &VERSION.to_le_bytes()]);
            put(out, &[&le32(0), &le32(0), &le64(1), &le64(1), &le64(length), &le64(at)]);
            put(out, &[&le32(0x0706_4b50), &le32(0), &le64(end), &le32(1)]);
        }
        put(out, &[&le32(0x0605_4b50), &[0; 4], &[1, 0, 1, 0]]);
        put(out, &[&le32(narrow(length).unwrap_or(ELSEWHERE)), &le32(narrow(at).unwrap_or(ELSEWHERE)), &[0; 2]]);
    }
}

/// AE-2 by AES-256, and what is sealed was deflated.
const SEALED: [u8; 11] = [0x01, 0x99, 7, 0, 2, 0, b'A', b'E', 3, 8, 0];

/// Sizes in 64 bits.
fn wide(sizes: Sizes) -> Vec<u8> {
    [&[1, 0, 16, 0], &le64(sizes.plain)[..], &le64(sizes.packed)[..]].concat()
}

fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

fn le32(n: u32) -> [u8; 4] {
    n.to_le_bytes()
}

fn le64(n: u64) -> [u8; 8] {
    n.to_le_bytes()
}

/// Names and extra fields are short.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Time and date in the format of DOS, which knows years from 1980 on and every other second.
fn stamp(at: OffsetDateTime) -> [u16; 2] {
    let (hour, minute, second) = (u16::from(at.hour()), u16::from(at.minute()), u16::from(at.second()));
    let year = u16::try_from(at.year().clamp(1980, 2107) - 1980).unwrap_or(0);
    let date = year << 9 | u16::from(u8::from(at.month())) << 5 | u16::from(at.day());
    [hour << 11 | minute << 5 | second >> 1, date]
}

/// AES in counter mode and a tag over what comes of it. The counter is little-endian, as nobody else has it, so its blocks are made here.
struct Seal {
    cipher: EncryptingKey,
    tag: hmac::Context,
    counter: u128,
    stream: Zeroizing<Vec<u8>>,
    /// What of the stream was used.
    used: usize,
}

impl Seal {
    fn new(cipher: &[u8], tag: &[u8]) -> Option<Self> {
        let cipher = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, cipher).ok()?).ok()?;
        let tag = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, tag));
        Some(Self { cipher, tag, counter: 1, stream: Zeroizing::new(vec![0; AHEAD]), used: AHEAD })
    }

    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Failed> {
        let mut rest = &mut *bytes;
        while !rest.is_empty() {
            if self.used == AHEAD {
                self.more()?;
            }
            let take = rest.len().min(AHEAD - self.used);
            let (now, later) = rest.split_at_mut(take);
            xor(now, &self.stream[self.used..self.used + take]);
            self.used += take;
            rest = later;
        }
        self.tag.update(bytes);
        Ok(())
    }

    fn more(&mut self) -> Result<(), Failed> {
        for block in self.stream.chunks_exact_mut(BLOCK) {
            block.copy_from_slice(&self.counter.to_le_bytes());
            self.counter = self.counter.wrapping_add(1);
        }
        self.cipher.encrypt(&mut self.stream).map_err(|_| Failed)?;
        self.used = 0;
        Ok(())
    }
}

fn xor(bytes: &mut [u8], keys: &[u8]) {
    let (words, rest) = bytes.as_chunks_mut::<BLOCK>();
    let (key_words, rest_keys) = keys.as_chunks::<BLOCK>();
    for (word, key) in words.iter_mut().zip(key_words) {
        *word = (u128::from_ne_bytes(*word) ^ u128::from_ne_bytes(*key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(rest_keys) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use compression_codecs::{DecodeV2, DeflateDecoder};

    use super::*;

    fn zip() -> (Zip, Passphrase) {
        let passphrase = Passphrase::random().expect("random");
        let at = OffsetDateTime::from_unix_timestamp(1_795_797_001).expect("a time");
        (Zip::new("명단.csv", &passphrase, at).expect("an archive"), passphrase)
    }

    fn archive(plain: &[u8], cut: usize) -> (Vec<u8>, Passphrase) {
        let ((mut zip, passphrase), mut out) = (zip(), Vec::new());
        for piece in plain.chunks(cut) {
            zip.push(piece, &mut out).expect("taken");
        }
        zip.finish(&mut out).expect("ended");
        (out, passphrase)
    }

    fn number(bytes: &[u8]) -> usize {
        bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b))
    }

    /// Reads an archive as its directory has it; what is wrong with it, otherwise.
    fn opened(archive: &[u8], passphrase: &str) -> Result<Vec<u8>, &'static str> {
        let end = archive.len() - 22;
        assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
        let directory = &archive[number(&archive[end + 16..end + 20])..end];
        assert_eq!(directory.len(), number(&archive[end + 12..end + 16]));
        assert_eq!(&directory[..4], b"PK\x01\x02");
        let (packed, plain) = (number(&directory[20..24]), number(&directory[24..28]));
        let name = number(&archive[26..28]);
        assert_eq!(&archive[30..30 + name], "명단.csv".as_bytes());
        let data = &archive[30 + name + number(&archive[28..30])..][..packed];
        let (salt, rest) = data.split_at(SALT);
        let (check, rest) = rest.split_at(CHECK);
        let (sealed, tag) = rest.split_at(rest.len() - TAG);
        let mut keys = [0; 66];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, salt, passphrase.as_bytes(), &mut keys);
        if keys[64..] != *check {
            return Err("passphrase");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys[32..64]);
        if hmac::sign(&key, sealed).as_ref()[..TAG] != *tag {
            return Err("tag");
        }
        let cipher = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, &keys[..32]).expect("a key")).expect("a mode");
        let mut deflated = sealed.to_vec();
        for (number, block) in deflated.chunks_mut(BLOCK).enumerate() {
            let mut key = (number as u128 + 1).to_le_bytes();
            cipher.encrypt(&mut key).expect("a block");
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        }
        let mut room = vec![0; plain + 1];
        let mut source = PartialBuffer::new(deflated.as_slice());
        let mut sink = WriteBuffer::new_initialized(&mut room);
        while !DeflateDecoder::new().decode(&mut source, &mut sink).map_err(|_| "deflate")? {}
        assert_eq!(sink.written_len(), plain);
        Ok(sink.written().to_vec())
    }

    #[test]
    fn what_was_taken_in_comes_out_whatever_the_cuts() {
        let text: Vec<u8> = (0..40_000_u32).flat_map(|n| (n.wrapping_mul(n) % 977).to_string().into_bytes()).collect();
        for (plain, cut) in [(&text[..], 1000), (&text, 70_000), (&text[..17], 1), (b"", 1)] {
            let (archive, passphrase) = archive(plain, cut);
            assert_eq!(opened(&archive, passphrase.text()).as_deref(), Ok(plain));
            let other = Passphrase::random().expect("random");
            assert!(opened(&archive, other.text()).is_err());
        }
        let (mut archive, passphrase) = archive(&text, 5000);
        let middle = archive.len() / 2;
        archive[middle] ^= 1;
        assert_eq!(opened(&archive, passphrase.text()), Err("tag"));
    }

    #[test]
    fn what_is_larger_than_32_bits_has_64() {
        let ((mut zip, _), mut out) = (zip(), Vec::new());
        zip.push(b"x", &mut out).expect("taken");
        zip.sizes = Sizes { plain: 5 << 32, packed: 4 << 32 };
        let from = out.len();
        zip.finish(&mut out).expect("ended");
        let end = &out[from..];
        let at = |sign: &[u8]| memchr::memmem::find(end, sign).unwrap_or_else(|| panic!("no {sign:?}"));
        let directory = &end[at(b"PK\x01\x02")..];
        assert_eq!((number(&directory[20..24]), number(&directory[24..28])), (0xFFFF_FFFF, 0xFFFF_FFFF));
        let wide = &directory[46 + "명단.csv".len()..];
        assert_eq!((number(&wide[..2]), number(&wide[4..12])), (1, 5 << 32));
        let packed = number(&wide[12..20]);
        let record = &end[at(b"PK\x06\x06")..];
        let place = number(&record[48..56]);
        assert_eq!(place, 30 + "명단.csv".len() + 20 + 11 + packed + 24);
        let locator = &end[at(b"PK\x06\x07")..];
        assert_eq!(number(&locator[8..16]), place + number(&record[40..48]));
        assert_eq!(number(&end[end.len() - 6..end.len() - 2]), 0xFFFF_FFFF);
    }

    #[test]
    fn passphrases_are_long_and_stay_unsaid() {
        let passphrase = Passphrase::random().expect("random");
        assert_eq!(passphrase.text().len(), 34);
        assert_eq!(Passphrase::kept(passphrase.text()), Some(passphrase.clone()));
        for bad in ["", "ABCD", &passphrase.text()[1..], "OOOO-OOOO-OOOO-OOOO-OOOO-OOOO-OOOO"] {
            assert!(Passphrase::kept(bad).is_none(), "{bad}");
        }
        let (zip, passphrase) = zip();
        assert!(!format!("{zip:?} {passphrase:?}").contains(passphrase.text()));
        assert_eq!(zip.stamp, [0x83C0, 0x5D7B]);
    }
}
