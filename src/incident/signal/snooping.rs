//! Whom somebody opens: those who must never be seen, themselves, whom they know, colleagues, people of public interest, and those with their own surname.
//!
//! A list of a hundred shows whoever is on it; only an answer about a few was asked for because of them. Whom work brings by chance is told by
//! how often it brings them to others.

use std::collections::{HashMap, HashSet};

use super::{
    fact::Seen,
    found::{Found, Who},
    past::Past,
    rule::Rule,
    settings::{Named, Settings},
    usual::beyond_chance,
};
use crate::{
    access::{
        canary::{Holder, Planted},
        subject::{Subject, Subjects},
    },
    registry::PersonId,
    seal::Ring,
};

/// So many days are looked at together.
const DAYS: i64 = 7;
/// Most into whose lists the canaries of one answer were planted.
const HOLDERS: usize = 16;
/// What chance may bring: one in so many weeks of one person.
const ONCE: f64 = 1.0 / 4000.0;
/// Before much is known it is taken to be one in a hundred, as if a thousand had been seen.
const BEFOREHAND: (f64, f64) = (10.0, 1000.0);
/// The same of surnames, which are looked at with each person who is opened, and not only with a few of them.
const NAMESAKES: f64 = 1.0 / 20_000.0;

/// Lists of people, by their pseudonyms.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    canaries: HashSet<Subject>,
    planted: Option<Planted>,
    vips: HashSet<Subject>,
    colleagues: HashMap<Subject, PersonId>,
    known: HashMap<PersonId, HashSet<Subject>>,
}

impl Lists {
    /// Those of the configuration, and canaries of people who are known.
    #[must_use]
    pub fn of<'p>(settings: &Settings, ring: &Ring, people: impl IntoIterator<Item = &'p PersonId>) -> Self {
        let subjects = &Subjects::of(ring);
        let name = |named: &Named| subjects.name(&named.name, named.value.as_bytes());
        let all = |list: &[Named]| list.iter().filter_map(name).collect();
        let mut lists = Self { canaries: all(&settings.canaries), vips: all(&settings.vips), ..Self::default() };
        for staff in &settings.staff {
            lists.colleagues.extend(staff.own.iter().filter_map(name).map(|own| (own, staff.person.clone())));
            lists.known.entry(staff.person.clone()).or_default().extend(staff.known.iter().filter_map(name));
        }
        if !settings.planted.is_empty() {
            let mut planted = Planted::new(ring, &settings.planted);
            people.into_iter().for_each(|person| planted.meet(person));
            lists.planted = Some(planted);
        }
        lists
    }

    /// The same of pseudonyms.
    #[must_use]
    pub fn new(
        canaries: &[Subject],
        vips: &[Subject],
        own: &[(PersonId, Subject)],
        known: &[(PersonId, Subject)],
    ) -> Self {
        let mut lists = Self {
            canaries: canaries.iter().copied().collect(),
            vips: vips.iter().copied().collect(),
            colleagues: own.iter().map(|(person, subject)| (*subject, person.clone())).collect(),
            ..Self::default()
        };
        for (person, subject) in known {
            lists.known.entry(person.clone()).or_default().insert(*subject);
        }
        lists
    }
}

/// Whom everybody has opened within the last days.
#[derive(Debug, Default)]
pub struct Snooping {
    lists: Lists,
    opened: HashMap<usize, Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    day: i64,
    /// Different people of the day that goes on.
    today: HashSet<Subject>,
    vips: HashMap<Subject, (i64, u64)>,
    colleagues: HashMap<Subject, (i64, u64)>,
    /// Whose surnames were compared with one's own.
    compared: HashMap<Subject, Compared>,
}

/// Somebody whose surname was compared.
#[derive(Debug)]
struct Compared {
    day: i64,
    record: u64,
    /// Whether it was the same.
    same: bool,
    /// In how many of a hundred chance has it.
    share: f64,
}

impl Snooping {
    /// With these lists.
    #[must_use]
    pub fn new(lists: Lists) -> Self {
        Self { lists, opened: HashMap::new() }
    }

    /// Looks for those who must never be seen, whoever has seen them; into whose lists those were planted who are canaries.
    pub fn canary(
        &mut self,
        index: u64,
        seen: &Seen,
        who: Option<Who>,
        settings: &Settings,
        out: &mut Vec<Found>,
    ) -> Vec<Holder> {
        let mut measure = seen.subjects.iter().filter(|subject| self.lists.canaries.contains(*subject)).count() as u64;
        let mut holders = Vec::new();
        if let Some(planted) = &mut self.lists.planted {
            seen.person.iter().for_each(|person| planted.meet(person));
            let all: HashSet<&Subject> = seen.subjects.iter().chain(&seen.asked).collect();
            for of in all.into_iter().map(|subject| planted.holders(subject)) {
                // Who opens somebody from a list of their own has shown it to nobody.
                if !of.is_empty() && !of.iter().any(|holder| Some(&holder.person) == seen.person.as_ref()) {
                    measure += 1;
                    holders.extend_from_slice(of);
                }
            }
        }
        holders.sort_unstable();
        holders.dedup();
        holders.truncate(HOLDERS);
        let threshold = settings.of(Rule::Canary).threshold;
        if let (Some(who), true) = (who, measure >= threshold) {
            out.push(Found { rule: Rule::Canary, who, measure, threshold, records: vec![index] });
        }
        holders
    }

