//! Finding: one pass over the text, a file a family.
//!
//! `skip` passes over what no family looks at. Where it stops, the family of that byte reads around it, no further back than
//! `BACK` and no further on than [`AHEAD`], so that what is found does not depend on how a stream was cut.

mod address;
mod cluster;
mod crypto;
mod email;
mod field;
mod key;
mod korea;
pub(crate) mod label;
mod national;
mod near;
mod network;
mod number;
pub(super) mod overlap;
mod own;
mod payment;
mod person;
mod phone;
mod quick;
mod region;
mod secret;
mod skip;
pub(super) mod terminator;
pub(super) mod usual;
mod word;

use std::ops::Range;

use self::{
    near::{Near, Topics},
    own::{Allowed, Own},
    skip::Class,
    terminator::Rest,
};
use super::{
    decode,
    finding::{Finding, Kind},
    operator,
    settings::{self, Settings},
};

/// Bytes behind the place at hand that a decision may look at: the longest value that begins there and is told by its beginning.
pub const AHEAD: usize = settings::Own::LONGEST;
/// Bytes before the place at hand that a value may begin at.
pub(super) const REACH: usize = 128;
/// Bytes before the place at hand that a decision may look at.
pub(super) const BACK: usize = 256;

/// Finds personal data and secrets.
#[derive(Debug)]
pub struct Detector {
    threshold: u8,
    on: Vec<bool>,
    own: Vec<Own>,
    allowed: Allowed,
}

impl Detector {
    /// Makes detectors of their settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            threshold: settings.threshold,
            on: Kind::ALL.iter().map(|kind| !settings.off.contains(kind)).collect(),
            own: settings.detectors.iter().map(Own::new).collect(),
            allowed: Allowed::new(settings),
        }
    }

    /// All values of a text that is at hand as a whole, in order, none over another. Spans are bytes of `text`.
    #[must_use]
    pub fn detect(&self, text: &[u8]) -> Vec<Finding> {
        let mut found = Vec::new();
        if !self.own.is_empty() {
            found = self.whole(text, 0);
            close(text, &mut found);
            return found;
        }
        for region in region::Regions::of(text) {
            let first = found.len();
            found.append(&mut self.whole(&text[region.span.clone()], region.first));
            for finding in &mut found[first..] {
                finding.start += region.span.start;
                finding.end += region.span.start;
            }
        }
        close(text, &mut found);
        found
    }

    /// Decodes all of `text` and finds what is decided from `first` on.
    fn whole(&self, text: &[u8], first: usize) -> Vec<Finding> {
        let (plain, map) = decode::decode(text);
        let mut found = Vec::new();
        let mut progress = self.start();
        progress.families = map.forth(first);
        self.scan(&plain, &mut progress, plain.len(), &mut found);
        let mut found = overlap::resolve(&plain, &found);
        for finding in &mut found {
            let span = map.back(&finding.span());
            (finding.start, finding.end) = (span.start, span.end);
        }
        found
    }

    /// Where a scan begins.
    pub(super) fn start(&self) -> Progress {
        Progress { families: 0, own: vec![0; self.own.len()] }
    }

    /// Scans decoded text for what is decided before `limit`, from where `progress` stands. Candidates are put among those found
    /// before, by their beginnings; some lie over others ([`overlap::resolve`]).
    pub(super) fn scan(&self, text: &[u8], progress: &mut Progress, limit: usize, found: &mut Vec<Finding>) {
        let mut out = Out::of(self, text, found);
        let pos = &mut progress.families;
        while let Some((at, class)) = skip::next(text, *pos, limit) {
            let low = at.saturating_sub(BACK);
            let window = &text[low..text.len().min(at + AHEAD)];
            out.base = low;
            let at = at - low;
            let next = match class {
                Class::Digit => digit(window, at, &mut out),
                Class::At => email::read(window, at, &mut out),
                Class::Sign => sign(window, at, &mut out),
                Class::Dash => key::read(window, at, &mut out),
                Class::Title => person::titled(window, at, &mut out),
                Class::Honorific => person::honorific(window, at, &mut out),
                Class::Nothing | Class::Wide | Class::Reference => at,
            };
            // On, whatever a family says.
            *pos = low + next.max(at + 1);
        }
        *pos = (*pos).max(limit);
        out.base = 0;
        for (own, pos) in self.own.iter().zip(&mut progress.own) {
            for finding in own.find(text, pos, limit) {
                out.push(finding);
            }
        }
    }

    fn knows(&self, name: &[u8]) -> bool {
        operator::is_built_in(name) || self.own.iter().any(|own| own.is_named(name))
    }
}

