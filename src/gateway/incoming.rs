//! The body of a request as its client sends it, whichever protocol that speaks.

use std::{
    fmt::Debug,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Why it could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On HTTP/1.1.
    #[error("reading failed")]
    Http1(#[from] io::Error),
    /// On HTTP/2.
    #[error(transparent)]
    Http2(#[from] hyper::Error),
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
    Http2(hyper::body::Incoming),
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Http1(feed) => feed.poll_frame(cx).map_err(Error::Http1),
            Self::Http2(body) => Pin::new(body).poll_frame(cx).map_err(Error::Http2),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(feed) => feed.is_end_stream(),
            Self::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(feed) => feed.size_hint(),
            Self::Http2(body) => body.size_hint(),
        }
    }
}
