use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{
    command::Terms,
    handover::Side,
    person::{DUTY, OFFICER},
    pledge::{sha256, texts},
    view::{self, Amiss},
    *,
};

const DAY: u64 = 86_400;
const START: u64 = 1_800_000_000;

fn at(days: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(START + days * DAY)
}

fn moment(days: u64) -> Moment {
    at(days).into()
}

fn who(name: &str) -> PersonId {
    PersonId::new("staff", name)
}

fn role(name: &str) -> Role {
    Role::new(name).expect("a role")
}

fn terms(name: &str) -> Terms {
    let duty = (name == DUTY).then(|| "tax audit".to_owned());
    Terms { role: role(name), duty, reason: "asked for".to_owned(), start: None, until: None }
}

fn grant(person: &str, name: &str) -> Command {
    Command::Grant { person: who(person), terms: terms(name) }
}

fn change(person: &str, name: &str) -> Command {
    Command::Move { person: who(person), terms: terms(name) }
}

fn revoke(person: &str, name: &str) -> Command {
    Command::Revoke { person: who(person), role: role(name), duty: None, reason: "no need".to_owned() }
}

fn leave(person: &str) -> Command {
    Command::Leave { person: who(person), reason: None }
}

fn handover(from: &str, to: &str, roles: &[&str]) -> Command {
    Command::StartHandover {
        from: who(from),
        to: who(to),
        roles: roles.iter().map(|name| role(name)).collect(),
        duties: vec!["newsletter".into()],
        matters: vec!["complaint 17".into()],
        keep: false,
    }
}

/// A registry in memory: `one` and `two` are its officers, since day 0.
struct Desk {
    state: State,
    rules: Settings,
    day: u64,
}

impl Desk {
    fn empty() -> Self {
        let rules = Settings { sensitive: vec!["vault".into()], ..Settings::default() };
        Self { state: State::default(), rules, day: 0 }
    }

    fn new() -> Self {
        let mut desk = Self::empty();
        let found = Command::Found { officers: vec![who("one"), who("two")], texts: texts(None) };
        desk.by_gateway(found).expect("founded");
        desk
    }

    fn by_gateway(&mut self, command: Command) -> Result<Vec<Event>, Denied> {
        self.run(command, &Actor::Gateway)
    }

    fn ask(&mut self, by: &str, command: Command) -> Result<Vec<Event>, Denied> {
        self.run(command, &Actor::Person(who(by)))
    }

    fn run(&mut self, command: Command, actor: &Actor) -> Result<Vec<Event>, Denied> {
        let events = decide(&self.state, &self.rules, command, actor, at(self.day))?;
        for event in &events {
            self.state.apply(event, moment(self.day));
        }
        Ok(events)
    }

    fn does(&mut self, by: &str, command: Command) -> Vec<Event> {
        self.ask(by, command).expect("done")
    }

    fn roles(&self, name: &str) -> Vec<String> {
        let standing = self.state.standing(&who(name), at(self.day));
        standing.roles.iter().map(|held| held.role.to_string()).collect()
    }

    fn amiss(&self) -> Vec<&'static str> {
        view::findings(&self.state, &self.rules, moment(self.day)).iter().map(|found| found.amiss.name()).collect()
    }
}

