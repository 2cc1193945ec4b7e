//! The log's file: opened for one process, put aside when large or old, sealed where that is asked for.
//!
//! `access.log` is put aside as `access.log.20261125T032458Z`; what is put aside is deleted by number and age. A sealed file is one
//! chain of segments, so a new one is begun at every start: an earlier one is put aside first.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Write},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use time::{OffsetDateTime, macros::format_description};

use super::settings::{Keep, Rotate};
use crate::{
    common::lock_file::{self, LockFile},
    seal::{self, Purpose, Ring, Sealer},
};

/// How long a rotation that has failed is not tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// `20261125T032458Z`
const STAMP: usize = 16;

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes it.
    #[error("another Privet writes the access log {}: two would mix their lines\n    hint: give each its own `access_log.path`", .path.display())]
    Held {
        /// The log.
        path: PathBuf,
        /// Who.
        #[source]
        source: lock_file::Error,
    },
    /// It can't be opened.
    #[error("the access log {} can't be used", .path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its key can't be used.
    #[error("the access log can't be sealed")]
    Key(#[from] seal::keys::Error),
    /// Sealing can't begin.
    #[error("the access log can't be sealed")]
    Seal(#[from] seal::stream::Error),
}

/// The open file.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    born: SystemTime,
    ring: Option<Ring>,
    sealer: Option<Sealer>,
    retry: Option<SystemTime>,
    _lock: LockFile,
}

impl LogFile {
    /// Opens `path`, made with mode 0600 when missing; sealed by the key in `key_file` where there is one.
    pub(super) fn open(path: &Path, key_file: Option<&Path>) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let lock = LockFile::take(&beside(path, "lock")).map_err(|error| match error {
            lock_file::Error::Held { .. } => Error::Held { path: path.to_owned(), source: error },
            lock_file::Error::Io { source, .. } => io(source),
        })?;
        let ring = key_file.map(Ring::load_or_make).transpose()?;
        let sealer = ring.as_ref().map(|ring| Sealer::new(ring, Purpose::AccessLog)).transpose()?;
        let (file, size, born) = begin(path, sealer.is_some()).map_err(io)?;
        Ok(Self { path: path.to_owned(), file, size, born, ring, sealer, retry: None, _lock: lock })
    }

    /// Appends `lines` as they are to be written where they are to be sealed.
    pub(super) fn seal(&mut self, lines: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.sealer {
            Some(sealer) => sealer.seal(lines, out).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    /// Writes some of `bytes`.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    /// Whether it is large or old enough to be put aside.
    pub(super) fn is_due(&self, rotate: Rotate, now: SystemTime) -> bool {
        if self.size == 0 || self.retry.is_some_and(|at| now < at) {
            return false;
        }
        rotate.size.is_some_and(|most| self.size >= most)
            || rotate.age.is_some_and(|most| now.duration_since(self.born).is_ok_and(|age| age >= most))
    }

    /// Puts the file aside and begins another; goes on with the old one where that fails.
    pub(super) fn rotate(&mut self, now: SystemTime) -> io::Result<()> {
        let outcome = self.renew();
        self.retry = outcome.is_err().then_some(now + AGAIN);
        outcome
    }

    fn renew(&mut self) -> io::Result<()> {
        put_aside(&self.path)?;
        self.reopen()
    }

    /// Opens the path anew: the file was moved away. What can fail is done before the old file is given its end.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let sealer = self.ring.as_ref().map(|ring| Sealer::new(ring, Purpose::AccessLog)).transpose();
        let sealer = sealer.map_err(io::Error::other)?;
        let (file, size, born) = begin(&self.path, sealer.is_some())?;
        self.end();
        (self.file, self.size, self.born, self.sealer) = (file, size, born, sealer);
        Ok(())
    }

    /// Gives a sealed file its end. A file that can't take it is told to be cut off when it is opened, which is true.
    pub(super) fn end(&mut self) {
        let Some(sealer) = self.sealer.take() else { return };
        let mut out = Vec::new();
        if self.size > 0 && sealer.finish(&mut out).is_ok() {
            let _ = self.file.write_all(&out);
        }
    }

    /// Deletes what was put aside beyond what is kept.
    pub(super) fn prune(&self, keep: Keep, now: SystemTime) -> io::Result<()> {
        let mut aside = put_aside_files(&self.path)?;
        aside.sort_unstable();
        let over = keep.files.map_or(0, |most| aside.len().saturating_sub(most as usize));
        for (i, file) in aside.iter().enumerate() {
            let old = || {
                let age =
                    fs::metadata(file).and_then(|meta| meta.modified()).ok().and_then(|at| now.duration_since(at).ok());
                keep.age.zip(age).is_some_and(|(most, age)| age > most)
            };
            if i < over || old() {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }
}

/// Opens the file to append to. One that is sealed, or is about to be and holds anything, is put aside first.
fn begin(path: &Path, sealed: bool) -> io::Result<(File, u64, SystemTime)> {
    let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let mut file = open()?;
    let mut meta = file.metadata()?;
    if meta.is_file() && meta.len() > 0 && (sealed || starts_sealed(path)?) {
        put_aside(path)?;
        file = open()?;
        meta = file.metadata()?;
    }
    if meta.is_file() && meta.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    let born = if meta.len() == 0 { SystemTime::now() } else { meta.created().or(meta.modified())? };
    Ok((file, meta.len(), born))
}

fn starts_sealed(path: &Path) -> io::Result<bool> {
    let mut start = [0; 8];
    let read = File::open(path)?.read(&mut start)?;
    Ok(start[..read] == *b"PRIVSEAL")
}

/// `path` with `.word` behind it.
fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(word);
    name.into()
}

/// Renames the file to one with the time behind its name. No other file is ever replaced.
fn put_aside(path: &Path) -> io::Result<()> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let stamp = OffsetDateTime::now_utc().format(format).map_err(io::Error::other)?;
    for number in 0..10_000 {
        let name = if number == 0 { stamp.clone() } else { format!("{stamp}-{number:04}") };
        match fs::hard_link(path, beside(path, &name)) {
            Ok(()) => return fs::remove_file(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The files that were put aside.
fn put_aside_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let stamp = file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.'));
        if stamp.is_some_and(is_stamp) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_stamp(text: &str) -> bool {
    let Some((stamp, rest)) = text.split_at_checked(STAMP) else { return false };
    let shape = stamp.bytes().enumerate().all(|(i, b)| match i {
        8 => b == b'T',
        15 => b == b'Z',
        _ => b.is_ascii_digit(),
    });
    shape && (rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
}
