use std::{collections::BTreeMap, time::Duration};

use super::{overlay::Closure, *};
use crate::{
    incident::{self, Status, case::Scope, command::Change, ledger::Fold as _},
    registry,
};

fn start() -> Moment {
    Moment::parse("2026-11-02T09:00:00Z").expect("a time")
}

fn who(name: &str) -> PersonId {
    PersonId::new("staff", name)
}

struct Desk {
    officers: registry::State,
    cases: incident::State,
    state: State,
}

impl Desk {
    /// Officers `one` and `two`; in case 2 `two` is suspected.
    fn new() -> Self {
        let found = registry::Command::Found { officers: ["one", "two"].map(who).into(), texts: BTreeMap::default() };
        let time = std::time::UNIX_EPOCH + Duration::from_millis(start().millis());
        let mut officers = registry::State::default();
        let events =
            registry::decide(&officers, &registry::Settings::default(), found, &registry::Actor::Gateway, time);
        events.expect("founded").iter().for_each(|event| officers.apply(event, start()));
        let mut desk = Self { officers, cases: incident::State::default(), state: State::default() };
        for persons in [vec![], vec![who("two")]] {
            let change = Change { scope: Scope { persons, ..Scope::default() }, ..Change::default() };
            desk.case("one", incident::Command::Open { title: "a leak".to_owned(), known_at: None, change });
        }
        desk
    }

    fn case(&mut self, by: &str, command: incident::Command) {
        let by = incident::Actor::Person(who(by));
        let rules = incident::Settings::default();
        let events =
            incident::decide::decide(&self.cases, &self.officers, &rules, command, &by, start()).expect("done");
        for event in &events {
            self.cases.apply(event, start());
        }
    }

    fn ask(&mut self, by: &str, command: Command) -> Result<Event, Refused> {
        let event = decide::decide(&self.state, &self.cases, &self.officers, command, &who(by), start())?;
        // As it comes back from a journal.
        let record = event.record().expect("a record");
        let read = Event::read(record.kind().name(), record.body().clone()).expect("ours").expect("whole");
        assert!(read == event);
        self.state.apply(&read, start());
        Ok(event)
    }

    fn take(&mut self, by: &str, what: Measure) -> Result<u64, Refused> {
        self.ask(by, Command::Take { case: 1, what, reason: "it goes on".to_owned() })?;
        Ok(self.state.last())
    }

    fn lift(&mut self, by: &str, id: u64) -> Result<Event, Refused> {
        self.ask(by, Command::Lift { id, reason: "it is over".to_owned() })
    }

    fn overlay(&self) -> Overlay {
        let overlay = Overlay::default();
        overlay.take(&self.state);
        overlay
    }
}

fn close(route: &str) -> Measure {
    Measure::Close { route: route.to_owned() }
}

#[test]
fn what_is_taken_holds_until_it_is_lifted() {
    let mut desk = Desk::new();
    assert_eq!(desk.overlay().closure("/a"), None);
    let closed = desk.take("one", close("/a")).expect("taken");
    let quarantine = Measure::Quarantine { route: "/a".to_owned() };
    desk.take("one", quarantine).expect("taken");
    desk.take("two", Measure::Mask { role: "marketing".to_owned() }).expect("taken");
    desk.take("two", Measure::Suspend { person: who("eve") }).expect("taken");
    desk.take("two", Measure::Limit { login: "/login".to_owned(), divisor: 10 }).expect("taken");
    let overlay = desk.overlay();
    assert_eq!(overlay.closure("/a"), Some(Closure::Closed), "the more of the two");
    assert_eq!(overlay.closure("/b"), None);
    assert!(overlay.masks(&["duty".to_owned(), "marketing".to_owned()]) && !overlay.masks(&["duty".to_owned()]));
    let bites = overlay.bites();
    assert!(bites.suspended.contains(&who("eve")) && bites.logins["/login"] == 10);
    desk.lift("two", closed).expect("lifted");
    assert_eq!(desk.overlay().closure("/a"), Some(Closure::Quarantined));
    assert_eq!(desk.lift("two", closed), Err(Refused::Gone));
    assert_eq!(desk.state.in_force().count(), 4);
}