#[test]
fn what_is_denied_and_why() {
    let desk = || {
        let mut desk = Desk::new();
        desk.does("one", grant("ann", "marketing"));
        desk.does("one", grant("bob", OFFICER));
        desk.does("one", leave("gone"));
        desk
    };
    let with = |change: fn(&mut Terms)| {
        let mut terms = terms("complaints");
        change(&mut terms);
        Command::Grant { person: who("ann"), terms }
    };
    let table: Vec<(&str, Command, Denied)> = vec![
        ("ann", grant("bob", "marketing"), Denied::NotAnOfficer),
        ("nobody", grant("bob", "marketing"), Denied::NotAnOfficer),
        ("one", grant("one", "marketing"), Denied::Oneself),
        ("one", change("one", "marketing"), Denied::Oneself),
        ("one", Command::Recertify { person: who("one"), role: role(OFFICER) }, Denied::Oneself),
        ("gone", Command::Withdraw, Denied::ActorLeft),
        ("one", grant("gone", "marketing"), Denied::Left),
        ("one", change("gone", "marketing"), Denied::Left),
        ("one", leave("gone"), Denied::Left),
        ("one", handover("ann", "gone", &[]), Denied::Left),
        ("one", grant("ann", "marketing"), Denied::Held),
        ("one", grant("bob", OFFICER), Denied::Held),
        ("one", Command::Confirm { grant: 4 }, Denied::SamePerson),
        ("bob", Command::Confirm { grant: 4 }, Denied::Oneself),
        ("ann", Command::Confirm { grant: 4 }, Denied::NotAnOfficer),
        ("two", Command::Confirm { grant: 3 }, Denied::Unknown),
        ("two", Command::Confirm { grant: 99 }, Denied::Unknown),
        ("ann", Command::Reject { grant: 4, reason: "x".into() }, Denied::NotAnOfficer),
        ("ann", revoke("one", OFFICER), Denied::NotAnOfficer),
        ("one", revoke("ann", "complaints"), Denied::NotHeld),
        ("one", revoke("ann", "duty"), Denied::NotHeld),
        ("one", Command::Recertify { person: who("ann"), role: role("duty") }, Denied::NotHeld),
        ("one", with(|terms| terms.reason = " ".into()), Denied::Text("reason", 500)),
        ("one", with(|terms| terms.reason = "x".repeat(501)), Denied::Text("reason", 500)),
        ("one", with(|terms| terms.duty = Some("a\nb".into())), Denied::Text("duty", 200)),
        ("one", with(|terms| terms.role = Role::new(DUTY).expect("a role")), Denied::NoDuty),
        ("one", with(|terms| terms.until = Some(moment(0))), Denied::Period),
        ("one", with(|terms| (terms.start, terms.until) = (Some(moment(9)), Some(moment(8)))), Denied::Period),
        ("one", handover("ann", "ann", &[]), Denied::TwoPeople),
        ("one", handover("ann", "one", &[]), Denied::Oneself),
        ("one", handover("one", "ann", &[]), Denied::Oneself),
        ("ann", handover("ann", "bob", &[]), Denied::NotAnOfficer),
        ("one", handover("carl", "ann", &[]), Denied::NothingToHandOver),
        ("one", handover("ann", "bob", &["complaints"]), Denied::NothingToHandOver),
        ("one", handover("ann", "bob", &["marketing", "complaints"]), Denied::NothingToHandOver),
        ("ann", Command::SignHandover { handover: 3 }, Denied::Unknown),
        ("ann", Command::Withdraw, Denied::NotSigned(Pledged::Missing)),
        ("ann", Command::Sign { version: 1, sha256: "0".into() }, Denied::OldText),
        ("ann", Command::Sign { version: 2, sha256: sha256(&texts(None)["ko"]) }, Denied::OldText),
        ("one", Command::Publish { texts: BTreeMap::new() }, Denied::Own),
        ("one", Command::Found { officers: vec![who("ann"), who("bob")], texts: texts(None) }, Denied::Own),
    ];
    for (number, (by, command, denied)) in table.into_iter().enumerate() {
        let name = command.name();
        let mut desk = desk();
        let before = desk.state.clone();
        assert_eq!(desk.ask(by, command), Err(denied), "{number}: {name} by {by}");
        assert!(desk.state == before, "{number}: nothing has happened");
    }
}

