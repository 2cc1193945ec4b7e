//! The body of an answer, on its way to the client.
//!
//! It streams, holds one frame at a time, and moves the deadlines of the request's [`Watch`].

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::{
    antivirus::replay::Replay,
    common::watch::{Slot, Ticks, Watch},
    gateway::{
        archive::Archive,
        mask::body::Masked,
        record::Record,
        refusal::Kind,
        upgrade::Tunnel,
        upload::Upload,
        upstream::{self, pool::Lease},
        watch::Tap,
    },
};

/// Why a body broke off; its text holds nothing of the body.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Reading from the client failed.
    #[error("the client's stream broke off")]
    Client(#[source] io::Error),
    /// Reading from the application failed.
    #[error("the application's stream broke off")]
    Application(#[source] upstream::source::Error),
    /// A bound was passed.
    #[error("the body was cut: {0:?}")]
    Cut(Kind),
}

impl Broken {
    /// What a bound that was passed is refused as; `otherwise` where the stream itself broke.
    #[must_use]
    pub fn kind_or(&self, otherwise: Kind) -> Kind {
        match self {
            Self::Cut(kind) => *kind,
            Self::Client(_) | Self::Application(_) => otherwise,
        }
    }
}

/// An answer's body on its way to the client. Dropping it unread gives the exchange up.
#[derive(Debug)]
pub struct Body {
    // Dropped first: what was found in it belongs to the record.
    source: Source,
    record: Option<Box<Record>>,
    tap: Option<Box<Tap>>,
}

#[derive(Debug)]
enum Source {
    Empty,
    /// Nothing, and what the connection becomes behind it.
    Tunnel(Box<Tunnel>),
    Full(Bytes),
    Upstream(Box<Answer>),
    Masked(Box<Masked>),
    Sealed(Box<Archive>),
}

/// A body that streams from the application.
#[derive(Debug)]
pub struct Answer {
    /// What is read from the application.
    pub source: upstream::source::Source,
    /// What was read ahead of the client.
    pub ahead: VecDeque<Frame<Bytes>>,
    /// What was held of it after that, and the frame that came next.
    pub held: Option<Box<(Replay, Option<Frame<Bytes>>)>>,
    /// The connection that it comes on.
    pub lease: Option<Lease>,
    /// The client's body, which may still be under way.
    pub upload: Rc<Upload>,
    /// The request's deadlines.
    pub watch: Rc<Watch>,
    /// When the last of it was handed on, by their clock.
    pub given: Option<u64>,
    /// Longest silence of the application.
    pub patience: Ticks,
    /// Longest time that the client may leave bytes unread.
    pub stall: Ticks,
}

impl Body {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { source: Source::Empty, record: None, tap: None }
    }

    /// Nothing, and what the connection becomes behind it.
    #[must_use]
    pub fn tunnel(tunnel: Tunnel) -> Self {
        Self { source: Source::Tunnel(Box::new(tunnel)), record: None, tap: None }
    }

    /// What the connection becomes, for whoever joins it.
    pub fn take_tunnel(&mut self) -> Option<Box<Tunnel>> {
        match std::mem::replace(&mut self.source, Source::Empty) {
            Source::Tunnel(tunnel) => Some(tunnel),
            other => {
                self.source = other;
                None
            }
        }
    }

    /// These bytes.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Full(bytes.into()), record: None, tap: None }
    }

    /// What the application sends.
    #[must_use]
    pub fn upstream(answer: Answer) -> Self {
        let mut answer = Box::new(answer);
        if answer.source.is_end_stream() {
            answer.finish();
        }
        Self { source: Source::Upstream(answer), record: None, tap: None }
    }

    /// Leaves out bytes of our own, since HEAD has none; on HTTP/2 nothing else would.
    pub fn omit(&mut self) {
        if let Source::Full(_) = self.source {
            self.source = Source::Empty;
        }
    }

    /// What the application sends, as far as it may be seen.
    #[must_use]
    pub fn masked(masked: Masked) -> Self {
        Self { source: Source::Masked(Box::new(masked)), record: None, tap: None }
    }

    /// The same, in an archive.
    #[must_use]
    pub fn sealed(archive: Archive) -> Self {
        Self { source: Source::Sealed(Box::new(archive)), record: None, tap: None }
    }

    /// Reads up to `most` bytes ahead of the client, who still gets them.
    ///
    /// # Errors
    /// When the application breaks off or is silent for too long.
    pub async fn read_ahead(&mut self, most: usize) -> Result<Vec<u8>, Kind> {
        match &mut self.source {
            Source::Upstream(answer) => answer.read_ahead(most).await,
            Source::Full(bytes) => Ok(bytes[..bytes.len().min(most)].to_vec()),
            Source::Empty | Source::Tunnel(_) | Source::Masked(_) | Source::Sealed(_) => Ok(Vec::new()),
        }
    }

    /// What the application sends, to be taken and given back, where it is that.
    pub fn answer_mut(&mut self) -> Option<&mut Answer> {
        if let Source::Upstream(answer) = &mut self.source { Some(answer) } else { None }
    }

    /// What the application sends, where it is that.
    ///
    /// # Errors
    /// With the body itself where it is anything else.
    #[allow(clippy::result_large_err)] // it is handed back, not made
    pub fn into_answer(self) -> Result<Box<Answer>, Self> {
        match self.source {
            Source::Upstream(answer) => Ok(answer),
            source => Err(Self { source, ..self }),
        }
    }

    /// Lets `tap` see what goes by. It is told of the end when this body is dropped.
    pub fn tap(&mut self, tap: Box<Tap>) {
        self.tap = Some(tap);
    }

    /// Keeps `record` open until this body ends.
    pub fn hold(&mut self, mut record: Box<Record>) {
        if self.is_end_stream() {
            record.complete();
        }
        self.record = Some(record);
    }

    fn close(&mut self) {
        if let Source::Masked(masked) = &mut self.source {
            masked.settle();
        }
        if let Some(mut record) = self.record.take() {
            record.complete();
        }
    }
}

