use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{
    command::Command,
    decide::{Around, decide},
    delivery::{Addressed, Outcome, Pseudonym, State as Delivered, Way},
    denied::Denied,
    draft::{self, Texts},
    event::Event,
    page,
    settings::Settings,
    state::State,
    wording::Language,
};
use crate::{
    access::subject::Subject,
    dial::address::Address,
    incident::{
        self,
        case::Opener,
        command::{Actor, Change},
        ledger::Fold as _,
    },
    registry::{self, Moment, PersonId, grant::Grant, person::Role},
};

fn at(hour: u64) -> Moment {
    Moment::parse("2026-11-02T00:00:00Z").expect("a time").after(Duration::from_secs(hour * 3600))
}

fn person(name: &str) -> PersonId {
    PersonId::new("staff", name)
}

struct World {
    cases: incident::State,
    registry: registry::State,
    settings: Settings,
    state: State,
    now: Moment,
}

impl World {
    /// Three officers, of whom the third is suspected in the only case.
    fn new() -> Self {
        let grant = |(id, name): (u64, &str)| Grant {
            id,
            person: person(name),
            role: Role::officer(),
            duty: None,
            reason: "founding".to_owned(),
            by: None,
            confirmed_by: None,
            start: at(0),
            until: None,
            certified: at(0),
            ended: None,
        };
        let mut registry = registry::State::default();
        let grants = [(1, "one"), (2, "two"), (3, "eve")].map(grant).to_vec();
        registry.apply(&registry::Event::Founded { grants }, at(0));
        let mut cases = incident::State::default();
        let mut change = Change { types: vec!["KR_RRN".to_owned(), "EMAIL_ADDRESS".to_owned()], ..Change::default() };
        change.scope.persons = vec![person("eve")];
        let (title, by) = ("export at night".to_owned(), Opener::Person(person("one")));
        cases.apply(&incident::Event::Opened { case: 1, title, by, known_at: at(0), change }, at(0));
        let page = super::settings::Page {
            address: Address::parse("https://shop.example").expect("an address"),
            ca: None,
            every: Duration::from_secs(3600),
        };
        let settings = Settings {
            organisation: Some("Shop".to_owned()),
            contact: Some("privacy@shop.example, 02-000-0000".to_owned()),
            page: Some(page),
            ..Settings::default()
        };
        Self { cases, registry, settings, state: State::default(), now: at(1) }
    }

    fn ask(&mut self, actor: &Actor, command: Command) -> Result<Event, Denied> {
        let around = Around { cases: &self.cases, registry: &self.registry, settings: &self.settings, now: self.now };
        let event = decide(&self.state, &around, command, actor)?.remove(0);
        // As it comes out of the journal.
        let body = event.record().expect("a record").body().clone();
        let read = Event::read(event.kind().name(), body).expect("ours").expect("readable");
        assert!(read == event);
        self.state.apply(&read, self.now);
        Ok(read)
    }

    fn officer(&mut self, name: &str, command: Command) -> Result<Event, Denied> {
        self.ask(&Actor::Person(person(name)), command)
    }

    fn draft(&mut self, name: &str, texts: Texts) -> Result<String, Denied> {
        let command = Command::Draft { case: 1, law: "kr-pipa".to_owned(), duty: "notice".to_owned(), texts };
        match self.officer(name, command)? {
            Event::Drafted { sha256, .. } => Ok(sha256),
            other => panic!("{other:?}"),
        }
    }

    fn approve(&mut self, name: &str, sha256: &str) -> Result<Event, Denied> {
        self.officer(name, Command::Approve { case: 1, notice: 1, sha256: sha256.to_owned() })
    }

    fn send(&mut self, name: &str) -> Result<Event, Denied> {
        self.officer(name, Command::Send { case: 1, notice: 1, way: Way::Mail, recipients: 2, again: Vec::new() })
    }
}

fn texts(language: Language, said: &[(&str, &str)]) -> Texts {
    let own: BTreeMap<String, String> =
        said.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Texts::from([(language, own)])
}

fn all(language: Language) -> Texts {
    texts(
        language,
        &[
            ("when_how", "야간에 반출되었습니다."),
            ("self_help", "비밀번호를 바꾸세요."),
            ("measures", "계정을 정지하였습니다."),
            ("redress", "분쟁조정을 신청할 수 있습니다."),
        ],
    )
}

