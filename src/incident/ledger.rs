//! A fold over records that somebody decides by: read when it is opened, followed where others write as well, and written by one at a time.

use std::{
    path::Path,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{
    journal::{
        self, Class, Follow, Place, Record, Stream,
        search::{self, Filter, Line, search},
    },
    registry::{Error, Moment, Unread},
    seal::Ring,
};

/// How often something is decided anew because another gateway has decided something meanwhile.
const ATTEMPTS: usize = 32;

/// What is folded from records of the class `grants`.
pub trait Fold: Clone + Default + Send + Sync + 'static {
    /// What a record says.
    type Event: Clone + Send + Sync;

    /// What a record of this kind says; `None` where it is none of ours.
    fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Self::Event, serde_json::Error>>;

    /// An event as it is written down; `None` where it can't be.
    fn record(event: &Self::Event) -> Option<Record>;

    /// Takes what has happened at a time into account.
    fn apply(&mut self, event: &Self::Event, at: Moment);
}

/// Reads a state from a journal; whether somebody writes it meanwhile makes no difference.
///
/// # Errors
/// When the journal can't be read.
pub fn read<S: Fold>(journal: &Place, ring: Ring) -> Result<(S, Unread), search::Error> {
    fold(journal, ring).map(|(seen, unread)| (Arc::unwrap_or_clone(seen.state), unread))
}

fn fold<S: Fold>(journal: &Place, ring: Ring) -> Result<(Seen<S>, Unread), search::Error> {
    let (mut state, mut unread, mut next) = (S::default(), Unread::default(), 0);
    let filter = Filter { class: Some(Class::Grants), ..Filter::default() };
    let not = search(journal, ring, &filter, |line| {
        next = line.index + 1;
        match S::read(&line.kind, line.body) {
            Some(Ok(event)) => state.apply(&event, Moment::at(line.time / 1000)),
            Some(Err(_)) => unread.bad += 1,
            None => {}
        }
        true
    })?;
    (unread.destroyed, unread.locked) = (not.destroyed, not.locked);
    Ok((Seen { state: Arc::new(state), next }, unread))
}

/// The state, and how many records it is from.
#[derive(Debug)]
struct Seen<S> {
    state: Arc<S>,
    next: u64,
}

/// A state of a process that writes a journal.
#[derive(Debug)]
pub struct Ledger<S: Fold> {
    stream: Stream,
    seen: ArcSwap<Seen<S>>,
    unread: Unread,
    /// One decides at a time.
    writer: Mutex<()>,
}

impl<S: Fold> Ledger<S> {
    /// Reads the state from `stream` by the keys of a file, and follows it.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(stream: Stream, keys: &Path) -> Result<Arc<Self>, Error> {
        let (seen, unread) = fold(&stream.place(), Ring::load(keys)?)?;
        let next = seen.next;
        let ledger = Arc::new(Self { stream, seen: ArcSwap::from_pointee(seen), unread, writer: Mutex::default() });
        let follower: Weak<dyn Follow> = Arc::downgrade(&ledger) as _;
        ledger.stream.follow(follower, next);
        Ok(ledger)
    }

    /// The state as it is now. It takes no lock.
    #[must_use]
    pub fn state(&self) -> Arc<S> {
        Arc::clone(&self.seen.load().state)
    }

    /// What could not be read when it was opened.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.unread
    }

    /// Decides and writes down; once it is on disk everybody sees the new state. Where another gateway has decided something in between, it is
    /// decided anew by what is so then.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; what is left of it has not happened then.
    pub async fn write<E: From<journal::Error>>(
        &self,
        decide: impl Fn(&S) -> Result<Vec<S::Event>, E>,
    ) -> Result<Vec<S::Event>, E> {
        let _one = self.writer.lock().await;
        for _ in 0..ATTEMPTS {
            let seen = self.seen.load_full();
            let events = decide(&seen.state)?;
            let records: Option<Vec<_>> = events.iter().map(S::record).collect();
            let records = records.ok_or(journal::Error::TooLong)?;
            if records.is_empty() {
                return Ok(events);
            }
            let (receipts, outcome) = self.stream.append(&records, Some(seen.next)).await;
            for (event, receipt) in events.iter().zip(receipts) {
                self.accept(event, receipt.index, receipt.time);
            }
            match outcome {
                Ok(()) => return Ok(events),
                Err(journal::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(journal::Error::Conflict.into())
    }

    /// Takes an event into account, unless it is already.
    fn accept(&self, event: &S::Event, index: u64, time: u64) {
        let seen = self.seen.load_full();
        if index < seen.next {
            return;
        }
        let mut state = S::clone(&seen.state);
        state.apply(event, Moment::at(time / 1000));
        self.seen.store(Arc::new(Seen { state: Arc::new(state), next: index + 1 }));
    }
}

impl<S: Fold> Follow for Ledger<S> {
    fn take(&self, line: &Line) {
        match S::read(&line.kind, line.body.clone()) {
            Some(Ok(event)) => self.accept(&event, line.index, line.time),
            Some(Err(_)) => {
                let record = line.index;
                tracing::error!(record, "a record can't be read: what it says does not hold");
            }
            None => {}
        }
    }

    fn reached(&self, next: u64) {
        let seen = self.seen.load();
        if seen.next < next {
            self.seen.store(Arc::new(Seen { state: Arc::clone(&seen.state), next }));
        }
    }
}
