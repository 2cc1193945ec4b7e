//! Which keywords can count beside a place: each byte is looked at once for all numbers near it, and where there is none of their
//! topics, nothing more need be asked.
//!
//! What is told here is never less than what [`Context::around`](crate::privacy::context::Context::around) tells: a word may still be
//! too far, within another, or of another field.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

use crate::privacy::context::{AFTER, BEFORE, Topic, field, is_begun, is_ended, words};

/// A set of topics, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Topics(u64);

impl Topics {
    pub(super) const NONE: Self = Self(0);
    /// Of numbers that are nobody's.
    pub(super) const OTHER: Self = Self::of(Topic::Other);

    pub(super) const fn of(topic: Topic) -> Self {
        Self(1 << topic as u8)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it holds nothing but what `other` does.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// A word that no other goes on before.
#[derive(Debug)]
struct Hit {
    start: usize,
    end: usize,
    topics: Topics,
    /// Whether no other goes on behind it; else it counts only where a value begins there.
    ended: bool,
}

struct Keywords {
    automaton: DFA,
    start: StateID,
    /// The topic of each word, and whether it is taken whole only.
    topics: Vec<(Topics, bool)>,
}

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let words = words();
    let automaton = DFA::builder()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(words.iter().map(|(_, word)| word))
        .expect("the words are few and fixed");
    let start = automaton.start_state(Anchored::No).expect("it is not anchored");
    let topics = words.iter().map(|(topic, word)| (Topics::of(*topic), word.is_ascii())).collect();
    Keywords { automaton, start, topics }
});

/// More words than this aren't kept where they are behind.
const KEPT: usize = 256;

/// Words of the part of a text that was looked at last.
#[derive(Debug, Default)]
pub(super) struct Near {
    seen: Range<usize>,
    state: StateID,
    /// In the order of their ends.
    hits: Vec<Hit>,
}

impl Near {
    /// Topics of which a word may count for a value.
    pub(super) fn around(&mut self, text: &[u8], value: Range<usize>) -> Topics {
        if let Some(from) = field(text, value.start) {
            return within(text, from..value.start);
        }
        let reach = value.start.saturating_sub(BEFORE)..text.len().min(value.end + AFTER);
        self.look(text, reach.clone());
        let within = |hit: &&Hit| hit.start >= reach.start && hit.end <= reach.end;
        let beside = |hit: &&Hit| hit.end <= value.start || hit.start >= value.end;
        self.collect(reach.start, |hit| within(&hit) && beside(&hit) && (hit.ended || hit.end == value.start))
    }

    /// Topics of which a word may count for any value that begins no more than `margin` before `span` and ends as little behind it.
    pub(super) fn about(&mut self, text: &[u8], span: Range<usize>, margin: usize) -> Topics {
        let reach = span.start.saturating_sub(BEFORE + margin)..text.len().min(span.end + AFTER + margin);
        self.look(text, reach.clone());
        self.collect(reach.start, |hit| {
            hit.start >= reach.start && hit.end <= reach.end && (hit.ended || hit.end + margin >= span.start)
        })
    }

    fn collect(&self, low: usize, counts: impl Fn(&Hit) -> bool) -> Topics {
        let near = self.hits.iter().rev().take_while(|hit| hit.end > low);
        near.filter(|hit| counts(hit)).fold(Topics::NONE, |all, hit| all.and(hit.topics))
    }

    /// Looks at what was not seen of `reach`.
    fn look(&mut self, text: &[u8], reach: Range<usize>) {
        let keywords = &*KEYWORDS;
        if !(self.seen.start..self.seen.end).contains(&reach.start) {
            self.seen = reach.start..reach.start;
            self.state = keywords.start;
            self.hits.clear();
        }
        if self.hits.len() > KEPT {
            self.hits.retain(|hit| hit.end > reach.start);
            self.seen.start = reach.start;
        }
        let from = self.seen.end.min(reach.end);
        self.state = run(text, from..reach.end, self.state, |end, state| note(text, end, state, &mut self.hits));
        self.seen.end = self.seen.end.max(reach.end);
    }
}

/// Reads on from a state, and calls `found` with the ends of words.
fn run(text: &[u8], reach: Range<usize>, mut state: StateID, mut found: impl FnMut(usize, StateID)) -> StateID {
    let automaton = &KEYWORDS.automaton;
    for (i, &byte) in text[reach.clone()].iter().enumerate() {
        state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_special(state) {
            found(reach.start + i + 1, state);
        }
    }
    state
}

/// Topics of words within `reach`, which a value follows.
fn within(text: &[u8], reach: Range<usize>) -> Topics {
    let mut hits = Vec::new();
    run(text, reach.clone(), KEYWORDS.start, |end, state| note(text, end, state, &mut hits));
    let counted = hits.iter().filter(|hit| hit.ended || hit.end == reach.end);
    counted.fold(Topics::NONE, |all, hit| all.and(hit.topics))
}

/// Keeps the words that end at `end`.
#[cold]
fn note(text: &[u8], end: usize, state: StateID, hits: &mut Vec<Hit>) {
    let keywords = &*KEYWORDS;
    let automaton = &keywords.automaton;
    if !automaton.is_match(state) {
        return;
    }
    for i in 0..automaton.match_len(state) {
        let pattern = automaton.match_pattern(state, i);
        let (topics, whole) = keywords.topics[pattern];
        let start = end - automaton.pattern_len(pattern);
        if !whole || is_begun(text, &(start..end)) {
            let ended = !whole || is_ended(text, &(start..end));
            hits.push(Hit { start, end, topics, ended });
        }
    }
}
