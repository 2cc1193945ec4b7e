//! How to reach something: address, TLS, time. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

/// One place to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Where.
    pub target: Target,
    /// TLS, where the other side speaks it.
    pub tls: Option<Tls>,
    /// From the first packet to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// How often a name is resolved again.
    pub resolve_every: Duration,
}

/// An address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A name or literal address (IPv6 without brackets), and a port.
    Tcp {
        /// Name or literal.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix domain socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// TLS as a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// Name sent as SNI and checked in the certificate.
    pub server_name: String,
    /// Client certificate: PEM chain and PEM key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// ALPN protocols offered, in order.
    pub alpn: Vec<Vec<u8>>,
}
