//! What rules look at, gathered once for all that look at the same: members through chains of transformations, and which patterns any of them may match.

use std::ops::Range;

use super::state::Member;
use crate::shield::plan::Plan;

/// By the plan's numbers of groups and views; all in a few buffers, for most are small.
#[derive(Debug)]
pub struct Gathered {
    items: Vec<Member>,
    groups: Vec<Option<(u32, u32)>>,
    masks: Vec<u64>,
    masks_of: [Vec<Option<u32>>; 2],
}

/// Whose a mask is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A group's.
    Group(u32),
    /// A view's.
    View(u32),
}

impl Gathered {
    pub(super) fn new(plan: &Plan) -> Self {
        let masks_of = [vec![None; plan.groups.len()], vec![None; plan.views.len()]];
        Self { items: Vec::new(), groups: vec![None; plan.groups.len()], masks: Vec::new(), masks_of }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.items.clear();
        self.groups.fill(None);
        self.masks.clear();
        self.masks_of.iter_mut().for_each(|all| all.fill(None));
    }

    /// Where the items of a group are, if they were gathered.
    #[must_use]
    pub fn range(&self, group: u32) -> Option<Range<usize>> {
        self.groups[group as usize].map(|(start, end)| start as usize..end as usize)
    }

    /// Keeps the items of a group.
    pub fn keep(&mut self, group: u32, items: impl Iterator<Item = Member>) -> Range<usize> {
        let start = self.items.len();
        self.items.extend(items);
        let range = start..self.items.len();
        self.groups[group as usize] = Some((place(range.start), place(range.end)));
        range
    }

    /// An item.
    #[must_use]
    pub fn item(&self, at: usize) -> Member {
        self.items[at]
    }

    /// Items that were gathered last can be changed.
    pub fn items_mut(&mut self, range: Range<usize>) -> &mut [Member] {
        &mut self.items[range]
    }

    /// A mask that was made, of so many words.
    #[must_use]
    pub fn mask(&self, whose: Whose, words: usize) -> Option<&[u64]> {
        let start = match whose {
            Whose::Group(at) => self.masks_of[0][at as usize],
            Whose::View(at) => self.masks_of[1][at as usize],
        };
        start.map(|start| &self.masks[start as usize..][..words])
    }

    /// Keeps a mask.
    pub fn keep_mask(&mut self, whose: Whose, mask: &[u64]) {
        let start = Some(place(self.masks.len()));
        match whose {
            Whose::Group(at) => self.masks_of[0][at as usize] = start,
            Whose::View(at) => self.masks_of[1][at as usize] = start,
        }
        self.masks.extend_from_slice(mask);
    }
}

/// Items of one request are far below this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
