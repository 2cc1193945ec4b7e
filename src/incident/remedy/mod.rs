//! Countermeasures: what is done at once, so that no more of it happens. Each is taken by an officer for a case, with a reason, is written down
//! before it holds, and can be lifted again.
//!
//! [`measure`] is what can be taken, [`event`] what has been, [`state`] what holds by that, [`mod@decide`] whether it may happen; all of that is
//! pure. [`Remedies`] are what writes, and [`overlay`] is what a request meets.

pub mod decide;
pub mod event;
pub mod measure;
pub mod overlay;
pub mod state;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

pub use self::{
    decide::{Command, Refused},
    event::Event,
    measure::Measure,
    overlay::Overlay,
    state::{State, Taken},
};
use super::{Cases, ledger::Ledger};
use crate::{
    common::clock,
    identity::Principal,
    journal::{self, Stream},
    registry::{Error, Moment, PersonId, Registry},
};

/// The countermeasures of a process that writes a journal.
#[derive(Debug)]
pub struct Remedies {
    ledger: Arc<Ledger<State>>,
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    overlay: Arc<Overlay>,
    /// The keys that are rotated.
    keys: PathBuf,
    /// How long records of ours can be read.
    kept: Duration,
    /// What was made to hold here last.
    known: Mutex<Arc<State>>,
}

impl Remedies {
    /// Reads them from `stream`, whose grants can be read for as long as they are `kept`.
    ///
    /// # Errors
    /// When the journal can't be read: then nobody knows what must not go on.
    pub fn open(
        stream: Stream,
        kept: Duration,
        keys: &Path,
        cases: Arc<Cases>,
        registry: Arc<Registry>,
    ) -> Result<Arc<Self>, Error> {
        let ledger = Ledger::<State>::open(stream, keys)?;
        let missing = ledger.unread().missing();
        if missing > 0 {
            tracing::error!(missing, "records of countermeasures can't be read: what they say does not hold");
        }
        let overlay = Arc::new(Overlay::default());
        // What happens once has happened before this start.
        let known = Mutex::new(ledger.state());
        overlay.take(&ledger.state());
        let keys = keys.to_owned();
        Ok(Arc::new(Self { ledger, cases, registry, overlay, keys, kept, known }))
    }

    /// All measures as they are now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.ledger.state()
    }

    /// What requests meet.
    #[must_use]
    pub fn overlay(&self) -> &Arc<Overlay> {
        &self.overlay
    }

    /// The file of the keys that everything is sealed by.
    #[must_use]
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// Whether the registry gives somebody this role now.
    #[must_use]
    pub fn has_role(&self, who: &Principal, role: &str) -> bool {
        let person = PersonId::new(&who.issuer, &who.subject);
        let standing = self.registry.state().standing(&person, clock::now());
        standing.roles.iter().any(|held| held.role.as_str() == role)
    }

    /// Whether it would be carried out, without a word of it anywhere.
    ///
    /// # Errors
    /// When it may not happen.
    pub fn rehearse(&self, command: &Command, by: &PersonId, now: SystemTime) -> Result<Event, Refused> {
        let (cases, officers) = (self.cases.state(), self.registry.state());
        decide::decide(&self.state(), &cases, &officers, command.clone(), by, now.into())
    }

    /// Decides, writes down, and lets it hold here; the other gateways of a database take it up within a second or two. What is new comes back,
    /// for it to be carried out once: whatever a look has not taken up before. It goes on when whoever asks does not wait.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; nothing has happened then.
    pub async fn submit(
        self: &Arc<Self>,
        command: Command,
        by: PersonId,
        now: SystemTime,
    ) -> Result<(Event, Vec<Taken>), Refused> {
        let remedies = Arc::clone(self);
        let task = tokio::spawn(async move {
            let (cases, officers) = (remedies.cases.state(), remedies.registry.state());
            let decide = |state: &State| {
                decide::decide(state, &cases, &officers, command.clone(), &by, now.into()).map(|event| vec![event])
            };
            let events = remedies.ledger.write(decide).await?;
            let new = remedies.take_up();
            events.into_iter().next().map(|event| (event, new)).ok_or(Refused::Journal(journal::Error::Closed))
        });
        let (event, new) = task.await.unwrap_or(Err(Refused::Journal(journal::Error::Closed)))?;
        let (case, measure) = (event.case(), event.measure().map(Measure::name));
        tracing::warn!(case, measure, event = event.kind().name(), "a countermeasure");
        Ok((event, new))
    }

    /// Looks what has been decided since the last look, here or at another gateway, lets it hold, and says which measures are new; carries on
    /// what rests on records that are growing old.
    ///
    /// # Errors
    /// When something can't be carried on in the journal.
    pub async fn look(&self, now: SystemTime) -> Result<Vec<Taken>, Refused> {
        let new = self.take_up();
        let most = self.kept / 2;
        let now = Moment::from(now);
        if !self.state().to_carry(now, most).is_empty() {
            self.ledger.write(|state| Ok::<_, Refused>(state.to_carry(now, most))).await?;
        }
        Ok(new)
    }

    fn take_up(&self) -> Vec<Taken> {
        let state = self.state();
        let before = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, Arc::clone(&state))
        };
        if Arc::ptr_eq(&before, &state) {
            return Vec::new();
        }
        self.overlay.take(&state);
        state.all().filter(|taken| taken.id > before.last()).cloned().collect()
    }
}
