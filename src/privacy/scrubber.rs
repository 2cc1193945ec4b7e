//! A stream of text: bytes in at any cuts, bytes out, the same for every cut.
//!
//! A place is decided on when [`AHEAD`] decoded bytes behind it are at hand; a value begins at most [`REACH`] bytes before the place
//! that tells it. So a byte goes out when it is that far behind what is decided, and it can't be of a value any more. What is held
//! back is at most [`HELD`] bytes where nothing is encoded, twelve times that where every sign is. A value longer than the look-ahead
//! is written as its type, and its rest is dropped up to its terminator. Keywords behind a value count within the look-ahead only.

use std::sync::Arc;

use super::{
    Engine, Finding, Kind, Kinds, Tally, decode,
    detect::{AHEAD, BACK, Progress, REACH, overlap, terminator::Rest},
};

/// Bytes that are read together: the text at hand is decoded anew for every step.
const STEP: usize = 8 << 10;
/// Bytes beyond the look-ahead that an own detector's last sign and its keywords may need.
const MARGIN: usize = 64;
/// Most bytes held back of a text in which nothing is encoded.
pub const HELD: usize = STEP + AHEAD + MARGIN + REACH;

/// One stream.
#[derive(Debug)]
pub struct Scrubber {
    engine: Arc<Engine>,
    /// What is at hand: bytes that are out already, as context, then those that are not.
    raw: Vec<u8>,
    /// Where in `raw` those begin that are not out.
    emitted: usize,
    /// How far the scan has come, in `raw`.
    progress: Progress,
    /// Values that are not decided on, in `raw`.
    candidates: Vec<Finding>,
    /// The rest of a value that outgrew the look-ahead, which goes on.
    rest: Option<Rest>,
    /// Whether that rest goes out.
    rest_is_shown: bool,
    /// Types that are left as they are.
    reveal: Kinds,
    shown: Vec<(Kind, Vec<u8>)>,
    tally: Tally,
}

/// How far a step may decide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// More follows.
    Open,
    /// The text ends here.
    Text,
}

