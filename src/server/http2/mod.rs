//! HTTP/2 on one connection (RFC 9113): each request has a task, which answers it and sends the answer's body as fast as its window lets it.
//!
//! `connection` reads frames, and `request` the heads in them; `session` is what the tasks and the connection share, `handle` how a
//! task has a hold of its stream, `out` what is to be written.

mod connection;
mod duplex;
mod frame;
mod handle;
mod out;
mod request;
mod session;

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::Reason;
use http::{Method, Response, request::Parts};
use http_body::{Body as _, Frame};
use tokio::sync::oneshot;

pub use self::connection::Connection;
use self::{duplex::Duplex, handle::Handle};
use super::Request;
use crate::{
    common::watch::{Slot, Ticks, Watch},
    gateway::{
        body::{Body, Broken},
        incoming::Incoming,
        refusal::Kind,
        upgrade::Outer,
    },
};

/// What a client may do at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams.
    pub streams: u32,
    /// Bytes of a head.
    pub header_bytes: u32,
    /// Its fields.
    pub header_count: usize,
}

/// A request on its way to the service, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What its head says, or that of a harmless one where it is refused.
    parts: Box<Parts>,
    /// Why it is refused.
    refused: Option<Kind>,
    /// Whether no body comes behind it.
    is_whole: bool,
    stream: Handle,
}

impl Asked {
    /// Answers it by `service`, until it is answered or the client has given it up; or leaves its answer unread for as long as `stall`, which is
    /// for `watch` to say.
    pub async fn answer<F>(self, watch: &Rc<Watch>, stall: Ticks, service: impl FnOnce(Request) -> F)
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

    async fn run<F>(self, watch: &Rc<Watch>, stall: Ticks, service: impl FnOnce(Request) -> F)
    where
        F: Future<Output = Response<Body>>,
    {
        let Self { parts, refused, is_whole, stream } = self;
        let (body, tunnel) = if parts.method == Method::CONNECT && refused.is_none() {
            let (there, here) = oneshot::channel();
            (Incoming::Connect(Outer(here)), Some(there))
        } else if is_whole {
            (Incoming::Empty, None)
        } else {
            (Incoming::Fed(Rc::new(stream.share())), None)
        };
        let mut answering = pin!(service(Request { parts, body, refused }));
        let answer = poll_fn(|cx| match answering.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // The client may give it up meanwhile.
            Poll::Pending => stream.poll_gone(cx).map(|()| None),
        });
        let Some(answer) = answer.await else { return };
        // Nobody waits for it where the answer is Privet's own.
        let tunnel = tunnel.filter(|there| answer.status().is_success() && !there.is_closed());
        let (parts, body) = answer.into_parts();
        let is_whole = body.is_end_stream() && tunnel.is_none();
        let length = if body.is_end_stream() { None } else { body.size_hint().exact() };
        stream.answer(&parts, length, is_whole);
        match tunnel {
            // Whoever waits for it joins the two, or has left.
            Some(there) => drop(there.send(Box::new(Duplex::new(stream)))),
            None if is_whole => {}
            None => send(body, &stream, watch, stall).await,
        }
    }
}

/// Sends `body`.
async fn send(mut body: Body, stream: &Handle, watch: &Rc<Watch>, stall: Ticks) {
    let mut is_last = false;
    poll_fn(|cx| {
        let sent = poll_send(&mut body, &mut is_last, stream, cx);
        if sent.is_pending() && stream.poll_gone(cx).is_ready() {
            return Poll::Ready(());
        }
        if stream.is_waiting() {
            // A body sees to it itself until its last piece; what is made of a body need not.
            stream.pace(watch, stall);
            watch.arm_once(Slot::Stall, stall);
        }
        sent
    })
    .await;
}

/// Sends on: the next piece is asked for when the one before is on its way.
fn poll_send(body: &mut Body, is_last: &mut bool, stream: &Handle, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        ready!(stream.poll_taken(cx));
        if *is_last || stream.is_gone() {
            return Poll::Ready(());
        }
        match ready!(Pin::new(&mut *body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
            // Its end is told next.
            Some(Ok(Ok(piece))) if piece.is_empty() => {}
            Some(Ok(Ok(piece))) => {
                *is_last = body.is_end_stream();
                stream.give(piece, *is_last);
            }
            None => {
                *is_last = true;
                stream.give(Bytes::new(), true);
            }
            Some(Ok(Err(frame))) => {
                stream.give_trailers(&frame.into_trailers().unwrap_or_default());
                return Poll::Ready(());
            }
            Some(Err(broken)) => {
                stream.give_up(reason(&broken));
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
