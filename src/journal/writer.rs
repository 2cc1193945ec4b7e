//! The one thread that writes: it seals what waits, appends it, waits for the disk once for all of it, and only then answers.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    disk::Disk,
    entry::{self, Place},
    key::{self, Keys},
    open::{CHECKPOINT, CUT, Cut, FRONTIER, Opened, Tail, frontier_text, open},
    queue::{Error, Order, Pending, Queue, Receipt, State},
    record::Record,
    search,
    segment::{self, Segment},
    settings::Settings,
    tree::{Frontier, Hash},
};
use crate::common::clock;

/// How long the thread rests between attempts at a disk that refuses.
const REST: Duration = Duration::from_secs(1);
/// How often keys that have run out are looked for. Not at once after a start: a clock that is wrong then has time to be set, and what
/// is destroyed is gone.
const EXPIRE: Duration = Duration::from_secs(3600);
/// Bytes of a whole queue in one group, with all that entries have besides.
pub(super) const LONGEST_GROUP: u64 = 20 << 20;

/// Why a group is not on disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a data key can't be made or read: {0}")]
    Key(key::Error),
    #[error("the cipher failed")]
    Cipher,
    #[error("another gateway has decided something in between")]
    Conflict,
    #[error("record {0} is not what was written: {1}; `privet audit verify` tells more")]
    Damaged(u64, segment::Why),
    #[error("record {0} is sealed by a key that is not in the key file")]
    Locked(u64),
    #[error("what others have written can't be read: {0}")]
    Read(#[source] search::Error),
}

impl From<key::Error> for Failure {
    fn from(error: key::Error) -> Self {
        match error {
            key::Error::Io(error) => Self::Io(error),
            error => Self::Key(error),
        }
    }
}

impl Failure {
    pub(super) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Io(error) | Self::Read(search::Error::Io(error)) => error.kind(),
            Self::Damaged(..) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(self.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// The bytes of a group behind an end, into `buffer`; where each record is, and the end that follows.
pub(super) fn seal(
    group: &[Pending],
    tail: &Tail,
    disk: &mut impl Disk,
    keys: &mut Keys,
    buffer: &mut Vec<u8>,
) -> Result<(Vec<Receipt>, Frontier, Hash), Failure> {
    let (mut frontier, mut previous, durable) = (tail.frontier.clone(), tail.previous, tail.frontier.size());
    buffer.clear();
    let mut receipts = Vec::with_capacity(group.len());
    for pending in group {
        let (key, cipher) = keys.at(disk, pending.class, pending.time)?;
        let (index, time, class, cut) = (frontier.size(), pending.time, pending.class, pending.cut);
        let place = Place { index, time, durable, class, cut, key, previous };
        previous = entry::seal(&place, &pending.text, cipher, buffer).map_err(|entry::Failed| Failure::Cipher)?;
        frontier.push(previous);
        receipts.push(Receipt { index, time, hash: previous });
    }
    Ok((receipts, frontier, previous))
}

/// Since when nothing can be written, and what was lost since.
#[derive(Debug, Clone, Copy)]
struct Outage {
    since: u64,
    lost: u64,
}

/// The state of the thread.
pub(super) struct Writer<D> {
    disk: D,
    keys: Keys,
    opened: Opened,
    settings: Settings,
    queue: Arc<Queue>,
    /// Whether the file may hold more than its length, from a write that has failed.
    dirty: bool,
    /// Whether another journal was taken, and its end is not known yet.
    unsettled: bool,
    outage: Option<Outage>,
    signed_at: Instant,
    /// Whether a failure to sign was told.
    unsigned_told: bool,
    expire_at: Instant,
    buffer: Vec<u8>,
}

/// Tells who waits, however the thread ends.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, keys: Keys, opened: Opened, settings: Settings, queue: Arc<Queue>) -> Self {
        let now = Instant::now();
        Self {
            disk,
            keys,
            opened,
            settings,
            queue,
            dirty: false,
            unsettled: false,
            outage: None,
            signed_at: now,
            unsigned_told: false,
            expire_at: now + EXPIRE,
            buffer: Vec::new(),
        }
    }

