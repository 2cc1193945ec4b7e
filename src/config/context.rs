//! What reading a configuration needs besides its tables.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What resolving needs besides the tables.
#[derive(Debug)]
pub struct Context<'a> {
    /// Folder that relative paths start at.
    pub base: &'a Path,
    /// How long shutdown waits where nothing is said.
    pub delay: Duration,
    /// Files that were read, to be watched.
    pub files: Vec<PathBuf>,
}

impl Context<'_> {
    /// A path as the file means it.
    #[must_use]
    pub fn path(&self, text: &str) -> PathBuf {
        self.base.join(text)
    }
}

/// So many seconds.
pub(super) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
