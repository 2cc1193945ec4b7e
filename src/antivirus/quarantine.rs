//! Infected files, sealed, for as long as somebody may want to look at them; and files that somebody has let go in spite of a signature.
//!
//! `DATA/quarantine/ID.sealed`: what is known of it as the first segment, then the file. `DATA/quarantine/released`: a line a file, its
//! SHA-256, when, and why.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::settings::Quarantine as Settings;
use crate::{
    common::{clock, replace::replace},
    seal::{Opener, Purpose, Ring, Sealer, stream},
};

const SUFFIX: &str = ".sealed";
const RELEASED: &str = "released";
/// Most files that are let go.
const MOST_RELEASED: usize = 10_000;

/// Why a file is not kept, or not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("there is no such file in the quarantine")]
    Unknown,
    /// No room is left.
    #[error("the quarantine is full")]
    Full,
    /// Too many files were let go.
    #[error(
        "{MOST_RELEASED} files are released already: remove lines from the file `released` in the quarantine's folder"
    )]
    Released,
    /// The folder can't be used.
    #[error("the quarantine's folder can't be used: {0}")]
    Io(#[from] io::Error),
    /// A file can't be sealed or opened.
    #[error("a file in the quarantine can't be sealed or opened: {0}")]
    Seal(#[from] stream::Error),
}

/// What is known of a file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// When it was found, in milliseconds since 1970.
    pub at: u64,
    /// The signature that matched.
    pub signature: String,
    /// The route.
    pub route: String,
    /// The request.
    pub request: String,
    /// `upload` or `download`.
    pub direction: String,
    /// Bytes.
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// The field of the form that it came in.
    pub field: Option<String>,
    /// What whoever sent it calls it.
    pub name: Option<String>,
}

/// The files that are kept.
#[derive(Debug)]
pub struct Quarantine {
    settings: Settings,
    ring: Ring,
    released: Mutex<HashSet<String>>,
}

impl Quarantine {
    /// Opens the folder, which is made where it is absent. `ring` seals.
    ///
    /// # Errors
    /// When it can't be used.
    pub fn open(settings: Settings, ring: Ring) -> Result<Self, Error> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&settings.folder)?;
        let released = match fs::read_to_string(settings.folder.join(RELEASED)) {
            Ok(text) => text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashSet::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { settings, ring, released: Mutex::new(released) })
    }

    /// What it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Keeps a file, which `write` gives; its id.
    ///
    /// # Errors
    /// When there is no room, or it can't be written.
    pub fn keep(
        &self,
        about: &About,
        write: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<String, Error> {
        if self.files()?.iter().map(|(_, size)| size).sum::<u64>().saturating_add(about.size) > self.settings.size {
            return Err(Error::Full);
        }
        let id = format!("{:016x}", fastrand::u64(..));
        let path = self.path(&id);
        let unfinished = self.settings.folder.join(format!(".{id}"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let kept = || -> Result<(), Error> {
            let mut sealer = Sealer::new(&self.ring, Purpose::Quarantine)?;
            let mut out = Vec::new();
            sealer.seal(&serde_json::to_vec(about).unwrap_or_default(), &mut out)?;
            write(&mut |bytes| {
                sealer.seal(bytes, &mut out)?;
                file.write_all(&out)?;
                out.clear();
                Ok(())
            })?;
            sealer.finish(&mut out)?;
            file.write_all(&out)?;
            file.sync_all()?;
            Ok(fs::rename(&unfinished, &path)?)
        };
        kept().inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })?;
        Ok(id)
    }

    /// What is kept, by id, the latest first. What can't be opened is left out.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> Result<Vec<(String, About)>, Error> {
        let about = |(id, _): (String, u64)| self.open_file(&id).ok().map(|(about, _)| (id, about));
        let mut all: Vec<_> = self.files()?.into_iter().filter_map(about).collect();
        all.sort_unstable_by_key(|(_, about)| std::cmp::Reverse(about.at));
        Ok(all)
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn about(&self, id: &str) -> Result<About, Error> {
        self.open_file(id).map(|(about, _)| about)
    }

    /// At most `most` bytes of a file from `offset` on.
    ///
    /// # Errors
    /// When there is none of this id, or it can't be opened.
    pub fn read(&self, id: &str, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        let (_, mut opener) = self.open_file(id)?;
        let (mut at, mut buffer, mut read) = (0_u64, Vec::new(), Vec::new());
        while read.len() < most {
            let Some(piece) = opener.next(&mut buffer)? else { break };
            let skipped = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
            at += piece.len() as u64;
            let rest = &piece[skipped..];
            read.extend_from_slice(&rest[..rest.len().min(most - read.len())]);
        }
        Ok(read)
    }

    /// Lets a file go from now on, and keeps it no longer.
    ///
    /// # Errors
    /// When there is none of this id, or it can't be written down.
    pub fn release(&self, id: &str, reason: &str) -> Result<(), Error> {
        let about = self.about(id)?;
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        if released.len() >= MOST_RELEASED {
            return Err(Error::Released);
        }
        let path = self.settings.folder.join(RELEASED);
        let mut text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        text.extend([about.sha256.as_str(), " ", &clock::millis().to_string(), " ", reason, "\n"]);
        replace(&path, 0o600, text.as_bytes())?;
        released.insert(about.sha256);
        drop(released);
        self.purge(id)
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn purge(&self, id: &str) -> Result<(), Error> {
        if !is_id(id) {
            return Err(Error::Unknown);
        }
        fs::remove_file(self.path(id)).map_err(unknown)
    }

    /// Whether somebody has let go a file with this SHA-256.
    #[must_use]
    pub fn is_released(&self, sha256: &str) -> bool {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).contains(sha256)
    }

    /// Deletes what was kept long enough, and what was never finished.
    pub fn sweep(&self, now: SystemTime) {
        for entry in fs::read_dir(&self.settings.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(SUFFIX) || name.starts_with('.')) else {
                continue;
            };
            let modified = entry.metadata().and_then(|about| about.modified()).unwrap_or(now);
            let age = now.duration_since(modified).unwrap_or_default();
            let life = if name.starts_with('.') { Duration::from_secs(3600) } else { self.settings.keep };
            if age > life {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Ids and sizes on disk.
    fn files(&self) -> Result<Vec<(String, u64)>, Error> {
        let one = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(SUFFIX).filter(|id| is_id(id))?.to_owned();
            Some((id, entry.metadata().ok()?.len()))
        };
        Ok(fs::read_dir(&self.settings.folder)?.flatten().filter_map(one).collect())
    }

    fn path(&self, id: &str) -> PathBuf {
        path(&self.settings.folder, id)
    }

    fn open_file(&self, id: &str) -> Result<(About, Opener<BufReader<File>>), Error> {
        if !is_id(id) {
            return Err(Error::Unknown);
        }
        let file = File::open(self.path(id)).map_err(unknown)?;
        let mut opener = Opener::new(BufReader::new(file), &self.ring, Purpose::Quarantine)?;
        let mut buffer = Vec::new();
        let about = opener.next(&mut buffer)?.and_then(|text| serde_json::from_slice(text).ok());
        Ok((about.ok_or(Error::Unknown)?, opener))
    }
}

fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}{SUFFIX}"))
}

