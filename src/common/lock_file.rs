//! A file that one process holds at a time. The kernel releases it however the process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Why the lock is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds it.
    #[error("{} is held by another process{}", .path.display(), holder(.process.as_deref()))]
    Held {
        /// Which.
        path: PathBuf,
        /// Its number, where it is told.
        process: Option<String>,
    },
    /// It can't be made or locked.
    #[error("{} can't be locked", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn holder(process: Option<&str>) -> String {
    process.map_or_else(String::new, |process| format!(", number {process}"))
}

/// A held lock; dropping it releases it. The file stays: removing it would let two processes lock two files of one name.
#[derive(Debug)]
pub struct LockFile(#[allow(dead_code)] File);

impl LockFile {
    /// Takes the lock at `path`, without waiting.
    ///
    /// # Errors
    /// When another process has it, or the file can't be used.
    pub fn take(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = (&file).take(20).read_to_string(&mut text);
                let process = Some(text.trim().to_owned()).filter(|t| t.parse::<u32>().is_ok());
                return Err(Error::Held { path: path.to_owned(), process });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // For people only: the lock holds without it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = LockFile::take(&path).expect("free");
        let error = LockFile::take(&path).expect_err("held");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(held);
        LockFile::take(&path).expect("free again");
    }
}
