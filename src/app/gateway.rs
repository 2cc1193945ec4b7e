//! A running gateway: listeners, workers, certificates, the private listener; and how a new configuration takes its place.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use tokio::{runtime::Handle as Runtime, sync::mpsc::UnboundedSender, task::AbortHandle};

pub use super::doors::Addresses;
use super::{
    antivirus, asking, attest, authority, bans, consent, console, control,
    doors::{Doors, bounds, doors},
    incident::Incidents,
    journal, keys, registry, restarts, shown, store, telemetry, watch,
};
use crate::{
    access::consent::Desk,
    admin::{self, Asked, Health},
    app::log,
    attest::Live,
    common::{clock, pulse::Pulse},
    config::Config,
    gateway::{Plan, plan::Means},
    login::Guard,
    observe::{access_log::Log, metrics::Metrics, otlp::Telemetry},
    privacy::Keys,
    registry::Registry,
    server::{
        inherited::Inherited,
        listener::{self, Listener},
        worker::{Closing, Command, Door, Drain, Handle, Process},
    },
    tls::{self, Event, acme::Issuance},
};

/// A running gateway.
#[derive(Debug)]
pub struct Running {
    config: Config,
    plan: Arc<Plan>,
    control: control::Control,
    journal: journal::Running,
    desk: Option<Arc<Desk>>,
    asking: Option<asking::Asking>,
    registry: Option<Arc<Registry>>,
    incidents: Incidents,
    guard: Arc<Guard>,
    attempts: bans::Listener,
    store: Option<store::Running>,
    process: Arc<Process>,
    issuance: Issuance,
    workers: Vec<Handle>,
    log: Option<Arc<Log>>,
    telemetry: Option<Arc<Telemetry>>,
    attest: Option<attest::Running>,
    ready: Arc<AtomicBool>,
    addresses: Addresses,
    inherited: Inherited,
    admin: Option<AbortHandle>,
    console: console::Console,
}

impl Running {
    /// Binds what was not handed over, loads, starts. What the process is asked for from outside comes out of `asks`.
    ///
    /// # Errors
    /// When an address, file or privilege is not to be had.
    #[allow(clippy::too_many_lines, reason = "all that a gateway is made of, in its order")]
    pub fn start(
        config: Config,
        keys: &Arc<Keys>,
        inherited: Inherited,
        asks: UnboundedSender<Asked>,
    ) -> anyhow::Result<Self> {
        let settings = Arc::new(config.server.clone());
        let Doors { https, http, admin, console: listeners, addresses } = Doors::bind(&config, &inherited)?;
        tls::acme::prepare(&config.tls)?;
        let process = Arc::new(Process {
            admission: Arc::default(),
            metrics: Metrics::new(settings.workers),
            tls: tls::Store::open(&config.tls, SystemTime::now())?,
        });
        process.metrics.set_expiries(process.tls.expiries());
        shown::orders(&process.metrics, process.tls.orders());
        let log = Log::open(&config.access_log, &process.metrics, settings.workers, None)?;
        let bounds = bounds(&settings, addresses.https);
        let store = config.store.as_ref().map(|to| store::Running::start(to, &process.metrics)).transpose()?;
        let guard = keys::guard(&config, store.as_ref())?;
        let realms = keys::realms(&config, &guard, store.as_ref(), &[])?;
        let bans = bans::of(&config, store.as_ref(), None)?;
        let attempts = bans::Listener::new(bans.as_ref(), &guard);
        let telemetry = telemetry::prepare(&config, &process.metrics, settings.workers, None)?;
        let challenges = &process.tls.orders().challenges;
        let lock = control::hold(&config);
        let journal = journal::Running::start(&config, lock.is_some(), &process, &guard)?;
        let registry = registry::start(&config, journal.stream(), &process.metrics)?;
        let incidents = Incidents::start(&config, &journal, registry.as_ref(), &process.metrics)?;
        let overlay = incidents.overlay();
        let desk = consent::start(&config, journal.stream())?;
        let authority = authority::of(&config, journal.journal(), registry.as_ref(), desk.as_ref(), &overlay)?;
        let antivirus = antivirus::of(&config, journal.journal(), None)?;
        let probes = &attest::probes(&config, lock.is_some())?;
        let means = Means {
            keys,
            authority,
            notices: incidents.notices(),
            guard: &guard,
            bans,
            watch: watch::of(&config, None)?,
            antivirus,
            overlay,
            realms: &realms,
            log: log.clone(),
            telemetry: telemetry.clone(),
            challenges,
            probes,
            service: &Runtime::current(),
        };
        let plan = Plan::new(&config.gateway, bounds, means, None)?;
        log::scrub_by(&plan.engine);
        let control = control::open(lock, &config, &plan, &process, asks);
        let office = registry::follow(registry.as_ref(), &config, &realms, &guard);
        control.introduce(journal.journal(), desk.as_ref(), office);
        incidents.introduce(&control);
        let mut console = console::Console::new(&config, registry.as_ref(), &control.reach)?;
        incidents.hold(&plan);
        let workers = (0..settings.workers)
            .map(|index| Handle::start(index, &process, Arc::clone(&plan), Arc::clone(&settings)))
            .collect::<Result<Vec<_>, _>>()
            .context("a worker can't be started")?;
        telemetry::replace(None, telemetry.as_ref());
        shown::all(&process.metrics, &plan, log.as_ref());
        let mut issuance = Issuance::new(process.tls.orders());
        issuance.apply(&config.tls);
        let ready = Arc::new(AtomicBool::new(true));
        let health = Health { ready: Arc::clone(&ready), workers: workers.iter().map(Handle::pulse).collect() };
        // Set once.
        let _ = control.reach.health.set(health);
        console.open(listeners)?;
        let mut running = Self {
            asking: asking::of(&config, desk.as_ref(), None)?,
            control,
            journal,
            desk,
            registry,
            incidents,
            issuance,
            config,
            plan,
            guard,
            attempts,
            store,
            process,
            workers,
            log,
            telemetry,
            attest: None,
            ready,
            addresses,
            inherited,
            admin: None,
            console,
        };
        running.open(Door::Https, https);
        if let Some(http) = http {
            running.open(Door::Http, http);
        }
        running.open_admin(admin)?;
        running.attest();
        Ok(running)
    }

