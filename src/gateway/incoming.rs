//! The body of a request as its client sends it, whichever protocol that speaks.

use std::{
    fmt::Debug,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};

use super::upgrade::Outer;

/// Why it could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On HTTP/1.1.
    #[error("reading failed")]
    Http1(#[from] io::Error),
    /// On HTTP/2.
    #[error("reading failed")]
    Http2(#[from] h2::Error),
}

/// The connection that a body comes on.
pub trait Feed: Debug {
    /// What comes next of it.
    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>>;

    /// Whether nothing more comes.
    fn is_end_stream(&self) -> bool;

    /// How much does.
    fn size_hint(&self) -> SizeHint;
}

/// What comes of a request behind its head.
#[derive(Debug)]
pub enum Incoming {
    /// Nothing.
    Empty,
    /// Over HTTP/1.1.
    Http1(Rc<dyn Feed>),
    /// Over HTTP/2.
    Http2(Received),
    /// Nothing, but the stream itself may leave HTTP.
    Connect(Outer),
}

impl Incoming {
    /// The stream that may leave HTTP.
    pub fn take_outer(&mut self) -> Option<Outer> {
        match std::mem::replace(self, Self::Empty) {
            Self::Connect(outer) => Some(outer),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// A body over HTTP/2. That it is as long as its head says is seen to by `h2`.
#[derive(Debug)]
pub struct Received {
    stream: RecvStream,
    left: Option<u64>,
    is_in_trailers: bool,
}

impl Received {
    /// Of what comes over `stream` behind these `headers`.
    #[must_use]
    pub fn new(stream: RecvStream, headers: &HeaderMap) -> Self {
        let left = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Self { stream, left, is_in_trailers: false }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if !self.is_in_trailers {
            if let Some(data) = ready!(self.stream.poll_data(cx)) {
                return Poll::Ready(Some(data.map(|data| {
                    // It fails where the stream has ended, and then there is no window to give back.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    Frame::data(data)
                })));
            }
            self.is_in_trailers = true;
        }
        ready!(self.stream.poll_trailers(cx)).map(|trailers| trailers.map(Frame::trailers)).transpose().into()
    }
}

impl From<Received> for Incoming {
    fn from(received: Received) -> Self {
        if received.is_end_stream() { Self::Empty } else { Self::Http2(received) }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match this {
            Self::Empty | Self::Connect(_) => Poll::Ready(None),
            Self::Http1(feed) => {
                let polled = feed.poll_frame(cx).map_err(Error::Http1);
                if feed.is_end_stream() {
                    // What the connection brings from here on is another request's.
                    *this = Self::Empty;
                }
                polled
            }
            Self::Http2(received) => received.poll_frame(cx).map_err(Error::Http2),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Connect(_) => true,
            Self::Http1(feed) => feed.is_end_stream(),
            Self::Http2(received) => received.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Connect(_) => SizeHint::with_exact(0),
            Self::Http1(feed) => feed.size_hint(),
            Self::Http2(received) => received.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
