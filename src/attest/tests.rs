//! What records alone tell, by a clock that goes forward.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::SystemTime};

use super::{
    Facts, Grounds, Settings, Standing, looking,
    settings::{
        Clause,
        Control::{self, GrantsCertified, HandoverDone, IncidentClocks, OfficersTwo, PledgeSigned, ReviewDone},
        Policy, Text,
    },
};
use crate::registry::{
    self, Moment, State,
    event::Event,
    grant::Grant,
    person::{PersonId, Role},
    pledge::Signature,
};

const DAY: u64 = 86_400;

fn people() -> State {
    let (mut state, start) = (State::default(), Moment::at(DAY));
    let grant = |id, name: &str| Grant {
        id,
        person: PersonId::new("staff", name),
        role: Role::new("privacy-officer").expect("a role"),
        duty: None,
        reason: "founding".to_owned(),
        by: None,
        confirmed_by: None,
        start,
        until: None,
        certified: start,
        ended: None,
    };
    state.apply(&Event::Founded { grants: vec![grant(1, "one"), grant(2, "two")] }, start);
    state.apply(&Event::Published { version: 1, texts: BTreeMap::new(), sha256: BTreeMap::new() }, start);
    for name in ["one", "two"] {
        let signature = Signature {
            version: 1,
            language: "en".to_owned(),
            sha256: String::new(),
            at: start,
            until: Moment::at(DAY * 366),
            withdrawn: None,
        };
        state.apply(&Event::Signed { person: PersonId::new("staff", name), signature }, start);
    }
    state
}

fn grounds(state: State, day: u64) -> Grounds {
    let text = || Text { ko: "가".to_owned(), en: "a".to_owned() };
    let clauses = [PledgeSigned, GrantsCertified, ReviewDone, HandoverDone, OfficersTwo, IncidentClocks];
    let clause = |control: Control| Clause {
        id: control.name().to_owned(),
        text: text(),
        controls: vec![control],
        supports: Vec::new(),
    };
    let clauses = clauses.map(clause).into();
    let policy = Policy { title: text(), sha256: [0; 32], types: None, recipients: None, clauses };
    Grounds {
        settings: Settings { policy: Arc::new(policy), every: None, drill: std::time::Duration::from_secs(90 * DAY) },
        facts: Facts {
            sha256: [0; 32],
            data_dir: PathBuf::new(),
            seal: None,
            keys: Vec::new(),
            journal: None,
            cleartext: Vec::new(),
            recipients: Vec::new(),
            providers: Vec::new(),
            routes: Vec::new(),
            logins: Vec::new(),
            rules: None,
        },
        live: None,
        registry: Some((Arc::new(state), registry::Settings::default())),
        clocks: Some(Vec::new()),
        now: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs((1 + day) * DAY),
    }
}

fn red(grounds: &Grounds) -> Vec<String> {
    let report = looking::look(grounds, None).expect("a runtime");
    report.clauses.into_iter().filter(|it| it.standing == Standing::Red).map(|it| it.id).collect()
}

#[test]
fn what_is_left_undone_turns_red_when_its_time_is_over() {
    assert_eq!(red(&grounds(people(), 1)), [""; 0]);
    assert_eq!(red(&grounds(people(), 60)), ["review.done"], "one is due every 30 days");
    assert_eq!(red(&grounds(people(), 100)), ["grants.certified", "review.done"]);
    assert_eq!(red(&grounds(people(), 370)), ["pledge.signed", "grants.certified", "review.done"]);
}

#[test]
fn who_leaves_takes_duties_along_unless_they_are_handed_over() {
    let mut state = people();
    let (one, two) = (PersonId::new("staff", "one"), PersonId::new("staff", "two"));
    let left = Event::Left { person: one, ended: vec![1], reason: None, by: two };
    state.apply(&left, Moment::at(2 * DAY));
    // The other holds the same role, so nothing is without somebody; but she is alone.
    assert_eq!(red(&grounds(state, 2)), ["officers.two"]);
    let mut case = grounds(people(), 1);
    case.clocks = Some(vec![7]);
    assert_eq!(red(&case), ["incident.clocks"]);
    case.clocks = None;
    assert_eq!(red(&case), ["incident.clocks"], "not configured");
    case.registry = None;
    assert_eq!(red(&case).len(), 6);
}