#[test]
fn nothing_is_written_while_an_item_is_empty() {
    let mut world = World::new();
    let denied = world.draft("one", texts(Language::Korean, &[("when_how", "반출")])).expect_err("incomplete");
    let Denied::Draft(draft::Error::Missing(missing)) = &denied else { panic!("{denied}") };
    let keys: Vec<&str> = missing.iter().filter_map(|text| text.split(' ').next()).collect();
    assert_eq!(keys, ["self_help", "measures", "redress"], "types and contact are known");
    assert!(denied.to_string().contains("measures (ko): 개인정보처리자의"), "{denied}");
    let denied = world.draft("one", texts(Language::Korean, &[("measure", "?")])).expect_err("no item");
    assert!(denied.to_string().contains("it has types, when_how"), "{denied}");
    assert_eq!(world.draft("one", Texts::new()), Err(Denied::Empty));
    // When is known; how is for an officer.
    let mut without = all(Language::Korean);
    for own in without.values_mut() {
        drop(own.remove("when_how"));
    }
    assert!(matches!(world.draft("one", without), Err(Denied::Draft(draft::Error::Missing(due))) if due.len() == 1));
    world.draft("one", all(Language::Korean)).expect("written");
    let notice = world.state.of(1).and_then(|papers| papers.notice(1)).expect("a notice");
    assert_eq!(notice.documents.len(), 3, "for each audience");
    let document = &notice.documents[0];
    assert!(document.text.contains("주민등록번호, 전자우편 주소") && document.html.contains("비밀번호를 바꾸세요."));
    assert!(
        document.text.contains("야간에 반출되었습니다.\n2026-11-02T00:00:00Z") && document.text.contains("02-000-0000")
    );
}

#[test]
fn two_officers_approve_and_every_change_takes_that_away() {
    let mut world = World::new();
    assert_eq!(world.draft("eve", all(Language::Korean)), Err(Denied::Suspect));
    assert_eq!(world.draft("nobody", all(Language::Korean)), Err(Denied::NotAnOfficer));
    let first = world.draft("one", all(Language::Korean)).expect("written");
    assert_eq!(world.send("one"), Err(Denied::Unapproved(0)));
    assert_eq!(world.approve("one", "0123456789"), Err(Denied::Another));
    assert_eq!(world.approve("one", &first[..7]), Err(Denied::Another), "too short to be bound to anything");
    world.approve("one", &first[..8]).expect("approved");
    assert_eq!(world.approve("one", &first), Err(Denied::Twice));
    assert_eq!(world.approve("eve", &first), Err(Denied::Suspect));
    assert_eq!(world.send("one"), Err(Denied::Unapproved(1)), "whoever has written it alone is not enough");
    world.approve("two", &first).expect("approved");
    // One more word.
    let second = world
        .draft("two", texts(Language::Korean, &[("measures", "계정을 정지하고 <b>신고</b>하였습니다.")]))
        .expect("changed");
    assert_ne!(first, second);
    assert_eq!(world.send("one"), Err(Denied::Unapproved(0)));
    assert_eq!(world.approve("one", &first), Err(Denied::Another));
    world.approve("one", &second).expect("approved");
    world.approve("two", &second).expect("approved");
    // Somebody who has approved comes under suspicion.
    let mut change = Change::default();
    change.scope.persons = vec![person("two")];
    let noted = |change| incident::Event::Noted { case: 1, text: "found".to_owned(), change, by: person("one") };
    let before = world.cases.clone();
    world.cases.apply(&noted(change), at(1));
    assert_eq!(world.send("one"), Err(Denied::Unapproved(1)));
    world.cases = before;
    world.send("one").expect("goes out");
    assert_eq!(world.approve("one", &second), Err(Denied::Twice));
    // What has gone out is not changed: more is another notice.
    world.draft("one", texts(Language::Korean, &[("measures", "x")])).expect_err("a notice of its own says all");
    world.draft("one", all(Language::Korean)).expect("a second");
    assert_eq!(world.state.of(1).map(|papers| papers.notices.len()), Some(2));
    let sent = world.send("one");
    assert!(!format!("{:?} {sent:?}", world.state).contains("one"), "nobody is named");
}

