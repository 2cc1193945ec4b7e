//! What rules look at, gathered once for all that look at the same: members through chains of transformations, and which patterns any of them may match.

use std::ops::Range;

use super::state::Member;
use crate::shield::{plan::Plan, texts::Text};

/// By the plan's numbers of groups and views; all in a few buffers, for most are small.
#[derive(Debug)]
pub struct Gathered {
    items: Vec<Member>,
    /// Where each group's items are, and which group's mask is its own.
    groups: Vec<Option<(u32, u32, u32)>>,
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
        self.groups[group as usize].map(|(start, end, _)| start as usize..end as usize)
    }

    /// A group that holds what `same` holds.
    pub fn alias(&mut self, group: u32, same: u32) -> Range<usize> {
        self.groups[group as usize] = self.groups[same as usize];
        self.range(group).unwrap_or_default()
    }

    /// Keeps the items of a group.
    pub fn keep(&mut self, group: u32, items: impl Iterator<Item = Member>) -> Range<usize> {
        let start = self.items.len();
        self.items.extend(items);
        let range = start..self.items.len();
        self.groups[group as usize] = Some((place(range.start), place(range.end), group));
        range
    }

    /// An item.
    #[must_use]
    pub fn item(&self, at: usize) -> Member {
        self.items[at]
    }

    /// Keeps the items of another group with values changed.
    pub fn keep_changed(&mut self, group: u32, of: Range<usize>, mut change: impl FnMut(Text) -> Text) -> Range<usize> {
        let start = self.items.len();
        self.items.extend_from_within(of);
        let range = start..self.items.len();
        self.items[start..].iter_mut().for_each(|item| item.value = change(item.value));
        self.groups[group as usize] = Some((place(range.start), place(range.end), group));
        range
    }

    /// A mask that was made, of so many words.
    #[must_use]
    pub fn mask(&self, whose: Whose, words: usize) -> Option<&[u64]> {
        let start = match whose {
            Whose::Group(at) => self.masks_of[0][self.masked(at)],
            Whose::View(at) => self.masks_of[1][at as usize],
        };
        start.map(|start| &self.masks[start as usize..][..words])
    }

    fn masked(&self, group: u32) -> usize {
        self.groups[group as usize].map_or(group, |(.., masked)| masked) as usize
    }

    /// A new mask, of zeros, beside the items that are to be seen in it.
    pub fn items_and_mask(&mut self, whose: Whose, range: Range<usize>, words: usize) -> (&[Member], &mut [u64]) {
        let start = self.masks.len();
        self.masks.resize(start + words, 0);
        match whose {
            Whose::Group(at) => {
                let at = self.masked(at);
                self.masks_of[0][at] = Some(place(start));
            }
            Whose::View(at) => self.masks_of[1][at as usize] = Some(place(start)),
        }
        (&self.items[range], &mut self.masks[start..])
    }

    /// The mask of a view: what its groups' masks say together.
    pub fn join_masks(&mut self, view: u32, groups: &[u32], words: usize) {
        self.items_and_mask(Whose::View(view), 0..0, words);
        let end = self.masks.len();
        let (earlier, mask) = self.masks.split_at_mut(end - words);
        let masked = |group: &u32| self.groups[*group as usize].map_or(*group, |(.., masked)| masked) as usize;
        for start in groups.iter().filter_map(|group| self.masks_of[0][masked(group)]) {
            mask.iter_mut().zip(&earlier[start as usize..]).for_each(|(word, more)| *word |= more);
        }
    }
}

/// Items of one request are far below this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
