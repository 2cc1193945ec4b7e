//! What everybody of the staff has done: today, record by record, and on the days before, as a few numbers a day.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::IpAddr,
};

use super::{
    fact::{Action, At, Seen},
    recent::{Recent, Tally},
    usual::{Usual, less, log},
};
use crate::{access::subject::Subject, registry::PersonId};

/// So many days back count.
pub const WINDOW: i64 = 30;
/// Fewer active days say nothing of what is usual for somebody.
pub const ACTIVE: usize = 8;
/// Fewer days of fewer people say nothing of what roles are for.
const CROWD: (usize, usize) = (4, 60);
/// Fewer others say nothing of a day, nor do those who see hardly anybody.
const OTHERS: usize = 3;
const STEADY: u64 = 4;
/// Most records that are named as evidence.
pub const EVIDENCE: usize = 1000;
/// An hour.
pub const HOUR: u64 = 3600;

/// A part of the Internet that an address is of: what a provider or a company has. Addresses of homes change within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// That of an address: its first 16 bits, or 32 of version 6.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self(match address {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & 0xffff_0000).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 96 << 96).into()),
        })
    }
}

/// A day that is over.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// Which, since 1970.
    pub day: i64,
    /// Whether it was of a weekend, and usual as such.
    pub weekend: bool,
    /// Whose roles: days before a move say nothing of those after.
    pub roles: u32,
    /// Different people.
    pub people: u64,
    /// Different people in its busiest hour.
    pub peak: u64,
    /// Records changed in its busiest hour.
    pub changes: u64,
    /// Its hours, a bit each.
    pub hours: u32,
    /// From where.
    pub networks: Vec<Network>,
    /// Different people who were opened, and those among them who are of public interest, and colleagues.
    pub opened: u64,
    /// Of public interest.
    pub vips: u64,
    /// Colleagues.
    pub colleagues: u64,
}

/// What came from a network today.
#[derive(Debug)]
pub struct Visit {
    /// Which.
    pub network: Network,
    /// Whom it has seen.
    pub people: HashSet<Subject>,
    /// By which records.
    pub records: Vec<u64>,
}

/// The day that goes on.
#[derive(Debug)]
pub struct Today {
    /// Its numbers so far.
    pub day: Day,
    /// Whom it has seen.
    pub people: HashSet<Subject>,
    /// Within the last hour.
    pub recent: Recent,
    /// Changed within the last hour.
    pub changed: Tally,
    /// Deleted within the last hour.
    pub deleted: Tally,
    /// From where.
    pub visits: Vec<Visit>,
    /// When it went from one network to another: from, to.
    pub moves: VecDeque<(u64, Network, Network)>,
    last: Option<Network>,
    /// Records of people's data.
    pub records: Vec<u64>,
    /// Hours that are usual for nobody are not learned from a day on which they were a signal; so are networks.
    pub strange: bool,
    /// What was usual when the day began.
    pub usual: Baseline,
}

/// What is usual for somebody, of their own days with the same roles.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// People a day.
    pub people: Usual,
    /// People in the busiest hour.
    pub peak: Usual,
    /// Records changed in the busiest hour, at most.
    pub changes: u64,
    /// Hours in which they have ever worked.
    pub hours: u32,
    /// Most people on a day of a weekend.
    pub weekend: u64,
    /// The first of the days.
    pub since: i64,
    /// The last four active days, the latest first: people, as many times fewer as it was more for all with the same roles on that day.
    pub last: Vec<u64>,
    /// What was usual before these.
    pub before: Usual,
}

/// What is usual for people with the same roles.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    /// Whether there is enough to tell.
    pub known: bool,
    /// People a day.
    pub people: Usual,
    /// Hours in which they have worked, on two days at least.
    pub hours: u32,
    /// Most people on a day of a weekend.
    pub weekend: u64,
    /// The first of the days.
    pub since: i64,
}

/// Somebody of the staff.
#[derive(Debug)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// The days before, the latest last.
    pub days: VecDeque<Day>,
    /// The day that goes on.
    pub today: Today,
}

