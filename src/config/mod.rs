//! From a TOML file to each room's settings.

use std::path::PathBuf;

/// Everything that a running gateway needs to know, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where Privet keeps its own state.
    pub data_dir: Option<PathBuf>,
    /// Listeners and connections.
    pub server: crate::server::Settings,
    /// Certificates and TLS policy.
    pub tls: crate::tls::Settings,
    /// Routes.
    pub gateway: crate::gateway::Settings,
    /// The private listener.
    pub admin: crate::admin::Settings,
}
