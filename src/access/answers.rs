//! Answers that were given. A decision is a function of the question and of the configuration, and the questions of an office are few. They are kept
//! beside the policies that they are by, and go with them: nothing can be stale.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    sync::Mutex,
};

use super::{ask::Ask, decision::Decision};

/// Most answers that are kept. Those of another hour are of no use again for long, so all of them go at once.
const MOST: usize = 4096;
/// Stands for every duty that no policy names.
const SOME_DUTY: &str = "\u{1}";
/// What policies call the type of routes: without the word none can tell one route from another, for routes have no attributes.
const ROUTE: &str = "Route";

/// What was asked, and what was answered.
pub(super) struct Answers {
    known: Mutex<HashMap<Box<[u8]>, Decision>>,
    /// Whether policies speak of the address, the hour, the day, of any route: where they do not, these make no other question of one.
    by: [bool; 4],
    /// The duties that policies name; all others are the same to them. Nothing where that is not known.
    duties: Option<HashSet<String>>,
}

impl Answers {
    /// None yet; `spoken_of` says of which circumstances policies speak, and `duties` are those that they name.
    pub(super) fn new(spoken_of: impl Fn(&str) -> bool, duties: Option<HashSet<String>>) -> Self {
        Self { duties, known: Mutex::default(), by: ["address", "hour", "weekday", ROUTE].map(spoken_of) }
    }

    fn named<'d>(&self, duty: &'d str) -> &'d str {
        if self.duties.as_ref().is_none_or(|named| named.contains(duty)) { duty } else { SOME_DUTY }
    }

    /// The answer to a question, by `decide` where it was not given yet. Nobody waits: while somebody else looks it is decided anew.
    pub(super) fn to(&self, ask: &Ask<'_>, decide: impl FnOnce(&Ask<'_>) -> Decision) -> Decision {
        let [address, hour, weekday, route] = self.by;
        let ask = &Ask {
            address: if address { ask.address } else { Ipv4Addr::UNSPECIFIED.into() },
            hour: if hour { ask.hour } else { 0 },
            weekday: if weekday { ask.weekday } else { 1 },
            route: if route { ask.route } else { "" },
            duty: ask.duty.map(|duty| self.named(duty)),
            ..*ask
        };
        let question = question(ask);
        if let Ok(known) = self.known.try_lock()
            && let Some(answer) = known.get(&*question)
        {
            return answer.clone();
        }
        let answer = decide(ask);
        if let Ok(mut known) = self.known.try_lock() {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(question.into(), answer.clone());
        }
        answer
    }
}

/// All that a decision depends on; no two questions are the same bytes.
fn question(ask: &Ask<'_>) -> Vec<u8> {
    // Whoever adds a circumstance is told here.
    let Ask {
        route,
        action,
        roles,
        duty,
        purpose,
        ticket,
        consent,
        pledged,
        second_factor,
        address,
        hour,
        weekday,
        bulk,
        glass,
    } = *ask;
    let mut out = Vec::with_capacity(192);
    let flags = [ticket, consent, pledged, second_factor, bulk, glass, duty.is_some(), purpose.is_some()].map(u8::from);
    out.extend(flags);
    out.extend([action as u8, hour, weekday, u8::from(address.is_ipv6())]);
    match address {
        IpAddr::V4(address) => out.extend(address.octets()),
        IpAddr::V6(address) => out.extend(address.octets()),
    }
    for text in [route, duty.unwrap_or_default(), purpose.unwrap_or_default()].into_iter().chain(roles.iter().copied())
    {
        out.extend((text.len() as u64).to_be_bytes());
        out.extend(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::access::ask::Action;

    #[test]
    fn questions_that_differ_in_anything_have_answers_of_their_own() {
        let roles = ["marketing"];
        let one = Ask {
            route: "a",
            action: Action::View,
            roles: &roles,
            duty: None,
            purpose: None,
            ticket: false,
            consent: false,
            pledged: false,
            second_factor: false,
            address: IpAddr::from([10, 0, 0, 1]),
            hour: 1,
            weekday: 1,
            bulk: false,
            glass: false,
        };
        let all = [
            one,
            Ask { route: "b", ..one },
            Ask { action: Action::Change, ..one },
            Ask { roles: &[], ..one },
            Ask { roles: &["marketing", "duty"], ..one },
            Ask { roles: &["duty", "marketing"], ..one },
            Ask { duty: Some(""), ..one },
            Ask { duty: Some("x"), ..one },
            Ask { purpose: Some("x"), ..one },
            Ask { ticket: true, ..one },
            Ask { consent: true, ..one },
            Ask { pledged: true, ..one },
            Ask { second_factor: true, ..one },
            Ask { address: IpAddr::from([10, 0, 0, 2]), ..one },
            Ask { address: "::ffff:10.0.0.1".parse().expect("an address"), ..one },
            Ask { hour: 2, ..one },
            Ask { weekday: 2, ..one },
            Ask { bulk: true, ..one },
            Ask { glass: true, ..one },
        ];
        assert_eq!(all.iter().map(question).collect::<HashSet<_>>().len(), all.len());
        let answers = Answers::new(|_| true, None);
        let asked = std::cell::Cell::new(0);
        let decide = |_: &Ask<'_>| {
            asked.set(asked.get() + 1);
            Decision::Pledge
        };
        for ask in all.iter().chain(&all) {
            assert_eq!(answers.to(ask, decide), Decision::Pledge);
        }
        assert_eq!(asked.get(), all.len(), "each was decided once");
        for number in 0..u32::try_from(2 * MOST).expect("small") {
            answers.to(&Ask { address: IpAddr::from(number.to_be_bytes()), ..one }, decide);
        }
        assert!(answers.known.lock().expect("whole").len() <= MOST, "bounded");
        // Where no policy speaks of the address, the day and routes, they are no other question.
        asked.set(0);
        let answers = Answers::new(|word| word == "hour", Some(HashSet::new()));
        for ask in &all {
            answers.to(ask, decide);
        }
        assert_eq!(asked.get(), all.len() - 5, "an hour alone is spoken of, and no duty by its name");
    }
}
