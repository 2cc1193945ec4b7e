//! The composition root: settings become a running gateway; reload; signals.

mod antivirus;
mod asking;
pub mod attest;
mod authority;
pub mod banner;
mod bans;
pub mod consent;
mod console;
mod control;
mod detection;
mod doors;
pub mod end;
mod exposure;
pub mod gateway;
mod incident;
mod journal;
pub mod keys;
pub mod log;
mod registry;
mod remedy;
mod restarts;
mod shown;
pub mod signals;
mod store;
pub mod supervisor;
mod telemetry;
mod watch;
mod witness;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use self::{end::Cause, gateway::Running, signals::Signals, supervisor::Supervisor};
use crate::{
    admin::Asked,
    common::stamp::Stamps,
    config::{Config, Flags, Report},
    server::inherited::Inherited,
};

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
        Stamps::take(
            own.into_iter()
                .chain(config.files.iter().cloned())
                .chain([keys::place(config)])
                .chain(config.seal.key_file.clone()),
        )
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
        let is_first = config.seal.key_file.as_ref().is_some_and(|keys| !keys.exists());
        let (asks, mut asked) = mpsc::unbounded_channel();
        let mut running = Running::start(config, &keys, inherited, asks)?;
        if is_first {
            // As little have keys that everything is sealed by from now on.
            watched = source.watched(running.config());
        }
        banner::print(running.config(), running.addresses(), demo);
        let supervisor = Supervisor::find();
        supervisor.keep_alive(running.pulses());
        supervisor.ready(&serving(&running));
        let mut every = interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let cause = loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    signals::Signal::Reload => drop(reload(source, &mut running, &mut watched, &supervisor)),
                    signals::Signal::Reopen => running.reopen_log(),
                    signals::Signal::Terminate => break Cause::Signal(running.config().server.shutdown.delay),
                    signals::Signal::Interrupt => break Cause::Signal(Duration::ZERO),
                },
                Some(asked) = asked.recv() => match asked {
                    Asked::Hook(told) if running.config().server.shutdown.hook => break Cause::Hook(told),
                    // Dropped where no hook is configured, which refuses it.
                    Asked::Hook(_) => {}
                    // Whoever has gone away meanwhile has asked all the same.
                    Asked::Reload(told) => drop(told.send(reload(source, &mut running, &mut watched, &supervisor))),
                    Asked::End(told) => {
                        let _ = told.send(());
                        break Cause::Signal(running.config().server.shutdown.delay);
                    }
                },
                _ = every.tick() => {
                    running.refresh_certificates();
                    running.refresh_realms();
                    running.check_workers()?;
                    if watched.are_stale() {
                        drop(reload(source, &mut running, &mut watched, &supervisor));
                    }
                }
            }
        };
        end::end(running, cause, &mut signals, &mut asked, &supervisor).await;
        Ok(())
    })
}

/// Takes a new configuration, or says why the old one goes on.
fn reload(source: &Source, running: &mut Running, watched: &mut Stamps, supervisor: &Supervisor) -> Result<(), String> {
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
    running.note_reload(&outcome);
    match &outcome {
        Ok(()) => {
            tracing::info!("configuration reloaded");
            supervisor.ready(&serving(running));
        }
        Err(why) => {
            tracing::error!("the new configuration is refused, the old one goes on:\n{why}");
            supervisor.ready("the new configuration is refused and the old one goes on; the log says why");
        }
    }
    outcome
}

/// What a supervisor shows of a gateway that serves.
fn serving(running: &Running) -> String {
    format!("serving on {}", running.addresses().https)
}

/// Two descriptors a proxied request: the soft limit of most systems is for interactive programs.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it is not allowed, the connection limit of the configuration still holds.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
