//! Asked about each value of a body by its reader, it answers by a mask.

use std::sync::Arc;

use super::{Facts, Found, Judge, Mask, Verdict, script};
use crate::{
    format::{Path, Shape, Visitor},
    privacy::{
        Finding, Kind, Kinds, Scrubber, Tally, decode,
        detect::usual::{Expected, Told},
    },
};

/// Written in the place of a value that a path names and that is of no known type.
const COVERED: &[u8] = b"***";
/// Fields that are remembered, by the lowest bits of their path's hash; and how far behind its own place one may stand.
const FIELDS: usize = 256;
const NEAR: usize = 4;

/// A mask at work on one body.
#[derive(Debug)]
pub struct Masker {
    mask: Arc<Mask>,
    /// Whether names may be values: columns of a table, cells of a page.
    strict: bool,
    /// Names are looked at once, not for every record.
    fields: Box<[Field; FIELDS]>,
    long: Option<Long>,
    found: Found,
    judge: Option<Box<dyn Judge>>,
    /// What holds here: everything personal is masked, revealed or not.
    masks_all: bool,
    /// What held in the last record that was not left out.
    masked_last: bool,
    /// What was found before the canary's record at hand: what is in that one is not counted.
    before: Option<Found>,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy)]
struct Field {
    path: u64,
    covered: bool,
    /// Its name holds nothing itself.
    clean: bool,
    expected: Expected,
    /// Where what is rewritten in it is counted, once something was.
    row: Option<usize>,
}

/// Where no field is remembered.
const EMPTY: Field = Field { path: 0, covered: false, clean: false, expected: Expected::Other, row: None };

/// A value that comes in parts.
#[derive(Debug)]
enum Long {
    Scrubbed(Box<Scrubber>),
    /// All of it is personal.
    Dropped(Option<Kind>),
    /// All of it is, and may be seen.
    Shown(Option<Kind>),
}

impl Masker {
    /// For a body that begins. `strict` where the names of fields may be values themselves.
    #[must_use]
    pub fn new(mask: Arc<Mask>, strict: bool) -> Self {
        let (fields, found) = (Box::new([EMPTY; FIELDS]), Found::default());
        Self {
            mask,
            strict,
            fields,
            long: None,
            found,
            judge: None,
            masks_all: false,
            masked_last: false,
            before: None,
        }
    }

    /// The same, with a judge who is told what leaves unmasked and asked about records.
    #[must_use]
    pub fn judged(mask: Arc<Mask>, strict: bool, judge: Option<Box<dyn Judge>>) -> Self {
        let mut masker = Self { judge, ..Self::new(mask, strict) };
        masker.leave();
        masker
    }

    /// A record begins, of which so much is known; `false` when it is to be left out. No value may be at hand.
    pub(super) fn enter(&mut self, facts: &Facts<'_>) -> bool {
        let verdict = self.judge.as_mut().map_or(Verdict::Show, |judge| judge.record(facts));
        self.masks_all = verdict != Verdict::Show;
        if verdict != Verdict::Drop {
            self.masked_last = self.masks_all;
        }
        verdict != Verdict::Drop
    }

    /// A canary's record begins: it is shown as the one before. No value may be at hand.
    pub(super) fn enter_canary(&mut self) {
        self.masks_all = self.masked_last;
        self.before = Some(self.found.clone());
        if let Some(judge) = &mut self.judge {
            judge.canary();
        }
    }

    /// What follows is of no record. No value may be at hand.
    pub(super) fn leave(&mut self) {
        if let Some(before) = self.before.take() {
            self.found.go_back(&before);
        }
        self.masks_all = self.judge.as_mut().is_some_and(|judge| judge.outside() != Verdict::Show);
    }

