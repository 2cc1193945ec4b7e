//! One client connection: HTTP/1.1 or HTTP/2 over whatever stream it came on, from its first request to its close.

use std::{
    fmt::Debug,
    future::{Future, poll_fn},
    io,
    pin::pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_local,
};

use super::{
    Request,
    http1::Connection,
    http2,
    patient::Patient,
    worker::{Drain, Worker},
};
use crate::{
    common::{
        place::boxed,
        watch::{Slot, Watch},
    },
    gateway::client::Client,
};

/// How much of a refused client's bytes are read after the answer, and for how long, so that closing the socket does not
/// destroy the answer on its way (RFC 9112, section 9.6).
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);
/// After which a connection that waits for its next request gives its buffers back.
const SLEEP: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 on `io` until either side ends it.
pub async fn serve_http1<S>(worker: Rc<Worker>, io: S, client: Rc<Client>)
where
    S: AsyncRead + AsyncWrite + Unpin + Debug + 'static,
{
    let watch = worker.watches.watch();
    let tuning = worker.tuning();
    let rules = worker.gateway().plan.head.clone();
    let patient = Patient::new(io, Rc::clone(&watch), tuning.stall, Rc::clone(&client));
    let connection = Connection::new(patient, &watch, rules, tuning.header);
    {
        let service = |request: Request| {
            watch.disarm(Slot::Idle);
            watch.disarm(Slot::Sleep);
            let gateway = worker.gateway();
            let (client, watch) = (&client, &watch);
            // What a request takes is given back after it: most connections wait for the next one nearly all their life.
            boxed(|| gateway.handle(client, watch, request.refused, request.parts, request.body))
        };
        let mut serving = pin!(connection.serve(service));
        let mut life = Life::new(&worker, &client, &watch);
        poll_fn(|cx| {
            watch.register(cx);
            if watch.fired(Slot::Stall) {
                return Poll::Ready(());
            }
            if life.must_close() {
                connection.end();
            }
            let polled = serving.as_mut().poll(cx);
            if polled.is_pending() {
                life.rest();
                if life.may_sleep(connection.is_at_rest()) {
                    connection.sleep();
                }
            }
            polled
        })
        .await;
    }
    client.outbox.end();
    let is_unread = connection.close();
    let tunnel = client.tunnel.borrow_mut().take();
    if let Some(tunnel) = tunnel {
        if let Some((io, read)) = connection.into_parts() {
            Box::pin(tunnel.join(io, read)).await;
        }
    } else if is_unread {
        // Boxed, as the tunnel: few connections come to this, and its state would weigh on all.
        Box::pin(linger(|cx| connection.poll_discard(cx))).await;
    }
}

