//! Who fails most, as pseudonyms, in bounded memory (the space-saving algorithm of Metwally, Agrawal and El Abbadi, 2005).

use super::key::Key;

/// How many are followed.
const FOLLOWED: usize = 64;

/// Whose pseudonym it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// An account's.
    Account,
    /// An address's.
    Address,
}

/// One that failed or was refused often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offender {
    /// An account or an address.
    pub whose: Whose,
    /// Its pseudonym.
    pub key: Key,
    /// Failures and refusals, at most so many.
    pub count: u64,
}

/// Counts of the most frequent.
#[derive(Debug, Default)]
pub(super) struct Top(Vec<Offender>);

impl Top {
    pub(super) fn count(&mut self, whose: Whose, key: Key) {
        if let Some(known) = self.0.iter_mut().find(|known| known.key == key && known.whose == whose) {
            known.count += 1;
            return;
        }
        if self.0.len() < FOLLOWED {
            self.0.push(Offender { whose, key, count: 1 });
        } else if let Some(least) = self.0.iter_mut().min_by_key(|known| known.count) {
            *least = Offender { whose, key, count: least.count + 1 };
        }
    }

    /// The `most` most frequent, most frequent first.
    pub(super) fn first(&self, most: usize) -> Vec<Offender> {
        let mut all = self.0.clone();
        all.sort_by_key(|offender| std::cmp::Reverse(offender.count));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_are_found_among_many() {
        let mut top = Top::default();
        for i in 0..10_000_u32 {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&i.to_be_bytes());
            top.count(Whose::Address, Key(key));
            if i % 10 == 0 {
                top.count(Whose::Account, Key([9; 16]));
            }
        }
        let first = top.first(1);
        assert_eq!((first[0].whose, first[0].key), (Whose::Account, Key([9; 16])));
        assert!(first[0].count >= 1000 && top.0.len() == FOLLOWED);
    }
}
