//! One worker's connections to one endpoint. The last given back is the first taken, so that spare ones grow old and go.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use http::{Request, Response, Version};
use hyper::{client::conn::http2, rt::Executor};
use hyper_util::rt::TokioIo;

use super::{
    http1::{self, Open, Upgraded},
    settings::Settings,
    shared::EndpointState,
    source::{Error, Source},
};
use crate::{
    common::{
        http1::Pattern,
        watch::{Ticks, Watches},
    },
    dial,
    gateway::{client::Introduction, request_body::RequestBody},
    observe::metrics::UpstreamMeter,
};

/// HTTP/2 connections kept to one endpoint.
const HTTP2_CONNECTIONS: usize = 4;
/// Requests on one HTTP/2 connection before another is opened.
const HTTP2_REQUESTS: u32 = 100;

/// Streams allowed until the application says how many, told from what it may say by being an odd number.
const UNSAID: usize = 97;
/// How often, and how many times, to look whether its SETTINGS have come.
const SETTINGS_LOOK: Duration = Duration::from_millis(5);
const SETTINGS_LOOKS: usize = 200;

type Sender2 = http2::SendRequest<RequestBody>;
type Connection2 = http2::Connection<TokioIo<dial::Stream>, RequestBody, Local>;

/// Connections to one endpoint.
#[derive(Debug)]
pub struct Pool {
    /// What all workers know of the endpoint.
    pub state: Arc<EndpointState>,
    settings: Arc<Settings>,
    watches: Rc<Watches>,
    meter: UpstreamMeter,
    idle_ticks: Cell<u64>,
    idle: RefCell<VecDeque<Idle>>,
    /// How many idle ones the metrics know of.
    told: Cell<i64>,
    shared: RefCell<Vec<Rc<Multiplexed>>>,
    connecting: tokio::sync::Mutex<()>,
    in_flight: Cell<u32>,
    /// The application speaks HTTP/2 but no extended CONNECT.
    refuses_extended: Cell<bool>,
    /// What heads of answers have come from there.
    pattern: Rc<RefCell<Pattern>>,
}

#[derive(Debug)]
struct Idle {
    connection: http1::Connection,
    since: u64,
}

/// An HTTP/2 connection.
#[derive(Debug)]
struct Multiplexed {
    sender: RefCell<Sender2>,
    remote: Option<SocketAddr>,
    in_flight: Cell<u32>,
}

/// The use of one connection for one exchange. Dropped without being given back, the connection is closed.
#[derive(Debug)]
pub struct Lease {
    pool: Rc<Pool>,
    connection: Option<Connection>,
}

/// No answer has come.
#[derive(Debug)]
pub struct Unanswered {
    /// Why.
    pub error: Error,
    /// The request, where not a byte of it was sent.
    pub unsent: Option<Box<Request<RequestBody>>>,
}

#[derive(Debug)]
enum Connection {
    Single(http1::Connection),
    Multiplexed(Rc<Multiplexed>),
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(
        state: &Arc<EndpointState>,
        settings: &Arc<Settings>,
        watches: &Rc<Watches>,
        meter: UpstreamMeter,
    ) -> Rc<Self> {
        Rc::new(Self {
            state: Arc::clone(state),
            settings: Arc::clone(settings),
            watches: Rc::clone(watches),
            meter,
            idle_ticks: Cell::new(ticks(settings.idle)),
            idle: RefCell::default(),
            told: Cell::new(0),
            shared: RefCell::default(),
            connecting: tokio::sync::Mutex::new(()),
            in_flight: Cell::new(0),
            pattern: Rc::default(),
            refuses_extended: Cell::new(false),
        })
    }

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    /// Shortens the idle time to what the application says in `Keep-Alive: timeout=`, less a second.
    pub fn learn_idle(&self, timeout: Duration) {
        let below = timeout.saturating_sub(Duration::from_secs(1));
        if ticks(below) < self.idle_ticks.get() {
            self.idle_ticks.set(ticks(below));
        }
    }

