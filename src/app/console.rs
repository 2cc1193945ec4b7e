//! The console of a running gateway: its listener, and what is behind it.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::task::AbortHandle;

use crate::{
    access::subject::Subjects,
    admin::{
        self, Api,
        console::{listener, traffic::Traffic},
        control::Reach,
        scim::{OUTCOMES, Scim},
    },
    config::Config,
    observe::metrics::{Metrics, Sample, Source},
    registry::Registry,
    seal::Ring,
    server::listener::Listener,
};

/// What is behind it, and the tasks that answer and look where it is on.
#[derive(Debug)]
pub(super) struct Console {
    scim: Arc<Scim>,
    api: Arc<Api>,
    reach: Arc<Reach>,
    operators: Vec<String>,
    pages: Option<Arc<admin::Console>>,
    tasks: Vec<AbortHandle>,
}

impl Console {
    /// Over the registry, where there is one.
    ///
    /// # Errors
    /// When the keys that name people can't be read.
    pub(super) fn new(config: &Config, registry: Option<&Arc<Registry>>, reach: &Arc<Reach>) -> anyhow::Result<Self> {
        let office = match (registry, &config.seal.key_file) {
            (Some(registry), Some(keys)) => {
                let ring = Ring::load(keys).context("the keys that name people can't be used")?;
                Some((Arc::clone(registry), Subjects::of(&ring)))
            }
            _ => None,
        };
        let scim = Arc::new(Scim::new(office, config.admin.directories.clone()));
        show(&reach.metrics, &scim);
        let api = Arc::new(Api::new(Arc::clone(reach), config.admin.clients.clone()));
        let (reach, operators) = (Arc::clone(reach), config.admin.operators.clone());
        Ok(Self { scim, api, reach, operators, pages: None, tasks: Vec::new() })
    }

    /// Answers on another socket from now on, or on none.
    ///
    /// # Errors
    /// When it can't be used.
    pub(super) fn open(&mut self, listeners: Option<Vec<Listener>>) -> anyhow::Result<()> {
        self.tasks.drain(..).for_each(|task| task.abort());
        self.pages = None;
        if let Some(listener) = listeners.and_then(|mut listeners| listeners.pop()) {
            let listener = tokio::net::TcpListener::from_std(listener.socket)?;
            let (traffic, looks) = Traffic::watch(&self.reach.metrics);
            let (scim, api, reach) = (Arc::clone(&self.scim), Arc::clone(&self.api), Arc::clone(&self.reach));
            let tls = Arc::clone(&reach.tls);
            let console = Arc::new(admin::Console::new(scim, api, reach, traffic, self.operators.clone()));
            let task = tokio::spawn(listener::serve(listener, tls, Arc::clone(&console)));
            self.tasks = vec![looks, task.abort_handle()];
            self.pages = Some(console);
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
        self.api.apply(config.admin.clients.clone());
        self.operators.clone_from(&config.admin.operators);
        if let Some(console) = &self.pages {
            console.apply(self.operators.clone());
        }
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
