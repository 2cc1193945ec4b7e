//! Notices that files have changed, by asking again and again.
//!
//! Polling, not inotify: Kubernetes swaps a symlink two folders up, certbot renames, NFS tells
//! nobody. What the path resolves to is compared: device, inode, size and both times, so that a
//! rename, a symlink swap and a write in place are all seen.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a path resolved to; `None` where it did not.
type Stamp = Option<[i64; 7]>;

/// What a set of files looked like when they were last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps(Vec<(PathBuf, Stamp)>);

impl Stamps {
    /// Take them before the files are read: a change while reading is then seen at the next look.
    #[must_use]
    pub fn take(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamp = |file: PathBuf| {
            let stamp = stamp(&file);
            (file, stamp)
        };
        Self(files.into_iter().map(stamp).collect())
    }

    /// Whether any file is another than then, or is gone.
    #[must_use]
    pub fn are_stale(&self) -> bool {
        self.0.iter().any(|(file, then)| stamp(file) != *then)
    }

    /// The same files as they look now.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self::take(self.files())
    }

    /// The first of the files, where there is one.
    #[must_use]
    pub fn first(&self) -> Option<&Path> {
        self.0.first().map(|(file, _)| file.as_path())
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.0.iter().map(|(file, _)| file.clone()).collect()
    }
}

// Device, inode and size are only compared, so a wrapped sign does no harm.
#[allow(clippy::cast_possible_wrap)]
fn stamp(file: &Path) -> Stamp {
    let found = fs::metadata(file).ok()?;
    Some([
        found.dev() as i64,
        found.ino() as i64,
        found.size() as i64,
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ])
}
