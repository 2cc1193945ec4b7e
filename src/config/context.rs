//! What reading a configuration needs besides its tables.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::seal::settings::variable;

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

    /// A file of keys, or `env:NAME`.
    #[must_use]
    pub fn keys(&self, text: &str) -> PathBuf {
        let named = PathBuf::from(text);
        if variable(&named).is_some() { named } else { self.path(text) }
    }
}

/// So many seconds.
pub(super) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