/// How far a scan has come: the families, and each own detector.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    pub(super) families: usize,
    pub(super) own: Vec<usize>,
}

/// Leads values that outgrew the look-ahead to their terminators; what lies within is of them.
fn close(text: &[u8], found: &mut Vec<Finding>) {
    let mut end = 0;
    found.retain_mut(|finding| {
        if finding.end <= end {
            return false;
        }
        finding.start = finding.start.max(end);
        if finding.open {
            let mut rest = Rest::of(text, finding);
            finding.end += rest.read(&text[finding.end..]);
        }
        end = finding.end;
        true
    });
}

/// Reads what begins with, or has in it, the digit at `at`.
fn digit(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let before = at.checked_sub(1).map_or(b' ', |i| text[i]);
    if before.is_ascii_alphabetic() {
        return word::read(text, at, out);
    }
    // `xoxb-123456789012-..`: a key whose first digits stand by themselves.
    if matches!(before, b'-' | b'_')
        && at > 1
        && text[at - 2].is_ascii_alphabetic()
        && let Some(end) = secret::secret(text, at, out)
    {
        return end;
    }
    let run = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    if text.get(at + run).is_some_and(|b| b.is_ascii_alphabetic() && !matches!(b, b'x' | b'X' | b'T')) {
        return word::read(text, at, out);
    }
    let count = out.found.len();
    if let Some(end) = quick::pass(text, at, run, out) {
        if before == b'(' && out.found.len() > count {
            person::before_bracket(text, at, out);
        }
        return end;
    }
    if run == 8
        && let Some(end) = word::uuid(text, at)
    {
        return end;
    }
    if address::is_near(text, at)
        && let Some(end) = address::read(text, at, out)
    {
        return end;
    }
    let end = number::read(text, at, out);
    if before == b'(' && out.found.len() > count {
        person::before_bracket(text, at, out);
    }
    end
}

fn sign(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let hex = |i: usize| text.get(i).is_some_and(u8::is_ascii_hexdigit);
    let colon = |i: usize| text.get(i) == Some(&b':');
    let address =
        colon(at) && (at > 0 && hex(at - 1) && (hex(at + 1) || colon(at + 1)) || colon(at + 1) && hex(at + 2));
    if address {
        let end = network::colons(text, at, out);
        if end > at + 1 {
            return end;
        }
    }
    label::read(text, at, out)
}

/// Where families put what they found.
struct Out<'a> {
    detector: &'a Detector,
    found: &'a mut Vec<Finding>,
    /// All of the text, and where in it the window begins that offsets count from.
    text: &'a [u8],
    base: usize,
    threshold: u8,
    /// Room for claims, kept to save allocations.
    claims: Vec<number::Claim>,
    near: Near,
}

impl<'a> Out<'a> {
    fn of(detector: &'a Detector, text: &'a [u8], found: &'a mut Vec<Finding>) -> Self {
        Self {
            detector,
            found,
            base: 0,
            text,
            claims: Vec::new(),
            threshold: detector.threshold,
            near: Near::default(),
        }
    }

    fn wants(&self, kind: &Kind) -> bool {
        kind.index().is_none_or(|i| self.detector.on[i])
    }

    /// Topics of which a word may count for a value of the window.
    fn topics(&mut self, value: &Range<usize>) -> Topics {
        self.near.around(self.text, self.base + value.start..self.base + value.end)
    }

    /// Topics of which a word may count for any value of the window about `span`, which reaches no more than `margin` beyond.
    fn topics_about(&mut self, span: Range<usize>, margin: usize) -> Topics {
        self.near.about(self.text, self.base + span.start..self.base + span.end, margin)
    }

    /// Where the last finding ends, in the window; zero before any.
    fn last_end(&self) -> usize {
        self.found.last().map_or(0, |last| last.end.saturating_sub(self.base))
    }

    /// Adds a candidate, unless it is nobody's value or a mark of our own.
    fn push(&mut self, mut finding: Finding) {
        finding.start += self.base;
        finding.end += self.base;
        let value = &self.text[finding.span()];
        let allowed = &self.detector.allowed;
        if value.is_empty()
            || !allowed.is_empty() && allowed.holds(&finding.kind, value)
            || operator::is_mark(self.text, finding.start, finding.end, |name| self.detector.knows(name))
        {
            return;
        }
        overlap::insert(self.found, finding);
    }
}

#[cfg(test)]
mod tests;
