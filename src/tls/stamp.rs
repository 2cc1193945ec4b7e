//! Tells whether a file has changed, through symlinks and atomic renames, as Kubernetes swaps secrets and tools renew
//! certificates. Polled: a `stat` a file and second costs nothing, and no notification is ever missed.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a file was at one moment; the target of a symlink where it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Option<(PathBuf, u64, i64, i64, u64)>);

impl Stamp {
    /// What `path` is now; a missing file has a stamp too.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let target = std::fs::canonicalize(path).ok();
        Self(target.and_then(|target| {
            let meta = std::fs::metadata(&target).ok()?;
            Some((target, meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size()))
        }))
    }
}

/// A set of files and what they were when last looked at.
#[derive(Debug, Clone, Default)]
pub struct Watched(Vec<(PathBuf, Stamp)>);

impl Watched {
    /// Watches `paths` from now on.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (path.clone(), Stamp::of(&path))).collect())
    }

    /// Whether any has changed since the last look.
    pub fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, stamp) in &mut self.0 {
            let now = Stamp::of(path);
            if now != *stamp {
                *stamp = now;
                changed = true;
            }
        }
        changed
    }
}
