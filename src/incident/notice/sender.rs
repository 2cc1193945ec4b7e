//! Sends a notice to everybody in a list, once each, however often it is killed and started anew. `delivery` has the rule that makes it so.

use std::{collections::BTreeMap, future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{
    carrier::Carrier,
    command::Command,
    delivery::{AHEAD, ATTEMPTS, Addressed, Delivery, Outcome, Pseudonym, State, WINDOW},
    list::Recipient,
};

/// Longest time until what was put off is tried again.
const LONGEST: Duration = Duration::from_secs(3600);
/// How often in a row the server may be away before it is said so.
const AWAY: u32 = 3;

/// Where steps are written down: a running gateway, or the journal itself.
pub trait Steps {
    /// Writes one down; it is on disk when it answers.
    ///
    /// # Errors
    /// When it is not: nothing may be sent any more.
    fn take(&self, step: Command) -> impl Future<Output = Result<(), String>>;
}

/// Why a sender has stopped before the end. Whatever was begun is written down, or in doubt.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A step could not be written down.
    #[error("{0}")]
    Steps(String),
    /// The server is away, or does not want us.
    #[error("{0}")]
    Away(String),
}

/// What is sent, and where it stands.
#[derive(Debug)]
pub struct Task<'a> {
    /// Of which case.
    pub case: u64,
    /// Its number in the case.
    pub notice: u64,
    /// Whom to tell.
    pub recipients: &'a [Recipient],
    /// What has become of messages so far.
    pub known: BTreeMap<Pseudonym, Delivery>,
    /// The number of the next window.
    pub window: u64,
    /// In which states a message goes out again.
    pub again: Vec<State>,
    /// Messages a second, at most.
    pub rate: u32,
    /// How long to wait before the first second try.
    pub retry: Duration,
}

impl Task<'_> {
    /// How many of the list are in each state.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<State, u64> {
        let mut counts = BTreeMap::new();
        for recipient in self.recipients {
            let state = self.known.get(&recipient.subject).map_or(State::Queued, |delivery| delivery.state);
            *counts.entry(state).or_default() += 1;
        }
        counts
    }

    /// Whose turn it is at first.
    #[must_use]
    pub fn due(&self) -> Vec<usize> {
        let due = |recipient: &Recipient| match self.known.get(&recipient.subject).map(|delivery| delivery.state) {
            None | Some(State::Queued | State::Deferred) => true,
            Some(state) => self.again.contains(&state),
        };
        self.recipients.iter().enumerate().filter(|(_, recipient)| due(recipient)).map(|(at, _)| at).collect()
    }

    /// Sends to everybody whose turn it is, and again to whom it was put off; `tell` hears how far it is.
    ///
    /// # Errors
    /// When it can't go on.
    pub async fn run(
        &mut self,
        steps: &impl Steps,
        carrier: &mut Carrier<'_>,
        mut tell: impl FnMut(&BTreeMap<State, u64>),
    ) -> Result<(), Stopped> {
        let (mut due, mut wait) = (self.due(), self.retry);
        let mut pace = Pace { next: Instant::now(), gap: Duration::from_secs(1) / self.rate.max(1) };
        for _ in 0..ATTEMPTS {
            for window in due.chunks(WINDOW) {
                self.window(window, steps, carrier, &mut pace).await?;
                tell(&self.counts());
                if carrier.away() >= AWAY {
                    return Err(Stopped::Away(carrier.trouble()));
                }
            }
            let put_off = |at: &usize| {
                self.known.get(&self.recipients[*at].subject).is_some_and(|delivery| delivery.state == State::Deferred)
            };
            due.retain(put_off);
            if due.is_empty() {
                break;
            }
            carrier.rest().await;
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        }
        Ok(())
    }

    async fn window(
        &mut self,
        people: &[usize],
        steps: &impl Steps,
        carrier: &mut Carrier<'_>,
        pace: &mut Pace,
    ) -> Result<(), Stopped> {
        let (case, notice, window) = (self.case, self.notice, self.window);
        let addressed = |at: &usize| {
            let recipient = &self.recipients[*at];
            Addressed { subject: recipient.subject, possible: recipient.possible }
        };
        let named = people.iter().map(addressed).collect();
        steps.take(Command::Window { case, notice, window, people: named }).await.map_err(Stopped::Steps)?;
        self.window += 1;
        let mut written = Written { steps, of: (case, notice, window), pending: Vec::new(), running: None, durable: 0 };
        for (begun, at) in people.iter().enumerate() {
            if carrier.away() >= AWAY {
                // So that none of them is in doubt.
                let rest = people[begun..].iter().map(|at| self.recipients[*at].subject);
                written.pending.extend(rest.map(|subject| Outcome { subject, state: State::Queued, code: None }));
                written.start();
                break;
            }
            // What is begun and not settled on disk is in doubt after a crash: never more than the fold takes for that.
            while begun - written.durable >= AHEAD {
                written.wait().await?;
            }
            pace.wait().await;
            let recipient = &self.recipients[*at];
            let (state, code) = {
                let handing = carrier.hand_over(recipient);
                tokio::pin!(handing);
                loop {
                    tokio::select! {
                        biased;
                        handed = &mut handing => break handed,
                        done = written.wait(), if written.running.is_some() => done?,
                    }
                }
            };
            let subject = recipient.subject;
            written.pending.push(Outcome { subject, state, code });
            written.start();
            let (possible, at) = (recipient.possible, crate::common::clock::now().into());
            let attempts = self.known.get(&subject).map_or(0, |delivery| delivery.attempts) + 1;
            self.known.insert(subject, Delivery { possible, state, code, status: None, attempts, at });
        }
        while written.running.is_some() {
            written.wait().await?;
        }
        Ok(())
    }
}

/// One that is being written down.
type Step<'s> = Pin<Box<dyn Future<Output = Result<(), String>> + 's>>;

/// Outcomes on their way to the disk: those that come meanwhile go together.
struct Written<'s, S> {
    steps: &'s S,
    of: (u64, u64, u64),
    pending: Vec<Outcome>,
    running: Option<(usize, Step<'s>)>,
    durable: usize,
}

impl<S: Steps> Written<'_, S> {
    fn start(&mut self) {
        if self.running.is_none() && !self.pending.is_empty() {
            let outcomes = std::mem::take(&mut self.pending);
            let (case, notice, window) = self.of;
            let count = outcomes.len();
            let step = self.steps.take(Command::Settle { case, notice, window, outcomes });
            self.running = Some((count, Box::pin(step)));
        }
    }

    /// Waits for those that are on their way, and sends those after them that have come meanwhile. Whoever breaks the waiting off loses nothing.
    async fn wait(&mut self) -> Result<(), Stopped> {
        if let Some((count, step)) = &mut self.running {
            step.as_mut().await.map_err(Stopped::Steps)?;
            self.durable += *count;
            self.running = None;
        }
        self.start();
        Ok(())
    }
}

/// No more messages a second than so many.
struct Pace {
    next: Instant,
    gap: Duration,
}

impl Pace {
    async fn wait(&mut self) {
        sleep_until(self.next).await;
        self.next = self.next.max(Instant::now()) + self.gap;
    }
}
