//! What the tasks of a connection have in common: its streams, their windows (RFC 9113, sections 5 and 6.9), and what is to be written.
//!
//! A stream is here as long as somebody holds it: who answers its request, and who reads its body. What they do with it is in `turns`.

pub(super) mod stream;
mod turns;

use std::{
    collections::VecDeque,
    mem,
    task::{Context, Waker},
};

use bytes::Bytes;
use h2::Reason;
use http::HeaderMap;
use slab::Slab;

use self::stream::{Intake, Stream};
use super::{frame, out::Out, request::Head};
use crate::common::hpack::Encoder;

/// Most bytes that a client may send us before we have read them.
pub(super) const WINDOW: u32 = 1 << 20;
/// Most bytes that wait to be written.
pub(super) const HELD_BACK: usize = 1 << 17;
/// How many streams that we have ended are known to be such: what still comes for them was sent before their client knew.
const ENDED: usize = 128;
/// How many frames more that are for nothing a client may send than requests that are answered.
const STRIKES: u32 = 200;

#[derive(Debug)]
pub(super) struct Session {
    streams: Slab<Stream>,
    /// Where they are, by their numbers.
    index: Vec<(u32, usize)>,
    /// Those that have something to send and a window for it.
    ready: VecDeque<usize>,
    pub(super) out: Out,
    encoder: Encoder,
    /// What the client takes on the connection, and on a stream that begins, and in a frame.
    window: i64,
    first_window: i64,
    frame: usize,
    /// What it may send on the connection, and what of that was read.
    credit: i64,
    unreturned: u32,
    /// The last ones that we have ended.
    ended: VecDeque<u32>,
    strikes: u32,
    waker: Option<Waker>,
}

/// Where a number is that a frame names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Here(usize),
    /// We have ended it lately.
    Ended,
    /// It was here, or was left out.
    Past,
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            streams: Slab::new(),
            index: Vec::new(),
            ready: VecDeque::new(),
            out: Out::default(),
            encoder: Encoder::default(),
            window: frame::FIRST_WINDOW,
            first_window: frame::FIRST_WINDOW,
            frame: frame::MOST,
            credit: WINDOW.into(),
            unreturned: 0,
            ended: VecDeque::new(),
            strikes: 0,
            waker: None,
        }
    }

    /// Names the connection's task.
    pub(super) fn register(&mut self, cx: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    /// Something is to be written.
    fn wake(&mut self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    /// How many streams somebody holds.
    pub(super) fn held(&self) -> usize {
        self.streams.len()
    }

    /// How many the client has under way.
    pub(super) fn open(&self) -> usize {
        let is_open = |stream: &Stream| !stream.is_gone && (!stream.is_answered || stream.intake == Intake::Open);
        self.streams.iter().filter(|(_, stream)| is_open(stream)).count()
    }

    /// How many wait for the end of their answer.
    pub(super) fn unanswered(&self) -> usize {
        self.streams.iter().filter(|(_, stream)| !stream.is_gone && !stream.is_answered).count()
    }

    /// Where stream `id` is, which has been opened.
    pub(super) fn find(&self, id: u32) -> Place {
        match self.index.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) if !self.ended.contains(&id) => Place::Here(self.index[at].1),
            Ok(_) => Place::Ended,
            Err(_) if self.ended.contains(&id) => Place::Ended,
            Err(_) => Place::Past,
        }
    }

    /// The client does what is for nothing.
    pub(super) fn strike(&mut self) -> Result<(), Reason> {
        self.strikes += 1;
        if self.strikes > STRIKES { Err(Reason::ENHANCE_YOUR_CALM) } else { Ok(()) }
    }

    /// Gives back what room can be had again.
    pub(super) fn sleep(&mut self) {
        self.out.sleep();
        self.index.shrink_to_fit();
        self.streams.shrink_to_fit();
        self.ready.shrink_to_fit();
    }

    /// The connection is over: so is all that is under way.
    pub(super) fn close(&mut self) {
        self.waker = None;
        for (_, stream) in &mut self.streams {
            stream.break_off(Reason::INTERNAL_ERROR);
        }
    }
}

/// What comes.
impl Session {
    /// Opens stream `id`, the highest there is.
    pub(super) fn begin(&mut self, id: u32, head: &Head, is_whole: bool, is_refused: bool) -> usize {
        let intake = match (is_whole, is_refused) {
            (true, _) => Intake::Whole,
            (false, true) => Intake::Ignored,
            (false, false) => Intake::Open,
        };
        let key = self.streams.insert(Stream::new(id, intake, head, self.first_window));
        self.index.push((id, key));
        key
    }

    /// `size` bytes of DATA came: whether they may.
    pub(super) fn spend(&mut self, size: usize) -> Result<(), Reason> {
        self.credit -= frame::signed(size);
        if self.credit < 0 { Err(Reason::FLOW_CONTROL_ERROR) } else { Ok(()) }
    }

