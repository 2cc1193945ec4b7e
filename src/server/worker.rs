//! One worker: a thread, a runtime, its doors, its connections.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{AbortHandle, LocalSet, spawn_local},
};

use super::{
    Settings,
    admission::{Admission, Permit},
    connection::{serve_http1, serve_http2},
    http2,
    listener::{self, Listener},
    proxy_protocol,
};
use crate::{
    common::{
        peer::Peer,
        pulse::Pulse,
        watch::{Ticks, Watches},
    },
    gateway::{Gateway, Plan, client::Client, outbox::Outbox},
    observe::metrics::{Labelled, Metrics, Shard},
    tls,
};

/// Which listener a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// TLS.
    Https,
    /// Cleartext.
    Http,
}

/// How far the process is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// It is not.
    No,
    /// Readiness fails, and connections are asked to end; new ones are still served.
    Announced,
    /// No new connections; idle ones end.
    Closing,
}

/// What the process shares with every worker.
#[derive(Debug)]
pub struct Process {
    /// Open connections.
    pub admission: Arc<Admission>,
    /// All counters.
    pub metrics: Arc<Metrics>,
    /// Certificates.
    pub tls: Arc<tls::Store>,
}

/// What a worker is told.
#[derive(Debug)]
pub enum Command {
    /// A configuration to work by from the next request on.
    Apply(Arc<Plan>, Arc<Settings>),
    /// A listener to accept on, in place of an earlier one at the same door.
    Open(Door, Listener),
    /// Accept no more at this door.
    Close(Door),
    /// How far the process is on its way down.
    Drain(Drain),
    /// Let this go when all that was said before is done.
    Tell(Closing),
}

/// How long a listener that closes waits for handshakes of TCP that are under way.
const HALF_THROUGH: Duration = Duration::from_millis(2);

/// Held by every worker that has still to close its doors.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<()>);

