//! What says that the gateway itself is not as it was: its journal, its configuration; malware, and sign-ins that were guessed.

use std::collections::HashMap;

use super::{
    fact::At,
    found::{Found, Who},
    past::HOUR,
    recent::Tally,
    rule::Rule,
    settings::Settings,
};
use crate::login::stuffed::Failures;

const DAY: u64 = 86_400;

/// What was seen of it so far.
#[derive(Debug)]
pub struct Integrity {
    refused: Tally,
    malware: HashMap<String, Tally>,
    failures: Failures<String>,
}

impl Default for Integrity {
    fn default() -> Self {
        Self { refused: Tally::new(HOUR), malware: HashMap::new(), failures: Failures::default() }
    }
}

impl Integrity {
    /// The journal is not what it was.
    pub fn journal(index: u64, settings: &Settings, out: &mut Vec<Found>) {
        let threshold = settings.of(Rule::Journal).threshold;
        if threshold <= 1 {
            out.push(Found { rule: Rule::Journal, who: Who::Gateway, measure: 1, threshold, records: vec![index] });
        }
    }

    /// A key was destroyed: too early, where the records of its day were to be kept.
    pub fn key(index: u64, at: At, class: u8, day: i64, settings: &Settings, out: &mut Vec<Found>) {
        let kept = settings.kept.get(usize::from(class)).map_or(0, std::time::Duration::as_secs);
        let over = u64::try_from(day + 1).unwrap_or_default() * DAY;
        if kept > 0 && at.seconds < over.saturating_add(kept) {
            Self::journal(index, settings, out);
        }
    }

    /// A configuration was refused.
    pub fn configuration(&mut self, index: u64, at: At, settings: &Settings, out: &mut Vec<Found>) {
        let (rule, measure) = (Rule::Configuration, self.refused.add(at.seconds, index, 1));
        let threshold = settings.of(rule).threshold;
        if measure >= threshold {
            out.push(Found { rule, who: Who::Gateway, measure, threshold, records: self.refused.records() });
        }
    }

    /// Malware was found on a route.
    pub fn malware(
        &mut self,
        index: u64,
        at: At,
        (route, refused): (&str, bool),
        settings: &Settings,
        out: &mut Vec<Found>,
    ) {
        let tally = self.malware.entry(route.to_owned()).or_insert_with(|| Tally::new(HOUR));
        let (measure, threshold) = (tally.add(at.seconds, index, 1), settings.of(Rule::Malware).threshold);
        let (threshold, records) = if refused { (threshold, tally.records()) } else { (1, vec![index]) };
        if measure >= threshold {
            let who = Who::Route(route.to_owned());
            out.push(Found { rule: Rule::Malware, who, measure, threshold, records });
        }
    }

    /// Somebody has tried to sign in at a gate.
    pub fn sign_in(
        &mut self,
        index: u64,
        at: At,
        (account, address, success): (&String, &String, bool),
        settings: &Settings,
        out: &mut Vec<Found>,
    ) {
        if let Some(failures) = self.failures.take(at.seconds, account, address, success) {
            Self::stuffed(index, address, failures, settings, out);
        }
    }

    /// Somebody has signed in after many failures.
    pub fn stuffed(index: u64, address: &str, measure: u64, settings: &Settings, out: &mut Vec<Found>) {
        let threshold = settings.of(Rule::Stuffing).threshold;
        if measure >= threshold {
            let who = Who::Address(address.to_owned());
            out.push(Found { rule: Rule::Stuffing, who, measure, threshold, records: vec![index] });
        }
    }
}