    /// Writes until the end is asked for, and what waits then.
    pub(super) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let _end = End(Arc::clone(&queue));
        if let Some(cut) = self.opened.cut.take() {
            self.tell_cut(&cut);
        }
        loop {
            let taken = queue.take(self.patience(), self.outage.is_some());
            taken.orders.into_iter().for_each(|order| self.obey(order));
            if !taken.group.is_empty() {
                self.commit(taken.group);
            }
            if Instant::now() >= self.expire_at && !clock::is_set() {
                self.expire(clock::now());
            }
            let unsigned = self.opened.tail.frontier.size() > self.opened.signed;
            if unsigned && (taken.ending || self.signed_at.elapsed() >= self.settings.checkpoint) {
                self.sign();
            }
            if taken.ending && (queue.len() == 0 || self.outage.is_some()) {
                break;
            }
        }
    }

    fn patience(&self) -> Duration {
        if self.outage.is_some() { REST } else { self.settings.checkpoint.min(EXPIRE) }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Ring(ring) => match self.keys.renew(&mut self.disk, ring) {
                Ok(0) => {}
                Ok(locked) => tracing::warn!(locked, "data keys of the journal open with no key of the ring"),
                Err(error) => tracing::error!(%error, "data keys of the journal could not be sealed anew"),
            },
            Order::Expire(now) => self.expire(now),
        }
    }

    /// One record of the journal's own.
    fn own(record: &Record, cut: bool) -> Option<Pending> {
        Some(Pending { class: record.kind().class(), time: clock::millis(), text: record.text()?, cut, reply: None })
    }

    fn tell_cut(&mut self, cut: &Cut) {
        tracing::warn!(segment = cut.segment, bytes = cut.bytes, "a torn end of the journal was cut off");
        let record = Record::recovered(&cut.segment, cut.at, cut.bytes, &cut.sha256);
        self.commit(Self::own(&record, true).into_iter().collect());
    }

    fn expire(&mut self, now: std::time::SystemTime) {
        self.expire_at = Instant::now() + EXPIRE;
        match self.keys.expire(&mut self.disk, &self.settings.retention, now) {
            Ok(gone) => {
                let own = |(class, day): &(_, String)| Self::own(&Record::key_destroyed(*class, day), false);
                let group: Vec<Pending> = gone.iter().filter_map(own).collect();
                if !group.is_empty() {
                    self.commit(group);
                }
            }
            Err(error) => tracing::error!(%error, "keys of the journal that have run out could not be destroyed"),
        }
    }

    /// Writes a group, and answers.
    fn commit(&mut self, mut group: Vec<Pending>) {
        if let Some(outage) = self.outage
            && let Some(own) = Self::own(&Record::resumed(outage.since, outage.lost), false)
        {
            group.insert(0, own);
        }
        match self.write(&group) {
            Ok(receipts) => self.acknowledge(group, receipts),
            Err(failure) => {
                if self.outage.is_some() {
                    group.remove(0);
                }
                self.refuse(group, &failure);
            }
        }
    }

    fn acknowledge(&mut self, group: Vec<Pending>, receipts: Vec<Receipt>) {
        self.queue.counts.groups.increment();
        if self.outage.take().is_some() {
            tracing::info!("the journal is written again");
        }
        self.queue.set_state(State::Ready);
        for (pending, receipt) in group.into_iter().zip(receipts) {
            self.queue.counts.records(pending.class).increment();
            if pending.cut {
                // Told twice, should this fail.
                let _ = self.disk.destroy(CUT);
            }
            // Whoever asked may not wait any more; the record is there all the same.
            let _ = pending.reply.map(|reply| reply.send(Ok(receipt)));
        }
    }

    /// Answers those who wait; the rest waits for better times.
    fn refuse(&mut self, group: Vec<Pending>, failure: &Failure) {
        self.dirty = true;
        let (state, error) =
            if failure.is_full() { (State::Full, Error::Full) } else { (State::Failed, Error::Failed(failure.kind())) };
        self.queue.set_state(state);
        if self.outage.is_none() {
            tracing::error!(error = %failure, "the journal can't be written; every record is tried anew");
        }
        let (asked, notes): (Vec<_>, Vec<_>) = group.into_iter().partition(|pending| pending.reply.is_some());
        let lost = asked.len() as u64 + self.queue.put_back(notes);
        self.queue.counts.dropped.add(lost);
        asked.into_iter().filter_map(|pending| pending.reply).for_each(|reply| {
            let _ = reply.send(Err(error));
        });
        let since = self.outage.map_or_else(clock::millis, |outage| outage.since);
        self.outage = Some(Outage { since, lost: self.outage.map_or(0, |outage| outage.lost) + lost });
    }

    /// Looks for the end of another journal, where another one was taken.
    fn settle(&mut self) -> io::Result<()> {
        if self.disk.has_moved() {
            self.disk.settle();
            self.unsettled = true;
        }
        if !self.unsettled {
            return Ok(());
        }
        self.keys.forget();
        self.opened = open(&mut self.disk, &self.keys).map_err(io::Error::other)?;
        (self.dirty, self.unsettled) = (false, false);
        self.queue.settle(&self.disk, &self.opened)
    }

    /// On disk when it returns, or not counted.
    fn write(&mut self, group: &[Pending]) -> Result<Vec<Receipt>, Failure> {
        self.settle()?;
        let name = self.segment()?;
        let tail = &self.opened.tail;
        let length = tail.length;
        let (receipts, frontier, previous) = seal(group, tail, &mut self.disk, &mut self.keys, &mut self.buffer)?;
        // From here on there may be bytes of a group that does not count.
        self.dirty = true;
        self.disk.write(&name, length, &self.buffer)?;
        self.disk.sync(&name)?;
        self.dirty = false;
        let length = length + self.buffer.len() as u64;
        self.opened.tail = Tail { segment: Some(name), length, frontier, previous };
        Ok(receipts)
    }

    /// The file to write to, without what a failed write has left, which must not come to light later.
    fn segment(&mut self) -> io::Result<String> {
        let tail = &self.opened.tail;
        if let Some(name) = tail.segment.clone() {
            if self.dirty {
                self.disk.truncate(&name, tail.length)?;
                self.dirty = false;
            }
            // So that the longest group still fits.
            if tail.length < segment::LONGEST - LONGEST_GROUP {
                return Ok(name);
            }
        }
        let name = Segment::new(tail.frontier.size()).name;
        self.disk.create(&name)?;
        self.opened.tail.segment = Some(name.clone());
        self.opened.tail.length = 0;
        self.dirty = false;
        Ok(name)
    }

    /// Signs for everything that is on disk.
    fn sign(&mut self) {
        self.signed_at = Instant::now();
        if self.unsettled || self.disk.has_moved() {
            // What is known of the end is another's.
            return;
        }
        let frontier = &self.opened.tail.frontier;
        let note = self.opened.signer.sign(frontier.size(), frontier.root());
        let written = self
            .disk
            .replace(FRONTIER, frontier_text(frontier).as_bytes())
            .and_then(|()| self.disk.replace(CHECKPOINT, note.as_bytes()));
        match written {
            Ok(()) => {
                self.opened.signed = frontier.size();
                self.queue.signed.send_replace(note.into());
                self.unsigned_told = false;
            }
            Err(error) if !std::mem::replace(&mut self.unsigned_told, true) => {
                tracing::error!(%error, "no checkpoint of the journal can be written");
            }
            Err(_) => {}
        }
    }
}
