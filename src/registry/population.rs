//! Access records as a review looks at them: what of each counts, and which are drawn.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::{
    person::PersonId,
    review::{CHAIN, Chosen, Drawn, Ends, Review},
    unusual::{Rule, unusual},
};
use crate::{
    common::clock,
    journal::{
        Class, Kind, Place,
        search::{self, Filter, Line, search},
    },
    seal::Ring,
};

/// What is usual for somebody is looked for so long before the period as well.
const BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// So long an answer may go on. Intents without an end are looked for in a period that is earlier by this.
const ANSWER: Duration = Duration::from_secs(3600);
/// Most records that are listed by a rule; of one that finds more they are drawn like the sample.
const LISTED: usize = 50;

/// What of an access record counts.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // each is a rule of its own
pub struct Access {
    /// In the journal.
    pub index: u64,
    /// Who, by a number of this population.
    pub person: Option<u32>,
    /// Their roles, likewise.
    pub roles: u32,
    /// What for, likewise; having none is one.
    pub purpose: u32,
    /// How many people were seen.
    pub people: u64,
    /// The office's day, since 1970.
    pub day: i64,
    /// The office's hour.
    pub hour: u8,
    /// The office's weekday, 1 for Monday.
    pub weekday: u8,
    /// Whether it is of the period, and not of the time before.
    pub in_period: bool,
    /// Whether a review was asked for.
    pub glass: bool,
    /// Whether it is an intent that nobody knows the end of.
    pub unfinished: bool,
    /// Whether data was taken along.
    pub download: bool,
    /// Whether nobody can say whose data some of it was.
    pub unattributed: bool,
}

/// The access records of a period, and of the time before.
struct Population<'a> {
    review: &'a Review,
    /// What the number of a record is beyond its index in the journal that is read.
    base: u64,
    utc_offset: i16,
    all: Vec<Access>,
    /// Intents whose end is not known yet, by index; where an end does not name its intent their requests do.
    begun: BTreeMap<u64, Access>,
    requests: HashMap<String, u64>,
    people: BTreeMap<PersonId, u32>,
    words: HashMap<String, u32>,
}

/// Draws what `review` looks at from journals, each opened by a `ring` of its own, by `seed`.
///
/// # Errors
/// When a journal can't be read.
pub fn draw<E: From<search::Error>>(
    journals: &[Place],
    ring: impl Fn() -> Result<Ring, E>,
    review: &Review,
    utc_offset: i16,
    seed: String,
) -> Result<Drawn, E> {
    let mut population = Population::new(review, utc_offset);
    let before = review.since.millis().saturating_sub(millis(BEFORE));
    let (mut read, mut missing) = (Ends::default(), 0);
    let filter = Filter { class: Some(Class::Access), since: Some(before), ..Filter::default() };
    for journal in journals {
        population.base = number(journal, 0);
        let mut end = None;
        let unread = search(journal, ring()?, &filter, |line| {
            end = Some(population.base + line.index + 1);
            population.take(&line);
            true
        })?;
        read.0.extend(end);
        missing += unread.destroyed + unread.locked;
    }
    Ok(population.drawn(seed, read, missing))
}

/// The number of a record among those of all gateways: its index, where there is one journal.
#[must_use]
pub fn number(journal: &Place, index: u64) -> u64 {
    u64::from(journal.chain()) * CHAIN + index
}

