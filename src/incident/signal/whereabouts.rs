//! When and from where: hours and weekends on which nobody works, and networks that are new.

use super::{
    fact::{At, Seen},
    found::{Found, Who},
    past::{ACTIVE, Crowd, Network, Past},
    rule::Rule,
    settings::Settings,
};

/// So far from every usual hour is unusual.
const FAR: u32 = 4;
/// Fewer active days say nothing of where somebody works.
const PLACES: usize = 5;
/// Fewer people from elsewhere are no great volume.
const FLOOR: u64 = 100;
/// Deviations above one's own days that are enough for a network that is new.
const ABOVE: f64 = 2.5;

/// Looks at when it was.
pub fn hour(past: &mut Past, number: usize, crowd: &Crowd, at: At, settings: &Settings, out: &mut Vec<Found>) {
    let today = &past.people[number].today;
    let usual = &today.usual;
    if usual.people.of < ACTIVE && !crowd.known {
        return;
    }
    let people = today.recent.people();
    let far = distance(at.hour, usual.hours | crowd.hours).is_some_and(|hours| hours >= FAR);
    let since = usual.since.min(crowd.since);
    let (rule, people, least) = match (far, at.weekend && at.day - since >= 7) {
        (true, _) => (Rule::Hour, people, 0),
        // Three times as many as anybody of them on any weekend.
        (false, true) => (Rule::Weekend, today.day.people, 3 * usual.weekend.max(crowd.weekend)),
        (false, false) => return,
    };
    let threshold = settings.of(rule).threshold.max(least);
    if people >= threshold {
        let who = Who::Person(past.people[number].id.clone());
        out.push(Found { rule, who, measure: people, threshold, records: today.recent.records() });
        past.people[number].today.strange = true;
    }
}

/// How many hours lie between this one and the nearest of those; nothing where there are none.
fn distance(hour: u8, hours: u32) -> Option<u32> {
    let hour = u32::from(hour);
    let apart = |other: u32| {
        let straight = hour.abs_diff(other);
        straight.min(24 - straight)
    };
    (0..24).filter(|other| hours & (1 << other) != 0).map(apart).min()
}

/// Looks at where it came from.
pub fn address(past: &mut Past, number: usize, seen: &Seen, settings: &Settings, out: &mut Vec<Found>) {
    let person = &past.people[number];
    let (today, Some(here)) = (&person.today, seen.address.map(Network::of)) else { return };
    if today.usual.people.of < PLACES {
        return;
    }
    let threshold = settings.of(Rule::Address).threshold;
    let strange = |network: Network| !past.is_familiar(number, network);
    for visit in today.visits.iter().filter(|visit| strange(visit.network)) {
        let people = visit.people.len() as u64;
        let moves = today.moves.iter().filter(|(_, from, to)| [from, to].contains(&&visit.network)).count();
        // From there, and at the same time from where they usually are.
        let twice = moves >= 2 && people >= threshold;
        let bound = today.usual.people.bound(ABOVE).max(2 * today.usual.people.most + 1).max(FLOOR).max(threshold);
        let many = visit.network == here && people >= bound;
        if twice || many {
            let (who, threshold) = (Who::Person(person.id.clone()), if twice { threshold } else { bound });
            let records = visit.records.clone();
            out.push(Found { rule: Rule::Address, who, measure: people, threshold, records });
            past.people[number].today.strange = true;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_go_round() {
        let office = 0b0000_0011_1111_1110_0000_0000; // 9 to 17
        assert_eq!([3, 8, 12, 20, 0].map(|hour| distance(hour, office)), [6, 1, 0, 3, 7].map(Some));
        assert_eq!(distance(3, 0), None);
        assert_eq!(distance(23, 0b1), Some(1));
    }
}
