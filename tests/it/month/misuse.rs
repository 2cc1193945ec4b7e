//! What some of them do wrong in that month, and by which rules it may be found.

use privet::{
    incident::signal::{Rule, Who},
    journal::Kind,
};
use serde_json::json;

use super::office::{COLLEAGUES, CUSTOMERS, HOUR, Month, SHARES, STAFF, VIPS, at, calendar};

/// Must never be seen.
pub const CANARY: u32 = 999_999;
/// A cousin of whoever comes first in complaints.
pub const COUSIN: u32 = 4242;

/// One misuse.
pub struct Misuse {
    pub name: &'static str,
    /// Any of these finds it.
    pub rules: &'static [Rule],
    pub who: Who,
    /// From when to when, in seconds.
    pub since: u64,
    pub until: u64,
}

struct Stage<'m> {
    month: &'m mut Month,
    all: Vec<Misuse>,
    busy: Vec<usize>,
}

/// From an hour to the end of a day.
fn from(day: u64, hour: f64) -> (u64, u64) {
    (at(day, hour * HOUR), at(day + 1, 0.0))
}

/// Stages one of each, on working days from the thirteenth on.
pub fn stage(month: &mut Month) -> Vec<Misuse> {
    let mut stage = Stage { month, all: Vec::new(), busy: vec![0] };
    stage.volumes();
    stage.enumerations();
    stage.snooping();
    stage.places();
    stage.changes();
    stage.outside();
    stage.gateway();
    stage.namesakes();
    stage.all
}

