//! All cases: a fold over events, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::{
    case::{Case, Delay, Facts, Note, Scope, Status},
    command::Change,
    event::Event,
    ledger::Fold,
};
use crate::{
    journal::Record,
    registry::{Moment, PersonId},
};

/// Signs of a case that are kept; the oldest but the first go.
const SIGNS: usize = 50;
/// Most people who are suspected by signs.
const PERSONS: usize = 50;

/// All cases.
#[derive(Clone, Default, PartialEq)]
pub struct State {
    cases: BTreeMap<u64, Case>,
    /// The highest number that was given.
    last: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} cases)", self.cases.len())
    }
}

impl State {
    /// All of them, in the order of their numbers.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    /// The case of this number.
    #[must_use]
    pub fn case(&self, number: u64) -> Option<&Case> {
        self.cases.get(&number)
    }

    /// The number of the next case.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    /// How many have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.cases().filter(|case| case.status == status).count()
    }

    /// What has to be written again at `now`, so that no record which an open case rests on is older than `most`.
    #[must_use]
    pub fn to_carry(&self, now: Moment, most: Duration) -> Vec<Event> {
        let open = self.cases().filter(|case| case.status.is_open() && now.since(case.since) >= most);
        open.map(|case| Event::Standing { next: self.next(), case: case.clone() }).collect()
    }

    fn open(&mut self, event: &Event, at: Moment) {
        let Event::Opened { case: number, title, by, known_at, change } = event else { return };
        let mut case = Case {
            number: *number,
            status: Status::Possible,
            title: title.clone(),
            opened: at,
            by: by.clone(),
            known_at: *known_at,
            confirmed: None,
            ended: None,
            responsible: None,
            scope: Scope::default(),
            facts: Facts::default(),
            count: None,
            signs: Vec::new(),
            signals: 0,
            notes: Vec::new(),
            delays: Vec::new(),
            settled: Vec::new(),
            warnings: Vec::new(),
            since: at,
        };
        case.take(change);
        self.last = self.last.max(*number);
        self.cases.insert(*number, case);
    }
}

impl Case {
    fn note(&mut self, text: &str, by: &PersonId, at: Moment) -> Note {
        let note = Note { text: text.to_owned(), by: by.clone(), at };
        self.notes.push(note.clone());
        note
    }

    fn take(&mut self, change: &Change) {
        let (scope, more) = (&mut self.scope, &change.scope);
        add(&mut scope.persons, &more.persons);
        scope.persons.retain(|person| !change.acquit.contains(person));
        add(&mut scope.addresses, &more.addresses);
        add(&mut scope.routes, &more.routes);
        add(&mut scope.requests, &more.requests);
        replace(&mut scope.since, more.since.as_ref());
        replace(&mut scope.until, more.until.as_ref());
        let facts = &mut self.facts;
        add(&mut facts.types, &change.types);
        replace(&mut facts.external_intrusion, change.external_intrusion.as_ref());
        replace(&mut facts.sensitive, change.sensitive.as_ref());
        replace(&mut facts.unique_identifiers, change.unique_identifiers.as_ref());
        replace(&mut facts.risk, change.risk.as_ref());
        facts.people.extend(change.people.clone());
        replace(&mut self.responsible, change.responsible.as_ref());
    }

    fn apply(&mut self, event: &Event, at: Moment) {
        match event {
            Event::Signalled { sign, .. } => {
                self.signals += 1;
                self.signs.push(sign.clone());
                // The first says how it began.
                if self.signs.len() > SIGNS {
                    self.signs.remove(1);
                }
                // What is looked at begins with what was seen first, and has no end while it goes on.
                if let Some(since) = self.scope.since {
                    self.scope.since = Some(since.min(sign.since));
                }
                // Where nobody is suspected it is about an address.
                if !self.scope.persons.is_empty() {
                    let more: Vec<_> = sign.suspects().take(PERSONS).cloned().collect();
                    add(&mut self.scope.persons, &more);
                    self.scope.persons.truncate(PERSONS);
                }
                // All routes are meant where none is named.
                if !self.scope.routes.is_empty() {
                    add(&mut self.scope.routes, &sign.routes);
                }
            }
            Event::Confirmed { reason, by, .. } => {
                self.note(reason, by, at);
                self.status = Status::Confirmed;
                self.confirmed.get_or_insert(at);
                self.ended = None;
            }
            Event::Cleared { reason, by, .. } => {
                self.ended = Some(self.note(reason, by, at));
                self.confirmed = None;
                self.status = Status::Cleared;
            }
            Event::Closed { reason, by, .. } => {
                self.ended = Some(self.note(reason, by, at));
                self.status = Status::Closed;
            }
            Event::Noted { text, change, by, .. } => {
                self.note(text, by, at);
                self.take(change);
            }
            Event::Delayed { law, duty, reason, by, .. } => self.delays.push(Delay {
                law: law.clone(),
                duty: duty.clone(),
                reason: reason.clone(),
                by: by.clone(),
                at,
            }),
            Event::Counted { count, types, .. } => {
                self.count = Some(*count);
                add(&mut self.facts.types, types);
            }
            Event::Settled { settled, .. } => self.settled.push(settled.clone()),
            Event::Warned { warning, .. } => {
                let same = |w: &super::case::Warning| w.law == warning.law && w.duty == warning.duty;
                self.warnings.retain(|known| !same(known));
                self.warnings.push(warning.clone());
            }
            Event::Opened { .. } | Event::Standing { .. } | Event::Traced { .. } => {}
        }
    }
}

fn add<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !known.contains(one) {
            known.push(one.clone());
        }
    }
}

fn replace<T: Clone>(known: &mut Option<T>, other: Option<&T>) {
    if let Some(other) = other {
        *known = Some(other.clone());
    }
}

impl Fold for State {
    type Event = Event;

    fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Event, serde_json::Error>> {
        Event::read(kind, body)
    }

    fn record(event: &Event) -> Option<Record> {
        event.record()
    }

    fn apply(&mut self, event: &Event, at: Moment) {
        match event {
            Event::Opened { .. } => self.open(event, at),
            Event::Standing { next, case } => {
                self.last = self.last.max(next.saturating_sub(1)).max(case.number);
                self.cases.insert(case.number, Case { since: at, ..case.clone() });
            }
            event => {
                if let Some(case) = self.cases.get_mut(&event.case()) {
                    case.apply(event, at);
                }
            }
        }
    }
}
