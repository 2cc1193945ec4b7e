//! What rules look at, gathered once for all that look at the same: members through chains of transformations, and which patterns any of them may match.

use std::ops::Range;

use super::state::Member;
use crate::shield::{bank::join, bytes::Bytes, plan::Plan, texts::Text};

/// By the plan's numbers of groups and views; all in a few buffers, for most are small.
#[derive(Debug, Default)]
pub struct Gathered {
    items: Vec<Member>,
    groups: Vec<Group>,
    /// Which bytes occur in what each group holds.
    present: Vec<Bytes>,
    views: Vec<View>,
    /// Begins with one of nothing, for groups that hold nothing.
    masks: Vec<u64>,
    /// What was kept before is forgotten: it has another number.
    now: u32,
}

/// Where something's mask is, if it is of now.
#[derive(Debug, Clone, Copy, Default)]
struct Mask {
    made: u32,
    at: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    gathered: u32,
    start: u32,
    end: u32,
    /// The group that holds the same.
    same: u32,
    mask: Mask,
}

#[derive(Debug, Clone, Copy, Default)]
struct View {
    gathered: u32,
    present: Bytes,
    mask: Mask,
}

impl Gathered {
    /// Forgets everything, and has room for what a plan has.
    pub fn begin(&mut self, plan: &Plan) {
        self.groups.resize(plan.groups.len(), Group::default());
        self.present.resize(plan.groups.len(), Bytes::NONE);
        self.views.resize(plan.views.len(), View::default());
        self.forget();
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.items.clear();
        self.masks.clear();
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.groups.fill(Group::default());
            self.views.fill(View::default());
            self.now = 1;
        }
    }

    /// Where the items of a group are, if they were gathered.
    #[must_use]
    pub fn range(&self, group: u32) -> Option<Range<usize>> {
        let group = &self.groups[group as usize];
        (group.gathered == self.now).then_some(group.start as usize..group.end as usize)
    }

    /// A group that holds what `same` holds.
    pub fn alias(&mut self, group: u32, same: u32) -> Range<usize> {
        self.groups[group as usize] = self.groups[same as usize];
        self.range(group).unwrap_or_default()
    }

    /// Keeps the items of a group, with the bytes that occur in each.
    pub fn keep(&mut self, group: u32, items: impl Iterator<Item = (Member, Bytes)>) -> Range<usize> {
        let start = self.items.len();
        let mut present = Bytes::NONE;
        self.items.extend(items.map(|(item, bytes)| {
            present = present.or(bytes);
            item
        }));
        self.kept(group, start, present)
    }

    /// Keeps the items of another group with values changed.
    pub fn keep_changed(
        &mut self,
        group: u32,
        of: Range<usize>,
        mut change: impl FnMut(Text) -> (Text, Bytes),
    ) -> Range<usize> {
        let start = self.items.len();
        let mut present = Bytes::NONE;
        self.items.extend_from_within(of);
        for item in &mut self.items[start..] {
            let (value, bytes) = change(item.value);
            item.value = value;
            present = present.or(bytes);
        }
        self.kept(group, start, present)
    }

    fn kept(&mut self, group: u32, start: usize, present: Bytes) -> Range<usize> {
        let range = start..self.items.len();
        self.present[group as usize] = present;
        self.groups[group as usize] = Group {
            gathered: self.now,
            start: place(range.start),
            end: place(range.end),
            same: group,
            mask: Mask::default(),
        };
        range
    }

    /// Which bytes occur in what a group holds, once it was gathered.
    #[must_use]
    pub fn present(&self, group: u32) -> &Bytes {
        &self.present[self.groups[group as usize].same as usize]
    }

    /// Which bytes occur in what a view holds, if it was gathered.
    #[must_use]
    pub fn present_in_view(&self, view: u32) -> Option<&Bytes> {
        let view = &self.views[view as usize];
        (view.gathered == self.now).then_some(&view.present)
    }

    /// That the groups of a view were gathered.
    pub fn keep_view(&mut self, view: u32, groups: &[u32]) {
        let present = groups.iter().fold(Bytes::NONE, |present, group| present.or(*self.present(*group)));
        self.views[view as usize] = View { gathered: self.now, present, mask: Mask::default() };
    }

    /// An item.
    #[must_use]
    pub fn item(&self, at: usize) -> Member {
        self.items[at]
    }

    /// The mask of a group, if it was made, of so many words.
    #[must_use]
    pub fn mask(&self, group: u32, words: usize) -> Option<&[u64]> {
        let same = self.groups[group as usize].same;
        self.made(self.groups[same as usize].mask, words)
    }

    /// That of a view.
    #[must_use]
    pub fn mask_of_view(&self, view: u32, words: usize) -> Option<&[u64]> {
        self.made(self.views[view as usize].mask, words)
    }

    fn made(&self, mask: Mask, words: usize) -> Option<&[u64]> {
        (mask.made == self.now).then(|| &self.masks[mask.at as usize..][..words])
    }

    /// Makes the mask of a group that was gathered, of what `mask` says of each item.
    pub fn mask_group(&mut self, group: u32, words: usize, mut mask: impl FnMut(Text, &mut [u64])) {
        if self.masks.is_empty() {
            self.masks.resize(words, 0);
        }
        let Group { start, end, same, .. } = self.groups[group as usize];
        let at = if start == end { 0 } else { self.masks.len() };
        if start < end {
            self.masks.resize(at + words, 0);
            for item in &self.items[start as usize..end as usize] {
                mask(item.value, &mut self.masks[at..]);
            }
        }
        self.groups[same as usize].mask = Mask { made: self.now, at: place(at) };
    }

    /// The mask of a view: what its groups' masks say together.
    pub fn mask_view(&mut self, view: u32, groups: &[u32], words: usize) {
        let mask_of = |group: &u32| self.groups[self.groups[*group as usize].same as usize].mask.at;
        let at = match groups {
            [only] => mask_of(only),
            groups => {
                let at = self.masks.len();
                self.masks.resize(at + words, 0);
                let (earlier, mask) = self.masks.split_at_mut(at);
                groups.iter().map(mask_of).for_each(|start| join(mask, &earlier[start as usize..]));
                place(at)
            }
        };
        self.views[view as usize].mask = Mask { made: self.now, at };
    }
}

/// Items of one request are far below this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