#[test]
fn two_people_found_it_and_once() {
    let mut desk = Desk::empty();
    assert_eq!(desk.ask("one", grant("ann", "marketing")), Err(Denied::NotFounded));
    for officers in [vec![], vec![who("one")], vec![who("one"), who("one")], vec![who("a"), who("b"), who("c")]] {
        let found = Command::Found { officers, texts: texts(None) };
        assert_eq!(desk.by_gateway(found), Err(Denied::TwoPeople));
    }
    let mut desk = Desk::new();
    assert_eq!((desk.roles("one"), desk.roles("two")), (vec![OFFICER.to_owned()], vec![OFFICER.to_owned()]));
    let again = Command::Found { officers: vec![who("ann"), who("bob")], texts: texts(None) };
    assert_eq!(desk.by_gateway(again), Err(Denied::Founded));
    assert_eq!(desk.by_gateway(grant("ann", "marketing")), Err(Denied::Own));
}

#[test]
fn grants_hold_between_their_start_and_their_end() {
    let mut desk = Desk::new();
    let terms = Terms { start: Some(moment(10)), until: Some(moment(20)), ..terms(DUTY) };
    desk.does("one", Command::Grant { person: who("ann"), terms });
    for (day, holds) in [(0, false), (9, false), (10, true), (19, true), (20, false), (400, false)] {
        desk.day = day;
        assert_eq!(desk.roles("ann").len(), usize::from(holds), "day {day}");
    }
    desk.day = 12;
    let standing = desk.state.standing(&who("ann"), at(12));
    assert_eq!((standing.roles[0].duty.as_deref(), standing.roles[0].until), (Some("tax audit"), Some(moment(20))));
    desk.does("one", revoke("ann", DUTY));
    // However the clock is set afterwards.
    for day in [11, 12, 13] {
        desk.day = day;
        assert!(desk.roles("ann").is_empty(), "day {day}");
    }
    assert!(desk.state.lapses(moment(0), moment(400)).eq(&false), "what was ended does not run out as well");
}

#[test]
fn sensitive_roles_take_two_officers() {
    let mut desk = Desk::new();
    for name in [OFFICER, "vault"] {
        let events = desk.does("one", grant("ann", name));
        assert!(matches!(events[..], [Event::Proposed { .. }]));
        assert!(!desk.roles("ann").contains(&name.to_owned()));
        let Event::Proposed { grant } = &events[0] else { unreachable!() };
        desk.does("two", Command::Confirm { grant: grant.id });
        assert!(desk.roles("ann").contains(&name.to_owned()));
        assert_eq!(desk.ask("two", Command::Confirm { grant: grant.id }), Err(Denied::Unknown), "once");
    }
    // Rejected, or waited for too long.
    desk.does("one", grant("bob", "vault"));
    desk.does("two", Command::Reject { grant: 5, reason: "not yet".into() });
    assert_eq!(desk.ask("two", Command::Confirm { grant: 5 }), Err(Denied::Unknown));
    desk.does("one", grant("bob", "vault"));
    desk.day = 14;
    assert_eq!(desk.ask("two", Command::Confirm { grant: 6 }), Err(Denied::Unknown));
    // Nor by the word of one who is no officer any more.
    desk.does("one", grant("carl", "vault"));
    desk.does("two", revoke("one", OFFICER));
    assert_eq!(desk.ask("two", Command::Confirm { grant: 7 }), Err(Denied::Unknown));
}

#[test]
fn the_last_officer_stays_and_can_appoint_another() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("one", leave("two"));
    assert_eq!(desk.amiss(), ["one_officer"]);
    for command in [leave("one"), revoke("one", OFFICER)] {
        assert_eq!(desk.ask("one", command), Err(Denied::LastOfficer));
    }
    // One who ends by himself is no help.
    let terms = Terms { until: Some(moment(30)), ..terms(OFFICER) };
    desk.does("one", Command::Grant { person: who("bob"), terms });
    assert_eq!(desk.ask("bob", Command::Confirm { grant: 4 }), Err(Denied::Oneself));
    assert_eq!(desk.ask("nobody", Command::Confirm { grant: 4 }), Err(Denied::NotAnOfficer));
    desk.does("ann", Command::Confirm { grant: 4 });
    assert_eq!(desk.ask("bob", leave("one")), Err(Denied::LastOfficer));
    desk.does("one", grant("carl", OFFICER));
    assert_eq!(desk.ask("ann", Command::Confirm { grant: 5 }), Err(Denied::NotAnOfficer), "there are two again");
    desk.does("bob", Command::Confirm { grant: 5 });
    desk.does("carl", leave("one"));
    assert_eq!((desk.roles("one").len(), desk.roles("carl").len()), (0, 1));
}

