//! Records of JSON: elements of a list, members of an object, or values a line.
//!
//! It reads no more of the grammar than where values begin and end; what it hands on is read by the reader behind it, which refuses
//! what is no JSON.

use super::{Fact, Facts, Hold, Records, Sink, Which, place::At};
use crate::format::{
    json::{self, escape},
    path::{DEEPEST, Path},
    visitor::{HELD, Malformed},
};

const NO_JSON: Malformed = Malformed("no JSON");
const TOO_DEEP: Malformed = Malformed("JSON is too deep");
/// Longest name of a member in bytes, as of the reader.
const LONGEST_NAME: usize = json::LONGEST_NAME;

/// Parts JSON.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // each by itself
pub(super) struct Json {
    rules: Vec<Rule>,
    /// Whether a value may follow another at the top.
    lines: bool,
    path: Path,
    frames: Vec<Frame>,
    token: Token,
    /// What came of a name, or of a text or word that is a fact, raw.
    text: Vec<u8>,
    /// The fact that the value at hand is.
    fact: Option<Which>,
    region: Region,
    /// What parts the record that comes from what was before.
    gap: Vec<u8>,
    /// Whether the list at hand had a record, and whether one was handed on.
    any: bool,
    kept: bool,
    /// Whether a line was a record.
    has_lines: bool,
    hold: Hold,
    facts: Facts,
}

/// Records that lie at one path.
#[derive(Debug)]
struct Rule {
    record: Vec<Vec<u8>>,
    facts: Vec<Told>,
}

/// Where within a record a fact stands.
#[derive(Debug)]
struct Told {
    which: Which,
    within: Vec<Vec<u8>>,
    /// Which names on the way there were seen, from the outside in.
    seen: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// Whether a name comes next.
    Object(bool),
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Text { name: bool, slash: bool, escaped: bool },
    Bare,
}

/// What the bytes at hand are of. Numbers are of rules, and of frames around a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Outside,
    /// Between records.
    Gap(usize, usize),
    Record(usize, usize),
    /// Behind a line that was left out, up to its end.
    Rest,
}

impl Json {
    /// Where records of JSON are known.
    pub(super) fn new(records: &Records, lines: bool) -> Option<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        let all = [(Which::Subject, &records.subject), (Which::Consent, &records.consent)];
        for (which, at) in all.into_iter().flat_map(|(which, list)| list.iter().map(move |at| (which, at))) {
            let At::Json { record, within } = at else { continue };
            let told = Told { which, within: within.clone(), seen: 0 };
            match rules.iter_mut().find(|rule| rule.record == *record) {
                Some(rule) => rule.facts.push(told),
                None => rules.push(Rule { record: record.clone(), facts: vec![told] }),
            }
        }
        (!rules.is_empty()).then(|| Self {
            rules,
            lines,
            path: Path::new(),
            frames: Vec::new(),
            token: Token::None,
            text: Vec::new(),
            fact: None,
            region: Region::Outside,
            gap: Vec::new(),
            any: false,
            kept: false,
            has_lines: false,
            hold: Hold::default(),
            facts: Facts::default(),
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        let (mut at, mut from) = (0, 0);
        while at < bytes.len() {
            at = match self.token {
                Token::None => self.structure(bytes, at, &mut from, sink)?,
                Token::Text { .. } => self.more_text(bytes, at, &mut from, sink)?,
                Token::Bare => self.bare(bytes, at, &mut from, sink)?,
            };
        }
        self.hand_on(&bytes[from..], sink)
    }

    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        if self.token == Token::Bare {
            self.end_bare(b"", 0, &mut 0, sink)?;
        }
        if matches!(self.region, Region::Record(..)) {
            return Err(Malformed("JSON ends within a value"));
        }
        if self.has_lines {
            sink.closes()?;
        }
        sink.outside(&std::mem::take(&mut self.gap))
    }

