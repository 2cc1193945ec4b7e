//! What a client sends, frame by frame.

use std::{
    cell::RefCell,
    io, mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use h2::Reason;
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use super::{
    Asked, Limits,
    frame::{self, Header},
    handle::Handle,
    out::Out,
    request::{Head, Reader},
    session::{self, HELD_BACK, Place, Session, stream},
};
use crate::{
    common::{hpack::Malformed, http1::READ},
    gateway::refusal::Kind,
    server::reading,
};

/// Room to read into, at first.
const ROOM: usize = 1 << 13;
/// How much of a head's limit its block may have, which can be longer than what it says.
const BLOCK: usize = 2;
/// Most frames of a block.
const FRAMES: u32 = 64;
/// What is asked of a client to know that it has heard that we end.
const FAREWELL: [u8; 8] = *b"farewell";

/// A connection to a client.
#[derive(Debug)]
pub struct Connection<S> {
    io: S,
    limits: Limits,
    session: Rc<RefCell<Session>>,
    reader: Reader,
    read: BytesMut,
    /// How much the last read took.
    last_read: usize,
    /// A block whose end is to come.
    block: Option<Box<Block>>,
    /// The highest stream that was opened, and the highest that the client was told of.
    last: u32,
    told: Option<u32>,
    stage: Stage,
    /// The client will open no other stream.
    is_left: bool,
    /// What was written may not be out.
    is_unflushed: bool,
    is_asleep: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The text that a connection begins with is to come.
    Preface,
    /// The client's settings are.
    Settings,
    Open,
    /// The client is told that we end, and we wait until it has heard that.
    Ending,
    /// It has.
    Ended,
    /// It has had time enough: no more than answers are waited for.
    Late,
    /// It does not keep to the rules, and is told so.
    Failed,
    /// Nothing more is written.
    Shut,
}

/// The beginning of a block.
#[derive(Debug)]
struct Block {
    stream: u32,
    is_last: bool,
    bytes: BytesMut,
    frames: u32,
}

impl<S> Connection<S> {
    /// What comes over `io`.
    pub fn new(io: S, limits: Limits) -> Self {
        let mut session = Session::new();
        let settings = [(3, limits.streams), (4, stream::WINDOW), (6, limits.header_bytes), (8, 1)];
        let out = session.out.tail();
        frame::write_settings(&settings, out);
        let more = session::WINDOW - (1 << 16) + 1;
        frame::write(frame::WINDOW_UPDATE, 0, 0, &more.to_be_bytes(), out);
        Self {
            io,
            limits,
            session: Rc::new(RefCell::new(session)),
            reader: Reader::new(limits.header_bytes as usize, limits.header_count),
            read: BytesMut::new(),
            last_read: 0,
            block: None,
            last: 0,
            told: None,
            stage: Stage::Preface,
            is_left: false,
            is_unflushed: false,
            is_asleep: false,
        }
    }

    /// Ends it after what is under way, and after what the client asks for before it has heard that; said again, after answers alone.
    pub fn end(&mut self) {
        let mut session = self.session.borrow_mut();
        match self.stage {
            Stage::Open => {
                write_goaway(u32::MAX >> 1, Reason::NO_ERROR, &mut session);
                frame::write(frame::PING, 0, 0, &FAREWELL, session.out.tail());
                self.stage = Stage::Ending;
            }
            Stage::Preface | Stage::Settings => {
                self.read.clear();
                write_goaway(*self.told.get_or_insert(self.last), Reason::NO_ERROR, &mut session);
                self.stage = Stage::Ended;
            }
            Stage::Ending => {
                write_goaway(*self.told.get_or_insert(self.last), Reason::NO_ERROR, &mut session);
                self.stage = Stage::Late;
            }
            Stage::Ended => self.stage = Stage::Late,
            Stage::Late | Stage::Failed | Stage::Shut => {}
        }
    }

    /// Whether we have ended it while the client may be sending.
    pub fn is_unread(&self) -> bool {
        self.stage == Stage::Shut
    }

    /// Whether nothing is under way, and it has room to give back.
    pub fn is_at_rest(&self) -> bool {
        let session = self.session.borrow();
        !self.is_asleep && self.read.is_empty() && self.block.is_none() && session.held() == 0 && session.out.is_empty()
    }

    /// Gives its room back.
    pub fn sleep(&mut self) {
        self.read = BytesMut::new();
        self.reader.sleep();
        self.session.borrow_mut().sleep();
        self.is_asleep = true;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Reads and writes what there is, and waits for a request; nothing where none will come.
    pub fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Asked>> {
        loop {
            match self.next_request() {
                Ok(Some(asked)) => return Poll::Ready(Some(asked)),
                Ok(None) => {}
                Err(reason) => self.fail(reason),
            }
            let is_over = self.is_over();
            // Who does not take what he is owed may not ask for more.
            let may_read = !is_over && self.session.borrow().out.len() < HELD_BACK;
            if may_read {
                match self.poll_read(cx) {
                    Poll::Ready(Ok(1..)) => continue,
                    Poll::Ready(_) => return Poll::Ready(None),
                    Poll::Pending => {}
                }
            }
            match self.poll_write(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(())) if is_over => {
                    self.stage = Stage::Shut;
                    return Pin::new(&mut self.io).poll_shutdown(cx).map(|_| None);
                }
                Poll::Ready(Ok(())) if !may_read => {}
                _ => {
                    self.session.borrow_mut().register(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Reads what nobody needs; 0 at the end.
    pub fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.read.clear();
        self.poll_read(cx)
    }

    /// Whether nothing more is to come of it.
    fn is_over(&self) -> bool {
        let session = self.session.borrow();
        match self.stage {
            Stage::Failed | Stage::Shut => true,
            // Who reads a body that never ends is not waited for.
            Stage::Late => session.unanswered() == 0,
            Stage::Ended => session.held() == 0,
            _ => self.is_left && session.held() == 0,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        let read = if mem::take(&mut self.is_asleep) {
            let polled = reading::poll_scrap(io, cx, &mut self.read, ROOM);
            self.is_asleep = polled.is_pending();
            ready!(polled)?
        } else {
            let room = (2 * self.last_read).clamp(ROOM, READ);
            // From its start again, where nobody holds what was read: that part of it is in the processor's cache. It may fail.
            let _ = self.read.is_empty() && self.read.try_reclaim(ROOM);
            if self.read.capacity() - self.read.len() < ROOM {
                self.read.reserve(room);
            }
            ready!(poll_read_buf(io, cx, &mut self.read))?
        };
        self.last_read = read;
        Poll::Ready(Ok(read))
    }

    /// Writes all that may be.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = self.session.borrow_mut();
        loop {
            session.pump();
            if session.out.is_empty() {
                break;
            }
            self.is_unflushed = true;
            ready!(session.out.poll_write(&mut self.io, cx))?;
        }
        if self.is_unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// What comes.
impl<S> Connection<S> {
    /// The next request among the frames that were read, all of which before it are done with; nothing where more must be read.
    fn next_request(&mut self) -> Result<Option<Asked>, Reason> {
        if self.stage == Stage::Preface {
            let size = self.read.len().min(frame::PREFACE.len());
            if self.read[..size] != frame::PREFACE[..size] {
                return Err(Reason::PROTOCOL_ERROR);
            }
            if size < frame::PREFACE.len() {
                return Ok(None);
            }
            self.read.advance(size);
            self.stage = Stage::Settings;
        }
        while !matches!(self.stage, Stage::Failed | Stage::Shut)
            && let Some(header) = Header::read(&self.read)
        {
            if header.length > frame::MOST {
                return Err(Reason::FRAME_SIZE_ERROR);
            }
            let is_settings = header.kind == frame::SETTINGS && !header.has(frame::ACK);
            let is_continuation = header.kind == frame::CONTINUATION;
            if (self.stage == Stage::Settings && !is_settings) || self.block.is_some() != is_continuation {
                return Err(Reason::PROTOCOL_ERROR);
            }
            if self.read.len() < frame::HEADER + header.length {
                break;
            }
            let payload = self.read.split_to(frame::HEADER + header.length).freeze().slice(frame::HEADER..);
            if let Some(asked) = self.take(header, &payload)? {
                return Ok(Some(asked));
            }
        }
        Ok(None)
    }

    fn take(&mut self, header: Header, payload: &Bytes) -> Result<Option<Asked>, Reason> {
        let of_connection = matches!(header.kind, frame::SETTINGS | frame::PING | frame::GOAWAY);
        let of_stream = header.kind < frame::CONTINUATION && !of_connection && header.kind != frame::WINDOW_UPDATE;
        if (of_connection && header.stream != 0) || (of_stream && header.stream == 0) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        match header.kind {
            frame::DATA => self.take_data(header, payload)?,
            frame::HEADERS => return self.take_headers(header, payload),
            frame::CONTINUATION => return self.take_continuation(header, payload),
            frame::PRIORITY if payload.len() != 5 => return Err(Reason::FRAME_SIZE_ERROR),
            frame::RST_STREAM => {
                let reason = Reason::from(frame::number(payload)?);
                if let Place::Here(key) = self.place(header.stream)? {
                    self.session.borrow_mut().reset(key, reason);
                }
            }
            frame::SETTINGS => self.take_settings(header, payload)?,
            frame::PUSH_PROMISE => return Err(Reason::PROTOCOL_ERROR),
            frame::PING => self.take_ping(header, payload)?,
            frame::GOAWAY if payload.len() < 8 => return Err(Reason::FRAME_SIZE_ERROR),
            frame::GOAWAY => self.is_left = true,
            frame::WINDOW_UPDATE => {
                let more = frame::number(payload)? & u32::MAX >> 1;
                if header.stream == 0 {
                    self.session.borrow_mut().widen(None, more)?;
                } else if let Place::Here(key) = self.place(header.stream)? {
                    self.session.borrow_mut().widen(Some(key), more)?;
                }
            }
            // What is not known is left out (RFC 9113, section 5.5), and priorities are not made use of.
            _ => {}
        }
        Ok(None)
    }

    /// Where stream `id` is, which must have been opened.
    fn place(&self, id: u32) -> Result<Place, Reason> {
        if id > self.last { Err(Reason::PROTOCOL_ERROR) } else { Ok(self.session.borrow().find(id)) }
    }

    fn take_data(&mut self, header: Header, payload: &Bytes) -> Result<(), Reason> {
        let data = payload.slice_ref(frame::unpad(header, payload)?);
        let is_last = header.has(frame::END_STREAM);
        let place = self.place(header.stream)?;
        let mut session = self.session.borrow_mut();
        session.spend(payload.len())?;
        if data.is_empty() && !is_last {
            session.strike()?;
        }
        match place {
            Place::Here(key) => session.receive(key, data, payload.len(), is_last),
            Place::Ended => {
                session.refund(payload.len());
                Ok(())
            }
            Place::Past => {
                session.refund(payload.len());
                session.refuse(header.stream, Reason::STREAM_CLOSED)
            }
        }
    }

    fn take_headers(&mut self, header: Header, payload: &Bytes) -> Result<Option<Asked>, Reason> {
        let mut block = frame::unpad(header, payload)?;
        if header.has(frame::PRIORITIZED) {
            block = block.get(5..).ok_or(Reason::FRAME_SIZE_ERROR)?;
        }
        let is_last = header.has(frame::END_STREAM);
        if header.has(frame::END_HEADERS) {
            return self.take_block(header.stream, is_last, &payload.slice_ref(block));
        }
        let block = Block { stream: header.stream, is_last, bytes: BytesMut::from(block), frames: 0 };
        self.block = Some(Box::new(block));
        Ok(None)
    }

    fn take_continuation(&mut self, header: Header, payload: &Bytes) -> Result<Option<Asked>, Reason> {
        let Some(mut block) = self.block.take().filter(|block| block.stream == header.stream) else {
            return Err(Reason::PROTOCOL_ERROR);
        };
        block.bytes.extend_from_slice(payload);
        block.frames += 1;
        // CVE-2024-27316: it has no end.
        if block.bytes.len() > frame::MOST + BLOCK * self.limits.header_bytes as usize || block.frames > FRAMES {
            return Err(Reason::ENHANCE_YOUR_CALM);
        }
        if header.has(frame::END_HEADERS) {
            return self.take_block(block.stream, block.is_last, &block.bytes.freeze());
        }
        self.block = Some(block);
        Ok(None)
    }

    /// A whole block: a request, or what stands behind a body.
    fn take_block(&mut self, id: u32, is_last: bool, block: &Bytes) -> Result<Option<Asked>, Reason> {
        let unreadable = |Malformed| Reason::COMPRESSION_ERROR;
        if id <= self.last {
            let trailers = self.reader.trailers(block).map_err(unreadable)?;
            let mut session = self.session.borrow_mut();
            match session.find(id) {
                Place::Here(key) if is_last => session.receive_trailers(key, trailers.ok())?,
                Place::Here(key) => session.fail(key, Reason::PROTOCOL_ERROR)?,
                Place::Ended => session.strike()?,
                Place::Past => session.refuse(id, Reason::STREAM_CLOSED)?,
            }
            return Ok(None);
        }
        if id.is_multiple_of(2) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        let request = self.reader.request(block).map_err(unreadable)?;
        self.last = id;
        let mut session = self.session.borrow_mut();
        // One that is over may still have somebody who has not seen it.
        let (held, most) = (session.held(), self.limits.streams as usize);
        let is_full = held >= 2 * most || (held >= most && session.open() >= most);
        if is_full || matches!(self.stage, Stage::Ended | Stage::Late) {
            session.refuse(id, Reason::REFUSED_STREAM)?;
            return Ok(None);
        }
        let request = request.and_then(|head| match head.length {
            Some(1..) if is_last => Err(Kind::Framing("a Content-Length without a body")),
            _ => Ok(head),
        });
        let (head, refused) = match request {
            Ok(head) => (head, None),
            Err(kind) => {
                session.strike()?;
                let (parts, ()) = Request::new(()).into_parts();
                (Head { parts: Box::new(parts), length: None, expects: false }, Some(kind))
            }
        };
        let key = session.begin(id, &head, is_last, refused.is_some());
        drop(session);
        Ok(Some(Asked {
            parts: head.parts,
            refused,
            is_whole: is_last || refused.is_some(),
            stream: Handle::new(&self.session, key),
        }))
    }

    fn take_settings(&mut self, header: Header, payload: &Bytes) -> Result<(), Reason> {
        if header.has(frame::ACK) {
            return if payload.is_empty() { Ok(()) } else { Err(Reason::FRAME_SIZE_ERROR) };
        }
        self.session.borrow_mut().set(&frame::Settings::read(payload)?)?;
        if self.stage == Stage::Settings {
            self.stage = Stage::Open;
        }
        Ok(())
    }

    fn take_ping(&mut self, header: Header, payload: &Bytes) -> Result<(), Reason> {
        if payload.len() != 8 {
            return Err(Reason::FRAME_SIZE_ERROR);
        }
        let mut session = self.session.borrow_mut();
        if !header.has(frame::ACK) {
            frame::write(frame::PING, frame::ACK, 0, payload, session.out.tail());
        } else if payload[..] == FAREWELL && self.stage == Stage::Ending {
            write_goaway(*self.told.get_or_insert(self.last), Reason::NO_ERROR, &mut session);
            self.stage = Stage::Ended;
        }
        Ok(())
    }

    fn fail(&mut self, reason: Reason) {
        self.stage = Stage::Failed;
        self.read = BytesMut::new();
        let mut session = self.session.borrow_mut();
        write_goaway(*self.told.get_or_insert(self.last), reason, &mut session);
        session.close();
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        let mut session = self.session.borrow_mut();
        session.close();
        session.out = Out::default();
    }
}

fn write_goaway(last: u32, reason: Reason, session: &mut Session) {
    let mut payload = [0; 8];
    payload[..4].copy_from_slice(&last.to_be_bytes());
    payload[4..].copy_from_slice(&u32::from(reason).to_be_bytes());
    frame::write(frame::GOAWAY, 0, 0, &payload, session.out.tail());
}
