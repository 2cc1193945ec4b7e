//! The composition root: settings become a running gateway; reload; signals.

pub mod banner;
pub mod gateway;
pub mod keys;
pub mod log;
mod shown;
pub mod signals;
mod store;
pub mod supervisor;
mod telemetry;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::{gateway::Running, signals::Signals, supervisor::Supervisor};
use crate::{
    common::stamp::Stamps,
    config::{Config, Flags, Report},
    server::{inherited::Inherited, worker::Drain},
};

/// From the deadline to the end of the process: workers end, and what waits for the log is written.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, with flags on top.
    File(PathBuf, Flags),
    /// Flags alone.
    Flags(Flags),
}

impl Source {
    fn load(&self) -> Result<Config, Report> {
        match self {
            Self::File(path, flags) => Config::load(path, flags),
            Self::Flags(flags) => Config::from_flags(flags),
        }
    }

    /// The files whose change calls for a reload.
    fn watched(&self, config: &Config) -> Stamps {
        let own = match self {
            Self::File(path, _) => Some(path.clone()),
            Self::Flags(_) => None,
        };
        Stamps::take(own.into_iter().chain(config.files.iter().cloned()).chain([keys::place(config)]))
    }
}

/// Runs until a signal ends it, on sockets that were handed over where there are some.
///
/// # Errors
/// When it can't start: a bad configuration (a [`Report`]), or an address, file or privilege that is not to be had.
pub fn run(source: &Source, inherited: Inherited, demo: bool) -> anyhow::Result<()> {
    raise_descriptor_limit();
    let config = source.load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let mut signals = Signals::listen().context("signals can't be handled")?;
        // A key file that is made now has not changed.
        let keys = keys::of(&config)?;
        let mut watched = source.watched(&config);
        let mut running = Running::start(config, &keys, inherited)?;
        banner::print(running.config(), running.addresses(), demo);
        let supervisor = Supervisor::find();
        supervisor.keep_alive(running.pulses());
        supervisor.ready(&serving(&running));
        let mut every = interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    signals::Signal::Reload => reload(source, &mut running, &mut watched, &supervisor),
                    signals::Signal::Reopen => running.reopen_log(),
                    signals::Signal::Terminate => {
                        let delay = running.config().server.shutdown.delay;
                        return drain(running, &mut signals, &supervisor, delay).await;
                    }
                    signals::Signal::Interrupt => return drain(running, &mut signals, &supervisor, Duration::ZERO).await,
                },
                _ = every.tick() => {
                    running.refresh_certificates();
                    running.refresh_realms();
                    running.check_workers()?;
                    if watched.are_stale() {
                        reload(source, &mut running, &mut watched, &supervisor);
                    }
                }
            }
        }
    })
}

/// Takes a new configuration, or says why the old one goes on.
fn reload(source: &Source, running: &mut Running, watched: &mut Stamps, supervisor: &Supervisor) {
    supervisor.reloading();
    // Taken before the files are read, so that a change meanwhile is seen.
    *watched = watched.renewed();
    let outcome = match source.load() {
        Ok(config) => {
            let now = source.watched(&config);
            if now.files() != watched.files() {
                *watched = now;
            }
            running.apply(config).map_err(|error| format!("{error:#}"))
        }
        Err(report) => Err(report.to_string()),
    };
    running.count_reload(outcome.is_ok());
    match outcome {
        Ok(()) => {
            tracing::info!("configuration reloaded");
            supervisor.ready(&serving(running));
        }
        Err(why) => {
            tracing::error!("the new configuration is refused, the old one goes on:\n{why}");
            supervisor.ready("the new configuration is refused and the old one goes on; the log says why");
        }
    }
}

/// What a supervisor shows of a gateway that serves.
fn serving(running: &Running) -> String {
    format!("serving on {}", running.addresses().https)
}

/// Ends: readiness fails, clients are told, listeners close after `delay`, and the process waits for what is in flight.
async fn drain(
    running: Running,
    signals: &mut Signals,
    supervisor: &Supervisor,
    delay: Duration,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let deadline = started + running.config().server.shutdown.deadline;
    supervisor.stopping(running.config().server.shutdown.deadline + LAST_WORDS);
    running.tell(Drain::Announced);
    tracing::info!(delay_s = delay.as_secs_f32(), "ending: readiness fails, listeners close after the delay");
    let mut poll = interval(Duration::from_millis(20));
    let mut closing_at = Some((started + delay).min(deadline));
    let mut quiet_since = None;
    loop {
        tokio::select! {
            // Whoever asks twice does not want to wait.
            () = signals.end() => break,
            now = poll.tick() => {
                if closing_at.is_some_and(|at| now >= at) {
                    closing_at = None;
                    running.tell(Drain::Closing);
                }
                if now >= deadline {
                    tracing::warn!(requests = running.requests(), "the deadline has come; what still runs is cut");
                    break;
                }
                if closing_at.is_none() {
                    // A request counts as ended when its last byte is handed over; a moment more lets that be sent.
                    let quiet = running.requests() == 0;
                    quiet_since = if quiet { quiet_since.or(Some(now)) } else { None };
                    if running.connections() == 0 || quiet_since.is_some_and(|at| now - at > Duration::from_secs(1)) {
                        break;
                    }
                }
            }
        }
    }
    running.end();
    tracing::info!(seconds = started.elapsed().as_secs_f32(), "ended");
    Ok(())
}

/// Two descriptors a proxied request: the soft limit of most systems is for interactive programs.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it is not allowed, the connection limit of the configuration still holds.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
