//! The private listener. Validated values only; `config` fills them.

use std::net::SocketAddr;

/// Health and metrics, without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where; `None` is off.
    pub listen: Option<SocketAddr>,
}
