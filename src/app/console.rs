//! The console of a running gateway: its listener, and SCIM behind it.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::task::AbortHandle;

use crate::{
    access::subject::Subjects,
    admin::{
        console,
        scim::{OUTCOMES, Scim},
    },
    config::Config,
    observe::metrics::{Metrics, Sample, Source},
    registry::Registry,
    seal::Ring,
    server::listener::Listener,
    tls,
};

/// SCIM, and the task that answers where it is on.
#[derive(Debug)]
pub(super) struct Console {
    scim: Arc<Scim>,
    tls: Arc<tls::Store>,
    task: Option<AbortHandle>,
}

impl Console {
    /// Over the registry, where there is one.
    ///
    /// # Errors
    /// When the keys that name people can't be read.
    pub(super) fn new(
        config: &Config,
        registry: Option<&Arc<Registry>>,
        tls: &Arc<tls::Store>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let office = match (registry, &config.seal.key_file) {
            (Some(registry), Some(keys)) => {
                let ring = Ring::load(keys).context("the keys that name people can't be used")?;
                Some((Arc::clone(registry), Subjects::of(&ring)))
            }
            _ => None,
        };
        let scim = Arc::new(Scim::new(office, config.admin.directories.clone()));
        show(metrics, &scim);
        Ok(Self { scim, tls: Arc::clone(tls), task: None })
    }

    /// Answers on another socket from now on, or on none.
    ///
    /// # Errors
    /// When it can't be used.
    pub(super) fn open(&mut self, listeners: Option<Vec<Listener>>) -> anyhow::Result<()> {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        if let Some(listener) = listeners.and_then(|mut listeners| listeners.pop()) {
            let listener = tokio::net::TcpListener::from_std(listener.socket)?;
            let task = tokio::spawn(console::serve(listener, Arc::clone(&self.tls), Arc::clone(&self.scim)));
            self.task = Some(task.abort_handle());
        }
        Ok(())
    }

    /// Takes what another configuration says: who may speak, and where. Without `listeners` the socket of before goes on, unless it is off now.
    ///
    /// # Errors
    /// When the socket can't be used.
    pub(super) fn apply(
        &mut self,
        config: &Config,
        address: Option<SocketAddr>,
        listeners: Option<Vec<Listener>>,
    ) -> anyhow::Result<()> {
        self.scim.apply(config.admin.directories.clone());
        if listeners.is_some() || address.is_none() { self.open(listeners) } else { Ok(()) }
    }
}

fn show(metrics: &Metrics, scim: &Arc<Scim>) {
    let scim = Arc::clone(scim);
    metrics.show(Source::counters(
        "privet_scim_requests_total",
        "SCIM requests by how they have ended: `unauthorized` had no good token.",
        move || {
            let all = OUTCOMES.into_iter().zip(scim.counts());
            all.map(|(outcome, count)| Sample::new(&[("outcome", outcome)], count)).collect()
        },
    ));
}
