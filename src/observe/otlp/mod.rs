//! Telemetry by OTLP, the protocol of OpenTelemetry (<https://opentelemetry.io/docs/specs/otlp/>): traces, metrics and logs, to one collector.
//!
//! Workers leave what they have in lanes ([`queue`](self)), and a thread of its own sends it, so that no request waits for a collector. What is
//! sent of a request is its line for the access log, which is scrubbed already: there is no second way from a request to here.

mod client;
mod exporter;
mod message;
mod proto;
mod queue;
pub mod settings;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::watch;

use self::{
    exporter::Exporter,
    queue::{Counts, Fate, Finished, Lanes, Record, Weigh},
    settings::{Share, Signal},
};
pub use self::{queue::Diagnostic, settings::Settings};
use crate::{
    common::clock,
    dial::{self, Dialer, settings::Target},
    observe::{
        metrics::{Metrics, Sample, Source},
        trace::Trace,
    },
};

/// The thread that sends. What is told on it is not sent, or it would tell of itself for ever.
const THREAD: &str = "telemetry";
/// Longest time to a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Telemetry as it is configured. What waits to be sent outlives a reload.
#[derive(Debug)]
pub struct Telemetry {
    ready: Arc<Ready>,
    shared: Arc<Shared>,
    /// Whether this is the first of its process.
    first: bool,
}

/// Settings, and what is made of them.
#[derive(Debug)]
struct Ready {
    settings: Settings,
    dialer: Dialer,
    resource: Vec<u8>,
}

/// What workers and the exporter share.
#[derive(Debug)]
struct Shared {
    traces: Lanes<Finished>,
    logs: Lanes<Record>,
    counts: Arc<Counts>,
    metrics: Arc<Metrics>,
    workers: usize,
    ready: Mutex<Arc<Ready>>,
    wake: watch::Sender<()>,
    /// Nothing more is taken.
    ending: AtomicBool,
    /// When the exporter has to be done, once it is told to end.
    end: Mutex<Option<Instant>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Telemetry {
    /// Makes `settings` ready; nothing is sent before [`Telemetry::start`].
    ///
    /// # Errors
    /// When a file that they name can't be used.
    pub fn prepare(
        settings: &Settings,
        metrics: &Arc<Metrics>,
        workers: usize,
        previous: Option<&Self>,
    ) -> Result<Arc<Self>, dial::Invalid> {
        let ready = Arc::new(Ready {
            dialer: Dialer::new(&place(settings))?,
            resource: message::resource(settings),
            settings: settings.clone(),
        });
        let shared = previous.map_or_else(|| Shared::new(&ready, metrics, workers), |known| Arc::clone(&known.shared));
        Ok(Arc::new(Self { ready, shared, first: previous.is_none() }))
    }

    /// Sends from now on, by these settings.
    pub fn start(&self) {
        *lock(&self.shared.ready) = Arc::clone(&self.ready);
        self.shared.wake.send_replace(());
        if self.first && lock(&self.shared.thread).is_none() {
            self.shared.show();
            self.shared.run(&self.ready);
        }
    }

    /// How many requests are traced; `None` where none is.
    #[must_use]
    pub fn sample(&self) -> Option<Share> {
        self.ready.settings.signals.has(Signal::Traces).then_some(self.ready.settings.sample)
    }

    /// Where worker number `worker` leaves what it has.
    #[must_use]
    pub fn tap(&self, worker: usize) -> Tap {
        let signals = self.ready.settings.signals;
        let (logs, traces) = (signals.has(Signal::Logs), signals.has(Signal::Traces));
        Tap { shared: Arc::clone(&self.shared), lane: worker, logs, traces }
    }

    /// Sends what waits, and ends; what can't be sent within `patience` is lost, and counted.
    pub fn end(&self, patience: Duration) {
        let end = Instant::now() + patience;
        self.shared.end(end);
        let Some(thread) = lock(&self.shared.thread).take() else { return };
        while !thread.is_finished() && Instant::now() < end + Duration::from_millis(200) {
            thread::sleep(Duration::from_millis(2));
        }
        if !thread.is_finished() {
            tracing::warn!("telemetry could not be sent to its end");
        }
    }
}

impl Shared {
    fn new(ready: &Arc<Ready>, metrics: &Arc<Metrics>, workers: usize) -> Arc<Self> {
        Arc::new(Self {
            traces: Lanes::new(workers),
            // Diagnostics have the last.
            logs: Lanes::new(workers + 1),
            counts: Arc::default(),
            metrics: Arc::clone(metrics),
            workers,
            ready: Mutex::new(Arc::clone(ready)),
            wake: watch::Sender::new(()),
            ending: AtomicBool::new(false),
            end: Mutex::default(),
            thread: Mutex::default(),
        })
    }