/// Lets a client that is still sending read its answer, before the socket closes.
async fn linger(mut discard: impl FnMut(&mut Context<'_>) -> Poll<io::Result<usize>>) {
    let reading = async {
        let mut total = 0;
        while total < LINGER_BYTES {
            match poll_fn(&mut discard).await {
                Ok(0) | Err(_) => return,
                Ok(n) => total += n,
            }
        }
    };
    // Whatever is not done by then is lost either way.
    let _ = tokio::time::timeout(LINGER_TIME, reading).await;
}

/// Serves HTTP/2 on `io` until either side ends it.
pub async fn serve_http2<S>(worker: Rc<Worker>, io: S, client: Rc<Client>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let watch = worker.watches.watch();
    let tuning = worker.tuning();
    let io = Patient::new(io, Rc::clone(&watch), tuning.stall, Rc::clone(&client));
    let mut connection = http2::Connection::new(io, tuning.h2);
    let mut life = Life::new(&worker, &client, &watch);
    poll_fn(|cx| {
        watch.register(cx);
        // A client that opens and cancels without end makes work for nothing (CVE-2023-44487).
        let cancelled = client.abandoned.get();
        if cancelled > tuning.h2_resets && cancelled > client.begun.get() / 2 {
            return Poll::Ready(());
        }
        if life.must_close() {
            connection.end();
            watch.arm_once(Slot::Total, tuning.stall);
        }
        if watch.fired(Slot::Total) {
            // Who does not say that he has heard it may open no more, either.
            watch.disarm(Slot::Total);
            connection.end();
        }
        loop {
            match connection.poll_request(cx) {
                Poll::Ready(Some(asked)) => {
                    watch.disarm(Slot::Idle);
                    watch.disarm(Slot::Sleep);
                    spawn_local(boxed(|| answer_http2(Rc::clone(&worker), Rc::clone(&client), asked)));
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => {
                    life.rest();
                    if life.may_sleep(connection.is_at_rest()) {
                        connection.sleep();
                    }
                    return Poll::Pending;
                }
            }
        }
    })
    .await;
    client.outbox.end();
    if connection.is_unread() {
        Box::pin(linger(|cx| connection.poll_discard(cx))).await;
    }
}

/// Answers a request of HTTP/2.
async fn answer_http2(worker: Rc<Worker>, client: Rc<Client>, asked: http2::Asked) {
    let watch = worker.watches.watch();
    let gateway = worker.gateway();
    let service = |request: Request| {
        let (client, watch) = (&client, &watch);
        boxed(|| gateway.handle(client, watch, request.refused, request.parts, request.body))
    };
    asked.answer(&watch, worker.tuning().stall, service).await;
}

/// When a connection without requests must go.
struct Life<'a> {
    worker: &'a Rc<Worker>,
    client: &'a Rc<Client>,
    watch: &'a Rc<Watch>,
    closed: bool,
}

impl<'a> Life<'a> {
    fn new(worker: &'a Rc<Worker>, client: &'a Rc<Client>, watch: &'a Rc<Watch>) -> Self {
        let tuning = worker.tuning();
        watch.arm(Slot::Age, tuning.age);
        watch.arm(Slot::Idle, tuning.idle);
        Self { worker, client, watch, closed: false }
    }

    /// `true` once, when the connection is to end after what is in flight.
    fn must_close(&mut self) -> bool {
        let drain = self.worker.drain();
        if self.watch.fired(Slot::Age) || drain != Drain::No {
            self.watch.disarm(Slot::Age);
            // HTTP/1.1: the next answer says `Connection: close`, which no request can cross on its way.
            self.client.closing.set(true);
        }
        let idle = self.watch.fired(Slot::Idle);
        if idle && (self.client.in_flight.get() > 0 || self.watch.armed(Slot::Head)) {
            self.watch.disarm(Slot::Idle);
            return false;
        }
        // Who has asked for nothing yet, or is just asking, has not heard that we end, and is owed the one answer that says so.
        let owed = self.client.begun.get() == 0 || self.watch.armed(Slot::Head);
        let ending = drain == Drain::Closing || (self.client.http2 && self.client.closing.get());
        let must = idle || (ending && !owed);
        must && !std::mem::replace(&mut self.closed, true)
    }

    /// Nothing to do for now.
    fn rest(&self) {
        if self.client.in_flight.get() == 0 {
            self.watch.arm_once(Slot::Idle, self.worker.tuning().idle);
        } else {
            self.watch.disarm(Slot::Idle);
        }
    }

    /// Whether nothing has been under way for [`SLEEP`].
    fn may_sleep(&self, is_at_rest: bool) -> bool {
        let rests = is_at_rest
            && self.client.in_flight.get() == 0
            && !self.watch.armed(Slot::Write)
            && self.client.outbox.is_out();
        if !rests {
            self.watch.disarm(Slot::Sleep);
            return false;
        }
        self.watch.arm_once(Slot::Sleep, SLEEP.into());
        let is_due = self.watch.fired(Slot::Sleep);
        if is_due {
            self.watch.disarm(Slot::Sleep);
        }
        is_due
    }
}