/// Everybody of the staff.
#[derive(Debug, Default)]
pub struct Past {
    numbers: HashMap<PersonId, usize>,
    /// By their numbers.
    pub people: Vec<Person>,
    roles: HashMap<String, u32>,
    crowds: HashMap<u32, (i64, Crowd)>,
    /// Who was the first from a network, and whether somebody else came from there as well.
    networks: HashMap<Network, (usize, bool)>,
}

impl Today {
    fn new(at: At, roles: u32, usual: Baseline) -> Self {
        Self {
            day: Day { day: at.day, weekend: at.weekend, roles, ..Day::default() },
            people: HashSet::new(),
            recent: Recent::new(HOUR),
            changed: Tally::new(HOUR),
            deleted: Tally::new(HOUR),
            visits: Vec::new(),
            moves: VecDeque::new(),
            last: None,
            records: Vec::new(),
            strange: false,
            usual,
        }
    }

    fn take(&mut self, index: u64, at: At, seen: &Seen) {
        if self.records.len() < EVIDENCE {
            self.records.push(index);
        }
        self.people.extend(seen.subjects.iter().copied());
        self.recent.add(at.seconds, index, &seen.subjects);
        self.day.people = self.people.len() as u64;
        self.day.peak = self.day.peak.max(self.recent.people());
        if !seen.subjects.is_empty() {
            self.day.hours |= 1 << at.hour;
        }
        if seen.first && seen.action != Action::Look {
            let changes = self.changed.add(at.seconds, index, 1);
            self.day.changes = self.day.changes.max(changes);
        }
        if seen.first && seen.action == Action::Delete {
            self.deleted.add(at.seconds, index, 1);
        }
        if let Some(network) = seen.address.map(Network::of) {
            self.come(index, at, seen, network);
        }
    }

    fn come(&mut self, index: u64, at: At, seen: &Seen, network: Network) {
        if let Some(last) = self.last.replace(network).filter(|last| *last != network) {
            self.moves.push_back((at.seconds, last, network));
        }
        while self.moves.front().is_some_and(|(when, ..)| when + 2 * HOUR < at.seconds) {
            self.moves.pop_front();
        }
        let known = self.visits.iter().position(|visit| visit.network == network);
        let position = known.unwrap_or_else(|| {
            self.visits.push(Visit { network, people: HashSet::new(), records: Vec::new() });
            self.visits.len() - 1
        });
        let visit = &mut self.visits[position];
        visit.people.extend(seen.subjects.iter().copied());
        if visit.records.len() < EVIDENCE {
            visit.records.push(index);
        }
    }
}

fn weekend(days: &[&Day]) -> u64 {
    days.iter().filter(|day| day.weekend).map(|day| day.people).max().unwrap_or_default()
}

impl Baseline {
    fn new(days: &VecDeque<Day>, at: At, roles: u32) -> Self {
        let same: Vec<&Day> = days.iter().filter(|day| day.roles == roles && day.day >= at.day - WINDOW).collect();
        let busy: Vec<&&Day> = same.iter().filter(|day| day.people > 0).collect();
        let split = busy.len().saturating_sub(4);
        Self {
            people: Usual::new(busy.iter().map(|day| day.people)),
            peak: Usual::new(busy.iter().map(|day| day.peak)),
            changes: same.iter().map(|day| day.changes).max().unwrap_or_default(),
            hours: same.iter().fold(0, |hours, day| hours | day.hours),
            weekend: weekend(&same),
            since: same.first().map_or(at.day, |day| day.day),
            last: Vec::new(),
            before: Usual::new(busy[..split].iter().map(|day| day.people)),
        }
    }
}

impl Past {
    /// Takes in what somebody has seen; their number.
    pub fn take(&mut self, index: u64, at: At, seen: &Seen) -> Option<usize> {
        let id = seen.person.as_ref()?;
        let next = u32::try_from(self.roles.len()).unwrap_or(u32::MAX);
        let roles = *self.roles.entry(seen.roles.clone()).or_insert(next);
        let number = if let Some(number) = self.numbers.get(id) {
            *number
        } else {
            let (id, days, today) = (id.clone(), VecDeque::new(), Today::new(at, roles, Baseline::default()));
            self.numbers.insert(id.clone(), self.people.len());
            self.people.push(Person { id, days, today });
            self.people.len() - 1
        };
        // A record that came late is of the day that goes on: that day's numbers are not there any more to be mended.
        if self.people[number].today.day.day < at.day {
            self.turn(number, at, roles);
        }
        let today = &mut self.people[number].today;
        today.day.roles = roles;
        today.take(index, at, seen);
        Some(number)
    }

