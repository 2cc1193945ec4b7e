//! A connected stream of any kind.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::client::TlsStream;

/// A connected stream.
#[derive(Debug)]
pub struct Stream {
    transport: Transport,
    remote: Option<SocketAddr>,
}

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The address at the other end; a Unix socket has none.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The ALPN protocol that a TLS handshake agreed on.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.transport {
            Transport::Tls(stream) => stream.get_ref().1.alpn_protocol(),
            Transport::Tcp(_) | Transport::Unix(_) => None,
        }
    }

    pub(super) fn tcp(stream: TcpStream, remote: SocketAddr) -> Self {
        Self { transport: Transport::Tcp(stream), remote: Some(remote) }
    }

    pub(super) fn unix(stream: UnixStream) -> Self {
        Self { transport: Transport::Unix(stream), remote: None }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, remote: SocketAddr) -> Self {
        Self { transport: Transport::Tls(Box::new(stream)), remote: Some(remote) }
    }
}

/// The same call on whichever transport it is.
macro_rules! on_transport {
    ($this:expr, $stream:ident => $call:expr) => {
        match &mut $this.transport {
            Transport::Tcp(inner) => {
                let $stream = Pin::new(inner);
                $call
            }
            Transport::Unix(inner) => {
                let $stream = Pin::new(inner);
                $call
            }
            Transport::Tls(inner) => {
                let $stream = Pin::new(&mut **inner);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        on_transport!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_transport!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Tcp(stream) => stream.is_write_vectored(),
            Transport::Unix(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_shutdown(cx))
    }
}
