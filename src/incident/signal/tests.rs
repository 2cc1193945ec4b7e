//! Each rule fires at its threshold and not just below it. What the rules do together, and how often they are wrong, is `tests/it/month`.

mod live;

use serde_json::{Value, json};

use super::{
    fact::At,
    past::WINDOW,
    rule::Setting,
    settings::{Named, Staff},
    *,
};
use crate::{
    access::subject::{Name, Subject, Subjects},
    journal::{Class, Kind, search::Line},
    registry::PersonId,
    seal::Ring,
};

/// Monday, 2026-11-02, in UTC.
const MONDAY: u64 = 1_793_577_600;
const DAY: u64 = 86_400;
const HOUR: u64 = 3600;

pub(super) fn subject(n: u32) -> Subject {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Subject(bytes)
}

pub(super) fn line(index: u64, seconds: u64, kind: Kind, body: Value) -> Line {
    let Value::Object(body) = body else { panic!("an object") };
    let (time, kind) = (seconds * 1000, kind.name().to_owned());
    Line { index, time, class: Class::Access, hash: [0; 32], kind, clock_was_set: false, body }
}

pub(super) fn seen(who: &str, people: std::ops::Range<u32>) -> Value {
    let subjects: Vec<String> = people.map(|n| subject(n).text()).collect();
    json!({
        "issuer": "staff", "person": who, "roles": ["desk"], "address": "192.0.2.1", "route": "crm/", "action": "view",
        "status": 200, "people": subjects.len(), "subjects": subjects,
    })
}

/// Who looks, record by record.
struct Office {
    detector: Detector,
    index: u64,
    lines: Vec<Line>,
}

impl Office {
    fn new() -> Self {
        Self::with(Settings::default(), Lists::default())
    }

    fn with(settings: Settings, lists: Lists) -> Self {
        Self { detector: Detector::new(settings, lists), index: 0, lines: Vec::new() }
    }

    /// The rules that fire by a record.
    fn take(&mut self, seconds: u64, kind: Kind, body: Value) -> Vec<Rule> {
        let line = line(self.index, seconds, kind, body);
        self.index += 1;
        let signals = self.detector.take(&line, 0);
        self.lines.push(line);
        signals.iter().map(|signal| signal.rule).collect()
    }

    fn see(&mut self, seconds: u64, body: Value) -> Vec<Rule> {
        self.take(seconds, Kind::DisclosureDone, body)
    }

