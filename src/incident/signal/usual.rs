//! What is usual, told from a few numbers by means that one odd one among them doesn't move.

/// Days say no more than this of how alike the next one will be.
const STEADIEST: f64 = 0.35;
/// Of so many numbers the largest may be an odd one.
const MANY: usize = 8;
/// A median absolute deviation times this is a standard deviation, where numbers are spread as most are.
const TO_DEVIATION: f64 = 1.4826;

/// Numbers of people a day, or in the busiest hour of a day. They spread by factors and not by sums, so that it is their logarithms that are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usual {
    /// Of how many numbers.
    pub of: usize,
    /// Logarithm of the median.
    pub median: f64,
    /// Robust deviation of the logarithms.
    pub deviation: f64,
    /// The largest; the second largest of eight or more, for one odd day is to move nothing.
    pub most: u64,
}

impl Usual {
    /// Of these numbers.
    #[must_use]
    pub fn new(numbers: impl Iterator<Item = u64>) -> Self {
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        let of = numbers.len();
        let most = numbers.iter().rev().nth(usize::from(of >= MANY)).copied().unwrap_or_default();
        let logs: Vec<f64> = numbers.into_iter().map(log).collect();
        let median = middle(logs.clone());
        let deviation = middle(logs.iter().map(|log| (log - median).abs()).collect()) * TO_DEVIATION;
        Self { of, median, deviation: deviation.max(STEADIEST), most }
    }

    /// What is above so many deviations; of few numbers nobody knows the deviation well, so it is more then.
    #[must_use]
    pub fn bound(&self, deviations: f64) -> u64 {
        #[allow(clippy::cast_precision_loss)] // a few dozen
        let few = 1.0 + 3.0 / self.of.max(1) as f64;
        whole((self.median + deviations * few * self.deviation).exp() - 1.0)
    }

    /// The median.
    #[must_use]
    pub fn typical(&self) -> u64 {
        whole((self.median.exp() - 1.0).round())
    }
}

/// As these numbers are looked at.
#[must_use]
pub fn log(n: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // people
    let n = n as f64;
    n.ln_1p()
}

/// So many times fewer, or more.
#[must_use]
#[allow(clippy::cast_precision_loss)] // people
pub fn less(n: u64, times: f64) -> u64 {
    whole(n as f64 / times)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
fn whole(n: f64) -> u64 {
    n.ceil() as u64
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    match numbers.len() {
        0 => 0.0,
        n if n % 2 == 1 => numbers[n / 2],
        n => f64::midpoint(numbers[n / 2 - 1], numbers[n / 2]),
    }
}

/// The smallest number that chance reaches less often than `once` in all, where it brings `expected` (Poisson).
#[must_use]
pub fn beyond_chance(expected: f64, once: f64) -> u64 {
    let (mut n, mut term, mut tail) = (0_u32, (-expected).exp(), 1.0);
    while tail >= once && n < 10_000 {
        tail -= term;
        n += 1;
        term *= expected / f64::from(n);
    }
    u64::from(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_day_moves_nothing() {
        let quiet = Usual::new([10, 12, 9, 11, 10, 8, 13, 10].into_iter());
        let with = Usual::new([10, 12, 9, 11, 10, 8, 13, 10_000].into_iter());
        assert_eq!((quiet.typical(), quiet.of, quiet.most, with.most), (10, 8, 12, 13));
        assert!(with.bound(4.0) < 2 * quiet.bound(4.0), "{with:?}");
        assert!(quiet.bound(4.0) > 4 * 10, "nobody is as steady as eight days may look");
        assert_eq!(Usual::new(std::iter::empty()).typical(), 0);
    }

    #[test]
    fn chance() {
        assert_eq!(beyond_chance(0.0, 1e-3), 1);
        // P(X >= 4 | 1) = 0.019, P(X >= 6 | 1) = 0.00059
        assert_eq!((beyond_chance(1.0, 0.02), beyond_chance(1.0, 1e-3)), (4, 6));
    }
}