impl Answer {
    fn finish(&mut self) {
        for slot in [Slot::Response, Slot::Total, Slot::Stall] {
            self.watch.disarm(slot);
        }
        let Some(lease) = self.lease.take() else { return };
        // An application that answers before it has read everything leaves its connection in doubt.
        if self.upload.ended.get() {
            lease.give_back();
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = |frame: &Frame<Bytes>| frame.data_ref().map_or(0, |data| data.len() as u64);
        let held = self.held.as_deref().map_or(0, |(held, after)| held.left() + after.as_ref().map_or(0, length));
        let ahead = self.ahead.iter().map(length).sum::<u64>() + held;
        match self.source.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + ahead),
            None => SizeHint::default(),
        }
    }

    /// Whether nothing more comes.
    pub(super) fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.held.is_none() && self.source.is_end_stream()
    }

    /// Reads up to `most` bytes ahead of the client, who still gets them; fewer where the body ends.
    ///
    /// # Errors
    /// When the application breaks off or is silent for too long.
    pub async fn read_ahead(&mut self, most: usize) -> Result<Vec<u8>, Kind> {
        let (mut read, mut frames) = (Vec::new(), VecDeque::new());
        while read.len() < most {
            let Some(frame) = poll_fn(|cx| self.poll(cx)).await else { break };
            let frame = frame.map_err(|broken| broken.kind_or(Kind::BadGateway))?;
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(&data[..data.len().min(most - read.len())]);
            }
            frames.push_back(frame);
        }
        // Of what was read ahead before some may be left.
        frames.append(&mut self.ahead);
        self.ahead = frames;
        // Nobody waits for the client yet.
        self.watch.disarm(Slot::Stall);
        self.given = None;
        Ok(read)
    }

    /// The next piece of what was held; nothing where nothing is.
    fn replay(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some((replay, after)) = self.held.as_deref_mut() else { return Poll::Ready(None) };
        let Ok(piece) = ready!(replay.poll(cx)) else {
            return Poll::Ready(Some(Err(Broken::Cut(Kind::AntivirusAnswer))));
        };
        let frame = piece.map(Frame::data).or_else(|| after.take());
        if replay.left() == 0 && after.is_none() {
            self.held = None;
        }
        Poll::Ready(frame.map(Ok))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.watch.disarm(Slot::Stall);
        if let Some(frame) = self.ahead.pop_front() {
            if !self.is_end_stream() {
                self.watch.arm(Slot::Stall, self.stall);
            }
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(given) = self.given.take() {
            self.source.pace(given == self.watch.now());
        }
        if let Some(frame) = ready!(self.replay(cx)) {
            if self.held.is_some() || !self.source.is_end_stream() {
                self.watch.arm(Slot::Stall, self.stall);
            }
            return Poll::Ready(Some(frame));
        }
        match Pin::new(&mut self.source).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.watch.disarm(Slot::Response);
                if self.source.is_end_stream() {
                    self.finish();
                } else {
                    self.watch.arm(Slot::Stall, self.stall);
                    self.given = Some(self.watch.now());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Broken::Application(error)))),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                self.watch.arm_once(Slot::Response, self.patience);
                let overdue = [Slot::Response, Slot::Total, Slot::Body].into_iter().any(|slot| self.watch.fired(slot));
                if overdue { Poll::Ready(Some(Err(Broken::Cut(Kind::UpstreamTimeout)))) } else { Poll::Pending }
            }
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.record.as_ref().is_some_and(|record| record.upload_ref().gone.get()) {
            return Poll::Ready(Some(Err(Broken::Cut(Kind::Gate))));
        }
        let frame = match &mut self.source {
            Source::Empty | Source::Tunnel(_) => Poll::Ready(None),
            Source::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Source::Upstream(answer) => answer.poll(cx),
            Source::Masked(masked) => masked.poll(cx),
            Source::Sealed(archive) => archive.poll(cx),
        };
        if let (Poll::Ready(Some(Ok(frame))), Some(tap)) = (&frame, &mut self.tap)
            && let Some(data) = frame.data_ref()
        {
            tap.pass(data);
        }
        if let (Poll::Ready(Some(Ok(frame))), Some(record)) = (&frame, &mut self.record) {
            record.sent(frame.data_ref().map_or(0, |data| data.len() as u64));
        }
        if matches!(frame, Poll::Ready(None)) || (matches!(frame, Poll::Ready(Some(Ok(_)))) && self.is_end_stream()) {
            self.close();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty | Source::Tunnel(_) => true,
            Source::Full(bytes) => bytes.is_empty(),
            Source::Upstream(answer) => answer.is_end_stream(),
            Source::Masked(masked) => masked.is_end_stream(),
            Source::Sealed(archive) => archive.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty | Source::Tunnel(_) => SizeHint::with_exact(0),
            Source::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream(answer) => answer.size_hint(),
            Source::Masked(_) | Source::Sealed(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};
    use http_body_util::BodyExt as _;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixStream,
    };

    use super::*;
    use crate::{
        common::watch::Watches,
        dial,
        gateway::{
            request_body::RequestBody,
            upstream::http1::{Connection, Open},
        },
        observe::metrics::Metrics,
    };

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const PIECES: [&[u8]; 4] = [b"4\r\nabcd\r\n", b"4\r\nefgh\r\n", b"4\r\nijkl\r\n", b"0\r\n\r\n"];

    /// An application's answer of three pieces, and the deadlines of who asked for it.
    async fn answer() -> (Body, Rc<Watch>) {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let application = async move {
            assert!(theirs.read(&mut [0; 512]).await.expect("a request") > 0);
            theirs.write_all(HEAD).await.expect("room");
            for piece in PIECES {
                theirs.write_all(piece).await.expect("room");
            }
            theirs
        };
        let open = Open::new(&Metrics::new(1).upstream("app", 0));
        let mut connection = Connection::new(dial::Stream::unix(ours), open, &Rc::default());
        let asked = Request::builder().method(Method::GET).uri("/").body(RequestBody::empty()).expect("a request");
        let (answered, _theirs) = tokio::join!(connection.ask(Box::new(asked), b""), application);
        let watch = Watches::new().watch();
        let body = Body::upstream(Answer {
            source: upstream::source::Source::Http1(answered.expect("an answer").into_body()),
            ahead: VecDeque::new(),
            held: None,
            lease: None,
            upload: Rc::default(),
            watch: Rc::clone(&watch),
            given: None,
            patience: Ticks::from(std::time::Duration::from_secs(60)),
            stall: Ticks::from(std::time::Duration::from_secs(60)),
        });
        (body, watch)
    }

    #[tokio::test]
    async fn what_was_read_ahead_more_than_once_is_all_there() {
        for most in [1, 5, 12, 99] {
            let (mut body, _watch) = answer().await;
            body.read_ahead(most).await.expect("a body");
            assert_eq!(body.read_ahead(3).await.expect("a body"), b"abc");
            assert_eq!(body.collect().await.expect("all of it").to_bytes(), "abcdefghijkl", "{most}");
        }
    }

    #[tokio::test]
    async fn a_client_is_waited_for_while_pieces_are_left_and_not_before_it_has_any() {
        let (mut body, watch) = answer().await;
        body.read_ahead(99).await.expect("a body");
        assert!(!watch.armed(Slot::Stall));
        let mut left = 3;
        while let Some(frame) = body.frame().await {
            frame.expect("a piece");
            left -= 1;
            assert_eq!(watch.armed(Slot::Stall), left > 0);
        }
        assert_eq!(left, 0);
    }
}
