//! The cases of a gateway: what decides, writes, and looks at the clocks.

use std::{
    path::Path,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;

use super::{
    clock::warnings,
    command::{Actor, Command},
    decide::decide,
    denied::Denied,
    event::Event,
    ledger::Ledger,
    settings::Settings,
    state::State,
};
use crate::{
    journal::{self, Stream},
    registry::{Error, Moment, Registry, Unread},
};

/// How often it is looked what grows old.
const HOUR: Duration = Duration::from_secs(3600);

/// The cases of a process that writes a journal.
#[derive(Debug)]
pub struct Cases {
    ledger: Arc<Ledger<State>>,
    registry: Arc<Registry>,
    settings: ArcSwap<Settings>,
    /// How long records of ours can be read.
    kept: Duration,
    /// When it was last looked what grows old.
    looked: Lock<Option<Moment>>,
}

impl Cases {
    /// Reads them from `stream`, whose grants can be read for as long as they are `kept`; `registry` says who is an officer.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(
        stream: Stream,
        kept: Duration,
        keys: &Path,
        settings: Settings,
        registry: Arc<Registry>,
    ) -> Result<Arc<Self>, Error> {
        let ledger = Ledger::open(stream, keys)?;
        let missing = Ledger::<State>::unread(&ledger).missing();
        if missing > 0 {
            tracing::error!(missing, "records of incidents can't be read: what they say does not hold");
        }
        let settings = ArcSwap::from_pointee(settings);
        Ok(Arc::new(Self { ledger, registry, settings, kept, looked: Lock::default() }))
    }

    /// All cases as they are now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.ledger.state()
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

    /// What could not be read when they were opened.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.ledger.unread()
    }

    /// Decides, writes down, and lets everybody see it once it is on disk. It goes on when whoever asks does not wait.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; nothing has happened then.
    pub async fn submit(
        self: &Arc<Self>,
        command: Command,
        actor: &Actor,
        now: SystemTime,
    ) -> Result<Vec<Event>, Denied> {
        let (cases, actor) = (Arc::clone(self), actor.clone());
        let task = tokio::spawn(async move {
            let (officers, rules) = (cases.registry.state(), cases.settings());
            let decide = |state: &State| decide(state, &officers, &rules, command.clone(), &actor, now.into());
            cases.ledger.write(decide).await
        });
        let events = task.await.unwrap_or(Err(Denied::Journal(journal::Error::Closed)))?;
        for event in &events {
            let (case, event) = (event.case(), event.kind().name());
            tracing::info!(case, event, "an incident goes on");
        }
        Ok(events)
    }

    /// Looks at the clocks: tells, and writes down, what runs out; and carries on what rests on records that are growing old.
    ///
    /// # Errors
    /// When something can't be written down.
    pub async fn look(&self, now: SystemTime) -> Result<(), Denied> {
        let (now, rules) = (Moment::from(now), self.settings());
        if !warnings(&self.state(), &rules.laws, now).is_empty() {
            let told = self.ledger.write(|state| Ok::<_, Denied>(warnings(state, &rules.laws, now))).await?;
            told.iter().for_each(tell);
        }
        let hourly = {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let hourly = looked.is_none_or(|last| now.since(last) >= HOUR);
            if hourly {
                *looked = Some(now);
            }
            hourly
        };
        // Half of the time is left for a gateway that does not run.
        let most = self.kept / 2;
        if hourly && !self.state().to_carry(now, most).is_empty() {
            self.ledger.write(|state| Ok::<_, Denied>(state.to_carry(now, most))).await?;
        }
        Ok(())
    }
}

fn tell(event: &Event) {
    let Event::Warned { case, warning } = event else { return };
    let (law, duty, due) = (warning.law.as_str(), warning.duty.as_str(), warning.due);
    match warning.level {
        super::case::Level::Out => tracing::error!(case, law, duty, %due, "a clock of an incident has run out"),
        level => tracing::warn!(case, law, duty, %due, level = level.name(), "a clock of an incident runs out"),
    }
}
