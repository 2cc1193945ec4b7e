//! The chain that all gateways of a database append to, in turns. Each append is one transaction: it takes the chain's lock, reads what others have
//! appended, shows that to whoever follows, and only then appends, if still nothing else was decided in between. Its checkpoint is signed in
//! the same transaction. Others hear of it by a notification, and look every second besides.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use tokio::sync::{oneshot, watch};

use super::{
    open,
    place::{Place, SHARED},
    postgres::Postgres,
    queue::{Error, Pending, Receipt},
    record::Record,
    scribe::Scribe,
    settings::Retention,
    stream::Follow,
};
use crate::{common::clock, seal::Ring};

/// How long a file is waited for that is kept beside the chain.
const KEEP: Duration = Duration::from_secs(30);
/// Most orders that wait.
const MOST: usize = 1024;

type Reply = oneshot::Sender<Result<Vec<Receipt>, Error>>;

/// What the thread is told.
pub(super) enum Order {
    Append(Vec<Pending>, Option<u64>, Reply),
    Follow(Weak<dyn Follow>, u64),
    /// Another file beside the chain.
    Keep(&'static str, Vec<u8>, SyncSender<io::Result<()>>),
    Ring(Ring),
    Expire(SystemTime),
    Look,
    End,
}

/// The shared chain of a process.
pub struct Shared {
    orders: SyncSender<Order>,
    thread: Mutex<Option<JoinHandle<()>>>,
    postgres: Arc<Postgres>,
    verifier: String,
    signed: watch::Receiver<Arc<str>>,
    up: Arc<AtomicBool>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({:?}, up: {})", self.postgres, self.is_up())
    }
}

impl Shared {
    /// Opens it; it is made where it is missing.
    ///
    /// # Errors
    /// When the database refuses, other keys were there first, or what was there is not any more.
    pub fn open(postgres: &Arc<Postgres>, retention: Retention, ring: Ring) -> Result<Self, open::Error> {
        let (orders, taken) = sync_channel(MOST);
        let bell = orders.clone();
        let heard = Arc::new(move || {
            // One that is full looks anyway.
            let _ = bell.try_send(Order::Look);
        });
        let up = Arc::new(AtomicBool::new(true));
        let scribe = Scribe::open(postgres, retention, ring, heard, Arc::clone(&up))?;
        let (verifier, signed) = (scribe.verifier(), scribe.signed());
        let thread = thread::Builder::new().name("shared".to_owned()).spawn(move || scribe.run(&taken))?;
        Ok(Self { orders, thread: Mutex::new(Some(thread)), postgres: Arc::clone(postgres), verifier, signed, up })
    }

    pub(super) fn append(
        &self,
        records: &[Record],
        after: Option<u64>,
    ) -> impl Future<Output = Result<Vec<Receipt>, Error>> + Send + use<> {
        let pending = |record: &Record| {
            let (class, time) = (record.kind().class(), clock::millis());
            Some(Pending { class, time, text: record.text()?, cut: false, reply: None })
        };
        let group: Option<Vec<Pending>> = records.iter().map(pending).collect();
        let (reply, answer) = oneshot::channel();
        let sent = group.ok_or(Error::TooLong).and_then(|group| self.order(Order::Append(group, after, reply)));
        async move {
            sent?;
            answer.await.unwrap_or(Err(Error::Closed))
        }
    }

    pub(super) fn follow(&self, follower: Weak<dyn Follow>, from: u64) {
        // Of one that has ended nothing comes.
        let _ = self.order(Order::Follow(follower, from));
    }

    /// Keeps a file beside the chain, in place of a former one.
    ///
    /// # Errors
    /// When the database does not take it.
    pub fn keep(&self, name: &'static str, bytes: Vec<u8>) -> io::Result<()> {
        let (reply, answer) = sync_channel(1);
        self.order(Order::Keep(name, bytes, reply)).map_err(io::Error::other)?;
        answer.recv_timeout(KEEP).map_err(io::Error::other)?
    }

    /// Takes another ring, by whose newest key data keys are sealed.
    pub fn renew(&self, ring: Ring) {
        let _ = self.order(Order::Ring(ring));
    }

    /// Destroys the keys of days that have run out by `now`; it happens every hour by itself.
    pub fn expire(&self, now: SystemTime) {
        let _ = self.order(Order::Expire(now));
    }

    /// Whether the database was there when it was last asked.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Database { postgres: Arc::clone(&self.postgres), chain: Some(SHARED) }
    }

    /// The key that checks its checkpoints.
    #[must_use]
    pub fn verifier(&self) -> String {
        self.verifier.clone()
    }

    /// The newest signed checkpoint, as it comes.
    #[must_use]
    pub fn signed(&self) -> watch::Receiver<Arc<str>> {
        self.signed.clone()
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        self.orders.try_send(order).map_err(|_| Error::Busy)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Ended already when it can't be told.
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}
