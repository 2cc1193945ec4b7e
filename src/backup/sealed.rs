//! The outside of a back-up: what it is sealed by, then the AEAD stream of room `seal`.
//!
//! ```text
//!  0   8  "PRIVBACK"
//!  8   1  version, 1
//!  9   1  sealed by: 0 a key file, 1 a passphrase
//! 10   2  zero
//! 12   4  Argon2id: memory in KiB      only with a passphrase
//! 16   4            passes
//! 20   4            lanes
//! 24  16            salt
//! ```
//! The key of a passphrase goes through the same derivation as one of a file, so a changed beginning opens nothing.

use std::io::{self, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    digest::{Context, SHA256},
    rand,
};
use zeroize::Zeroizing;

use super::Error;
use crate::seal::{
    Opener, Purpose, Ring, Sealer,
    keys::{SECRET, Secret},
    stream::{self, LONGEST},
};

const MAGIC: [u8; 8] = *b"PRIVBACK";
const VERSION: u8 = 1;
/// Least characters of a passphrase: whoever has the file may guess for years.
const SHORTEST: usize = 15;
/// RFC 9106's second choice.
const COST: Cost = Cost { memory: 64 << 10, passes: 3, lanes: 4 };
/// What a file may ask for at most.
const DEAREST: Cost = Cost { memory: 1 << 20, passes: 16, lanes: 16 };

/// What a back-up is sealed by.
pub enum Key {
    /// Keys in a file that is kept elsewhere.
    File(Ring),
    /// What somebody knows.
    Passphrase(Zeroizing<String>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Key {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "a key file",
            Self::Passphrase(_) => "a passphrase",
        }
    }
}

#[derive(Clone, Copy)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

fn derived(passphrase: &str, cost: Cost, salt: &[u8; 16]) -> Result<Ring, Error> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(SECRET)).map_err(|_| Error::Cost)?;
    let mut secret = Secret::default();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.as_bytes(), salt, &mut **secret).map_err(|_| Error::Cipher)?;
    Ok(Ring::derived("passphrase", secret))
}

/// What a finished back-up is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

/// Counts and hashes what goes through.
pub(super) struct Summed<T> {
    inner: T,
    digest: Context,
    bytes: u64,
}

