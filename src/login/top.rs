//! Who fails and is refused most, by pseudonym: the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005), so in bounded memory. A count
//! may be too high by at most its `error`.

use super::key::Key;

/// How many are kept.
const MOST: usize = 64;

/// One who stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offender {
    /// Who.
    pub key: Key,
    /// Failures and refusals, at most.
    pub count: u64,
    /// How many of them may be another's.
    pub error: u64,
}

/// The most frequent keys.
#[derive(Debug, Default)]
pub(super) struct Top(Vec<Offender>);

impl Top {
    /// Counts one.
    pub(super) fn add(&mut self, key: Key) {
        if let Some(known) = self.0.iter_mut().find(|offender| offender.key == key) {
            known.count += 1;
        } else if self.0.len() < MOST {
            self.0.push(Offender { key, count: 1, error: 0 });
        } else if let Some(least) = self.0.iter_mut().min_by_key(|offender| offender.count) {
            *least = Offender { key, count: least.count + 1, error: least.count };
        }
    }

    /// The first few, the most frequent first.
    pub(super) fn first(&self, most: usize) -> Vec<Offender> {
        let mut all = self.0.clone();
        all.sort_unstable_by_key(|offender| std::cmp::Reverse(offender.count));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_often_is_found_among_many() {
        let (mut top, mut random) = (Top::default(), fastrand::Rng::with_seed(5));
        for _ in 0..50_000 {
            let frequent = random.u8(0..10) < 4;
            top.add(Key([if frequent { random.u8(1..=3) } else { random.u8(4..) }; 16]));
        }
        let first = top.first(3);
        assert!(
            first.iter().all(|offender| (1..=3).contains(&offender.key.0[0]) && offender.count >= 5000),
            "{first:?}"
        );
        assert_eq!(top.0.len(), MOST);
    }
}
