//! What is read of a connection, and how far it is.

use std::{
    io, mem,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Request, request::Parts};
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use crate::{
    common::{
        http1::{Chunks, Pattern, READ, Remaining},
        watch::{Slot, Ticks, Watch},
    },
    gateway::{refusal::Kind, settings::HeadRules},
    server::{
        framing::{self, Form, Length},
        reading,
    },
};

/// Room to read a head into, and least room left for one.
const ROOM: usize = 1 << 13;
const LEAST: usize = 1 << 10;
/// Most bytes of a body that nobody has read which are read to its end, so that another request may follow.
const DRAINED: usize = 1 << 16;

/// Tells a client that it may send its body (RFC 9110, section 10.1.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request's head.
#[derive(Debug)]
pub(super) struct Asked {
    /// What it says.
    pub(super) parts: Box<Parts>,
    /// Why it is refused; then `parts` are those of a harmless one.
    pub(super) refused: Option<Kind>,
    /// What its answer must keep to.
    pub(super) form: Form,
    /// Whether no body comes behind it.
    pub(super) is_whole: bool,
}

/// The stream of a connection, and the request that is read of it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "none follows from another")]
pub(super) struct Wire<S> {
    io: S,
    watch: Rc<Watch>,
    rules: Arc<HeadRules>,
    /// For a head that has begun.
    patience: Ticks,
    /// What was read ahead.
    read: BytesMut,
    /// How much of it was looked at for the end of a head.
    seen: usize,
    /// How much the last read took.
    last: usize,
    /// Of the body under way.
    remaining: Remaining,
    /// Who reads that.
    reader: Option<Waker>,
    /// What is still to be said before it comes.
    interim: &'static [u8],
    /// That is written, and may not be out.
    unflushed: bool,
    /// What heads it has had.
    pattern: Pattern,
    /// Another request may follow the one under way.
    persists: bool,
    /// None is to follow.
    ending: bool,
    /// Nothing more is read as HTTP.
    refused: bool,
    /// Of the body under way nothing more can be read.
    cut: bool,
    /// It has given its room back.
    asleep: bool,
}

impl<S> Wire<S> {
    /// Of a connection over `io` that has just begun.
    pub(super) fn new(io: S, watch: Rc<Watch>, rules: Arc<HeadRules>, patience: Ticks) -> Self {
        Self {
            io,
            watch,
            rules,
            patience,
            read: BytesMut::new(),
            seen: 0,
            last: 0,
            remaining: Remaining::Over,
            reader: None,
            interim: b"",
            unflushed: false,
            pattern: Pattern::default(),
            persists: true,
            ending: false,
            refused: false,
            cut: false,
            asleep: false,
        }
    }

    /// What answers are written to.
    pub(super) fn io(&mut self) -> &mut S {
        &mut self.io
    }

    /// What is left of the body under way.
    pub(super) fn remaining(&self) -> &Remaining {
        &self.remaining
    }

    /// Lets no request follow those that have come.
    pub(super) fn end(&mut self) {
        self.ending = true;
    }

