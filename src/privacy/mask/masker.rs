//! Asked about each value of a body by its reader, it answers by a mask.

use std::sync::Arc;

use super::{Found, Mask, script};
use crate::{
    format::{Path, Shape, Visitor},
    privacy::{
        Finding, Kind, Scrubber, Tally,
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
}

impl Masker {
    /// For a body that begins. `strict` where the names of fields may be values themselves.
    #[must_use]
    pub fn new(mask: Arc<Mask>, strict: bool) -> Self {
        Self { mask, strict, fields: Box::new([EMPTY; FIELDS]), long: None, found: Found::default() }
    }

    /// What was rewritten so far.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
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

    /// The counts of this path.
    fn tally(&mut self, at: &Path) -> &mut Tally {
        let known = self.known(at).row;
        let row = known.unwrap_or_else(|| self.found.row_of(at, &self.mask.engine, self.strict));
        self.known(at).row = Some(row);
        self.found.tally_of(row)
    }

    fn count(&mut self, at: &Path, kind: &Kind) {
        self.tally(at).add(kind);
    }

    /// Writes `value` with `findings` rewritten.
    fn splice(&mut self, at: &Path, value: &[u8], findings: &[Finding], out: &mut Vec<u8>) {
        let mask = Arc::clone(&self.mask);
        let tally = self.tally(at);
        let mut pos = 0;
        for finding in findings {
            out.extend_from_slice(&value[pos..finding.start]);
            mask.engine.rewrite_finding(value, finding, out, tally);
            pos = finding.end;
        }
        out.extend_from_slice(&value[pos..]);
    }

    /// Writes a value that a path of the mask names.
    fn cover(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        if value.is_empty() || value == b"null" && shape == Shape::Word {
            return false;
        }
        let found = self.mask.engine.detector().detect_field(at.name(), value);
        match found.as_slice() {
            [only] if only.start == 0 && only.end == value.len() => self.splice(at, value, &found, out),
            _ => {
                out.extend_from_slice(COVERED);
                self.count(at, &by_path());
            }
        }
        true
    }

    /// How a long value that begins with `first` is to be treated.
    fn begin(&self, at: &Path, first: &[u8]) -> Long {
        if self.mask.covers(at) {
            return Long::Dropped(None);
        }
        if !at.name().is_empty() {
            let found = self.mask.engine.detector().detect_field(at.name(), first);
            if let [only] = found.as_slice()
                && only.start == 0
                && only.end == first.len()
            {
                return Long::Dropped(Some(only.kind.clone()));
            }
        }
        Long::Scrubbed(Box::new(Scrubber::new(Arc::clone(&self.mask.engine))))
    }
}

/// The type of what a path alone names.
fn by_path() -> Kind {
    Kind::Own("BY_PATH".into())
}

impl Visitor for Masker {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        let &mut Field { covered, expected, row, .. } = self.known(at);
        if covered {
            return self.cover(at, value, shape, out);
        }
        match shape {
            Shape::Word => false,
            // No type has fewer digits than a card's check code.
            Shape::Number if value.len() < 3 => false,
            Shape::Script => {
                let mut tally = Tally::default();
                let rewritten = script::scrub(&self.mask.engine, value, out, &mut tally);
                if rewritten {
                    self.tally(at).merge(&tally);
                }
                rewritten
            }
            Shape::Number | Shape::Text => {
                match self.mask.engine.detector().look(expected, value) {
                    Told::Nothing => return false,
                    Told::Whole(kind) => {
                        self.mask.engine.rewrite_plain(kind, value, out);
                        match row {
                            Some(row) => self.found.tally_of(row).add(kind),
                            None => self.count(at, kind),
                        }
                        return true;
                    }
                    Told::Unsure => {}
                }
                let found = self.mask.engine.detector().detect_field(at.name(), value);
                if found.is_empty() {
                    return false;
                }
                self.splice(at, value, &found, out);
                true
            }
        }
    }

    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        if self.known(at).clean {
            return false;
        }
        let found = self.mask.engine.detector().detect(name);
        self.splice(at, name, &found, out);
        true
    }

    fn part(&mut self, at: &Path, part: &[u8], out: &mut Vec<u8>) {
        if self.long.is_none() {
            self.long = Some(self.begin(at, part));
        }
        if let Some(Long::Scrubbed(scrubber)) = &mut self.long {
            scrubber.push(part, out);
        }
    }

    fn end(&mut self, at: &Path, out: &mut Vec<u8>) {
        match self.long.take() {
            None => {}
            Some(Long::Scrubbed(mut scrubber)) => {
                scrubber.finish(out);
                if !scrubber.tally().is_empty() {
                    self.tally(at).merge(scrubber.tally());
                }
            }
            Some(Long::Dropped(kind)) => {
                out.extend_from_slice(COVERED);
                self.count(at, &kind.unwrap_or_else(by_path));
            }
        }
    }
}
