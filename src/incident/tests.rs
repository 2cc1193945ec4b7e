use std::time::Duration;

use super::{
    case::{Level, Outcome, Risk, Scope, Severity, Sign},
    clock::{Applies, Clock, clocks, nearest, warnings},
    command::Change,
    ledger::Fold as _,
    *,
};
use crate::registry::{self, Moment, PersonId};

const HOUR: u64 = 3600;

fn start() -> Moment {
    Moment::parse("2026-11-02T09:00:00Z").expect("a time")
}

fn who(name: &str) -> PersonId {
    PersonId::new("staff", name)
}

/// An office with cases in memory: `one` and `two` are its officers.
struct Desk {
    officers: registry::State,
    state: State,
    rules: Settings,
    now: Moment,
}

impl Desk {
    fn new(laws: &[&str]) -> Self {
        let found = registry::Command::Found {
            officers: vec![who("one"), who("two")],
            texts: std::collections::BTreeMap::default(),
        };
        let time = std::time::UNIX_EPOCH + Duration::from_millis(start().millis());
        let rules = registry::Settings::default();
        let mut officers = registry::State::default();
        let events = registry::decide(&officers, &rules, found, &registry::Actor::Gateway, time).expect("founded");
        for event in &events {
            officers.apply(event, start());
        }
        let laws = laws.iter().map(|law| (*law).to_owned()).collect();
        Self { officers, state: State::default(), rules: Settings { laws, ..Settings::default() }, now: start() }
    }

    fn run(&mut self, command: Command, actor: &Actor) -> Result<Vec<Event>, Denied> {
        let events = decide::decide(&self.state, &self.officers, &self.rules, command, actor, self.now)?;
        for event in &events {
            // As it comes back from a journal.
            let record = event.record().expect("a record");
            let read = Event::read(record.kind().name(), record.body().clone()).expect("ours").expect("whole");
            assert!(read == *event, "{event:?}");
            self.state.apply(&read, self.now);
        }
        Ok(events)
    }

    fn ask(&mut self, by: &str, command: Command) -> Result<Vec<Event>, Denied> {
        self.run(command, &Actor::Person(who(by)))
    }

    fn does(&mut self, by: &str, command: Command) {
        self.ask(by, command).expect("done");
    }

    fn case(&self, number: u64) -> &Case {
        self.state.case(number).expect("a case")
    }

    fn clock(&self, law: &str, duty: &str) -> Clock<'_> {
        let all = clocks(self.case(1), &self.rules.laws);
        all.into_iter().find(|clock| clock.law.id == law && clock.duty.id == duty).expect("a clock")
    }

    fn applies(&self, law: &str, duty: &str) -> Applies {
        self.clock(law, duty).applies
    }

    fn pass(&mut self, hours: u64) -> Vec<(String, Level)> {
        self.now = self.now.after(Duration::from_secs(hours * HOUR));
        let told = warnings(&self.state, &self.rules.laws, self.now);
        for event in &told {
            self.state.apply(event, self.now);
        }
        assert!(warnings(&self.state, &self.rules.laws, self.now).is_empty(), "each is told of once");
        let level = |event: &Event| match event {
            Event::Warned { warning, .. } => (warning.duty.clone(), warning.level),
            other => panic!("{other:?}"),
        };
        told.iter().map(level).collect()
    }
}

fn open(change: Change) -> Command {
    Command::Open { title: "pages of customers".into(), known_at: None, change }
}

fn reason(text: &str) -> String {
    text.to_owned()
}

fn note(change: Change) -> Command {
    Command::Note { case: 1, text: "looked at".into(), change }
}

fn suspected(name: &str) -> Change {
    Change { scope: Scope { persons: vec![who(name)], ..Scope::default() }, ..Change::default() }
}

fn settle(law: &str, duty: &str, outcome: Outcome, reference: Option<&str>) -> Command {
    let reference = reference.map(str::to_owned);
    Command::Settle { case: 1, law: law.into(), duty: duty.into(), outcome, at: None, reference }
}