    /// Hands on bytes of the region at hand.
    fn hand_on(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        match self.region {
            _ if bytes.is_empty() => Ok(()),
            Region::Outside => sink.outside(bytes),
            Region::Record(..) => self.hold.more(bytes, sink),
            Region::Rest => Ok(()),
            Region::Gap(..) => {
                self.gap.extend_from_slice(bytes);
                if self.gap.len() > HELD { Err(Malformed("too much space in JSON")) } else { Ok(()) }
            }
        }
    }

    /// One byte outside of texts and words.
    fn structure(
        &mut self,
        bytes: &[u8],
        at: usize,
        from: &mut usize,
        sink: &mut impl Sink,
    ) -> Result<usize, Malformed> {
        let byte = bytes[at];
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if self.region == Region::Rest && (byte == b'\n' || !is_space) {
            *from = if is_space { at + 1 } else { at };
            self.region = Region::Outside;
        }
        match byte {
            _ if is_space => {}
            b',' if !self.frames.is_empty() => {
                if let Some(Frame::Object(expects_name)) = self.frames.last_mut() {
                    *expects_name = true;
                }
            }
            b':' => {}
            b'}' | b']' if !self.frames.is_empty() => return self.close(bytes, at, from, sink),
            // What may stand in front of a value: a mark, or what keeps it from being a script.
            0xEF | 0xBB | 0xBF | b')' | b']' | b'}' | b'\'' | b',' if self.frames.is_empty() => {}
            0x1E if self.lines && self.frames.is_empty() => {
                // It goes with the value behind it.
                if self.region == Region::Outside && self.root().is_some() {
                    sink.outside(&bytes[*from..at])?;
                    *from = at;
                    self.region = Region::Gap(self.root().unwrap_or(0), 0);
                    self.kept = true;
                }
            }
            b'"' => return self.text(bytes, at, from, sink),
            b'{' | b'[' => {
                self.begin(bytes, at, from, sink)?;
                self.open(byte, bytes, at, from, sink)?;
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.begin(bytes, at, from, sink)?;
                self.value_begins();
                self.text.clear();
                self.token = Token::Bare;
                return Ok(at);
            }
            _ => return Err(NO_JSON),
        }
        Ok(at + 1)
    }

    /// The rule by which the whole of a body or line is a record.
    fn root(&self) -> Option<usize> {
        self.rules.iter().position(|rule| rule.record.is_empty())
    }

