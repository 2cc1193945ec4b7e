//! Who is there, who may what, who has promised, and who has taken over from whom: least access, and the record of it.
//!
//! The state is a fold over events, and every event is a record of the journal. [`command`] is what can be asked for, [`mod@decide`] whether it may
//! happen, [`event`] what has happened, [`state`] what follows from it; all of that is pure. A [`Registry`] is the one that writes: it decides,
//! appends, waits for the disk, and only then lets anybody see the new state. [`view`] is how people look at it, [`page`] where they sign
//! the pledge and handovers. `docs/REGISTRY.md` has the rules.

pub mod command;
pub mod decide;
pub mod denied;
pub mod event;
pub mod grant;
pub mod handover;
pub mod moment;
pub mod page;
pub mod person;
pub mod pledge;
pub mod population;
pub mod provider;
pub mod review;
pub mod settings;
pub mod state;
#[cfg(test)]
mod tests;
pub mod unusual;
pub mod view;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex as Lock, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};

pub use self::{
    command::{Actor, Command},
    decide::decide,
    denied::Denied,
    event::Event,
    moment::Moment,
    person::{PersonId, Role},
    pledge::Pledged,
    provider::{Entry, Provider},
    settings::Settings,
    state::{Held, Standing, State},
};
use crate::{
    journal::{
        self, Class, Follow, Place, Stream,
        search::{self, Filter, Line, search},
        tree::hex,
    },
    seal::{self, Ring},
};

/// How often something is decided anew because another gateway has decided something meanwhile.
const ATTEMPTS: usize = 32;
/// How often it is looked what grows old; keys of the journal are destroyed as often.
const HOUR: Duration = Duration::from_secs(3600);

/// Records that could not be taken into account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Records of ours that say something else than they should.
    pub bad: u64,
    /// Records whose keys are destroyed: their time was over.
    pub destroyed: u64,
    /// Records whose keys are sealed by a key that is not in the ring.
    pub locked: u64,
}

impl Unread {
    /// How many may have said something that still holds.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.bad + self.locked
    }
}

/// Reads the state from a journal; whether somebody writes it meanwhile makes no difference.
///
/// # Errors
/// When the journal can't be read.
pub fn read(journal: &Place, ring: Ring) -> Result<(State, Unread), search::Error> {
    fold(journal, ring).map(|(seen, unread)| (Arc::unwrap_or_clone(seen.state), unread))
}

