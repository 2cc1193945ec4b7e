//! What all workers know of one application: its dialers, which endpoints are up, and which are ejected.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    health,
    settings::{Ejection, Settings},
};
use crate::dial::{self, Dialer};

/// One application.
#[derive(Debug)]
pub struct Shared {
    /// As configured.
    pub settings: Arc<Settings>,
    /// In the order of the settings.
    pub endpoints: Vec<Arc<EndpointState>>,
    tasks: Vec<AbortHandle>,
}

/// What is known of one endpoint.
#[derive(Debug)]
pub struct EndpointState {
    /// Where it is: its name in metrics.
    pub name: String,
    /// How to reach it.
    pub dialer: Dialer,
    /// `Host` of health checks, and of requests that don't pass the client's.
    pub authority: http::HeaderValue,
    /// Taken out by active checks.
    down: AtomicBool,
    failures: AtomicU32,
    ejections: AtomicU32,
    /// Milliseconds since `epoch`.
    ejected_until: AtomicU64,
    epoch: Instant,
}

impl Shared {
    /// Prepares dialers; health checks and name resolution run on `service` until the last user is gone.
    ///
    /// # Errors
    /// When a file that a dialer needs can't be used.
    pub fn start(settings: &Arc<Settings>, service: &Handle) -> Result<Arc<Self>, dial::Invalid> {
        let mut endpoints = Vec::with_capacity(settings.endpoints.len());
        for endpoint in &settings.endpoints {
            endpoints.push(Arc::new(EndpointState {
                name: endpoint.dial.target.to_string(),
                dialer: Dialer::new(&endpoint.dial)?,
                authority: http::HeaderValue::from_str(&endpoint.authority)
                    .unwrap_or(http::HeaderValue::from_static("localhost")),
                down: AtomicBool::new(false),
                failures: AtomicU32::new(0),
                ejections: AtomicU32::new(0),
                ejected_until: AtomicU64::new(0),
                epoch: Instant::now(),
            }));
        }
        let mut tasks = Vec::new();
        for state in &endpoints {
            if let Some(every) = state.dialer.resolve_every() {
                tasks.push(service.spawn(resolve(Arc::clone(state), every)).abort_handle());
            }
            if let Some(health) = &settings.health {
                let task = health::watch(Arc::clone(state), health.clone(), settings.http2);
                tasks.push(service.spawn(task).abort_handle());
            }
        }
        Ok(Arc::new(Self { settings: Arc::clone(settings), endpoints, tasks }))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn resolve(state: Arc<EndpointState>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = state.dialer.refresh().await {
            tracing::debug!(endpoint = ?state.authority, error = %error, "a name could not be resolved again; its last addresses stay");
        }
    }
}

impl EndpointState {
    /// Whether active checks let it serve.
    #[must_use]
    pub fn is_up(&self) -> bool {
        !self.down.load(Relaxed)
    }

    /// Whether failures on live requests have taken it out for now.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        let until = self.ejected_until.load(Relaxed);
        until != 0 && until > self.millis()
    }

    /// Sets what active checks found.
    pub fn set_up(&self, up: bool) {
        if self.down.swap(!up, Relaxed) == up {
            tracing::info!(endpoint = ?self.authority, up, "health check changed its mind");
        }
    }

    /// Counts a success on a live request.
    pub fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
            self.ejections.store(0, Relaxed);
        }
    }

    /// Counts a failure on a live request, and ejects at the limit.
    pub fn failed(&self, rules: &Ejection) {
        if rules.failures == 0 {
            return;
        }
        if self.failures.fetch_add(1, Relaxed) + 1 < rules.failures || self.is_ejected() {
            return;
        }
        self.failures.store(0, Relaxed);
        let times = self.ejections.fetch_add(1, Relaxed).min(10);
        let factor = (1u32 << times).min(10);
        let time = rules.duration * factor;
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2);
        self.ejected_until.store(self.millis() + millis, Relaxed);
        tracing::warn!(endpoint = ?self.authority, seconds = time.as_secs(), "endpoint ejected after failures in a row");
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }
}