#[test]
fn a_mover_loses_the_old_role_at_the_same_moment() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("one", grant("ann", DUTY));
    let events = desk.does("one", change("ann", "complaints"));
    assert_eq!((events.len(), desk.roles("ann")), (1, vec!["complaints".to_owned()]), "one event, one moment");
    // To what takes two: the old is gone, the new waits.
    desk.does("one", change("ann", "vault"));
    assert!(desk.roles("ann").is_empty());
    desk.does("two", Command::Confirm { grant: 6 });
    assert_eq!(desk.roles("ann"), ["vault"]);
    assert_eq!(desk.ask("two", change("one", "marketing")).map(|events| events.len()), Ok(1));
    assert_eq!(desk.ask("ann", change("two", "marketing")), Err(Denied::NotAnOfficer));
}

#[test]
fn a_leaver_has_nothing_and_may_join_again_with_nothing() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("one", grant("ann", "vault"));
    let events = desk.does("two", leave("ann"));
    assert!(events[0].takes());
    let standing = desk.state.standing(&who("ann"), at(0));
    assert!(standing.left && standing.roles.is_empty());
    assert_eq!(desk.ask("two", Command::Confirm { grant: 4 }), Err(Denied::Unknown), "what was proposed is gone too");
    assert_eq!(desk.amiss(), ["gap"]);
    desk.does("one", Command::Join { person: who("ann"), name: None });
    let standing = desk.state.standing(&who("ann"), at(0));
    assert!(!standing.left && standing.roles.is_empty());
    assert_eq!(desk.ask("one", Command::Join { person: who("ann"), name: None }), Err(Denied::Held));
}

#[test]
fn anybody_may_give_up_what_is_theirs() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("ann", revoke("ann", "marketing"));
    assert!(desk.roles("ann").is_empty());
}

#[test]
fn a_handover_takes_two_signatures_and_gives_access_with_the_second() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("one", handover("ann", "bob", &[]));
    let sign = || Command::SignHandover { handover: 4 };
    assert_eq!(desk.ask("one", sign()), Err(Denied::NotTheirs));
    desk.does("bob", sign());
    assert_eq!(desk.ask("bob", sign()), Err(Denied::Signed));
    assert_eq!((desk.roles("ann").len(), desk.roles("bob").len()), (1, 0), "one signature is none");
    let events = desk.does("ann", sign());
    assert!(matches!(events[..], [Event::HandoverDone { side: Side::From, .. }]));
    assert_eq!((desk.roles("ann").len(), desk.roles("bob")), (0, vec!["marketing".to_owned()]));
    assert_eq!(desk.ask("ann", sign()), Err(Denied::Signed));
    assert!(desk.amiss().is_empty());
    // Given to the first again: two do it now.
    desk.does("one", grant("ann", "marketing"));
    assert_eq!(desk.amiss(), ["overlap"]);
}

