//! A stream that has left HTTP (RFC 8441): both ways of it as one that is read and written.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both ways of a stream.
pub(super) struct Duplex {
    out: SendStream<Bytes>,
    received: RecvStream,
    /// What was read ahead.
    read: Bytes,
}

impl Duplex {
    pub(super) fn new(out: SendStream<Bytes>, received: RecvStream) -> Self {
        Self { out, received, read: Bytes::new() }
    }
}

impl AsyncRead for Duplex {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match ready!(self.received.poll_data(cx)) {
                Some(Ok(data)) => self.read = data,
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => {
                    return Poll::Ready(match error.reason() {
                        // Who has no more to say may say so in this way, too.
                        Some(Reason::NO_ERROR | Reason::CANCEL) => Ok(()),
                        _ => Err(io::ErrorKind::ConnectionReset.into()),
                    });
                }
            }
        }
        let size = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read[..size]);
        self.read.advance(size);
        // It fails where the stream has ended, and then there is no window to give back.
        let _ = self.received.flow_control().release_capacity(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.out.reserve_capacity(buf.len());
        while self.out.capacity() == 0 {
            let Some(Ok(_)) = ready!(self.out.poll_capacity(cx)) else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
        }
        let size = self.out.capacity().min(buf.len());
        let sent = self.out.send_data(Bytes::copy_from_slice(&buf[..size]), false);
        Poll::Ready(sent.map(|()| size).map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.out.send_data(Bytes::new(), true);
        Poll::Ready(sent.map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }
}
