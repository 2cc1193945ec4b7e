//! What has become of messages, person by person, by pseudonym. No address is kept.
//!
//! A message is handed over in three steps: that it is about to be goes to the journal, then the server takes it, then that it did goes to the
//! journal. Windows of many share a record of the first kind, and outcomes are written while the next message is on its way, so that the disk is
//! not waited for at each; but whoever sends is never more than a few messages ahead of what is on disk. So a crash leaves in doubt these few
//! alone: all others of the window were certainly never begun.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::dsn::Status;
use crate::{access::subject::Subject, registry::Moment};

/// Most people of one window.
pub const WINDOW: usize = 64;
/// How many messages may be begun whose outcome is not on disk.
pub const AHEAD: usize = 4;
/// Most people of one record about what has come back.
pub const BOUNCES: usize = 1000;
/// How often a message that is put off is tried, in all.
pub const ATTEMPTS: u32 = 6;

/// A pseudonym in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub Subject);

impl Serialize for Pseudonym {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<'de> Deserialize<'de> for Pseudonym {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Subject::parse(&text).map(Self).ok_or_else(|| D::Error::custom("no pseudonym"))
    }
}

/// By what messages go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Mail.
    Mail,
    /// The operator's own service.
    Webhook,
}

/// Somebody who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressed {
    /// Who.
    pub subject: Pseudonym,
    /// Whether their data only may have left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possible: bool,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The server has it, and is responsible for it.
    Accepted,
    /// It was put off, and is tried again.
    Deferred,
    /// The server will never take it, or has said later that it did not arrive.
    Bounced,
    /// What was given is no address.
    Unaddressed,
    /// It was on its way when the connection or the sender broke off: the server may have it.
    Unknown,
    /// It was named for a window, and not begun.
    Queued,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Accepted, Self::Deferred, Self::Bounced, Self::Unaddressed, Self::Unknown, Self::Queued];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::Unaddressed => "unaddressed",
            Self::Unknown => "unknown",
            Self::Queued => "queued",
        }
    }
}

/// What has become of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose.
    pub subject: Pseudonym,
    /// How far it is.
    pub state: State,
    /// What the server has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

/// A message that was accepted, and has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// Whose.
    pub subject: Pseudonym,
    /// Why, where the report has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// How it is with the message to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Whether their data only may have left.
    pub possible: bool,
    /// How far it is.
    pub state: State,
    /// What the server has answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Why it came back later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How often it was begun.
    pub attempts: u32,
    /// When it became so.
    pub at: Moment,
}

/// People whose messages are on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    number: u64,
    ahead: usize,
    people: Vec<Addressed>,
    settled: usize,
}

/// Everybody, in parts by the first byte of their pseudonyms: with each record a part is copied, and not a hundred thousand people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct People(BTreeMap<u8, Arc<BTreeMap<Pseudonym, Delivery>>>);

impl Delivery {
    /// Whether it may have gone astray after the server had it.
    #[must_use]
    pub fn may_bounce(&self) -> bool {
        matches!(self.state, State::Accepted | State::Unknown)
    }
}

impl People {
    fn change(&mut self, subject: Pseudonym, change: impl FnOnce(&mut Delivery)) {
        let part = self.0.get_mut(&subject.0.0[0]).map(Arc::make_mut);
        if let Some(delivery) = part.and_then(|part| part.get_mut(&subject)) {
            change(delivery);
        }
    }

    fn add(&mut self, subject: Pseudonym, delivery: Delivery) {
        let part = Arc::make_mut(self.0.entry(subject.0.0[0]).or_default());
        part.entry(subject).or_insert(delivery);
    }
}

/// All messages of a notice: a fold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliveries {
    people: People,
    windows: u64,
    open: Option<Window>,
}

