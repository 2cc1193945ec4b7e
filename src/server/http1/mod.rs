//! HTTP/1.1 on one connection (RFC 9112): a request, its answer, the next request, all in one task.
//!
//! What is read is judged by [`framing`](super::framing) and by nobody else. A request that is refused there goes to the service with the
//! reason in its place, so that its answer leaves behind those to earlier requests, like any other; what follows it is never read as a request.

pub(super) mod answer;
mod wire;

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};

use self::wire::{Asked, Wire};
use super::{Request, framing::Form};
use crate::{
    common::{
        http1::Sending,
        watch::{Ticks, Watch},
    },
    gateway::{
        body::Body,
        incoming::{Feed, Incoming},
        settings::HeadRules,
    },
};

/// A connection to a client.
#[derive(Debug)]
pub struct Connection<S> {
    wire: RefCell<Wire<S>>,
    sending: RefCell<Sending<Body>>,
}

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + 'static,
{
    /// What comes over `io`. Heads are judged by `rules`, and take no longer than `patience`.
    pub fn new(io: S, watch: &Rc<Watch>, rules: Arc<HeadRules>, patience: Ticks) -> Rc<Self> {
        let wire = Wire::new(io, Rc::clone(watch), rules, patience);
        Rc::new(Self { wire: RefCell::new(wire), sending: RefCell::default() })
    }

    /// Answers by `service` what is asked, until either side ends it or it leaves HTTP.
    pub async fn serve<F>(self: &Rc<Self>, mut service: impl FnMut(Request) -> Pin<Box<F>>)
    where
        F: Future<Output = Response<Body>>,
    {
        while let Some(asked) = poll_fn(|cx| self.wire.borrow_mut().poll_request(cx)).await {
            let Asked { parts, refused, form, is_whole } = asked;
            let body = if is_whole { Incoming::Empty } else { Incoming::Fed(Rc::clone(self) as Rc<dyn Feed>) };
            let answer = service(Request { parts, body, refused });
            let Some(answer) = self.while_here(answer).await else { return };
            let leaves = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
            self.begin(answer, form);
            let sent = poll_fn(|cx| self.sending.borrow_mut().poll(&mut Outlet(&self.wire), cx));
            if self.while_here(sent).await.is_none_or(|sent| sent.is_err()) || leaves {
                return;
            }
            // What somebody still reads is not to end for him as if it were whole.
            let is_held = Rc::strong_count(self) > 1;
            if !poll_fn(|cx| Poll::Ready(self.wire.borrow_mut().settle(cx, is_held))).await {
                break;
            }
        }
        // Whatever comes of that, it is the end.
        let _ = poll_fn(|cx| self.wire.borrow_mut().poll_shutdown(cx)).await;
    }

    /// Waits for `what` as long as the client does; nothing where that has left.
    async fn while_here<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        poll_fn(|cx| match what.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.wire.borrow_mut().poll_gone(cx).map(|()| None),
        })
        .await
    }

    /// Begins an answer in the `form` that its client has asked for.
    fn begin(&self, answer: Response<Body>, form: Form) {
        let (parts, body) = answer.into_parts();
        let (begun, mut persists) = self.wire.borrow_mut().begin_answer(form);
        let body = if answer::may_have_body(parts.status, form) { body } else { Body::empty() };
        self.sending.borrow_mut().begin(body, |body, out| {
            out.extend_from_slice(begun);
            answer::write(&parts, body, form, &mut persists, out)
        });
        self.wire.borrow_mut().keep(persists);
    }

    /// Ends it after what is under way.
    pub fn end(&self) {
        self.wire.borrow_mut().end();
    }

    /// Whether nothing is under way of what the client sends, and there is room to give back.
    pub fn is_at_rest(&self) -> bool {
        self.wire.borrow().is_at_rest()
    }

    /// Gives back what room it takes. The caller knows that nothing is under way.
    pub fn sleep(&self) {
        let mut sending = self.sending.borrow_mut();
        if !sending.is_under_way() {
            *sending = Sending::default();
        }
        self.wire.borrow_mut().sleep();
    }

    /// It is over: who still reads of it is told so. Whether the client may still be sending what nobody will read.
    pub fn close(&self) -> bool {
        self.sending.take();
        self.wire.borrow_mut().close()
    }

    /// Reads what nobody needs; 0 at the end.
    pub fn poll_discard(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.wire.borrow_mut().poll_discard(cx)
    }

    /// The stream, and what was read of it ahead; nothing while somebody else has a hold of it.
    pub fn into_parts(self: Rc<Self>) -> Option<(S, Bytes)> {
        Rc::into_inner(self).map(|connection| connection.wire.into_inner().into_parts())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug> Feed for Connection<S> {
    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.wire.borrow_mut().poll_body(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.wire.borrow().remaining().is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.wire.borrow().remaining().size_hint()
    }
}

/// Where answers are written to. It holds the wire for no longer than that takes: while an answer is made, its request's body may be read.
struct Outlet<'a, S>(&'a RefCell<Wire<S>>);

impl<S: AsyncWrite + Unpin> AsyncWrite for Outlet<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.0.borrow_mut().io()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.borrow_mut().io()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow_mut().io().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.borrow_mut().io()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.borrow_mut().io()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
