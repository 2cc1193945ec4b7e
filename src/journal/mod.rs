//! The journal: what has happened, written down so that nobody can change it unseen, and nobody can read it without the keys.
//!
//! `record` is what is written, and `kind` of what there are, `entry` its bytes on disk: sealed, and chained by hashes. `tree` is the Merkle tree over them (RFC 6962) and
//! `checkpoint` what is signed of it. `key` holds a data key a day and class; destroying it is deleting. `segment` are the files, `disk` what they
//! lie on, `postgres` the same in a database, and `place` which of these. `queue` and `writer` are the two sides of writing, `open` is how it begins again after whatever has happened. `verify` and
//! `search` read it without a gateway, `ending` looks at its last file alone, and `snapshot` copies it beside one.
//! `tail` reads on from where it was read to.
//! `stream` is what all gateways decide by: one's own journal, or the chain that all of a database share (`shared`, and `scribe` that writes it).
//! `witness` brings checkpoints to where the operator's hands don't reach. `docs/JOURNAL.md` has the format and what it is good against.

pub mod back;
pub mod checkpoint;
mod disk;
pub mod ending;
mod entry;
mod hold;
pub mod key;
pub mod kind;
pub mod open;
pub mod place;
pub mod postgres;
pub mod queue;
pub mod record;
mod scribe;
pub mod search;
pub mod segment;
pub mod settings;
pub mod shared;
pub mod snapshot;
pub mod stream;
pub mod tail;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod verify;
pub mod witness;
mod writer;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use tokio::sync::{oneshot, watch};

pub use self::{
    disk::Files,
    kind::{Class, Kind},
    place::Place,
    queue::{Counts, Error, Receipt, State},
    record::Record,
    settings::Settings,
    stream::{Follow, Stream},
};
use self::{
    disk::{Disk, Folder},
    key::Keys,
    postgres::{Claim, Table},
    queue::{Order, Pending, Queue},
    writer::Writer,
};
use crate::{
    common::{clock, lock_file::LockFile},
    seal::Ring,
};

/// How long dropping it waits for the disk.
const LAST: Duration = Duration::from_secs(5);

/// A journal that is written by this process. Clone the `Arc` that it is in; dropping it writes what waits.
pub struct Journal {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    place: Place,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({:?})", self.state())
    }
}

impl Journal {
    /// Opens the journal of a place, which is made where it is missing, and cuts a torn end off. Of a place that stands for several it is the first
    /// that nobody writes. `ring` seals the data keys.
    ///
    /// # Errors
    /// When another process writes it, the disk refuses, or what was on disk for certain is not there any more.
    pub fn open(settings: &Settings, ring: Ring) -> Result<Self, open::Error> {
        match &settings.place {
            Place::Folder(path) => {
                let (folder, lock) = hold::claim(path, |folder| Folder::make(folder).map(drop))?;
                if settings.place.is_many() {
                    // Before anything is found to be wrong with it.
                    tracing::info!(folder = %folder.display(), "the journal's folder");
                }
                let settings = Settings { place: Place::Folder(folder.clone()), ..settings.clone() };
                Self::start(Folder::new(&folder), &settings, ring, Some(lock))
            }
            Place::Database { postgres, chain } => {
                let table = Table::claim(postgres, chain.map_or(Claim::Any, Claim::One))?;
                if chain.is_none() {
                    tracing::info!(database = %postgres, chain = table.chain(), "the journal's chain");
                }
                Self::start(table, settings, ring, None)
            }
        }
    }

    fn start<D: Disk>(
        mut disk: D,
        settings: &Settings,
        ring: Ring,
        lock: Option<LockFile>,
    ) -> Result<Self, open::Error> {
        let mut keys = Keys::new(ring);
        let opened = open::open(&mut disk, &keys)?;
        match keys.rewrap(&mut disk, None) {
            Ok(0) => {}
            Ok(locked) => tracing::warn!(locked, "data keys of the journal open with no key of the ring"),
            // They can still be sealed anew at the next start.
            Err(error) => tracing::warn!(%error, "data keys of the journal could not be sealed anew"),
        }
        let queue = Arc::new(Queue::default());
        queue.settle(&disk, &opened)?;
        let writer = Writer::new(disk, keys, opened, settings.clone(), Arc::clone(&queue));
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || {
            writer.run();
            drop(lock);
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), place: settings.place.clone() })
    }

    /// Writes a record. It is handed over at once, and on disk for certain when the future answers; whoever drops the future loses the answer
    /// and not the record.
    ///
    /// # Errors
    /// When it is not on disk, and why.
    pub fn append(&self, record: &Record) -> impl Future<Output = Result<Receipt, Error>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let pushed = self.push(record, Some(reply));
        async move {
            pushed?;
            answer.await.unwrap_or(Err(Error::Closed))
        }
    }

    /// Writes a record that nobody waits for; it is counted when it finds no room.
    pub fn note(&self, record: &Record) {
        // Counted already.
        let _ = self.push(record, None);
    }

    fn push(&self, record: &Record, reply: Option<oneshot::Sender<Result<Receipt, Error>>>) -> Result<(), Error> {
        let text = record.text().ok_or(Error::TooLong);
        let pushed = text.and_then(|text| {
            let class = record.kind().class();
            self.queue.push(Pending { class, time: clock::millis(), text, cut: false, reply })
        });
        if pushed.is_err() {
            self.queue.counts.dropped.increment();
        }
        pushed
    }

    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> Place {
        match (&self.place, self.queue.home.load().chain) {
            (Place::Database { postgres, .. }, chain) => Place::Database { postgres: Arc::clone(postgres), chain },
            (place, _) => place.clone(),
        }
    }

    /// Whether records can be written.
    #[must_use]
    pub fn state(&self) -> State {
        self.queue.state()
    }

    /// What has become of records.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.queue.counts
    }

    /// Records that wait for the disk.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The key that checks its checkpoints, in the form of C2SP.
    #[must_use]
    pub fn verifier(&self) -> String {
        self.queue.home.load().verifier.clone()
    }

    /// The newest signed checkpoint, as it comes; empty before the first.
    #[must_use]
    pub fn signed(&self) -> watch::Receiver<Arc<str>> {
        self.queue.signed.subscribe()
    }

    /// Takes another ring: data keys are sealed by its newest key, and what was taken out of it is not needed any more.
    pub fn renew(&self, ring: Ring) {
        self.queue.order(Order::Ring(ring));
    }

    /// Destroys the keys of days that have run out by `now`; it happens every hour by itself.
    pub fn expire(&self, now: SystemTime) {
        self.queue.order(Order::Expire(now));
    }

    /// Writes what waits, signs for it and ends; whether that was done within `wait`.
    pub fn end(&self, wait: Duration) -> bool {
        self.queue.end();
        let ended = self.queue.has_ended(wait);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if ended && let Some(thread) = thread {
            // The lock is free after this.
            let _ = thread.join();
        }
        ended
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end(LAST);
    }
}
