//! What makes an access record unusual: plain rules, each with a name, that anybody can apply again.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::population::Access;

/// Before this hour it is night, and from the other on.
const DAY: std::ops::Range<u8> = 7..21;
/// From this weekday on it is weekend, with 1 for Monday.
const SATURDAY: u8 = 6;
/// More people in one answer are many.
const MANY: u64 = 100;
/// Fewer days with any access say nothing of what is usual for somebody.
const DAYS: usize = 5;
/// A day of fewer people is no great volume, whoever's it is.
const VOLUME: u64 = 50;
/// So many times one's own median is far above it.
const TIMES: u64 = 5;
/// Fewer records of people with the same roles say nothing of what these are for.
const PEERS: u64 = 20;
/// A purpose of fewer than one in so many of them is outside of what these roles are for.
const RARE: u64 = 20;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The glass was broken: the policies ask for a look afterwards.
    BrokenGlass,
    /// Nobody knows what came of it: the gateway was killed, or an answer has gone on for more than an hour.
    Unfinished,
    /// Data was taken along.
    Download,
    /// Many people in one answer.
    ManyPeople,
    /// Somebody saw far more people on a day than on their own usual ones.
    Volume,
    /// A purpose that people of the same roles hardly ever have.
    Purpose,
    /// Nobody can say whose data it was, or of some of it.
    Unattributed,
    /// At night.
    Night,
    /// At a weekend.
    Weekend,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::BrokenGlass,
        Self::Unfinished,
        Self::Download,
        Self::ManyPeople,
        Self::Volume,
        Self::Purpose,
        Self::Unattributed,
        Self::Night,
        Self::Weekend,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokenGlass => "broken_glass",
            Self::Unfinished => "unfinished",
            Self::Download => "download",
            Self::ManyPeople => "many_people",
            Self::Volume => "volume",
            Self::Purpose => "purpose",
            Self::Unattributed => "unattributed",
            Self::Night => "night",
            Self::Weekend => "weekend",
        }
    }

    /// Whether every record of it has to be looked at, however many there are.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::BrokenGlass
    }
}

/// Which records of `all` are unusual, and by which rules: positions in `all`. Those before the period only say what is usual.
#[must_use]
pub fn unusual(all: &[Access]) -> BTreeMap<usize, Vec<Rule>> {
    let mut found: BTreeMap<usize, Vec<Rule>> = BTreeMap::new();
    let rare = purposes(all);
    for (position, access) in all.iter().enumerate().filter(|(_, access)| access.in_period) {
        let applies = |rule: &Rule| match rule {
            Rule::BrokenGlass => access.glass,
            Rule::Unfinished => access.unfinished,
            Rule::Download => access.download,
            Rule::ManyPeople => access.people > MANY,
            Rule::Purpose => rare.contains(&(access.roles, access.purpose)),
            Rule::Unattributed => access.unattributed,
            Rule::Night => !DAY.contains(&access.hour),
            Rule::Weekend => access.weekday >= SATURDAY,
            Rule::Volume => false,
        };
        let rules: Vec<Rule> = Rule::ALL.into_iter().filter(applies).collect();
        if !rules.is_empty() {
            found.insert(position, rules);
        }
    }
    for position in volumes(all) {
        let rules = found.entry(position).or_default();
        rules.push(Rule::Volume);
        rules.sort_unstable();
    }
    found
}

/// What roles hardly ever have for a purpose.
fn purposes(all: &[Access]) -> HashSet<(u32, u32)> {
    let (mut of_roles, mut of_both) = (HashMap::<u32, u64>::new(), HashMap::<(u32, u32), u64>::new());
    for access in all.iter().filter(|access| access.in_period) {
        *of_roles.entry(access.roles).or_default() += 1;
        *of_both.entry((access.roles, access.purpose)).or_default() += 1;
    }
    let is_rare = |((roles, _), n): &((u32, u32), u64)| of_roles[roles] >= PEERS && n * RARE < of_roles[roles];
    of_both.into_iter().filter(is_rare).map(|(both, _)| both).collect()
}

