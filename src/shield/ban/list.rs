//! Lists of others, kept fresh: files that are read again when they have changed, and agents that are asked.

use std::{
    fs,
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    runtime::Handle,
    task::{AbortHandle, spawn_blocking},
};

use super::{
    crowdsec::{Agent, Decisions},
    file,
    networks::{MOST, Networks},
    settings::{self, Crowdsec, Origin},
};
use crate::common::{clock, stamp::Stamps};

/// Between two looks at a file.
const LOOK: Duration = Duration::from_secs(1);
/// Most bytes of a file.
const LARGEST: u64 = 64 << 20;

/// One list.
#[derive(Debug)]
pub struct List {
    /// As configured.
    pub settings: settings::List,
    /// Its name.
    pub name: Arc<str>,
    networks: ArcSwap<Networks>,
    entries: AtomicUsize,
    fresh: AtomicBool,
    task: std::sync::OnceLock<AbortHandle>,
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl List {
    /// Reads a file, and keeps the list fresh on `service` for as long as it lives.
    #[must_use]
    pub fn start(settings: &settings::List, service: &Handle) -> Arc<Self> {
        let list = Arc::new(Self {
            settings: settings.clone(),
            name: settings.name.as_str().into(),
            networks: ArcSwap::default(),
            entries: AtomicUsize::new(0),
            fresh: AtomicBool::new(false),
            task: std::sync::OnceLock::new(),
        });
        let weak = Arc::downgrade(&list);
        let task = match &settings.origin {
            Origin::File(path) => {
                let stamps = Stamps::take([path.clone()]);
                list.read(path);
                service.spawn(look(weak, stamps))
            }
            Origin::Crowdsec(agent) => service.spawn(ask(weak, Crowdsec::clone(agent))),
        };
        // Set once.
        let _ = list.task.set(task.abort_handle());
        list
    }

    /// Whether it holds `address`.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.networks.load().holds(address)
    }

    /// Addresses and networks of it.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.load(Relaxed)
    }

    /// Whether it could be read, or its agent asked, when that was last tried.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh.load(Relaxed)
    }

    /// Reads the file; where that is not possible, what was read before goes on.
    fn read(&self, path: &Path) {
        let list = &*self.name;
        let size = fs::metadata(path).map(|found| found.len());
        let text = match size {
            Ok(size) if size > LARGEST => return self.keep("it is larger than 64 MiB"),
            Ok(_) => fs::read(path),
            Err(error) => Err(error),
        };
        let read = match text {
            Ok(text) => file::read(&text),
            Err(error) => return self.keep(&error.to_string()),
        };
        if read.exceeded {
            return self.keep(&format!("it holds more than {MOST} networks"));
        }
        if read.odd > 0 {
            let (lines, first) = (read.odd, read.first_odd);
            tracing::warn!(
                list,
                lines,
                first,
                "lines of a block list are neither an address nor a network of a sensible size"
            );
        }
        self.put(read.networks.iter().collect(), read.networks.len());
        self.fresh.store(true, Relaxed);
        tracing::info!(list, entries = read.networks.len(), "a block list is in force");
    }

    fn put(&self, networks: Networks, entries: usize) {
        self.networks.store(Arc::new(networks));
        self.entries.store(entries, Relaxed);
    }

    /// What was known goes on.
    fn keep(&self, why: &str) {
        self.fresh.store(false, Relaxed);
        tracing::error!(list = &*self.name, why, "a block list can't be read: what was read of it before goes on");
    }
}

/// Reads a file whenever it has changed.
async fn look(list: Weak<List>, mut stamps: Stamps) {
    loop {
        tokio::time::sleep(LOOK).await;
        let taken = stamps.clone();
        let looked = spawn_blocking(move || taken.are_stale().then(|| taken.renewed())).await;
        let Ok(Some(renewed)) = looked else { continue };
        stamps = renewed;
        let Some(list) = list.upgrade() else { return };
        // A panic in it is told by the hook, and the list of before goes on.
        let _ = spawn_blocking(move || {
            if let Origin::File(path) = &list.settings.origin {
                list.read(path);
            }
        })
        .await;
    }
}

/// Asks an agent for everything, and then for what has changed; for everything again after it was away.
async fn ask(list: Weak<List>, settings: Crowdsec) {
    let agent = Agent::new(&settings);
    let mut decisions = Decisions::default();
    let (mut whole, mut told) = (true, false);
    loop {
        let answer = agent.ask(whole).await;
        let Some(list) = list.upgrade() else { return };
        let name = &*list.name;
        let now = clock::millis();
        let changed = match answer {
            Ok(stream) => {
                let changed = decisions.apply(&stream, whole, now);
                if whole {
                    tracing::info!(list = name, entries = decisions.len(), "a CrowdSec agent is followed");
                }
                whole = false;
                list.fresh.store(true, Relaxed);
                changed
            }
            Err(error) => {
                if list.fresh.swap(false, Relaxed) || !std::mem::replace(&mut told, true) {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::warn!(list = name, %error, cause, "a CrowdSec agent is away: what it has decided holds for its time");
                }
                whole = true;
                decisions.expire(now)
            }
        };
        if changed {
            list.put(decisions.networks(), decisions.len());
        }
        drop(list);
        tokio::time::sleep(settings.every).await;
    }
}
