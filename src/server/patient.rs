//! A stream whose written bytes must be taken in time, against clients that read too slowly to ever end; and where it is known which were.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    common::watch::{Slot, Ticks, Watch},
    gateway::client::Client,
};

/// A stream with a bound on how long a write may wait.
#[derive(Debug)]
pub struct Patient<S> {
    io: S,
    watch: Rc<Watch>,
    patience: Ticks,
    client: Rc<Client>,
}

impl<S> Patient<S> {
    /// Bounds the writes of `io`, and tells `client` of them.
    pub fn new(io: S, watch: Rc<Watch>, patience: Ticks, client: Rc<Client>) -> Self {
        Self { io, watch, patience, client }
    }

    fn judge<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.watch.disarm(Slot::Write);
        } else if self.watch.fired(Slot::Write) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        } else {
            self.watch.arm_once(Slot::Write, self.patience);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = &result {
            self.client.outbox.wrote(&buf[..*written]);
        }
        self.judge(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(written)) = &result {
            let mut left = *written;
            for buf in bufs {
                let taken = left.min(buf.len());
                self.client.outbox.wrote(&buf[..taken]);
                left -= taken;
            }
        }
        self.judge(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_flush(cx);
        if let Poll::Ready(Ok(())) = &result {
            self.client.outbox.flushed();
        }
        self.judge(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(result)
    }
}
