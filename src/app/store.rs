//! The store that replicas share, on a thread of its own: nothing that keeps the service thread busy may look like an outage.

use std::{sync::Arc, thread::JoinHandle};

use anyhow::Context as _;
use tokio::sync::oneshot;

use crate::{
    observe::metrics::{Family, Metrics, labels},
    store::{Settings, Store, counts::Outcome},
};

/// The running store. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) store: Arc<Store>,
    pub(super) replicas: u32,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts to connect. A server that is away now is found when it comes.
    pub(super) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = Store::start(settings, runtime.handle()).context("the shared store")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Ends when it is told to, or nobody is left to tell.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { store, replicas: settings.replicas, stop: Some(stop), thread: Some(thread) })
    }

    /// Shows what is counted of it.
    pub(super) fn show(&self, metrics: &Metrics) {
        let count = |name, kind, help, read: fn(&Store) -> Vec<(String, i64)>| {
            let store = Arc::clone(&self.store);
            metrics.show(Family { name, kind, help, read: Box::new(move || read(&store)) });
        };
        count("privet_store_up", "gauge", "Whether the shared store is asked.", |store| {
            vec![(String::new(), store.counts().up.value())]
        });
        count("privet_store_requests_total", "counter", "Requests to the shared store, by how they ended.", |store| {
            let one = |outcome: &Outcome| {
                (labels(&[("outcome", outcome.name())]), whole(store.counts().requests(*outcome).value()))
            };
            Outcome::ALL.iter().map(one).collect()
        });
        count(
            "privet_store_reconnects_total",
            "counter",
            "Connections to the shared store after the first.",
            |store| vec![(String::new(), whole(store.counts().reconnects.value()))],
        );
        count("privet_store_dropped_total", "counter", "What the shared store was told and did not take.", |store| {
            vec![(String::new(), whole(store.counts().dropped.value()))]
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Already ended when nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
