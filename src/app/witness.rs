//! Brings the journal's checkpoints to its witnesses, each at its own pace.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::task::AbortHandle;

use crate::{
    journal::{
        Journal, Record, Settings,
        checkpoint::Verifier,
        settings,
        shared::Shared,
        witness::{Error, Sent, Witness},
    },
    observe::metrics::{Metrics, Sample, Source},
};

/// How long to wait after a witness could not be reached.
const AGAIN: Duration = Duration::from_secs(60);
/// The chain whose gateway brings the shared one as well.
const FIRST: u16 = 1;

/// What is shown of a witness.
#[derive(Debug, Default)]
struct Shown {
    up: AtomicBool,
    records: AtomicU64,
}

/// The tasks that do it.
#[derive(Debug)]
pub(super) struct Running(Vec<AbortHandle>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Running {
    /// Starts them: for the gateway's own journal, and for the chain that all share, where there is one.
    pub(super) fn start(
        journal: &Arc<Journal>,
        shared: Option<&Arc<Shared>>,
        settings: &Settings,
        metrics: &Metrics,
    ) -> Self {
        let mut shown = Vec::new();
        let mut tasks = Vec::new();
        for (number, witness) in settings.witnesses.iter().enumerate() {
            for shared in [None, shared].into_iter().take(1 + usize::from(shared.is_some())) {
                let shared = shared.cloned();
                let more = if shared.is_some() { " shared" } else { "" };
                let (name, mark) = (witness.name(number + 1) + more, Arc::new(Shown::default()));
                shown.push((name.clone(), Arc::clone(&mark)));
                let messenger = Messenger { journal: Arc::clone(journal), shared, name, shown: mark, told: None };
                tasks.push(tokio::spawn(messenger.run(witness.clone())).abort_handle());
            }
        }
        show(metrics, shown);
        Self(tasks)
    }
}

fn show(metrics: &Metrics, shown: Vec<(String, Arc<Shown>)>) {
    let shown = Arc::new(shown);
    let all = Arc::clone(&shown);
    let up = |mark: &Shown| i64::from(mark.up.load(Relaxed));
    metrics.show(Source::gauges(
        "privet_journal_witness_up",
        "Whether a witness holds the newest checkpoint that was brought to it, and agrees.",
        move || all.iter().map(|(name, mark)| Sample::new(&[("witness", name)], up(mark))).collect(),
    ));
    let records = |mark: &Shown| i64::try_from(mark.records.load(Relaxed)).unwrap_or(i64::MAX);
    metrics.show(Source::gauges(
        "privet_journal_witnessed_records",
        "Records that a witness's checkpoint covers.",
        move || shown.iter().map(|(name, mark)| Sample::new(&[("witness", name)], records(mark))).collect(),
    ));
}

/// What goes to one witness.
struct Messenger {
    /// Where it is written down, and what is brought.
    journal: Arc<Journal>,
    /// What is brought instead.
    shared: Option<Arc<Shared>>,
    name: String,
    shown: Arc<Shown>,
    /// The trouble that was told last, so that it is told once.
    told: Option<String>,
}

impl Messenger {
    async fn run(mut self, settings: settings::Witness) {
        let mut witness = Witness::new(&settings);
        let mut signed = self.shared.as_ref().map_or_else(|| self.journal.signed(), |shared| shared.signed());
        loop {
            // A journal that is closed has no more to show.
            let Ok(note) = signed.wait_for(|note| !note.is_empty()).await.map(|note| Arc::clone(&note)) else { return };
            if self.shared.is_some() && self.journal.place().chain() != FIRST {
                // One gateway is enough.
                tokio::time::sleep(settings.every.min(AGAIN)).await;
                continue;
            }
            // It may be another journal by now.
            let (verifier, place) = match &self.shared {
                None => (self.journal.verifier(), self.journal.place()),
                Some(shared) => (shared.verifier(), shared.place()),
            };
            let Ok(key) = Verifier::parse(&verifier) else { return };
            let wait = match witness.send(&note, &key, &place).await {
                Ok(sent) => {
                    self.taken(sent);
                    settings.every
                }
                Err(error) => {
                    self.failed(&error);
                    settings.every.min(AGAIN)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn taken(&mut self, sent: Sent) {
        let (Sent::Taken(size) | Sent::Known(size)) = sent;
        self.shown.up.store(true, Relaxed);
        self.shown.records.store(size, Relaxed);
        if self.told.take().is_some() {
            tracing::info!(witness = self.name, "a witness of the journal takes checkpoints again");
        }
        if let Sent::Taken(size) = sent {
            self.journal.note(&Record::witnessed(&self.name, size));
        }
    }

    fn failed(&mut self, error: &Error) {
        self.shown.up.store(false, Relaxed);
        let why = error.to_string();
        if self.told.as_ref() == Some(&why) {
            return;
        }
        if error.is_alarm() {
            tracing::error!(witness = self.name, %error, "A WITNESS DOES NOT KNOW THIS JOURNAL: find out what has happened before anything is deleted");
        } else {
            tracing::warn!(witness = self.name, %error, "a witness of the journal takes no checkpoint");
        }
        self.journal.note(&Record::witness_failed(&self.name, &why, error.is_alarm()));
        self.told = Some(why);
    }
}