    /// The configuration in use.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Works by `config` from the next request on. All or nothing: what can fail is done before anything is changed.
    ///
    /// # Errors
    /// When something that `config` names is not to be had; the old configuration goes on.
    #[allow(clippy::too_many_lines, reason = "all that changes, in its order")]
    pub fn apply(&mut self, config: Config) -> anyhow::Result<()> {
        let settings = Arc::new(config.server.clone());
        restarts::warn(&self.config, &config, self.workers.len());
        self.inherited.agree(&doors(&config, self.workers.len()))?;
        let https = self.rebind(Some(self.config.server.https), Some(settings.https))?;
        let http = self.rebind(self.config.server.http, settings.http)?;
        let admin = self.rebind(self.config.admin.listen, config.admin.listen)?;
        let console = self.rebind(self.config.admin.console, config.admin.console)?;
        let addresses = self.addresses.moved(&config, [&https, &http, &admin, &console])?;
        let keys = keys::of(&config)?;
        let workers = self.workers.len();
        let log = Log::open(&config.access_log, &self.process.metrics, workers, self.log.as_deref())?;
        let bounds = bounds(&settings, addresses.https);
        let guard = self.guard_of(&config)?;
        let realms = keys::realms(&config, &guard, self.store.as_ref(), &self.plan.realms())?;
        let bans = bans::of(&config, self.store.as_ref(), self.plan.bans.as_ref())?;
        let telemetry = telemetry::prepare(&config, &self.process.metrics, workers, self.telemetry.as_deref())?;
        let challenges = &self.process.tls.orders().challenges;
        let authority = authority::of(
            &config,
            self.journal.journal(),
            self.registry.as_ref(),
            self.desk.as_ref(),
            &self.plan.overlay,
        )?;
        let antivirus = antivirus::of(&config, self.journal.journal(), self.plan.antivirus.as_ref())?;
        let means = Means {
            keys: &keys,
            authority,
            notices: self.incidents.notices(),
            guard: &guard,
            bans,
            watch: watch::of(&config, self.plan.watch.as_ref())?,
            antivirus,
            overlay: Arc::clone(&self.plan.overlay),
            realms: &realms,
            log: log.clone(),
            telemetry: telemetry.clone(),
            challenges,
            probes: &self.plan.probes,
            service: &Runtime::current(),
        };
        let plan = Plan::new(&config.gateway, bounds, means, Some(&self.plan))?;
        // Before a new realm meets its first request.
        self.incidents.hold(&plan);
        let office = registry::follow(self.registry.as_ref(), &config, &realms, &guard);
        tls::acme::prepare(&config.tls)?;
        self.process.tls.reconfigure(&config.tls, SystemTime::now())?;
        self.issuance.apply(&config.tls);
        log::scrub_by(&plan.engine);
        self.log = log;
        telemetry::replace(self.telemetry.take(), telemetry.as_ref());
        self.telemetry = telemetry;
        self.process.metrics.set_expiries(self.process.tls.expiries());
        for worker in &self.workers {
            worker.tell(Command::Apply(Arc::clone(&plan), Arc::clone(&settings)));
        }
        self.addresses = addresses;
        if let Some(https) = https {
            self.open(Door::Https, https);
        }
        match (http, settings.http) {
            (Some(http), _) => self.open(Door::Http, http),
            (None, None) => self.workers.iter().for_each(|worker| worker.tell(Command::Close(Door::Http))),
            (None, Some(_)) => {}
        }
        if admin.is_some() || config.admin.listen.is_none() {
            self.open_admin(admin)?;
        }
        self.console.apply(&config, addresses.console, console)?;
        keys::apply(&plan.realms(), &config);
        self.control.reach.plan.store(Arc::clone(&plan));
        self.control.reach.open_metrics.store(config.admin.open_metrics, Relaxed);
        self.control.reach.office.store(office);
        if let Some(registry) = &self.registry {
            registry::apply(registry, &config);
        }
        self.incidents.apply(&config);
        shown::all(&self.process.metrics, &plan, self.log.as_ref());
        self.journal.listen(&guard);
        self.attempts.listen(plan.bans.as_ref(), &guard);
        if let (Some(bans), Some(settings)) = (&plan.bans, &config.bans) {
            bans.apply(settings.clone());
        }
        self.asking = asking::of(&config, self.desk.as_ref(), self.asking.take())?;
        watch::apply(plan.watch.as_ref(), &config);
        self.plan = plan;
        self.guard = guard;
        self.config = config;
        self.attest();
        Ok(())
    }

