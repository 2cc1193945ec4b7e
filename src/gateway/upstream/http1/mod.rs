//! HTTP/1.1 with the application (RFC 9112): one exchange at a time, in the task of whoever asks, so that what comes wakes nobody else.
//!
//! [`Connection::ask`] writes a request and reads the head of its answer, and a [`Body`] reads on from there. Only a request whose body
//! goes on behind that head gets a task, for the two must not wait for each other.

mod error;
mod head;
mod upgraded;

use std::{
    cell::RefCell,
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, ReadBuf},
    task::AbortHandle,
};
use tokio_util::io::poll_read_buf;

use self::head::Answer;
pub use self::{error::Error, upgraded::Upgraded};
use crate::{
    common::http1::{Pattern, READ, Remaining, Sending},
    dial,
    gateway::request_body::RequestBody,
    observe::metrics::UpstreamMeter,
};

/// A connection to the application.
#[derive(Debug)]
pub struct Connection {
    wire: Rc<RefCell<Wire>>,
    remote: Option<SocketAddr>,
    upload: Option<Upload>,
}

/// A request's body that goes on behind the head of its answer, until this is dropped.
#[derive(Debug)]
struct Upload(AbortHandle);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a connection and the body that comes on it share.
#[derive(Debug)]
struct Wire {
    stream: dial::Stream,
    /// What was read ahead.
    read: BytesMut,
    /// How much of it was looked at for the end of a head.
    seen: usize,
    /// What heads have come before, on any connection to the endpoint.
    pattern: Rc<RefCell<Pattern>>,
    /// Whether its room is more than an idle connection keeps.
    large: bool,
    /// How much the last read took, and how much the next may.
    last: usize,
    most: usize,
    sending: Sending<RequestBody>,
    remaining: Remaining,
    /// Whether the application keeps the connection.
    persists: bool,
    /// Who reads on, while an upload may have news for it.
    reader: Option<Waker>,
    /// What has befallen the upload.
    fault: Option<Error>,
    open: Open,
}

/// No answer has come.
#[derive(Debug)]
pub struct Unanswered {
    /// Why.
    pub error: Error,
    /// The request, where not a byte of it was sent.
    pub unsent: Option<Box<Request<RequestBody>>>,
}

/// What is left to read of an answer. Once it has ended the connection is somebody else's.
#[derive(Debug)]
pub struct Body(Option<Rc<RefCell<Wire>>>);

/// Counts a connection as open while it lives.
#[derive(Debug)]
pub struct Open(UpstreamMeter);

impl Open {
    /// One more of `meter`.
    pub fn new(meter: &UpstreamMeter) -> Self {
        meter.open.add(1);
        Self(UpstreamMeter::clone(meter))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.add(-1);
    }
}

/// Room to read a head into, and least room left for one.
const ROOM: usize = 1 << 13;
const LEAST: usize = 1 << 10;
/// Most bytes read at once of a body that goes on as fast as it comes.
const FAST: usize = 1 << 18;

impl Connection {
    /// What `stream` leads to, counted as `open`. `pattern` is of the heads that come from there.
    #[must_use]
    pub fn new(stream: dial::Stream, open: Open, pattern: &Rc<RefCell<Pattern>>) -> Self {
        let remote = stream.remote();
        let wire = Wire {
            stream,
            read: BytesMut::new(),
            seen: 0,
            pattern: Rc::clone(pattern),
            large: false,
            last: 0,
            most: READ,
            sending: Sending::default(),
            remaining: Remaining::Over,
            persists: true,
            reader: None,
            fault: None,
            open,
        };
        Self { wire: Rc::new(RefCell::new(wire)), remote, upload: None }
    }

    /// Where it leads to.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Sends `request`, whose head has `more` lines at its end, and waits for the head of its answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(
        &mut self,
        mut request: Box<Request<RequestBody>>,
        more: &[u8],
    ) -> Result<Response<Body>, Unanswered> {
        let head_only = request.method() == Method::HEAD;
        let body = std::mem::replace(request.body_mut(), RequestBody::empty());
        let is_whole = body.is_end_stream();
        self.wire.borrow_mut().sending.begin(body, |body, out| head::write(&request, body, more, out));
        let asked = poll_fn(|cx| self.wire.borrow_mut().poll_answer(cx, head_only)).await;
        asked.map(|answer| self.receive(answer)).map_err(|error| {
            let mut wire = self.wire.borrow_mut();
            let unsent = (is_whole && wire.sending.is_unsent()).then_some(request);
            wire.sending.fail();
            Unanswered { error, unsent }
        })
    }

    /// The answer's head is here: what follows is read by its body.
    fn receive(&mut self, answer: Answer) -> Response<Body> {
        let mut wire = self.wire.borrow_mut();
        wire.persists = answer.persists;
        wire.remaining = answer.body;
        let body = Body((!wire.remaining.is_over()).then(|| Rc::clone(&self.wire)));
        if wire.sending.is_under_way() {
            let wire = Rc::clone(&self.wire);
            let upload = async move {
                let sent = poll_fn(|cx| wire.borrow_mut().poll_send(cx)).await;
                wire.borrow_mut().uploaded(sent);
            };
            self.upload = Some(Upload(tokio::task::spawn_local(upload).abort_handle()));
        }
        drop(wire);
        let mut response = Response::new(body);
        *response.version_mut() = answer.head.version;
        *response.status_mut() = answer.head.status;
        *response.headers_mut() = answer.head.headers;
        if let Some(reason) = answer.head.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }

    /// Whether it waits for a request: it is open, and nothing has come that nobody asked for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let mut wire = self.wire.borrow_mut();
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut wire.stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// The exchange is over; whether there may be another.
    pub fn settle(&mut self) -> bool {
        self.upload = None;
        let mut wire = self.wire.borrow_mut();
        wire.sending.settle();
        wire.reader = None;
        wire.most = READ;
        let again = wire.persists && wire.sending.is_done() && wire.remaining.is_over() && wire.read.is_empty();
        if std::mem::take(&mut wire.large) {
            wire.read = BytesMut::new();
        }
        again
    }

    /// What it becomes when the application has agreed to leave HTTP; nothing while an exchange is under way.
    #[must_use]
    pub fn upgrade(self) -> Option<Upgraded> {
        drop(self.upload);
        let wire = Rc::into_inner(self.wire)?.into_inner();
        wire.sending.is_done().then(|| Upgraded::new(wire.stream, wire.read.freeze(), wire.open))
    }
}

