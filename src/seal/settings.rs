//! Which keys seal.

use std::path::{Path, PathBuf};

/// Sealing at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The key file; made with one key when missing. `None` where there is no place for one.
    pub key_file: Option<PathBuf>,
}

/// What begins the name of a variable, where keys are in no file.
const VARIABLE: &str = "env:";

/// The variable of the environment that keys are in, where this is no file.
#[must_use]
pub fn variable(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(VARIABLE)
}