    /// What is running now is what is looked at.
    fn attest(&mut self) {
        let live = Live {
            plan: Arc::clone(&self.plan),
            https: self.addresses.https,
            http: self.addresses.http,
            tls: Arc::clone(&self.process.tls),
            log: self.log.clone(),
            metrics: Arc::clone(&self.process.metrics),
            journal: self.journal.journal().cloned(),
        };
        let (registry, cases) = (self.registry.as_ref(), self.incidents.cases());
        match &self.attest {
            Some(running) => running.apply(&self.config, live, registry, cases),
            None => self.attest = Some(attest::Running::start(&self.config, live, registry, cases)),
        }
        if let Some(running) = &self.attest {
            let _ = self.control.reach.attestor.set(Arc::clone(&running.attestor));
        }
    }

    /// The guard that has counted so far, unless there was nothing to guard: it has keys of its own then.
    fn guard_of(&self, config: &Config) -> anyhow::Result<Arc<Guard>> {
        if keys::counts_attempts(&self.config) || !keys::counts_attempts(config) {
            return Ok(Arc::clone(&self.guard));
        }
        keys::guard(config, self.store.as_ref())
    }

    /// Looks at the certificates' files again.
    pub fn refresh_certificates(&self) {
        let events = self.process.tls.refresh(SystemTime::now());
        if events.is_empty() {
            return;
        }
        self.process.metrics.set_expiries(self.process.tls.expiries());
        for event in events {
            self.journal.certificates(&event);
            match event {
                Event::Reloaded { files } => tracing::info!(?files, "changed files are in use"),
                Event::Kept { file, error } => {
                    tracing::error!(?file, %error, "changed files can't be used; what was loaded before goes on");
                }
                Event::Expired { file, since } => {
                    tracing::error!(?file, since, "this has expired; clients will refuse it");
                }
            }
        }
    }

