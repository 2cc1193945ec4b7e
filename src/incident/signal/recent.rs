//! Different people within a time that slides along.

use std::collections::{HashMap, VecDeque};

use crate::access::subject::Subject;

/// Most that are remembered: beyond it every threshold is passed anyway.
const MOST: usize = 20_000;

/// Who was seen within the last so many seconds, and by which records.
#[derive(Debug)]
pub struct Recent {
    span: u64,
    seen: VecDeque<(u64, u64, Subject)>,
    times: HashMap<Subject, u32>,
}

impl Recent {
    /// Of so many seconds.
    #[must_use]
    pub fn new(span: u64) -> Self {
        Self { span, seen: VecDeque::new(), times: HashMap::new() }
    }

    /// Lets go of what is too long ago.
    pub fn pass(&mut self, seconds: u64) {
        let first = seconds.saturating_sub(self.span);
        while self.seen.front().is_some_and(|(at, ..)| *at <= first && *at < seconds) || self.seen.len() > MOST {
            let Some((.., subject)) = self.seen.pop_front() else { break };
            if let Some(times) = self.times.get_mut(&subject) {
                *times -= 1;
                if *times == 0 {
                    self.times.remove(&subject);
                }
            }
        }
    }

    /// Takes in who was seen by a record.
    pub fn add(&mut self, seconds: u64, record: u64, subjects: &[Subject]) {
        self.pass(seconds);
        for subject in subjects {
            self.seen.push_back((seconds, record, *subject));
            *self.times.entry(*subject).or_default() += 1;
        }
        self.pass(seconds);
    }

    /// How many different people.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.times.len() as u64
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> Vec<u64> {
        let mut records: Vec<u64> = self.seen.iter().map(|(_, record, _)| *record).collect();
        records.dedup();
        records
    }

    /// Whether nothing of it is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// Events within a time that slides along, each by its record.
#[derive(Debug)]
pub struct Tally {
    span: u64,
    all: VecDeque<(u64, u64, u64)>,
    sum: u64,
}

impl Tally {
    /// Of so many seconds.
    #[must_use]
    pub fn new(span: u64) -> Self {
        Self { span, all: VecDeque::new(), sum: 0 }
    }

    /// Takes in `n` events of a record; how many there are.
    pub fn add(&mut self, seconds: u64, record: u64, n: u64) -> u64 {
        self.all.push_back((seconds, record, n));
        self.sum = self.sum.saturating_add(n);
        let first = seconds.saturating_sub(self.span);
        while self.all.len() > MOST || self.all.front().is_some_and(|(at, ..)| *at <= first && *at < seconds) {
            let Some((.., n)) = self.all.pop_front() else { break };
            self.sum -= n;
        }
        self.sum
    }

    /// How many there are.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> Vec<u64> {
        self.all.iter().map(|(_, record, _)| *record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted_once_and_forgotten_in_time() {
        let of = |n: u8| Subject([n; 16]);
        let mut recent = Recent::new(3600);
        recent.add(1000, 1, &[of(1), of(2)]);
        recent.add(2000, 2, &[of(1)]);
        assert_eq!((recent.people(), recent.records()), (2, vec![1, 2]));
        recent.add(4600, 3, &[]);
        assert_eq!((recent.people(), recent.records()), (1, vec![2]), "an hour ago is no longer within it");
        recent.pass(9000);
        assert!(recent.is_empty() && recent.people() == 0);
        let mut tally = Tally::new(10);
        assert_eq!([tally.add(1, 1, 2), tally.add(5, 2, 1), tally.add(11, 3, 1)], [2, 3, 2]);
        assert_eq!(tally.records(), [2, 3]);
    }
}
