//! Who is there, who may what, who has promised, and who has taken over from whom: least access, and the record of it.
//!
//! The state is a fold over events, and every event is a record of the journal. [`command`] is what can be asked for, [`mod@decide`] whether it may
//! happen, [`event`] what has happened, [`state`] what follows from it; all of that is pure. A [`Registry`] is the one that writes: it decides,
//! appends, waits for the disk, and only then lets anybody see the new state. [`view`] is how people look at it, [`page`] where they sign the
//! pledge. `docs/REGISTRY.md` has the rules.

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
pub mod settings;
pub mod state;
#[cfg(test)]
mod tests;
pub mod view;

use std::{
    path::Path,
    sync::{Arc, Mutex as Lock, PoisonError},
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
    settings::Settings,
    state::{Held, Standing, State},
};
use crate::{
    journal::{
        self, Class, Journal,
        search::{self, Filter, search},
    },
    seal::Ring,
};

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
pub fn read(journal: &Path, ring: Ring) -> Result<(State, Unread), search::Error> {
    let (mut state, mut unread) = (State::default(), Unread::default());
    let filter = Filter { class: Some(Class::Grants), ..Filter::default() };
    let not = search(journal, ring, &filter, |line| {
        match Event::read(&line.kind, line.body) {
            Some(Ok(event)) => state.apply(&event, Moment::at(line.time / 1000)),
            Some(Err(_)) => unread.bad += 1,
            None => {}
        }
        true
    })?;
    (unread.destroyed, unread.locked) = (not.destroyed, not.locked);
    Ok((state, unread))
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What has happened, in order.
    pub events: Vec<Event>,
}

/// The registry of a process that writes a journal.
#[derive(Debug)]
pub struct Registry {
    journal: Arc<Journal>,
    settings: ArcSwap<Settings>,
    state: ArcSwap<State>,
    unread: Unread,
    /// How long records of ours can be read.
    kept: Duration,
    /// One decides at a time.
    writer: Mutex<()>,
    departures: watch::Sender<u64>,
    /// Up to when grants that run out were looked for.
    looked: Lock<Moment>,
}

impl Registry {
    /// Reads the state from the folder of `journal`, which has to be open already.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(
        journal: Arc<Journal>,
        place: &journal::Settings,
        ring: Ring,
        settings: Settings,
        now: SystemTime,
    ) -> Result<Arc<Self>, search::Error> {
        let (state, unread) = read(&place.path, ring)?;
        if unread.missing() > 0 {
            let Unread { bad, locked, .. } = unread;
            tracing::error!(
                bad,
                locked,
                "records of the registry can't be read: what they say of people does not hold"
            );
        }
        Ok(Arc::new(Self {
            journal,
            settings: ArcSwap::from_pointee(settings),
            state: ArcSwap::from_pointee(state),
            unread,
            kept: place.retention.grants,
            writer: Mutex::default(),
            departures: watch::Sender::new(0),
            looked: Lock::new(now.into()),
        }))
    }

    /// The state as it is now. It takes no lock.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
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

    /// Decides, writes down, and lets everybody see it once it is on disk. It goes on when whoever asks does not wait.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; nothing has happened then.
    pub async fn submit(self: &Arc<Self>, command: Command, actor: &Actor, now: SystemTime) -> Result<Done, Denied> {
        let (registry, actor) = (Arc::clone(self), actor.clone());
        let task =
            tokio::spawn(
                async move { registry.write(|state, rules| decide(state, rules, command, &actor, now)).await },
            );
        task.await.unwrap_or(Err(Denied::Journal(journal::Error::Closed)))
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
        let before = std::mem::replace(&mut *self.looked.lock().unwrap_or_else(PoisonError::into_inner), moment);
        let state = self.state();
        if state.lapses(before, moment) {
            self.depart();
        }
        // Half of the time is left for a gateway that does not run.
        let most = self.kept / 2;
        if state.to_carry(moment, most).is_empty() {
            return Ok(());
        }
        self.write(|state, _| Ok(state.to_carry(moment, most))).await.map(drop)
    }

    async fn write(
        &self,
        decide: impl FnOnce(&State, &Settings) -> Result<Vec<Event>, Denied>,
    ) -> Result<Done, Denied> {
        let _one = self.writer.lock().await;
        let events = decide(&self.state(), &self.settings())?;
        for event in &events {
            let record = event.record().ok_or(Denied::Journal(journal::Error::TooLong))?;
            let receipt = self.journal.append(&record).await?;
            let mut state = State::clone(&self.state());
            state.apply(event, Moment::at(receipt.time / 1000));
            self.state.store(Arc::new(state));
            if event.takes() {
                self.depart();
            }
        }
        Ok(Done { events })
    }

    fn depart(&self) {
        self.departures.send_modify(|count| *count += 1);
    }
}