    /// What was found so far.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    fn shows(&self, kind: &Kind) -> bool {
        !self.masks_all && self.mask.reveal.has(kind)
    }

    /// Notes a value that is left as it is.
    fn show(&mut self, at: &Path, kind: &Kind, plain: &[u8]) {
        let row = self.row(at);
        self.found.shown_in(row).add(kind);
        self.hear(at, kind, plain);
        if let Some(judge) = &mut self.judge {
            judge.seen(kind, plain);
        }
    }

    /// Tells of a person's name.
    fn hear(&mut self, at: &Path, kind: &Kind, plain: &[u8]) {
        if let (Kind::Person, Some(judge)) = (kind, &mut self.judge) {
            judge.name(at.name(), plain);
        }
    }

    /// What is known of the field at this path.
    fn known(&mut self, at: &Path) -> &mut Field {
        // Never that of an empty place.
        let path = at.hash() | 1;
        let own = usize::try_from((path >> 1) % FIELDS as u64).unwrap_or(0);
        // Two that lead to one place would send each other away with every record.
        let place = (own..own + NEAR).map(|i| i % FIELDS).find(|i| [path, 0].contains(&self.fields[*i].path));
        let field = &mut self.fields[place.unwrap_or(own)];
        if field.path != path {
            let detector = self.mask.engine.detector();
            let name = at.name();
            *field = Field {
                path,
                covered: self.mask.covers(at),
                clean: detector.detect(name).is_empty(),
                expected: detector.expect(name),
                row: None,
            };
        }
        field
    }

    /// The row in which what is found at this path is counted.
    fn row(&mut self, at: &Path) -> usize {
        if let Some(row) = self.known(at).row {
            return row;
        }
        let row = self.found.row_of(at, &self.mask.engine, self.strict);
        self.known(at).row = Some(row);
        row
    }

    /// The counts of what is rewritten at this path.
    fn tally(&mut self, at: &Path) -> &mut Tally {
        let row = self.row(at);
        self.found.masked_in(row)
    }

    /// Writes `value` with `findings` rewritten; `false` where all of them are left as they are, and then nothing is written.
    fn splice(&mut self, at: &Path, value: &[u8], findings: &[Finding], out: &mut Vec<u8>) -> bool {
        let mask = Arc::clone(&self.mask);
        let mut pos = 0;
        for finding in findings {
            if self.shows(&finding.kind) {
                self.show(at, &finding.kind, &decode::decode(&value[finding.span()]).0);
                continue;
            }
            if finding.kind == Kind::Person {
                self.hear(at, &finding.kind, &decode::decode(&value[finding.span()]).0);
            }
            out.extend_from_slice(&value[pos..finding.start]);
            mask.engine.rewrite_finding(value, finding, out, self.tally(at));
            pos = finding.end;
        }
        let rewritten = findings.iter().any(|finding| !self.shows(&finding.kind));
        if rewritten {
            out.extend_from_slice(&value[pos..]);
        }
        rewritten
    }

    /// Writes a value that a path of the mask names. It is seen only where that is revealed besides its type.
    fn cover(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        if value.is_empty() || value == b"null" && shape == Shape::Word {
            return false;
        }
        let found = self.mask.engine.detector().detect_field(at.name(), value);
        let whole = match found.as_slice() {
            [only] if only.start == 0 && only.end == value.len() => Some(only),
            _ => None,
        };
        let kind = whole.map_or_else(by_path, |only| only.kind.clone());
        if self.shows_path(&kind) {
            self.show(at, &kind, value);
            return false;
        }
        let mask = Arc::clone(&self.mask);
        if let Some(only) = whole {
            self.hear(at, &kind, value);
            mask.engine.rewrite_finding(value, only, out, self.tally(at));
        } else {
            out.extend_from_slice(COVERED);
            self.tally(at).add(&kind);
        }
        true
    }

    fn shows_path(&self, kind: &Kind) -> bool {
        self.shows(&by_path()) && self.shows(kind)
    }

    /// How a long value that begins with `first` is to be treated.
    fn begin(&self, at: &Path, first: &[u8]) -> Long {
        if self.mask.covers(at) {
            return if self.shows(&by_path()) { Long::Shown(None) } else { Long::Dropped(None) };
        }
        if !at.name().is_empty() {
            let found = self.mask.engine.detector().detect_field(at.name(), first);
            if let [only] = found.as_slice()
                && only.start == 0
                && only.end == first.len()
            {
                let kind = only.kind.clone();
                return if self.shows(&kind) { Long::Shown(Some(kind)) } else { Long::Dropped(Some(kind)) };
            }
        }
        let reveal = if self.masks_all { Kinds::default() } else { self.mask.reveal.clone() };
        Long::Scrubbed(Box::new(Scrubber::revealing(Arc::clone(&self.mask.engine), reveal)))
    }
}

