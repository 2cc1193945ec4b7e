//! What waits to be written, from all threads to the one that writes.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

use super::{
    disk::{Disk, read_if_any},
    kind::Class,
    open::{CHECKPOINT, Opened},
    tree::Hash,
};
use crate::{common::meter::Counter, seal::Ring};

/// Most records that wait.
const RECORDS: usize = 8192;
/// Most bytes of them.
const BYTES: usize = 16 << 20;
/// Most records of a group.
const GROUP: usize = 1024;

/// Why a record is not on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The disk is slower than what is asked of it.
    #[error("too many records wait for the disk")]
    Busy,
    /// There is no room on the disk.
    #[error("the disk of the journal is full")]
    Full,
    /// The disk refuses.
    #[error("the journal can't be written: {0}")]
    Failed(std::io::ErrorKind),
    /// The record is longer than the journal takes.
    #[error("the record is too long")]
    TooLong,
    /// The journal has come to its end.
    #[error("the journal is closed")]
    Closed,
    /// Another gateway has appended to what all share, so that it was decided by what is not so any more.
    #[error("another gateway has decided something in between")]
    Conflict,
}

/// Where a record is, once it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// From 0.
    pub index: u64,
    /// When it was handed over, in milliseconds since 1970.
    pub time: u64,
    /// Its leaf hash.
    pub hash: Hash,
}

/// Whether records can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// They can.
    Ready = 0,
    /// There is no room; tried again with every record, and every second.
    Full = 1,
    /// The disk refuses; tried again likewise.
    Failed = 2,
    /// The journal has ended.
    Closed = 3,
}

/// One record that waits.
pub(super) struct Pending {
    pub(super) class: Class,
    pub(super) time: u64,
    pub(super) text: Zeroizing<Vec<u8>>,
    /// Whether it tells of a torn end.
    pub(super) cut: bool,
    pub(super) reply: Option<oneshot::Sender<Result<Receipt, Error>>>,
}

/// What the thread that writes is told besides.
pub(super) enum Order {
    /// Other keys seal the data keys.
    Ring(Ring),
    /// Keys are to be destroyed as they would be at this time.
    Expire(SystemTime),
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Pending>,
    bytes: usize,
    orders: Vec<Order>,
    /// Whether anything came since the last look.
    rung: bool,
    ending: bool,
    ended: bool,
}

/// What has become of records.
#[derive(Debug, Default)]
pub struct Counts {
    records: [Counter; Class::ALL.len()],
    /// Groups, each one wait for the disk.
    pub groups: Counter,
    /// Records that were handed over and are not on disk.
    pub dropped: Counter,
}

impl Counts {
    /// Records of a class that are on disk.
    #[must_use]
    pub fn records(&self, class: Class) -> &Counter {
        &self.records[class as usize]
    }
}

/// What the two sides share.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    bell: Condvar,
    end: Condvar,
    state: AtomicU8,
    pub(super) counts: Counts,
    /// The newest signed checkpoint; empty before the first.
    pub(super) signed: watch::Sender<Arc<str>>,
    pub(super) home: ArcSwap<Home>,
}

/// Which journal it is.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// The key that checks its checkpoints, in the form of C2SP.
    pub(super) verifier: String,
    /// The chain of a database that it is.
    pub(super) chain: Option<u16>,
}

/// What there is to do.
pub(super) struct Taken {
    pub(super) group: Vec<Pending>,
    pub(super) orders: Vec<Order>,
    pub(super) ending: bool,
}

impl Queue {
    /// It is this journal that is written from now on.
    pub(super) fn settle(&self, disk: &impl Disk, opened: &Opened) -> io::Result<()> {
        self.home.store(Arc::new(Home { verifier: opened.signer.verifier().text(), chain: disk.chain() }));
        // Checked when it was opened.
        let note = read_if_any(disk, CHECKPOINT)?.and_then(|note| String::from_utf8(note).ok());
        self.signed.send_replace(note.unwrap_or_default().into());
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, pending: Pending) -> Result<(), Error> {
        let mut inner = self.inner();
        if inner.ending || inner.ended {
            return Err(Error::Closed);
        }
        if inner.waiting.len() >= RECORDS || inner.bytes + pending.text.len() > BYTES {
            return Err(Error::Busy);
        }
        inner.bytes += pending.text.len();
        inner.waiting.push_back(pending);
        inner.rung = true;
        self.bell.notify_one();
        Ok(())
    }

    /// Puts back what could not be written and may wait, before all else; how much of it finds no room.
    pub(super) fn put_back(&self, notes: Vec<Pending>) -> u64 {
        let mut inner = self.inner();
        let mut lost = 0;
        for note in notes.into_iter().rev() {
            if inner.waiting.len() >= RECORDS || inner.bytes + note.text.len() > BYTES {
                lost += 1;
            } else {
                inner.bytes += note.text.len();
                inner.waiting.push_front(note);
            }
        }
        lost
    }

    pub(super) fn order(&self, order: Order) {
        let mut inner = self.inner();
        inner.orders.push(order);
        inner.rung = true;
        self.bell.notify_one();
    }

    /// What there is to do, after at most `wait`. While `resting`, what was put back is no reason to begin at once.
    pub(super) fn take(&self, wait: Duration, resting: bool) -> Taken {
        let mut inner = self.inner();
        if !inner.ending && !inner.rung && (resting || inner.waiting.is_empty()) {
            let idle = |inner: &mut Inner| !inner.ending && !inner.rung;
            inner = self.bell.wait_timeout_while(inner, wait, idle).unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.rung = false;
        let count = inner.waiting.len().min(GROUP);
        let group: Vec<Pending> = inner.waiting.drain(..count).collect();
        inner.bytes -= group.iter().map(|pending| pending.text.len()).sum::<usize>();
        let orders = std::mem::take(&mut inner.orders);
        Taken { group, orders, ending: inner.ending }
    }

    pub(super) fn len(&self) -> usize {
        self.inner().waiting.len()
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Relaxed) {
            0 => State::Ready,
            1 => State::Full,
            2 => State::Failed,
            _ => State::Closed,
        }
    }

    /// Asks for the end.
    pub(super) fn end(&self) {
        self.inner().ending = true;
        self.bell.notify_one();
    }

    /// The thread that writes has ended, however that came; nobody waits for it any more.
    pub(super) fn ended(&self) {
        let mut inner = self.inner();
        inner.ended = true;
        self.counts.dropped.add(inner.waiting.len() as u64);
        inner.waiting.clear();
        inner.bytes = 0;
        self.set_state(State::Closed);
        self.end.notify_all();
    }

    /// Whether it has, within `wait`.
    pub(super) fn has_ended(&self, wait: Duration) -> bool {
        let inner = self.inner();
        let (inner, _) =
            self.end.wait_timeout_while(inner, wait, |inner| !inner.ended).unwrap_or_else(PoisonError::into_inner);
        inner.ended
    }
}