fn is_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

fn unknown(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound { Error::Unknown } else { Error::Io(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(size: u64) -> About {
        About {
            at: 1,
            signature: "Eicar".to_owned(),
            route: "*/".to_owned(),
            request: "ab".to_owned(),
            direction: "upload".to_owned(),
            size,
            sha256: "cd".to_owned(),
            field: Some("up".to_owned()),
            name: Some("kim.minsu.pdf".to_owned()),
        }
    }

    fn opened(dir: &Path, size: u64) -> Quarantine {
        let settings = Settings { folder: dir.join("q"), size, keep: Duration::from_secs(60) };
        Quarantine::open(settings, Ring::ephemeral().expect("a key")).expect("opened")
    }

    #[test]
    fn files_are_sealed_and_come_back_whole_or_in_pieces() {
        let dir = tempfile::tempdir().expect("a folder");
        let quarantine = opened(dir.path(), 4 << 20);
        let file: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 253) as u8).collect();
        let id =
            quarantine.keep(&about(file.len() as u64), |write| file.chunks(700_001).try_for_each(write)).expect("kept");
        assert_eq!(quarantine.list().expect("a list"), [(id.clone(), about(file.len() as u64))]);
        let on_disk = fs::read(quarantine.path(&id)).expect("a file");
        assert!(
            memchr::memmem::find(&on_disk, b"Eicar").is_none()
                && memchr::memmem::find(&on_disk, b"kim.minsu").is_none()
                && memchr::memmem::find(&on_disk, &file[..64]).is_none()
        );
        let mut back = Vec::new();
        loop {
            let piece = quarantine.read(&id, back.len() as u64, 1_000_000).expect("read");
            if piece.is_empty() {
                break;
            }
            back.extend_from_slice(&piece);
        }
        assert!(back == file);
        assert!(matches!(quarantine.keep(&about(2 << 20), |_| Ok(())), Err(Error::Full)));
        quarantine.release(&id, "a false alarm").expect("released");
        assert!(quarantine.is_released("cd") && quarantine.list().expect("a list").is_empty());
        assert!(opened(dir.path(), 1).is_released("cd"), "it is still known after a restart");
        for bad in ["../../etc/passwd", "", "0123456789abcdeg", &id] {
            assert!(matches!(quarantine.purge(bad), Err(Error::Unknown)), "{bad}");
        }
    }

    #[test]
    fn what_was_kept_long_enough_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let quarantine = opened(dir.path(), 4 << 20);
        quarantine.keep(&about(1), |write| write(b"x")).expect("kept");
        quarantine.sweep(SystemTime::now() + Duration::from_secs(30));
        assert_eq!(quarantine.list().expect("a list").len(), 1);
        quarantine.sweep(SystemTime::now() + Duration::from_secs(90));
        assert!(quarantine.list().expect("a list").is_empty());
    }
}