    /// So many usual days of `who`, from a Monday on: 20 people between 9 and 17 hours. Weekends are free.
    fn days(&mut self, who: &str, days: u64, people: u32) -> u64 {
        for day in (0..).filter(|day| day % 7 < 5).take(usize::try_from(days).expect("few")) {
            for hour in 0..8 {
                let first = u32::try_from(day).expect("few") * 1000 + hour * people / 8;
                let last = u32::try_from(day).expect("few") * 1000 + (hour + 1) * people / 8;
                let at = MONDAY + day * DAY + (9 + u64::from(hour)) * HOUR;
                assert_eq!(self.see(at, seen(who, first..last)), [], "day {day}");
            }
        }
        MONDAY + (days.div_ceil(5) * 7) * DAY
    }
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

#[test]
fn caps_are_for_everybody() {
    let mut office = Office::new();
    assert_eq!(office.see(MONDAY, seen("ann", 0..499)), []);
    assert_eq!(office.see(MONDAY + HOUR - 1, seen("ann", 0..499)), [], "the same people");
    assert_eq!(office.see(MONDAY + HOUR + 1, seen("ann", 499..500)), [Rule::PeopleHour]);
    assert_eq!(office.see(MONDAY + 3 * HOUR, seen("ann", 500..999)), []);
    assert_eq!(office.see(MONDAY + 3 * HOUR, seen("ann", 999..1000)), [Rule::PeopleDay], "once an hour's is told of");
    assert_eq!(office.see(MONDAY + 4 * HOUR, seen("ann", 2000..4000)), [], "and once a day's");
    assert_eq!(office.see(MONDAY + DAY, seen("ann", 0..500)), [Rule::PeopleHour], "which is over");
    let probe = with(seen("bob", 0..4000), "probe", json!(true));
    assert_eq!(office.see(MONDAY + DAY, probe), [], "nobody has asked");
    // Nobody who has not signed in is somebody of the staff.
    let body = seen("ann", 0..4);
    let mut anonymous = body.as_object().expect("an object").clone();
    anonymous.remove("person");
    assert_eq!(office.see(MONDAY, Value::Object(anonymous)), []);
}

#[test]
fn ones_own_past() {
    let mut office = Office::new();
    let next = office.days("ann", 10, 20) + 10 * HOUR;
    // Ten equal days of 20 people: the deviation is the least that is assumed, and the bound five times the most.
    assert_eq!(office.see(next, seen("ann", 0..99)), []);
    assert_eq!(office.see(next + 60, seen("ann", 99..100)), [Rule::OwnPast]);
    // Nothing is said of whom nothing is known.
    let mut office = Office::new();
    let next = office.days("ann", 7, 20) + 10 * HOUR;
    assert_eq!(office.see(next, seen("ann", 0..400)), []);
    // Nor of another duty.
    let mut office = Office::new();
    let next = office.days("ann", 10, 20) + 10 * HOUR;
    assert_eq!(office.see(next, with(seen("ann", 0..400), "roles", json!(["marketing"]))), []);
}

#[test]
fn those_with_the_same_roles() {
    let staff = ["ann", "bob", "cho", "dan", "eve", "fay", "gus"];
    let crowd = || {
        let mut office = Office::new();
        let mut lines: Vec<(u64, Value)> = Vec::new();
        for who in staff {
            let mut own = Office::new();
            own.days(who, 10, 20);
            lines.extend(own.lines.iter().map(|line| (line.time / 1000, Value::Object(line.body.clone()))));
        }
        lines.sort_by_key(|(at, _)| *at);
        for (at, body) in lines {
            assert_eq!(office.see(at, body), []);
        }
        office
    };
    let (mut office, monday) = (crowd(), MONDAY + 14 * DAY + 10 * HOUR);
    // The day before the last is closed for all by their next record.
    for who in staff {
        office.see(monday - HOUR, seen(who, 0..1));
    }
    assert_eq!(office.see(monday, seen("new", 0..99)), []);
    assert_eq!(office.see(monday + 60, seen("new", 99..100)), [Rule::Peers]);
    // A day on which all have far more to do is nobody's.
    let mut office = crowd();
    for who in staff {
        office.see(monday - HOUR, seen(who, 0..75));
    }
    assert_eq!(office.see(monday, seen("new", 0..180)), []);
}

#[test]
fn five_days_in_a_row() {
    let mut office = Office::new();
    office.days("ann", 10, 20);
    let mut told = Vec::new();
    for day in 14..19 {
        told.push(office.see(MONDAY + day * DAY + 11 * HOUR, seen("ann", 0..55)));
    }
    assert_eq!(told, [vec![], vec![], vec![], vec![], vec![Rule::Slow]], "more than two and a half times as many");
    let mut office = Office::new();
    office.days("ann", 10, 20);
    let row = |people: u32, office: &mut Office| {
        (14..19).all(|day| office.see(MONDAY + day * DAY + 11 * HOUR, seen("ann", 0..people)).is_empty())
    };
    assert!(row(45, &mut office), "not quite");
}

#[test]
fn one_by_one() {
    let mut office = Office::new();
    let mut told = Vec::new();
    for n in 0..60 {
        told = office.see(MONDAY + u64::from(n) * 9, seen("ann", n..n + 1));
        assert_eq!(told.is_empty(), n < 59, "{n}");
    }
    assert_eq!(told, [Rule::Enumeration]);
    // As people read, and lists, are none.
    let mut office = Office::new();
    assert!((0..200).all(|n| office.see(MONDAY + u64::from(n) * 11, seen("ann", n..n + 1)).is_empty()));
    assert!((0..60).all(|n| office.see(MONDAY + DAY + u64::from(n), seen("ann", 5 * n..5 * n + 5)).is_empty()));
    // Number by number, however slowly.
    let numbered = |n: u64| with(seen("bob", 0..1), "sequence", n);
    assert_eq!(office.see(MONDAY + DAY, numbered(19)), []);
    assert_eq!(office.see(MONDAY + DAY, numbered(20)), [Rule::Sequence]);
}

#[test]
fn hours_and_weekends() {
    let mut office = Office::new();
    let next = office.days("ann", 10, 20);
    assert_eq!(office.see(next + 3 * HOUR, seen("ann", 0..9)), []);
    assert_eq!(office.see(next + 3 * HOUR, seen("ann", 9..10)), [Rule::Hour]);
    // What was a signal is not learned.
    assert_eq!(office.see(next + DAY + 3 * HOUR, seen("ann", 0..10)), [Rule::Hour]);
    assert_eq!(office.see(next + 2 * DAY + 19 * HOUR, seen("ann", 0..60)), [], "three hours later than ever");
    assert_eq!(office.see(next + 3 * DAY + 20 * HOUR, seen("ann", 0..60)), [], "which is usual now");
    let saturday = next + 5 * DAY + 11 * HOUR;
    assert_eq!(office.see(saturday, seen("bob", 0..79)), [], "of whom nothing is known");
    let mut office = Office::new();
    office.days("ann", 12, 40);
    assert_eq!(office.see(MONDAY + 19 * DAY + 11 * HOUR, seen("ann", 0..79)), []);
    assert_eq!(office.see(MONDAY + 19 * DAY + 12 * HOUR, seen("ann", 79..80)), [Rule::Weekend]);
}

#[test]
fn two_places_at_once() {
    let mut office = Office::new();
    let at = office.days("ann", 10, 60) + 10 * HOUR;
    let abroad = |people| with(seen("ann", people), "address", "198.51.100.7");
    // A day somewhere else is none, as long as nothing else is odd.
    assert_eq!(office.see(at, abroad(0..60)), []);
    let mut office = Office::new();
    office.days("ann", 10, 60);
    office.see(at, seen("ann", 900..901));
    assert_eq!(office.see(at + 60, abroad(0..29)), []);
    assert_eq!(office.see(at + 120, seen("ann", 901..902)), []);
    assert_eq!(office.see(at + 180, abroad(29..30)), [Rule::Address]);
    // Its own network is another address's too.
    let mut office = Office::new();
    office.days("ann", 10, 60);
    for n in 0..40 {
        let address = if n % 2 == 0 { "192.0.99.4" } else { "192.0.2.1" };
        assert_eq!(office.see(at + u64::from(n) * 30, with(seen("ann", n..n + 1), "address", address)), []);
    }
}

#[test]
fn people_on_lists() {
    let own = [(PersonId::new("staff", "ann"), subject(1)), (PersonId::new("staff", "bob"), subject(2))];
    let known = [(PersonId::new("staff", "ann"), subject(3))];
    let vips: Vec<Subject> = (100..120).map(subject).collect();
    let settings = Settings::default();
    let mut office = Office::with(settings, Lists::new(&[subject(9)], &vips, &own, &known));
    let mut see = |who: &str, n: std::ops::Range<u32>| office.see(MONDAY, seen(who, n));
    assert_eq!(see("ann", 1..2), [Rule::OwnRecord]);
    assert_eq!(see("ann", 2..3), [], "one colleague is work");
    assert_eq!(see("ann", 3..4), [Rule::KnownPerson]);
    assert_eq!(see("bob", 3..4), [], "whom he does not know");
    assert_eq!(see("bob", 0..100), [Rule::Canary], "in whatever list");
    let told: Vec<Vec<Rule>> = (100..103).map(|n| see("cho", n..n + 1)).collect();
    assert_eq!(told, [vec![], vec![], vec![Rule::Vip]]);
    assert_eq!(see("dan", 100..110), [], "a list is no look");
    // By their own names.
    let ring = Ring::ephemeral().expect("random bytes");
    let subjects = Subjects::of(&ring);
    let named = |value: &str| Named { name: Name::Id, value: value.to_owned() };
    let staff = Staff { person: PersonId::new("staff", "ann"), name: None, own: vec![named("42")], known: Vec::new() };
    let settings = Settings { canaries: vec![named("7")], staff: vec![staff], ..Settings::default() };
    let lists = Lists::of(&settings, &ring, []);
    let mut office = Office::with(settings, lists);
    let of = |id: &str| {
        let subject = subjects.name(&Name::Id, id.as_bytes()).expect("a name").text();
        with(with(seen("ann", 0..0), "subjects", json!([subject])), "people", 1)
    };
    assert_eq!([office.see(MONDAY, of("42")), office.see(MONDAY, of("7"))], [[Rule::OwnRecord], [Rule::Canary]]);
}

#[test]
fn what_work_brings_by_chance_is_no_snooping() {
    let vips: Vec<Subject> = (0..10).map(subject).collect();
    let mut office = Office::with(Settings::default(), Lists::new(&[], &vips, &[], &[]));
    // One in twenty of whom everybody is asked to help is one of them, day by day.
    for day in 0..10 {
        for who in 0..8 {
            for n in 0..20 {
                let id = if n == 0 { (day + who) % 10 } else { 1000 + 20 * who + n };
                let at = MONDAY + u64::from(day) * DAY + u64::from(n) * 300;
                let told = office.see(at, seen(&format!("p{who}"), id..id + 1));
                assert!(day < 3 || told.is_empty(), "day {day}: {told:?}");
            }
        }
    }
}

#[test]
fn people_of_ones_own_surname() {
    let one =
        |n: u32, same: bool, share: f64| with(with(seen("ann", n..n + 1), "surname", same), "surname_share", share);
    let mut office = Office::new();
    assert_eq!(office.see(MONDAY, one(0, true, 1.0)), []);
    assert_eq!(office.see(MONDAY + DAY, one(1, true, 1.0)), []);
    assert_eq!(office.see(MONDAY + DAY, one(1, true, 1.0)), [], "the same again");
    assert_eq!(office.see(MONDAY + DAY, one(2, false, 1.0)), [], "of another");
    assert_eq!(office.see(MONDAY + DAY, with(one(3, true, 1.0), "people", 4)), [], "a list");
    assert_eq!(office.see(MONDAY + 6 * DAY, one(4, true, 1.0)), [Rule::Surname]);
    assert_eq!(office.see(MONDAY + 6 * DAY, one(5, true, 1.0)), [], "who was told of is told of again by others");
    // Eight days apart are not within seven.
    let mut office = Office::new();
    let told = [(0, 0), (7, 1), (8, 2)].map(|(day, n)| office.see(MONDAY + day * DAY, one(n, true, 1.0)));
    assert_eq!(told, [[], [], []]);
    // A Kim among Kims: one in five is what chance has.
    let mut office = Office::new();
    assert!((0..150).all(|n| office.see(MONDAY + u64::from(n) * 200, one(n, n % 5 == 0, 21.5)).is_empty()));
    // Nobody but Kims is more than that.
    let mut office = Office::new();
    let told = (0..30).map(|n| office.see(MONDAY + u64::from(n) * 200, one(n, true, 21.5)));
    let first = told.into_iter().position(|told| told == [Rule::Surname]);
    assert!(first.is_some_and(|n| (8..20).contains(&n)), "{first:?}");
    // Where one is enough, nobody asks what chance brings.
    let setting = Setting { threshold: 1, ..Rule::Surname.usual() };
    let mut office =
        Office::with(Settings { rules: [(Rule::Surname, setting)].into(), ..Settings::default() }, Lists::default());
    assert_eq!(office.see(MONDAY, one(0, true, 21.5)), [Rule::Surname]);
}

#[test]
fn many_changes() {
    let mut office = Office::new();
    let change = |n: u32, action: &str| with(seen("ann", n..n + 1), "action", action);
    for n in 0..99 {
        assert_eq!(office.see(MONDAY + 20 * u64::from(n), change(n, "change")), []);
    }
    assert_eq!(office.see(MONDAY + 1990, with(change(99, "change"), "status", 422)), [], "which was refused");
    assert_eq!(office.see(MONDAY + 1990, change(99, "change")), [Rule::Bulk]);
    for n in 0..19 {
        assert_eq!(office.see(MONDAY + DAY + 20 * u64::from(n), change(n, "delete")), []);
    }
    assert_eq!(office.see(MONDAY + DAY + HOUR - 1, change(99, "delete")), [Rule::BulkDelete]);
}

#[test]
fn what_is_exposed() {
    let mut office = Office::new();
    let anonymous = |people: std::ops::Range<u32>| {
        let mut body = seen("", people);
        body.as_object_mut().expect("an object").retain(|name, _| name != "person" && name != "issuer");
        body
    };
    assert_eq!(office.see(MONDAY, anonymous(0..4)), []);
    assert_eq!(office.see(MONDAY, anonymous(0..5)), [Rule::AnonymousAnswer]);
    for n in 5..49 {
        assert_eq!(office.see(MONDAY + 20 * u64::from(n), anonymous(n..n + 1)), [], "{n}");
    }
    assert_eq!(office.see(MONDAY + HOUR - 10, anonymous(49..50)), [Rule::AnonymousPeople]);
    let requests = |n: u64| json!({ "route": "shop/", "requests": n });
    assert_eq!(office.take(MONDAY, Kind::ExposureUrl, requests(9)), []);
    assert_eq!(office.take(MONDAY + DAY - 1, Kind::ExposureUrl, requests(1)), [Rule::Url]);
    assert_eq!(office.take(MONDAY, Kind::ExposureCleartext, requests(4)), []);
    assert_eq!(office.take(MONDAY, Kind::ExposureCleartext, requests(1)), [Rule::Cleartext]);
}

#[test]
fn the_gateway_itself() {
    let kept = [731, 1096, 366].map(|days| std::time::Duration::from_secs(days * DAY));
    let mut office = Office::with(Settings { kept, ..Settings::default() }, Lists::default());
    let mut take = |day: u64, kind, body| office.take(MONDAY + day * DAY, kind, body);
    let destroyed = |day: &str| json!({ "class": "access", "day": day });
    assert_eq!(take(0, Kind::KeyDestroyed, destroyed("2024-10-31")), []);
    assert_eq!(take(0, Kind::KeyDestroyed, destroyed("2024-11-01")), [Rule::Journal], "a day early");
    assert_eq!(take(1, Kind::WitnessFailed, json!({ "alarm": false })), []);
    assert_eq!(take(1, Kind::WitnessFailed, json!({ "alarm": true })), [Rule::Journal]);
    assert_eq!(take(2, Kind::JournalRecovered, json!({})), [Rule::Journal]);
    assert_eq!(take(3, Kind::JournalResumed, json!({ "records_lost": 0 })), []);
    assert_eq!(take(3, Kind::JournalResumed, json!({ "records_lost": 1 })), [Rule::Journal]);
    let refused: Vec<_> = (0..5).map(|_| take(4, Kind::ConfigRefused, json!({}))).collect();
    assert_eq!(refused, [vec![], vec![], vec![], vec![], vec![Rule::Configuration]]);
    let infected = |refused: bool| json!({ "route": "up/", "refused": refused });
    assert!((0..9).all(|_| take(5, Kind::MalwareFound, infected(true)).is_empty()));
    assert_eq!(take(5, Kind::MalwareFound, infected(true)), [Rule::Malware]);
    assert_eq!(take(6, Kind::MalwareFound, infected(false)), [Rule::Malware]);
    let attempt = |n: u64| json!({ "login": "realm staff", "account": format!("a{n}"), "address": "bot" });
    assert!((0..9).all(|n| take(7, Kind::SignInFailure, attempt(n)).is_empty()));
    assert_eq!(take(7, Kind::SignInSuccess, attempt(99)), [], "nine, and one opens");
    assert!((0..10).all(|n| take(8, Kind::SignInFailure, attempt(n)).is_empty()));
    assert_eq!(take(8, Kind::SignInSuccess, attempt(99)), [Rule::Stuffing]);
    let stuffed = |n: u64| json!({ "login": "shop", "account": "a", "address": "b", "failures": n });
    assert_eq!(
        [take(9, Kind::LoginStuffed, stuffed(9)), take(9, Kind::LoginStuffed, stuffed(10))],
        [vec![], vec![Rule::Stuffing]]
    );
}

#[test]
fn thresholds_are_the_configurations_and_rules_can_be_off() {
    let mut settings = Settings::default();
    settings.rules.insert(Rule::PeopleHour, rule::Setting { on: true, threshold: 3, ..Rule::PeopleHour.usual() });
    settings.rules.insert(Rule::PeopleDay, rule::Setting { on: false, ..Rule::PeopleDay.usual() });
    let mut office = Office::with(settings, Lists::default());
    assert_eq!(office.see(MONDAY, seen("ann", 0..2)), []);
    assert_eq!(office.see(MONDAY, seen("ann", 2..2000)), [Rule::PeopleHour]);
}

#[test]
fn a_flood_brings_few_signals_and_nothing_of_a_record_is_shown() {
    let mut office = Office::new();
    let malware = |n: u64| json!({ "route": format!("r{n}/"), "refused": false });
    let told: usize = (0..100).map(|n| office.take(MONDAY, Kind::MalwareFound, malware(n)).len()).sum();
    assert_eq!(told, 20);
    let signal = Detector::new(Settings::default(), Lists::default())
        .take(&line(0, MONDAY, Kind::DisclosureDone, seen("ann", 0..500)), 7);
    assert_eq!(signal[0].evidence, [7]);
    assert!(!format!("{signal:?}").contains("ann"));
    assert_eq!(At::new(MONDAY, 0).day + 1, At::new(MONDAY + DAY, 0).day);
    const { assert!(WINDOW > 7) };
}

#[test]
fn planted_canaries() {
    use std::sync::Arc;

    use crate::{
        access::canary::{Holder, Seeds},
        privacy::mask::settings::{Canaries, Ids},
    };
    let ids = Ids::parse("9000000-9999999").ok();
    let rule = Arc::new(Canaries { mail: "shop.example".into(), ids, phone: Canaries::PHONE.into(), least: 4 });
    let settings = Settings { planted: vec![("crm/".to_owned(), Arc::clone(&rule))], ..Settings::default() };
    let ring = Ring::ephemeral().expect("random bytes");
    let (subjects, seeds) = (Subjects::of(&ring), Seeds::of(&ring));
    let [ann, bob] = ["ann", "bob"].map(|name| PersonId::new("staff", name));
    // Ann is known by the registry, Bob by what he does.
    let mut office = Office::with(settings.clone(), Lists::of(&settings, &ring, [&ann]));
    let [of_ann, of_bob] = [&ann, &bob].map(|person| seeds.canary(person, "crm/", &rule));
    let text = |name: Name, value: &str| subjects.name(&name, value.as_bytes()).expect("a name").text();
    let id = |canary: &crate::privacy::mask::canary::Canary| text(Name::Id, canary.id().expect("an id"));
    let opens = |who: &str, subject: String| with(with(seen(who, 0..0), "subjects", json!([subject])), "people", 1);
    let mut see = |body: Value| {
        let line = line(office.index, MONDAY, Kind::DisclosureDone, body);
        office.index += 1;
        office.detector.take(&line, 0)
    };
    assert!(see(opens("ann", id(&of_ann))).is_empty(), "from her own list");
    assert!(see(opens("bob", id(&of_bob))).is_empty(), "from his own");
    let told = see(opens("bob", id(&of_ann)));
    let holder = |person: &PersonId| Holder { person: person.clone(), route: "crm/".into() };
    assert_eq!((told.len(), told[0].rule, &told[0].who), (1, Rule::Canary, &Who::Person(bob.clone())));
    assert_eq!(told[0].planted, [holder(&ann)]);
    // In a query, by somebody whom nobody knows.
    let mail = text(Name::of("email"), of_bob.mail());
    let mut body = with(with(seen("bob", 0..0), "asked", json!([mail])), "address", "198.51.100.7");
    for name in ["person", "issuer"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    let told = see(body);
    assert_eq!((told.len(), &told[0].who), (1, &Who::Address("198.51.100.7".into())));
    assert_eq!(told[0].planted, [holder(&bob)]);
    let sign = super::feed::sign(&told[0]);
    assert_eq!(sign.suspects().collect::<Vec<_>>(), [&bob]);
}