#[test]
fn a_sender_that_was_taken_over_says_nothing_more() {
    let mut world = World::new();
    let sha256 = world.draft("one", all(Language::English)).expect("written");
    world.approve("one", &sha256).expect("approved");
    world.approve("two", &sha256).expect("approved");
    let people: Vec<Addressed> =
        (0..6).map(|n| Addressed { subject: Pseudonym(Subject([n; 16])), possible: false }).collect();
    let window = |window, people: &[Addressed]| Command::Window { case: 1, notice: 1, window, people: people.to_vec() };
    let settle = |window, of: &[Addressed]| Command::Settle {
        case: 1,
        notice: 1,
        window,
        outcomes: of
            .iter()
            .map(|one| Outcome { subject: one.subject, state: Delivered::Accepted, code: None })
            .collect(),
    };
    assert_eq!(world.ask(&Actor::Gateway, window(1, &people)), Err(Denied::Window), "nobody has ordered it");
    world.send("one").expect("ordered");
    assert_eq!(world.officer("one", window(1, &people)), Err(Denied::Own));
    assert_eq!(world.ask(&Actor::Gateway, window(1, &[])), Err(Denied::Window));
    world.ask(&Actor::Gateway, window(1, &people)).expect("begun");
    world.ask(&Actor::Gateway, settle(1, &people[..1])).expect("written");
    // Another begins.
    assert_eq!(world.ask(&Actor::Gateway, window(1, &people)), Err(Denied::TakenOver));
    world.ask(&Actor::Gateway, window(2, &people[5..])).expect("begun");
    assert_eq!(world.ask(&Actor::Gateway, settle(1, &people[1..2])), Err(Denied::TakenOver));
    let notice = world.state.of(1).and_then(|papers| papers.notice(1)).expect("a notice");
    assert_eq!(
        notice.deliveries.counts().into_iter().map(|(state, n)| (state.name(), n)).collect::<Vec<_>>(),
        [("accepted", 1), ("unknown", 5)]
    );
    let other = Command::Send { case: 1, notice: 1, way: Way::Webhook, recipients: 1, again: Vec::new() };
    assert_eq!(world.officer("one", other), Err(Denied::Way));
}

#[test]
fn a_page_is_posted_for_thirty_days_and_goes_by_itself() {
    let mut world = World::new();
    let sha256 = world.draft("one", all(Language::Korean)).expect("written");
    let post = |days: u64| Command::Post { case: 1, notice: 1, until: at(1 + days * 24) };
    assert_eq!(world.officer("one", post(30)), Err(Denied::Unapproved(0)));
    world.approve("one", &sha256).expect("approved");
    world.approve("two", &sha256).expect("approved");
    assert_eq!(world.officer("one", post(29)), Err(Denied::Posted));
    world.officer("one", post(30)).expect("posted");
    let html = |world: &World, now| page::html(&world.state, 1, Language::English, now);
    let (shown, language) = html(&world, at(2)).expect("a page");
    assert!(
        language == Language::Korean && shown.contains("lang=\"ko\"") && shown.contains("게시 기간"),
        "in the one that there is"
    );
    assert!(html(&world, at(1 + 30 * 24)).is_none(), "its time is over");
    assert_eq!(world.ask(&Actor::Gateway, Command::Expire { case: 1 }), Err(Denied::NotPosted), "not yet");
    world.now = at(1 + 30 * 24);
    world.ask(&Actor::Gateway, Command::Expire { case: 1 }).expect("taken down");
    assert!(html(&world, at(2)).is_none());
    world.officer("one", Command::TakeDown { case: 1, reason: "x".to_owned() }).expect_err("it is down");
    world.settings.page = None;
    assert_eq!(world.officer("one", post(90)), Err(Denied::NoPage));
}

#[test]
fn an_order_is_read_as_it_is_sent() {
    let command = Command::Draft { case: 1, law: "l".into(), duty: "d".into(), texts: all(Language::Korean) };
    let text = serde_json::to_string(&command).expect("JSON");
    assert!(serde_json::from_str::<Command>(&text).expect("read") == command);
    assert!(serde_json::from_value::<Command>(json!({ "command": "seen", "case": 1 })).is_err(), "nobody sends it");
    assert_eq!(format!("{command:?}"), "Command(case 1)");
}
