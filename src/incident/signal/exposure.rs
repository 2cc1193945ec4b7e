//! What goes where nobody has signed in, in URLs, and over cleartext.

use std::collections::HashMap;

use super::{
    fact::{At, Seen},
    found::{Found, Who},
    past::HOUR,
    recent::{Recent, Tally},
    rule::Rule,
    settings::Settings,
};

/// Most addresses that are looked at at once.
const MOST: usize = 10_000;
const DAY: u64 = 86_400;

/// What is exposed.
#[derive(Debug, Default)]
pub struct Exposure {
    anonymous: HashMap<String, Recent>,
    routes: HashMap<(Rule, String), Tally>,
}

impl Exposure {
    /// Looks at an answer that somebody had who has not signed in.
    pub fn anonymous(&mut self, index: u64, at: At, seen: &Seen, settings: &Settings, out: &mut Vec<Found>) {
        let threshold = settings.of(Rule::AnonymousAnswer).threshold;
        if seen.people >= threshold && seen.first {
            let (who, measure) = (Who::Route(seen.route.clone()), seen.people);
            out.push(Found { rule: Rule::AnonymousAnswer, who, measure, threshold, records: vec![index] });
        }
        let Some(address) = seen.address.map(|address| address.to_string()) else { return };
        if self.anonymous.len() >= MOST {
            self.anonymous.retain(|_, recent| {
                recent.pass(at.seconds);
                !recent.is_empty()
            });
        }
        if seen.subjects.is_empty() || self.anonymous.len() >= 2 * MOST && !self.anonymous.contains_key(&address) {
            return;
        }
        let recent = self.anonymous.entry(address.clone()).or_insert_with(|| Recent::new(HOUR));
        recent.add(at.seconds, index, &seen.subjects);
        let (measure, threshold) = (recent.people(), settings.of(Rule::AnonymousPeople).threshold);
        if measure >= threshold {
            let (who, records) = (Who::Address(address), recent.records());
            out.push(Found { rule: Rule::AnonymousPeople, who, measure, threshold, records });
        }
    }

    /// Looks at `n` requests of a route that have shown what they should not.
    #[allow(clippy::too_many_arguments, reason = "one of them is where it goes")]
    pub fn requests(
        &mut self,
        rule: Rule,
        index: u64,
        at: At,
        route: &str,
        n: u64,
        settings: &Settings,
        out: &mut Vec<Found>,
    ) {
        let tally = self.routes.entry((rule, route.to_owned())).or_insert_with(|| Tally::new(DAY));
        let (measure, threshold) = (tally.add(at.seconds, index, n), settings.of(rule).threshold);
        if measure >= threshold {
            out.push(Found { rule, who: Who::Route(route.to_owned()), measure, threshold, records: tally.records() });
        }
    }
}