    fn run(self: &Arc<Self>, ready: &Arc<Ready>) {
        let [traces, metrics, logs] = Exporter::all(self, ready, message::nanos(clock::now()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let thread = runtime.and_then(|runtime| {
            let all = async {
                tokio::join!(traces.run(), metrics.run(), logs.run());
            };
            let run = move || runtime.block_on(all);
            thread::Builder::new().name(THREAD.to_owned()).spawn(run)
        });
        match thread {
            Ok(thread) => *lock(&self.thread) = Some(thread),
            Err(error) => tracing::error!(%error, "telemetry has no thread: nothing is sent"),
        }
    }

    fn ready(&self) -> Arc<Ready> {
        Arc::clone(&lock(&self.ready))
    }

    fn end_at(&self) -> Option<Instant> {
        *lock(&self.end)
    }

    fn end(&self, at: Instant) {
        *lock(&self.end) = Some(at);
        self.ending.store(true, Relaxed);
        self.wake.send_replace(());
    }

    fn push<T: Weigh>(&self, signal: Signal, lanes: &Lanes<T>, lane: usize, records: u64, item: T) {
        if self.ending.load(Relaxed) || !lanes.push(lane, item) {
            self.counts.of(signal, Fate::Dropped).add(records);
        }
    }

    fn show(&self) {
        let family = |name, help, fate| {
            let counts = Arc::clone(&self.counts);
            let count =
                move |signal: Signal| Sample::new(&[("signal", signal.name())], counts.of(signal, fate).value());
            Source::counters(name, help, move || Signal::ALL.map(&count).into())
        };
        let sent = "Spans, data points and log records that a collector has taken.";
        let dropped = "Spans, data points and log records that are lost: no room, too old, or refused.";
        self.metrics.show(family("privet_telemetry_sent_total", sent, Fate::Sent));
        self.metrics.show(family("privet_telemetry_dropped_total", dropped, Fate::Dropped));
        self.metrics.show(family("privet_telemetry_failures_total", "Attempts to send that failed.", Fate::Failed));
    }
}

/// Where one worker leaves what it has.
#[derive(Debug)]
pub struct Tap {
    shared: Arc<Shared>,
    lane: usize,
    logs: bool,
    traces: bool,
}

impl Tap {
    /// Whether traced requests are wanted.
    #[must_use]
    pub fn takes_requests(&self) -> bool {
        self.traces
    }

    /// Whether lines of the access log are wanted.
    #[must_use]
    pub fn takes_lines(&self) -> bool {
        self.logs
    }

    /// Leaves a line of the access log, in JSON.
    pub fn line(&self, line: &[u8]) {
        let record = Record::Line(line.into());
        self.shared.push(Signal::Logs, &self.shared.logs, self.lane, 1, record);
    }

    /// Leaves a traced request that has ended, of which `line` tells, with what that does not say.
    pub fn request(&self, trace: &Trace, line: &[u8], facts: Vec<(&'static str, Value)>) {
        let finished = Finished::of(trace, line, facts);
        let spans = 1 + finished.steps.len() as u64;
        self.shared.push(Signal::Traces, &self.shared.traces, self.lane, spans, finished);
    }
}

/// Where diagnostics are left.
#[derive(Debug)]
pub struct Outlet(Arc<Shared>);

impl Outlet {
    /// The outlet of `telemetry`; `None` where it does not want logs.
    #[must_use]
    pub fn of(telemetry: &Telemetry) -> Option<Self> {
        telemetry.ready.settings.signals.has(Signal::Logs).then(|| Self(Arc::clone(&telemetry.shared)))
    }

    /// Whether what is told on this thread is sent.
    #[must_use]
    pub fn is_open() -> bool {
        thread::current().name() != Some(THREAD)
    }

    /// Leaves a diagnostic.
    pub fn leave(&self, event: Diagnostic) {
        self.0.push(Signal::Logs, &self.0.logs, self.0.workers, 1, Record::Diagnostic(event));
    }
}

fn place(settings: &Settings) -> dial::Settings {
    let endpoint = &settings.endpoint;
    let alpn = match settings.protocol {
        settings::Protocol::Grpc => &b"h2"[..],
        settings::Protocol::Http => b"http/1.1",
    };
    dial::Settings {
        target: Target::Tcp { host: endpoint.host.clone(), port: endpoint.port },
        tls: endpoint.tls.then(|| dial::settings::Tls {
            ca: settings.ca.clone(),
            server_name: endpoint.host.clone(),
            certificate: None,
            alpn: vec![alpn.to_vec()],
        }),
        connect_timeout: CONNECT,
        resolve_every: Duration::from_secs(60),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