impl Closing {
    /// Whether nobody else holds it any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A running worker, seen from the process. Dropping it ends the worker.
#[derive(Debug)]
pub struct Handle {
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
    pulse: Pulse,
}

impl Handle {
    /// Starts worker number `index`.
    ///
    /// # Errors
    /// When the thread or its runtime can't be made.
    pub fn start(index: usize, process: &Arc<Process>, plan: Arc<Plan>, settings: Arc<Settings>) -> io::Result<Self> {
        let (commands, orders) = unbounded_channel();
        let process = Arc::clone(process);
        let pulse = Pulse::default();
        let own = pulse.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            let set = LocalSet::new();
            set.block_on(&runtime, async move {
                Worker::new(index, &process, &plan, settings).run(orders, own).await;
            });
        })?;
        Ok(Self { commands, thread: Some(thread), pulse })
    }

    /// Tells the worker. A worker that is gone hears nothing.
    pub fn tell(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Ends it; what it still served is cut. Returns when its thread is gone, or after `patience`.
    pub fn end(mut self, patience: Duration) {
        let Some(thread) = self.thread.take() else { return };
        drop(self);
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its sign of life.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Whether its thread still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

/// One worker, seen from its own thread.
#[derive(Debug)]
pub struct Worker {
    /// Its deadlines.
    pub watches: Rc<Watches>,
    index: usize,
    process: Arc<Process>,
    shard: Shard,
    settings: RefCell<Arc<Settings>>,
    tuning: Cell<Tuning>,
    gateway: RefCell<Rc<Gateway>>,
    drain: Cell<Drain>,
    doors: RefCell<HashMap<Door, AbortHandle>>,
}

/// What connections need of the settings, in the form in which they need it.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// For a head that has begun.
    pub header: Ticks,
    /// Between requests.
    pub idle: Ticks,
    /// Until a connection is asked to end.
    pub age: Ticks,
    /// For written bytes to be taken.
    pub stall: Ticks,
    /// What HTTP/2 may do at once.
    pub h2: http2::Limits,
    /// Streams cancelled.
    pub h2_resets: u32,
}

impl Tuning {
    fn new(settings: &Settings, plan: &Plan) -> Self {
        let limits = &settings.limits;
        Self {
            header: limits.header_timeout.into(),
            idle: limits.keep_alive.into(),
            age: limits.connection_age.into(),
            stall: limits.stall_timeout.into(),
            h2: http2::Limits {
                streams: limits.h2_streams,
                header_bytes: u32::try_from(plan.head.header_bytes).unwrap_or(u32::MAX),
                header_count: plan.head.header_count,
            },
            h2_resets: limits.h2_resets,
        }
    }
}

impl Worker {
    fn new(index: usize, process: &Arc<Process>, plan: &Arc<Plan>, settings: Arc<Settings>) -> Rc<Self> {
        let watches = Watches::new();
        let gateway = Gateway::new(plan, None, &process.metrics, index, &watches);
        Rc::new(Self {
            watches,
            index,
            process: Arc::clone(process),
            shard: process.metrics.shard(index),
            tuning: Cell::new(Tuning::new(&settings, plan)),
            settings: RefCell::new(settings),
            gateway: RefCell::new(gateway),
            drain: Cell::new(Drain::No),
            doors: RefCell::default(),
        })
    }

    /// The configuration of the next request.
    pub fn gateway(&self) -> Rc<Gateway> {
        Rc::clone(&self.gateway.borrow())
    }

    /// What connections go by.
    pub fn tuning(&self) -> Tuning {
        self.tuning.get()
    }

    /// How far the process is on its way down.
    pub fn drain(&self) -> Drain {
        self.drain.get()
    }

    async fn run(self: Rc<Self>, mut orders: UnboundedReceiver<Command>, pulse: Pulse) {
        spawn_local(Rc::clone(&self.watches).run());
        let sweeper = Rc::clone(&self);
        spawn_local(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                pulse.beat();
                sweeper.gateway().sweep();
                if sweeper.gateway().see_off() {
                    sweeper.watches.wake_all();
                }
            }
        });
        while let Some(order) = orders.recv().await {
            match order {
                Command::Apply(plan, settings) => self.apply(&plan, settings),
                Command::Open(door, listener) => self.open(door, listener),
                Command::Close(door) => self.close(door),
                Command::Tell(closing) => {
                    // Behind the tasks that were ended: they have accepted what waited.
                    spawn_local(async move {
                        tokio::task::yield_now().await;
                        drop(closing);
                    });
                }
                Command::Drain(drain) => {
                    self.drain.set(drain);
                    self.watches.wake_all();
                }
            }
        }
    }

    fn apply(&self, plan: &Arc<Plan>, settings: Arc<Settings>) {
        let gateway = Gateway::new(plan, Some(&self.gateway()), &self.process.metrics, self.index, &self.watches);
        self.tuning.set(Tuning::new(&settings, plan));
        self.settings.replace(settings);
        self.gateway.replace(gateway);
    }

    fn open(self: &Rc<Self>, door: Door, listener: Listener) {
        let inherited = listener.inherited;
        let listener = match TcpListener::from_std(listener.socket) {
            Ok(listener) => Rc::new(listener),
            Err(error) => {
                tracing::error!(%error, ?door, "a listener can't be used");
                return;
            }
        };
        self.close(door);
        let task = spawn_local(Rc::clone(self).accept(door, Rc::clone(&listener), inherited));
        self.doors.borrow_mut().insert(door, task.abort_handle());
    }

    /// Ends the accept loop; the listener goes with it. What waits in its queue is accepted first, unless the queue outlives us: the
    /// next process serves it.
    fn close(self: &Rc<Self>, door: Door) {
        if let Some(task) = self.doors.borrow_mut().remove(&door) {
            task.abort();
        }
    }

    async fn accept(self: Rc<Self>, door: Door, listener: Rc<TcpListener>, inherited: bool) {
        let _last = (!inherited).then(|| LastCall { worker: &self, door, listener: &listener });
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.welcome(door, stream, address),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory: both pass when connections end.
                    tracing::warn!(%error, "can't accept connections for now");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn welcome(self: &Rc<Self>, door: Door, stream: TcpStream, address: SocketAddr) {
        let settings = self.settings.borrow();
        let peer = Peer::new(address, &settings.trusted);
        if !settings.proxy_protocol && self.is_turned_away(&peer) {
            return;
        }
        // A load balancer's connections are its clients', who are counted behind a PROXY header.
        let by_address = if peer.trusted { usize::MAX } else { settings.limits.connections_per_address };
        let permit = self.process.admission.enter(peer.address.ip(), settings.limits.connections, by_address);
        let Some(permit) = permit else {
            self.shard.connections_refused.increment();
            return;
        };
        self.shard.connections.increment();
        self.shard.connections_open.add(1);
        let open = Open(Shard::clone(&self.shard));
        spawn_local(Rc::clone(self).greet(door, stream, peer, permit, open));
    }

    /// Whether nothing is said to `peer`: an operator or a list bans its own address. A proxy is never turned away for its clients.
    fn is_turned_away(&self, peer: &Peer) -> bool {
        let gateway = self.gateway.borrow();
        let Some(bans) = gateway.plan.bans.as_ref().filter(|_| !peer.trusted) else { return false };
        let away = bans.turns_away(peer.address.ip());
        if away {
            bans.counts().connections.increment();
        }
        away
    }

    async fn greet(self: Rc<Self>, door: Door, mut stream: TcpStream, mut peer: Peer, mut permit: Permit, _open: Open) {
        let settings = Arc::clone(&self.settings.borrow());
        let patience = settings.limits.handshake_timeout;
        if listener::prepare(&stream).is_err() {
            return;
        }
        if settings.proxy_protocol {
            let header = tokio::time::timeout(patience, proxy_protocol::read(&mut stream));
            match header.await {
                Ok(Ok(Some(address))) if peer.trusted => {
                    peer = Peer::new(address, &settings.trusted);
                    if self.is_turned_away(&peer) {
                        return;
                    }
                    let Some(moved) = permit.readdress(peer.address.ip(), settings.limits.connections_per_address)
                    else {
                        self.shard.connections_refused.increment();
                        return;
                    };
                    permit = moved;
                }
                Ok(Ok(None)) if peer.trusted => {}
                _ => {
                    self.failed("proxy_header");
                    return;
                }
            }
        }
        let port = stream.local_addr().map_or(0, |a| a.port());
        match door {
            Door::Http => {
                let client = Rc::new(Client::new(peer, false, false, port));
                serve_http1(Rc::clone(&self), stream, client).await;
            }
            Door::Https => self.handshake(stream, peer, port, patience).await,
        }
        drop(permit);
    }

    async fn handshake(self: &Rc<Self>, stream: TcpStream, peer: Peer, port: u16, patience: Duration) {
        let started = Instant::now();
        let acceptor = tls::Acceptor::new(Arc::clone(&self.process.tls));
        // Boxed: what the handshake takes is given back after it, and the stream is moved by a pointer.
        let shaking = Box::pin(acceptor.accept(stream));
        let (stream, handshake) = match tokio::time::timeout(patience, shaking).await {
            Ok(Ok(Some((stream, handshake)))) => (Box::new(stream), handshake),
            Ok(Ok(None)) => return tracing::debug!("an authority has looked for a challenge's answer"),
            Ok(Err(error)) => return self.failed(error.kind()),
            Err(_) => return self.failed("timeout"),
        };
        self.shard.count(Labelled::Handshakes, &[handshake.version, handshake.group.unwrap_or("none")]);
        let mut client = Client::new(peer, true, handshake.alpn_h2, port);
        client.handshake = Some(handshake);
        client.handshake_time = started.elapsed();
        client.outbox = Outbox::new(client.http2, self.gateway().plan.records());
        self.shard.handshakes.observe(client.handshake_time);
        let client = Rc::new(client);
        if client.http2 {
            serve_http2(Rc::clone(self), stream, client).await;
        } else {
            serve_http1(Rc::clone(self), stream, client).await;
        }
    }

    fn failed(&self, reason: &str) {
        self.shard.count(Labelled::HandshakeFailures, &[reason]);
    }
}

/// Accepts what waits in a listener's queue when its accept loop ends: closing the socket would reset it.
struct LastCall<'a> {
    worker: &'a Rc<Worker>,
    door: Door,
    listener: &'a TcpListener,
}

impl LastCall<'_> {
    /// Asks the system itself: the runtime may not have heard yet of who has come since it looked.
    fn welcome_all(&self) {
        while let Some((stream, address)) = listener::accept_now(self.listener) {
            self.worker.welcome(self.door, stream, address);
        }
    }
}

impl Drop for LastCall<'_> {
    fn drop(&mut self) {
        // Without a runtime there is nobody to serve them.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let is_shut = listener::turn_away(self.listener).is_ok();
        self.welcome_all();
        if is_shut {
            // Whoever was half through the door. It is once in the life of a listener that others of this thread wait for that.
            std::thread::sleep(HALF_THROUGH);
            self.welcome_all();
        }
    }
}

/// Counts a connection as open while it lives.
struct Open(Shard);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections_open.add(-1);
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
