//! HTTP/1.1 on one connection: hyper while anything is under way, and the bare stream while nothing is. Most connections of a browser wait for
//! the next click nearly all their life, and the buffers that hyper holds for them meanwhile are most of what a connection takes.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::http1::{Builder, Connection},
    service::Service,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::guard::Guard;
use crate::gateway::body::Body;

/// One connection.
pub struct Http1<S, V>
where
    V: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    builder: Builder,
    state: State<S, V>,
}

enum State<S, V>
where
    V: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    Awake(Box<Connection<TokioIo<Guard<S>>, V>>),
    Asleep(Guard<S>, V),
    /// It ends without having woken.
    Ending(Guard<S>, V),
    /// Between two states.
    Gone,
}

impl<S, V> Http1<S, V>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    V: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    /// Serves what comes over `guard`.
    pub fn new(builder: Builder, guard: Guard<S>, service: V) -> Self {
        let state = State::Awake(Box::new(builder.serve_connection(TokioIo::new(guard), service)));
        Self { builder, state }
    }

    /// Reads, answers and writes until either side has ended it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.state {
                State::Awake(connection) => return Pin::new(connection.as_mut()).poll(cx).map(|_| ()),
                State::Asleep(guard, _) => match ready!(guard.poll_wait(cx)) {
                    Ok(()) => self.wake(),
                    Err(_) => return Poll::Ready(()),
                },
                State::Ending(guard, _) => return Pin::new(guard).poll_shutdown(cx).map(|_| ()),
                State::Gone => return Poll::Ready(()),
            }
        }
    }

    /// Ends it after what is under way.
    pub fn end(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Awake(mut connection) => {
                Pin::new(connection.as_mut()).graceful_shutdown();
                State::Awake(connection)
            }
            State::Asleep(guard, service) => State::Ending(guard, service),
            other => other,
        };
    }

    /// Whether hyper is at work.
    pub fn is_awake(&self) -> bool {
        matches!(self.state, State::Awake(_))
    }

    /// Gives back what hyper takes. The caller knows that nothing is under way: no request, no body that is still to be read, no byte that has
    /// still to go out.
    pub fn sleep(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Awake(connection) => {
                let parts = connection.into_parts();
                let guard = parts.io.into_inner();
                // hyper takes all that is there of a request that it has not begun. If it does not, nobody can say what these bytes are.
                if parts.read_buf.is_empty() {
                    State::Asleep(guard, parts.service)
                } else {
                    State::Ending(guard, parts.service)
                }
            }
            other => other,
        };
    }

    fn wake(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Asleep(guard, service) => {
                State::Awake(Box::new(self.builder.serve_connection(TokioIo::new(guard), service)))
            }
            other => other,
        };
    }

    /// The stream, and what hyper has read ahead; nothing once it is gone.
    pub fn into_parts(self) -> Option<(Guard<S>, Bytes)> {
        match self.state {
            State::Awake(connection) => {
                let parts = connection.into_parts();
                Some((parts.io.into_inner(), parts.read_buf))
            }
            State::Asleep(guard, _) | State::Ending(guard, _) => Some((guard, Bytes::new())),
            State::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, rc::Rc, sync::Arc, time::Duration};

    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;
    use crate::{common::watch::Watches, server::guard::Line};

    async fn path(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        Ok(Response::new(Body::full(request.uri().path().to_owned())))
    }

    fn guard() -> (DuplexStream, Guard<DuplexStream>) {
        let (client, server) = tokio::io::duplex(1 << 16);
        let patience = Duration::from_secs(9).into();
        (client, Guard::new(server, Rc::new(Line::default()), Watches::new().watch(), Arc::default(), patience))
    }

    #[tokio::test]
    async fn who_sleeps_wakes_for_the_next_request_and_for_the_end() {
        let (mut client, guard) = guard();
        let mut http1 = Http1::new(Builder::new(), guard, service_fn(path));
        for round in 0..3 {
            for path in ["/first", "/second"] {
                for piece in ["GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"] {
                    client.write_all(piece.as_bytes()).await.expect("a pipe");
                    assert!(poll_fn(|cx| Poll::Ready(http1.poll(cx))).await.is_pending());
                }
                let mut answer = vec![0; 1000];
                let read = client.read(&mut answer).await.expect("an answer");
                let answer = String::from_utf8_lossy(&answer[..read]);
                assert!(answer.ends_with(path) && answer.starts_with("HTTP/1.1 200"), "{round}: {answer}");
            }
            http1.sleep();
            assert!(!http1.is_awake());
            assert!(
                poll_fn(|cx| Poll::Ready(http1.poll(cx))).await.is_pending() && !http1.is_awake(),
                "nothing has come"
            );
        }
        http1.end();
        poll_fn(|cx| http1.poll(cx)).await;
        assert_eq!(client.read(&mut [0; 9]).await.expect("an end"), 0);
        assert!(http1.into_parts().is_some());
    }

    #[tokio::test]
    async fn who_leaves_while_it_sleeps_is_let_go() {
        let (client, guard) = guard();
        let mut http1 = Http1::new(Builder::new(), guard, service_fn(path));
        http1.sleep();
        drop(client);
        poll_fn(|cx| http1.poll(cx)).await;
    }
}