    /// A connection to use: one that waits, or a new one. An upgrade gets one of its own.
    ///
    /// # Errors
    /// When no connection can be made.
    pub async fn lease(self: &Rc<Self>, upgrade: bool) -> Result<Lease, dial::Error> {
        self.in_flight.set(self.in_flight.get() + 1);
        self.meter.in_flight.add(1);
        let mut lease = Lease { pool: Rc::clone(self), connection: None };
        // Connecting is boxed: it is rare, and its state is many times that of a request.
        lease.connection = Some(if upgrade {
            Box::pin(self.own()).await?
        } else if self.settings.http2 {
            Connection::Multiplexed(match self.roomy() {
                Some(shared) => shared,
                None => Box::pin(self.multiplexed()).await?,
            })
        } else {
            match self.take_idle() {
                Some(single) => Connection::Single(single),
                None => Connection::Single(Box::pin(self.connect()).await?),
            }
        });
        Ok(lease)
    }

    /// Closes what has waited too long, or leads to an address that the name no longer has.
    pub fn sweep(&self) {
        let oldest = self.watches.refreshed().saturating_sub(self.idle_ticks.get());
        self.idle.borrow_mut().retain(|idle| {
            idle.since >= oldest && idle.connection.is_idle() && self.leads_on(idle.connection.remote())
        });
        self.tell(self.idle.borrow().len());
        self.shared.borrow_mut().retain(|shared| {
            !shared.sender.borrow().is_closed() && (self.leads_on(shared.remote) || shared.in_flight.get() > 0)
        });
    }

    fn leads_on(&self, remote: Option<SocketAddr>) -> bool {
        remote.is_none_or(|address| self.state.dialer.addresses().contains(&address))
    }

    fn take_idle(&self) -> Option<http1::Connection> {
        let mut idle = self.idle.borrow_mut();
        let taken = self.newest(&mut idle);
        self.tell(idle.len());
        taken
    }

    fn newest(&self, idle: &mut VecDeque<Idle>) -> Option<http1::Connection> {
        let oldest = self.watches.now().saturating_sub(self.idle_ticks.get());
        while let Some(candidate) = idle.pop_back() {
            if candidate.since < oldest {
                // Those below are older still.
                idle.clear();
                return None;
            }
            if candidate.connection.is_idle() {
                return Some(candidate.connection);
            }
        }
        None
    }

    /// Tells the metrics how many wait.
    fn tell(&self, idle: usize) {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        self.meter.idle.add(idle - self.told.replace(idle));
    }

    async fn connect(&self) -> Result<http1::Connection, dial::Error> {
        self.meter.connections.increment();
        let stream = self.state.dialer.connect_http1().await?;
        Ok(http1::Connection::new(stream, Open::new(&self.meter), &self.pattern))
    }

    async fn multiplexed(&self) -> Result<Rc<Multiplexed>, dial::Error> {
        // One at a time connects; the others find what it made.
        let _turn = self.connecting.lock().await;
        if let Some(shared) = self.roomy() {
            return Ok(shared);
        }
        let (sender, connection, remote) = self.connect_http2().await?;
        self.keep(connection);
        let shared = Rc::new(Multiplexed { sender: RefCell::new(sender), remote, in_flight: Cell::new(0) });
        self.shared.borrow_mut().push(Rc::clone(&shared));
        shared.in_flight.set(1);
        Ok(shared)
    }

    async fn connect_http2(&self) -> Result<(Sender2, Connection2, Option<SocketAddr>), dial::Error> {
        self.meter.connections.increment();
        let stream = self.state.dialer.connect().await?;
        let remote = stream.remote();
        let (sender, connection) = http2::Builder::new(Local)
            .initial_stream_window_size(1 << 18)
            .initial_connection_window_size(1 << 20)
            .initial_max_send_streams(UNSAID)
            .handshake::<_, RequestBody>(TokioIo::new(stream))
            .await
            .map_err(dial::Error::Protocol)?;
        Ok((sender, connection, remote))
    }

    /// Drives an HTTP/2 connection to its end.
    fn keep(&self, connection: Connection2) {
        let open = Open::new(&self.meter);
        tokio::task::spawn_local(async move {
            let _open = open;
            let _ = connection.await;
        });
    }

