//! A message on its way out: a request, or an answer.

use std::{
    io::{self, IoSlice, Write as _},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, header};
use http_body::{Body as HttpBody, Frame};
use tokio::io::AsyncWrite;

/// How the body of a message ends.
#[derive(Debug)]
pub enum Outgoing {
    /// After so many bytes more.
    Bytes(u64),
    /// After its last chunk, and such of its trailers as these.
    Chunked(Vec<HeaderName>),
    /// When the connection does.
    ToTheEnd,
}

/// Why a message was not sent whole.
#[derive(Debug)]
pub enum Fault<E> {
    /// Its connection does not take it.
    Write(io::Error),
    /// Its body broke off.
    Body(E),
    /// Its body has not the length that was announced.
    Length,
}

/// What is left to write of a message.
#[derive(Debug)]
pub struct Sending<B> {
    /// Its head, or the frame before a piece of its body, and how much of that is written.
    before: Vec<u8>,
    at: usize,
    /// A piece of its body.
    piece: Bytes,
    /// The frame after it.
    after: &'static [u8],
    /// What comes then.
    body: Option<B>,
    outgoing: Outgoing,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of it was written.
    Unsent,
    /// Some of it was.
    Begun,
    /// All of it was.
    Done,
    /// It will not be.
    Failed,
}

/// Room for heads that a connection keeps.
const KEPT: usize = 2048;