impl Deliveries {
    /// The number of the next window.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.windows + 1
    }

    /// Whether these can be the next outcomes of a window.
    #[must_use]
    pub fn expects(&self, window: u64, outcomes: &[Outcome]) -> bool {
        self.open.as_ref().filter(|open| open.number == window).is_some_and(|open| {
            let next = open.people[open.settled..].iter().map(|addressed| addressed.subject);
            outcomes.len() <= open.people.len() - open.settled
                && next.zip(outcomes).all(|(subject, outcome)| subject == outcome.subject)
        })
    }

    /// Everybody. Of a window that nobody has settled those that may have been begun are in doubt.
    #[must_use]
    pub fn all(&self) -> BTreeMap<Pseudonym, Delivery> {
        let mut people = self.people.clone();
        self.in_doubt(&mut people);
        people.0.values().flat_map(|part| part.iter().map(|(subject, delivery)| (*subject, *delivery))).collect()
    }

    /// How many are in each state.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<State, u64> {
        let mut counts = BTreeMap::new();
        self.all().values().for_each(|delivery| *counts.entry(delivery.state).or_default() += 1);
        counts
    }

    /// Whether anything was handed over, or was about to be.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.windows > 0
    }

    /// A window begins: whoever had begun the one before will settle nothing any more.
    pub(super) fn begin(&mut self, number: u64, ahead: u64, people: &[Addressed], at: Moment) {
        let mut all = std::mem::take(&mut self.people);
        self.in_doubt(&mut all);
        for Addressed { subject, possible } in people.iter().copied() {
            all.add(subject, Delivery { possible, state: State::Queued, code: None, status: None, attempts: 0, at });
        }
        self.people = all;
        self.windows = number;
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        self.open = Some(Window { number, ahead, people: people.to_vec(), settled: 0 });
    }

    /// What has become of the next of it.
    pub(super) fn settle(&mut self, window: u64, outcomes: &[Outcome], at: Moment) {
        if !self.expects(window, outcomes) {
            return;
        }
        for outcome in outcomes {
            self.people.change(outcome.subject, |delivery| {
                let attempts = delivery.attempts + u32::from(outcome.state != State::Queued);
                let (state, code) = (outcome.state, outcome.code);
                *delivery = Delivery { state, code, status: None, attempts, at, ..*delivery };
            });
        }
        if let Some(open) = &mut self.open {
            open.settled += outcomes.len();
            if open.settled == open.people.len() {
                self.open = None;
            }
        }
    }

    /// These have come back. What is on its way again is not touched.
    pub(super) fn bounce(&mut self, bounces: &[Bounce], at: Moment) {
        let pending = self.open.as_ref().map(|open| &open.people[open.settled..]).unwrap_or_default();
        for Bounce { subject, status } in bounces {
            if pending.iter().any(|addressed| addressed.subject == *subject) {
                continue;
            }
            self.people.change(*subject, |delivery| {
                if delivery.may_bounce() {
                    *delivery = Delivery { state: State::Bounced, code: None, status: *status, at, ..*delivery };
                }
            });
        }
    }

    fn in_doubt(&self, people: &mut People) {
        let Some(open) = &self.open else { return };
        for addressed in open.people[open.settled..].iter().take(open.ahead) {
            people.change(addressed.subject, |delivery| {
                let attempts = delivery.attempts + 1;
                *delivery = Delivery { state: State::Unknown, code: None, status: None, attempts, ..*delivery };
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u8) -> Addressed {
        Addressed { subject: Pseudonym(Subject([number; 16])), possible: number % 2 == 1 }
    }

    fn outcome(number: u8, state: State) -> Outcome {
        Outcome { subject: person(number).subject, state, code: None }
    }

    fn states(deliveries: &Deliveries) -> String {
        deliveries.all().values().map(|delivery| &delivery.state.name()[..2]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_crash_leaves_in_doubt_those_alone_that_may_have_been_begun() {
        let people: Vec<Addressed> = (0..8).map(person).collect();
        let mut all = Deliveries::default();
        all.begin(1, 3, &people, Moment::at(1));
        assert_eq!(states(&all), "un un un qu qu qu qu qu");
        all.settle(1, &[outcome(0, State::Accepted), outcome(1, State::Deferred)], Moment::at(2));
        assert_eq!(states(&all), "ac de un un un qu qu qu");
        // Whoever takes up the rest names it anew.
        all.begin(2, 3, &people[5..], Moment::at(3));
        assert_eq!(states(&all), "ac de un un un un un un");
        assert!(!all.expects(1, &[outcome(2, State::Accepted)]), "the sender before may say nothing more");
        let before = all.clone();
        all.settle(1, &[outcome(2, State::Accepted)], Moment::at(4));
        assert_eq!(all, before);
        all.settle(2, &(5..8).map(|n| outcome(n, State::Accepted)).collect::<Vec<_>>(), Moment::at(4));
        assert_eq!(states(&all), "ac de un un un ac ac ac");
        assert_eq!(all.counts()[&State::Unknown], 3);
        let delivery = all.all()[&person(5).subject];
        assert!(delivery.possible && delivery.attempts == 1 && delivery.at == Moment::at(4));
        // One that was put off is tried again, and is in doubt meanwhile.
        all.begin(3, 3, &[person(1)], Moment::at(5));
        assert_eq!(states(&all), "ac un un un un ac ac ac");
        all.settle(3, &[outcome(1, State::Bounced)], Moment::at(6));
        assert_eq!((states(&all).as_str(), all.all()[&person(1).subject].attempts), ("ac bo un un un ac ac ac", 2));
        assert_eq!(all.next(), 4);
    }

    #[test]
    fn what_was_accepted_may_come_back() {
        let mut all = Deliveries::default();
        all.begin(1, 3, &[person(0), person(1), person(2)], Moment::at(1));
        all.settle(1, &[outcome(0, State::Accepted), outcome(1, State::Deferred)], Moment::at(2));
        let bounces: Vec<Bounce> =
            (0..4).map(|n| Bounce { subject: person(n).subject, status: "5.1.1".parse().ok() }).collect();
        all.bounce(&bounces, Moment::at(3));
        assert_eq!(states(&all), "bo de un", "not what was never accepted, nor what is on its way, nor somebody else");
        let delivery = all.all()[&person(0).subject];
        assert_eq!((delivery.status, delivery.at, delivery.attempts), ("5.1.1".parse().ok(), Moment::at(3), 1));
        // It is sent once more, to another address.
        all.begin(2, 3, &[person(0)], Moment::at(4));
        all.settle(2, &[outcome(0, State::Accepted)], Moment::at(5));
        assert_eq!((states(&all).as_str(), all.all()[&person(0).subject].status), ("ac de un", None));
    }

    #[test]
    fn outcomes_come_in_the_order_of_their_window() {
        let mut all = Deliveries::default();
        all.begin(1, 4, &[person(0), person(1)], Moment::at(1));
        assert!(all.expects(1, &[outcome(0, State::Accepted)]));
        assert!(!all.expects(1, &[outcome(1, State::Accepted)]));
        assert!(
            !all.expects(1, &[outcome(0, State::Accepted), outcome(1, State::Accepted), outcome(1, State::Accepted)])
        );
    }
}