#[test]
fn a_case_goes_its_way_and_no_other() {
    let mut desk = Desk::new(&["kr-pipa"]);
    desk.does("one", open(suspected("mallory")));
    assert_eq!((desk.case(1).status, desk.case(1).known_at), (Status::Possible, start()));
    let confirm = || Command::Confirm { case: 1, reason: reason("seen in the records") };
    let clear = || Command::Clear { case: 1, reason: reason("a drill") };
    let close = || Command::Close { case: 1, reason: reason("all done") };
    assert_eq!(desk.ask("nobody", confirm()), Err(Denied::NotAnOfficer));
    assert_eq!(desk.run(confirm(), &Actor::Gateway), Err(Denied::Own));
    assert_eq!(desk.ask("one", close()), Err(Denied::Status("possible")));
    assert_eq!(desk.ask("one", Command::Confirm { case: 2, reason: reason("x") }), Err(Denied::NoCase));
    assert_eq!(desk.ask("one", Command::Confirm { case: 1, reason: reason(" ") }), Err(Denied::Text("reason", 500)));
    desk.does("one", clear());
    assert!(clocks(desk.case(1), &desk.rules.laws).iter().all(|clock| clock.applies == Applies::No));
    assert_eq!(desk.ask("one", clear()), Err(Denied::Status("cleared")));
    desk.does("two", confirm());
    assert_eq!(desk.ask("two", confirm()), Err(Denied::Status("confirmed")));
    // Two duties are open: the notice, and the report of which nobody has said whether it is one.
    assert_eq!(desk.ask("one", close()), Err(Denied::Due(2)));
    desk.does("one", settle("kr-pipa", "notice", Outcome::Done, None));
    assert_eq!(desk.ask("one", settle("kr-pipa", "report", Outcome::NotDue, None)), Err(Denied::Text("reason", 200)));
    desk.does("one", settle("kr-pipa", "report", Outcome::NotDue, Some("12 people, nothing sensitive")));
    desk.does("one", close());
    assert_eq!(desk.case(1).status, Status::Closed);
    for command in [confirm(), clear(), close(), settle("kr-pipa", "report", Outcome::Done, None)] {
        assert_eq!(desk.ask("one", command), Err(Denied::Status("closed")));
    }
    // What is learned later can still be written down.
    desk.does("one", note(Change::default()));
}

#[test]
fn whoever_is_suspected_decides_nothing_and_the_clock_runs() {
    let mut desk = Desk::new(&["kr-pipa"]);
    assert_eq!(desk.ask("one", open(suspected("one"))), Err(Denied::Suspect));
    desk.does("two", open(suspected("one")));
    let commands = || {
        [
            Command::Confirm { case: 1, reason: reason("x") },
            Command::Clear { case: 1, reason: reason("x") },
            Command::Close { case: 1, reason: reason("x") },
            note(Change { acquit: vec![who("one")], ..Change::default() }),
            Command::Delay { case: 1, law: None, duty: None, reason: reason("x") },
            Command::Count { case: 1, confirmed: 0, possible: 0, unattributed: 0, types: Vec::new() },
            settle("kr-pipa", "notice", Outcome::NotDue, Some("x")),
        ]
    };
    for command in commands() {
        assert_eq!(desk.ask("one", command), Err(Denied::Suspect));
    }
    assert_eq!(desk.pass(73).iter().map(|(_, level)| *level).collect::<Vec<_>>(), [Level::Out; 3]);
    desk.does("two", note(Change { acquit: vec![who("one")], ..Change::default() }));
    desk.does("one", Command::Confirm { case: 1, reason: reason("x") });
    assert_eq!(desk.clock("kr-pipa", "notice").due, Some(start().after(Duration::from_secs(72 * HOUR))));
}

