use super::*;
use crate::registry::{Actor, Command, Role, command::Terms, decide, view};

const DAY: u64 = 86_400;
const START: u64 = 1_800_000_000;

fn at(days: u64) -> Moment {
    Moment::at(START + days * DAY)
}

fn who(name: &str) -> PersonId {
    PersonId::new("staff", name)
}

/// Its officers are `one` and `two`; `ann` may something.
struct Desk {
    state: State,
    rules: Settings,
    day: u64,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self { state: State::default(), rules: Settings::default(), day: 0 };
        let found = Command::Found { officers: vec![who("one"), who("two")], texts: BTreeMap::new() };
        desk.run(found, &Actor::Gateway).expect("founded");
        let role = Role::new("marketing").expect("a role");
        let terms = Terms { role, duty: None, reason: "newsletter".into(), start: None, until: None };
        desk.ask("one", Command::Grant { person: who("ann"), terms }).expect("given");
        desk
    }

    fn run(&mut self, command: Command, actor: &Actor) -> Result<Vec<Event>, Denied> {
        let now = std::time::UNIX_EPOCH + Duration::from_millis(at(self.day).millis());
        let events = decide(&self.state, &self.rules, command, actor, now)?;
        for event in &events {
            // As it is read again.
            let serde_json::Value::Object(mut body) = json!(event) else { unreachable!() };
            body.remove("kind");
            let read = Event::read(event.kind().name(), body).expect("ours").expect("read");
            assert!(read == *event);
            self.state.apply(&read, at(self.day));
        }
        Ok(events)
    }

    fn ask(&mut self, by: &str, command: Command) -> Result<Vec<Event>, Denied> {
        self.run(command, &Actor::Person(who(by)))
    }

    fn overdue(&self) -> bool {
        let found = view::findings(&self.state, &self.rules, at(self.day));
        found.iter().any(|finding| finding.amiss == view::Amiss::Unreviewed)
    }
}

fn chosen(record: u64, person: Option<&str>) -> Chosen {
    let rules = vec![Rule::Night];
    Chosen { record, person: person.map(who), drawn: false, rules, result: None }
}

/// A review of days, with records 1 of `ann`, 2 of `one`, 3 of nobody.
fn open(since: Option<u64>, until: Option<u64>) -> Command {
    let records = vec![chosen(1, Some("ann")), chosen(2, Some("one")), chosen(3, None)];
    let unusual = BTreeMap::from([(Rule::Night, 3)]);
    let drawn = Drawn { seed: "5eed".into(), read: Ends(vec![9]), total: 3, unread: 0, unusual, records };
    Command::OpenReview { since: since.map(at), until: until.map(at), sample: None, drawn }
}

fn judge(records: &[u64], verdict: Verdict, action: Option<&str>) -> Command {
    let opinion = Opinion { verdict, result: "looked at".into(), action: action.map(str::to_owned) };
    Command::Judge { records: records.to_vec(), opinion }
}

fn well(records: &[u64]) -> Command {
    judge(records, Verdict::Ok, None)
}

fn sign() -> Command {
    Command::SignReview { review: None }
}

#[test]
fn what_is_denied_and_why() {
    let with_sample = |n| {
        let Command::OpenReview { drawn, .. } = open(None, None) else { unreachable!() };
        Command::OpenReview { since: None, until: None, sample: Some(n), drawn }
    };
    let huge = || {
        let Command::OpenReview { mut drawn, .. } = open(None, None) else { unreachable!() };
        drawn.records = (0..4000).map(|n| chosen(n, Some("ann"))).collect();
        Command::OpenReview { since: None, until: None, sample: None, drawn }
    };
    let result = |text: &str| {
        let opinion = Opinion { verdict: Verdict::Ok, result: text.into(), action: None };
        Command::Judge { records: vec![1], opinion }
    };
    let table: Vec<(&str, Command, Denied)> = vec![
        ("ann", open(Some(20), Some(25)), Denied::NotAnOfficer),
        ("one", open(Some(20), Some(31)), Denied::NotOver),
        ("one", open(Some(25), Some(25)), Denied::NotOver),
        ("one", with_sample(0), Denied::Sample(MOST)),
        ("one", with_sample(MOST + 1), Denied::Sample(MOST)),
        ("two", open(Some(9), Some(25)), Denied::Open),
        ("one", well(&[4]), Denied::NotReviewed),
        ("one", well(&[1, 4]), Denied::NotReviewed),
        ("one", well(&[]), Denied::NotReviewed),
        ("ann", well(&[3]), Denied::NotAnOfficer),
        ("ann", well(&[2]), Denied::NotAnOfficer),
        ("one", well(&[2]), Denied::Oneself),
        ("one", well(&[1, 2]), Denied::Oneself),
        ("one", judge(&[1], Verdict::Finding, None), Denied::NoAction),
        ("one", judge(&[1], Verdict::Finding, Some(" ")), Denied::Text("action", REASON)),
        ("one", result("\u{1b}[2J"), Denied::Text("result", REASON)),
        ("ann", sign(), Denied::NotAnOfficer),
        ("one", sign(), Denied::Unjudged(3)),
        ("one", Command::SignReview { review: Some(99) }, Denied::NoReview),
    ];
    for (number, (by, command, expected)) in table.into_iter().enumerate() {
        let mut desk = Desk::new();
        desk.day = 10;
        desk.ask("one", open(None, None)).expect("opened");
        desk.day = 30;
        assert_eq!(desk.ask(by, command), Err(expected), "{number}");
    }
    let mut desk = Desk::new();
    desk.day = 10;
    assert_eq!(desk.ask("one", huge()), Err(Denied::LongReview));
    assert_eq!(desk.ask("one", sign()), Err(Denied::NoReview));
    let shown = format!("{:?}", (open(None, None), well(&[1]), desk.state));
    assert!(!shown.contains("ann") && !shown.contains("looked"), "{shown}");
}