fn fold(journal: &Place, ring: Ring) -> Result<(Seen, Unread), search::Error> {
    let (mut state, mut unread, mut next) = (State::default(), Unread::default(), 0);
    let filter = Filter { class: Some(Class::Grants), ..Filter::default() };
    let not = search(journal, ring, &filter, |line| {
        next = line.index + 1;
        match Event::read(&line.kind, line.body) {
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
struct Seen {
    state: Arc<State>,
    next: u64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What has happened, in order.
    pub events: Vec<Event>,
}

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys can't be used.
    #[error("the keys can't be used")]
    Keys(#[from] seal::keys::Error),
    /// The journal can't be read.
    #[error("the registry can't be read")]
    Journal(#[from] search::Error),
}

/// The registry of a process that writes a journal.
#[derive(Debug)]
pub struct Registry {
    stream: Stream,
    /// What opens it: reviews read it again.
    keys: PathBuf,
    settings: ArcSwap<Settings>,
    seen: ArcSwap<Seen>,
    unread: Unread,
    /// How long records of ours can be read.
    kept: Duration,
    /// One decides at a time.
    writer: Mutex<()>,
    departures: watch::Sender<u64>,
    /// Up to when grants that run out were looked for, and when it was last looked what grows old.
    looked: Lock<(Moment, Option<Moment>)>,
}

impl Registry {
    /// Reads the state from `stream`, whose grants can be read for as long as they are `kept`, by the keys of a file, and follows it.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(
        stream: Stream,
        kept: Duration,
        keys: &Path,
        settings: Settings,
        now: SystemTime,
    ) -> Result<Arc<Self>, Error> {
        let (seen, unread) = fold(&stream.place(), Ring::load(keys)?)?;
        let next = seen.next;
        if unread.missing() > 0 {
            let Unread { bad, locked, .. } = unread;
            tracing::error!(
                bad,
                locked,
                "records of the registry can't be read: what they say of people does not hold"
            );
        }
        let registry = Arc::new(Self {
            stream,
            keys: keys.to_owned(),
            settings: ArcSwap::from_pointee(settings),
            seen: ArcSwap::from_pointee(seen),
            unread,
            kept,
            writer: Mutex::default(),
            departures: watch::Sender::new(0),
            looked: Lock::new((now.into(), None)),
        });
        let follower: Weak<dyn Follow> = Arc::downgrade(&registry) as _;
        registry.stream.follow(follower, next);
        Ok(registry)
    }

    /// The state as it is now. It takes no lock.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.seen.load().state)
    }

    /// The rules in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Takes other rules.
    pub fn apply(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// What could not be read when it was opened.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.unread
    }

    /// Moves with every loss of a right, also by time: sessions and open bodies look then whether they may go on.
    #[must_use]
    pub fn departures(&self) -> watch::Receiver<u64> {
        self.departures.subscribe()
    }

    /// What would happen, without a word of it anywhere.
    ///
    /// # Errors
    /// When it may not happen.
    pub fn rehearse(&self, command: Command, actor: &Actor, now: SystemTime) -> Result<Vec<Event>, Denied> {
        decide(&self.state(), &self.settings(), command, actor, now)
    }

    /// Decides, writes down, and lets everybody see it once it is on disk. It goes on when whoever asks does not wait.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; nothing has happened then.
    pub async fn submit(self: &Arc<Self>, command: Command, actor: &Actor, now: SystemTime) -> Result<Done, Denied> {
        let (registry, actor) = (Arc::clone(self), actor.clone());
        let task = tokio::spawn(async move {
            let command = registry.look_for(command, &actor, now).await?;
            registry.write(|state, rules| decide(state, rules, command.clone(), &actor, now)).await
        });
        task.await.unwrap_or(Err(Denied::Journal(journal::Error::Closed)))
    }

    /// Lets the journal say what there is to review. Nobody draws by hand, and the seed is nobody's choice.
    async fn look_for(&self, command: Command, actor: &Actor, now: SystemTime) -> Result<Command, Denied> {
        if !matches!(command, Command::OpenReview { .. }) {
            return Ok(command);
        }
        let rules = self.settings();
        let planned = decide(&self.state(), &rules, command, actor, now)?;
        let Some(Event::ReviewOpened { review }) = planned.into_iter().next() else { return Err(Denied::Own) };
        let mut seed = [0; 16];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| Denied::Unreadable)?;
        let (since, until, sample) = (Some(review.since), Some(review.until), Some(review.sample));
        let (place, keys) = (self.stream.place(), self.keys.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let ring = || Ring::load(&keys).map_err(Error::from);
            let journals = place.own().map_err(search::Error::from)?;
            population::draw(&journals, ring, &review, rules.utc_offset, hex(&seed))
        });
        let drawn = reading.await.map_err(|_| Denied::Unreadable)?.map_err(|error| {
            tracing::error!(%error, "access records can't be read for a review");
            Denied::Unreadable
        })?;
        Ok(Command::OpenReview { since, until, sample, drawn })
    }

    /// Publishes the pledge of the settings where it is another than the one in force; whether it was.
    ///
    /// # Errors
    /// When it can't be written down.
    pub async fn publish(self: &Arc<Self>, now: SystemTime) -> Result<bool, Denied> {
        if !self.state().is_founded() {
            return Ok(false);
        }
        let texts = pledge::texts(self.settings().pledge.as_deref());
        match self.submit(Command::Publish { texts }, &Actor::Gateway, now).await {
            Ok(_) => Ok(true),
            Err(Denied::SameText) => Ok(false),
            Err(denied) => Err(denied),
        }
    }

    /// Looks at the time: tells of what has run out since the last look, and carries on what rests on records that are growing old.
    ///
    /// # Errors
    /// When something can't be written down.
    pub async fn look(&self, now: SystemTime) -> Result<(), Denied> {
        let moment = Moment::from(now);
        let (before, hourly) = {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let hourly = looked.1.is_none_or(|last| moment.since(last) >= HOUR);
            let before = std::mem::replace(&mut looked.0, moment);
            if hourly {
                looked.1 = Some(moment);
            }
            (before, hourly)
        };
        let state = self.state();
        if state.lapses(before, moment) {
            self.depart();
        }
        if !hourly {
            return Ok(());
        }
        // Half of the time is left for a gateway that does not run.
        let most = self.kept / 2;
        if state.to_carry(moment, most).is_empty() {
            return Ok(());
        }
        self.write(|state, _| Ok(state.to_carry(moment, most))).await.map(drop)
    }

    /// Where another gateway has decided something in between, it is decided anew by what is so then.
    async fn write(&self, decide: impl Fn(&State, &Settings) -> Result<Vec<Event>, Denied>) -> Result<Done, Denied> {
        let _one = self.writer.lock().await;
        for _ in 0..ATTEMPTS {
            let seen = self.seen.load_full();
            let events = decide(&seen.state, &self.settings())?;
            let records: Option<Vec<_>> = events.iter().map(Event::record).collect();
            let records = records.ok_or(Denied::Journal(journal::Error::TooLong))?;
            if records.is_empty() {
                return Ok(Done { events });
            }
            let (receipts, outcome) = self.stream.append(&records, Some(seen.next)).await;
            for (event, receipt) in events.iter().zip(receipts) {
                self.accept(event, receipt.index, receipt.time);
            }
            match outcome {
                Ok(()) => return Ok(Done { events }),
                Err(journal::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Denied::Journal(journal::Error::Conflict))
    }

    /// Takes an event into account, unless it is already.
    fn accept(&self, event: &Event, index: u64, time: u64) {
        let seen = self.seen.load_full();
        if index < seen.next {
            return;
        }
        let mut state = State::clone(&seen.state);
        state.apply(event, Moment::at(time / 1000));
        self.seen.store(Arc::new(Seen { state: Arc::new(state), next: index + 1 }));
        if event.takes() {
            self.depart();
        }
    }

    fn depart(&self) {
        self.departures.send_modify(|count| *count += 1);
    }
}

impl Follow for Registry {
    fn take(&self, line: &Line) {
        match Event::read(&line.kind, line.body.clone()) {
            Some(Ok(event)) => self.accept(&event, line.index, line.time),
            Some(Err(_)) => {
                let record = line.index;
                tracing::error!(record, "a record of the registry can't be read: what it says of people does not hold");
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