#[test]
fn clocks_are_told_of_once_at_each_step_and_stop_when_all_is_done() {
    let mut desk = Desk::new(&["kr-pipa"]);
    desk.does("one", open(Change::default()));
    desk.does("one", Command::Confirm { case: 1, reason: reason("seen") });
    let of = |duty: &str, level| (duty.to_owned(), level);
    assert!(desk.pass(35).is_empty());
    assert_eq!(desk.pass(1), [of("notice", Level::Half), of("report", Level::Half)]);
    assert_eq!(desk.pass(12), [of("notice", Level::Day), of("report", Level::Day)]);
    assert_eq!(nearest(&desk.state, &desk.rules.laws, desk.now)[0], ("kr-pipa".into(), "notice".into(), 24 * 3600));
    desk.does("one", settle("kr-pipa", "notice", Outcome::Done, Some("sent")));
    assert_eq!(desk.pass(18), [of("report", Level::SixHours)]);
    assert!(desk.pass(1).is_empty());
    let delay = |duty: &str| Command::Delay { case: 1, law: None, duty: Some(duty.into()), reason: reason("storm") };
    assert_eq!(desk.ask("one", delay("nothing")), Err(Denied::NoDuty));
    desk.does("one", delay("report"));
    assert!(desk.case(1).delay("kr-pipa", "report").is_some() && desk.case(1).delay("kr-pipa", "notice").is_none());
    assert_eq!(desk.pass(5), [of("report", Level::Out)], "a reason stops no clock");
    assert_eq!(desk.clock("kr-pipa", "report").left(desk.now), Some(0));
    assert!(desk.pass(1).is_empty());
    assert_eq!(nearest(&desk.state, &desk.rules.laws, desk.now), [("kr-pipa".into(), "report".into(), -3600)]);
    desk.does("one", settle("kr-pipa", "report", Outcome::Done, Some("20261102-1")));
    assert!(nearest(&desk.state, &desk.rules.laws, desk.now).is_empty());
    // A gateway that was away tells the last step alone.
    let mut away = Desk::new(&["kr-pipa"]);
    away.does("one", open(Change::default()));
    assert_eq!(away.pass(71).iter().map(|(_, level)| *level).collect::<Vec<_>>(), [Level::Hour; 3]);
}

#[test]
fn knowledge_may_be_older_than_the_case_and_not_younger() {
    let mut desk = Desk::new(&["kr-pipa"]);
    let opened = |hours: i64| Command::Open {
        title: "found by a customer".into(),
        known_at: Some(Moment::at((start().millis() / 1000).checked_add_signed(hours * 3600).expect("a time"))),
        change: Change::default(),
    };
    assert_eq!(desk.ask("one", opened(1)), Err(Denied::Time));
    desk.does("one", opened(-70));
    assert_eq!(desk.clock("kr-pipa", "notice").left(desk.now), Some(2 * 3600));
    // The law of the day on which it was known.
    let before = Moment::parse("2026-09-10T00:00:00Z").expect("a time");
    let old = Command::Open { title: "old".into(), known_at: Some(before), change: Change::default() };
    desk.does("one", old);
    let duties: Vec<_> = clocks(desk.case(2), &desk.rules.laws).iter().map(|clock| clock.duty.id.clone()).collect();
    assert_eq!(duties, ["notice", "report"]);
}