    /// So many of them wait for nobody.
    pub(super) fn refund(&mut self, size: usize) {
        // At most the window, which is a `u32`.
        self.unreturned += u32::try_from(size).unwrap_or(0);
        if self.unreturned > WINDOW / 2 {
            let size = mem::take(&mut self.unreturned);
            self.credit += i64::from(size);
            frame::write(frame::WINDOW_UPDATE, 0, 0, &size.to_be_bytes(), self.out.tail());
            self.wake();
        }
    }

    /// `data` of a body came, in a frame of `size` bytes.
    pub(super) fn receive(&mut self, key: usize, data: Bytes, size: usize, is_last: bool) -> Result<(), Reason> {
        let padding = size - data.len();
        let stream = &mut self.streams[key];
        let wrong = match stream.intake {
            Intake::Open => stream.take(data, size, is_last).err(),
            Intake::Whole if !stream.is_gone => Some((Reason::STREAM_CLOSED, size)),
            intake => {
                if intake == Intake::Ignored && is_last {
                    stream.intake = Intake::Whole;
                }
                self.refund(size);
                return Ok(());
            }
        };
        match wrong {
            None => {
                self.refund_all(key, padding);
                Ok(())
            }
            Some((reason, unread)) => {
                self.refund(unread);
                self.fail(key, reason)
            }
        }
    }

    /// So many bytes of a body wait for nobody.
    pub(super) fn refund_all(&mut self, key: usize, size: usize) {
        if self.streams[key].refund(size, self.out.tail()) {
            self.wake();
        }
        self.refund(size);
    }

    /// The fields behind a body came.
    pub(super) fn receive_trailers(&mut self, key: usize, trailers: Option<HeaderMap>) -> Result<(), Reason> {
        let stream = &mut self.streams[key];
        match (stream.intake, trailers) {
            (Intake::Open, Some(trailers)) if stream.left.unwrap_or(0) == 0 => {
                stream.trailers = (!trailers.is_empty()).then_some(trailers);
                stream.intake = Intake::Whole;
                stream.wake_reader();
                Ok(())
            }
            (Intake::Open, _) => self.fail(key, Reason::PROTOCOL_ERROR),
            (Intake::Ignored, _) => {
                stream.intake = Intake::Whole;
                Ok(())
            }
            (Intake::Whole | Intake::Broken(_), _) => self.fail(key, Reason::STREAM_CLOSED),
        }
    }

    /// Ends a stream whose client does not keep to the rules.
    pub(super) fn fail(&mut self, key: usize, reason: Reason) -> Result<(), Reason> {
        let id = self.streams[key].id;
        self.streams[key].break_off(reason);
        self.refuse(id, reason)
    }

    /// Ends stream `id`, which is not here, or not any more.
    pub(super) fn refuse(&mut self, id: u32, reason: Reason) -> Result<(), Reason> {
        self.write_reset(id, reason);
        self.strike()
    }

    fn write_reset(&mut self, id: u32, reason: Reason) {
        if self.ended.len() == ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(id);
        frame::write(frame::RST_STREAM, 0, id, &u32::from(reason).to_be_bytes(), self.out.tail());
        self.wake();
    }

    /// The client has ended a stream.
    pub(super) fn reset(&mut self, key: usize, reason: Reason) {
        self.streams[key].break_off(reason);
    }

    /// The client takes `more`, on the connection or on a stream.
    pub(super) fn widen(&mut self, key: Option<usize>, more: u32) -> Result<(), Reason> {
        let window = match key {
            None => &mut self.window,
            Some(key) => &mut self.streams[key].window,
        };
        *window += i64::from(more);
        let is_wrong = more == 0 || *window > frame::WINDOW;
        let reason = if more == 0 { Reason::PROTOCOL_ERROR } else { Reason::FLOW_CONTROL_ERROR };
        match key {
            None if is_wrong => Err(reason),
            Some(key) if is_wrong => self.fail(key, reason),
            Some(key) => {
                self.line_up(key);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The client has said something of itself.
    pub(super) fn set(&mut self, settings: &frame::Settings) -> Result<(), Reason> {
        if let Some(table) = settings.table {
            self.encoder.limit(table as usize);
        }
        if let Some(most) = settings.frame {
            self.frame = most;
        }
        if let Some(window) = settings.window {
            let more = window - mem::replace(&mut self.first_window, window);
            let changed = if more == 0 { 0 } else { self.index.len() };
            if changed > 0 {
                // It is work for each.
                self.strike()?;
            }
            for at in 0..changed {
                let key = self.index[at].1;
                self.streams[key].window += more;
                if self.streams[key].window > frame::WINDOW {
                    return Err(Reason::FLOW_CONTROL_ERROR);
                }
                self.line_up(key);
            }
        }
        frame::write(frame::SETTINGS, frame::ACK, 0, b"", self.out.tail());
        Ok(())
    }
}
