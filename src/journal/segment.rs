//! Files of entries, named by the index of their first one, and how a chain of them is read.

use std::io;

use super::{
    disk::Files,
    entry::{Entry, Fault, MAGIC},
    tree::Hash,
};

/// Length at which another file begins.
pub(super) const LONGEST: u64 = 64 << 20;
const SUFFIX: &str = ".journal";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) name: String,
}

impl Segment {
    pub(super) fn new(first: u64) -> Self {
        Self { first, name: format!("{first:020}{SUFFIX}") }
    }

    fn parse(name: &str) -> Option<Self> {
        let first = name.strip_suffix(SUFFIX)?.parse().ok()?;
        Some(Self::new(first)).filter(|segment| segment.name == name)
    }
}

/// All of them, the oldest first.
pub(super) fn list(disk: &impl Files) -> io::Result<Vec<Segment>> {
    Ok(disk.list("")?.iter().filter_map(|name| Segment::parse(name)).collect())
}

/// Whether this is the name of a segment.
pub(super) fn is_name(name: &str) -> bool {
    Segment::parse(name).is_some()
}

/// Why an entry does not belong where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The file ends within it.
    #[error("it ends too early")]
    Short,
    /// Its bytes don't begin like a record.
    #[error("there is no record there")]
    Shape,
    /// Its bytes were changed.
    #[error("its bytes were changed")]
    Hash,
    /// It is another record.
    #[error("another record is in its place")]
    Index,
    /// The record before it is not the one that was there when it was written.
    #[error("it does not follow the record before it")]
    Previous,
    /// Its file is missing, or is another one's.
    #[error("its file is missing")]
    Missing,
}

/// The first entry that does not belong where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) index: u64,
    /// Offset in its file.
    pub(super) at: usize,
    pub(super) why: Why,
}

/// How far a chain was followed.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Index of the next entry.
    pub(super) next: u64,
    /// Hash of the one before it, where that is known.
    pub(super) previous: Option<Hash>,
}

impl Chain {
    /// Follows it through the bytes of a file, and shows each entry with its offset; where it breaks.
    pub(super) fn follow<'a>(&mut self, bytes: &'a [u8], mut visit: impl FnMut(usize, &Entry<'a>)) -> Option<Bad> {
        let mut at = 0;
        while at < bytes.len() {
            let bad = |why| Some(Bad { index: self.next, at, why });
            let entry = match Entry::read(&bytes[at..]) {
                Ok(entry) => entry,
                Err(Fault::Short) => return bad(Why::Short),
                Err(Fault::Shape) => return bad(Why::Shape),
                Err(Fault::Hash) => return bad(Why::Hash),
            };
            if entry.place.index != self.next {
                return bad(Why::Index);
            }
            if self.previous.is_some_and(|previous| previous != entry.place.previous) {
                return bad(Why::Previous);
            }
            visit(at, &entry);
            self.next += 1;
            self.previous = Some(entry.hash());
            at += entry.len();
        }
        None
    }
}

/// Whether `bad` is the torn end of the last file, and no damage: nothing after it was written when it was already on disk for certain.
/// Where several entries were under way at a loss of power, any of them may be whole.
pub(super) fn is_torn(bytes: &[u8], bad: &Bad) -> bool {
    let broken = matches!(bad.why, Why::Short | Why::Shape | Why::Hash);
    let after = bytes.get(bad.at + 1..).unwrap_or_default();
    let knows = |at: usize| Entry::read(&after[at..]).is_ok_and(|entry| entry.place.durable > bad.index);
    broken && !memchr::memmem::find_iter(after, &MAGIC).any(knows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_entries() {
        let names = [0, 9, 10, u64::MAX].map(|first| Segment::new(first).name);
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(Segment::parse(&names[2]), Some(Segment::new(10)));
        for other in ["10.journal", "checkpoint", "+0000000000000000010.journal", ""] {
            assert_eq!(Segment::parse(other), None);
        }
    }
}
