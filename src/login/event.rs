//! What became of each attempt, for whoever wants to know: bans, incidents, metrics.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio::sync::mpsc::{self, error::TrySendError};

use super::{
    key::Key,
    ledger::{Standing, Why},
    username::Unreadable,
};
use crate::common::meter::Counter;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The password was right.
    Success,
    /// It was not.
    Failure,
    /// The application did not say.
    Unclear,
    /// It never reached the application.
    Abandoned,
    /// It was not let through.
    Refused(Why),
    /// It was not let through, for its account can't be read.
    Unreadable(Unreadable),
}

impl Verdict {
    /// As metrics name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unclear => "unclear",
            Self::Abandoned => "abandoned",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A client's address, which no log may show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub IpAddr);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

/// One attempt that is over.
#[derive(Debug, Clone)]
pub struct Event {
    /// The login's name.
    pub login: Arc<str>,
    /// What became of it.
    pub verdict: Verdict,
    /// Where it came from.
    pub address: Address,
    /// The same as a pseudonym.
    pub source: Key,
    /// The account's pseudonym, where it could be read.
    pub account: Option<Key>,
    /// Whether its browser says that another site's page has made it try.
    pub induced: bool,
    /// By what it was judged, where it was.
    pub standing: Option<Standing>,
    /// When it was over.
    pub time: SystemTime,
}

/// Events that wait for a slow subscriber; it is told how many it has missed.
const WAITING: usize = 4096;

/// Who is told of attempts. A queue takes memory for what waits in it, and nothing before.
#[derive(Debug, Default)]
pub(super) struct Subscribers(Mutex<Vec<Subscriber>>);

#[derive(Debug)]
struct Subscriber {
    events: mpsc::Sender<Event>,
    missed: Arc<AtomicU64>,
}

/// Attempts that are over, as they come.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
    missed: Arc<AtomicU64>,
}

/// What a subscriber hears.
#[derive(Debug)]
pub enum Heard {
    /// An attempt.
    Event(Event),
    /// That so many have come and gone while too many waited.
    Missed(u64),
}

impl Subscribers {
    /// One more.
    pub(super) fn subscribe(&self) -> Events {
        let (sender, events) = mpsc::channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let subscriber = Subscriber { events: sender, missed: Arc::clone(&missed) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
        Events { events, missed }
    }

    /// Tells all of them.
    pub(super) fn tell(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|subscriber| {
            match subscriber.events.try_send(event.clone()) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    subscriber.missed.fetch_add(1, Ordering::Relaxed);
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            }
        });
    }
}

impl Events {
    /// The next; nothing once nobody is left who could tell. Safe to be given up.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => self.events.recv().await.map(Heard::Event),
            missed => Some(Heard::Missed(missed)),
        }
    }
}

/// Attempts by what became of them.
#[derive(Debug, Default)]
pub struct Counts {
    success: Counter,
    failure: Counter,
    unclear: Counter,
    abandoned: Counter,
    refused: [Counter; Why::ALL.len()],
    unreadable: Counter,
}

impl Counts {
    pub(super) fn add(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Success => &self.success,
            Verdict::Failure => &self.failure,
            Verdict::Unclear => &self.unclear,
            Verdict::Abandoned => &self.abandoned,
            Verdict::Refused(why) => &self.refused[why as usize],
            Verdict::Unreadable(_) => &self.unreadable,
        };
        counter.increment();
    }

    /// Verdict, limit (empty where none stood in the way) and number, for `privet_login_attempts_total`.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let plain = [
            ("success", &self.success),
            ("failure", &self.failure),
            ("unclear", &self.unclear),
            ("abandoned", &self.abandoned),
            ("unreadable", &self.unreadable),
        ];
        let plain = plain.into_iter().map(|(name, counter)| (name, "", counter.value()));
        plain.chain(Why::ALL.iter().map(|why| ("refused", why.name(), self.refused[*why as usize].value())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::key::Key;

    #[tokio::test]
    async fn who_is_slow_is_told_how_much_it_has_missed() {
        let event = Event {
            login: "shop".into(),
            verdict: Verdict::Failure,
            address: Address(IpAddr::from([192, 0, 2, 1])),
            source: Key::default(),
            account: None,
            induced: false,
            standing: None,
            time: SystemTime::UNIX_EPOCH,
        };
        let subscribers = Subscribers::default();
        subscribers.tell(&event);
        let (mut one, other) = (subscribers.subscribe(), subscribers.subscribe());
        drop(other);
        for _ in 0..WAITING + 3 {
            subscribers.tell(&event);
        }
        assert_eq!(subscribers.0.lock().expect("whole").len(), 1, "who is gone is forgotten");
        assert!(matches!(one.next().await, Some(Heard::Missed(3))));
        for _ in 0..WAITING {
            assert!(matches!(one.next().await, Some(Heard::Event(_))));
        }
        drop(subscribers);
        assert!(one.next().await.is_none());
    }
}
