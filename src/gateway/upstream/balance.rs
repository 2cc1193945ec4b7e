//! Which endpoint comes next: smooth weighted round robin, or the fewest requests in flight for the weight.

use std::cell::RefCell;

use super::settings::Balance;

/// What a choice is made from.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Whether it may be chosen at all.
    pub usable: bool,
    /// Its share.
    pub weight: u32,
    /// Its requests in flight.
    pub in_flight: u32,
}

/// The turns of one worker.
#[derive(Debug)]
pub struct Turns {
    balance: Balance,
    credit: RefCell<Vec<i64>>,
}

impl Turns {
    /// Turns among `endpoints` endpoints.
    #[must_use]
    pub fn new(balance: Balance, endpoints: usize) -> Self {
        Self { balance, credit: RefCell::new(vec![0; endpoints]) }
    }

    /// The index of the next endpoint; `None` when none is usable.
    pub fn next(&self, candidate: impl Fn(usize) -> Candidate) -> Option<usize> {
        let mut credit = self.credit.borrow_mut();
        if self.balance == Balance::LeastConnections {
            // In turn among equals: the credit of the last chosen is the lowest.
            let best = (0..credit.len())
                .filter(|&i| candidate(i).usable)
                .min_by(|&a, &b| load(candidate(a), candidate(b)).then(credit[a].cmp(&credit[b])))?;
            credit[best] += 1;
            return Some(best);
        }
        let mut total = 0;
        let mut best: Option<usize> = None;
        for i in 0..credit.len() {
            let candidate = candidate(i);
            if !candidate.usable {
                continue;
            }
            credit[i] += i64::from(candidate.weight);
            total += i64::from(candidate.weight);
            if best.is_none_or(|b| credit[i] > credit[b]) {
                best = Some(i);
            }
        }
        let best = best?;
        credit[best] -= total;
        Some(best)
    }
}

/// Compares requests in flight for the weight, without division.
fn load(a: Candidate, b: Candidate) -> std::cmp::Ordering {
    (u64::from(a.in_flight) * u64::from(b.weight)).cmp(&(u64::from(b.in_flight) * u64::from(a.weight)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_spread() {
        let turns = Turns::new(Balance::RoundRobin, 3);
        let weights = [5, 1, 1];
        let order: Vec<_> = (0..7)
            .filter_map(|_| turns.next(|i| Candidate { usable: true, weight: weights[i], in_flight: 0 }))
            .collect();
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn unusable_endpoints_are_passed_over() {
        for balance in [Balance::RoundRobin, Balance::LeastConnections] {
            let turns = Turns::new(balance, 2);
            let only = |usable: usize| move |i| Candidate { usable: i == usable, weight: 1, in_flight: 0 };
            assert_eq!(turns.next(only(1)), Some(1));
            assert_eq!(turns.next(only(7)), None);
        }
    }

    #[test]
    fn the_least_loaded_for_its_weight_comes_first() {
        let turns = Turns::new(Balance::LeastConnections, 2);
        let candidate = |i: usize| Candidate { usable: true, weight: [1, 4][i], in_flight: [1, 3][i] };
        assert_eq!(turns.next(candidate), Some(1));
    }
}