#[test]
fn what_happens_once_is_no_more_to_be_lifted_and_comes_again() {
    let mut desk = Desk::new();
    let first = desk.take("one", Measure::SignInAgain).expect("done");
    desk.take("one", Measure::SignInAgain).expect("done again");
    assert_eq!(desk.lift("one", first), Err(Refused::Gone));
    assert_eq!(desk.state.in_force().count(), 0);
}

#[test]
fn the_same_holds_once() {
    let mut desk = Desk::new();
    let id = desk.take("one", Measure::Limit { login: "/login".to_owned(), divisor: 10 }).expect("taken");
    let other = Measure::Limit { login: "/login".to_owned(), divisor: 5 };
    assert_eq!(desk.take("one", other), Err(Refused::Holds(id)));
    desk.take("one", close("/a")).expect("taken");
    desk.take("one", close("/b")).expect("another");
    assert!(matches!(desk.take("one", close("/a")), Err(Refused::Holds(_))));
}

#[test]
fn nobody_but_officers_who_are_not_suspected_decides() {
    let mut desk = Desk::new();
    assert_eq!(desk.take("somebody", close("/a")), Err(Refused::NotAnOfficer));
    let other = |what| Command::Take { case: 2, what, reason: "it goes on".to_owned() };
    assert_eq!(desk.ask("two", other(close("/a"))), Err(Refused::Suspect));
    desk.ask("one", other(close("/a"))).expect("taken");
    assert_eq!(desk.lift("two", 1), Err(Refused::Suspect));
    // Whoever is suspended lifts nothing, their own suspension least of all.
    let own = desk.take("one", Measure::Suspend { person: who("two") }).expect("taken");
    assert_eq!(desk.lift("two", own), Err(Refused::Suspect));
    let nowhere = Command::Take { case: 7, what: close("/b"), reason: "x".to_owned() };
    assert_eq!(desk.ask("one", nowhere), Err(Refused::NoCase));
    let bare = Command::Take { case: 1, what: close("/b"), reason: " ".to_owned() };
    assert_eq!(desk.ask("one", bare), Err(Refused::Text("reason", 500)));
    for divisor in [0, 1, 1001] {
        let limit = Measure::Limit { login: "x".to_owned(), divisor };
        assert_eq!(desk.take("one", limit), Err(Refused::Divisor));
    }
    assert_eq!(desk.lift("one", 99), Err(Refused::NoMeasure));
}

#[test]
fn what_holds_is_carried_on_and_outlives_its_case() {
    let mut desk = Desk::new();
    let id = desk.take("one", close("/a")).expect("taken");
    desk.take("one", Measure::RotateKey).expect("done");
    let later = Moment::parse("2028-11-02T09:00:00Z").expect("a time");
    let day = Duration::from_secs(86_400);
    assert!(desk.state.to_carry(start(), day).is_empty());
    let carried = desk.state.to_carry(later, day);
    assert_eq!(carried.len(), 1, "what has happened once is not carried on");
    let mut state = State::default();
    for event in &carried {
        state.apply(event, later);
    }
    assert_eq!((state.last(), state.taken(id).map(Taken::holds)), (2, Some(true)));
    assert!(state.to_carry(later, day).is_empty());
    desk.case("one", incident::Command::Clear { case: 1, reason: "nothing".to_owned() });
    desk.case("one", incident::Command::Close { case: 1, reason: "nothing".to_owned() });
    assert_eq!(desk.cases.case(1).map(|case| case.status), Some(Status::Closed));
    assert_eq!(desk.take("one", close("/b")), Err(Refused::Over));
    desk.lift("one", id).expect("a measure of a closed case can be lifted");
}
