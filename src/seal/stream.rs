//! A sealed file: a header, then segments, each sealed by AES-256-GCM under a key of this file alone.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as age uses it: the nonce is a counter and a flag that
//! only the last segment has, so that segments can't be dropped, doubled, moved or cut off unseen. The file's key is
//! HKDF-SHA256 of a key of the [`Ring`] with a random salt and the whole header as its context: a changed header opens nothing.
//!
//! ```text
//! header   "PRIVSEAL" | version 1 | purpose | 2 zero bytes | key id, 8 | salt, 32
//! segment  length of what follows, 4 bytes big-endian, 2^31 set in the last | ciphertext | tag, 16
//! ```
//! A segment is whole in one write, of whatever length is there: what a killed process had sealed opens, and only its unsealed
//! tail is gone.

use std::io::{self, Read};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, rand,
};

use super::keys::{Id, Key, Ring};

const MAGIC: [u8; 8] = *b"PRIVSEAL";
const VERSION: u8 = 1;
const HEADER: usize = 52;
const TAG: usize = 16;
const LAST: u32 = 1 << 31;
/// Most bytes of plain text in a segment.
pub const LONGEST: usize = 1 << 20;

/// What is sealed; one kind of file can't be passed off as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Access log.
    AccessLog = 1,
    /// Journal.
    Journal = 2,
    /// Quarantined uploads.
    Quarantine = 3,
    /// Back-ups.
    Backup = 4,
    /// Accounts of the staff.
    Staff = 5,
    /// Who has agreed to what.
    Consent = 7,
    /// Bodies that wait for a verdict, while the process lives.
    Spool = 8,
}

/// Why a sealed file does not open. Places are offsets in bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("it can't be read")]
    Io(#[from] io::Error),
    /// It does not start like a sealed file.
    #[error("it is not a sealed file")]
    NotSealed,
    /// A later Privet has sealed it.
    #[error("it is sealed in version {0}, which this Privet does not know")]
    Version(u8),
    /// It is sealed for something else.
    #[error("it is sealed for another purpose")]
    Purpose,
    /// No key of the ring has sealed it.
    #[error("the key {} that sealed it is not in the key file", hex(*.0))]
    UnknownKey(Id),
    /// Bytes were changed, or are out of place.
    #[error("it is damaged at byte {at}")]
    Damaged {
        /// The segment that does not open.
        at: u64,
    },
    /// It stops without its last segment: the process was killed, or the end was cut off.
    #[error("the end is missing: it stops at byte {at}")]
    Truncated {
        /// Where the next segment would be.
        at: u64,
    },
    /// The system gave no random bytes, or the cipher refused.
    #[error("the cipher failed")]
    Cipher,
}

fn hex(id: Id) -> String {
    format!("{:016x}", u64::from_be_bytes(id))
}

/// The key of one file and the number of its next segment.
struct Chain {
    key: LessSafeKey,
    next: u64,
}

impl Chain {
    fn new(key: &Key, header: &[u8; HEADER]) -> Result<Self, Error> {
        let context = [&header[..]];
        let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, &header[20..]).extract(key.secret());
        let material = pseudorandom.expand(&context, &AES_256_GCM).map_err(|_| Error::Cipher)?;
        Ok(Self { key: LessSafeKey::new(UnboundKey::from(material)), next: 0 })
    }

    /// Eleven bytes of counter, one of flag.
    fn nonce(&mut self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals: appends to a buffer what belongs into the file.
pub struct Sealer {
    chain: Chain,
    header: Option<[u8; HEADER]>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({} segments)", self.chain.next)
    }
}

