//! A connection, whatever it runs over.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::client::TlsStream;

/// A connection made by [`Dialer`](super::dialer::Dialer).
#[derive(Debug)]
pub struct Stream {
    io: Io,
    remote: Option<SocketAddr>,
}

#[derive(Debug)]
enum Io {
    Tcp(TcpStream),
    Unix(UnixStream),
    // Boxed: a session is about a kilobyte, and plain upstreams are the rule.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) fn tcp(stream: TcpStream, remote: SocketAddr) -> Self {
        Self { io: Io::Tcp(stream), remote: Some(remote) }
    }

    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self { io: Io::Unix(stream), remote: None }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, remote: SocketAddr) -> Self {
        Self { io: Io::Tls(Box::new(stream)), remote: Some(remote) }
    }

    /// The address connected to; `None` for a Unix socket. A pool compares it with
    /// [`Dialer::addresses`](super::dialer::Dialer::addresses) to find connections to addresses
    /// that are gone.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The protocol agreed in the TLS handshake, e.g. `b"h2"`; `None` without TLS or agreement.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.io {
            Io::Tls(stream) => stream.get_ref().1.alpn_protocol(),
            Io::Tcp(_) | Io::Unix(_) => None,
        }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.io, Io::Tls(_))
    }
}

macro_rules! each {
    ($this:expr, $inner:ident => $call:expr) => {
        match &mut $this.get_mut().io {
            Io::Tcp($inner) => {
                let $inner = Pin::new($inner);
                $call
            }
            Io::Unix($inner) => {
                let $inner = Pin::new($inner);
                $call
            }
            Io::Tls($inner) => {
                let $inner = Pin::new($inner.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, inner => inner.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A request without a body is one buffer, and the plain call is the kernel's shorter way.
        if let [only] = bufs {
            return self.poll_write(cx, only);
        }
        each!(self, inner => inner.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tcp(inner) => inner.is_write_vectored(),
            Io::Unix(inner) => inner.is_write_vectored(),
            Io::Tls(inner) => inner.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_shutdown(cx))
    }
}
