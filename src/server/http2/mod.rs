//! HTTP/2 on one connection (RFC 9113), its frames by the `h2` crate: each request has a task, which answers it and sends the answer's body as
//! fast as its window lets it.

mod duplex;

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    server::{Builder, Connection as Frames, Handshake, SendResponse},
};
use http::{HeaderValue, Method, Response, header, request::Parts};
use http_body::{Body as _, Frame};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
};

use self::duplex::Duplex;
use super::http1::answer;
use crate::{
    common::watch::{Slot, Ticks, Watch},
    gateway::{
        body::{Body, Broken},
        incoming::{Incoming, Received},
        upgrade::Outer,
    },
};

/// Most bytes that a stream, and a connection, may send us before we have read them.
const STREAM_WINDOW: u32 = 1 << 18;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Most bytes of an answer that wait for their window.
const HELD_BACK: usize = 1 << 18;

/// What a client may do at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams.
    pub streams: u32,
    /// Bytes of a head.
    pub header_bytes: u32,
}

/// A connection to a client.
pub struct Connection<S> {
    state: State<S>,
    ending: bool,
}

enum State<S> {
    Shaking(Box<Handshake<S, Bytes>>),
    Serving(Box<Frames<S, Bytes>>),
}

/// A request on its way to the service, and where its answer goes.
pub struct Asked {
    parts: Box<Parts>,
    received: RecvStream,
    respond: SendResponse<Bytes>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// What comes over `io`.
    pub fn new(io: S, limits: Limits) -> Self {
        let shaking = Builder::new()
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.header_bytes)
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(Some(100))
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(HELD_BACK)
            .enable_connect_protocol()
            .handshake(io);
        Self { state: State::Shaking(Box::new(shaking)), ending: false }
    }

    /// Reads and writes what there is, and waits for a request; nothing where none will come.
    pub fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Asked>> {
        loop {
            match &mut self.state {
                State::Shaking(shaking) => {
                    let Ok(mut frames) = ready!(Pin::new(shaking.as_mut()).poll(cx)) else { return Poll::Ready(None) };
                    if self.ending {
                        frames.graceful_shutdown();
                    }
                    self.state = State::Serving(Box::new(frames));
                }
                State::Serving(frames) => {
                    let Some(Ok((request, respond))) = ready!(frames.poll_accept(cx)) else { return Poll::Ready(None) };
                    let (parts, received) = request.into_parts();
                    return Poll::Ready(Some(Asked { parts: Box::new(parts), received, respond }));
                }
            }
        }
    }

    /// Ends it after what is under way.
    pub fn end(&mut self) {
        self.ending = true;
        if let State::Serving(frames) = &mut self.state {
            frames.graceful_shutdown();
        }
    }
}

impl Asked {
    /// Answers it by `service`, until it is answered or the client has given it up; or leaves its answer unread for as long as `stall`, which is
    /// for `watch` to say.
    pub async fn answer<F>(self, watch: &Watch, stall: Ticks, service: impl FnOnce(Box<Parts>, Incoming) -> F)
    where
        F: Future<Output = Response<Body>>,
    {
        let mut answering = pin!(self.run(watch, stall, service));
        poll_fn(|cx| {
            watch.register(cx);
            if watch.fired(Slot::Stall) { Poll::Ready(()) } else { answering.as_mut().poll(cx) }
        })
        .await;
    }

    async fn run<F>(self, watch: &Watch, stall: Ticks, service: impl FnOnce(Box<Parts>, Incoming) -> F)
    where
        F: Future<Output = Response<Body>>,
    {
        let Self { parts, received, mut respond } = self;
        let (body, tunnel) = if parts.method == Method::CONNECT {
            let (there, here) = oneshot::channel();
            (Incoming::Connect(Outer(here)), Some((received, there)))
        } else {
            (Incoming::from(Received::new(received, &parts.headers)), None)
        };
        let mut answering = pin!(service(parts, body));
        let answer = poll_fn(|cx| match answering.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // The client may give it up meanwhile.
            Poll::Pending => respond.poll_reset(cx).map(|_| None),
        });
        let Some(answer) = answer.await else { return };
        let (mut parts, body) = answer.into_parts();
        if !parts.headers.contains_key(header::DATE)
            && let Ok(date) = HeaderValue::from_bytes(&answer::date())
        {
            parts.headers.insert(header::DATE, date);
        }
        // Nobody waits for it where the answer is Privet's own.
        let tunnel = tunnel.filter(|(_, there)| parts.status.is_success() && !there.is_closed());
        let is_whole = body.is_end_stream() && tunnel.is_none();
        if !body.is_end_stream()
            && !parts.headers.contains_key(header::CONTENT_LENGTH)
            && let Some(length) = body.size_hint().exact()
        {
            parts.headers.insert(header::CONTENT_LENGTH, length.into());
        }
        let Ok(out) = respond.send_response(Response::from_parts(parts, ()), is_whole) else {
            return respond.send_reset(Reason::INTERNAL_ERROR);
        };
        match tunnel {
            // Whoever waits for it joins the two, or has left.
            Some((received, there)) => drop(there.send(Box::new(Duplex::new(out, received)))),
            None if is_whole => {}
            None => send(body, out, watch, stall).await,
        }
    }
}

/// Sends `body`.
async fn send(mut body: Body, mut out: SendStream<Bytes>, watch: &Watch, stall: Ticks) {
    let mut waiting = None;
    poll_fn(|cx| {
        let sent = poll_send(&mut body, &mut waiting, &mut out, cx);
        if sent.is_pending() && out.poll_reset(cx).is_ready() {
            return Poll::Ready(());
        }
        // Behind its last piece a body sees to nothing any more.
        if sent.is_pending() && waiting.as_ref().is_some_and(|(_, is_last)| *is_last) {
            watch.arm_once(Slot::Stall, stall);
        }
        sent
    })
    .await;
}

/// Sends on. A piece that waits for its window claims a byte of it, and no more: what is claimed is nobody else's on the connection.
fn poll_send(
    body: &mut Body,
    waiting: &mut Option<(Bytes, bool)>,
    out: &mut SendStream<Bytes>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        if waiting.is_some() {
            while out.capacity() == 0 {
                let Some(Ok(_)) = ready!(out.poll_capacity(cx)) else { return Poll::Ready(()) };
            }
        }
        if let Some((piece, is_last)) = waiting.take()
            && (out.send_data(piece, is_last).is_err() || is_last)
        {
            return Poll::Ready(());
        }
        match ready!(Pin::new(&mut *body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
            // Its end is told next.
            Some(Ok(Ok(piece))) if piece.is_empty() => {}
            Some(Ok(Ok(piece))) => {
                out.reserve_capacity(1);
                *waiting = Some((piece, body.is_end_stream()));
            }
            last => {
                out.reserve_capacity(0);
                // Whatever comes of that, it is the end.
                let _ = match last {
                    Some(Ok(Err(frame))) => out.send_trailers(frame.into_trailers().unwrap_or_default()),
                    Some(Err(broken)) => {
                        out.send_reset(reason(&broken));
                        Ok(())
                    }
                    _ => out.send_data(Bytes::new(), true),
                };
                return Poll::Ready(());
            }
        }
    }
}

/// What a client is told of an answer that breaks off: what the application said, where it speaks HTTP/2 as well.
fn reason(broken: &Broken) -> Reason {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(broken);
    while let Some(error) = cause {
        if let Some(reason) = error.downcast_ref::<h2::Error>().and_then(h2::Error::reason) {
            return reason;
        }
        cause = error.source();
    }
    Reason::INTERNAL_ERROR
}

#[cfg(test)]
mod tests;
