//! A journal as it is copied beside whoever writes it: what was whole at one look, and no more.
//!
//! The order of looking makes it one moment. The checkpoint comes first, so that no record that it covers is missing; data keys come last, so
//! that none of a record is. Files that are full never change again; of the last one, what is not whole yet is left out. In a database all of it is
//! of one moment anyway.

use std::{collections::BTreeMap, io, time::SystemTime};

use zeroize::Zeroizing;

use super::{
    disk::{Files, read_if_any},
    key,
    open::{CHECKPOINT, CUT, FRONTIER, SIGNER, VERIFIER},
    segment::{self, Chain, is_torn},
    settings::Retention,
};
use crate::seal::Ring;

/// What others keep beside a journal ends with this.
const BESIDE: &str = ".sealed";

/// A journal at one moment. Small files are held, segments are read when they are asked for.
pub struct Snapshot {
    files: Box<dyn Files>,
    small: BTreeMap<String, Zeroizing<Vec<u8>>>,
    segments: Vec<(String, usize)>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} files)", self.small.len() + self.segments.len())
    }
}

impl Snapshot {
    /// Looks at a journal. Data keys that have run out by `now`, and wait to be destroyed, are left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn take(files: Box<dyn Files>, retention: &Retention, now: SystemTime) -> io::Result<Self> {
        let mut small = BTreeMap::new();
        let beside = files.list("")?.into_iter().filter(|name| is_beside(name));
        // A cut that is told meanwhile is told twice by whoever goes on from here; the other way round it would never be.
        for name in [CHECKPOINT, FRONTIER, CUT, SIGNER, VERIFIER].map(str::to_owned).into_iter().chain(beside) {
            if let Some(bytes) = read_if_any(&files, &name)? {
                small.insert(name, Zeroizing::new(bytes));
            }
        }
        let listed = segment::list(&files)?;
        let mut segments = Vec::with_capacity(listed.len());
        for (number, segment) in listed.iter().enumerate() {
            let length = if number + 1 == listed.len() {
                let bytes = files.read(&segment.name)?;
                let mut chain = Chain { next: segment.first, previous: None };
                // What is damaged stays in, to be found and named.
                let torn = chain.follow(&bytes, |_, _| {}).filter(|bad| is_torn(&bytes, bad));
                torn.map_or(bytes.len(), |bad| bad.at)
            } else {
                usize::try_from(files.length(&segment.name)?).map_err(io::Error::other)?
            };
            segments.push((segment.name.clone(), length));
        }
        for name in key::files(&files)? {
            if key::run_out(&name, retention, now).is_some() {
                continue;
            }
            // One that is destroyed at this moment is not there.
            if let Some(bytes) = read_if_any(&files, &name)? {
                small.insert(name, Zeroizing::new(bytes));
            }
        }
        Ok(Self { files, small, segments })
    }

    /// Names of the small files, and their bytes.
    pub fn small(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.small.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Names of segments, the oldest first, and how much of each is whole.
    pub fn segments(&self) -> impl Iterator<Item = (&str, u64)> {
        self.segments.iter().map(|(name, length)| (name.as_str(), *length as u64))
    }
}

impl Files for Snapshot {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let names = self.small.keys().chain(self.segments.iter().map(|(name, _)| name));
        let mut names: Vec<String> = names.filter_map(|name| inside(folder, name)).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.small.get(name) {
            return Ok(bytes.to_vec());
        }
        let known = self.segments.iter().find(|(known, _)| known == name);
        let (_, length) = known.ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = self.files.read(name)?;
        if bytes.len() < *length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(*length);
        Ok(bytes)
    }
}

/// The name within `folder` of a file, where it is directly in it.
#[must_use]
pub fn inside(folder: &str, name: &str) -> Option<String> {
    let rest = if folder.is_empty() { name } else { name.strip_prefix(folder)?.strip_prefix('/')? };
    (!rest.contains('/')).then(|| rest.to_owned())
}

/// Whether a file of a journal, by its name, is one of its segments.
#[must_use]
pub fn is_segment(name: &str) -> bool {
    segment::is_name(name)
}

/// Whether others keep it beside a journal, sealed by the same keys.
#[must_use]
pub fn is_beside(name: &str) -> bool {
    !name.contains('/') && name.ends_with(BESIDE)
}

/// How many data keys open with no key of `ring`.
///
/// # Errors
/// When one can't be read.
pub fn locked(files: &impl Files, ring: Ring) -> io::Result<usize> {
    key::locked(files, ring).map_err(io::Error::other)
}
