//! How many different people somebody sees: by fixed caps, by their own past, by that of others with the same roles, and by days in a row.

use super::{
    found::{Found, Who},
    past::{ACTIVE, Crowd, EVIDENCE, Past, Person},
    rule::Rule,
    settings::Settings,
    usual::{less, log},
};

/// Fewer people on a day, or in an hour, are no great volume, whoever's it is.
const FLOOR: u64 = 100;
/// Fewer people within five days are none either.
const FLOOR_SLOW: u64 = 100;
/// So many times the most ever is beyond it.
const BEYOND: u64 = 5;
/// So many days in a row.
const ROW: usize = 5;

/// Looks at somebody's day.
pub fn look(past: &Past, number: usize, crowd: &Crowd, settings: &Settings, out: &mut Vec<Found>) {
    let person = &past.people[number];
    let today = &person.today;
    let (people, peak) = (today.day.people, today.recent.people());
    let mut find = |rule, measure, threshold, records: Vec<u64>| {
        out.push(Found { rule, who: Who::Person(person.id.clone()), measure, threshold, records });
    };
    let cap = settings.of(Rule::PeopleHour).threshold;
    if peak >= cap {
        find(Rule::PeopleHour, peak, cap, last(&today.recent.records()));
    }
    let cap = settings.of(Rule::PeopleDay).threshold;
    if people >= cap {
        find(Rule::PeopleDay, people, cap, today.records.clone());
    }
    if people < FLOOR_SLOW / 5 {
        return;
    }
    let usual = &today.usual;
    // At the month's end all have more to do.
    let surge = past.surge(number, today.day.day, today.day.roles);
    let more = |bound: u64| less(bound, 1.0 / surge);
    // What is twice what others see on most days is the least that is far above it.
    let others = if crowd.known { 2 * crowd.people.typical() } else { 0 };
    if usual.people.of >= ACTIVE {
        let deviations = times(settings.of(Rule::OwnPast).threshold);
        let above = |now: u64, usual: &super::usual::Usual| {
            // Few days may differ much, and still say what is beyond all of them.
            let bound = usual.bound(deviations).min(BEYOND * usual.most);
            let bound = more(bound).max(5 * usual.most / 2 + 1).max(FLOOR);
            (now >= bound).then_some(bound)
        };
        if let Some(bound) = above(people, &usual.people).filter(|_| people >= others) {
            find(Rule::OwnPast, people, bound, today.records.clone());
        } else if let Some(bound) = above(peak, &usual.peak).filter(|_| people >= others) {
            find(Rule::OwnPast, peak, bound, last(&today.recent.records()));
        }
    }
    if crowd.known {
        let bound = crowd.people.bound(times(settings.of(Rule::Peers).threshold)).min(3 * crowd.people.most);
        let bound = more(bound);
        // Who always sees more than others do is known by their own days.
        let bound = bound.max(4 * usual.people.most + 1).max(FLOOR);
        if people >= bound {
            find(Rule::Peers, people, bound, today.records.clone());
        }
    }
    if let Some((measure, threshold)) = slow(person, crowd, surge, settings.of(Rule::Slow).threshold) {
        find(Rule::Slow, measure, threshold, today.records.clone());
    }
}

/// Whether five active days in a row are far above what was usual before them, as per cent of it.
fn slow(person: &Person, crowd: &Crowd, surge: f64, threshold: u64) -> Option<(u64, u64)> {
    let today = &person.today;
    let before = &today.usual.before;
    let mut row = today.usual.last.clone();
    row.push(less(today.day.people, surge));
    if before.of < ACTIVE || row.len() < ROW || row.iter().sum::<u64>() < FLOOR_SLOW {
        return None;
    }
    if row.iter().any(|people| 5 * people <= 6 * before.typical()) {
        return None;
    }
    let n = times(row.len() as u64);
    let mean = row.iter().map(|people| log(*people)).sum::<f64>() / n;
    let above = mean - before.median;
    let enough = (times(threshold) / 100.0).ln().max(4.0 * before.deviation / n.sqrt());
    let others = if crowd.known { crowd.people.median + 1.5_f64.ln() } else { 0.0 };
    if above < enough || mean < others {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
    let percent = |log: f64| (log.exp() * 100.0) as u64;
    Some((percent(above), percent(enough)))
}

#[allow(clippy::cast_precision_loss)] // small numbers
fn times(n: u64) -> f64 {
    n as f64
}

fn last(records: &[u64]) -> Vec<u64> {
    records[records.len().saturating_sub(EVIDENCE)..].to_vec()
}
