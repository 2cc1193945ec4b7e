//! An office of made-up people, and what its gateway writes down of a month: the distributions are those of `docs/SIGNALS.md`.

use std::collections::BTreeSet;

use fastrand::Rng;
use privet::{
    journal::{Class, Kind, search::Line},
    registry::PersonId,
};
use serde_json::{Map, Value, json};

/// Monday, 2026-11-02, 00:00 in Seoul.
pub const MONDAY: u64 = 1_793_545_200;
pub const UTC_OFFSET: i16 = 540;
/// Working days.
pub const DAYS: u64 = 20;
/// Of the application.
pub const CUSTOMERS: u32 = 5000;
pub const HOUR: f64 = 3600.0;
const OFFICE: &str = "203.0.113.10";
/// Colleagues are customers as well, by these numbers; people of public interest by those.
pub const COLLEAGUES: u32 = 100;
pub const VIPS: std::ops::Range<u32> = 200..210;
/// Staff have surnames by these numbers.
pub const STAFF: u32 = 1_000_000;
/// Of a hundred people so many are Kim, Lee, Park, Choi and Jung.
pub const SHARES: [f64; 5] = [21.5, 14.7, 8.4, 4.7, 4.3];

/// A role: how many people, how many customers they see on a median day, how much that differs between days, how many of them they open one by one,
/// how often they change one, and how much more there is at the month's end.
pub struct Duty {
    pub name: &'static str,
    pub staff: usize,
    pub people: f64,
    pub spread: f64,
    pub opened: f64,
    pub changes: f64,
    pub end: f64,
}

pub const DUTIES: [Duty; 4] = [
    Duty { name: "complaints", staff: 14, people: 20.0, spread: 0.45, opened: 1.0, changes: 0.2, end: 1.5 },
    Duty { name: "desk", staff: 12, people: 55.0, spread: 0.4, opened: 0.9, changes: 0.25, end: 1.5 },
    Duty { name: "marketing", staff: 8, people: 35.0, spread: 0.7, opened: 0.3, changes: 0.05, end: 2.0 },
    Duty { name: "accounts", staff: 6, people: 10.0, spread: 0.6, opened: 0.8, changes: 0.6, end: 4.0 },
];

/// Somebody.
pub struct Staff {
    pub name: String,
    pub duty: &'static Duty,
    /// What their median day is of that of their role.
    pub factor: f64,
    /// Their first working day.
    pub joined: u64,
    pub home: String,
    /// Whether they work at home on two days a week.
    hybrid: bool,
    night: bool,
    weekend: bool,
    away: BTreeSet<u64>,
    /// Cases that go on.
    known: Vec<u32>,
}

impl Staff {
    pub fn id(&self) -> PersonId {
        PersonId::new("staff", &self.name)
    }
}

/// How much people differ, and how often they do what is no wrong and looks like one.
pub struct Habits {
    /// Times as wide as the spread of a role's days, and deviation of people's factors.
    pub spread: f64,
    pub factors: f64,
    /// Of a day with three times as much to do, of catching up on a day of a weekend, of an hour by telephone, and of overtime.
    pub busy: f64,
    pub catch_up: f64,
    pub phone: f64,
    pub overtime: f64,
    /// Of another address at home, and of a name that is tried from many places.
    pub moving: f64,
    pub attacked: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            spread: 1.0,
            factors: 0.5,
            busy: 0.02,
            catch_up: 0.015,
            phone: 0.01,
            overtime: 0.05,
            moving: 0.05,
            attacked: 0.1,
        }
    }
}

/// What is written down, in no order yet.
pub struct Month {
    seed: u64,
    habits: Habits,
    pub rng: Rng,
    pub staff: Vec<Staff>,
    pub events: Vec<(u64, Kind, Map<String, Value>)>,
}

/// The calendar's day of a working day.
pub fn calendar(day: u64) -> u64 {
    day / 5 * 7 + day % 5
}

/// So many seconds into a calendar's day.
pub fn at(day: u64, seconds: f64) -> u64 {
    MONDAY + day * 86_400 + seconds.max(0.0) as u64
}

pub fn subject(id: u32) -> String {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    privet::access::subject::Subject(bytes).text()
}

impl Month {
    /// Nobody has done any wrong yet.
    pub fn new(seed: u64, habits: Habits) -> Self {
        let mut month = Self { seed, habits, rng: Rng::with_seed(seed), staff: Vec::new(), events: Vec::new() };
        month.hire();
        for day in 0..DAYS / 5 * 7 {
            month.day(day);
        }
        month
    }

