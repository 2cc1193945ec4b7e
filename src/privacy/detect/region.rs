//! The parts of a text that hold anything of interest: prose is mostly passed over as it is written, and is decoded only around the
//! places where a detector may begin.

use std::ops::Range;

use super::{super::decode::LONGEST, AHEAD, BACK, skip};

/// How far a part reaches behind a place of interest at least.
const STEP: usize = AHEAD + 256;
/// How far it reaches before the first: what a decision looks at, and an escape that is cut in two.
const MARGIN: usize = BACK + 2 * LONGEST;

/// A part of a text.
pub(super) struct Region {
    /// Its bytes.
    pub(super) span: Range<usize>,
    /// Before which there is no place of interest in it.
    pub(super) first: usize,
}

/// All parts of a text, in order.
pub(super) struct Regions<'a> {
    text: &'a [u8],
    pos: usize,
}

impl<'a> Regions<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { text, pos: 0 }
    }
}

impl Iterator for Regions<'_> {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let all = self.text.len();
        let (at, _) = skip::next(self.text, self.pos, all)?;
        let mut end = at + STEP;
        // Until nothing is of interest within what the last decision may look at.
        while end < all
            && let Some((more, _)) = skip::next(self.text, end - AHEAD, end)
        {
            end = more + STEP;
        }
        self.pos = end.min(all);
        let mut start = at.saturating_sub(MARGIN);
        // What is encoded is longer than what it stands for.
        if memchr::memchr3(b'%', b'\\', b'&', &self.text[start..at]).is_some() {
            start = at.saturating_sub(BACK * LONGEST);
        }
        // What is of interest may be a sign within an escape.
        Some(Region { span: start..self.pos, first: (at - start).saturating_sub(LONGEST) })
    }
}
