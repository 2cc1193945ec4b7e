//! Who holds a stream: the one that answers its request, and the one that reads its body.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, response::Parts};
use http_body::{Frame, SizeHint};

use super::session::{Session, stream::Received};
use crate::{
    common::watch::{Ticks, Watch},
    gateway::incoming::Feed,
};

/// A hold on a stream. It ends where nobody has one.
#[derive(Debug)]
pub(super) struct Handle {
    session: Rc<RefCell<Session>>,
    key: usize,
}

impl Handle {
    /// The first one of a stream that has just begun.
    pub(super) fn new(session: &Rc<RefCell<Session>>, key: usize) -> Self {
        Self { session: Rc::clone(session), key }
    }

    /// Another one.
    pub(super) fn share(&self) -> Self {
        self.session.borrow_mut().hold(self.key);
        Self::new(&self.session, self.key)
    }

    /// Begins the answer, whose body has this `length` unless its head says so itself.
    pub(super) fn answer(&self, parts: &Parts, length: Option<u64>, is_last: bool) {
        self.session.borrow_mut().answer(self.key, parts, length, is_last);
    }

    /// Gives its next piece, once the one before is taken.
    pub(super) fn give(&self, piece: Bytes, is_last: bool) {
        self.session.borrow_mut().give(self.key, piece, is_last);
    }

    /// Ends it with fields.
    pub(super) fn give_trailers(&self, trailers: &HeaderMap) {
        self.session.borrow_mut().answer_trailers(self.key, trailers);
    }

    /// Breaks it off.
    pub(super) fn give_up(&self, reason: Reason) {
        self.session.borrow_mut().give_up(self.key, reason);
    }

    /// What comes next of the request's body; the client's reason where it broke off.
    pub(super) fn poll_piece(&self, cx: &Context<'_>) -> Poll<Option<Result<Received, Reason>>> {
        self.session.borrow_mut().poll_piece(self.key, cx)
    }

    /// Waits until all is on its way that was given, or nobody waits for it any more.
    pub(super) fn poll_taken(&self, cx: &Context<'_>) -> Poll<()> {
        self.session.borrow_mut().poll_taken(self.key, cx)
    }

    /// Whether some of what was given is not on its way.
    pub(super) fn is_waiting(&self) -> bool {
        self.session.borrow().is_waiting(self.key)
    }

    /// Lets `watch` wait for it anew, for as long as `stall`, whenever some of it goes.
    pub(super) fn pace(&self, watch: &Rc<Watch>, stall: Ticks) {
        self.session.borrow_mut().pace(self.key, watch, stall);
    }

    /// Waits until nobody waits for the answer any more.
    pub(super) fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        self.session.borrow_mut().poll_gone(self.key, cx)
    }

    /// Whether that is so.
    pub(super) fn is_gone(&self) -> bool {
        self.session.borrow().is_gone(self.key)
    }
}

impl Feed for Handle {
    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(ready!(self.poll_piece(cx)).map(|received| match received {
            Ok(Received::Piece(piece)) => Ok(Frame::data(piece)),
            Ok(Received::Trailers(trailers)) => Ok(Frame::trailers(trailers)),
            Err(_) => Err(io::ErrorKind::ConnectionReset.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.session.borrow().is_read(self.key)
    }

    fn size_hint(&self) -> SizeHint {
        self.session.borrow().unread(self.key).map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.session.borrow_mut().release(self.key);
    }
}
