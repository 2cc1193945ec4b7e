//! The body of a request, on its way to the application.
//!
//! It streams, holds one frame at a time, and moves the deadlines of the request's [`Watch`].

use std::{
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::{
    antivirus::replay::Replay,
    common::watch::{Slot, TICK, Ticks, Watch},
    gateway::{body::Broken, head, incoming::Incoming, refusal::Kind, upload::Upload},
};

/// Bounds of a client's body.
#[derive(Debug, Clone, Copy)]
pub struct UploadRules {
    /// Most bytes.
    pub limit: u64,
    /// Longest silence.
    pub idle: Ticks,
    /// Least bytes a second while we wait for it; 0 is off.
    pub min_rate: u64,
    /// Waiting time that is free of `min_rate`.
    pub grace: Duration,
}

/// Reads a body on its way and may write another in its place.
pub trait Through: std::fmt::Debug {
    /// Takes a piece; appends what goes on.
    ///
    /// # Errors
    /// When the body must not go on.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Kind>;

    /// The body ends here: appends the rest.
    ///
    /// # Errors
    /// When the body must not go on.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Kind>;
}

/// The client's body on its way to the application. A request without one is a null pointer: requests are handed on by value
/// through hyper, several times each.
#[derive(Debug)]
pub struct RequestBody(Option<Box<Incomplete>>);

/// A body that has not ended.
#[derive(Debug)]
struct Incomplete {
    /// `None` when all of it is in `first`.
    source: Option<Incoming>,
    first: Option<Frame<Bytes>>,
    /// What was held of it, and what came after that; it goes before the rest of the source.
    held: Option<Box<(Replay, Option<Bytes>)>>,
    /// Who reads what comes of the source; nobody once its end has gone through.
    through: Option<Box<dyn Through>>,
    upload: Rc<Upload>,
    watch: Rc<Watch>,
    rules: UploadRules,
    bytes: u64,
    /// Ticks spent waiting for the client, and since when we wait.
    waited: u64,
    since: Option<u64>,
}

impl RequestBody {
    /// Wraps what comes from the client; `upload` follows how far it has come.
    #[must_use]
    pub fn new(source: Incoming, upload: &Rc<Upload>, watch: &Rc<Watch>, rules: UploadRules) -> Self {
        if source.is_end_stream() {
            upload.ended.set(true);
            return Self(None);
        }
        Self(Some(Box::new(Incomplete {
            source: Some(source),
            first: None,
            held: None,
            through: None,
            upload: Rc::clone(upload),
            watch: Rc::clone(watch),
            rules,
            bytes: 0,
            waited: 0,
            since: None,
        })))
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    /// Waits for the first frame, so that a body which is broken from its start reaches no application.
    ///
    /// # Errors
    /// When the first frame can't be read.
    pub async fn prime(&mut self) -> Result<(), Kind> {
        let Some(body) = self.0.as_deref_mut() else { return Ok(()) };
        match body.next().await? {
            Some(frame) => body.first = Some(frame),
            None => self.0 = None,
        }
        Ok(())
    }

    /// Waits for all of it, so that it can be read before the application gets it. It still goes there, trailers left out.
    ///
    /// # Errors
    /// When it can't be read, or is larger than `most` bytes.
    pub async fn collect(&mut self, most: usize) -> Result<Bytes, Kind> {
        let Some(body) = self.0.as_deref_mut() else { return Ok(Bytes::new()) };
        let mut all = BytesMut::new();
        while let Some(frame) = body.next().await? {
            let Ok(data) = frame.into_data() else { continue };
            if all.len() + data.len() > most {
                return Err(Kind::BodyTooLarge);
            }
            all.extend_from_slice(&data);
        }
        let all = all.freeze();
        body.source = None;
        body.first = Some(Frame::data(Bytes::clone(&all)));
        Ok(all)
    }

    /// Waits for up to `most` bytes, and a frame more, which still go to the application; whether that is all of it.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn peek(&mut self, most: usize) -> Result<(Bytes, bool), Kind> {
        let Some(body) = self.0.as_deref_mut() else { return Ok((Bytes::new(), true)) };
        let mut all = BytesMut::new();
        let mut whole = false;
        while all.len() <= most {
            let Some(frame) = body.next().await? else {
                body.source = None;
                whole = true;
                break;
            };
            if let Ok(data) = frame.into_data() {
                all.extend_from_slice(&data);
            }
        }
        let all = all.freeze();
        body.first = Some(Frame::data(Bytes::clone(&all)));
        Ok((all, whole))
    }

    /// Waits for the next bytes, which are the caller's then; nothing at the end. Trailers are left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn take(&mut self) -> Result<Option<Bytes>, Kind> {
        let Some(body) = self.0.as_deref_mut() else { return Ok(None) };
        while let Some(frame) = body.next().await? {
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Gives back all that was taken: what was held of it, and the piece `after` that, where it was not taken to its end.
    pub fn put_back(&mut self, held: Replay, after: Option<Bytes>) {
        let Some(body) = self.0.as_deref_mut() else { return };
        if after.is_none() {
            body.source = None;
        }
        // It has ended for the application when that has it.
        body.upload.ended.set(false);
        body.held = Some(Box::new((held, after)));
    }

    /// Lets what comes go `through` this. A body that was collected has come already.
    pub fn pass(&mut self, through: Box<dyn Through>) {
        if let Some(body) = self.0.as_deref_mut().filter(|body| body.source.is_some() || body.held.is_some()) {
            body.through = Some(through);
        }
    }

    /// Whether all of it is here.
    #[must_use]
    pub fn is_collected(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.source.is_none() && body.held.is_none())
    }

    /// Sends `bytes` in the place of a body that was collected.
    pub fn replace(&mut self, bytes: Bytes) {
        if let Some(body) = self.0.as_deref_mut().filter(|body| body.source.is_none()) {
            body.first = Some(Frame::data(bytes));
        }
    }
}

impl Incomplete {
    /// Waits for the next frame.
    async fn next(&mut self) -> Result<Option<Frame<Bytes>>, Kind> {
        let frame = poll_fn(|cx| {
            let polled = self.poll(cx);
            if polled.is_pending() && self.watch.fired(Slot::Body) {
                return Poll::Ready(Some(Err(self.cut(Kind::ClientTimeout))));
            }
            polled
        });
        frame.await.transpose().map_err(|broken| broken.kind_or(Kind::Framing("the body broke off")))
    }

    fn cut(&self, kind: Kind) -> Broken {
        self.upload.fault.set(Some(kind));
        Broken::Cut(kind)
    }

    /// Whether the client has sent all of it.
    fn is_read(&self) -> bool {
        self.held.is_none() && self.source.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), Broken> {
        if let Some(since) = self.since.take() {
            self.waited += self.watch.now().saturating_sub(since);
        }
        self.watch.disarm(Slot::Body);
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        self.upload.bytes.set(self.bytes);
        if self.bytes > self.rules.limit {
            return Err(self.cut(Kind::BodyTooLarge));
        }
        let waited = TICK * u32::try_from(self.waited).unwrap_or(u32::MAX);
        if waited > self.rules.grace && self.bytes < waited.as_secs().saturating_mul(self.rules.min_rate) {
            return Err(self.cut(Kind::ClientTimeout));
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(frame) = self.first.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        loop {
            let polled = self.read(cx);
            if self.through.is_none() {
                return polled;
            }
            match polled {
                // Where there is nothing all of it is held back for now.
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(out) = self.let_through(frame) {
                        return Poll::Ready(Some(out));
                    }
                }
                Poll::Ready(None) => {
                    let mut out = Vec::new();
                    let done = self.through.take().map_or(Ok(()), |mut through| through.finish(&mut out));
                    return match done {
                        Ok(()) if out.is_empty() => Poll::Ready(None),
                        Ok(()) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(out))))),
                        Err(kind) => Poll::Ready(Some(Err(self.cut(kind)))),
                    };
                }
                other => return other,
            }
        }
    }

    /// What goes on of a frame; trailers end the body, and go after what was held back.
    fn let_through(&mut self, frame: Frame<Bytes>) -> Option<Result<Frame<Bytes>, Broken>> {
        let mut through = self.through.take()?;
        let mut out = Vec::new();
        let done = match frame.data_ref() {
            Some(data) => through.push(data, &mut out),
            None => through.finish(&mut out),
        };
        if let Err(kind) = done {
            return Some(Err(self.cut(kind)));
        }
        if frame.is_data() {
            self.through = Some(through);
            return (!out.is_empty()).then(|| Ok(Frame::data(Bytes::from(out))));
        }
        if out.is_empty() {
            return Some(Ok(frame));
        }
        self.first = Some(frame);
        Some(Ok(Frame::data(Bytes::from(out))))
    }

    /// The next piece of what was held; nothing where nothing is.
    fn replay(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some((replay, after)) = self.held.as_deref_mut() else { return Poll::Ready(None) };
        let Ok(piece) = ready!(replay.poll(cx)) else {
            return Poll::Ready(Some(Err(self.cut(Kind::AntivirusUnavailable))));
        };
        let piece = piece.or_else(|| after.take());
        if replay.left() == 0 && after.is_none() {
            self.held = None;
            self.upload.ended.set(self.is_read());
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(frame) = ready!(self.replay(cx)) {
            return Poll::Ready(Some(frame));
        }
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        match Pin::new(source).poll_frame(cx) {
            Poll::Pending => {
                if self.since.is_none() {
                    self.since = Some(self.watch.now());
                }
                self.watch.arm_once(Slot::Body, self.rules.idle);
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                let frame =
                    frame.into_trailers().map_or_else(|frame| frame, |said| Frame::trailers(head::trailers(said)));
                let counted = self.count(&frame);
                if self.is_read() {
                    self.upload.ended.set(true);
                }
                Poll::Ready(Some(counted.map(|()| frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.watch.disarm(Slot::Body);
                if self.upload.fault.get().is_none() {
                    self.upload.fault.set(Some(Kind::Framing("the body broke off")));
                }
                Poll::Ready(Some(Err(Broken::Client(error))))
            }
            Poll::Ready(None) => {
                self.watch.disarm(Slot::Body);
                self.upload.ended.set(true);
                Poll::Ready(None)
            }
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(body) = self.0.as_deref_mut() else { return Poll::Ready(None) };
        let polled = body.poll(cx);
        if matches!(polled, Poll::Ready(None)) {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.first.is_none() && body.through.is_none() && body.is_read())
    }

    fn size_hint(&self) -> SizeHint {
        let Some(body) = &self.0 else { return SizeHint::with_exact(0) };
        if body.through.is_some() {
            return SizeHint::default();
        }
        let waiting = body.first.as_ref().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
        let held = body.held.as_deref();
        let held = held.map_or(0, |(held, after)| held.left() + after.as_ref().map_or(0, |after| after.len() as u64));
        let waiting = waiting + held;
        match body.source.as_ref().map_or(Some(0), |source| source.size_hint().exact()) {
            Some(rest) => SizeHint::with_exact(rest + waiting),
            None => SizeHint::default(),
        }
    }
}
