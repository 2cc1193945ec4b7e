//! Whether what was posted was there all the time: by looks at the page, over TLS, as anybody would take one.

use std::time::Duration;

use serde::Serialize;

use super::state::Posting;
use crate::registry::Moment;

/// How much later than it is due a look may come, at most.
const SLACK: Duration = Duration::from_secs(60);

/// A time in which nobody can prove that the page was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// From the last look that has found it.
    pub from: Moment,
    /// To the next, or to the end.
    pub to: Moment,
}

impl Posting {
    /// When it was over, or is not yet: then it is `now`.
    #[must_use]
    pub fn end(&self, now: Moment) -> Moment {
        self.ended.unwrap_or(now).min(self.until)
    }

    /// Whether a look is due, at one `every` so often.
    #[must_use]
    pub fn is_due(&self, every: Duration, now: Moment) -> bool {
        self.proofs.last().is_none_or(|last| now.since(last.at) >= every)
    }

    /// Where the proof has gaps: longer than two looks are apart, or a look that has not found it.
    #[must_use]
    pub fn gaps(&self, every: Duration, now: Moment) -> Vec<Gap> {
        let (mut gaps, mut from, mut failed) = (Vec::new(), self.since, false);
        let longest = every * 2 + every.min(SLACK);
        let mut look = |at: Moment, matches: bool| {
            if !matches {
                failed = true;
                return;
            }
            if failed || at.since(from) > longest {
                gaps.push(Gap { from, to: at });
            }
            (from, failed) = (at, false);
        };
        self.proofs.iter().for_each(|proof| look(proof.at, proof.matches));
        look(self.end(now), true);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{incident::notice::state::Proof, registry::PersonId};

    #[test]
    fn a_time_without_proof_is_a_gap() {
        let every = Duration::from_secs(3600);
        let at = |hour: u64| Moment::at(1_000_000 + hour * 3600);
        let posting = |proofs: &[(u64, bool)], ended: Option<u64>| Posting {
            notice: 1,
            since: at(0),
            until: at(720),
            by: PersonId::new("staff", "one"),
            proofs: proofs.iter().map(|(hour, matches)| Proof { at: at(*hour), matches: *matches }).collect(),
            ended: ended.map(at),
        };
        let gaps = |proofs: &[(u64, bool)], ended, now: u64| {
            let found = posting(proofs, ended).gaps(every, at(now));
            found
                .iter()
                .map(|gap| (gap.from.since(at(0)).as_secs() / 3600, gap.to.since(at(0)).as_secs() / 3600))
                .collect::<Vec<_>>()
        };
        assert_eq!(gaps(&[(0, true), (1, true), (2, true)], None, 3), []);
        assert_eq!(gaps(&[(0, true), (5, true)], None, 6), [(0, 5)]);
        assert_eq!(gaps(&[(0, true), (1, false), (2, true)], None, 3), [(0, 2)], "it was not there");
        assert_eq!(gaps(&[(0, true), (1, false)], None, 2), [(0, 2)], "and is not");
        assert_eq!(gaps(&[], None, 10), [(0, 10)], "nobody has looked");
        assert_eq!(gaps(&[(0, true), (1, true)], Some(2), 50), [], "it was taken down");
        assert!(posting(&[], None).is_due(every, at(0)) && !posting(&[(1, true)], None).is_due(every, at(1)));
    }
}
