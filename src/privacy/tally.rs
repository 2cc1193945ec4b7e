//! Counts by type of what was found.

use super::Kind;

/// How many values of each type were rewritten. Empty without an allocation, since most texts hold none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(Vec<(Kind, u64)>);

impl Tally {
    /// Counts one value.
    pub fn add(&mut self, kind: &Kind) {
        self.add_many(kind, 1);
    }

    /// Counts `n` values.
    pub fn add_many(&mut self, kind: &Kind, n: u64) {
        match self.0.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += n,
            None => self.0.push((kind.clone(), n)),
        }
    }

    /// Counts what another has counted, too.
    pub fn merge(&mut self, other: &Self) {
        for (kind, n) in &other.0 {
            self.add_many(kind, *n);
        }
    }

    /// Types and counts, in order of first sight.
    pub fn iter(&self) -> impl Iterator<Item = (&Kind, u64)> {
        self.0.iter().map(|(kind, n)| (kind, *n))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
