//! A stream that has left HTTP (RFC 8441): both ways of it as one that is read and written.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use h2::Reason;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{frame, handle::Handle, session::stream::Received};

/// Both ways of a stream.
pub(super) struct Duplex {
    stream: Handle,
    /// What was read ahead.
    read: Bytes,
    /// Nothing more is written.
    is_shut: bool,
}

impl Duplex {
    pub(super) fn new(stream: Handle) -> Self {
        Self { stream, read: Bytes::new(), is_shut: false }
    }
}

impl AsyncRead for Duplex {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match ready!(self.stream.poll_piece(cx)) {
                Some(Ok(Received::Piece(piece))) => self.read = piece,
                // Who has no more to say may say so by a reset, too.
                None | Some(Ok(_) | Err(Reason::NO_ERROR | Reason::CANCEL)) => return Poll::Ready(Ok(())),
                Some(Err(_)) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
        let size = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read[..size]);
        self.read.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.stream.poll_taken(cx));
        if self.stream.is_gone() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let size = buf.len().min(frame::MOST);
        if size > 0 {
            self.stream.give(Bytes::copy_from_slice(&buf[..size]), false);
        }
        Poll::Ready(Ok(size))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_taken(cx).map(Ok)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_taken(cx));
        if !mem::replace(&mut self.is_shut, true) {
            self.stream.give(Bytes::new(), true);
        }
        self.stream.poll_taken(cx).map(Ok)
    }
}