impl Stage<'_> {
    /// Somebody of a role who has been there for some days, and does nothing else wrong.
    fn actor(&mut self, duty: &str) -> usize {
        let may = |who: &usize| self.month.staff[*who].duty.name == duty && !self.busy.contains(who);
        let all: Vec<usize> = (0..self.month.staff.len()).filter(may).collect();
        let days = |who: &usize| self.month.active(*who, 12);
        let most = all.iter().map(days).max().unwrap_or_default();
        let known: Vec<usize> = all.into_iter().filter(|who| days(who) >= most.min(9)).collect();
        let who = known[self.month.rng.usize(0..known.len())];
        self.busy.push(who);
        who
    }

    fn day(&mut self) -> u64 {
        calendar(self.month.rng.u64(13..19))
    }

    fn add(&mut self, name: &'static str, rules: &'static [Rule], who: Who, (since, until): (u64, u64)) {
        self.all.push(Misuse { name, rules, who, since, until });
    }

    fn person(&mut self, name: &'static str, rules: &'static [Rule], who: usize, span: (u64, u64)) {
        let id = self.month.staff[who].id();
        self.add(name, rules, Who::Person(id), span);
    }

    fn home(&self, who: usize) -> String {
        self.month.staff[who].home.clone()
    }

    fn median(&self, who: usize) -> f64 {
        self.month.staff[who].duty.people * self.month.staff[who].factor
    }

    fn customers(&mut self, n: usize) -> Vec<u32> {
        let mut all: Vec<u32> = (300..CUSTOMERS).collect();
        self.month.rng.shuffle(&mut all);
        all.truncate(n);
        all
    }

    /// Pages of a list, so many seconds apart.
    fn pages(&mut self, who: usize, since: u64, people: usize, page: usize, every: u64) {
        let (home, all) = (self.home(who), self.customers(people));
        for (n, ids) in all.chunks(page).enumerate() {
            self.month.see(who, since + n as u64 * every, &home, ids, "view", 0);
        }
    }

    fn volumes(&mut self) {
        let (who, day) = (self.actor("marketing"), self.day());
        self.pages(who, at(day, 15.0 * HOUR), 1234, 50, 60);
        self.person("fast: pages through 1,234 people", &[Rule::PeopleHour, Rule::PeopleDay], who, from(day, 15.0));

        let (who, day) = (self.actor("complaints"), self.day());
        let people = (10.0 * self.median(who)).max(400.0) as usize;
        self.pages(who, at(day, 10.0 * HOUR), people, people / 40, 600);
        self.person("a day of 400 people, or of ten days'", &[Rule::OwnPast, Rule::Peers], who, from(day, 10.0));

        let who = self.actor("complaints");
        let people = (6.0 * self.median(who)).max(100.0) as usize;
        for day in 13..20 {
            self.pages(who, at(calendar(day), 10.0 * HOUR), people, 4, 300);
        }
        let span = (at(calendar(13), 10.0 * HOUR), at(calendar(19) + 1, 0.0));
        self.person(
            "slow: six times as many on top for seven days",
            &[Rule::Slow, Rule::OwnPast, Rule::Peers],
            who,
            span,
        );

        let joiner = (0..self.month.staff.len()).find(|who| self.month.staff[*who].joined > 0).expect("a joiner");
        self.busy.push(joiner);
        let day = calendar(self.month.staff[joiner].joined + 2);
        self.pages(joiner, at(day, 11.0 * HOUR), 600, 20, 420);
        self.person("a joiner's third day of 600 people", &[Rule::Peers], joiner, from(day, 11.0));
    }

    fn enumerations(&mut self) {
        let (who, day) = (self.actor("desk"), self.day());
        let (home, all, mut when) = (self.home(who), self.customers(150), at(day, 14.0 * HOUR));
        for id in all {
            self.month.see(who, when, &home, &[id], "view", 1);
            when += self.month.rng.u64(2..7);
        }
        self.person("enumeration in no order", &[Rule::Enumeration], who, from(day, 14.0));

        let (who, day) = (self.actor("complaints"), self.day());
        let (home, start) = (self.home(who), at(day, 11.0 * HOUR));
        for n in 0..40 {
            self.month.see(who, start + u64::from(n) * 60, &home, &[2000 + n], "view", n + 1);
        }
        self.person("number by number, one a minute", &[Rule::Sequence], who, (start, start + 3000));
    }

    fn open(&mut self, who: usize, day: u64, ids: impl Iterator<Item = u32>) {
        let home = self.home(who);
        for (n, id) in ids.enumerate() {
            self.month.see(who, at(day, 13.0 * HOUR) + 200 * n as u64, &home, &[id], "view", 1);
        }
    }

    fn snooping(&mut self) {
        let (who, day) = (self.actor("complaints"), self.day());
        self.open(who, day, VIPS);
        self.person("all ten people of public interest", &[Rule::Vip], who, from(day, 13.0));

        let (who, day) = (self.actor("accounts"), self.day());
        let own = COLLEAGUES + who as u32;
        self.open(who, day, (COLLEAGUES..COLLEAGUES + 40).filter(|id| *id != own).take(12));
        self.person("twelve colleagues", &[Rule::Colleague], who, from(day, 13.0));

        let (who, day) = (self.actor("desk"), self.day());
        self.open(who, day, std::iter::once(COLLEAGUES + who as u32));
        self.person("one's own record", &[Rule::OwnRecord], who, from(day, 13.0));

        let day = self.day();
        self.open(0, day, std::iter::once(COUSIN));
        self.person("a cousin", &[Rule::KnownPerson], 0, from(day, 13.0));

        let (who, day) = (self.actor("desk"), self.day());
        self.open(who, day, std::iter::once(CANARY));
        self.person("somebody who must never be seen", &[Rule::Canary], who, from(day, 13.0));
    }

    fn places(&mut self) {
        let (who, day) = (self.actor("complaints"), self.day());
        self.pages(who, at(day, 3.0 * HOUR), 25, 1, 60);
        self.person("a raid at three in the night", &[Rule::Hour], who, from(day, 3.0));

        let (who, sunday) = (self.actor("accounts"), 20);
        self.pages(who, at(sunday, 11.0 * HOUR), 120, 4, 120);
        self.person("a raid on a Sunday", &[Rule::Weekend, Rule::OwnPast], who, from(sunday, 11.0));

        let (who, day) = (self.actor("complaints"), self.day());
        let (home, all, start) = (self.home(who), self.customers(60), at(day, 10.0 * HOUR));
        for (n, id) in all.into_iter().enumerate() {
            self.month.see(who, start + 90 * n as u64, "45.83.64.1", &[id], "view", 0);
            // Its owner is at work meanwhile.
            if n % 10 == 5 {
                self.month.see(who, start + 90 * n as u64 + 20, &home, &[id + 1], "view", 0);
            }
        }
        self.person("a session taken abroad", &[Rule::Address], who, from(day, 10.0));
    }

    fn changes(&mut self) {
        for (name, rules, action, n, every) in [
            ("180 changes", &[Rule::Bulk][..], "change", 180, 13),
            ("40 deletions", &[Rule::BulkDelete][..], "delete", 40, 40),
        ] {
            let (who, day) = (self.actor("desk"), self.day());
            let (home, all) = (self.home(who), self.customers(n));
            for (n, id) in all.into_iter().enumerate() {
                self.month.see(who, at(day, 16.0 * HOUR) + every * n as u64, &home, &[id], action, 0);
            }
            self.person(name, rules, who, from(day, 16.0));
        }
    }

    fn outside(&mut self) {
        let day = self.day();
        let (start, list) = (at(day, 4.0 * HOUR), self.customers(40));
        self.month.anonymous(start, "45.83.64.2", &list);
        let route = Who::Route("shop.example/".into());
        self.add("40 people to somebody unknown", &[Rule::AnonymousAnswer], route.clone(), (start, start + 60));

        let (day, scraper) = (self.day(), "45.83.64.3");
        let start = at(day, 5.0 * HOUR);
        for (n, id) in self.customers(200).into_iter().enumerate() {
            self.month.anonymous(start + 9 * n as u64, scraper, &[id]);
        }
        let rules = &[Rule::AnonymousPeople, Rule::Enumeration];
        self.add("an address scrapes 200 people", rules, Who::Address(scraper.into()), (start, start + 3600));

        let (day, bot, victim) = (self.day(), "45.83.64.4", self.actor("complaints"));
        let start = at(day, 2.0 * HOUR);
        for n in 0..60 {
            self.month.attempt(start + 20 * n, &format!("guess{n}"), bot, false);
        }
        let name = self.month.staff[victim].name.clone();
        self.month.attempt(start + 1300, &name, bot, true);
        self.add("60 accounts tried, one opens", &[Rule::Stuffing], Who::Address(bot.into()), (start, start + 1400));

        let (day, bot) = (self.day(), "45.83.64.5");
        let start = at(day, 3.5 * HOUR);
        for n in 0..25 {
            let from = format!("45.84.{n}.1");
            self.month.attempt(start + 60 * n, &name, &from, false);
        }
        self.month.attempt(start + 1600, &name, bot, true);
        self.add("one account tried 25 times", &[Rule::Stuffing], Who::Address(bot.into()), (start, start + 1700));

        for (name, rules, kind, requests) in [
            ("mail addresses in 60 URLs", &[Rule::Url][..], Kind::ExposureUrl, 20),
            ("passwords over cleartext", &[Rule::Cleartext][..], Kind::ExposureCleartext, 2),
        ] {
            let start = at(self.day(), 12.0 * HOUR);
            for n in 0..3 {
                self.month.note(start + 70 * n, kind, json!({ "route": "old.example/", "requests": requests }));
            }
            self.add(name, rules, Who::Route("old.example/".into()), (start, start + 300));
        }
        let start = at(self.day(), 12.0 * HOUR);
        self.month.note(start, Kind::MalwareFound, json!({ "route": "up.example/", "refused": false }));
        self.add("malware is let through", &[Rule::Malware], Who::Route("up.example/".into()), (start, start + 60));
    }

    /// Somebody whose surname one in a hundred has looks for a family. It comes last, so that all others stay whose they were.
    fn namesakes(&mut self) {
        let surname = |stage: &Self, who: usize| stage.month.surname(STAFF + who as u32);
        let rare = |who: &usize| {
            let is_known = self.month.active(*who, 12) >= 9 && !self.busy.contains(who);
            is_known && surname(self, *who) >= SHARES.len()
        };
        let all: Vec<usize> = (0..self.month.staff.len()).filter(rare).collect();
        let who = all[self.month.rng.usize(0..all.len())];
        self.busy.push(who);
        let (own, day) = (surname(self, who), self.day());
        let same: Vec<u32> = (300..CUSTOMERS).filter(|id| self.month.surname(*id) == own).take(12).collect();
        self.open(who, day, same.into_iter());
        self.person("twelve of one's own surname", &[Rule::Surname], who, from(day, 13.0));
    }

    fn gateway(&mut self) {
        let mut days = [13, 14, 15, 16, 17, 18].map(calendar);
        self.month.rng.shuffle(&mut days);
        let start = at(days[0], 12.0 * HOUR);
        self.month.note(start, Kind::WitnessFailed, json!({ "witness": "file", "alarm": true }));
        self.add("a witness knows another journal", &[Rule::Journal], Who::Gateway, (start, start + 60));

        let start = at(days[1], 12.0 * HOUR);
        self.month.note(start, Kind::KeyDestroyed, json!({ "class": "access", "day": "2026-10-01" }));
        self.add("a key is destroyed early", &[Rule::Journal], Who::Gateway, (start, start + 60));

        let start = at(days[2], 12.0 * HOUR);
        for n in 0..6 {
            self.month.note(start + 300 * n, Kind::ConfigRefused, json!({ "why": "line 1" }));
        }
        self.add("six configurations refused", &[Rule::Configuration], Who::Gateway, (start, start + 3600));
    }
}
