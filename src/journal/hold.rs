//! Who writes a journal: one process at a time, by a lock in its folder. Where the folder's name has a `*`, the first number whose lock is free
//! stands for it: several gateways have a folder each, and whoever comes after one goes on in its folder.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::open;
use crate::common::lock_file::{Error, LockFile};

/// The lock of who writes, in the journal's folder.
const LOCK: &str = "lock";
/// How long to wait for a command that writes, or looks whether somebody does.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most folders of one pattern.
const MOST: u16 = 999;

/// What is before and behind the `*` of a folder's name, where there is one.
pub(super) fn pattern(path: &Path) -> Option<(&str, &str)> {
    path.file_name()?.to_str()?.split_once('*')
}

/// The folders that are there, by number; one that is no pattern stands for itself.
///
/// # Errors
/// When the folder above can't be read.
pub(super) fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some((before, behind)) = pattern(path) else { return Ok(vec![path.to_owned()]) };
    let mut found = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap_or(Path::new(".")))? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(before)?.strip_suffix(behind));
        // As it is written by us: no sign, no zero before it.
        let number = number.and_then(|text| text.parse().ok().filter(|n: &u16| *n <= MOST && n.to_string() == text));
        found.extend(number.filter(|n| *n > 0));
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|number| numbered(path, (before, behind), number)).collect())
}

fn numbered(path: &Path, (before, behind): (&str, &str), number: u16) -> PathBuf {
    path.with_file_name(format!("{before}{number}{behind}"))
}

/// The folder that this process is to write, made, and its lock.
pub(super) fn claim(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> Result<(PathBuf, LockFile), open::Error> {
    let Some(parts) = pattern(path) else {
        make(path)?;
        return Ok((path.to_owned(), take(path).map_err(open::Error::Locked)?));
    };
    let mut number = 1;
    loop {
        let folder = numbered(path, parts, number);
        make(&folder)?;
        match LockFile::take(&folder.join(LOCK)) {
            Ok(lock) => return Ok((folder, lock)),
            Err(Error::Held { .. }) if number < MOST => number += 1,
            Err(error) => return Err(open::Error::Locked(error)),
        }
    }
}

/// Takes the lock.
fn take(folder: &Path) -> Result<LockFile, Error> {
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

/// The process that has last taken it, as the lock's file tells.
pub(super) fn writer(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join(LOCK)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(path: &Path) -> (PathBuf, LockFile) {
        claim(path, |folder| fs::create_dir_all(folder)).expect("claimed")
    }

    #[test]
    fn the_first_folder_that_nobody_writes_is_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("journal-*");
        let at = |number: u16| dir.path().join(format!("journal-{number}"));
        let [(first, one), (second, two), (third, _three)] = [(); 3].map(|()| claimed(&path));
        assert_eq!([first, second, third], [at(1), at(2), at(3)]);
        drop(two);
        assert_eq!(claimed(&path).0, at(2), "whoever comes goes on where another was");
        drop(one);
        assert_eq!(claimed(&path).0, at(1));
        assert_eq!(folders(&path).expect("listed"), [at(1), at(2), at(3)]);
    }

    #[test]
    fn folders_are_those_with_a_number() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["a-10.j", "a-2.j", "a-02.j", "a-0.j", "a-+3.j", "a-x.j", "a-1000.j", "a-4", "b-1.j", "a-.j"] {
            fs::create_dir(dir.path().join(name)).expect("made");
        }
        let found = folders(&dir.path().join("a-*.j")).expect("listed");
        assert_eq!(found, ["a-2.j", "a-10.j"].map(|name| dir.path().join(name)));
        let plain = dir.path().join("journal");
        assert_eq!(folders(&plain).expect("itself"), [plain]);
        assert!(folders(&dir.path().join("nowhere/a-*")).is_err());
    }
}
