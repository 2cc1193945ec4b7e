//! Neighbouring numbers that somebody opens in a row. Records have pseudonyms, which tell nothing of what is next to what; so the length of the
//! row is counted here, where the path still has the number, and is all that is written down of it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    gateway::{head::Head, plan::Line},
    identity::Principal,
};

/// Most rows that are remembered, and numbers of each.
const MOST: usize = 4096;
const NUMBERS: usize = 16;
/// Numbers so near each other are neighbours: some have no record.
const NEAR: u64 = 2;
/// A row is over when nothing of it has come for so long.
const PAUSE: Duration = Duration::from_secs(3600);

/// Rows of everybody, of this process alone.
#[derive(Debug, Default)]
pub struct Runs(Mutex<HashMap<Who, Run>>);

/// Issuer and name, or nothing and an address; and the route.
type Who = (String, String, String);

#[derive(Debug)]
struct Run {
    numbers: VecDeque<u64>,
    length: u64,
    last: Instant,
}

impl Runs {
    /// How many neighbouring numbers somebody has opened in a row, that of a request's path included; nothing where it is the first, or none.
    #[must_use]
    pub fn of(&self, line: &Line, who: Option<&Principal>, head: &Head) -> Option<u64> {
        let id = line.subject_of(head.target.path())?;
        let address = head.address.to_string();
        let (issuer, name) = who.map_or(("", &*address), |who| (who.issuer.as_str(), who.subject.as_str()));
        Some(self.next(issuer, name, &line.route.name, id, Instant::now())).filter(|length| *length > 1)
    }

    /// The length of a row that `id` goes on, or begins; 0 where it has no number at its end.
    fn next(&self, issuer: &str, name: &str, route: &str, id: &str, now: Instant) -> u64 {
        let digits = id.len() - id.bytes().rev().take_while(u8::is_ascii_digit).count();
        let Ok(number) = id.get(digits..).unwrap_or_default().parse::<u64>() else { return 0 };
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = (issuer.to_owned(), name.to_owned(), route.to_owned());
        if runs.len() >= MOST && !runs.contains_key(&who) {
            runs.retain(|_, run| now.duration_since(run.last) < PAUSE);
            // Somebody has many addresses: each begins anew.
            if runs.len() >= MOST {
                runs.clear();
            }
        }
        let run = runs.entry(who).or_insert_with(|| Run { numbers: VecDeque::new(), length: 0, last: now });
        if now.duration_since(run.last) >= PAUSE {
            run.numbers.clear();
        }
        run.last = now;
        if run.numbers.contains(&number) {
            return run.length;
        }
        let near = run.numbers.iter().any(|known| known.abs_diff(number) <= NEAR);
        run.length = if near { run.length + 1 } else { 1 };
        if !near {
            run.numbers.clear();
        }
        run.numbers.push_back(number);
        if run.numbers.len() > NUMBERS {
            run.numbers.pop_front();
        }
        run.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_up_and_down_and_end() {
        let (runs, now) = (Runs::default(), Instant::now());
        let next = |id: &str, later: u64| runs.next("staff", "ann", "crm/", id, now + Duration::from_secs(later));
        assert_eq!(["7", "8", "10", "9", "9", "11"].map(|id| next(id, 1)), [1, 2, 3, 4, 4, 5], "in any order");
        assert_eq!(["C-0500", "C-0499", "C-0498"].map(|id| next(id, 2)), [1, 2, 3]);
        assert_eq!((next("497", 4000), next("kim", 4000), next("", 4000)), (1, 0, 0));
        assert_eq!(next("99999999999999999999999", 4000), 0);
        assert_eq!(runs.next("staff", "bob", "crm/", "498", now), 1, "everybody has their own");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (runs, now) = (Runs::default(), Instant::now());
        for n in 0..3 * MOST {
            runs.next("", &n.to_string(), "", "1", now);
        }
        assert!(runs.0.lock().expect("a lock").len() <= MOST);
    }
}
