//! One rule set for all outputs: what is looked for, and what is written in its place.
//!
//! Differing masks of one value can be combined (`010-****-5678` here and `***-1234-****` there), so logs, command line and bodies
//! of one rule set share one engine.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{
    Detector, Finding, Kind, Tally, decode,
    keys::{Keys, Ring},
    operator,
    settings::{Operator, Settings},
};

/// Detectors, operators and keys. Made at start and at reload; shared by all threads.
#[derive(Debug)]
pub struct Engine {
    id: u64,
    detector: Detector,
    operator: Operator,
    operators: Vec<(Kind, Operator)>,
    keys: Arc<Keys>,
}

impl Engine {
    /// Makes an engine of its settings, which writes with these keys.
    #[must_use]
    pub fn new(settings: &Settings, keys: Arc<Keys>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Relaxed),
            detector: Detector::new(settings),
            operator: settings.operator,
            operators: settings.operators.clone(),
            keys,
        }
    }

    /// What tells it from every other engine of this process, now and later; never 0.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What finds.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Appends a whole text to `out`, with every value in it rewritten. Returns whether there was one.
    pub fn scrub(&self, text: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> bool {
        self.splice(text, &self.detector.detect(text), out, tally)
    }

    /// Appends the value of a field whose name is known (a JSON key, a form's field, a header, a column), with what is personal in it
    /// rewritten: the name decides as well as the value does. Returns whether there was anything.
    pub fn scrub_field(&self, name: &[u8], value: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> bool {
        self.splice(value, &self.detector.detect_field(name, value), out, tally)
    }

    /// Appends what is written for a value, which may be encoded.
    pub fn rewrite(&self, kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
        self.rewrite_plain(kind, &decode::decode(value).0, out);
    }

    /// Appends what is written for a value that is surely not encoded.
    pub(super) fn rewrite_plain(&self, kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
        operator::write(self.operator_of(kind), &self.keys, kind, value, out);
    }

    /// Appends what is written for a finding of `text`.
    pub(super) fn rewrite_finding(&self, text: &[u8], finding: &Finding, out: &mut Vec<u8>, tally: &mut Tally) {
        tally.add(&finding.kind);
        match self.operator_of(&finding.kind) {
            Operator::Drop => {}
            // Of a value that outgrew the look-ahead only the beginning was seen: it is not told apart from others.
            _ if finding.open => operator::redact(&finding.kind, out),
            _ => self.rewrite(&finding.kind, &text[finding.span()], out),
        }
    }

    fn splice(&self, text: &[u8], found: &[Finding], out: &mut Vec<u8>, tally: &mut Tally) -> bool {
        let mut pos = 0;
        for finding in found {
            out.extend_from_slice(&text[pos..finding.start]);
            self.rewrite_finding(text, finding, out, tally);
            pos = finding.end;
        }
        out.extend_from_slice(&text[pos..]);
        !found.is_empty()
    }

    fn operator_of(&self, kind: &Kind) -> Operator {
        self.operators.iter().find(|(own, _)| own == kind).map_or(self.operator, |(_, operator)| *operator)
    }
}

/// What one text held that `encrypt` had written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revealed {
    /// Marks that were opened.
    pub opened: u64,
    /// Marks that were not: their epoch's key is not in the ring, or they were changed.
    pub closed: u64,
}

/// Appends `text` to `out` with every mark of `encrypt` opened that the ring has the key of; the rest stays as it is.
pub fn reveal(ring: &Ring, text: &[u8], out: &mut Vec<u8>) -> Revealed {
    let mut revealed = Revealed::default();
    let mut rest = text;
    while let Some(open) = memchr::memchr(b'<', rest) {
        let (before, mark) = rest.split_at(open);
        out.extend_from_slice(before);
        let close = memchr::memchr2(b'>', b'<', &mark[1..]).map(|i| i + 1).filter(|&i| mark[i] == b'>');
        let opened = close.and_then(|close| Some((operator::open(ring, &mark[1..close])?, close)));
        if let Some((value, close)) = opened {
            revealed.opened += 1;
            out.extend_from_slice(&value);
            rest = &mark[close + 1..];
            continue;
        }
        let is_sealed = |close: usize| mark[..close].contains(&b'#') && operator::is_mark(mark, 0, close, |_| true);
        revealed.closed += u64::from(close.is_some_and(is_sealed));
        out.push(b'<');
        rest = &mark[1..];
    }
    out.extend_from_slice(rest);
    revealed
}
