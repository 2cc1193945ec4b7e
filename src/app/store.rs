//! The store that replicas share, on a thread of its own: nothing that keeps the service thread busy may look like an outage.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    observe::metrics::{Metrics, Sample, Source},
    store::{Script, Settings, Store, Value, counts::Outcome},
};

/// How often replicas look whether they agree.
const LOOK: Duration = Duration::from_secs(5);
/// How long keys that nobody has any more are remembered.
const FORGET: Duration = Duration::from_secs(20);

/// The running store. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) store: Arc<Store>,
    pub(super) replicas: u32,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts to connect, and shows what is counted of it. A server that is away now is found when it comes.
    pub(super) fn start(settings: &Settings, metrics: &Metrics) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = Store::start(settings, runtime.handle()).context("the shared store")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Ends when it is told to, or nobody is left to tell.
            let _ = runtime.block_on(stopped);
        })?;
        let replicas = settings.replicas;
        let running = Self { store, replicas, runtime: handle, stop: Some(stop), thread: Some(thread) };
        running.show(metrics);
        Ok(running)
    }

    /// Whether all replicas have the keys that `fingerprint` is of, looked at every few seconds. Who differs would count attempts under
    /// other names than the others; it is said once, and no limit is shared until they agree.
    pub(super) fn agreement(&self, fingerprint: String) -> Arc<AtomicBool> {
        let agreed = Arc::new(AtomicBool::new(false));
        self.runtime.spawn(agree(Arc::clone(&self.store), fingerprint, Arc::clone(&agreed)));
        agreed
    }

    /// Shows what is counted of it.
    fn show(&self, metrics: &Metrics) {
        let [up, requests, reconnects, dropped] = [(); 4].map(|()| Arc::clone(&self.store));
        metrics.show(Source::gauge("privet_store_up", "Whether the shared store is asked.", move || {
            up.counts().up.value()
        }));
        metrics.show(Source::counters(
            "privet_store_requests_total",
            "Requests to the shared store, by how they ended.",
            move || {
                let count = |outcome| requests.counts().requests(outcome).value();
                Outcome::ALL.map(|outcome| Sample::new(&[("outcome", outcome.name())], count(outcome))).into()
            },
        ));
        metrics.show(Source::counter(
            "privet_store_reconnects_total",
            "Connections to the shared store after the first.",
            move || reconnects.counts().reconnects.value(),
        ));
        metrics.show(Source::counter(
            "privet_store_dropped_total",
            "What the shared store was told and did not take.",
            move || dropped.counts().dropped.value(),
        ));
    }
}

/// Leaves the fingerprint for the others, or finds theirs, and says when they differ: then nobody shares, or the one whose keys were there
/// first would have the whole limit beside the shares of the others. Both are forgotten after [`FORGET`] unless somebody says them again,
/// so that new keys hold once all have them.
async fn agree(store: Arc<Store>, fingerprint: String, agreed: Arc<AtomicBool>) {
    let script = Script::new(
        "local known = redis.call('GET', KEYS[1]) \
         if known and known ~= ARGV[1] then redis.call('SET', KEYS[2], 1, 'PX', ARGV[2]) return 0 end \
         redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 - redis.call('EXISTS', KEYS[2])",
    );
    let forget = FORGET.as_millis().to_string();
    let mut told = false;
    loop {
        match store.run(&script, &["keys:{login}", "differ:{login}"], &[fingerprint.as_str(), &forget]).await {
            Ok(Value::Int(1)) => {
                agreed.store(true, Relaxed);
                told = false;
            }
            Ok(_) => {
                agreed.store(false, Relaxed);
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(
                        "some replicas have another `seal.key_file`: limits are not shared, and each goes on with its share"
                    );
                }
            }
            // Nothing is asked of a store that is away, whatever was agreed.
            Err(_) => {}
        }
        tokio::time::sleep(if store.is_up() { LOOK } else { LOOK / 50 }).await;
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
