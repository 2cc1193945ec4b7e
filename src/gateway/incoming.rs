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

use super::upgrade::Outer;

/// The connection, or the stream of one, that a body comes on.
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
    /// A body.
    Fed(Rc<dyn Feed>),
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

impl Body for Incoming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match this {
            Self::Empty | Self::Connect(_) => Poll::Ready(None),
            Self::Fed(feed) => {
                let polled = feed.poll_frame(cx);
                if feed.is_end_stream() {
                    // What the connection brings from here on is another request's.
                    *this = Self::Empty;
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Connect(_) => true,
            Self::Fed(feed) => feed.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Connect(_) => SizeHint::with_exact(0),
            Self::Fed(feed) => feed.size_hint(),
        }
    }
}
