//! What may be used once and was: states of sign-ins, ids of logout tokens.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;

use crate::identity::session::entry::seconds;

/// Most that are remembered; beyond, the oldest are forgotten, which only whoever makes as many by valid cookies or tokens can bring
/// about, and for a code that its provider takes but once. It is 3 MB.
const MOST: usize = 1 << 15;

type Mark = [u8; 16];

/// Remembers, for a while, what was used. Bounded; of this process.
#[derive(Debug, Default)]
pub struct Spent(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    known: HashSet<Mark>,
    order: VecDeque<(u64, Mark)>,
}

impl Spent {
    /// Uses `text` up for `life`; whether it was good until now.
    pub fn spend(&self, text: &str, life: Duration, now: SystemTime) -> bool {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let mark: Mark = std::array::from_fn(|i| hash.as_ref()[i]);
        let now = seconds(now);
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Marks { known, order } = &mut *guard;
        while order.front().is_some_and(|(until, _)| *until < now || order.len() >= MOST) {
            if let Some((_, old)) = order.pop_front() {
                known.remove(&old);
            }
        }
        let new = known.insert(mark);
        if new {
            order.push_back((now.saturating_add(life.as_secs()), mark));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::testing::now, *};

    #[test]
    fn once_and_no_more_while_it_counts() {
        let spent = Spent::default();
        let life = Duration::from_secs(10);
        assert!(spent.spend("a", life, now()));
        assert!(!spent.spend("a", life, now() + life));
        assert!(spent.spend("b", life, now() + life));
        assert!(spent.spend("a", life, now() + life + Duration::from_secs(1)));
    }

    #[test]
    fn it_is_bounded() {
        let spent = Spent::default();
        for i in 0..MOST + 10 {
            assert!(spent.spend(&i.to_string(), PATIENCE, now()));
        }
        let marks = spent.0.lock().unwrap();
        assert_eq!((marks.known.len(), marks.order.len()), (MOST, MOST));
    }

    const PATIENCE: Duration = Duration::from_secs(600);
}
