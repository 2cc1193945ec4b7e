//! Which keys seal.

use std::path::PathBuf;

/// Sealing at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The key file; made with one key when missing. `None` where there is no place for one.
    pub key_file: Option<PathBuf>,
}