impl<B> Default for Sending<B> {
    /// Nothing to send.
    fn default() -> Self {
        Self {
            before: Vec::new(),
            at: 0,
            piece: Bytes::new(),
            after: b"",
            body: None,
            outgoing: Outgoing::Bytes(0),
            state: State::Done,
        }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> Sending<B> {
    /// Begins anew, with the head that `write` writes of what goes before `body`.
    pub fn begin(&mut self, body: B, write: impl FnOnce(&B, &mut Vec<u8>) -> Outgoing) {
        self.outgoing = write(&body, &mut self.before);
        self.state = State::Unsent;
        self.body = (!body.is_end_stream()).then_some(body);
        if self.body.is_none() && matches!(self.outgoing, Outgoing::Chunked(_)) {
            // Chunks were announced, and their end must come. Of a length that was, `poll` says that it is wrong.
            let _ = self.end(&HeaderMap::new());
        }
    }

    /// Whether not a byte of it was written.
    pub fn is_unsent(&self) -> bool {
        self.state == State::Unsent
    }

    /// Whether all of it was.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether there is more to send.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, State::Unsent | State::Begun)
    }

    /// Gives up.
    pub fn fail(&mut self) {
        self.state = State::Failed;
        self.body = None;
    }

    /// Gives back what room a large head took.
    pub fn settle(&mut self) {
        if self.before.capacity() > KEPT {
            self.before = Vec::new();
        }
    }

    /// Writes on; ready when all is written.
    ///
    /// # Errors
    /// When writing fails, or the body does.
    pub fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Fault<B::Error>>> {
        loop {
            if self.body.is_some() && self.piece.is_empty() && self.after.is_empty() {
                match self.pull(cx) {
                    Poll::Ready(pulled) => pulled?,
                    Poll::Pending if self.before.is_empty() => {
                        ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(Fault::Write)?;
                        return Poll::Pending;
                    }
                    Poll::Pending => {}
                }
            }
            while self.is_waiting() {
                ready!(self.write(stream, cx)).map_err(Fault::Write)?;
            }
            if self.body.is_none() {
                if let Outgoing::Bytes(1..) = self.outgoing {
                    return Poll::Ready(Err(Fault::Length));
                }
                ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(Fault::Write)?;
                self.state = State::Done;
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn is_waiting(&self) -> bool {
        !self.before.is_empty() || !self.piece.is_empty() || !self.after.is_empty()
    }

    fn write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        let before = &self.before[self.at..];
        let written = if self.piece.is_empty() && self.after.is_empty() {
            ready!(stream.poll_write(cx, before))?
        } else {
            let all = [IoSlice::new(before), IoSlice::new(&self.piece), IoSlice::new(self.after)];
            ready!(stream.poll_write_vectored(cx, if before.is_empty() { &all[1..] } else { &all }))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.state = State::Begun;
        let of_before = written.min(self.before.len() - self.at);
        self.at += of_before;
        if self.at == self.before.len() {
            self.at = 0;
            self.before.clear();
        }
        let of_piece = (written - of_before).min(self.piece.len());
        self.piece.advance(of_piece);
        self.after = &self.after[written - of_before - of_piece..];
        if self.piece.is_empty() {
            // What was sent is not held until the next piece comes.
            self.piece = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the next piece of the body.
    fn pull(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault<B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        let is_last = frame.is_none() || body.is_end_stream();
        let frame = match frame.transpose() {
            Ok(frame) => frame,
            Err(broken) => return Poll::Ready(Err(Fault::Body(broken))),
        };
        let mut trailers = HeaderMap::new();
        match frame.map(Frame::into_data) {
            Some(Ok(data)) => self.push(data)?,
            Some(Err(frame)) => trailers = frame.into_trailers().unwrap_or_default(),
            None => {}
        }
        if is_last || !trailers.is_empty() {
            self.body = None;
            self.end(&trailers)?;
        }
        Poll::Ready(Ok(()))
    }

    fn push(&mut self, data: Bytes) -> Result<(), Fault<B::Error>> {
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.outgoing {
            Outgoing::Bytes(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Fault::Length)?;
            }
            Outgoing::ToTheEnd => {}
            Outgoing::Chunked(_) => {
                let _ = write!(self.before, "{:x}\r\n", data.len());
                self.after = b"\r\n";
            }
        }
        self.piece = data;
        Ok(())
    }

    fn end(&mut self, trailers: &HeaderMap) -> Result<(), Fault<B::Error>> {
        match mem::replace(&mut self.outgoing, Outgoing::Bytes(0)) {
            Outgoing::Bytes(0) | Outgoing::ToTheEnd => Ok(()),
            Outgoing::Bytes(_) => Err(Fault::Length),
            Outgoing::Chunked(_) if !self.piece.is_empty() => {
                self.after = b"\r\n0\r\n\r\n";
                Ok(())
            }
            Outgoing::Chunked(named) => {
                self.before.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.iter().filter(|(name, _)| named.contains(name) && may_trail(name)) {
                    self.before.extend_from_slice(name.as_str().as_bytes());
                    self.before.extend_from_slice(b": ");
                    self.before.extend_from_slice(value.as_bytes());
                    self.before.extend_from_slice(b"\r\n");
                }
                self.before.extend_from_slice(b"\r\n");
                Ok(())
            }
        }
    }
}

/// Whether a field may come after the body it could speak of: none that frames, routes, or lets somebody in (RFC 9110, section 6.5.1).
fn may_trail(name: &HeaderName) -> bool {
    const HEAD_ONLY: [HeaderName; 13] = [
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::HOST,
        header::MAX_FORWARDS,
        header::SET_COOKIE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
    ];
    !HEAD_ONLY.contains(name)
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::poll_fn};

    use http_body::SizeHint;

    use super::*;

    /// A body that has ended and does not know how long it was.
    struct Ended;

    impl HttpBody for Ended {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
            Poll::Ready(None)
        }

        fn is_end_stream(&self) -> bool {
            true
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    #[tokio::test]
    async fn what_was_announced_of_an_empty_body_is_kept_or_told_to_be_wrong() {
        for (outgoing, expected) in [
            (Outgoing::Chunked(Vec::new()), Some(&b"head0\r\n\r\n"[..])),
            (Outgoing::Bytes(0), Some(b"head")),
            (Outgoing::ToTheEnd, Some(b"head")),
            (Outgoing::Bytes(3), None),
        ] {
            let mut sending = Sending::default();
            sending.begin(Ended, |_, out| {
                out.extend_from_slice(b"head");
                outgoing
            });
            let mut out = Vec::new();
            let sent = poll_fn(|cx| sending.poll(&mut out, cx)).await;
            assert_eq!(sent.is_ok().then_some(&out[..]), expected);
        }
    }
}