#[test]
fn what_a_leaver_did_goes_over_by_the_word_of_another_officer() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.does("one", grant("ann", DUTY));
    desk.does("one", revoke("ann", DUTY));
    desk.does("one", leave("ann"));
    desk.does("one", handover("ann", "bob", &[]));
    desk.does("bob", Command::SignHandover { handover: 5 });
    assert_eq!(desk.ask("one", Command::SignHandover { handover: 5 }), Err(Denied::NotTheirs), "who started it");
    desk.day = 8;
    assert_eq!(desk.amiss(), ["gap", "unsigned"]);
    desk.does("two", Command::SignHandover { handover: 5 });
    assert_eq!(desk.roles("bob"), ["marketing"], "what was revoked does not go over");
    assert!(desk.amiss().is_empty());
    // An officer's own role goes over with another officer, and one is there at every moment.
    desk.does("one", handover("two", "bob", &[OFFICER]));
    desk.does("two", Command::SignHandover { handover: 7 });
    desk.does("bob", Command::SignHandover { handover: 7 });
    assert_eq!((desk.roles("two").len(), desk.roles("bob").len()), (0, 2));
}

#[test]
fn what_takes_two_officers_takes_them_in_a_handover_as_well() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "vault"));
    desk.does("two", Command::Confirm { grant: 3 });
    desk.does("one", handover("ann", "bob", &[]));
    desk.does("ann", Command::SignHandover { handover: 4 });
    desk.does("bob", Command::SignHandover { handover: 4 });
    assert!(desk.roles("ann").is_empty() && desk.roles("bob").is_empty(), "Ann is no officer");
    assert_eq!(desk.ask("one", Command::Confirm { grant: 5 }), Err(Denied::SamePerson));
    desk.does("two", Command::Confirm { grant: 5 });
    assert_eq!(desk.roles("bob"), ["vault"]);
}

#[test]
fn a_role_ends_with_all_its_duties_or_with_the_one_named() {
    let mut desk = Desk::new();
    for duty in ["audit", "payroll", "archive"] {
        let terms = Terms { duty: Some(duty.into()), ..terms(DUTY) };
        desk.does("one", Command::Grant { person: who("ann"), terms });
    }
    let end = |duty: Option<&str>| Command::Revoke {
        person: who("ann"),
        role: role(DUTY),
        duty: duty.map(str::to_owned),
        reason: "over".into(),
    };
    desk.does("one", end(Some("payroll")));
    assert_eq!(desk.roles("ann").len(), 2);
    desk.does("one", end(None));
    assert!(desk.roles("ann").is_empty());
}

#[test]
fn a_pledge_is_of_one_text_and_one_time() {
    let mut desk = Desk::new();
    let pledged = |desk: &Desk| desk.state.standing(&who("ann"), at(desk.day)).pledge;
    let sign = |version, language: &str| Command::Sign { version, sha256: sha256(&texts(None)[language]) };
    assert_eq!(pledged(&desk), Pledged::Missing);
    let events = desk.does("ann", sign(1, "ko"));
    assert!(matches!(&events[..], [Event::Signed { signature, .. }] if signature.language == "ko"));
    assert_eq!(pledged(&desk), Pledged::Current);
    desk.day = 365;
    assert!(desk.state.lapses(moment(364), moment(365)) && !desk.state.lapses(moment(363), moment(364)));
    assert_eq!(pledged(&desk), Pledged::Expired);
    desk.does("ann", sign(1, "en"));
    desk.does("ann", Command::Withdraw);
    assert_eq!(pledged(&desk), Pledged::Withdrawn);
    assert_eq!(desk.ask("ann", Command::Withdraw), Err(Denied::NotSigned(Pledged::Withdrawn)));
    desk.does("ann", sign(1, "en"));
    assert_eq!(desk.by_gateway(Command::Publish { texts: texts(None) }), Err(Denied::SameText));
    desk.by_gateway(Command::Publish { texts: texts(Some("ours")) }).expect("published");
    assert_eq!(pledged(&desk), Pledged::Outdated);
    assert_eq!(desk.ask("ann", sign(2, "en")), Err(Denied::OldText));
    desk.does("ann", Command::Sign { version: 2, sha256: sha256("ours") });
    assert_eq!(pledged(&desk), Pledged::Current);
}