    /// Looks at whom somebody has opened.
    pub fn look(
        &mut self,
        past: &mut Past,
        number: usize,
        index: u64,
        seen: &Seen,
        settings: &Settings,
        out: &mut Vec<Found>,
    ) {
        if !seen.is_opened() {
            return;
        }
        let id = past.people[number].id.clone();
        let day = past.people[number].today.day.day;
        let opened = self.opened.entry(number).or_default();
        opened.turn(day);
        for subject in &seen.subjects {
            opened.today.insert(*subject);
            match self.lists.colleagues.get(subject) {
                Some(own) if *own == id => {
                    let threshold = settings.of(Rule::OwnRecord).threshold;
                    if threshold <= 1 {
                        let who = Who::Person(id.clone());
                        out.push(Found { rule: Rule::OwnRecord, who, measure: 1, threshold, records: vec![index] });
                    }
                }
                Some(_) => drop(opened.colleagues.insert(*subject, (day, index))),
                None => {}
            }
            if self.lists.vips.contains(subject) {
                opened.vips.insert(*subject, (day, index));
            }
        }
        let known = self.lists.known.get(&id);
        let measure = known.map_or(0, |known| opened.today.intersection(known).count() as u64);
        let threshold = settings.of(Rule::KnownPerson).threshold;
        if measure >= threshold
            && seen.subjects.iter().any(|subject| known.is_some_and(|known| known.contains(subject)))
        {
            let who = Who::Person(id.clone());
            out.push(Found { rule: Rule::KnownPerson, who, measure, threshold, records: vec![index] });
        }
        let of_today = |list: &HashMap<Subject, (i64, u64)>| list.values().filter(|(of, _)| *of == day).count() as u64;
        let today = &mut past.people[number].today.day;
        today.opened = opened.today.len() as u64;
        (today.vips, today.colleagues) = (of_today(&opened.vips), of_today(&opened.colleagues));
        for (rule, list) in [(Rule::Vip, &mut opened.vips), (Rule::Colleague, &mut opened.colleagues)] {
            let threshold = settings.of(rule).threshold;
            let measure = list.len() as u64;
            if measure < threshold || !list.values().any(|(_, record)| *record == index) {
                continue;
            }
            // Where one is enough, nobody asks what chance brings.
            let threshold = if threshold == 1 { 1 } else { threshold.max(chance(past, number, day, rule)) };
            if measure >= threshold {
                let mut records: Vec<u64> = list.values().map(|(_, record)| *record).collect();
                records.sort_unstable();
                out.push(Found { rule, who: Who::Person(id.clone()), measure, threshold, records });
                // Who was told of is told of again by others only.
                list.clear();
            }
        }
        let threshold = settings.of(Rule::Surname).threshold;
        if let Some((measure, threshold, records)) = opened.namesakes(day, index, seen, threshold) {
            out.push(Found { rule: Rule::Surname, who: Who::Person(id), measure, threshold, records });
        }
    }
}

impl Opened {
    fn turn(&mut self, day: i64) {
        if self.day != day {
            self.day = day;
            self.today.clear();
        }
        for list in [&mut self.vips, &mut self.colleagues] {
            list.retain(|_, (of, _)| *of > day - DAYS);
        }
        self.compared.retain(|_, one| one.day > day - DAYS);
    }

    /// Takes in whether somebody has one's own surname; how many had, from how many on that is told, and by which records, where it is.
    fn namesakes(&mut self, day: i64, record: u64, seen: &Seen, threshold: u64) -> Option<(u64, u64, Vec<u64>)> {
        let (same, share) = seen.surname?;
        // Nobody knows which of two or three it was: they count as one, and once.
        let known = seen.subjects.iter().find(|subject| self.compared.contains_key(subject));
        let subject = *known.or(seen.subjects.first())?;
        let same = same || self.compared.get(&subject).is_some_and(|before| before.same);
        self.compared.insert(subject, Compared { day, record, same, share });
        let found = || self.compared.values().filter(|one| one.same);
        let measure = found().count() as u64;
        if measure < threshold || !found().any(|one| one.record == record) {
            return None;
        }
        let expected = self.compared.values().map(|one| one.share / 100.0).sum();
        let threshold = if threshold == 1 { 1 } else { threshold.max(beyond_chance(expected, NAMESAKES)) };
        if measure < threshold {
            return None;
        }
        let mut records: Vec<u64> = found().map(|one| one.record).collect();
        records.sort_unstable();
        self.compared.clear();
        Some((measure, threshold, records))
    }
}

/// What chance does not bring somebody who opens as many people, going by what it brings others.
#[allow(clippy::cast_precision_loss)] // people
fn chance(past: &Past, number: usize, day: i64, rule: Rule) -> u64 {
    let of = |one: &super::past::Day| if rule == Rule::Vip { one.vips } else { one.colleagues };
    let (mut listed, mut all) = BEFOREHAND;
    for (other, person) in past.people.iter().enumerate().filter(|(other, _)| *other != number) {
        debug_assert_ne!(other, number);
        for day in &person.days {
            listed += of(day) as f64;
            all += day.opened as f64;
        }
    }
    let person = &past.people[number];
    let days = person.days.iter().filter(|one| one.day > day - DAYS).map(|one| one.opened);
    let own = days.sum::<u64>() + person.today.day.opened;
    beyond_chance(own as f64 * listed / all, ONCE)
}
