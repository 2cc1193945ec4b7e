//! Where the access log goes, in which form, and what happens when it can't.

use std::{path::PathBuf, time::Duration};

/// The access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it goes.
    pub target: Target,
    /// What a line looks like.
    pub format: Format,
    /// What happens to requests when it can't be written as fast as they come, or not at all.
    pub when_full: WhenFull,
    /// Most bytes of lines that wait to be written.
    pub queue: usize,
    /// When a file is put aside for a new one.
    pub rotate: Rotate,
    /// How long files that were put aside stay.
    pub keep: Keep,
    /// The key file by which it is sealed at rest; plain without one.
    pub sealed: Option<PathBuf>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nowhere.
    Off,
    /// To standard output.
    Stdout,
    /// To a file.
    File(PathBuf),
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object with OpenTelemetry's names.
    Json,
    /// Apache's combined log format.
    Combined,
}

/// What happens when lines come faster than they can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Requests go on; lines are dropped and counted.
    Drop,
    /// Requests wait; while writing fails they are refused (503).
    Wait,
}

/// When a file is put aside for a new one; `None` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate {
    /// At this many bytes.
    pub size: Option<u64>,
    /// At this age.
    pub age: Option<Duration>,
}

/// How long files that were put aside stay; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// At most this many.
    pub files: Option<u32>,
    /// At most this long.
    pub age: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            target: Target::Stdout,
            format: Format::Json,
            when_full: WhenFull::Drop,
            queue: 8 << 20,
            rotate: Rotate { size: Some(256 << 20), age: Some(DAY) },
            keep: Keep { files: Some(30), age: Some(DAY * 30) },
            sealed: None,
        }
    }
}
