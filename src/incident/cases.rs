//! The cases of a gateway: what decides, writes, and looks at the clocks.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

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
/// How long nothing is tried after something could not be written down.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cases of a process that writes a journal.
#[derive(Debug)]
pub struct Cases {
    ledger: Arc<Ledger<State>>,
    registry: Arc<Registry>,
    settings: ArcSwap<Settings>,
    /// How long records of ours can be read.
    kept: Duration,
    /// One looks at a time.
    looked: Mutex<Looked>,
}

/// When it was looked.
#[derive(Debug, Default)]
struct Looked {
    /// What grows old, the last time.
    carried: Option<Moment>,
    /// When what was found could not be written down, the last time.
    failed: Option<Moment>,
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
        Ok(Arc::new(Self { ledger, registry, settings, kept, looked: Mutex::default() }))
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

    /// What would happen, without a word of it anywhere.
    ///
    /// # Errors
    /// When it may not happen.
    pub fn rehearse(&self, command: Command, actor: &Actor, now: SystemTime) -> Result<Vec<Event>, Denied> {
        decide(&self.state(), &self.registry.state(), &self.settings(), command, actor, now.into())
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

    /// Looks at the clocks: tells, and writes down, what runs out; and carries on what rests on records that are growing old. Nothing where it
    /// is just being looked, or where that has failed a moment ago.
    ///
    /// # Errors
    /// When something can't be written down. What runs out is told all the same.
    pub async fn look(&self, now: SystemTime) -> Result<(), Denied> {
        let now = Moment::from(now);
        let Ok(mut looked) = self.looked.try_lock() else { return Ok(()) };
        if looked.failed.is_some_and(|failed| now.since(failed) < PATIENCE) {
            return Ok(());
        }
        let hourly = looked.carried.is_none_or(|last| now.since(last) >= HOUR);
        if hourly {
            looked.carried = Some(now);
        }
        let outcome = self.look_at(now, hourly).await;
        looked.failed = outcome.is_err().then_some(now);
        outcome
    }

    async fn look_at(&self, now: Moment, hourly: bool) -> Result<(), Denied> {
        let rules = self.settings();
        let due = warnings(&self.state(), &rules.laws, now);
        if !due.is_empty() {
            let told = self.ledger.write(|state| Ok::<_, Denied>(warnings(state, &rules.laws, now))).await;
            told.as_ref().unwrap_or(&due).iter().for_each(tell);
            told?;
        }
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
