//! One request and its answer, both as far as they are (RFC 9113, section 5.1).

use std::{
    collections::VecDeque,
    mem,
    rc::Rc,
    task::{Context, Waker},
};

use bytes::{Bytes, BytesMut};
use h2::Reason;
use http::HeaderMap;

use crate::{
    common::watch::{Ticks, Watch},
    server::http2::{frame, request::Head},
};

/// Most bytes that it may send us before we have read them.
pub(in crate::server::http2) const WINDOW: u32 = 1 << 18;
/// What is shorter is copied, so that it does not hold all that came with it; and joined, as long as it is shorter still.
const COPIED: usize = 1 << 13;
const JOINED: usize = 1 << 11;

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "none follows from another")]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) holders: u8,
    /// What has come of its body.
    pub(super) pieces: VecDeque<Bytes>,
    pub(super) held: usize,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) intake: Intake,
    /// How much is to come, where that was said.
    pub(super) left: Option<u64>,
    /// The client waits to be told that it may send it.
    pub(super) expects: bool,
    pub(super) credit: i64,
    pub(super) unreturned: u32,
    pub(super) reader: Option<Waker>,
    /// What goes out of its answer.
    pub(super) window: i64,
    pub(super) piece: Bytes,
    pub(super) is_last: bool,
    pub(super) pace: Option<(Rc<Watch>, Ticks)>,
    pub(super) is_ready: bool,
    pub(super) is_answered: bool,
    pub(super) writer: Option<Waker>,
    /// Nobody waits for the answer any more.
    pub(super) is_gone: bool,
}

/// How far a request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    Open,
    Whole,
    /// It broke off.
    Broken(Reason),
    /// Nobody reads it.
    Ignored,
}

/// What is read of a body.
#[derive(Debug)]
pub(in crate::server::http2) enum Received {
    Piece(Bytes),
    Trailers(HeaderMap),
}

impl Stream {
    pub(super) fn new(id: u32, intake: Intake, head: &Head, window: i64) -> Self {
        Self {
            id,
            holders: 1,
            pieces: VecDeque::new(),
            held: 0,
            trailers: None,
            intake,
            left: head.length,
            expects: head.expects,
            credit: WINDOW.into(),
            unreturned: 0,
            reader: None,
            window,
            piece: Bytes::new(),
            is_last: false,
            pace: None,
            is_ready: false,
            is_answered: false,
            writer: None,
            is_gone: false,
        }
    }

    /// Takes what came of the body, or says what is wrong with it and how much of it nobody will read.
    pub(super) fn take(&mut self, data: Bytes, size: usize, is_last: bool) -> Result<(), (Reason, usize)> {
        self.credit -= frame::signed(size);
        if self.credit < 0 {
            return Err((Reason::FLOW_CONTROL_ERROR, size));
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len() as u64).ok_or((Reason::PROTOCOL_ERROR, size))?;
            if is_last && *left > 0 {
                return Err((Reason::PROTOCOL_ERROR, size));
            }
        }
        self.held += data.len();
        match self.pieces.pop_back() {
            last if data.is_empty() => self.pieces.extend(last),
            Some(last) if last.len() + data.len() <= JOINED => {
                let mut joined = last.try_into_mut().unwrap_or_else(|last| BytesMut::from(&last[..]));
                joined.extend_from_slice(&data);
                self.pieces.push_back(joined.freeze());
            }
            last => {
                self.pieces.extend(last);
                self.pieces.push_back(if data.len() < COPIED { Bytes::copy_from_slice(&data) } else { data });
            }
        }
        if is_last {
            self.intake = Intake::Whole;
        }
        self.wake_reader();
        Ok(())
    }

    /// So many bytes wait for nobody: tells the client once they are many.
    pub(super) fn refund(&mut self, size: usize, out: &mut BytesMut) -> bool {
        self.unreturned += u32::try_from(size).unwrap_or(0);
        let is_due = self.intake == Intake::Open && self.unreturned > WINDOW / 2;
        if is_due {
            let size = mem::take(&mut self.unreturned);
            self.credit += i64::from(size);
            frame::write(frame::WINDOW_UPDATE, 0, self.id, &size.to_be_bytes(), out);
        }
        is_due
    }

    pub(super) fn break_off(&mut self, reason: Reason) {
        self.is_gone = true;
        if self.intake != Intake::Whole {
            self.intake = Intake::Broken(reason);
        }
        self.wake_reader();
        self.wake_writer();
    }

    pub(super) fn has_to_send(&self) -> bool {
        self.is_last || !self.piece.is_empty()
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.writer = Some(cx.waker().clone());
        }
    }

    pub(super) fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}
