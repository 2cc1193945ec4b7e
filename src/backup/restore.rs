//! Brings a back-up back, into a folder that is empty, and its chains into a database that is.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::{
    Error,
    archive::{Archive, Checked, Vouched, verify},
    content::{List, Which},
    sealed::Key,
};
use crate::{
    common::lock_file::LockFile,
    journal::{
        Class, Place,
        postgres::{Postgres, Unfit, Vacant},
    },
};

/// Where files are until all of them are there.
const STAGE: &str = ".restoring";
/// The lock of a data folder. One that nobody holds is left over.
const LOCK: &str = "lock";
/// What a file system puts into its root by itself.
const LOST: &str = "lost+found";

/// What was brought back.
#[derive(Debug)]
pub struct Restored {
    /// What the back-up is.
    pub checked: Checked,
    /// Data keys of days that have run out meanwhile, and were not brought back.
    pub destroyed: Vec<(Which, Class, String)>,
    /// No gateway begins in the folder while this is held.
    pub lock: LockFile,
}

/// Where a back-up is to go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The data folder.
    pub folder: &'a Path,
    /// Where whoever goes on keeps the journal, if that is known.
    pub journal: Option<&'a Place>,
}

impl<'a> Target<'a> {
    fn postgres(&self) -> Option<&'a Postgres> {
        self.journal.and_then(Place::postgres).map(AsRef::as_ref)
    }

    /// Whether nothing is there.
    fn is_empty(&self) -> Result<(), Error> {
        let folder = || self.folder.display().to_string();
        if !is_empty(self.folder).map_err(|error| Error::File(folder(), error))? {
            return Err(Error::NotEmpty(folder()));
        }
        match self.journal.filter(|place| place.postgres().is_some()) {
            Some(place) if !place.all().map_err(|error| Error::File(place.to_string(), error))?.is_empty() => {
                Err(Error::Occupied(place.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The database for the chains of a back-up, where there are any.
    fn vacant(&self, list: &List) -> Result<Option<Vacant>, Error> {
        let journals = list.journals();
        let chains: Vec<u16> = journals.iter().filter_map(|which| which.chain()).collect();
        match self.postgres() {
            None if chains.is_empty() => Ok(None),
            None => Err(Error::NoDatabase),
            Some(_) if chains.len() < journals.len() => Err(Error::NoFolder),
            Some(_) if chains.is_empty() => Ok(None),
            Some(postgres) => Vacant::open(postgres, &chains).map(Some).map_err(|error| match error {
                Unfit::Occupied => Error::Occupied(postgres.to_string()),
                Unfit::Held => Error::Held(postgres.to_string()),
                Unfit::Database(error) => Error::Database(postgres.to_string(), error),
            }),
        }
    }
}

/// Writes a back-up to its target, whose folder is made where it is missing. Everything is checked before anything is written, and a folder or a
/// database that was not filled to the end is empty again.
///
/// # Errors
/// When the target is not empty, or the back-up is not whole.
pub fn restore(
    path: &Path,
    key: &Key,
    vouched: Vouched<'_>,
    target: &Target<'_>,
    now: SystemTime,
) -> Result<Restored, Error> {
    target.is_empty()?;
    let folder = target.folder;
    let unusable = |error| Error::File(folder.display().to_string(), error);
    let checked = verify(path, key, vouched)?;
    checked.journals.fit()?;
    let vacant = target.vacant(&checked.list)?;
    make(folder).map_err(unusable)?;
    let lock = LockFile::take(&folder.join(LOCK)).map_err(|_| Error::NotEmpty(folder.display().to_string()))?;
    let stage = Stage(folder.join(STAGE));
    make(&stage.0).map_err(unusable)?;
    let archive = Archive::open(path, key)?;
    let refused = |error| Error::Database(target.postgres().map_or_else(String::new, ToString::to_string), error);
    let retention = checked.list.retention();
    let mut destroyed = Vec::new();
    for file in &checked.list.files {
        // Copies are all that is left of a destroyed key: they must not become keys again.
        if let Some((which, class, day)) = file.run_out(&retention, now) {
            destroyed.push((which, class, day));
            continue;
        }
        let bytes = Zeroizing::new(archive.bytes(&file.name).map_err(Error::read)?);
        let of_chain = file.of_journal().and_then(|(which, name)| Some((which.chain()?, name)));
        match (of_chain, &vacant) {
            (Some((chain, name)), Some(vacant)) => vacant.put(chain, name, &bytes).map_err(refused)?,
            _ => write(&stage.0.join(&file.name), &bytes).map_err(unusable)?,
        }
    }
    if archive.finish()? != checked.sum {
        return Err(Error::Exchanged);
    }
    if let Some(vacant) = vacant {
        vacant.fill().map_err(refused)?;
    }
    settle(&stage.0, folder).map_err(unusable)?;
    Ok(Restored { checked, destroyed, lock })
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(mut entries) => {
            Ok(entries.all(|entry| entry.is_ok_and(|entry| [LOST, LOCK].iter().any(|name| entry.file_name() == *name))))
        }
    }
}

/// Removed with all that is in it, however this ends.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        make(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts what is staged into its place. Journals come first: a folder may hold others.
fn settle(stage: &Path, folder: &Path) -> io::Result<()> {
    let sync = |folder: &Path| fs::File::open(folder)?.sync_all();
    let mut names: Vec<_> = fs::read_dir(stage)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    names.sort_by_key(|name| !stage.join(name).is_dir());
    for name in names.iter().filter(|name| stage.join(name).is_dir()) {
        for inner in [stage.join(name).join("keys"), stage.join(name)] {
            if inner.is_dir() {
                sync(&inner)?;
            }
        }
    }
    for name in names {
        fs::rename(stage.join(&name), folder.join(&name))?;
    }
    sync(folder)
}
