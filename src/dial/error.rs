//! What can go wrong: while a dialer is made, and while it connects.

use std::{io, path::PathBuf};

use super::pem;

/// The settings name something that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// A certificate, key or authority file.
    #[error(transparent)]
    File(#[from] pem::Error),
    /// The name to check in the certificate is neither a DNS name nor an address.
    #[error("the TLS server name is neither a DNS name nor an IP address")]
    ServerName(#[source] rustls::pki_types::InvalidDnsNameError),
    /// No authority was named and the system has none.
    #[error("the system has no certificate authorities; install ca-certificates or set `ca`")]
    NoSystemRoots,
    /// TLS over a Unix socket is not spoken.
    #[error("TLS over the Unix socket {0} is not supported; remove `tls` or use TCP")]
    TlsOverUnix(PathBuf),
    /// The TLS library refused the configuration.
    #[error("the TLS configuration was refused")]
    Tls(#[source] rustls::Error),
}

/// A connection was not made. Carries the other side's faults only, never a client's data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name has no address, or the resolver failed.
    #[error("the name does not resolve")]
    Resolve(#[source] io::Error),
    /// Refused, unreachable, reset, no such socket.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// Not connected, TLS included, within the limit.
    #[error("the connection took too long")]
    Timeout,
    /// The TLS handshake failed: a certificate not believed, no common protocol.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// The HTTP connection on top did not start.
    #[error("the HTTP connection did not start")]
    Protocol(#[source] hyper::Error),
}

impl Error {
    /// Whether time ran out, by our clock or by the kernel's.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Io(error) | Self::Tls(error) | Self::Resolve(error) => error.kind() == io::ErrorKind::TimedOut,
            Self::Protocol(error) => error.is_timeout(),
        }
    }

    /// Whether the other side actively said no: nothing listens there.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// A short fixed word for a metric's label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            _ if self.is_timeout() => "timeout",
            Self::Resolve(_) => "resolve",
            Self::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "refused",
            Self::Io(_) => "io",
            Self::Tls(_) => "tls",
            Self::Protocol(_) => "protocol",
            Self::Timeout => "timeout",
        }
    }
}
