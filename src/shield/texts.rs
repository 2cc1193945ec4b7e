//! The texts of one request: what came in, and what transformations make of it, each kept once.
//!
//! Most transformations leave most texts as they are, which is told from the bytes that occur; so a text and what chains of transformations make of it are mostly one
//! text, looked at once.

use super::{
    bank::{Bank, has},
    bytes::Bytes,
    transform::Transform,
};

/// The number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text(u32);

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry {
    start: u32,
    end: u32,
    present: Bytes,
    /// Where its mask begins, for rules of requests and of answers.
    masks: [u32; 2],
    /// The newest of what was made of it.
    made: u32,
}

#[derive(Debug)]
struct Made {
    by: Transform,
    text: Text,
    before: u32,
}

/// Transformations, one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chain {
    steps: Vec<Transform>,
    /// Those of all steps: a text without any of these bytes passes as it is.
    triggers: Bytes,
}

impl Chain {
    /// These steps.
    #[must_use]
    pub fn new(steps: &[Transform]) -> Self {
        let triggers = steps.iter().fold(Bytes::NONE, |all, step| all.or(step.triggers()));
        Self { steps: steps.to_vec(), triggers }
    }

    /// Whether it may make something else of a text with these bytes.
    #[must_use]
    pub fn touches(&self, present: &Bytes) -> bool {
        present.meets(&self.triggers) || self.triggers == Bytes::ALL
    }
}

/// All texts of a request.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    made: Vec<Made>,
    masks: Vec<u64>,
    scratch: Vec<u8>,
}

impl Texts {
    /// Keeps a text.
    pub fn push(&mut self, text: &[u8]) -> Text {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        let place = |at: usize| u32::try_from(at).unwrap_or(NONE);
        let (start, end) = (place(start), place(self.bytes.len()));
        self.entries.push(Entry { start, end, present: Bytes::of(text), masks: [NONE; 2], made: NONE });
        Text(place(self.entries.len() - 1))
    }

    /// What a text says.
    #[must_use]
    pub fn bytes(&self, text: Text) -> &[u8] {
        let entry = self.entry(text);
        &self.bytes[entry.start as usize..entry.end as usize]
    }

    /// Which bytes occur in it.
    #[must_use]
    pub fn present(&self, text: Text) -> &Bytes {
        &self.entry(text).present
    }

    /// Forgets all, and keeps its buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.made.clear();
        self.masks.clear();
        self.scratch.clear();
    }

    /// For how many bytes there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.scratch.capacity() + 8 * self.masks.capacity()
    }

    /// Whether nothing was kept yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What one transformation makes of a text.
    pub fn transform(&mut self, text: Text, by: Transform) -> Text {
        let entry = self.entry(text);
        let triggers = by.triggers();
        if !entry.present.meets(&triggers) && triggers != Bytes::ALL {
            return text;
        }
        let (range, mut at) = (entry.start as usize..entry.end as usize, entry.made);
        while let Some(made) = self.made.get(at as usize) {
            if made.by == by {
                return made.text;
            }
            at = made.before;
        }
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        by.apply(&self.bytes[range.clone()], &mut out);
        let new = if out == self.bytes[range] { text } else { self.push(&out) };
        self.scratch = out;
        let before = self.entry(text).made;
        self.made.push(Made { by, text: new, before });
        let newest = u32::try_from(self.made.len() - 1).unwrap_or(NONE);
        self.entries[text.0 as usize].made = newest;
        new
    }

    /// What a chain of transformations makes of it.
    pub fn through(&mut self, text: Text, chain: &Chain) -> Text {
        if !chain.touches(self.present(text)) {
            return text;
        }
        chain.steps.iter().fold(text, |text, by| self.transform(text, *by))
    }

    /// The patterns of a bank of whose literals one occurs in it; `which` is the bank's number, 0 or 1.
    pub fn mask(&mut self, text: Text, bank: &Bank, which: usize) -> &[u64] {
        let entry = &mut self.entries[text.0 as usize];
        if entry.masks[which] == NONE {
            entry.masks[which] = u32::try_from(self.masks.len()).unwrap_or(NONE);
            let range = entry.start as usize..entry.end as usize;
            bank.mask(&self.bytes[range], &mut self.masks);
        }
        &self.masks[entry.masks[which] as usize..][..bank.words()]
    }

    /// Whether it may match pattern `at` of a bank.
    pub fn may_match(&mut self, text: Text, bank: &Bank, which: usize, at: u32) -> bool {
        bank.allows(at, self.present(text)) && has(self.mask(text, bank, which), at)
    }

    fn entry(&self, text: Text) -> &Entry {
        &self.entries[text.0 as usize]
    }
}