#[test]
fn grants_are_looked_at_again() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    desk.day = 90;
    let due = |desk: &Desk| view::due(&desk.state, &desk.rules, moment(desk.day)).count();
    assert_eq!(
        (due(&desk), desk.amiss()),
        (3, [vec![Amiss::Uncertified.name(); 3], vec![Amiss::Unreviewed.name()]].concat())
    );
    desk.does("one", Command::Recertify { person: who("ann"), role: role("marketing") });
    desk.does("one", Command::Recertify { person: who("two"), role: role(OFFICER) });
    assert_eq!(due(&desk), 1);
}

/// Everything that can happen, as the journal keeps it.
fn year() -> (Desk, Vec<(Event, u64)>) {
    let mut desk = Desk::empty();
    let mut all = Vec::new();
    let mut keep = |events: Vec<Event>, day| all.extend(events.into_iter().map(|event| (event, day)));
    let found = Command::Found { officers: vec![who("one"), who("two")], texts: texts(None) };
    keep(desk.by_gateway(found).expect("founded"), 0);
    for (day, by, command) in [
        (1, "one", Command::Join { person: who("ann"), name: Some("김안나".into()) }),
        (1, "one", grant("ann", "marketing")),
        (2, "ann", Command::Sign { version: 1, sha256: sha256(&texts(None)["en"]) }),
        (3, "one", grant("bob", "vault")),
        (4, "two", Command::Confirm { grant: 4 }),
        (5, "one", handover("ann", "carl", &[])),
        (6, "ann", Command::SignHandover { handover: 5 }),
        (7, "carl", Command::SignHandover { handover: 5 }),
        (8, "two", change("carl", "complaints")),
        (9, "ann", Command::Withdraw),
        (10, "one", Command::Recertify { person: who("bob"), role: role("vault") }),
        (11, "one", revoke("bob", "vault")),
        (12, "one", leave("bob")),
        (13, "one", handover("carl", "ann", &[])),
    ] {
        desk.day = day;
        keep(desk.does(by, command), day);
    }
    (desk, all)
}

#[test]
fn the_state_is_the_fold_of_the_records() {
    let (desk, events) = year();
    let mut folded = State::default();
    for (event, day) in &events {
        let value = serde_json::to_value(event).expect("JSON");
        let serde_json::Value::Object(mut body) = value else { unreachable!() };
        let kind = body.remove("kind").expect("a kind");
        assert_eq!(
            (kind.as_str(), event.record().expect("a record").kind()),
            (Some(event.kind().name()), event.kind())
        );
        let read = Event::read(event.kind().name(), body).expect("ours").expect("read");
        assert!(read == *event, "{event:?}");
        folded.apply(&read, moment(*day));
    }
    assert!(folded == desk.state);
    assert!(!format!("{folded:?} {events:?}").contains("ann"));
    assert!(Event::read("account.added", serde_json::Map::new()).is_none());
    assert!(Event::read("grant.given", serde_json::Map::new()).expect("ours").is_err());
}

#[test]
fn what_holds_is_carried_on_before_old_records_are_unreadable() {
    let (desk, _) = year();
    let half = Duration::from_secs(100 * DAY);
    assert!(desk.state.to_carry(moment(99), half).is_empty());
    let events = desk.state.to_carry(moment(120), half);
    // Nothing but what was carried can be read any more.
    let mut later = State::default();
    for event in &events {
        later.apply(event, moment(120));
    }
    assert!(later.is_founded() && later.founded() == desk.state.founded() && later.next() == desk.state.next());
    for name in ["one", "two", "ann", "carl"] {
        assert_eq!(later.standing(&who(name), at(120)), desk.state.standing(&who(name), at(120)), "{name}");
    }
    assert!(!later.standing(&who("bob"), at(120)).known, "who has left is forgotten in time");
    assert_eq!((later.pledge(), later.handovers().count()), (desk.state.pledge(), 1), "what is done is done");
    assert!(later.to_carry(moment(219), half).is_empty() && !later.to_carry(moment(220), half).is_empty());
    // Carried on top of what can still be read it changes nothing that holds.
    let mut both = desk.state.clone();
    for event in &events {
        both.apply(event, moment(120));
    }
    assert_eq!(both.standing(&who("ann"), at(120)), desk.state.standing(&who("ann"), at(120)));
}