#[test]
fn thresholds_make_duties() {
    let mut desk = Desk::new(&["kr-pipa", "gdpr", "us-ca"]);
    desk.does("one", open(Change::default()));
    assert_eq!(desk.applies("kr-pipa", "possible_notice"), Applies::Yes);
    assert_eq!(desk.applies("kr-pipa", "notice"), Applies::Open, "where it is confirmed");
    desk.does("one", Command::Confirm { case: 1, reason: reason("seen") });
    assert_eq!(desk.applies("kr-pipa", "possible_notice"), Applies::No);
    assert_eq!(desk.applies("kr-pipa", "notice"), Applies::Yes);
    let no = || Change {
        external_intrusion: Some(false),
        sensitive: Some(false),
        unique_identifiers: Some(false),
        ..Change::default()
    };
    desk.does("one", note(no()));
    let count = |confirmed, possible, unattributed| {
        let types = vec!["EMAIL_ADDRESS".to_owned(), "no type".to_owned()];
        Command::Count { case: 1, confirmed, possible, unattributed, types }
    };
    for (confirmed, possible, unattributed, applies) in
        [(999, 0, 0, Applies::No), (999, 1, 0, Applies::Open), (10, 0, 1, Applies::Open), (1000, 0, 0, Applies::Yes)]
    {
        desk.does("one", count(confirmed, possible, unattributed));
        assert_eq!(desk.applies("kr-pipa", "report"), applies, "{confirmed} {possible} {unattributed}");
    }
    desk.does("one", count(12, 0, 0));
    assert_eq!(desk.case(1).facts.types, ["EMAIL_ADDRESS"]);
    for change in [
        Change { external_intrusion: Some(true), ..Change::default() },
        Change { sensitive: Some(true), ..Change::default() },
        Change { unique_identifiers: Some(true), ..Change::default() },
    ] {
        desk.does("one", note(change));
        assert_eq!(desk.applies("kr-pipa", "report"), Applies::Yes);
        desk.does("one", note(no()));
        assert_eq!(desk.applies("kr-pipa", "report"), Applies::No);
    }
    // Of risks Europe speaks alone; a law without hours has a duty and no clock.
    assert_eq!(desk.applies("gdpr", "report"), Applies::Open);
    for (risk, report, notice) in [
        (Risk::None, Applies::No, Applies::No),
        (Risk::Some, Applies::Yes, Applies::No),
        (Risk::High, Applies::Yes, Applies::Yes),
    ] {
        desk.does("one", note(Change { risk: Some(risk), ..Change::default() }));
        assert_eq!((desk.applies("gdpr", "report"), desk.applies("gdpr", "notice")), (report, notice));
    }
    assert_eq!(desk.clock("gdpr", "notice").due, None);
    // California's people are some of them, and its report waits for the notice.
    let residents = |people| Change { people: [("us-ca".to_owned(), people)].into(), ..Change::default() };
    desk.does("one", note(residents(500)));
    assert_eq!(desk.applies("us-ca", "report"), Applies::No);
    desk.does("one", note(residents(501)));
    assert_eq!((desk.applies("us-ca", "report"), desk.clock("us-ca", "report").due), (Applies::Yes, None));
    desk.pass(24);
    desk.does("one", settle("us-ca", "notice", Outcome::Done, None));
    let due = Some(desk.now.after(Duration::from_secs(15 * 24 * HOUR)));
    assert_eq!(desk.clock("us-ca", "report").due, due);
}

#[test]
fn types_of_data_tell_of_unique_identifiers() {
    let mut desk = Desk::new(&["kr-pipa"]);
    desk.does("one", open(Change { types: vec!["KR_RRN".into()], ..Change::default() }));
    desk.does("one", Command::Confirm { case: 1, reason: reason("seen") });
    assert_eq!(desk.applies("kr-pipa", "report"), Applies::Yes);
    assert_eq!(desk.clock("kr-pipa", "report").why, "a unique identifier");
}

fn sign(rule: &str, person: Option<&str>, address: Option<&str>, at: Moment) -> Command {
    let sign = Sign {
        rule: rule.into(),
        severity: Severity::High,
        at,
        person: person.map(who),
        address: address.map(str::to_owned),
        routes: vec!["shop/".into()],
        since: at,
        records: vec![7],
        measure: 300,
        threshold: 200,
        planted: Vec::new(),
    };
    Command::Signal { sign, title: "many people in an hour".into() }
}

