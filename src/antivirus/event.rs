//! What `app` writes down of scans, and of scanners themselves.

use super::{
    signatures::Version,
    verdict::{Direction, Infection},
};

/// One thing that has happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Malware was found.
    Found {
        /// The route's name.
        route: String,
        /// The request's id.
        request: String,
        /// Which way the body went.
        direction: Direction,
        /// What it is.
        infection: Infection,
        /// Whether it was refused.
        refused: bool,
        /// Whether Privet had made it up itself.
        probe: bool,
    },
    /// Scanners have other signatures.
    Signatures(Version),
    /// Its signatures are stale.
    Stale(Version),
}
