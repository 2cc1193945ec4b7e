//! Whose data it was: the exact set, over the records of disclosures that a case is about. Pure: it is shown records, and says what follows.
//!
//! Whoever was in an answer that the client's socket has taken to its last byte is confirmed. Of an answer that broke off, that only waited to
//! be sent, or whose end nobody knows, nobody can say how far it came: its people are possible, wherever in it they stood.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::case::Scope;
use crate::{
    access::subject::Subject,
    journal::{Kind, search::Line},
    registry::{Moment, PersonId},
};

/// An answer that began so long before the time that is looked at may have ended in it.
const ANSWER_MILLIS: u64 = 24 * 3_600_000;

/// How sure it is that somebody's data has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It may have.
    Possible,
    /// It has.
    Confirmed,
}

impl Certainty {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Whose, each once.
    pub people: HashMap<Subject, Certainty>,
    /// Disclosures that the case is about.
    pub records: u64,
    /// Those among them whose answers have reached the client whole.
    pub whole: u64,
    /// Those that brought nobody anything: not a byte, or an error without personal data.
    pub empty: u64,
    /// Records and values in answers that nobody can be named for.
    pub unattributed: u64,
    /// Disclosures whose end nobody knows: they were about to begin.
    pub unfinished: u64,
    /// Values that were shown, by type, answers that broke off included.
    pub types: BTreeMap<String, u64>,
    /// Types that people were told apart by where a route names no subject: somebody with two addresses counts twice.
    pub named_by: BTreeSet<String>,
}

impl Found {
    /// How many people it is of this certainty.
    #[must_use]
    pub fn count(&self, certainty: Certainty) -> u64 {
        self.people.values().filter(|known| **known == certainty).count() as u64
    }

    /// Records that nobody can be named for, disclosures without an end included.
    #[must_use]
    pub fn nobodys(&self) -> u64 {
        self.unattributed + self.unfinished
    }
}

/// What is known of an intent whose end is still to come.
struct Begun {
    in_scope: bool,
    subjects: Vec<Subject>,
}

/// Records of a case, as they are read, journal by journal.
pub struct Affected<'s> {
    scope: &'s Scope,
    found: Found,
    /// By the journal's number and the record's index; where an end does not name its intent their requests do.
    begun: HashMap<(u16, u64), Begun>,
    requests: HashMap<(u16, String), u64>,
    /// Of disclosures with several records, whose first was shown: whether they are in scope.
    parted: HashMap<(u16, String), bool>,
}

impl std::fmt::Debug for Affected<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Affected({} records)", self.found.records)
    }
}

impl<'s> Affected<'s> {
    /// Of what a case is about.
    #[must_use]
    pub fn new(scope: &'s Scope) -> Self {
        Self { scope, found: Found::default(), begun: HashMap::new(), requests: HashMap::new(), parted: HashMap::new() }
    }

