//! `[antivirus]`: where clamd is, how much is held for it, and what happens to what it can't judge. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

use crate::dial::settings::Target;

/// How uploads, and downloads where a route asks for that, are scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where clamd listens, where it is asked.
    pub clamd: Option<Target>,
    /// The service of an ICAP server, where one is asked.
    pub icap: Option<Service>,
    /// Why they may be reached in cleartext beyond this machine.
    pub cleartext_reason: Option<String>,
    /// Most bodies that are scanned at the same time.
    pub connections: usize,
    /// Most bodies that wait for their turn.
    pub queue: usize,
    /// Longest time that a body waits for its turn, and longest time that its scan takes.
    pub timeout: Duration,
    /// Age from which on signatures are stale.
    pub max_age: Duration,
    /// Largest body that is scanned, in bytes.
    pub max_size: u64,
    /// Whether a body that is larger, or finds no room, is refused; it passes unseen otherwise.
    pub refuses_excess: bool,
    /// Bytes of all bodies that wait in memory for their verdict.
    pub memory: u64,
    /// Bytes of all bodies that wait for their verdict, in memory and on disk.
    pub spool: u64,
    /// The same, of one address.
    pub spool_per_address: u64,
    /// Where sealed bodies wait; their files have no names.
    pub folder: PathBuf,
    /// clamd's folder of signatures.
    pub database: Option<PathBuf>,
    /// How long it is remembered which files have passed.
    pub remember: Duration,
    /// Where infected files are kept; nowhere where it is absent.
    pub quarantine: Option<Quarantine>,
}

/// A service of an ICAP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The server.
    pub target: Target,
    /// Its path, and what it is asked with: visible ASCII that begins with a slash.
    pub path: String,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "icap://{}{}", self.target, self.path)
    }
}

/// Where infected files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of all of them.
    pub size: u64,
    /// How long they are kept.
    pub keep: Duration,
}

/// What a route does about infected files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are written down.
    Detect,
    /// They are refused.
    Block,
}

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnRoute {
    /// Of what clients send.
    pub uploads: Option<Mode>,
    /// Of what they get.
    pub downloads: Option<Mode>,
    /// Whether what can't be judged is refused where infected files are.
    pub closed_when_unavailable: bool,
    /// Whether stale signatures judge nothing where infected files are refused.
    pub closed_when_stale: bool,
}
