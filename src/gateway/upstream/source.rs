//! The body of an answer, and what can go wrong with one, whichever protocol the application speaks.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::http1;

/// Why an exchange with the application broke.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On HTTP/1.1.
    #[error(transparent)]
    Http1(#[from] http1::Error),
    /// On HTTP/2.
    #[error(transparent)]
    Http2(#[from] hyper::Error),
}

impl Error {
    /// Whether the request's own body broke, which is no fault of the application.
    #[must_use]
    pub fn is_of_request(&self) -> bool {
        match self {
            Self::Http1(error) => matches!(error, http1::Error::Request(_) | http1::Error::RequestLength),
            Self::Http2(error) => error.is_user(),
        }
    }
}

/// What comes of an answer behind its head.
#[derive(Debug)]
pub enum Source {
    /// Over HTTP/1.1.
    Http1(http1::Body),
    /// Over HTTP/2.
    Http2(Incoming),
}

impl Source {
    /// Says whether what was read last went on at once.
    pub fn pace(&mut self, at_once: bool) {
        if let Self::Http1(body) = self {
            body.pace(at_once);
        }
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Error::Http1),
            Self::Http2(body) => Pin::new(body).poll_frame(cx).map_err(Error::Http2),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(body) => body.size_hint(),
        }
    }
}
