//! Everything together: a record goes in, signals come out. The same records bring the same signals, live and in a replay.

use std::collections::HashMap;

use super::{
    bulk,
    enumeration::{Enumeration, who},
    exposure::Exposure,
    fact::{Action, At, Fact, Seen, What},
    found::{Found, Signal, Who},
    integrity::Integrity,
    past::{EVIDENCE, Past},
    rule::Rule,
    settings::Settings,
    snooping::{Lists, Snooping},
    volume, whereabouts,
};
use crate::{access::canary::Holder, journal::search::Line, registry::Moment};

/// Most signals of a rule on a day: whoever has many addresses must not bring as many cases.
const DAILY: u32 = 20;
/// Most that are remembered to have been told of, before those of other days go.
const MOST: usize = 10_000;

/// What looks at records, one after the other.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    past: Past,
    enumeration: Enumeration,
    snooping: Snooping,
    exposure: Exposure,
    integrity: Integrity,
    /// Up to which day somebody was told of: once a day.
    told: HashMap<(Rule, Who), i64>,
    /// How many signals of a rule there were on its latest day.
    count: HashMap<Rule, (i64, u32)>,
}

impl Detector {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings, lists: Lists) -> Self {
        Self {
            settings,
            past: Past::default(),
            enumeration: Enumeration::default(),
            snooping: Snooping::new(lists),
            exposure: Exposure::default(),
            integrity: Integrity::default(),
            told: HashMap::new(),
            count: HashMap::new(),
        }
    }

    /// Takes in a record of a journal whose records are numbered from `base` on; what rules say of it.
    pub fn take(&mut self, line: &Line, base: u64) -> Vec<Signal> {
        // What Privet has asked itself says nothing of anybody.
        if line.body.contains_key("probe") {
            return Vec::new();
        }
        let Some(fact) = Fact::of(line, base, self.settings.utc_offset) else { return Vec::new() };
        let (index, at, mut found) = (fact.index, fact.at, Vec::new());
        let (settings, out) = (&self.settings, &mut found);
        let (mut route, mut planted) = (None, Vec::new());
        match &fact.what {
            What::Seen(seen) => {
                route = Some(seen.route.clone());
                planted = self.seen(index, at, seen, &mut found);
            }
            What::SignIn { account, address, success } => {
                self.integrity.sign_in(index, at, (account, address, *success), settings, out);
            }
            What::Stuffed { address, failures } => Integrity::stuffed(index, address, *failures, settings, out),
            What::Malware { route, refused } => self.integrity.malware(index, at, (route, *refused), settings, out),
            What::Journal => Integrity::journal(index, settings, out),
            What::KeyDestroyed { class, day } => Integrity::key(index, at, *class, *day, settings, out),
            What::Configuration => self.integrity.configuration(index, at, settings, out),
            What::Url(route, n) => self.exposure.requests(Rule::Url, index, at, route, *n, settings, out),
            What::Cleartext(route, n) => self.exposure.requests(Rule::Cleartext, index, at, route, *n, settings, out),
        }
        let mut signals: Vec<Signal> =
            found.into_iter().filter_map(|found| self.tell(found, at, route.as_deref())).collect();
        for signal in signals.iter_mut().filter(|signal| signal.rule == Rule::Canary) {
            signal.planted.clone_from(&planted);
        }
        signals
    }

    /// Into whose lists those were planted who are canaries.
    fn seen(&mut self, index: u64, at: At, seen: &Seen, out: &mut Vec<Found>) -> Vec<Holder> {
        let settings = &self.settings;
        let planted = self.snooping.canary(index, seen, who(seen), settings, out);
        self.enumeration.look(index, at, seen, settings, out);
        let Some(number) = self.past.take(index, at, seen) else {
            self.exposure.anonymous(index, at, seen, settings, out);
            return planted;
        };
        let crowd = self.past.crowd(number);
        volume::look(&self.past, number, &crowd, settings, out);
        if seen.first && seen.action != Action::Look {
            bulk::look(&self.past.people[number], seen.action == Action::Delete, settings, out);
        }
        whereabouts::hour(&mut self.past, number, &crowd, at, settings, out);
        whereabouts::address(&mut self.past, number, seen, settings, out);
        self.snooping.look(&mut self.past, number, index, seen, settings, out);
        planted
    }

    /// One signal a rule and person a day.
    fn tell(&mut self, found: Found, at: At, route: Option<&str>) -> Option<Signal> {
        let setting = self.settings.of(found.rule);
        if !setting.on {
            return None;
        }
        let key = (found.rule, found.who);
        if self.told.get(&key).is_some_and(|day| at.day <= *day) {
            return None;
        }
        let (day, count) = self.count.entry(found.rule).or_insert((at.day, 0));
        if *day != at.day {
            (*day, *count) = (at.day, 0);
        }
        *count += 1;
        if *count > DAILY {
            return None;
        }
        if self.told.len() >= MOST {
            self.told.retain(|_, day| *day >= at.day);
        }
        self.told.insert(key.clone(), at.day);
        let (rule, who) = key;
        let mut evidence = found.records;
        // The latest say most.
        evidence.drain(..evidence.len().saturating_sub(EVIDENCE));
        let route = if let Who::Route(route) = &who { Some(route.clone()) } else { route.map(str::to_owned) };
        Some(Signal {
            rule,
            severity: setting.severity,
            who,
            at: Moment::at(at.seconds),
            day: at.day,
            measure: found.measure,
            threshold: found.threshold,
            evidence,
            route,
            planted: Vec::new(),
        })
    }

    /// The rules in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
