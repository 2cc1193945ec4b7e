//! The file of keys: a line an epoch, its name, a space, and 32 bytes in base64; the last is written with. A line more rotates; a line
//! less destroys what was written in its time. Empty lines and those that begin with `#` are passed over. The same text may stand in a variable of
//! the environment, which is named in the place of the file: `env:NAME`.

use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::settings::variable;
use crate::common::{clock, replace::replace};

/// Bytes of a secret.
pub const SECRET: usize = 32;
/// One rotates at a time.
static ROTATING: Mutex<()> = Mutex::new(());
/// Most bytes of an epoch's name: letters, digits, dashes.
const LONGEST_NAME: usize = 32;

/// The text of a key file, or of a variable.
///
/// # Errors
/// When it can't be read; [`NotFound`](io::ErrorKind::NotFound) where it is not there.
pub fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let Some(name) = variable(path) else { return fs::read_to_string(path).map(Zeroizing::new) };
    env::var(name).map(Zeroizing::new).map_err(|error| match error {
        env::VarError::NotPresent => io::Error::new(io::ErrorKind::NotFound, "the variable is not set"),
        env::VarError::NotUnicode(_) => io::Error::new(io::ErrorKind::InvalidData, "the variable holds no text"),
    })
}

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
    #[error("the key file {} can be used by everybody (mode {mode:o}): chmod 600 it, and begin a new epoch in it", .path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not a key.
    #[error("the key file {} has no key in line {line}: the name of an epoch, a space, and 32 bytes in base64 are expected", .path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Two epochs of one name.
    #[error("the key file {} has an epoch a second time in line {line}", .path.display())]
    Twice {
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

/// A secret at a place of its own, which is zeroed when it goes: what is moved about would leave copies.
pub type Secret = Box<Zeroizing<[u8; SECRET]>>;

/// The key of one epoch.
pub struct Key {
    epoch: String,
    pub(super) id: Id,
    secret: Secret,
}

impl Key {
    fn new(epoch: &str, secret: Secret) -> Self {
        let named = Zeroizing::new([b"privet seal key id", &secret[..]].concat());
        let digest = digest::digest(&digest::SHA256, &named);
        let mut id = Id::default();
        id.copy_from_slice(&digest.as_ref()[..8]);
        Self { epoch: epoch.to_owned(), id, secret }
    }

    fn random(epoch: &str) -> Result<Self, Error> {
        let mut secret = Secret::default();
        rand::fill(&mut **secret).map_err(|_| Error::Random)?;
        Ok(Self::new(epoch, secret))
    }

    fn parse(line: &str) -> Option<Self> {
        let (epoch, secret) = line.split_once(' ')?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(secret.trim()).ok()?);
        let mut secret = Secret::default();
        if decoded.len() != SECRET {
            return None;
        }
        secret.copy_from_slice(&decoded);
        ((1..=LONGEST_NAME).contains(&epoch.len()) && epoch.bytes().all(legal)).then(|| Self::new(epoch, secret))
    }

    /// Its name.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// What keys for single uses are derived from.
    #[must_use]
    pub fn secret(&self) -> &[u8; SECRET] {
        &self.secret
    }
}

/// Keys of all epochs, oldest first. Never empty.
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
        Key::random("ephemeral").map(|key| Self(vec![key]))
    }

    /// A ring of one key that was derived from something else.
    #[must_use]
    pub fn derived(epoch: &str, secret: Secret) -> Self {
        Self(vec![Key::new(epoch, secret)])
    }

    /// The ring in `path`; made with one new key, named for the month, mode 0600, where there is no such file. A variable is not made.
    ///
    /// # Errors
    /// When the file can't be used or made.
    pub fn load_or_make(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound && variable(path).is_none() => {
            }
            outcome => return outcome,
        }
        let today = time::OffsetDateTime::from(clock::now());
        let key = Key::random(&format!("{}-{:02}", today.year(), u8::from(today.month())))?;
        match store(&key, path) {
            // Another process was faster; its key is the one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(Error::File { path: path.to_owned(), source }),
            Ok(()) => Ok(Self(vec![key])),
        }
    }

    /// Adds a new key to the file `path`, with which is written as soon as it is read again; the name of its epoch. All others stay.
    ///
    /// # Errors
    /// When the file can't be used or written, or is a variable: that is rotated where it is set.
    pub fn rotate(path: &Path) -> Result<String, Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        if variable(path).is_some() {
            return Err(file(io::Error::new(io::ErrorKind::Unsupported, "a variable is rotated where it is set")));
        }
        // Two at once would lose a key that something may be sealed by already.
        let _one = ROTATING.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Self::load(path)?;
        let now = time::OffsetDateTime::from(clock::now());
        let (date, time) = (now.date(), now.time());
        let mut epoch = format!("{date}-{:02}{:02}{:02}", time.hour(), time.minute(), time.second());
        if known.keys().any(|key| key.epoch == epoch) {
            epoch = format!("{epoch}-{:04x}", fastrand::u16(..));
        }
        let key = Key::random(&epoch)?;
        let text = read(path).map_err(file)?;
        let secret = Zeroizing::new(BASE64_STANDARD.encode(key.secret.as_slice()));
        let text = Zeroizing::new(format!("{}\n{epoch} {}\n", text.trim_end(), *secret));
        let mode = fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
        replace(path, mode, text.as_bytes()).map_err(file)?;
        Ok(epoch)
    }

    /// The ring in `path`.
    ///
    /// # Errors
    /// When the file is not there, is open to everybody, or holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        if variable(path).is_none() {
            let mode = fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
            // A group may read: orchestrators mount secrets as 0440 with a group of their own.
            if mode & 0o007 != 0 {
                return Err(Error::Open { path: path.to_owned(), mode });
            }
        }
        Self::parse(&read(path).map_err(file)?, path)
    }

    /// The ring of a key file's text, which errors call `path`.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let path = || path.to_owned();
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = Key::parse(line).ok_or_else(|| Error::Line { path: path(), line: number })?;
            if keys.iter().any(|other| other.epoch == key.epoch) {
                return Err(Error::Twice { path: path(), line: number });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(Error::Empty { path: path() }) } else { Ok(Self(keys)) }
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// The key of the oldest epoch.
    #[must_use]
    pub fn oldest(&self) -> &Key {
        // A ring is never empty.
        &self.0[0]
    }

    /// The key that is written with.
    #[must_use]
    pub fn newest(&self) -> &Key {
        // A ring is never empty.
        &self.0[self.0.len() - 1]
    }

    /// The key called `id`.
    pub(super) fn named(&self, id: Id) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// Whole or not at all: written beside, then linked to its name, which fails where there is one already.
fn store(key: &Key, path: &Path) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{:08x}", fastrand::u32(..)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let secret = Zeroizing::new(BASE64_STANDARD.encode(key.secret.as_slice()));
    let text = Zeroizing::new(format!(
        "# An epoch a line; the last is written with. Deleting a line destroys its epoch.\n{} {}\n",
        key.epoch, *secret
    ));
    let written =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    written
}
