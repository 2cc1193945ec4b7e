//! How large and how slow bodies may be, whatever their route.

use std::{path::PathBuf, time::Duration};

use super::request_body::UploadRules;

/// Bounds of bodies, which the connection settings give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Longest silence of a client that owes us body bytes.
    pub body_idle: Duration,
    /// Least bytes a second of a request body; 0 is off.
    pub body_min_rate: u64,
    /// Longest time that a client may leave an answer unread.
    pub stall: Duration,
    /// The port of redirects to https.
    pub redirect_port: u16,
    /// Where answers to ACME challenges lie.
    pub acme_webroot: Option<PathBuf>,
}

impl Bounds {
    /// Those of a body of at most so many bytes.
    pub(super) fn upload(&self, limit: u64) -> UploadRules {
        UploadRules { limit, idle: self.body_idle.into(), min_rate: self.body_min_rate, grace: self.body_idle }
    }
}