#[test]
fn the_page_shows_the_text_and_reads_its_form() {
    let mut desk = Desk::new();
    let ann = who("ann");
    let show = |desk: &Desk, language| {
        let look = page::Look { person: &ann, language, token: "t0ken", query: "", now: at(desk.day) };
        page::Own::Pledge.serve(&desk.state, &look).expect("a page")
    };
    let (title, html) = show(&desk, "ko");
    assert!(title == "보안 서약" && html.contains("id=\"pledge-missing\"") && html.contains("제59조"), "{html}");
    assert!(html.contains("value=\"t0ken\"") && html.contains(&sha256(&texts(None)["ko"])), "{html}");
    let field = |name: &str| match name {
        "act" => Some("sign"),
        "version" => Some("1"),
        "sha256" => html.split("name=\"sha256\" value=\"").nth(1).and_then(|rest| rest.get(..64)),
        _ => None,
    };
    desk.does("ann", page::Own::Pledge.asked(field).expect("a command"));
    assert!(
        show(&desk, "en").1.contains("id=\"pledge-current\"") && show(&desk, "en").1.contains("value=\"withdraw\"")
    );
    assert!(
        page::Own::Pledge.asked(|name| (name == "act").then_some("else")).is_none()
            && page::Own::Pledge.asked(|_| None).is_none()
    );
    desk.by_gateway(Command::Publish { texts: texts(Some("<script>alert('1')</script>")) }).expect("published");
    let (_, html) = show(&desk, "ko");
    assert!(html.contains("&lt;script&gt;") && html.contains("id=\"pledge-outdated\""), "{html}");
    let look = page::Look { person: &ann, language: "ko", token: "", query: "", now: at(0) };
    assert!(page::Own::Pledge.serve(&State::default(), &look).is_none());
}

#[test]
fn the_page_of_handovers_shows_ones_own_and_reads_its_form() {
    let mut desk = Desk::new();
    desk.does("one", grant("ann", "marketing"));
    let start = Command::StartHandover {
        from: who("ann"),
        to: who("bob"),
        roles: Vec::new(),
        duties: vec!["<b>letters</b>".into()],
        matters: vec!["complaint 17".into()],
        keep: false,
    };
    desk.does("one", start);
    let id = desk.state.handovers().next().expect("a handover").id.to_string();
    let show = |desk: &Desk, name: &str, language| {
        let look = page::Look { person: &who(name), language, token: "t0ken", query: "", now: at(desk.day) };
        page::Own::Handovers.serve(&desk.state, &look).expect("a page").1
    };
    let html = show(&desk, "ann", "en");
    assert!(
        html.contains("&lt;b&gt;letters") && html.contains("complaint 17") && html.contains("<li>marketing</li>"),
        "{html}"
    );
    assert!(html.contains("value=\"t0ken\"") && html.contains("I have handed this over"), "{html}");
    assert!(show(&desk, "bob", "ko").contains("인수하였으며") && !show(&desk, "eve", "en").contains("letters"));
    let field = |name: &str| match name {
        "act" => Some("sign"),
        "handover" => Some(id.as_str()),
        _ => None,
    };
    let asked = || page::Own::Handovers.asked(field).expect("a command");
    assert!(page::Own::Handovers.asked(|name| (name == "act").then_some("withdraw")).is_none());
    assert_eq!(desk.ask("eve", asked()), Err(Denied::NotTheirs));
    desk.does("ann", asked());
    assert!(
        show(&desk, "ann", "en").contains("The other signature is missing")
            && show(&desk, "bob", "en").contains("<form")
    );
    desk.does("bob", asked());
    assert_eq!(desk.roles("bob"), ["marketing"]);
    assert!(!show(&desk, "bob", "en").contains("<form") && show(&desk, "ann", "en").contains("Both have signed"));
    let look = page::Look { person: &who("ann"), language: "ko", token: "", query: "", now: at(0) };
    assert!(page::Own::Handovers.serve(&State::default(), &look).is_none());
}