    /// Looks at the accounts and the grants of staff again, and forgets sessions that have run out.
    pub fn refresh_realms(&self) {
        if let Some(registry) = &self.registry {
            registry::look(registry, clock::now());
        }
        self.incidents.look(&self.plan, clock::now());
        for realm in self.plan.realms() {
            let write = self.journal.accounts();
            tokio::task::spawn_blocking(move || {
                realm.refresh();
                realm.changes().into_iter().for_each(|change| write(realm.name(), change));
                realm.sessions().sweep(clock::now());
            });
        }
    }

    /// Counts a reload, and writes it down.
    pub fn note_reload(&mut self, outcome: &Result<(), String>) {
        self.process.metrics.reloads[usize::from(outcome.is_err())].increment();
        self.journal.reloaded(&self.config, outcome);
    }

    /// Fails when a worker has died, so that whoever supervises the process starts it afresh.
    ///
    /// # Errors
    /// When one has.
    pub fn check_workers(&self) -> anyhow::Result<()> {
        if !self.workers.iter().all(Handle::is_alive) {
            bail!("a worker has ended by itself");
        }
        Ok(())
    }

    /// The workers' signs of life.
    #[must_use]
    pub fn pulses(&self) -> Vec<Pulse> {
        self.workers.iter().map(Handle::pulse).collect()
    }

    /// Tells everybody how far the way down is.
    pub fn tell(&self, drain: Drain) {
        self.ready.store(false, Relaxed);
        for worker in &self.workers {
            worker.tell(Command::Drain(drain));
        }
    }

    /// Closes all doors; what comes back tells when they are.
    #[must_use]
    pub fn close(&self) -> Closing {
        let closing = Closing::default();
        for worker in &self.workers {
            worker.tell(Command::Close(Door::Https));
            worker.tell(Command::Close(Door::Http));
            worker.tell(Command::Tell(closing.clone()));
        }
        self.tell(Drain::Closing);
        closing
    }

    /// Requests in flight.
    #[must_use]
    pub fn requests(&self) -> i64 {
        self.process.metrics.requests_in_flight()
    }

    /// Open client connections.
    #[must_use]
    pub fn connections(&self) -> i64 {
        self.process.metrics.connections_open()
    }

    /// The access log was moved away: opens it anew.
    pub fn reopen_log(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Ends the workers, whose unfinished requests are written down as aborted, and writes what waits for the log.
    pub fn end(mut self) {
        self.workers.drain(..).for_each(|worker| worker.end(Duration::from_secs(1)));
        if let Some(log) = &self.log
            && !log.end(Duration::from_secs(5))
        {
            tracing::error!("the access log could not be written to its end");
        }
        if let Some(desk) = &self.desk {
            consent::save(desk);
        }
        // Before what only a collector waits for.
        self.journal.end();
        telemetry::end(self.telemetry.as_deref());
    }

    fn open(&self, door: Door, listeners: Vec<Listener>) {
        for (worker, listener) in self.workers.iter().zip(listeners) {
            worker.tell(Command::Open(door, listener));
        }
    }

    fn open_admin(&mut self, listeners: Option<Vec<Listener>>) -> anyhow::Result<()> {
        if let Some(old) = self.admin.take() {
            old.abort();
        }
        if let Some(listener) = listeners.and_then(|mut listeners| listeners.pop()) {
            let listener = tokio::net::TcpListener::from_std(listener.socket)?;
            let task = tokio::spawn(admin::serve(listener, Arc::clone(&self.control.reach)));
            self.admin = Some(task.abort_handle());
        }
        Ok(())
    }

    /// New listeners where the address has changed. Listeners survive otherwise: closing one drops its accept queue.
    fn rebind(
        &self,
        old: Option<SocketAddr>,
        new: Option<SocketAddr>,
    ) -> Result<Option<Vec<Listener>>, listener::Error> {
        match new {
            Some(address) if old != new => listener::bind(address, self.workers.len()).map(Some),
            _ => Ok(None),
        }
    }
}