    /// From which time on records have to be shown, in milliseconds since 1970.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        self.scope.since.map(|since| since.millis().saturating_sub(ANSWER_MILLIS))
    }

    /// Takes a record of the journal of this number.
    pub fn take(&mut self, journal: u16, line: &Line) {
        // What Privet has asked itself was about people who are made up.
        if line.body.contains_key("probe") {
            return;
        }
        let request = text(&line.body, "request_id").unwrap_or_default();
        if line.kind == Kind::DisclosureIntent.name() {
            let begun = Begun {
                in_scope: self.is_about(&line.body) && self.is_before_end(line.time),
                subjects: subjects(&line.body).0,
            };
            self.begun.insert((journal, line.index), begun);
            self.requests.insert((journal, request.to_owned()), line.index);
        } else if line.kind == Kind::DisclosureDone.name() {
            let by_request = self.requests.remove(&(journal, request.to_owned()));
            let intent = line.body.get("intent").and_then(Value::as_u64).or(by_request);
            let begun = intent.and_then(|intent| self.begun.remove(&(journal, intent)));
            // Who has seen very many has several records; the first ends the intent.
            let part = line.body.get("part").map(|part| (part[0].as_u64(), part[1].as_u64()));
            let first = part.is_none_or(|(part, _)| part == Some(1));
            let of = (journal, request.to_owned());
            let known = if part.is_some_and(|(part, all)| part == all) {
                self.parted.remove(&of)
            } else {
                self.parted.get(&of).copied()
            };
            let by_itself = || self.is_about(&line.body) && self.is_before_end(line.time);
            let in_scope = begun.map(|begun| begun.in_scope).or(known).unwrap_or_else(by_itself);
            if first && part.is_some() {
                self.parted.insert(of, in_scope);
            }
            let ended_before = self.scope.since.is_some_and(|since| line.time < since.millis());
            if in_scope && !ended_before {
                self.done(&line.body, first);
            }
        }
    }

    /// What follows from all that was shown. Whoever an intent names without an end is possible.
    #[must_use]
    pub fn found(mut self) -> Found {
        for begun in std::mem::take(&mut self.begun).into_values().filter(|begun| begun.in_scope) {
            self.found.records += 1;
            self.found.unfinished += 1;
            self.add(&begun.subjects, Certainty::Possible);
        }
        self.found
    }

    fn is_about(&self, body: &Map<String, Value>) -> bool {
        let Scope { persons, addresses, routes, requests, .. } = self.scope;
        let one_of = |list: &[String], name: &str| {
            list.is_empty() || text(body, name).is_some_and(|value| list.iter().any(|one| one == value))
        };
        let person = || {
            let (issuer, subject) = (text(body, "issuer")?, text(body, "person")?);
            Some(PersonId::new(issuer, subject))
        };
        (persons.is_empty() || person().is_some_and(|person| persons.contains(&person)))
            && one_of(addresses, "address")
            && one_of(routes, "route")
            && one_of(requests, "request_id")
    }

    fn is_before_end(&self, time: u64) -> bool {
        self.scope.until.map(Moment::millis).is_none_or(|until| time < until)
    }

    fn done(&mut self, body: &Map<String, Value>, first: bool) {
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or_default();
        let list = |name: &str| body.get(name).and_then(Value::as_object).filter(|types| !types.is_empty());
        let (subjects, bad) = subjects(body);
        let mut unattributed = number("unattributed") + bad;
        if first && list("shown").is_some() && unattributed == 0 && number("people") == 0 {
            // Values that went out and were nobody's: somebody's they are.
            unattributed = 1;
        }
        self.found.records += u64::from(first);
        let error = number("status") >= 400 && list("found").is_none() && unattributed == 0 && first;
        if number("delivered_bytes") == 0 || error {
            self.found.empty += u64::from(first);
            return;
        }
        let certainty = if flag("complete") { Certainty::Confirmed } else { Certainty::Possible };
        self.found.whole += u64::from(first && flag("complete"));
        self.found.unattributed += unattributed;
        for (kind, count) in list("shown").into_iter().flatten() {
            *self.found.types.entry(kind.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
        self.found.named_by.extend(list("named_by").into_iter().flat_map(Map::keys).cloned());
        self.add(&subjects, certainty);
    }

    fn add(&mut self, subjects: &[Subject], certainty: Certainty) {
        for subject in subjects {
            let known = self.found.people.entry(*subject).or_insert(certainty);
            *known = certainty.max(*known);
        }
    }
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b str> {
    body.get(name).and_then(Value::as_str)
}

/// Whose a record says it was, and how many of them can't be read.
fn subjects(body: &Map<String, Value>) -> (Vec<Subject>, u64) {
    let all = body.get("subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let known: Vec<Subject> = all.iter().filter_map(|one| Subject::parse(one.as_str()?)).collect();
    let bad = (all.len() - known.len()) as u64;
    (known, bad)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::Class;

    fn line(kind: Kind, index: u64, time: u64, body: Value) -> Line {
        let Value::Object(body) = body else { panic!("no object") };
        let kind = kind.name().to_owned();
        Line { index, time: time * 1000, class: Class::Access, hash: [0; 32], kind, clock_was_set: false, body }
    }

    fn people(range: std::ops::Range<u8>) -> Vec<String> {
        range.map(|n| Subject([n; 16]).text()).collect()
    }

    fn with(mut body: Value, more: &Value) -> Value {
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    }

    fn done(time: u64, request: &str, range: std::ops::Range<u8>, more: &Value) -> Line {
        let body = json!({
            "request_id": request, "issuer": "staff", "person": "mallory", "route": "shop/", "address": "192.0.2.1",
            "status": 200, "delivered_bytes": 9, "complete": true, "people": range.len(), "subjects": people(range),
            "unattributed": 0, "shown": { "EMAIL_ADDRESS": 1 }, "found": { "EMAIL_ADDRESS": 1 },
        });
        line(Kind::DisclosureDone, 0, time, with(body, more))
    }

    fn intent(index: u64, time: u64, request: &str, more: &Value) -> Line {
        let body = json!({
            "request_id": request, "issuer": "staff", "person": "mallory", "route": "shop/", "address": "192.0.2.1",
            "subjects": [],
        });
        line(Kind::DisclosureIntent, index, time, with(body, more))
    }

    fn found(scope: &Scope, lines: &[Line]) -> Found {
        let mut affected = Affected::new(scope);
        for line in lines {
            affected.take(0, line);
        }
        affected.found()
    }

    fn counts(found: &Found) -> [u64; 6] {
        let [confirmed, possible] = [Certainty::Confirmed, Certainty::Possible].map(|one| found.count(one));
        [confirmed, possible, found.records, found.empty, found.unattributed, found.unfinished]
    }

    #[test]
    fn what_arrived_whole_is_confirmed_and_all_else_possible() {
        let lines = [
            done(1, "a", 0..10, &json!({})),
            // Broken off; five of them were in the first answer.
            done(2, "b", 5..15, &json!({ "complete": false })),
            // A disclosure in two records.
            done(3, "c", 20..25, &json!({ "part": [1, 2], "people": 10 })),
            done(3, "c", 25..30, &json!({ "part": [2, 2], "people": 10, "unattributed": null, "shown": null })),
            // Nothing came, and an error that says nothing of anybody.
            done(4, "d", 40..41, &json!({ "delivered_bytes": 0 })),
            done(5, "e", 41..42, &json!({ "status": 404, "shown": {}, "found": {} })),
            // An error with somebody in it, and values that are nobody's.
            done(6, "f", 42..43, &json!({ "status": 500 })),
            done(7, "g", 0..0, &json!({})),
            done(8, "h", 0..0, &json!({ "unattributed": 3, "shown": {} })),
            intent(90, 9, "i", &json!({ "subjects": people(50..51) })),
            intent(91, 9, "j", &json!({ "subjects": people(60..61) })),
            done(10, "j", 60..61, &json!({ "intent": 91 })),
        ];
        let found = found(&Scope::default(), &lines);
        assert_eq!(counts(&found), [22, 6, 10, 2, 4, 1]);
        assert_eq!((found.whole, found.nobodys(), found.types["EMAIL_ADDRESS"]), (6, 5, 6));
        assert!(!found.people.contains_key(&Subject([41; 16])));
        assert_eq!(found.people[&Subject([50; 16])], Certainty::Possible, "it was about to begin");
    }

    #[test]
    fn a_case_is_about_what_all_of_its_scope_lets_through() {
        let moment = Moment::at;
        let lines = [
            intent(1, 90, "early", &json!({})),
            done(110, "early", 0..1, &json!({ "intent": 1 })),
            done(99, "before", 1..2, &json!({})),
            done(150, "in", 2..3, &json!({})),
            done(150, "bob", 3..4, &json!({ "person": "bob" })),
            done(150, "other issuer", 4..5, &json!({ "issuer": "https://id.example" })),
            done(150, "nobody", 5..6, &json!({ "person": null, "issuer": null })),
            done(150, "elsewhere", 6..7, &json!({ "route": "shop/other" })),
            done(150, "far", 7..8, &json!({ "address": "192.0.2.2" })),
            intent(2, 199, "late", &json!({})),
            done(300, "late", 8..9, &json!({ "intent": 2 })),
            intent(3, 200, "after", &json!({})),
            done(201, "after", 9..10, &json!({ "intent": 3 })),
            intent(4, 200, "never", &json!({})),
        ];
        let who = |scope: &Scope| {
            let mut all: Vec<u8> = found(scope, &lines).people.keys().map(|subject| subject.0[0]).collect();
            all.sort_unstable();
            all
        };
        let times = Scope { since: Some(moment(100)), until: Some(moment(200)), ..Scope::default() };
        assert_eq!(who(&times), [0, 2, 3, 4, 5, 6, 7, 8], "what began before or ended after is in it");
        let persons = Scope { persons: vec![PersonId::new("staff", "mallory")], ..times.clone() };
        assert_eq!(who(&persons), [0, 2, 6, 7, 8]);
        let routes = Scope { routes: vec!["shop/".into()], ..persons.clone() };
        assert_eq!(who(&routes), [0, 2, 7, 8]);
        assert_eq!(who(&Scope { addresses: vec!["192.0.2.2".into()], ..routes.clone() }), [7]);
        assert_eq!(who(&Scope { requests: vec!["late".into()], ..routes }), [8]);
        assert_eq!(found(&times, &lines).unfinished, 0, "what began after the end is not in it");
    }
}
