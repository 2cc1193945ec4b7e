//! The ring of keys: one line a key, `privet-seal-1 BASE64`, newest first. A new first line rotates; a removed line destroys
//! what it has sealed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};

const WORD: &str = "privet-seal-1";

/// Why there are no keys. Nothing of a key is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or made.
    #[error("the key file {} can't be used", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("the key file {} can be read by everybody (mode {mode:o}); it must be 0600", .path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not a key.
    #[error("the key file {} has no key in line {line}: `{WORD} BASE64` is expected", .path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// It has no key at all.
    #[error("the key file {} holds no key", .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("no random bytes for a new key")]
    Random,
}

/// What a header names a key by: the first eight bytes of a hash, which tell nothing of the key.
pub type Id = [u8; 8];

/// One key.
pub(super) struct Key {
    pub(super) id: Id,
    pub(super) secret: [u8; 32],
}

/// Keys, newest first. Never empty.
pub struct Ring(Vec<Key>);

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} keys)", self.0.len())
    }
}

impl Ring {
    /// A ring of one key, for tests and for what need not outlive the process.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn ephemeral() -> Result<Self, Error> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| Error::Random)?;
        Ok(Self(vec![Key::new(secret)]))
    }

    /// The ring in `path`; made with one new key, mode 0600, where there is no such file.
    ///
    /// # Errors
    /// When the file can't be used or made.
    pub fn load_or_make(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        let ring = Self::ephemeral()?;
        match ring.store(path) {
            // Another process was faster; its key is the one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(Error::File { path: path.to_owned(), source }),
            Ok(()) => Ok(ring),
        }
    }

    /// The ring in `path`.
    ///
    /// # Errors
    /// When the file is not there, is open to everybody, or holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
        // A group may read: orchestrators mount secrets as 0440 with a group of their own.
        if mode & 0o007 != 0 {
            return Err(Error::Open { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(file)?;
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = parse(line).ok_or_else(|| Error::Line { path: path.to_owned(), line: number + 1 })?;
            keys.push(key);
        }
        if keys.is_empty() { Err(Error::Empty { path: path.to_owned() }) } else { Ok(Self(keys)) }
    }

    /// Whole or not at all: written beside, then linked to its name, which fails where there is one already.
    fn store(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension(format!("new-{:08x}", fastrand::u32(..)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written = self
            .0
            .iter()
            .try_for_each(|key| writeln!(file, "{WORD} {}", BASE64_STANDARD.encode(key.secret)))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&beside, path));
        fs::remove_file(&beside)?;
        written
    }

    /// The key that seals.
    pub(super) fn newest(&self) -> &Key {
        &self.0[0]
    }

    /// The key called `id`.
    pub(super) fn named(&self, id: Id) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl Key {
    fn new(secret: [u8; 32]) -> Self {
        let digest = digest::digest(&digest::SHA256, &[b"privet seal key id", &secret[..]].concat());
        let mut id = Id::default();
        id.copy_from_slice(&digest.as_ref()[..8]);
        Self { id, secret }
    }
}

fn parse(line: &str) -> Option<Key> {
    let secret = BASE64_STANDARD.decode(line.strip_prefix(WORD)?.trim()).ok()?;
    secret.try_into().ok().map(Key::new)
}