    /// Whether nothing is under way, and it has room to give back.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.asleep && !self.is_unread()
    }

    /// Gives its room back.
    pub(super) fn sleep(&mut self) {
        self.read = BytesMut::new();
        self.pattern = Pattern::default();
        self.asleep = true;
    }

    /// Ends the body under way for whoever reads it; whether the client may still be sending.
    pub(super) fn close(&mut self) -> bool {
        self.cut = true;
        self.reader.take().into_iter().for_each(Waker::wake);
        self.is_unread()
    }

    /// The stream, and what was read of it ahead.
    pub(super) fn into_parts(self) -> (S, Bytes) {
        (self.io, self.read.freeze())
    }

    fn is_unread(&self) -> bool {
        self.refused || !self.remaining.is_over() || !self.read.is_empty()
    }

    /// An answer begins: what must go before it, and whether another request may follow.
    pub(super) fn begin_answer(&mut self, form: Form) -> (&'static [u8], bool) {
        let rest = mem::take(&mut self.interim);
        self.unflushed = false;
        // Who has an answer needs no leave to go on, unless half of that is out.
        let begun = if rest.len() == CONTINUE.len() { b"" } else { rest };
        (begun, form.persists && !self.ending && !self.refused)
    }

    /// The head of an answer is written: whether another request may follow.
    pub(super) fn keep(&mut self, persists: bool) {
        self.persists = persists;
    }

    /// Takes a head off what was read; nothing where it is not whole.
    fn take_head(&mut self) -> Result<Option<Asked>, Kind> {
        let Some(end) = framing::find_end(&self.read, self.seen, &self.rules)? else {
            self.seen = self.read.len();
            self.watch.arm_once(Slot::Head, self.patience);
            return Ok(None);
        };
        self.seen = 0;
        let head = self.read.split_to(end).freeze();
        let passed = framing::read(&head, &self.rules, &mut self.pattern)?;
        self.remaining = match passed.length {
            Length::Bytes(0) => Remaining::Over,
            Length::Bytes(length) => Remaining::Bytes(length),
            Length::Chunked => {
                // A frame that is seen to be broken is refused before anybody else sees the request.
                Chunks::default().read(&self.read).map_err(|_| Kind::Framing("a malformed chunk"))?;
                Remaining::chunked(Chunks::default())
            }
        };
        self.watch.disarm(Slot::Head);
        self.interim = if passed.expects { CONTINUE } else { b"" };
        let is_whole = self.remaining.is_over();
        Ok(Some(Asked { parts: passed.parts, refused: None, form: passed.form, is_whole }))
    }

    /// What stands for a head that is refused.
    fn refuse(&mut self, kind: Kind) -> Asked {
        self.watch.disarm(Slot::Head);
        self.refused = true;
        self.read = BytesMut::new();
        let (parts, ()) = Request::new(()).into_parts();
        let form = Form { http_1_0: false, head_only: false, persists: false, trailers: false };
        Asked { parts: Box::new(parts), refused: Some(kind), form, is_whole: true }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Waits for a request; nothing where none will come.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Asked>> {
        loop {
            if self.read.len() > self.seen {
                match self.take_head() {
                    Ok(Some(asked)) => return Poll::Ready(Some(asked)),
                    Ok(None) => {}
                    Err(kind) => return Poll::Ready(Some(self.refuse(kind))),
                }
            }
            if self.read.is_empty() {
                if self.ending {
                    return Poll::Ready(None);
                }
                // From its start again, where nobody holds what was read: that part of it is in the processor's cache. It may fail.
                let _ = self.read.try_reclaim(ROOM);
            }
            match self.poll_read(cx, ROOM, LEAST) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending if !self.read.is_empty() && self.watch.fired(Slot::Head) => {
                    return Poll::Ready(Some(self.refuse(Kind::ClientTimeout)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Waits until the client has left, as far as that can be seen behind what it has sent.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_unread() {
            return Poll::Pending;
        }
        match self.poll_read(cx, ROOM, LEAST) {
            Poll::Ready(Ok(1..)) | Poll::Pending => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(()),
        }
    }

    /// What comes next of the body under way.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = self.poll_body_on(cx);
        match &polled {
            Poll::Pending => self.reader = Some(cx.waker().clone()),
            Poll::Ready(Some(Err(_))) => self.cut = true,
            Poll::Ready(_) => {}
        }
        polled
    }

    fn poll_body_on(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if self.cut {
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
            }
            match self.remaining.take(&mut self.read) {
                Ok(Some(frame)) => {
                    self.interim = b"";
                    return Poll::Ready(Some(Ok(frame)));
                }
                Ok(None) if self.remaining.is_over() => return Poll::Ready(None),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into()))),
            }
            ready!(self.poll_interim(cx))?;
            let room = self.remaining.room(self.last, READ);
            if ready!(self.poll_read(cx, room, room))? == 0 {
                return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
            }
        }
    }

    /// Says what must be said before a body comes.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.interim.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        self.unflushed = true;
        while !self.interim.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, self.interim))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.interim = &self.interim[written..];
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// The answer is out; whether another request may follow. A short body that nobody has read is read for that, unless it `is_held`.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>, is_held: bool) -> bool {
        self.interim = b"";
        if is_held || !self.persists || self.ending || self.refused || self.cut {
            // Whoever still reads is told by `close`.
            return false;
        }
        let mut drained = 0;
        while !self.remaining.is_over() {
            match self.remaining.take(&mut self.read) {
                _ if drained > DRAINED => return false,
                Ok(Some(frame)) => drained += frame.data_ref().map_or(0, Bytes::len),
                Ok(None) if self.remaining.is_over() => {}
                Ok(None) => match self.poll_read(cx, ROOM, LEAST) {
                    Poll::Ready(Ok(1..)) => {}
                    _ => return false,
                },
                Err(_) => return false,
            }
        }
        self.reader = None;
        true
    }

    /// Closes the way out.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    /// Reads what nobody needs; 0 at the end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.read.clear();
        self.poll_read(cx, ROOM, LEAST)
    }

    /// Reads what has come, with room for some `room` bytes and `least` at any rate; 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: usize, least: usize) -> Poll<io::Result<usize>> {
        if self.asleep {
            let read = ready!(reading::poll_scrap(Pin::new(&mut self.io), cx, &mut self.read, ROOM))?;
            self.asleep = false;
            return Poll::Ready(Ok(read));
        }
        if self.read.capacity() - self.read.len() < least {
            self.read.reserve(room);
        }
        let read = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.read))?;
        self.last = read;
        Poll::Ready(Ok(read))
    }
}
