//! A set of types.

use std::sync::Arc;

use super::Kind;

/// Types of personal data, closed ones as bits, an operator's own by name. Asked for every value that is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds {
    closed: u64,
    own: Vec<Arc<str>>,
    every_own: bool,
}

const _: () = assert!(Kind::ALL.len() <= 64, "a bit for every built-in type");
/// Bits of all built-in types.
const CLOSED: u64 = u64::MAX >> (64 - Kind::ALL.len());

impl Kinds {
    /// Every type there is, whatever an operator calls his own.
    #[must_use]
    pub fn all() -> Self {
        Self { closed: CLOSED, own: Vec::new(), every_own: true }
    }

    /// Takes one more in.
    pub fn insert(&mut self, kind: Kind) {
        match (kind.index(), kind) {
            (Some(index), _) => self.closed |= 1 << index,
            (None, Kind::Own(name)) if !self.own.contains(&name) => self.own.push(name),
            (None, _) => {}
        }
    }

    /// Whether this type is in it.
    #[must_use]
    pub fn has(&self, kind: &Kind) -> bool {
        match (kind.index(), kind) {
            (Some(index), _) => self.closed >> index & 1 == 1,
            (None, Kind::Own(name)) => self.every_own || self.own.contains(name),
            (None, _) => false,
        }
    }

    /// Whether no type is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.closed == 0 && self.own.is_empty() && !self.every_own
    }

    /// Whether every type is in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.closed == CLOSED && self.every_own
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut set = Self::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_a_bit_or_a_name() {
        let own = |name: &str| Kind::Own(name.into());
        for (i, kind) in Kind::ALL.iter().enumerate() {
            let one: Kinds = [kind.clone()].into_iter().collect();
            assert!(Kind::ALL.iter().enumerate().all(|(k, other)| one.has(other) == (k == i)), "{kind}");
            assert!(!one.has(&own(kind.name())) && !one.is_empty() && Kinds::all().has(kind));
        }
        let mine: Kinds = [own("A"), own("A"), own("B")].into_iter().collect();
        assert!(mine.has(&own("A")) && mine.has(&own("B")) && !mine.has(&own("C")) && !mine.has(&Kind::Email));
        let closed: Kinds = Kind::ALL.iter().cloned().collect();
        assert!(!closed.is_all() && !closed.has(&own("A")));
        assert!(Kinds::all().is_all() && Kinds::all().has(&own("A")));
        assert!(Kinds::default().is_empty() && !Kinds::default().has(&Kind::Email));
    }
}