impl Scrubber {
    /// A stream at its beginning.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::revealing(engine, Kinds::default())
    }

    /// A stream in which values of some types are left as they are.
    #[must_use]
    pub fn revealing(engine: Arc<Engine>, reveal: Kinds) -> Self {
        let progress = engine.detector().start();
        Self {
            engine,
            raw: Vec::new(),
            emitted: 0,
            progress,
            candidates: Vec::new(),
            rest: None,
            rest_is_shown: false,
            reveal,
            shown: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Takes bytes in; appends to `out` what is decided.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(4 * STEP));
            bytes = later;
            self.raw.extend_from_slice(now);
            self.skip_rest(out);
            if self.raw.len().saturating_sub(self.progress.families) >= STEP + AHEAD + MARGIN + decode::LONGEST {
                self.step(End::Open, out);
            }
        }
    }

    /// The text ends here, as at the end of a line: appends all that is at hand. What follows is another text, but for a value that
    /// outgrew this one, such as a private key of many lines.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        self.skip_rest(out);
        self.step(End::Text, out);
        self.raw.clear();
        self.candidates.clear();
        self.emitted = 0;
        self.progress = self.engine.detector().start();
    }

    /// The stream ends here: appends all that is at hand. What follows is another stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        self.rest = None;
    }

    /// Whether a value goes on that outgrew the look-ahead.
    #[must_use]
    pub fn is_within_value(&self) -> bool {
        self.rest.is_some()
    }

    /// What was rewritten so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What was left as it is since this was last asked for: types and plain values, empty where a value outgrew the look-ahead.
    pub fn shown(&mut self) -> std::vec::Drain<'_, (Kind, Vec<u8>)> {
        self.shown.drain(..)
    }

    /// Passes over what is of a value that goes on.
    fn skip_rest(&mut self, out: &mut Vec<u8>) {
        let Some(rest) = &mut self.rest else { return };
        let end = self.emitted + rest.read(&self.raw[self.emitted..]);
        if self.rest_is_shown {
            out.extend_from_slice(&self.raw[self.emitted..end]);
        }
        self.emitted = end;
        if rest.has_ended() {
            self.rest = None;
        }
    }

    fn step(&mut self, end: End, out: &mut Vec<u8>) {
        let engine = Arc::clone(&self.engine);
        let raw = std::mem::take(&mut self.raw);
        let (text, map) = decode::decode(&raw);
        let written = |place: usize| map.back(&(place..place)).start;
        let read = |place: usize| map.forth(place).min(text.len());
        let limit = match end {
            End::Text => text.len(),
            // A sign that is cut may stand for another.
            End::Open => read(raw.len().saturating_sub(decode::LONGEST)).saturating_sub(AHEAD + MARGIN),
        };
        let mut progress = Progress {
            families: read(self.progress.families),
            own: self.progress.own.iter().map(|&place| read(place)).collect(),
        };
        if limit <= progress.families && end == End::Open {
            self.raw = raw;
            return;
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        for candidate in &mut candidates {
            (candidate.start, candidate.end) = (read(candidate.start), read(candidate.end));
        }
        engine.detector().scan(&text, &mut progress, limit, &mut candidates);
        let decided = match end {
            End::Text => text.len(),
            End::Open => {
                progress.own.iter().copied().min().unwrap_or(usize::MAX).min(progress.families.saturating_sub(REACH))
            }
        };
        let kept = overlap::resolve(&text, &candidates);
        let mut boundary = decided;
        for finding in kept {
            if finding.end > decided {
                boundary = boundary.min(finding.start);
                break;
            }
            let span = map.back(&finding.span());
            self.write(&engine, &raw, &Finding { start: span.start, end: span.end, ..finding }, out);
        }
        let boundary = written(boundary);
        if self.emitted < boundary {
            out.extend_from_slice(&raw[self.emitted..boundary]);
            self.emitted = boundary;
        }
        let keep = [read(self.emitted), progress.families]
            .into_iter()
            .chain(progress.own.iter().copied())
            .min()
            .map_or(0, |place| written(place.saturating_sub(BACK)));
        self.progress = Progress {
            families: written(progress.families) - keep,
            own: progress.own.iter().map(|&p| written(p) - keep).collect(),
        };
        self.candidates = candidates
            .into_iter()
            .filter_map(|finding| {
                let span = map.back(&finding.span());
                let start = span.start.max(self.emitted);
                (start < span.end).then(|| Finding { start: start - keep, end: span.end - keep, ..finding })
            })
            .collect();
        self.emitted -= keep;
        drop(text);
        self.raw = raw;
        self.raw.drain(..keep);
    }

    /// Writes what stands before a value, and what is written in the value's place.
    fn write(&mut self, engine: &Engine, raw: &[u8], finding: &Finding, out: &mut Vec<u8>) {
        if finding.end <= self.emitted {
            return;
        }
        if self.emitted < finding.start {
            out.extend_from_slice(&raw[self.emitted..finding.start]);
        }
        let start = finding.start.max(self.emitted);
        let is_shown = self.reveal.has(&finding.kind);
        if is_shown {
            let value = &raw[start..finding.end];
            out.extend_from_slice(value);
            let plain = if finding.open { Vec::new() } else { decode::decode(value).0.into_owned() };
            self.shown.push((finding.kind.clone(), plain));
        } else {
            engine.rewrite_finding(raw, &Finding { start, ..finding.clone() }, out, &mut self.tally);
        }
        self.emitted = finding.end;
        if finding.open {
            let mut rest = Rest::of(raw, finding);
            let end = self.emitted + rest.read(&raw[self.emitted..]);
            if is_shown {
                out.extend_from_slice(&raw[self.emitted..end]);
            }
            self.emitted = end;
            if !rest.has_ended() {
                self.rest = Some(rest);
                self.rest_is_shown = is_shown;
            }
        }
    }
}

#[cfg(test)]
mod tests;
