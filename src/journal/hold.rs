//! Who writes a journal: one process at a time, by a lock in its folder.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::common::lock_file::{Error, LockFile};

/// The lock of who writes, in the journal's folder.
const LOCK: &str = "lock";
/// How long to wait for a command that writes, or looks whether somebody does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the lock.
pub(super) fn take(folder: &Path) -> Result<LockFile, Error> {
    let start = Instant::now();
    loop {
        match LockFile::take(&folder.join(LOCK)) {
            Err(Error::Held { .. }) if start.elapsed() < PATIENCE => thread::sleep(PATIENCE / 20),
            outcome => return outcome,
        }
    }
}

/// Whether a process holds it.
pub(super) fn is_held(folder: &Path) -> io::Result<bool> {
    match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
    }
}
