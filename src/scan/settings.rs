//! What is asked of the analysis. Validated values only; `config` fills them.

use std::{path::PathBuf, sync::Arc};

use super::library::Libraries;

/// Bytes of an answer that are looked at where nothing else is said.
pub const WATCH_BYTES: usize = 64 << 10;

/// Everything that `[scan]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of an answer on a watched route that are looked at.
    pub watch_bytes: usize,
    /// Where libraries with known holes are listed, in the form of `RetireJS`.
    pub retirejs: Option<PathBuf>,
    /// What is in that file.
    pub libraries: Arc<Libraries>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { watch_bytes: WATCH_BYTES, retirejs: None, libraries: Arc::default() }
    }
}