impl<T> Summed<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, digest: Context::new(&SHA256), bytes: 0 }
    }

    pub(super) fn sum(&self) -> Sum {
        let sha256 = self.digest.clone().finish().as_ref().try_into().unwrap_or_default();
        Sum { sha256, bytes: self.bytes }
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.seen(&buffer[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.seen(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Seals what is put into it.
pub(super) struct Writer<W> {
    out: Summed<W>,
    sealer: Sealer,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, key: &Key) -> Result<Self, Error> {
        let mut out = Summed::new(out);
        let mut head = [&MAGIC[..], &[VERSION, u8::from(matches!(key, Key::Passphrase(_))), 0, 0]].concat();
        let sealer = match key {
            Key::File(ring) => Sealer::new(ring, Purpose::Backup)?,
            Key::Passphrase(passphrase) => {
                if passphrase.chars().count() < SHORTEST {
                    return Err(Error::Short(SHORTEST));
                }
                let mut salt = [0; 16];
                rand::fill(&mut salt).map_err(|_| Error::Cipher)?;
                for number in [COST.memory, COST.passes, COST.lanes] {
                    head.extend_from_slice(&number.to_be_bytes());
                }
                head.extend_from_slice(&salt);
                Sealer::new(&derived(passphrase, COST, &salt)?, Purpose::Backup)?
            }
        };
        out.write_all(&head).map_err(Error::Io)?;
        Ok(Self { out, sealer, buffer: Vec::new() })
    }

    pub(super) fn put(&mut self, plain: &[u8]) -> Result<(), Error> {
        for part in plain.chunks(LONGEST) {
            self.buffer.clear();
            self.sealer.seal(part, &mut self.buffer)?;
            self.out.write_all(&self.buffer).map_err(Error::Io)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Sum, Error> {
        self.buffer.clear();
        self.sealer.finish(&mut self.buffer)?;
        self.out.write_all(&self.buffer).and_then(|()| self.out.flush()).map_err(Error::Io)?;
        Ok(self.out.sum())
    }
}

/// Gives back what was put in; errors of the stream are within those of `io`.
pub(super) struct Reader<R> {
    opener: Opener<Summed<R>>,
    buffer: Zeroizing<Vec<u8>>,
    /// What of the buffer was not handed out yet.
    rest: std::ops::Range<usize>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(source: R, key: &Key) -> Result<Self, Error> {
        let mut source = Summed::new(source);
        let mut head = [0; 12];
        source.read_exact(&mut head).map_err(|error| missing(error, Error::NotBackup))?;
        if head[..8] != MAGIC || head[10..] != [0, 0] {
            return Err(Error::NotBackup);
        }
        if head[8] != VERSION {
            return Err(Error::Version(head[8].into()));
        }
        let opener = match (head[9], key) {
            (0, Key::File(ring)) => Opener::new(source, ring, Purpose::Backup)?,
            (1, Key::Passphrase(passphrase)) => {
                let (mut numbers, mut salt) = ([0; 12], [0; 16]);
                let read = source.read_exact(&mut numbers).and_then(|()| source.read_exact(&mut salt));
                read.map_err(|error| missing(error, Error::NotBackup))?;
                let number = |at: usize| numbers[at..at + 4].iter().fold(0, |n: u32, byte| n << 8 | u32::from(*byte));
                let cost = Cost { memory: number(0), passes: number(4), lanes: number(8) };
                if cost.memory > DEAREST.memory || cost.passes > DEAREST.passes || cost.lanes > DEAREST.lanes {
                    return Err(Error::Cost);
                }
                match Opener::new(source, &derived(passphrase, cost, &salt)?, Purpose::Backup) {
                    Err(stream::Error::UnknownKey(_)) => return Err(Error::Passphrase),
                    opener => opener?,
                }
            }
            (0, _) => return Err(Error::OtherKey("a key file: name it (--key-file)")),
            (1, _) => return Err(Error::OtherKey("a passphrase: give it (--passphrase-file, or at a terminal)")),
            _ => return Err(Error::NotBackup),
        };
        Ok(Self { opener, buffer: Zeroizing::default(), rest: 0..0 })
    }

    /// Reads to the end, where nothing more may come; what the file is known by.
    pub(super) fn finish(mut self) -> Result<Sum, Error> {
        let mut more = [0];
        match self.read(&mut more).map_err(Error::read)? {
            0 => Ok(self.opener.source().sum()),
            _ => Err(Error::Shape("there is more behind the last file")),
        }
    }
}

fn missing(error: io::Error, short: Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { short } else { Error::Io(error) }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.opener.next(&mut self.buffer).map_err(io::Error::other)? {
                Some(part) => self.rest = 0..part.len(),
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.rest.len());
        out[..length].copy_from_slice(&self.buffer[self.rest.start..self.rest.start + length]);
        self.rest.start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: &Key, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, key).expect("sealed");
        writer.put(plain).expect("sealed");
        let sum = writer.finish().expect("sealed");
        assert_eq!(sum.bytes, out.len() as u64);
        out
    }

    fn opened(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut reader = Reader::new(sealed, key)?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).map_err(Error::read)?;
        reader.finish().map(|_| plain)
    }

    fn passphrase(text: &str) -> Key {
        Key::Passphrase(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn either_key_opens_what_it_has_sealed_and_nothing_else_does() {
        let plain = vec![b'x'; LONGEST + 7];
        let file = Key::File(Ring::derived("a", Box::new([1; 32].into())));
        let by_file = sealed(&file, &plain);
        assert_eq!(opened(&file, &by_file).expect("opens"), plain);
        let other = Key::File(Ring::derived("a", Box::new([2; 32].into())));
        assert!(matches!(opened(&other, &by_file), Err(Error::Sealed(stream::Error::UnknownKey(_)))));
        let words = passphrase("mellow harbour of the ninth");
        assert!(matches!(opened(&words, &by_file), Err(Error::OtherKey(_))));
        let by_words = sealed(&words, &plain);
        assert_eq!(opened(&words, &by_words).expect("opens"), plain);
        assert!(matches!(opened(&passphrase("mellow harbour of the tenth"), &by_words), Err(Error::Passphrase)));
        assert!(matches!(opened(&file, &by_words), Err(Error::OtherKey(_))));
        assert!(matches!(Writer::new(Vec::new(), &passphrase("short")), Err(Error::Short(_))));
        for by in [&by_file, &by_words] {
            assert!(memchr::memmem::find(by, b"xxxxxxxx").is_none());
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_found() {
        let file = Key::File(Ring::derived("a", Box::new([1; 32].into())));
        let bytes = sealed(&file, b"what is kept");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(opened(&file, &changed).is_err(), "byte {at}");
            assert!(opened(&file, &bytes[..at]).is_err(), "cut to {at}");
        }
        assert!(opened(&file, &[&bytes[..], b"x"].concat()).is_err());
        let words = passphrase("mellow harbour of the ninth");
        let mut dear = sealed(&words, b"what is kept");
        dear[12] = 0xff;
        assert!(matches!(opened(&words, &dear), Err(Error::Cost)), "nobody is made to work for ever");
    }
}