fn open(dir: &Path) -> (Arc<journal::Journal>, Arc<Registry>) {
    let ring = || Ring::load_or_make(&dir.join("seal.key")).expect("keys");
    let place = journal::Settings::new(dir.join("journal"));
    let journal = Arc::new(journal::Journal::open(&place, ring()).expect("opened"));
    let now = SystemTime::now();
    let (stream, kept) = (Stream::Own(Arc::clone(&journal)), place.retention.grants);
    let registry = Registry::open(stream, kept, &dir.join("seal.key"), Settings::default(), now).expect("read");
    (journal, registry)
}

#[tokio::test]
async fn what_was_answered_for_is_there_after_a_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let now = SystemTime::now();
    let before = {
        let (_journal, registry) = open(dir.path());
        let departures = registry.departures();
        let found = Command::Found { officers: vec![who("one"), who("two")], texts: texts(None) };
        registry.submit(found, &Actor::Gateway, now).await.expect("founded");
        let one = Actor::Person(who("one"));
        // All at once: one decides at a time, so that one of them wins.
        let asks = (0..8).map(|_| registry.submit(grant("ann", "marketing"), &one, now));
        let outcomes = futures_util::future::join_all(asks).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let seen = *departures.borrow();
        registry.submit(revoke("ann", "marketing"), &one, now).await.expect("ended");
        assert!(*departures.borrow() > seen, "whoever looks is told");
        assert!(!registry.publish(now).await.expect("asked"), "the text is the same");
        registry.apply(Settings { pledge: Some("ours".into()), ..Settings::default() });
        assert!(registry.publish(now).await.expect("published"));
        registry.state()
    };
    let (_journal, registry) = open(dir.path());
    assert!(*registry.state() == *before);
    assert_eq!(registry.unread(), Unread::default());
}

#[tokio::test]
async fn what_runs_out_is_told_and_what_is_old_is_carried_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let now = SystemTime::now();
    let (journal, registry) = open(dir.path());
    let found = Command::Found { officers: vec![who("one"), who("two")], texts: texts(None) };
    registry.submit(found, &Actor::Gateway, now).await.expect("founded");
    let soon = now + Duration::from_secs(60);
    let terms = Terms { until: Some(soon.into()), ..terms("marketing") };
    let ask = Command::Grant { person: who("ann"), terms };
    registry.submit(ask, &Actor::Person(who("one")), now).await.expect("given");
    let departures = registry.departures();
    let seen = *departures.borrow();
    registry.look(now + Duration::from_secs(30)).await.expect("looked");
    assert_eq!(*departures.borrow(), seen);
    registry.look(now + Duration::from_secs(61)).await.expect("looked");
    assert!(*departures.borrow() > seen);
    // In half of three years.
    let written = journal.counts().records(Class::Grants).value();
    registry.look(now + Duration::from_secs(600 * DAY)).await.expect("looked");
    assert_eq!(journal.counts().records(Class::Grants).value(), written + 4, "three people and the pledge");
}

#[tokio::test]
async fn records_that_say_something_else_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    {
        let (journal, _) = open(dir.path());
        let bad = journal::Record::new(journal::Kind::GrantGiven, [("grant", "none".into())]);
        journal.append(&bad).await.expect("written");
        let other = journal::Record::account(journal::Kind::AccountAdded, "staff", "ann", &[]);
        journal.append(&other).await.expect("written");
    }
    let (_journal, registry) = open(dir.path());
    assert_eq!(registry.unread(), Unread { bad: 1, ..Unread::default() });
    assert!(!registry.state().is_founded());
}
