//! Stands between TLS and hyper on an HTTP/2 connection until the client's preface is over: what follows the fixed text must be a
//! SETTINGS frame (RFC 9113, section 3.4), which the HTTP/2 library does not ask for. After it, bytes pass unseen.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, which the library checks, and a frame's header.
const TEXT: usize = 24;
const TYPE: usize = TEXT + 3;
const FLAGS: usize = TEXT + 4;
const END: usize = TEXT + 9;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// The stream of a connection whose preface is watched.
#[derive(Debug)]
pub struct Preface<S> {
    io: S,
    /// Bytes of the preface that have passed.
    at: usize,
}

impl<S> Preface<S> {
    /// Watches `io` from its first byte on.
    pub fn new(io: S) -> Self {
        Self { io, at: 0 }
    }

    /// Whether `bytes`, the next of the stream, may begin it.
    fn pass(&mut self, bytes: &[u8]) -> bool {
        let begin = self.at;
        self.at = END.min(begin + bytes.len());
        bytes.iter().zip(begin..END).all(|(byte, at)| match at {
            TYPE => *byte == SETTINGS,
            FLAGS => byte & ACK == 0,
            _ => true,
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Preface<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        if self.at < END && !self.pass(&buf.filled()[before..]) {
            buf.set_filled(before);
            // The connection ends; a GOAWAY may be left out here.
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Preface<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the bytes pass, however they are cut.
    fn passes(frame: &[u8]) -> bool {
        let all = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame].concat();
        let outcomes: Vec<bool> = (1..=all.len())
            .map(|size| {
                let mut preface = Preface::new(());
                all.chunks(size).all(|part| preface.pass(part))
            })
            .collect();
        assert!(outcomes.iter().all(|passed| *passed == outcomes[0]), "{frame:?}");
        outcomes[0]
    }

    #[test]
    fn settings_come_first() {
        assert!(passes(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0]), "SETTINGS, then anything");
        assert!(!passes(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]), "PING");
        assert!(!passes(&[0, 0, 0, 4, 1, 0, 0, 0, 0]), "an acknowledgement of none");
        assert!(!passes(&[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x82]), "HEADERS");
    }
}