#[test]
fn a_signal_opens_a_case_or_goes_to_an_open_one() {
    let mut desk = Desk::new(&["kr-pipa"]);
    assert_eq!(desk.ask("one", sign("people_hour", Some("mallory"), None, start())), Err(Denied::Own));
    let gives = |desk: &mut Desk, command: Command| {
        let events = desk.run(command, &Actor::Gateway).expect("done");
        events.iter().map(|event| (event.kind().name(), event.case())).collect::<Vec<_>>()
    };
    let (opened, signalled) = ("incident.opened", "incident.signalled");
    let mallory = |rule: &str, at| sign(rule, Some("mallory"), None, at);
    assert_eq!(gives(&mut desk, mallory("people_hour", start())), [(opened, 1), (signalled, 1)]);
    assert!(desk.case(1).suspects(&who("mallory")));
    assert_eq!(gives(&mut desk, mallory("people_hour", start())), [], "once a day");
    assert_eq!(gives(&mut desk, mallory("night", start())), [(signalled, 1)]);
    let tomorrow = start().after(Duration::from_secs(24 * HOUR));
    assert_eq!(gives(&mut desk, mallory("people_hour", tomorrow)), [(signalled, 1)]);
    assert_eq!(gives(&mut desk, sign("night", Some("eve"), None, start())), [(opened, 2), (signalled, 2)]);
    let from = |address| sign("anonymous", None, Some(address), start());
    assert_eq!(gives(&mut desk, from("192.0.2.1")), [(opened, 3), (signalled, 3)]);
    assert_eq!(gives(&mut desk, from("192.0.2.2")), [(opened, 4), (signalled, 4)]);
    assert_eq!(gives(&mut desk, from("192.0.2.1")), []);
    desk.does("one", Command::Clear { case: 1, reason: reason("a drill") });
    assert_eq!(gives(&mut desk, mallory("people_hour", tomorrow)), [(opened, 5), (signalled, 5)]);
    assert_eq!((desk.case(1).signals, desk.case(5).known_at), (3, tomorrow));
    for day in 0..80 {
        gives(&mut desk, mallory("people_hour", tomorrow.after(Duration::from_secs(day * 24 * HOUR))));
    }
    assert_eq!((desk.case(5).signs.len(), desk.case(5).signals, desk.case(5).signs[0].at), (50, 80, tomorrow));
}

#[test]
fn what_is_open_is_carried_on_and_fits_into_a_record() {
    let mut desk = Desk::new(&["kr-pipa"]);
    let long = "가".repeat(500);
    let many = |n: usize| (0..n).map(|i| format!("{i}{}", "r".repeat(150))).collect::<Vec<_>>();
    let scope = Scope { routes: many(50), requests: many(50), ..Scope::default() };
    desk.does("one", open(Change { scope, ..Change::default() }));
    for _ in 0..79 {
        desk.does("one", Command::Note { case: 1, text: long.clone(), change: Change::default() });
    }
    desk.does("one", Command::Note { case: 1, text: long.clone(), change: Change::default() });
    let more = Command::Note { case: 1, text: long.clone(), change: Change::default() };
    assert_eq!(desk.ask("one", more), Err(Denied::Many("notes", 80)));
    let change = Change { scope: Scope { routes: vec!["x".into()], ..Scope::default() }, ..Change::default() };
    assert!(desk.ask("one", note(change)).is_err());
    for _ in 0..20 {
        desk.does("one", Command::Delay { case: 1, law: None, duty: None, reason: long.clone() });
    }
    desk.does("one", open(Change::default()));
    desk.does("one", Command::Clear { case: 2, reason: reason("a drill") });
    let year = Duration::from_secs(365 * 24 * HOUR);
    assert!(desk.state.to_carry(desk.now, year).is_empty());
    let later = desk.now.after(year);
    let carried = desk.state.to_carry(later, year);
    assert_eq!(carried.len(), 1, "what is cleared has had its time");
    let mut fresh = State::default();
    for event in &carried {
        let text = serde_json::to_vec(event.record().expect("a record").body()).expect("text");
        assert!(text.len() < 250_000, "{}", text.len());
        fresh.apply(event, later);
    }
    assert_eq!(fresh.next(), 3, "no number is given twice");
    let known = fresh.case(1).expect("a case");
    assert_eq!(*known, Case { since: later, ..desk.case(1).clone() });
    assert!(!format!("{:?} {:?}", carried[0], desk.state).contains("r0"));
}
