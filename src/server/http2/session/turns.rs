//! What somebody who holds a stream does with it. Pieces of answers take turns, one frame each, as far as windows let them and no more waits
//! to be written than [`HELD_BACK`].

use std::{
    mem,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::Reason;
use http::{HeaderMap, StatusCode, header, response::Parts};

use super::{
    HELD_BACK, Session,
    stream::{Intake, Received},
};
use crate::{
    common::watch::{Slot, Ticks, Watch},
    server::{
        http1::answer,
        http2::frame::{self, Header},
    },
};

impl Session {
    /// One more holds it.
    pub(in crate::server::http2) fn hold(&mut self, key: usize) {
        self.streams[key].holders += 1;
    }

    /// One less does. What nobody holds ends.
    pub(in crate::server::http2) fn release(&mut self, key: usize) {
        let stream = &mut self.streams[key];
        stream.holders -= 1;
        if stream.holders > 0 {
            return;
        }
        let stream = self.streams.remove(key);
        if let Ok(at) = self.index.binary_search_by_key(&stream.id, |(id, _)| *id) {
            self.index.remove(at);
        }
        if stream.is_ready {
            self.ready.retain(|ready| *ready != key);
        }
        self.refund(stream.held);
        if stream.is_answered {
            self.strikes = self.strikes.saturating_sub(1);
        }
        if !stream.is_gone {
            match stream.intake {
                _ if !stream.is_answered => self.write_reset(stream.id, Reason::CANCEL),
                // The rest of what was asked is of no use (RFC 9113, section 8.1).
                Intake::Open | Intake::Ignored => self.write_reset(stream.id, Reason::NO_ERROR),
                Intake::Whole | Intake::Broken(_) => {}
            }
        }
        // It may wait for the last one.
        self.wake();
    }

    /// What comes next of a body; an error where it broke off.
    pub(in crate::server::http2) fn poll_piece(
        &mut self,
        key: usize,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Received, Reason>>> {
        let stream = &mut self.streams[key];
        if let Some(piece) = stream.pieces.pop_front() {
            stream.held -= piece.len();
            self.refund_all(key, piece.len());
            return Poll::Ready(Some(Ok(Received::Piece(piece))));
        }
        match stream.intake {
            Intake::Open => {
                stream.reader = Some(cx.waker().clone());
                if mem::take(&mut stream.expects) {
                    // Somebody wants the body (RFC 9110, section 10.1.1).
                    write_head(stream.id, false, self.frame, self.out.tail(), |out| {
                        self.encoder.begin(StatusCode::CONTINUE, out);
                    });
                    self.wake();
                }
                Poll::Pending
            }
            Intake::Whole => Poll::Ready(stream.trailers.take().map(|trailers| Ok(Received::Trailers(trailers)))),
            Intake::Broken(reason) => Poll::Ready(Some(Err(reason))),
            Intake::Ignored => Poll::Ready(None),
        }
    }

    /// Whether nothing more comes of a body.
    pub(in crate::server::http2) fn is_read(&self, key: usize) -> bool {
        let stream = &self.streams[key];
        stream.intake == Intake::Whole && stream.pieces.is_empty() && stream.trailers.is_none()
    }

    /// How much does, where that is known.
    pub(in crate::server::http2) fn unread(&self, key: usize) -> Option<u64> {
        let stream = &self.streams[key];
        match stream.intake {
            Intake::Whole if stream.trailers.is_none() => Some(stream.held as u64),
            _ => stream.left.map(|left| left + stream.held as u64),
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(in crate::server::http2) fn is_gone(&self, key: usize) -> bool {
        self.streams[key].is_gone
    }

    /// Waits until all is on its way that there was of the answer, or nobody waits for it any more.
    pub(in crate::server::http2) fn poll_taken(&mut self, key: usize, cx: &Context<'_>) -> Poll<()> {
        let stream = &mut self.streams[key];
        if stream.is_gone || !stream.has_to_send() {
            return Poll::Ready(());
        }
        stream.wait(cx);
        Poll::Pending
    }

    /// Whether some of the answer waits for a window, or to be written.
    pub(in crate::server::http2) fn is_waiting(&self, key: usize) -> bool {
        let stream = &self.streams[key];
        !stream.is_gone && stream.has_to_send()
    }

    /// Lets `watch` wait for it anew, for as long as `stall`, whenever some of it goes.
    pub(in crate::server::http2) fn pace(&mut self, key: usize, watch: &Rc<Watch>, stall: Ticks) {
        self.streams[key].pace.get_or_insert_with(|| (Rc::clone(watch), stall));
    }

    /// Waits until nobody waits for the answer any more.
    pub(in crate::server::http2) fn poll_gone(&mut self, key: usize, cx: &Context<'_>) -> Poll<()> {
        let stream = &mut self.streams[key];
        if stream.is_gone {
            return Poll::Ready(());
        }
        stream.wait(cx);
        Poll::Pending
    }

    /// Begins an answer, whose body has this `length` unless its head says so itself.
    pub(in crate::server::http2) fn answer(&mut self, key: usize, parts: &Parts, length: Option<u64>, is_last: bool) {
        let encoder = &mut self.encoder;
        let stream = &mut self.streams[key];
        if stream.is_gone {
            return;
        }
        stream.is_answered |= is_last;
        stream.expects = false;
        write_head(stream.id, is_last, self.frame, self.out.tail(), |out| {
            encoder.begin(parts.status, out);
            let (mut length, mut is_dated) = (length, false);
            for (name, value) in &parts.headers {
                match *name {
                    header::DATE => is_dated = true,
                    header::CONTENT_LENGTH => length = None,
                    _ => {}
                }
                encoder.field(name, value.as_bytes(), out);
            }
            if !is_dated {
                encoder.field(&header::DATE, &answer::date(), out);
            }
            if let Some(length) = length {
                encoder.field(&header::CONTENT_LENGTH, itoa::Buffer::new().format(length).as_bytes(), out);
            }
        });
        self.wake();
    }

    /// Ends an answer, behind what was given of it.
    pub(in crate::server::http2) fn answer_trailers(&mut self, key: usize, trailers: &HeaderMap) {
        let encoder = &mut self.encoder;
        let stream = &mut self.streams[key];
        if stream.is_gone {
            return;
        }
        stream.is_answered = true;
        write_head(stream.id, true, self.frame, self.out.tail(), |out| {
            encoder.begin_trailers(out);
            for (name, value) in trailers {
                encoder.field(name, value.as_bytes(), out);
            }
        });
        self.wake();
    }

    /// Gives the next piece of an answer, once the one before is taken.
    pub(in crate::server::http2) fn give(&mut self, key: usize, piece: Bytes, is_last: bool) {
        let stream = &mut self.streams[key];
        if stream.is_gone {
            return;
        }
        stream.piece = piece;
        stream.is_last = is_last;
        self.line_up(key);
        self.pump();
        self.wake();
    }

    /// Breaks an answer off.
    pub(in crate::server::http2) fn give_up(&mut self, key: usize, reason: Reason) {
        let stream = &mut self.streams[key];
        if !stream.is_gone {
            let id = stream.id;
            stream.break_off(reason);
            self.write_reset(id, reason);
        }
    }

    /// Lets a stream take turns, where it has something to send and a window for it.
    pub(super) fn line_up(&mut self, key: usize) {
        let stream = &mut self.streams[key];
        let may_send = stream.piece.is_empty() || stream.window > 0;
        if stream.has_to_send() && may_send && !stream.is_ready && !stream.is_gone {
            stream.is_ready = true;
            self.ready.push_back(key);
        }
    }

    /// Writes frames of answers, in turn.
    pub(in crate::server::http2) fn pump(&mut self) {
        let mut blocked = 0;
        while self.out.len() < HELD_BACK
            && blocked < self.ready.len()
            && let Some(key) = self.ready.pop_front()
        {
            let stream = &mut self.streams[key];
            if stream.is_gone {
                stream.is_ready = false;
                continue;
            }
            let window = self.window.min(stream.window).max(0);
            let most = self.frame.min(frame::MOST).min(usize::try_from(window).unwrap_or(usize::MAX));
            let size = most.min(stream.piece.len());
            if size == 0 && !stream.piece.is_empty() {
                stream.is_ready = stream.window > 0;
                if stream.is_ready {
                    // The connection's window is shut, and an empty frame behind it needs none.
                    self.ready.push_back(key);
                    blocked += 1;
                }
                continue;
            }
            let piece = stream.piece.split_to(size);
            let ends = stream.is_last && stream.piece.is_empty();
            let flags = if ends { frame::END_STREAM } else { 0 };
            stream.window -= frame::signed(size);
            self.window -= frame::signed(size);
            Header { length: size, kind: frame::DATA, flags, stream: stream.id }.write(self.out.tail());
            self.out.push(piece);
            stream.is_answered |= ends;
            if ends {
                stream.is_last = false;
            }
            stream.is_ready = !stream.piece.is_empty() && stream.window > 0;
            if !stream.piece.is_empty()
                && let Some((watch, stall)) = &stream.pace
                && watch.armed(Slot::Stall)
            {
                watch.arm(Slot::Stall, *stall);
            }
            if stream.is_ready {
                self.ready.push_back(key);
            } else if stream.piece.is_empty() {
                // What was sent is not held until the next one comes.
                stream.piece = Bytes::new();
                stream.wake_writer();
            }
        }
    }
}

/// Writes the block that `write` writes, in as many frames of at most `most` bytes as it takes.
fn write_head(id: u32, is_last: bool, most: usize, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let end = if is_last { frame::END_STREAM } else { 0 };
    let begin = out.len();
    out.put_bytes(0, frame::HEADER);
    let at = out.len();
    write(out);
    let length = out.len() - at;
    if length <= most {
        let header = Header { length, kind: frame::HEADERS, flags: end | frame::END_HEADERS, stream: id };
        return header.write(&mut &mut out[begin..at]);
    }
    let block = out.split_off(at);
    out.truncate(begin);
    let mut parts = block.chunks(most).peekable();
    let (mut kind, mut flags) = (frame::HEADERS, end);
    while let Some(part) = parts.next() {
        let last = if parts.peek().is_none() { frame::END_HEADERS } else { 0 };
        frame::write(kind, flags | last, id, part, out);
        (kind, flags) = (frame::CONTINUATION, 0);
    }
}
