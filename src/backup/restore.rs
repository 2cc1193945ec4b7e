//! Brings a back-up back, into a folder that is empty.

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
    archive::{Archive, Checked, verify},
    content::JOURNAL,
    sealed::Key,
};
use crate::{
    common::lock_file::LockFile,
    journal::{Class, verify::Outside},
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
    pub destroyed: Vec<(Class, String)>,
    /// No gateway begins in the folder while this is held.
    pub lock: LockFile,
}

/// Writes a back-up into `folder`, which is made where it is missing. Everything is checked before anything is written, and a folder that
/// was not filled to the end is empty again.
///
/// # Errors
/// When the folder is not empty, or the back-up is not whole.
pub fn restore(
    path: &Path,
    key: &Key,
    outside: Outside<'_>,
    folder: &Path,
    now: SystemTime,
) -> Result<Restored, Error> {
    let unusable = |error| Error::File(folder.display().to_string(), error);
    if !is_empty(folder).map_err(unusable)? {
        return Err(Error::NotEmpty(folder.display().to_string()));
    }
    let checked = verify(path, key, outside)?;
    if let Some(problem) = checked.unfit() {
        return Err(Error::Journal(problem.clone()));
    }
    make(folder).map_err(unusable)?;
    let lock = LockFile::take(&folder.join(LOCK)).map_err(|_| Error::NotEmpty(folder.display().to_string()))?;
    let stage = Stage(folder.join(STAGE));
    make(&stage.0).map_err(unusable)?;
    let archive = Archive::open(path, key)?;
    let retention = checked.list.retention();
    let mut destroyed = Vec::new();
    for file in &checked.list.files {
        // Copies are all that is left of a destroyed key: they must not become keys again.
        if let Some(gone) = file.run_out(&retention, now) {
            destroyed.push(gone);
            continue;
        }
        let bytes = Zeroizing::new(archive.bytes(&file.name).map_err(Error::read)?);
        write(&stage.0.join(&file.name), &bytes).map_err(unusable)?;
    }
    if archive.finish()? != checked.sum {
        return Err(Error::Exchanged);
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

/// Puts what is staged into its place. A journal comes first: its folder may hold others.
fn settle(stage: &Path, folder: &Path) -> io::Result<()> {
    let sync = |folder: &Path| fs::File::open(folder)?.sync_all();
    for inner in ["journal/keys", "journal"] {
        let inner = stage.join(inner);
        if inner.is_dir() {
            sync(&inner)?;
        }
    }
    let mut names: Vec<_> = fs::read_dir(stage)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    names.sort_by_key(|name| name != JOURNAL.trim_end_matches('/'));
    for name in names {
        fs::rename(stage.join(&name), folder.join(&name))?;
    }
    sync(folder)
}
