//! The application's side of a tunnel after an upgrade to WebSocket: what is read from it is masked, message by message.
//!
//! What can't be read ends the tunnel with a closing frame (1003, RFC 6455 section 7.4.1), unless it may pass.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Ledger, Masking};
use crate::{
    format::websocket::{self, Frames},
    gateway::upload::Upload,
    observe::map::Place,
    privacy::mask::{Masker, settings::Uninspectable},
};

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;

/// A stream that is masked, or one that is not.
#[derive(Debug)]
pub struct Sieve<S> {
    stream: S,
    frames: Option<Box<Sifted>>,
}

#[derive(Debug)]
struct Sifted {
    frames: Frames<Masker>,
    ledger: Ledger,
    upload: Rc<Upload>,
    input: Box<[u8]>,
    out: Vec<u8>,
    /// How much of `out` was handed on.
    done: usize,
    closed: bool,
}

impl<S> Sieve<S> {
    /// `stream` under the mask of its route, where it has one; what is found is noted in `upload`.
    pub fn new(stream: S, masking: Option<Masking>, upload: Rc<Upload>) -> Self {
        let frames = masking.map(|masking| {
            let binary = masking.uninspectable == Uninspectable::Pass;
            let judge = masking.witness.as_ref().map(|witness| witness.judge().1);
            let masker = Masker::judged(masking.mask, false, judge);
            Box::new(Sifted {
                frames: Frames::new(masker, binary),
                ledger: masking.ledger,
                upload,
                input: vec![0; PIECE].into_boxed_slice(),
                out: Vec::new(),
                done: 0,
                closed: false,
            })
        });
        Self { stream, frames }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sieve<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(sifted) = &mut this.frames else { return Pin::new(&mut this.stream).poll_read(cx, buf) };
        while sifted.done == sifted.out.len() {
            if sifted.closed {
                return Poll::Ready(Ok(()));
            }
            sifted.out.clear();
            sifted.done = 0;
            let mut piece = ReadBuf::new(&mut sifted.input);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = sifted.frames.push(piece.filled(), &mut sifted.out) {
                tracing::debug!(why = error.0, "a message that can't be inspected ends the tunnel");
                sifted.ledger.uninspectable("refused");
                sifted.closed = true;
                websocket::write(8, &1003_u16.to_be_bytes(), &mut sifted.out);
            }
        }
        let rest = &sifted.out[sifted.done..];
        let take = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..take]);
        sifted.done += take;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sieve<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Sifted {
    fn drop(&mut self) {
        let found = self.frames.visitor().found();
        if !found.is_empty() {
            self.ledger.record(Place::ResponseMessage, found, &self.upload);
        }
    }
}
