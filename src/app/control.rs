//! The data folder of a running gateway, and the way in for commands.

use std::sync::{Arc, OnceLock, atomic::AtomicBool};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::{sync::mpsc::UnboundedSender, task::AbortHandle};

use crate::{
    access::consent::Desk,
    admin::{self, Asked, control::Reach, registry::Office},
    common::lock_file::LockFile,
    config::Config,
    gateway::Plan,
    incident::{Cases, notice::Notices, remedy::Remedies, signal::Feed},
    journal::Journal,
    server::worker::Process,
};

/// The way in for commands, held together with the data folder; without that there is none.
#[derive(Debug)]
pub(super) struct Control {
    /// What commands, and the console, may reach.
    pub(super) reach: Arc<Reach>,
    task: Option<AbortHandle>,
    _lock: Option<LockFile>,
}

impl Control {
    /// Lets commands reach what has come up meanwhile.
    pub(super) fn introduce(
        &self,
        journal: Option<&Arc<Journal>>,
        desk: Option<&Arc<Desk>>,
        office: Option<Arc<Office>>,
    ) {
        if let Some(journal) = journal {
            // Set once.
            let _ = self.reach.journal.set(Arc::clone(journal));
        }
        self.reach.desk.store(desk.cloned());
        self.reach.office.store(office);
    }

    /// Lets commands reach cases of incidents and what is done about them.
    pub(super) fn incidents(
        &self,
        cases: Option<&Arc<Cases>>,
        feed: Option<&Arc<Feed>>,
        notices: Option<&Arc<Notices>>,
        remedies: Option<&Arc<Remedies>>,
    ) {
        set(&self.reach.cases, cases);
        set(&self.reach.feed, feed);
        set(&self.reach.notices, notices);
        set(&self.reach.remedies, remedies);
    }
}

/// Each is there from the start on, or never.
fn set<T>(place: &OnceLock<Arc<T>>, what: Option<&Arc<T>>) {
    if let Some(what) = what {
        // Set once.
        let _ = place.set(Arc::clone(what));
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Holds the data folder. Without it a gateway serves as well: one that is shared or read-only costs the commands and the journal.
pub(super) fn hold(config: &Config) -> Option<LockFile> {
    LockFile::take(&config.data_dir.join("lock"))
        .inspect_err(|error| {
            tracing::warn!(%error, "commands can't reach this gateway: it has no data folder of its own");
        })
        .ok()
}

/// Opens the control socket, where the data folder is held.
pub(super) fn open(
    lock: Option<LockFile>,
    config: &Config,
    plan: &Arc<Plan>,
    process: &Process,
    asks: UnboundedSender<Asked>,
) -> Control {
    let (plan, tls, metrics) = (ArcSwap::new(Arc::clone(plan)), Arc::clone(&process.tls), Arc::clone(&process.metrics));
    let (office, desk) = (ArcSwapOption::empty(), ArcSwapOption::empty());
    let (journal, cases, attestor) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
    let (feed, notices, remedies) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
    let keys = config.seal.key_file.clone();
    let (health, open_metrics) = (OnceLock::new(), AtomicBool::new(config.admin.open_metrics));
    let reach = Arc::new(Reach {
        plan,
        tls,
        metrics,
        desk,
        journal,
        office,
        attestor,
        cases,
        feed,
        notices,
        remedies,
        keys,
        health,
        asks,
        open_metrics,
    });
    let opened = || -> anyhow::Result<AbortHandle> {
        let listener = admin::control::bind(&config.data_dir)?;
        Ok(tokio::spawn(admin::control::serve(listener, Arc::clone(&reach))).abort_handle())
    };
    let task = lock.is_some().then(opened).transpose().inspect_err(|error| {
        let error = format!("{error:#}");
        tracing::warn!(%error, "commands can't reach this gateway: its control socket can't be opened");
    });
    Control { task: task.ok().flatten(), reach, _lock: lock }
}