    pub fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.rng.f64(), self.rng.f64());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    pub fn chance(&mut self, of: f64) -> bool {
        self.rng.f64() < of
    }

    fn hire(&mut self) {
        for duty in &DUTIES {
            for number in 0..duty.staff {
                let factor = (self.habits.factors * self.normal()).exp() * if self.chance(0.1) { 0.15 } else { 1.0 };
                let joined = if number == duty.staff - 1 && duty.people >= 20.0 { self.rng.u64(5..13) } else { 0 };
                let mut away: BTreeSet<u64> = (0..DAYS).filter(|_| self.rng.f64() < 0.04).collect();
                if self.chance(0.12) {
                    let week = self.rng.u64(0..4) * 5;
                    away.extend(week..week + 5);
                }
                // A public holiday.
                away.insert(11);
                let home = self.address();
                self.staff.push(Staff {
                    name: format!("{}{number}", duty.name),
                    duty,
                    factor,
                    joined,
                    home,
                    hybrid: self.rng.f64() < 0.4,
                    night: duty.name == "desk" && number < 4,
                    weekend: duty.name == "desk" || duty.name == "complaints" && number < 5,
                    away,
                    known: Vec::new(),
                });
            }
        }
    }

    /// Of one of the country's forty providers' networks.
    pub fn address(&mut self) -> String {
        let network = self.rng.u8(0..40);
        format!("121.{}.{}.{}", 128 + network, self.rng.u8(..), self.rng.u8(1..))
    }

    fn day(&mut self, day: u64) {
        self.background(day);
        let (week, of_week) = (day / 7, day % 7);
        if of_week < 5 {
            let working = week * 5 + of_week;
            for who in 0..self.staff.len() {
                let staff = &self.staff[who];
                if working >= staff.joined && !staff.away.contains(&working) {
                    self.work(who, day, working);
                }
            }
        } else {
            self.weekend(day);
        }
        // One of four at the desk has the night.
        let nights: Vec<usize> = (0..self.staff.len()).filter(|who| self.staff[*who].night).collect();
        let who = nights[day as usize % nights.len()];
        let people = (10.0 * (0.5 * self.normal()).exp()) as usize;
        self.shift(who, day, (22.0 * HOUR, 29.5 * HOUR), people, OFFICE);
    }

    fn weekend(&mut self, day: u64) {
        let on_duty: Vec<usize> = (0..self.staff.len()).filter(|who| self.staff[*who].weekend).collect();
        for n in 0..3 {
            let who = on_duty[(day as usize * 3 + n * 5) % on_duty.len()];
            let people = self.count(who, 0.6);
            self.shift(who, day, (10.0 * HOUR, 16.0 * HOUR), people, OFFICE);
        }
        for who in 0..self.staff.len() {
            // Some catch up on what was left.
            if self.chance(self.habits.catch_up) && day / 7 * 5 >= self.staff[who].joined {
                let (people, home) = (self.count(who, 0.3), self.staff[who].home.clone());
                self.shift(who, day, (14.0 * HOUR, 17.0 * HOUR), people, &home);
            }
        }
    }

    fn count(&mut self, who: usize, times: f64) -> usize {
        let (spread, median) =
            (self.habits.spread * self.staff[who].duty.spread, self.staff[who].duty.people * self.staff[who].factor);
        (median * times * (spread * self.normal()).exp()).round() as usize
    }

    fn work(&mut self, who: usize, day: u64, working: u64) {
        let mut times = 1.0;
        if working >= DAYS - 3 {
            times *= self.staff[who].duty.end;
        }
        if working < self.staff[who].joined + 3 && self.staff[who].joined > 0 {
            times *= 0.3;
        }
        if self.chance(self.habits.busy) {
            times *= 3.0;
        }
        let people = self.count(who, times);
        let (early, late) = (self.normal(), self.normal());
        let overtime = if working >= DAYS - 3 { 5.0 * self.habits.overtime } else { self.habits.overtime };
        let end = if self.chance(overtime) { 20.5 } else { 18.0 + 0.3 * late };
        let hours = ((9.0 + 0.4 * early) * HOUR, end * HOUR);
        let at_home = self.staff[who].hybrid && self.chance(0.4);
        if at_home && self.chance(self.habits.moving) {
            // Mostly within what the provider has.
            let mut moved = self.address();
            if self.chance(0.8) {
                let network = self.staff[who].home.rsplitn(3, '.').last().unwrap_or_default().to_owned();
                moved = format!("{network}.{}.{}", self.rng.u8(..), self.rng.u8(1..));
            }
            self.staff[who].home = moved;
        }
        let place = if at_home { self.staff[who].home.clone() } else { OFFICE.to_owned() };
        self.sign_in(who, day, hours.0 - 60.0, &place);
        if self.chance(self.habits.phone) {
            // An hour by a telephone's network.
            let (phone, noon) = (self.address(), 13.0 * HOUR);
            self.shift(who, day, (hours.0, noon), people * 4 / 9, &place);
            self.shift(who, day, (noon, noon + HOUR), people / 9, &phone);
            self.shift(who, day, (noon + HOUR, hours.1), people * 4 / 9, &place);
        } else {
            self.shift(who, day, hours, people, &place);
        }
    }

    /// So many people within some hours: opened one by one, or in lists.
    fn shift(&mut self, who: usize, day: u64, hours: (f64, f64), people: usize, place: &str) {
        let duty = self.staff[who].duty;
        let mut left = people;
        while left > 0 {
            // Two humps, with noon between them.
            let hump = if self.chance(0.5) { 0.3 } else { 0.7 };
            let part = (hump + 0.13 * self.normal()).clamp(0.0, 1.0);
            let when = at(day, hours.0 + part * (hours.1 - hours.0));
            if self.chance(duty.opened) {
                let id = self.customer(who);
                let times = 1 + usize::from(self.chance(0.4)) + usize::from(self.chance(0.2));
                for n in 0..times {
                    self.see(who, when + 90 * n as u64, place, &[id], "view", 1);
                }
                if self.chance(duty.changes) {
                    let action = if self.chance(0.02) { "delete" } else { "change" };
                    self.see(who, when + 60, place, &[id], action, 1);
                }
                left -= 1;
            } else {
                let n = left.min(self.rng.usize(8..=50));
                let list: Vec<u32> = (0..n).map(|_| self.rng.u32(300..CUSTOMERS)).collect();
                self.see(who, when, place, &list, "view", 0);
                left -= n;
            }
        }
        // Now and then somebody goes through the newest customers.
        if self.chance(0.03) {
            let (first, run) = (self.rng.u32(4000..4900), self.rng.u32(3..12));
            let start = at(day, hours.0 + 0.5 * (hours.1 - hours.0));
            for n in 0..run {
                self.see(who, start + u64::from(n) * 70, place, &[first + n], "view", n + 1);
            }
        }
    }

    /// A third are cases that go on. Nobody is given their own, nor whom they have said to know.
    fn customer(&mut self, who: usize) -> u32 {
        let known = self.staff[who].known.len();
        if known > 0 && self.chance(0.3) {
            return self.staff[who].known[self.rng.usize(0..known)];
        }
        let id = self.rng.u32(0..CUSTOMERS);
        let id = if id == COLLEAGUES + who as u32 || id == super::misuse::COUSIN { id + 300 } else { id };
        self.staff[who].known.push(id);
        if known > 15 {
            self.staff[who].known.remove(0);
        }
        id
    }

    #[allow(clippy::too_many_arguments)]
    pub fn see(&mut self, who: usize, when: u64, place: &str, ids: &[u32], action: &str, sequence: u32) {
        let staff = &self.staff[who];
        let mut body = answer(ids, action, place, "crm.example/");
        body.insert("issuer".into(), "staff".into());
        body.insert("person".into(), staff.name.clone().into());
        body.insert("roles".into(), json!([staff.duty.name]));
        if sequence > 1 {
            body.insert("sequence".into(), sequence.into());
        }
        if ids.len() <= 3 {
            let own = self.surname(STAFF + who as u32);
            let share =
                1.0 - (1.0 - SHARES.get(own).unwrap_or(&1.0) / 100.0).powi(i32::try_from(ids.len()).expect("few"));
            body.insert("surname".into(), ids.iter().any(|id| self.surname(*id) == own).into());
            body.insert("surname_share".into(), ((share * 1000.0).round() / 10.0).into());
        }
        self.events.push((when, Kind::DisclosureDone, body));
    }

    /// By its place among surnames: five as they are in Korea, and 46 that one in a hundred has. It is drawn by nobody's turn, so that all else of a month
    /// stays what it was.
    pub fn surname(&self, of: u32) -> usize {
        let mut rng = Rng::with_seed(self.seed << 32 | u64::from(of));
        let mut part = rng.f64() * 100.0;
        for (place, share) in SHARES.iter().enumerate() {
            if part < *share {
                return place;
            }
            part -= share;
        }
        SHARES.len() + rng.usize(0..46)
    }

    pub fn anonymous(&mut self, when: u64, place: &str, ids: &[u32]) {
        self.events.push((when, Kind::DisclosureDone, answer(ids, "view", place, "shop.example/")));
    }

    pub fn attempt(&mut self, when: u64, account: &str, place: &str, success: bool) {
        let kind = if success { Kind::SignInSuccess } else { Kind::SignInFailure };
        self.note(when, kind, json!({ "login": "realm staff", "account": account, "address": place }));
    }

    pub fn note(&mut self, when: u64, kind: Kind, body: Value) {
        let Value::Object(body) = body else { unreachable!("an object") };
        self.events.push((when, kind, body));
    }

    fn sign_in(&mut self, who: usize, day: u64, seconds: f64, place: &str) {
        let name = self.staff[who].name.clone();
        for n in 0..3 {
            if self.chance(0.04) {
                self.attempt(at(day, seconds - 30.0 * f64::from(n)), &name, place, false);
            }
        }
        self.attempt(at(day, seconds), &name, place, true);
    }

    /// What comes from outside, and from the gateway itself.
    fn background(&mut self, day: u64) {
        let time = |rng: &mut Rng| at(day, rng.f64() * 24.0 * HOUR);
        for _ in 0..150 {
            let (when, place, name) = (time(&mut self.rng), self.address(), self.rng.u32(..200));
            self.attempt(when, &format!("bot{name}"), &place, false);
        }
        if self.chance(self.habits.attacked) {
            // Somebody tries a name from many places while its owner comes to work.
            let who = self.rng.usize(0..self.staff.len());
            for n in 0..30 {
                let (name, place) = (self.staff[who].name.clone(), self.address());
                self.attempt(at(day, 8.6 * HOUR) + n * 20, &name, &place, false);
            }
        }
        // Customers look at what is theirs, many of them by one provider's address.
        for n in 0..400 {
            let place = if n % 4 == 0 { "211.36.130.7".to_owned() } else { self.address() };
            let (when, id) = (time(&mut self.rng), self.rng.u32(300..CUSTOMERS));
            let ids = [id, (id + 1) % CUSTOMERS];
            let both = self.chance(0.05);
            self.anonymous(when, &place, &ids[..=usize::from(both)]);
        }
        for (kind, a_day, body) in [
            (Kind::MalwareFound, 1.0, json!({ "route": "shop.example/", "refused": true })),
            (Kind::ConfigRefused, 0.3, json!({ "why": "line 3" })),
            (Kind::WitnessFailed, 0.2, json!({ "witness": "file", "alarm": false })),
            (Kind::ExposureUrl, 1.5, json!({ "route": "shop.example/", "requests": 1 })),
            (Kind::ExposureCleartext, 0.2, json!({ "route": "shop.example/", "requests": 1 })),
            (Kind::KeyDestroyed, 1.0, json!({ "class": "access", "day": "2024-10-01" })),
        ] {
            let mut expected: f64 = a_day;
            while self.chance(expected.min(0.5)) {
                let when = time(&mut self.rng);
                self.note(when, kind, body.clone());
                expected *= 0.6;
            }
        }
    }

    /// As the journal has it.
    pub fn lines(&mut self) -> Vec<Line> {
        self.events.sort_by_key(|(when, ..)| *when);
        let line = |(index, (when, kind, body)): (usize, &(u64, Kind, Map<String, Value>))| Line {
            index: index as u64,
            time: when * 1000,
            class: Class::Access,
            hash: [0; 32],
            kind: kind.name().to_owned(),
            clock_was_set: false,
            body: body.clone(),
        };
        self.events.iter().enumerate().map(line).collect()
    }

    /// Days on which somebody has worked, before a working day.
    pub fn active(&self, who: usize, before: u64) -> usize {
        let staff = &self.staff[who];
        (staff.joined..before).filter(|day| !staff.away.contains(day)).count()
    }

    /// Which people are whose.
    pub fn own(&self) -> Vec<(PersonId, u32)> {
        self.staff.iter().enumerate().map(|(who, staff)| (staff.id(), COLLEAGUES + who as u32)).collect()
    }
}

fn answer(ids: &[u32], action: &str, place: &str, route: &str) -> Map<String, Value> {
    let different: BTreeSet<&u32> = ids.iter().collect();
    let subjects: Vec<String> = different.iter().map(|id| subject(**id)).collect();
    let Value::Object(body) = json!({
        "address": place, "route": route, "action": action, "status": 200, "complete": true, "delivered_bytes": 900,
        "people": subjects.len(), "subjects": subjects, "unattributed": 0,
    }) else {
        unreachable!("an object")
    };
    body
}
