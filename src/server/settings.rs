//! What the listeners and connections are allowed to do. Validated values only; `config` fills them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;

/// Listeners, connection limits and the way down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where TLS is served.
    pub https: SocketAddr,
    /// Where cleartext requests are redirected; `None` closes the door.
    pub http: Option<SocketAddr>,
    /// Port named in redirects when it is not the one of `https` (a container's port mapping).
    pub redirect_port: Option<u16>,
    /// Folder whose files answer `/.well-known/acme-challenge/` on the cleartext listener.
    pub acme_webroot: Option<PathBuf>,
    /// Threads that serve, one runtime each.
    pub workers: usize,
    /// Peers whose forwarding headers and PROXY headers are believed.
    pub trusted: Vec<IpNet>,
    /// Whether every connection starts with a PROXY protocol header (v1 or v2).
    pub proxy_protocol: bool,
    /// Bounds of a connection.
    pub limits: Limits,
    /// How the process ends.
    pub shutdown: Shutdown,
}

/// Bounds of connections, in all and each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open client connections in the process.
    pub connections: usize,
    /// Open client connections of one address (IPv6: of one /64).
    pub connections_per_address: usize,
    /// From accept to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// From the first byte of a head (or the handshake) to its last.
    pub header_timeout: Duration,
    /// Longest silence of a client that owes us body bytes.
    pub body_idle_timeout: Duration,
    /// Least bytes a second of a request body, over the time spent waiting for it; 0 is off.
    pub body_min_rate: u64,
    /// Longest time that a client may leave response bytes unread.
    pub stall_timeout: Duration,
    /// Longest silence between two requests.
    pub keep_alive: Duration,
    /// Age at which a connection is closed after its current requests.
    pub connection_age: Duration,
    /// HTTP/2 streams open at once on one connection.
    pub h2_streams: u32,
    /// HTTP/2 streams that a client may cancel on one connection before it is closed.
    pub h2_resets: u32,
}

/// From the signal to the end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// Time between failing readiness and closing the listeners.
    pub delay: Duration,
    /// Time from the signal after which what still runs is cut.
    pub deadline: Duration,
    /// Whether whoever reaches the private listener may begin the end, and is answered when nothing is in flight.
    pub hook: bool,
}