/// What decides whether a record is drawn: the smallest are. It is the SHA-256 of `SEED:INDEX`, so that anybody can draw again.
#[must_use]
pub fn rank(seed: &str, index: u64) -> [u8; 32] {
    let sum = digest(&SHA256, format!("{seed}:{index}").as_bytes());
    sum.as_ref().try_into().unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl<'a> Population<'a> {
    fn new(review: &'a Review, utc_offset: i16) -> Self {
        Self {
            review,
            base: 0,
            utc_offset,
            all: Vec::new(),
            begun: BTreeMap::new(),
            requests: HashMap::new(),
            people: BTreeMap::new(),
            words: HashMap::new(),
        }
    }

    fn take(&mut self, line: &Line) {
        let kind = Kind::named(&line.kind);
        let text = |name: &str| line.body.get(name).and_then(Value::as_str);
        // What Privet has asked of itself is nobody's deed.
        if line.body.get("probe").is_some() {
            return;
        }
        let request = text("request_id").unwrap_or_default();
        let index = self.base + line.index;
        match kind {
            Some(Kind::DisclosureIntent) => {
                let mut access = self.access(line, self.is_of(line, millis(ANSWER)));
                access.unfinished = true;
                self.requests.insert(request.to_owned(), index);
                self.begun.insert(index, access);
            }
            Some(Kind::DisclosureDone) => {
                let by_request = self.requests.remove(request);
                let intent = line.body.get("intent").and_then(Value::as_u64).map(|intent| self.base + intent);
                let intent = intent.or(by_request);
                intent.and_then(|intent| self.begun.remove(&intent));
                // Who has seen very many has several records, each with the whole number.
                let first = line.body.get("part").is_none_or(|part| part[0] == 1);
                if first && line.time < self.review.until.millis() {
                    let access = self.access(line, self.is_of(line, 0));
                    self.all.push(access);
                }
            }
            _ => {}
        }
    }

    /// Whether a record is of the period, moved back by so many milliseconds.
    fn is_of(&self, line: &Line, earlier: u64) -> bool {
        let at = line.time.saturating_add(earlier);
        let late = earlier == 0 && self.review.late.as_ref().is_some_and(|late| !late.has(self.base + line.index));
        at < self.review.until.millis() && (at >= self.review.since.millis() || late)
    }

    fn access(&mut self, line: &Line, in_period: bool) -> Access {
        let body = &line.body;
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (hour, weekday, day) = clock::office(line.time / 1000, self.utc_offset);
        let roles = body.get("roles").map_or_else(String::new, Value::to_string);
        let purpose = body.get("purpose").and_then(Value::as_str).unwrap_or_default();
        let (roles, purpose) = (word(&mut self.words, &roles), word(&mut self.words, purpose));
        let person = person(body).map(|person| {
            let next = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
            *self.people.entry(person).or_insert(next)
        });
        Access {
            index: self.base + line.index,
            person,
            roles,
            purpose,
            people: number("people"),
            day,
            hour,
            weekday,
            in_period,
            glass: body.get("review") == Some(&Value::Bool(true)),
            unfinished: false,
            // Whoever was asked for a reason first, or wanted the head alone, has nothing.
            download: body.get("action").is_some_and(|action| action == "download")
                && body.get("delivered_bytes").is_none_or(|bytes| bytes != 0),
            unattributed: number("unattributed") > 0,
        }
    }

    fn drawn(mut self, seed: String, read: Ends, unread: u64) -> Drawn {
        let begun = std::mem::take(&mut self.begun).into_values();
        self.all.extend(begun.filter(|access| access.in_period));
        let unusual = unusual(&self.all);
        let mut counts: BTreeMap<Rule, u64> = BTreeMap::new();
        unusual.values().flatten().for_each(|rule| *counts.entry(*rule).or_default() += 1);
        let of = |position: usize| (rank(&seed, self.all[position].index), position);
        let sample = usize::try_from(self.review.sample).unwrap_or(usize::MAX);
        let period = || (0..self.all.len()).filter(|position| self.all[*position].in_period);
        let drawn = smallest(period().map(of), sample);
        let mut chosen = drawn.clone();
        for rule in counts.keys() {
            let of_rule = unusual.iter().filter(|(_, rules)| rules.contains(rule)).map(|(position, _)| of(*position));
            chosen.extend(smallest(of_rule, if rule.is_whole() { usize::MAX } else { LISTED }));
        }
        let names: HashMap<u32, &PersonId> = self.people.iter().map(|(person, number)| (*number, person)).collect();
        let one = |position: &usize| {
            let access = &self.all[*position];
            Chosen {
                record: access.index,
                person: access.person.and_then(|number| names.get(&number)).map(|person| (*person).clone()),
                drawn: drawn.contains(position),
                rules: unusual.get(position).cloned().unwrap_or_default(),
                result: None,
            }
        };
        let mut records: Vec<Chosen> = chosen.iter().map(one).collect();
        records.sort_unstable_by_key(|chosen| chosen.record);
        let total = period().count() as u64;
        Drawn { seed, read, total, unread, unusual: counts, records }
    }
}

/// The positions of the `n` smallest ranks.
fn smallest(all: impl Iterator<Item = ([u8; 32], usize)>, n: usize) -> BTreeSet<usize> {
    let mut kept = BTreeSet::new();
    for one in all {
        kept.insert(one);
        if kept.len() > n {
            kept.pop_last();
        }
    }
    kept.into_iter().map(|(_, position)| position).collect()
}

fn word(words: &mut HashMap<String, u32>, text: &str) -> u32 {
    if let Some(number) = words.get(text) {
        return *number;
    }
    let next = u32::try_from(words.len()).unwrap_or(u32::MAX);
    words.insert(text.to_owned(), next);
    next
}

/// Whom a record names.
fn person(body: &Map<String, Value>) -> Option<PersonId> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    Some(PersonId::new(text("issuer").unwrap_or_default(), text("person")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Moment;

    const HOUR: u64 = 3600;
    /// A Monday, at nine.
    const START: u64 = 20_000 * 86_400 + 4 * 86_400 + 9 * HOUR;

    fn review(sample: u32, late: Option<u64>) -> Review {
        let late = late.map(|late| Ends(vec![late]));
        let (since, until) = (Moment::at(START), Moment::at(START + 10 * HOUR));
        let by = PersonId::new("staff", "one");
        let (drawn, opened) = (Drawn::default(), until);
        Review { id: 1, since, until, late, sample, by, opened, drawn, signed: None, carried: until }
    }

    fn line(index: u64, seconds: u64, kind: Kind, more: Value) -> Line {
        let mut body = json!({ "request_id": format!("r{index}"), "issuer": "staff", "person": "ann", "roles": ["marketing"],
            "purpose": "marketing", "action": "view", "people": 1, "unattributed": 0 });
        let (Value::Object(body), Value::Object(more)) = (&mut body, more) else { unreachable!() };
        body.extend(more);
        let body = std::mem::take(body);
        let (time, class, kind) = (seconds * 1000, Class::Access, kind.name().to_owned());
        Line { index, time, class, hash: [0; 32], kind, clock_was_set: false, body }
    }

    fn done(index: u64, seconds: u64, more: Value) -> Line {
        line(index, seconds, Kind::DisclosureDone, more)
    }

    fn intent(index: u64, seconds: u64) -> Line {
        line(index, seconds, Kind::DisclosureIntent, json!({}))
    }

    fn drawn(review: &Review, lines: &[Line], seed: &str) -> Drawn {
        let mut population = Population::new(review, 0);
        for line in lines {
            population.take(line);
        }
        population.drawn(seed.to_owned(), Ends::default(), 0)
    }

    fn indexes(drawn: &Drawn) -> Vec<u64> {
        drawn.records.iter().map(|chosen| chosen.record).collect()
    }

    #[test]
    fn a_draw_is_the_seeds_and_nobodys_choice() {
        let lines: Vec<Line> = (0..100).map(|n| done(n, START + n, json!({}))).collect();
        let of = |seed: &str| indexes(&drawn(&review(10, None), &lines, seed));
        // As anybody can draw it again.
        let mut ranked: Vec<u64> = (0..100).collect();
        ranked.sort_by_key(|index| rank("5eed", *index));
        let mut expected = ranked[..10].to_vec();
        expected.sort_unstable();
        assert_eq!(of("5eed"), expected);
        assert_ne!(of("5eed"), of("other"));
        assert_eq!(drawn(&review(200, None), &lines, "5eed").records.len(), 100, "no more than there are");
        let text = rank("5eed", 7).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(text, crate::registry::pledge::sha256("5eed:7"));
        // Which was drawn does not depend on the order of reading, nor on what was not of the period.
        let mut more = vec![done(900, START - HOUR, json!({}))];
        more.extend(lines.iter().rev().cloned());
        more.push(done(901, START + 10 * HOUR, json!({})));
        assert_eq!(indexes(&drawn(&review(10, None), &more, "5eed")), expected);
    }

    #[test]
    fn records_of_several_gateways_keep_apart() {
        let late = Some(Ends(vec![CHAIN + 2]));
        let known = Review { late, ..review(100, None) };
        let mut population = Population::new(&known, 0);
        for chain in [1, 2] {
            population.base = chain * CHAIN;
            for line in [
                done(0, START - 5, json!({ "intent": 0 })),
                done(2, START - 5, json!({ "intent": 0 })),
                intent(3, START),
                line(4, START + 1, Kind::DisclosureDone, json!({ "request_id": format!("c{chain}"), "intent": 3 })),
            ] {
                population.take(&line);
            }
        }
        // The second gateway was not there when it was looked at before.
        let found = population.drawn("s".to_owned(), Ends::default(), 0);
        let expected = [CHAIN + 2, CHAIN + 4, 2 * CHAIN, 2 * CHAIN + 2, 2 * CHAIN + 4];
        assert_eq!(indexes(&found), expected);
        assert!(found.records.iter().all(|chosen| chosen.rules.is_empty()), "every intent has its end");
    }

    #[test]
    fn what_is_of_a_period() {
        let by_one = |n: u64| json!({ "request_id": format!("r{n}"), "intent": n });
        let lines = [
            done(1, START - 1, json!({ "intent": 0 })),
            intent(2, START),
            done(3, START + 5, by_one(2)),
            // Of one that has very many people there are several records.
            done(4, START + 6, json!({ "people": 5000, "part": [1, 2] })),
            done(5, START + 6, json!({ "people": 5000, "part": [2, 2] })),
            // Nobody knows the end of these; the last one may go on still.
            intent(6, START - HOUR - 1),
            intent(7, START - HOUR),
            intent(8, START + 9 * HOUR),
            // Begun here, and ended in another period; one whose end names the request alone.
            intent(9, START + 7 * HOUR),
            intent(10, START + 7 * HOUR),
            done(11, START + 10 * HOUR, by_one(9)),
            done(12, START + 8 * HOUR, json!({ "request_id": "r10" })),
            line(13, START + 8 * HOUR, Kind::SignInSuccess, json!({})),
        ];
        let found = drawn(&review(100, None), &lines, "s");
        assert_eq!((indexes(&found), found.total), (vec![3, 4, 7, 12], 4));
        let rules = |index| &found.records.iter().find(|chosen| chosen.record == index).expect("chosen").rules;
        assert_eq!(*rules(7), [Rule::Unfinished]);
        assert_eq!(*rules(4), [Rule::ManyPeople]);
        assert!(rules(3).is_empty() && found.records[0].person == Some(PersonId::new("staff", "ann")));
        // What was on disk too late for the review before.
        assert_eq!(indexes(&drawn(&review(100, Some(1)), &lines, "s")), [1, 3, 4, 7, 12]);
        assert_eq!(indexes(&drawn(&review(100, Some(2)), &lines, "s")), [3, 4, 7, 12]);
    }

    #[test]
    fn unusual_ones_are_listed_besides_and_the_broken_glass_without_an_end() {
        let download = |n| done(n, START + n, json!({ "action": "download" }));
        let glass = |n| done(n, START + n, json!({ "review": true }));
        let lines: Vec<Line> = (0..70).map(download).chain((70..140).map(glass)).collect();
        let found = drawn(&review(1, None), &lines, "s");
        assert_eq!(found.unusual, BTreeMap::from([(Rule::BrokenGlass, 70), (Rule::Download, 70)]));
        let of = |rule| found.records.iter().filter(|chosen| chosen.rules.contains(&rule)).count();
        assert_eq!(of(Rule::BrokenGlass), 70);
        assert!((LISTED..=LISTED + 1).contains(&of(Rule::Download)), "and the one that was drawn");
        assert_eq!(found.records.iter().filter(|chosen| chosen.drawn).count(), 1);
        // The office's night is not that of UTC.
        let mut seoul = review(1, None);
        seoul.sample = 1;
        let mut population = Population::new(&seoul, 540);
        population.take(&done(1, START + 5 * HOUR, json!({})));
        assert_eq!(population.drawn("s".into(), Ends::default(), 0).records[0].rules, [Rule::Night]);
    }
}