impl Sealer {
    /// For a new file.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(ring: &Ring, purpose: Purpose) -> Result<Self, Error> {
        let key = ring.newest();
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8] = VERSION;
        header[9] = purpose as u8;
        header[12..20].copy_from_slice(&key.id);
        rand::fill(&mut header[20..]).map_err(|_| Error::Cipher)?;
        Ok(Self { chain: Chain::new(key, &header)?, header: Some(header) })
    }

    /// Appends `plain` to `out`, sealed: as one segment, or as several of at most [`LONGEST`] bytes.
    ///
    /// # Errors
    /// When the cipher refuses, which it has no reason to.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        plain.chunks(LONGEST).try_for_each(|chunk| self.segment(chunk, false, out))
    }

    /// Appends the last segment, an empty one: the file has its end.
    ///
    /// # Errors
    /// When the cipher refuses.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.segment(&[], true, out)
    }

    fn segment(&mut self, plain: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(header) = self.header.take() {
            out.extend_from_slice(&header);
        }
        // At most LONGEST and a tag: it fits.
        let length = u32::try_from(plain.len() + TAG).map_err(|_| Error::Cipher)?;
        out.extend_from_slice(&(if last { length | LAST } else { length }).to_be_bytes());
        let start = out.len();
        out.extend_from_slice(plain);
        let nonce = self.chain.nonce(last);
        let tag = self.chain.key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut out[start..]);
        out.extend_from_slice(tag.map_err(|_| Error::Cipher)?.as_ref());
        Ok(())
    }
}

/// Whether the newest key of `ring` has sealed these bytes.
#[must_use]
pub fn is_by_newest(sealed: &[u8], ring: &Ring) -> bool {
    sealed.get(12..20).is_some_and(|id| *id == ring.newest().id)
}

/// Opens a sealed file, segment by segment.
pub struct Opener<R> {
    source: R,
    chain: Chain,
    at: u64,
    ended: bool,
}

impl<R> std::fmt::Debug for Opener<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener(at {})", self.at)
    }
}

impl<R: Read> Opener<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When this is no sealed file of `purpose`, or no key of `ring` has sealed it.
    pub fn new(mut source: R, ring: &Ring, purpose: Purpose) -> Result<Self, Error> {
        let mut header = [0; HEADER];
        let read = fill(&mut source, &mut header)?;
        if read < 8 || header[..8] != MAGIC {
            return Err(Error::NotSealed);
        }
        if read < HEADER {
            return Err(Error::Truncated { at: read as u64 });
        }
        if header[8] != VERSION {
            return Err(Error::Version(header[8]));
        }
        if header[9] != purpose as u8 {
            return Err(Error::Purpose);
        }
        let mut id = Id::default();
        id.copy_from_slice(&header[12..20]);
        let key = ring.named(id).ok_or(Error::UnknownKey(id))?;
        Ok(Self { source, chain: Chain::new(key, &header)?, at: HEADER as u64, ended: false })
    }

    /// What it reads from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// The plain text of the next segment; `None` after the last. `buffer` is scratch, of at most [`LONGEST`] and a tag.
    ///
    /// # Errors
    /// When the segment is damaged or missing. All that came before it was right.
    pub fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Option<&'b [u8]>, Error> {
        let at = self.at;
        let mut head = [0; 4];
        let read = fill(&mut self.source, &mut head)?;
        if self.ended {
            return if read == 0 { Ok(None) } else { Err(Error::Damaged { at }) };
        }
        if read < head.len() {
            return Err(Error::Truncated { at });
        }
        let word = u32::from_be_bytes(head);
        let (last, length) = (word & LAST != 0, (word & !LAST) as usize);
        if !(TAG..=LONGEST + TAG).contains(&length) {
            return Err(Error::Damaged { at });
        }
        buffer.resize(length, 0);
        if fill(&mut self.source, buffer)? < length {
            return Err(Error::Truncated { at });
        }
        let nonce = self.chain.nonce(last);
        let plain = self.chain.key.open_in_place(nonce, Aad::empty(), buffer).map_err(|_| Error::Damaged { at })?;
        self.at += (head.len() + length) as u64;
        self.ended = last;
        if last && plain.is_empty() {
            let mut more = [0];
            return if fill(&mut self.source, &mut more)? == 0 {
                Ok(None)
            } else {
                Err(Error::Damaged { at: self.at })
            };
        }
        Ok(Some(plain))
    }
}

/// Reads until `buffer` is full or the source ends; how many bytes came.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match source.read(&mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