/// The largest record of each day of the period on which somebody saw far more people than on their own median day.
fn volumes(all: &[Access]) -> Vec<usize> {
    let mut days: BTreeMap<u32, BTreeMap<i64, Day>> = BTreeMap::new();
    for (position, access) in all.iter().enumerate() {
        let Some(person) = access.person else { continue };
        let day = days.entry(person).or_default().entry(access.day).or_default();
        day.people += access.people;
        let is_largest = |largest: usize| access.people > all[largest].people;
        if access.in_period && day.largest.is_none_or(is_largest) {
            day.largest = Some(position);
        }
    }
    let mut found = Vec::new();
    for days in days.values().filter(|days| days.len() >= DAYS) {
        let mut sums: Vec<u64> = days.values().map(|day| day.people).collect();
        sums.sort_unstable();
        let median = sums[sums.len() / 2];
        let far = |day: &&Day| day.people >= VOLUME && day.people > TIMES * median;
        found.extend(days.values().filter(far).filter_map(|day| day.largest));
    }
    found
}

/// What somebody saw on a day.
#[derive(Default)]
struct Day {
    people: u64,
    largest: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Access {
        Access {
            index: 0,
            person: Some(0),
            roles: 0,
            purpose: 0,
            people: 3,
            day: 0,
            hour: 10,
            weekday: 1,
            in_period: true,
            glass: false,
            unfinished: false,
            download: false,
            unattributed: false,
        }
    }

    #[test]
    fn each_rule_finds_what_it_names_and_nothing_else() {
        type Change = fn(&mut Access);
        let table: [(Change, &[Rule]); 14] = [
            (|_| {}, &[]),
            (|access| access.hour = 6, &[Rule::Night]),
            (|access| access.hour = 7, &[]),
            (|access| access.hour = 20, &[]),
            (|access| access.hour = 21, &[Rule::Night]),
            (|access| access.weekday = 5, &[]),
            (|access| access.weekday = 7, &[Rule::Weekend]),
            (|access| access.people = 100, &[]),
            (|access| access.people = 101, &[Rule::ManyPeople]),
            (|access| access.download = true, &[Rule::Download]),
            (|access| access.glass = true, &[Rule::BrokenGlass]),
            (|access| access.unattributed = true, &[Rule::Unattributed]),
            (|access| (access.unfinished, access.hour) = (true, 23), &[Rule::Unfinished, Rule::Night]),
            (|access| (access.in_period, access.glass) = (false, true), &[]),
        ];
        for (number, (change, rules)) in table.into_iter().enumerate() {
            let mut access = usual();
            change(&mut access);
            let found = unusual(&[access]);
            assert_eq!(found.get(&0).map_or(&[][..], Vec::as_slice), rules, "{number}");
        }
        assert!(Rule::ALL.iter().all(|rule| serde_json::json!(rule) == rule.name()));
    }

    #[test]
    fn a_purpose_is_measured_by_those_of_the_same_roles() {
        let of = |roles, purpose, n| vec![Access { roles, purpose, ..usual() }; n];
        // One in 21 is rare, one in 20 is not; of 19 records nothing is said.
        let found = |all: &[Access]| unusual(all).into_keys().collect::<Vec<_>>();
        assert_eq!(found(&[of(0, 0, 20), of(0, 1, 1)].concat()), [20]);
        assert!(found(&[of(0, 0, 19), of(0, 1, 1)].concat()).is_empty());
        assert!(found(&[of(0, 0, 18), of(0, 1, 1)].concat()).is_empty());
        // What is usual for others is not for these.
        assert_eq!(found(&[of(0, 0, 30), of(1, 1, 30), of(0, 1, 1)].concat()), [60]);
    }

    #[test]
    fn a_volume_is_measured_by_ones_own_median() {
        let day = |person, day, people| Access { person: Some(person), day, people, ..usual() };
        let found = |all: &[Access]| unusual(all).into_keys().collect::<Vec<_>>();
        let quiet: Vec<Access> = (0..4).map(|n| day(0, n, 10)).collect();
        let with = |more: &[Access]| found(&[&quiet, more].concat());
        assert_eq!(with(&[day(0, 9, 20), day(0, 9, 31)]), [5], "the largest of the day");
        assert!(with(&[day(0, 9, 20), day(0, 9, 30)]).is_empty(), "five times as much");
        assert!(with(&[day(1, 9, 90)]).is_empty(), "somebody else, of whom nothing is known");
        assert!(with(&[Access { in_period: false, ..day(0, 9, 90) }]).is_empty());
        let few: Vec<Access> = (0..4).map(|n| day(0, n, 1)).collect();
        assert!(found(&[few, vec![day(0, 9, 49)]].concat()).is_empty(), "few in any case");
        assert!(with(&[Access { person: None, ..day(0, 9, 90) }]).is_empty());
    }
}