    /// Another day begins for somebody.
    fn turn(&mut self, number: usize, at: At, roles: u32) {
        let person = &mut self.people[number];
        let today = &mut person.today;
        let mut day = std::mem::take(&mut today.day);
        if today.strange {
            day.hours &= today.usual.hours;
            day.weekend = false;
        } else {
            day.networks = today.visits.iter().map(|visit| visit.network).collect();
        }
        for network in &day.networks {
            let (first, several) = self.networks.entry(*network).or_insert((number, false));
            *several |= *first != number;
        }
        person.days.push_back(day);
        while person.days.front().is_some_and(|day| day.day < at.day - WINDOW) {
            person.days.pop_front();
        }
        let mut usual = Baseline::new(&person.days, at, roles);
        let last: Vec<(i64, u64)> = person
            .days
            .iter()
            .rev()
            .filter(|day| day.roles == roles && day.people > 0)
            .map(|day| (day.day, day.people))
            .take(4)
            .collect();
        usual.last = last.into_iter().map(|(day, people)| less(people, self.surge(number, day, roles))).collect();
        self.people[number].today = Today::new(at, roles, usual);
    }

    /// How many times as many people as usual those with the same roles see on a day, in the middle of them; what is so for all is nobody's.
    #[must_use]
    pub fn surge(&self, number: usize, day: i64, roles: u32) -> f64 {
        let times = |(other, person): (usize, &Person)| {
            let today = &person.today;
            let usual = &today.usual.people;
            if other == number || today.day.roles != roles || usual.of < 3 || usual.typical() < STEADY {
                return None;
            }
            let people = if today.day.day == day {
                today.day.people
            } else {
                person.days.iter().rev().find(|one| one.day == day)?.people
            };
            Some((log(people) - usual.median).exp())
        };
        let mut all: Vec<f64> = self.people.iter().enumerate().filter_map(times).collect();
        all.sort_unstable_by(f64::total_cmp);
        if all.len() < OTHERS { 1.0 } else { all[all.len() / 2].max(1.0) }
    }

    /// What is usual for people with the same roles as somebody, on days that are over.
    pub fn crowd(&mut self, number: usize) -> Crowd {
        let Day { day, roles, .. } = self.people[number].today.day;
        if let Some((of, crowd)) = self.crowds.get(&roles)
            && *of == day
        {
            return crowd.clone();
        }
        let crowd = self.gather(day, roles);
        self.crowds.insert(roles, (day, crowd.clone()));
        crowd
    }

    fn gather(&self, day: i64, roles: u32) -> Crowd {
        let of = |person: &&Person| person.days.iter().any(|day| day.roles == roles);
        let people: Vec<&Person> = self.people.iter().filter(of).collect();
        let window = |one: &&Day| one.roles == roles && one.day >= day - WINDOW;
        let days: Vec<&Day> = people.iter().flat_map(|person| &person.days).filter(window).collect();
        let (mut once, mut hours) = (0, 0);
        for day in &days {
            hours |= once & day.hours;
            once |= day.hours;
        }
        Crowd {
            known: people.len() >= CROWD.0 && days.len() >= CROWD.1,
            people: Usual::new(days.iter().map(|day| day.people).filter(|people| *people > 0)),
            hours,
            weekend: weekend(&days),
            since: days.iter().map(|day| day.day).min().unwrap_or(day),
        }
    }

    /// Whether somebody has come from a network on a day before, or several others have.
    #[must_use]
    pub fn is_familiar(&self, number: usize, network: Network) -> bool {
        let own = self.people[number].days.iter().any(|day| day.networks.contains(&network));
        own || self.networks.get(&network).is_some_and(|(_, several)| *several)
    }
}