    /// Begins a record at `at`, where one does.
    fn begin(&mut self, bytes: &[u8], at: usize, from: &mut usize, sink: &mut impl Sink) -> Result<(), Malformed> {
        let (rule, frames) = match self.region {
            Region::Gap(rule, frames) if self.frames.len() == frames => (rule, frames),
            Region::Outside if self.frames.is_empty() => match self.root() {
                Some(rule) => (rule, 0),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        self.hand_on(&bytes[*from..at], sink)?;
        *from = at;
        if frames == 0 && self.lines && !std::mem::replace(&mut self.has_lines, true) {
            sink.opens(&self.rules[rule].record)?;
        }
        let commas = memchr::memchr_iter(b',', &self.gap).count();
        if frames > 0 && commas != usize::from(self.any) {
            return Err(NO_JSON);
        }
        let kept = self.kept;
        self.hold.lead.clear();
        self.hold.lead.extend(self.gap.drain(..).filter(|&byte| kept || byte != b','));
        self.any = true;
        self.region = Region::Record(rule, frames);
        self.facts.clear();
        self.rules[rule].facts.iter_mut().for_each(|told| told.seen = 0);
        Ok(())
    }

    /// A value begins that is no name: is it a fact?
    fn value_begins(&mut self) {
        self.fact = None;
        if let Region::Record(rule, _) = self.region {
            let Rule { record, facts } = &self.rules[rule];
            let depth = self.path.depth();
            let is = |told: &&Told| {
                depth == record.len() + told.within.len()
                    && self.path.segments().skip(record.len()).eq(told.within.iter().map(Vec::as_slice))
            };
            self.fact = facts.iter().find(is).map(|told| told.which);
        }
    }

    fn open(
        &mut self,
        byte: u8,
        bytes: &[u8],
        at: usize,
        from: &mut usize,
        sink: &mut impl Sink,
    ) -> Result<(), Malformed> {
        self.value_begins();
        if let Some(which) = self.fact.take() {
            self.facts.of(which).is_unclear = true;
        }
        if self.frames.len() >= DEEPEST || byte == b'[' && !self.path.push_element() {
            return Err(TOO_DEEP);
        }
        self.frames.push(if byte == b'{' { Frame::Object(true) } else { Frame::Array });
        // The whole is a record only where no other lies in it.
        let is_open = match self.region {
            Region::Outside => true,
            Region::Record(rule, _) => self.rules[rule].record.is_empty() && self.rules.len() > 1,
            Region::Gap(..) | Region::Rest => false,
        };
        if is_open {
            let depth = self.path.depth() + usize::from(byte == b'{');
            let is = |rule: &Rule| {
                rule.record.len() == depth
                    && depth > 0
                    && self.path.segments().zip(&rule.record).all(|(name, wanted)| wanted == b"*" || name == wanted)
            };
            if let Some(rule) = self.rules.iter().position(is) {
                self.hand_on(&bytes[*from..=at], sink)?;
                *from = at + 1;
                if self.region != Region::Outside && !self.hold.cancel(sink)? {
                    // Its beginning is gone.
                    return Ok(());
                }
                self.region = Region::Gap(rule, self.frames.len());
                (self.any, self.kept) = (false, false);
                if byte == b'[' {
                    sink.opens(&self.rules[rule].record)?;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, bytes: &[u8], at: usize, from: &mut usize, sink: &mut impl Sink) -> Result<usize, Malformed> {
        match self.region {
            Region::Gap(_, frames) if frames == self.frames.len() => {
                self.hand_on(&bytes[*from..at], sink)?;
                *from = at;
                if bytes[at] == b']' {
                    sink.closes()?;
                }
                sink.outside(&std::mem::take(&mut self.gap))?;
                self.region = Region::Outside;
            }
            // A name without a value.
            Region::Record(_, frames) if frames == self.frames.len() => return Err(NO_JSON),
            _ => {}
        }
        match (self.frames.pop(), bytes[at]) {
            (Some(Frame::Object(_)), b'}') => {}
            (Some(Frame::Array), b']') => self.path.pop(),
            _ => return Err(Malformed("JSON's brackets do not match")),
        }
        self.value_ended(bytes, at + 1, from, sink)?;
        Ok(at + 1)
    }

    /// A value ended before `at`.
    fn value_ended(
        &mut self,
        bytes: &[u8],
        at: usize,
        from: &mut usize,
        sink: &mut impl Sink,
    ) -> Result<(), Malformed> {
        if let Some(Frame::Object(_)) = self.frames.last() {
            self.path.pop();
        }
        let Region::Record(rule, frames) = self.region else { return Ok(()) };
        if frames != self.frames.len() {
            return Ok(());
        }
        let stays = self.hold.last(&bytes[*from..at], &self.facts, sink)?;
        *from = at;
        self.kept |= stays;
        self.region = match (frames, stays) {
            (1.., _) => Region::Gap(rule, frames),
            (0, false) if self.lines => Region::Rest,
            (0, false) => {
                sink.outside(b"null")?;
                Region::Outside
            }
            (0, true) => Region::Outside,
        };
        Ok(())
    }

    /// A text begins.
    fn text(&mut self, bytes: &[u8], at: usize, from: &mut usize, sink: &mut impl Sink) -> Result<usize, Malformed> {
        self.begin(bytes, at, from, sink)?;
        let name = self.frames.last() == Some(&Frame::Object(true));
        if !name {
            self.value_begins();
        }
        self.text.clear();
        self.token = Token::Text { name, slash: false, escaped: false };
        if at + 1 < bytes.len() { self.more_text(bytes, at + 1, from, sink) } else { Ok(at + 1) }
    }

    /// More of a text.
    fn more_text(
        &mut self,
        bytes: &[u8],
        start: usize,
        from: &mut usize,
        sink: &mut impl Sink,
    ) -> Result<usize, Malformed> {
        let Token::Text { name, mut slash, mut escaped } = self.token else { return Ok(start) };
        let mut at = start;
        let end = loop {
            if std::mem::take(&mut slash) {
                at += 1;
            }
            match json::stop(bytes, at) {
                None => break None,
                Some(found) if bytes[found] == b'"' => break Some(found),
                Some(found) => {
                    (slash, escaped) = (true, true);
                    at = found + 1;
                    if at == bytes.len() {
                        break None;
                    }
                }
            }
        };
        let content = &bytes[start..end.unwrap_or(bytes.len())];
        if name && self.text.len() + content.len() > LONGEST_NAME {
            return Err(Malformed("a name in JSON is too long"));
        }
        if name || self.is_kept(content.len()) {
            self.text.extend_from_slice(content);
        }
        let Some(end) = end else {
            self.token = Token::Text { name, slash, escaped };
            return Ok(bytes.len());
        };
        self.token = Token::None;
        let raw = std::mem::take(&mut self.text);
        let mut plain = Vec::new();
        if escaped && (name || self.fact.is_some()) {
            escape::decode(&raw, &mut plain)?;
        }
        let said = if escaped { &plain } else { &raw };
        if name {
            self.named(said)?;
        } else if let Some(which) = self.fact.take() {
            self.facts.of(which).say(said);
        }
        self.text = raw;
        if !name {
            self.value_ended(bytes, end + 1, from, sink)?;
        }
        Ok(end + 1)
    }

    /// Whether so many bytes more of a value are wanted: it is a fact, and not too long for one.
    fn is_kept(&mut self, more: usize) -> bool {
        // Six bytes at most stand for one.
        let fits = self.text.len() + more <= 6 * super::LONGEST_FACT;
        if let Some(which) = self.fact.take_if(|_| !fits) {
            self.facts.of(which).is_unclear = true;
        }
        self.fact.is_some()
    }

    /// A member's name.
    fn named(&mut self, name: &[u8]) -> Result<(), Malformed> {
        if let Some(Frame::Object(expects_name)) = self.frames.last_mut() {
            *expects_name = false;
        }
        if !self.path.push(name) {
            return Err(TOO_DEEP);
        }
        let Region::Record(rule, _) = self.region else { return Ok(()) };
        let Rule { record, facts } = &mut self.rules[rule];
        let Some(below @ 1..) = self.path.depth().checked_sub(record.len()) else { return Ok(()) };
        for Told { which, within, seen } in facts {
            let leads = below <= within.len()
                && self.path.segments().skip(record.len()).eq(within[..below].iter().map(Vec::as_slice));
            if leads {
                // A member that is there twice is read as the first by some and as the last by others.
                let fact: &mut Fact = self.facts.of(*which);
                fact.is_unclear |= *seen >> below & 1 == 1;
                *seen |= 1 << below;
            }
        }
        Ok(())
    }

    /// More of a number or a word.
    fn bare(&mut self, bytes: &[u8], at: usize, from: &mut usize, sink: &mut impl Sink) -> Result<usize, Malformed> {
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let length = bytes[at..].iter().take_while(|b| part(b)).count();
        let end = at + length;
        if self.is_kept(length) {
            self.text.extend_from_slice(&bytes[at..end]);
        }
        if end < bytes.len() {
            self.end_bare(bytes, end, from, sink)?;
        }
        Ok(end)
    }

    fn end_bare(&mut self, bytes: &[u8], end: usize, from: &mut usize, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.token = Token::None;
        if let Some(which) = self.fact.take()
            && self.text != b"null"
        {
            self.facts.of(which).say(&self.text);
        }
        self.value_ended(bytes, end, from, sink)
    }
}