#[test]
fn every_record_has_a_result_of_somebody_elses_before_it_is_signed() {
    let mut desk = Desk::new();
    desk.day = 30;
    assert!(!desk.overdue());
    desk.ask("one", open(None, None)).expect("opened");
    desk.ask("one", well(&[1, 3])).expect("judged");
    assert_eq!(desk.ask("one", sign()), Err(Denied::Unjudged(1)));
    desk.ask("two", judge(&[2], Verdict::Finding, Some("asked for the reason"))).expect("judged");
    // A second look takes the place of the first.
    desk.ask("two", judge(&[3], Verdict::Finding, Some("closed the route"))).expect("judged");
    desk.day = 38;
    assert!(desk.overdue(), "results alone are no review");
    let events = desk.ask("one", sign()).expect("signed");
    assert!(matches!(events[..], [Event::ReviewSigned { ok: 1, findings: 2, .. }]));
    assert!(!desk.overdue());
    assert_eq!(desk.ask("one", Command::SignReview { review: Some(4) }), Err(Denied::Signed));
    assert_eq!(desk.ask("two", well(&[1])), Err(Denied::NotReviewed), "what is signed stays");
    let shown = view::review(&desk.state, 4);
    assert_eq!(
        (&shown["seed"], &shown["unjudged"], &shown["by_rule"]["night"]),
        (&json!("5eed"), &json!(0), &json!(3))
    );
    assert_eq!(view::review(&desk.state, 5), json!({}));
}

#[test]
fn the_only_officers_records_are_looked_at_by_somebody_else() {
    let mut desk = Desk::new();
    desk.day = 10;
    desk.ask("one", open(None, None)).expect("opened");
    desk.ask("one", Command::Leave { person: who("two"), reason: None }).expect("left");
    assert_eq!(desk.ask("one", well(&[2])), Err(Denied::Oneself));
    assert_eq!(desk.ask("ann", well(&[2, 3])), Err(Denied::NotAnOfficer), "what is not the officer's is");
    assert_eq!(desk.ask("ann", well(&[1])), Err(Denied::NotAnOfficer));
    assert_eq!(desk.ask("eve", well(&[2])), Err(Denied::NotAnOfficer));
    desk.ask("ann", well(&[2])).expect("judged");
    desk.ask("one", well(&[1, 3])).expect("judged");
    desk.ask("one", sign()).expect("signed");
}

#[test]
fn a_period_that_is_left_out_is_overdue_for_ever() {
    let mut desk = Desk::new();
    let review = |desk: &mut Desk, since: Option<u64>, until: Option<u64>| {
        desk.ask("one", open(since, until)).expect("opened");
        desk.ask("two", well(&[1, 2, 3])).expect("judged");
        desk.ask("two", sign()).expect("signed");
    };
    let up_to = |desk: &Desk| desk.state.reviewed().map(|reviewed| reviewed.until);
    desk.day = 40;
    assert!(desk.overdue(), "since the founding");
    review(&mut desk, Some(10), None);
    assert!(up_to(&desk) == Some(at(0)) && desk.overdue());
    review(&mut desk, None, Some(15));
    assert!(up_to(&desk) == Some(at(40)) && !desk.overdue(), "what was reviewed before counts now");
    // The next goes on where this one ended, also with what was written too late for it.
    desk.day = 77;
    assert!(!desk.overdue());
    desk.day = 78;
    assert!(desk.overdue());
    let events = desk.ask("one", open(None, None)).expect("opened");
    let [Event::ReviewOpened { review: next }] = &events[..] else { unreachable!() };
    assert_eq!((next.since, next.until, next.late.clone()), (at(40), at(78), Some(Ends(vec![9]))));
    // Carried on, what is open is open still, and what is reviewed stays so without the old records.
    let mut later = State::default();
    let events = desk.state.to_carry(at(900), Duration::from_secs(500 * DAY));
    for event in &events {
        later.apply(event, at(900));
    }
    assert_eq!((later.reviewed(), later.reviews().count()), (desk.state.reviewed(), 1));
    desk.state = later;
    desk.ask("two", well(&[1, 2, 3])).expect("judged");
    desk.ask("two", sign()).expect("signed");
    assert_eq!(up_to(&desk), Some(at(78)));
}

#[test]
fn nobody_sends_what_was_drawn() {
    let sent = json!(open(None, None));
    assert!(sent.get("drawn").is_none(), "{sent}");
    let mut forged = sent;
    forged["drawn"] = json!({ "seed": "", "read": 0, "total": 0, "unread": 0, "unusual": {}, "records": [] });
    let read: Command = serde_json::from_value(forged).expect("an order");
    assert!(matches!(read, Command::OpenReview { drawn, .. } if drawn == Drawn::default()));
}
