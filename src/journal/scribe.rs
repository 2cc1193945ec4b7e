//! The one thread of a process that appends to the shared chain, and reads what others have appended.

use std::{
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

use super::{
    disk::{Disk as _, read_if_any},
    entry::Entry,
    key::Keys,
    open::{self, CHECKPOINT, FRONTIER, Opened, frontier_text},
    postgres::{Claim, Postgres, Table},
    queue::{Error, Pending, Receipt},
    record::Record,
    search::{Filter, Line, Reader, read_by},
    segment::{self, Chain, Segment},
    settings::Retention,
    shared::Order,
    stream::Follow,
    tree::Hash,
    writer::{Failure, LONGEST_GROUP, seal},
};
use crate::{common::clock, seal::Ring};

/// How often it is looked whether others have appended, whatever is heard of it.
const LOOK: Duration = Duration::from_secs(1);
/// How often keys that have run out are looked for.
const EXPIRE: Duration = Duration::from_secs(3600);

/// What the thread holds.
pub(super) struct Scribe {
    table: Table,
    keys: Keys,
    /// Up to where the chain was read.
    opened: Opened,
    retention: Retention,
    followers: Vec<Weak<dyn Follow>>,
    /// Who has not been shown what was there when they came, and from where on.
    newcomers: Vec<(Weak<dyn Follow>, u64)>,
    signed: watch::Sender<Arc<str>>,
    up: Arc<AtomicBool>,
    reader: Reader,
    buffer: Vec<u8>,
}

impl Scribe {
    /// Opens the chain, which is made where it is missing.
    pub(super) fn open(
        postgres: &Arc<Postgres>,
        retention: Retention,
        ring: Ring,
        heard: Arc<dyn Fn() + Send + Sync>,
        up: Arc<AtomicBool>,
    ) -> Result<Self, open::Error> {
        let mut table = Table::hearing(postgres, Claim::Shared, heard)?;
        let mut keys = Keys::new(ring);
        table.begin()?;
        let opened = open::open(&mut table, &keys).and_then(|opened| {
            match keys.rewrap(&mut table, None)? {
                0 => {}
                locked => tracing::warn!(locked, "data keys of the shared chain open with no key of the ring"),
            }
            Ok(opened)
        });
        let opened = opened.inspect_err(|_| table.roll_back())?;
        table.commit()?;
        let signed = watch::Sender::new(newest(&table)?);
        let (followers, newcomers, reader, buffer) = (Vec::new(), Vec::new(), Reader::default(), Vec::new());
        Ok(Self { table, keys, opened, retention, followers, newcomers, signed, up, reader, buffer })
    }

    /// The key that checks its checkpoints.
    pub(super) fn verifier(&self) -> String {
        self.opened.signer.verifier().text()
    }

    /// The newest signed checkpoint, as it comes.
    pub(super) fn signed(&self) -> watch::Receiver<Arc<str>> {
        self.signed.subscribe()
    }

    /// Does what it is told until the end.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        let mut expire_at = Instant::now() + EXPIRE;
        loop {
            let outcome = match orders.recv_timeout(LOOK) {
                Ok(Order::Append(group, after, reply)) => {
                    let outcome = self.append(&group, after);
                    let answer = outcome.as_ref().map(Vec::clone).map_err(error);
                    let outcome = outcome.map(drop);
                    // First, for whoever is refused may look at once whether the database is there.
                    self.tell(&outcome);
                    // Whoever asked may not wait any more.
                    let _ = reply.send(answer);
                    outcome
                }
                Ok(Order::Follow(follower, from)) => {
                    self.newcomers.push((follower, from));
                    self.look()
                }
                Ok(Order::Keep(name, bytes, reply)) => {
                    let _ = reply.send(self.table.replace(name, &bytes));
                    Ok(())
                }
                Ok(Order::Ring(ring)) => self.renew(ring),
                Ok(Order::Expire(now)) => self.expire(now),
                Ok(Order::Look) | Err(RecvTimeoutError::Timeout) => self.look(),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            };
            self.tell(&outcome);
            if Instant::now() >= expire_at && !clock::is_set() {
                expire_at = Instant::now() + EXPIRE;
                let outcome = self.expire(clock::now());
                self.tell(&outcome);
            }
        }
    }

    /// Says once that the database is away, and once that it is there again.
    fn tell(&self, outcome: &Result<(), Failure>) {
        match outcome {
            Ok(()) | Err(Failure::Conflict) => {
                if !self.up.swap(true, Relaxed) {
                    tracing::info!("the shared chain is there again");
                }
            }
            Err(error) => {
                if self.up.swap(false, Relaxed) {
                    tracing::error!(%error, "the shared chain can't be read or written; what was decided last holds, and nothing new can be");
                }
            }
        }
    }

    fn append(&mut self, group: &[Pending], after: Option<u64>) -> Result<Vec<Receipt>, Failure> {
        self.whole(|scribe| {
            scribe.catch_up(None)?;
            if after.is_some_and(|after| after != scribe.opened.tail.frontier.size()) {
                return Err(Failure::Conflict);
            }
            scribe.write(group)
        })
    }

    /// Writes as `write` says, in one transaction, and shows to whoever follows what has come of it. Where the answer to the commit was lost, it is
    /// looked whether it has happened.
    fn whole(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<Vec<Receipt>, Failure>,
    ) -> Result<Vec<Receipt>, Failure> {
        self.table.begin()?;
        let receipts = match write(self) {
            Ok(receipts) => receipts,
            Err(failure) => {
                self.table.roll_back();
                // A key that was made did not come to be.
                self.keys.forget();
                return Err(failure);
            }
        };
        let committed = self.table.commit();
        let Some(last) = receipts.last() else { return Ok(receipts) };
        if committed.is_err() {
            self.keys.forget();
        }
        if self.catch_up(Some(last.hash))? {
            return Ok(receipts);
        }
        Err(committed.err().unwrap_or_else(|| io::Error::other("the record is not there")).into())
    }

    /// Writes behind the end, and signs for it.
    fn write(&mut self, group: &[Pending]) -> Result<Vec<Receipt>, Failure> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let tail = &self.opened.tail;
        let (name, length) = match &tail.segment {
            Some(name) if tail.length < segment::LONGEST - LONGEST_GROUP => (name.clone(), tail.length),
            _ => {
                let name = Segment::new(tail.frontier.size()).name;
                self.table.create(&name)?;
                (name, 0)
            }
        };
        let (receipts, frontier, _) = seal(group, tail, &mut self.table, &mut self.keys, &mut self.buffer)?;
        self.table.write(&name, length, &self.buffer)?;
        let note = self.opened.signer.sign(frontier.size(), frontier.root());
        self.table.replace(FRONTIER, frontier_text(&frontier).as_bytes())?;
        self.table.replace(CHECKPOINT, note.as_bytes())?;
        Ok(receipts)
    }

    fn look(&mut self) -> Result<(), Failure> {
        self.catch_up(None)?;
        self.welcome()
    }

    /// Reads what was appended since, by whomever, and shows it; whether a record with this hash was among it.
    fn catch_up(&mut self, wanted: Option<Hash>) -> Result<bool, Failure> {
        let (mut found, before) = (false, self.opened.tail.frontier.size());
        loop {
            let tail = &self.opened.tail;
            let next = Segment::new(tail.frontier.size()).name;
            let behind = match &tail.segment {
                Some(name) => self.table.rest_of(name, tail.length)?.filter(|bytes| !bytes.is_empty()),
                None => None,
            };
            let bytes = match behind {
                Some(bytes) => bytes,
                None if tail.segment.as_ref() == Some(&next) => break,
                None => {
                    let Some(bytes) = self.table.rest_of(&next, 0)? else { break };
                    (self.opened.tail.segment, self.opened.tail.length) = (Some(next), 0);
                    bytes
                }
            };
            if bytes.is_empty() {
                break;
            }
            found |= self.take(&bytes, wanted)?;
        }
        let size = self.opened.tail.frontier.size();
        self.each(|follower| follower.reached(size));
        // Shown outside once it is on the database's disk: another one would tell of what never was.
        if size > before
            && let Ok(note) = newest(&self.table)
        {
            self.signed.send_replace(note);
        }
        Ok(found)
    }

    /// Takes the bytes of new entries in.
    fn take(&mut self, bytes: &[u8], wanted: Option<Hash>) -> Result<bool, Failure> {
        let tail = &self.opened.tail;
        let mut chain = Chain { next: tail.frontier.size(), previous: Some(tail.previous) };
        let mut entries = Vec::new();
        if let Some(bad) = chain.follow(bytes, |_, entry| entries.push(*entry)) {
            return Err(Failure::Damaged(bad.index, bad.why));
        }
        let mut found = false;
        for entry in &entries {
            found |= wanted == Some(entry.hash());
            self.show(entry)?;
            let tail = &mut self.opened.tail;
            tail.frontier.push(entry.hash());
            tail.previous = entry.hash();
            tail.length += entry.len() as u64;
        }
        Ok(found)
    }

    fn show(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        let before = self.reader.unread.locked;
        let line = self.reader.open(&self.table, &mut self.keys, entry).map_err(Failure::Read)?;
        if self.reader.unread.locked > before {
            // Somebody else has new keys already. Going on without what it says would be worse than waiting for them.
            return Err(Failure::Locked(entry.place.index));
        }
        if let Some(line) = line {
            self.each(|follower| follower.take(&line));
        }
        Ok(())
    }

    fn each(&mut self, show: impl Fn(&dyn Follow)) {
        self.followers.retain(|follower| match follower.upgrade() {
            Some(follower) => {
                show(&*follower);
                true
            }
            None => false,
        });
    }

    /// Shows to whoever has come since what was appended between their own look and the last one here.
    fn welcome(&mut self) -> Result<(), Failure> {
        let size = self.opened.tail.frontier.size();
        while let Some((follower, from)) = self.newcomers.last() {
            if let Some(known) = follower.upgrade() {
                let filter = Filter { from: *from, ..Filter::default() };
                let shown = |line: Line| {
                    known.take(&line);
                    true
                };
                if *from < size {
                    read_by(&self.table, &mut self.keys, &filter, shown).map_err(Failure::Read)?;
                }
                known.reached(size);
            }
            self.followers.extend(self.newcomers.pop().map(|(follower, _)| follower));
        }
        Ok(())
    }

    fn renew(&mut self, ring: Ring) -> Result<(), Failure> {
        self.table.begin()?;
        let locked = self.keys.renew(&mut self.table, ring);
        match locked {
            Ok(0) => {}
            Ok(locked) => tracing::warn!(locked, "data keys of the shared chain open with no key of the ring"),
            Err(error) => {
                self.table.roll_back();
                return Err(error.into());
            }
        }
        Ok(self.table.commit()?)
    }

    fn expire(&mut self, now: SystemTime) -> Result<(), Failure> {
        let retention = self.retention;
        let outcome = self.whole(|scribe| {
            scribe.catch_up(None)?;
            let gone = scribe.keys.expire(&mut scribe.table, &retention, now)?;
            let own = |(class, day): &(_, String)| {
                let record = Record::key_destroyed(*class, day);
                let (class, time) = (record.kind().class(), clock::millis());
                Some(Pending { class, time, text: record.text()?, cut: false, reply: None })
            };
            scribe.write(&gone.iter().filter_map(own).collect::<Vec<_>>())
        });
        outcome.map(drop)
    }
}

/// The newest signed checkpoint; empty before the first.
fn newest(table: &Table) -> io::Result<Arc<str>> {
    let note = read_if_any(table, CHECKPOINT)?.and_then(|note| String::from_utf8(note).ok());
    Ok(note.unwrap_or_default().into())
}

/// What whoever asked is told.
fn error(failure: &Failure) -> Error {
    match failure {
        Failure::Conflict => Error::Conflict,
        failure if failure.is_full() => Error::Full,
        failure => Error::Failed(failure.kind()),
    }
}
