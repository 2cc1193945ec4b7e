//! Finding: one pass over the text, a file a family.
//!
//! `skip` passes over what no family looks at. Where it stops, the family of that byte reads around it, no further back than
//! `BACK` and no further on than [`AHEAD`], so that what is found does not depend on how a stream was cut.

mod address;
mod cluster;
mod crypto;
mod email;
mod key;
mod korea;
pub(crate) mod label;
mod national;
mod network;
mod number;
mod own;
mod payment;
mod person;
mod phone;
mod quick;
mod region;
mod secret;
mod skip;
mod word;

use self::{
    own::{Allowed, Own},
    skip::Class,
};
use super::{
    decode,
    finding::{Finding, Kind},
    settings::Settings,
};

pub use self::own::Invalid;

/// Bytes behind the place at hand that a decision may look at: the longest value that begins there and is told by its beginning.
pub const AHEAD: usize = 1024;
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
    /// Prepares patterns.
    ///
    /// # Errors
    /// When an own detector or a pattern of the allow-list can't be used.
    pub fn new(settings: &Settings) -> Result<Self, Invalid> {
        Ok(Self {
            threshold: settings.threshold,
            on: Kind::ALL.iter().map(|kind| !settings.off.contains(kind)).collect(),
            own: settings.detectors.iter().map(Own::new).collect::<Result<_, _>>()?,
            allowed: Allowed::new(settings)?,
        })
    }

    /// All values of a text that is at hand as a whole, in order, none over another. Spans are bytes of `text`.
    #[must_use]
    pub fn detect(&self, text: &[u8]) -> Vec<Finding> {
        if !self.own.is_empty() {
            return self.whole(text, 0);
        }
        let mut found = Vec::new();
        for region in region::Regions::of(text) {
            let first = found.len();
            found.append(&mut self.whole(&text[region.span.clone()], region.first));
            for finding in &mut found[first..] {
                finding.start += region.span.start;
                finding.end += region.span.start;
            }
        }
        found
    }

    /// Decodes all of `text` and finds what is decided from `first` on.
    fn whole(&self, text: &[u8], first: usize) -> Vec<Finding> {
        let (plain, map) = decode::decode(text);
        let mut found = Vec::new();
        self.scan(&plain, &mut map.forth(first), plain.len(), &mut found);
        for finding in &mut found {
            let span = map.back(&finding.span());
            (finding.start, finding.end) = (span.start, span.end);
        }
        found
    }

    /// Scans decoded text from `pos` on for what is decided before `limit`; moves `pos` to where scanning goes on.
    pub(super) fn scan(&self, text: &[u8], pos: &mut usize, limit: usize, found: &mut Vec<Finding>) {
        let from = *pos;
        let mut out = Out { detector: self, found, base: 0, text, claims: Vec::new(), threshold: self.threshold };
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
        out.base = 0;
        for own in &self.own {
            for finding in own.find(text, from, limit) {
                out.push(finding);
            }
        }
        *pos = (*pos).max(limit);
    }
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
}

impl Out<'_> {
    fn wants(&self, kind: &Kind) -> bool {
        kind.index().is_none_or(|i| self.detector.on[i])
    }

    /// Where the last finding ends, in the window; zero before any.
    fn last_end(&self) -> usize {
        self.found.last().map_or(0, |last| last.end.saturating_sub(self.base))
    }

    /// Adds a finding, where it is better than all that it overlaps.
    fn push(&mut self, mut finding: Finding) {
        finding.start += self.base;
        finding.end += self.base;
        let value = &self.text[finding.span()];
        if value.is_empty() || !self.detector.allowed.is_empty() && self.detector.allowed.holds(&finding.kind, value) {
            return;
        }
        let found = &mut *self.found;
        let mut after = found.len();
        while after > 0 && found[after - 1].start >= finding.end {
            after -= 1;
        }
        let mut first = after;
        while first > 0 && found[first - 1].end > finding.start {
            first -= 1;
        }
        if let [only] = &mut found[first..after]
            && only.kind == Kind::Location
            && finding.start > only.start
            && finding.confidence > only.confidence
        {
            // An address that was taken by its label ends where a surer value begins.
            only.end = finding.start;
            first += 1;
        }
        if found[first..after].iter().all(|other| is_better(&finding, other)) {
            found.splice(first..after, [finding]);
        }
    }
}

fn is_better(new: &Finding, old: &Finding) -> bool {
    (new.end - new.start, new.confidence) > (old.end - old.start, old.confidence)
}

#[cfg(test)]
mod tests;
