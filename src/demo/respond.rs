//! Answers of the demo application.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

/// Bytes at once, or as they come.
pub(super) enum Body {
    Full(Option<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

pub(super) type Answer = Response<Body>;

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Stream(receiver) => receiver.poll_recv(cx).map(|b| b.map(|b| Ok(Frame::data(b)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

pub(super) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Body::Full(Some(body.into())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("LegacyShop/1.4"));
    answer
}

pub(super) fn html(body: String) -> Answer {
    answer(StatusCode::OK, "text/html; charset=utf-8", body)
}

pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

pub(super) fn redirect(location: &str) -> Answer {
    let mut found = answer(StatusCode::FOUND, "text/plain", "");
    if let Ok(value) = HeaderValue::from_str(location) {
        found.headers_mut().insert(header::LOCATION, value);
    }
    found
}

/// An answer whose body `fill` sends on as it likes.
pub(super) fn stream<F>(content_type: &'static str, fill: impl FnOnce(mpsc::Sender<Bytes>) -> F) -> Answer
where
    F: Future<Output = ()> + 'static,
{
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_local(fill(sender));
    let mut streamed = answer(StatusCode::OK, content_type, "");
    *streamed.body_mut() = Body::Stream(receiver);
    streamed
}