    /// A connection for an upgrade: HTTP/2 where the application takes extended CONNECT (RFC 8441), else HTTP/1.1.
    async fn own(&self) -> Result<Connection, dial::Error> {
        if !self.settings.http2 || self.refuses_extended.get() {
            return self.connect().await.map(Connection::Single);
        }
        let (sender, connection, remote) = self.connect_http2().await?;
        // It must not be asked before its SETTINGS allow it; nothing tells when they come.
        for _ in 0..SETTINGS_LOOKS {
            if connection.current_max_send_streams() != UNSAID {
                break;
            }
            tokio::time::sleep(SETTINGS_LOOK).await;
        }
        if !connection.is_extended_connect_protocol_enabled() {
            self.refuses_extended.set(true);
            return self.connect().await.map(Connection::Single);
        }
        self.keep(connection);
        let own = Multiplexed { sender: RefCell::new(sender), remote, in_flight: Cell::new(1) };
        Ok(Connection::Multiplexed(Rc::new(own)))
    }

    /// The shared connection with the most room, counted as used.
    fn roomy(&self) -> Option<Rc<Multiplexed>> {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|s| !s.sender.borrow().is_closed());
        let full = shared.len() >= HTTP2_CONNECTIONS;
        let best = shared
            .iter()
            .filter(|s| self.leads_on(s.remote))
            .min_by_key(|s| s.in_flight.get())
            .filter(|s| full || s.in_flight.get() < HTTP2_REQUESTS)?;
        best.in_flight.set(best.in_flight.get() + 1);
        Some(Rc::clone(best))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.tell(0);
    }
}

impl Lease {
    /// Sends a request; `introduction` is what HTTP/1.1 adds to its head. What comes is boxed, for many hands pass it on.
    ///
    /// # Errors
    /// When the connection broke before the head of an answer.
    pub async fn send(
        &mut self,
        mut request: Box<Request<RequestBody>>,
        introduction: &Introduction,
    ) -> Result<Box<Response<Source>>, Box<Unanswered>> {
        match self.connection.as_mut() {
            Some(Connection::Single(single)) => match single.ask(request, introduction.lines()).await {
                Ok(answer) => Ok(Box::new(answer.map(Source::Http1))),
                Err(failed) => Err(Box::new(Unanswered { error: failed.error.into(), unsent: failed.unsent })),
            },
            Some(Connection::Multiplexed(shared)) => {
                *request.version_mut() = Version::HTTP_2;
                let sent = shared.sender.borrow_mut().try_send_request(*request);
                match sent.await {
                    Ok(answer) => Ok(Box::new(answer.map(Source::Http2))),
                    Err(mut failed) => {
                        let unsent = failed.take_message().map(Box::new);
                        Err(Box::new(Unanswered { error: failed.into_error().into(), unsent }))
                    }
                }
            }
            // A lease holds a connection from `Pool::lease` until it is given back, which consumes it.
            None => std::future::pending().await,
        }
    }

    /// Whether the connection had been used before, or is shared.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        matches!(self.connection, Some(Connection::Multiplexed(_)))
    }

    /// The exchange ended well: the connection may serve another.
    pub fn give_back(mut self) {
        if let Some(Connection::Single(mut single)) = self.connection.take() {
            let most = self.pool.settings.max_idle;
            if most == 0 || self.pool.idle_ticks.get() == 0 || !single.settle() {
                // Dropped, it ends: the application may close it at any moment, or has said that it will.
                return;
            }
            let mut idle = self.pool.idle.borrow_mut();
            if idle.len() >= most {
                idle.pop_front();
            }
            idle.push_back(Idle { connection: single, since: self.pool.watches.now() });
            self.pool.tell(idle.len());
        }
    }

    /// The connection leaves HTTP: it lives on without the pool. What it becomes, where that is not told by the answer on HTTP/2.
    #[must_use]
    pub fn detach(mut self) -> Option<Upgraded> {
        match self.connection.take() {
            Some(Connection::Single(single)) => single.upgrade(),
            Some(Connection::Multiplexed(_)) | None => None,
        }
    }

    /// The pool it belongs to.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.in_flight.set(self.pool.in_flight.get().saturating_sub(1));
        self.pool.meter.in_flight.add(-1);
        match self.connection.take() {
            Some(Connection::Multiplexed(shared)) => shared.in_flight.set(shared.in_flight.get().saturating_sub(1)),
            Some(Connection::Single(_)) | None => {}
        }
    }
}

/// Runs hyper's tasks on this worker.
#[derive(Debug, Clone, Copy)]
pub struct Local;

impl<F> Executor<F> for Local
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

fn ticks(duration: Duration) -> u64 {
    Ticks::from(duration).count()
}