impl Wire {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.sending.is_under_way() {
            self.sending.poll(&mut self.stream, cx).map_err(Error::from)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Sends on while it waits for the head of an answer.
    fn poll_answer(&mut self, cx: &mut Context<'_>, head_only: bool) -> Poll<Result<Answer, Error>> {
        let sent = self.poll_send(cx);
        match (self.poll_head(cx, head_only), sent) {
            // An application may answer and close before it has read everything.
            (Poll::Ready(Ok(answer)), sent) => {
                if let Poll::Ready(Err(_)) = sent {
                    self.sending.fail();
                }
                Poll::Ready(Ok(answer))
            }
            (_, Poll::Ready(Err(error))) | (Poll::Ready(Err(error)), _) => Poll::Ready(Err(error)),
            (Poll::Pending, _) => Poll::Pending,
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, head_only: bool) -> Poll<Result<Answer, Error>> {
        loop {
            if self.read.len() > self.seen {
                match head::read(&mut self.read, &mut self.seen, head_only, &mut self.pattern.borrow_mut())? {
                    // What an application says in between is not passed on (RFC 9110, section 15.2).
                    Some(answer) if answer.head.status.is_informational() && answer.head.status != 101 => continue,
                    Some(answer) => return Poll::Ready(Ok(answer)),
                    None => {}
                }
            }
            if self.read.is_empty() {
                // From its start again, where nobody holds what was read: that part of it is in the processor's cache. It may fail.
                let _ = self.read.try_reclaim(ROOM);
            }
            if ready!(self.poll_read(cx, ROOM, LEAST))? == 0 {
                return Poll::Ready(Err(Error::Ended));
            }
        }
    }

    /// Reads what has come, with room for some `room` bytes and `least` at any rate; 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: usize, least: usize) -> Poll<Result<usize, Error>> {
        if self.read.capacity() - self.read.len() < least {
            self.read.reserve(room);
            self.large |= self.read.capacity() > ROOM;
        }
        let read = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.read)).map_err(Error::Read)?;
        self.last = read;
        Poll::Ready(Ok(read))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Poll::Ready(Some(Err(fault)));
            }
            if let Some(frame) = self.remaining.take(&mut self.read).transpose() {
                return Poll::Ready(Some(frame.map_err(Error::from)));
            }
            if self.remaining.is_over() {
                return Poll::Ready(None);
            }
            let room = self.remaining.room(self.last, self.most);
            match self.poll_read(cx, room, room) {
                Poll::Ready(Ok(0)) => self.remaining.end().map_err(Error::from)?,
                Poll::Ready(read) => drop(read?),
                Poll::Pending => {
                    if self.sending.is_under_way() {
                        self.reader = Some(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// The upload behind the head of an answer has come to its end.
    fn uploaded(&mut self, sent: Result<(), Error>) {
        let Err(error) = sent else { return };
        self.sending.fail();
        // An application may stop reading and answer all the same; a request that breaks off has no answer.
        if !matches!(error, Error::Write(_)) {
            self.fault = Some(error);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Body {
    /// Says whether what was read last went on at once: then more may be read at once, as it will not wait for long.
    pub fn pace(&mut self, at_once: bool) {
        let Some(wire) = &self.0 else { return };
        let mut wire = wire.borrow_mut();
        wire.most = if at_once && wire.last >= wire.most { FAST.min(2 * wire.most) } else { READ.max(wire.most / 2) };
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(wire) = &self.0 else { return Poll::Ready(None) };
        let mut wire = wire.borrow_mut();
        let polled = wire.poll_body(cx);
        let is_over = wire.remaining.is_over();
        drop(wire);
        if is_over {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |wire| wire.borrow().remaining.size_hint())
    }
}

#[cfg(test)]
mod tests;