impl Masker {
    /// Notes what a stream has left as it is.
    fn note_shown(&mut self, at: &Path) {
        let mut long = self.long.take();
        if let Some(Long::Scrubbed(scrubber)) = &mut long {
            for (kind, value) in scrubber.shown() {
                self.show(at, &kind, &value);
            }
        }
        self.long = long;
    }
}

/// The type of what a path alone names.
fn by_path() -> Kind {
    Kind::Own("BY_PATH".into())
}

impl Masker {
    /// Writes what takes the place of a value; `false` where it stays.
    fn rewrite(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        let &mut Field { covered, expected, row, .. } = self.known(at);
        if covered {
            return self.cover(at, value, shape, out);
        }
        match shape {
            Shape::Word => false,
            // No type has fewer digits than a card's check code.
            Shape::Number if value.len() < 3 => false,
            Shape::Script => {
                let mask = Arc::clone(&self.mask);
                let mut tally = Tally::default();
                let rewritten = script::scrub(&mask.engine, value, out, &mut tally, |finding| {
                    let shows = self.shows(&finding.kind);
                    if shows {
                        self.show(at, &finding.kind, &decode::decode(&value[finding.span()]).0);
                    }
                    shows
                });
                if rewritten {
                    self.tally(at).merge(&tally);
                }
                rewritten
            }
            Shape::Number | Shape::Text => {
                match self.mask.engine.detector().look(expected, value) {
                    Told::Nothing => return false,
                    Told::Whole(kind) => {
                        self.hear(at, kind, value);
                        let row = row.unwrap_or_else(|| self.row(at));
                        if self.shows(kind) {
                            self.found.shown_in(row).add(kind);
                            if let Some(judge) = &mut self.judge {
                                judge.seen(kind, value);
                            }
                            return false;
                        }
                        self.mask.engine.rewrite_plain(kind, value, out);
                        self.found.masked_in(row).add(kind);
                        return true;
                    }
                    Told::Unsure => {}
                }
                let found = self.mask.engine.detector().detect_field(at.name(), value);
                self.splice(at, value, &found, out)
            }
        }
    }
}

impl Visitor for Masker {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        let rewritten = self.rewrite(at, value, shape, out);
        if rewritten
            && shape == Shape::Text
            && let Some(judge) = &mut self.judge
        {
            judge.covered(at.name(), out, value);
        }
        rewritten
    }

    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        if self.known(at).clean {
            return false;
        }
        let found = self.mask.engine.detector().detect(name);
        self.splice(at, name, &found, out)
    }

    fn part(&mut self, at: &Path, part: &[u8], out: &mut Vec<u8>) {
        if self.long.is_none() {
            self.long = Some(self.begin(at, part));
        }
        match &mut self.long {
            Some(Long::Scrubbed(scrubber)) => scrubber.push(part, out),
            Some(Long::Shown(_)) => out.extend_from_slice(part),
            Some(Long::Dropped(_)) | None => {}
        }
        self.note_shown(at);
    }

    fn end(&mut self, at: &Path, out: &mut Vec<u8>) {
        if let Some(Long::Scrubbed(scrubber)) = &mut self.long {
            scrubber.finish(out);
        }
        self.note_shown(at);
        match self.long.take() {
            Some(Long::Scrubbed(scrubber)) if !scrubber.tally().is_empty() => {
                self.tally(at).merge(scrubber.tally());
            }
            Some(Long::Scrubbed(_)) | None => {}
            Some(Long::Dropped(kind)) => {
                out.extend_from_slice(COVERED);
                self.tally(at).add(&kind.unwrap_or_else(by_path));
            }
            Some(Long::Shown(kind)) => self.show(at, &kind.unwrap_or_else(by_path), b""),
        }
    }
}
