//! Stands between TLS and hyper on an HTTP/1.1 connection and lets through only what [`framing`] has passed.
//!
//! Heads are held back until they are whole and good; a good head that arrives in one piece, the usual case, is never
//! copied. A bad one never reaches hyper: a harmless request takes its place, and [`Line`] tells the service to refuse
//! it, so that answers to earlier requests still go out in order and the refusal leaves like any other. What follows it is
//! never read as a request. A body whose frame breaks after its head went on ends in a read error.

use std::{
    cell::{Cell, RefCell},
    io,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{self, Length};
use crate::{
    common::{
        http1::{Chunks, Malformed},
        watch::{Slot, Ticks, Watch},
    },
    gateway::{refusal::Kind, settings::HeadRules},
};

/// What hyper reads in place of a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\n\r\n";

/// Room for what is read of a connection that had nothing to do: most requests are shorter.
const SCRAP: usize = 1024;

/// What the guard of a connection and the service behind it tell each other.
#[derive(Debug, Default)]
pub struct Line {
    /// Heads let through, the stand-in of a refused one included.
    heads: Cell<u64>,
    /// Requests that reached the service.
    served: Cell<u64>,
    /// Which head is the stand-in, and why.
    refused: Cell<Option<(u64, Kind)>>,
    /// Why the body under way is broken.
    broken: Cell<Option<Kind>>,
    /// A request has asked for an upgrade and is not answered yet.
    undecided: Cell<bool>,
    /// Who waits for that.
    waiting: RefCell<Option<Waker>>,
    /// A head or a body is under way, or waits for hyper.
    unread: Cell<bool>,
}

impl Line {
    /// Counts a request that reached the service; the reason when it is the stand-in of a refused one.
    pub fn begin(&self) -> Option<Kind> {
        self.served.set(self.served.get() + 1);
        self.refused.get().and_then(|(head, kind)| (head == self.served.get()).then_some(kind))
    }

    /// The request is answered and HTTP goes on.
    pub fn stay(&self) {
        self.undecided.set(false);
        // What came behind the request may be here already, and then nothing else would wake the connection.
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Why the body under way can't be read on.
    pub fn broken(&self) -> Option<Kind> {
        self.broken.get()
    }

    /// Whether a head or a body is under way.
    pub fn is_unread(&self) -> bool {
        self.unread.get()
    }

    fn undo_head(&self) {
        self.heads.set(self.heads.get().saturating_sub(1));
    }
}

/// The guarded stream.
#[derive(Debug)]
pub struct Guard<S> {
    io: S,
    line: Rc<Line>,
    watch: Rc<Watch>,
    rules: Arc<HeadRules>,
    /// For a head that has begun.
    patience: Ticks,
    state: State,
    /// Bytes that passed and wait for hyper's buffer, from `ready_at` on.
    ready: Vec<u8>,
    ready_at: usize,
    /// The head under way, or what came behind a request to upgrade.
    partial: Vec<u8>,
    seen: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Head,
    Bytes(u64),
    Chunked(Chunks),
    Undecided,
    Refused,
    Broken,
}

impl<S> Guard<S> {
    /// Guards `io`.
    pub fn new(io: S, line: Rc<Line>, watch: Rc<Watch>, rules: Arc<HeadRules>, patience: Ticks) -> Self {
        Self {
            io,
            line,
            watch,
            rules,
            patience,
            state: State::Head,
            ready: Vec::new(),
            ready_at: 0,
            partial: Vec::new(),
            seen: 0,
        }
    }

    /// Whether the client may still be sending what nobody will read.
    pub fn is_unread(&self) -> bool {
        self.state != State::Head || !self.partial.is_empty()
    }

    /// The stream, and what was read from it but not let through.
    pub fn into_parts(mut self) -> (S, Vec<u8>) {
        self.ready.drain(..self.ready_at);
        self.ready.append(&mut self.partial);
        (self.io, self.ready)
    }

    /// How many bytes of `bytes`, which begin where the state stands, may go on. What is left is the head under way.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        // Where the head of the request under way begins, while it can still be taken back.
        let mut begin = None;
        while at < bytes.len() {
            match &mut self.state {
                State::Head => match self.head(&bytes[at..]) {
                    Ok(Some(end)) => {
                        begin = Some(at);
                        at += end;
                    }
                    Ok(None) => return at,
                    Err(kind) => {
                        self.refuse(kind);
                        return at;
                    }
                },
                State::Bytes(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    *left -= taken as u64;
                    at += taken;
                    if *left == 0 {
                        self.state = State::Head;
                    }
                }
                State::Chunked(chunks) => match chunks.read(&bytes[at..]) {
                    Ok(Some(end)) => {
                        at += end;
                        self.state = State::Head;
                    }
                    Ok(None) => at = bytes.len(),
                    Err(Malformed) => {
                        let kind = Kind::Framing("a malformed chunk");
                        let Some(begin) = begin else {
                            self.line.broken.set(Some(kind));
                            self.state = State::Broken;
                            return at;
                        };
                        self.line.undo_head();
                        self.refuse(kind);
                        return begin;
                    }
                },
                State::Undecided | State::Refused | State::Broken => return at,
            }
        }
        at
    }

    /// Looks at a head; its length when it is whole and good.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Kind> {
        let seen = std::mem::take(&mut self.seen);
        let Some(end) = framing::find_end(bytes, seen, &self.rules)? else {
            self.seen = bytes.len();
            self.watch.arm_once(Slot::Head, self.patience);
            return Ok(None);
        };
        let passed = framing::check(&bytes[..end], &self.rules)?;
        self.watch.disarm(Slot::Head);
        self.line.heads.set(self.line.heads.get() + 1);
        self.state = match passed.length {
            Length::Bytes(0) if passed.upgrade => {
                self.line.undecided.set(true);
                State::Undecided
            }
            Length::Bytes(0) => State::Head,
            Length::Bytes(length) => State::Bytes(length),
            Length::Chunked => State::Chunked(Chunks::default()),
        };
        Ok(Some(end))
    }

    fn refuse(&mut self, kind: Kind) {
        self.watch.disarm(Slot::Head);
        let head = self.line.heads.get() + 1;
        self.line.heads.set(head);
        self.line.refused.set(Some((head, kind)));
        self.state = State::Refused;
    }

    /// Takes `bytes` in by way of `ready` and `partial`.
    fn take_in(&mut self, bytes: Vec<u8>) {
        let passed = self.advance(&bytes);
        self.ready_at = 0;
        self.ready = bytes;
        let rest = self.ready.split_off(passed);
        self.settle(&rest);
    }

    /// After [`Guard::advance`]: keeps the head under way, or puts the stand-in behind what passed.
    fn settle(&mut self, rest: &[u8]) {
        match self.state {
            State::Refused => self.ready.extend_from_slice(STAND_IN),
            State::Head | State::Undecided => self.partial.extend_from_slice(rest),
            _ => {}
        }
    }

    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.ready[self.ready_at..];
        let taken = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..taken]);
        self.ready_at += taken;
        if self.ready_at == self.ready.len() {
            // Held bytes are rare; an idle connection should not keep their buffer.
            self.ready = Vec::new();
            self.ready_at = 0;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.pull(cx, buf);
        self.line.unread.set(self.is_unread() || !self.ready.is_empty());
        read
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Waits until there is something to read, without a buffer meanwhile.
    pub fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scrap = [MaybeUninit::uninit(); SCRAP];
        let mut buf = ReadBuf::uninit(&mut scrap);
        ready!(Pin::new(&mut *self).poll_read(cx, &mut buf))?;
        // A long head does not fit at once.
        let rest = self.ready.split_off(self.ready_at);
        self.ready = [buf.filled(), &rest].concat();
        self.ready_at = 0;
        Poll::Ready(Ok(()))
    }

    fn pull(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.ready.is_empty() {
                self.give(buf);
                return Poll::Ready(Ok(()));
            }
            match self.state {
                State::Refused => return Poll::Pending,
                State::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                State::Undecided if self.line.undecided.get() => {
                    self.line.waiting.replace(Some(cx.waker().clone()));
                    return Poll::Pending;
                }
                State::Undecided => {
                    self.state = State::Head;
                    let held = std::mem::take(&mut self.partial);
                    self.take_in(held);
                    continue;
                }
                State::Head | State::Bytes(_) | State::Chunked(_) => {}
            }
            let before = buf.filled().len();
            match Pin::new(&mut self.io).poll_read(cx, buf) {
                Poll::Pending if self.waits_too_long() => continue,
                other => ready!(other)?,
            }
            if buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            if self.partial.is_empty() {
                let passed = self.advance(&buf.filled()[before..]);
                self.settle(&buf.filled()[before + passed..]);
                buf.set_filled(before + passed);
                if passed > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                let mut held = std::mem::take(&mut self.partial);
                held.extend_from_slice(&buf.filled()[before..]);
                buf.set_filled(before);
                self.take_in(held);
            }
        }
    }
}

impl<S> Guard<S> {
    /// With nothing to read: whether the head under way is overdue, which refuses it.
    fn waits_too_long(&mut self) -> bool {
        if self.state == State::Head && !self.partial.is_empty() && self.watch.fired(Slot::Head) {
            self.partial = Vec::new();
            self.refuse(Kind::ClientTimeout);
            self.settle(&[]);
            return true;
        }
        false
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
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
mod tests;
