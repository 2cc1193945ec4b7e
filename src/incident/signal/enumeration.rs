//! One person after the other, faster than anybody reads, or number by number.

use std::collections::HashMap;

use super::{
    fact::{At, Seen},
    found::{Found, Who},
    recent::Recent,
    rule::Rule,
    settings::Settings,
};

/// Within so many seconds.
const SPAN: u64 = 600;
/// Who opens people, at most so many at once.
const MOST: usize = 10_000;

/// Who opens people one by one.
#[derive(Debug, Default)]
pub struct Enumeration {
    opened: HashMap<Who, Recent>,
}

impl Enumeration {
    /// Looks at what somebody has opened.
    pub fn look(&mut self, index: u64, at: At, seen: &Seen, settings: &Settings, out: &mut Vec<Found>) {
        let Some(who) = who(seen) else { return };
        if !seen.is_opened() {
            return;
        }
        let threshold = settings.of(Rule::Sequence).threshold;
        if seen.sequence >= threshold {
            let (measure, records) = (seen.sequence, vec![index]);
            out.push(Found { rule: Rule::Sequence, who: who.clone(), measure, threshold, records });
        }
        if self.opened.len() >= MOST {
            self.opened.retain(|_, recent| {
                recent.pass(at.seconds);
                !recent.is_empty()
            });
        }
        if self.opened.len() >= MOST && !self.opened.contains_key(&who) {
            return;
        }
        let recent = self.opened.entry(who.clone()).or_insert_with(|| Recent::new(SPAN));
        recent.add(at.seconds, index, &seen.subjects);
        let (measure, threshold) = (recent.people(), settings.of(Rule::Enumeration).threshold);
        if measure >= threshold {
            let records = recent.records();
            out.push(Found { rule: Rule::Enumeration, who, measure, threshold, records });
        }
    }
}

/// Somebody who has signed in, or an address.
#[must_use]
pub fn who(seen: &Seen) -> Option<Who> {
    let person = seen.person.clone().map(Who::Person);
    person.or_else(|| seen.address.map(|address| Who::Address(address.to_string())))
}
