//! Makes the record of a canary of somebody's on a page: the same elements in the same order, and nothing that was that one's own in
//! any text, attribute, link, script or comment.
//!
//! What stands in a record in the place of its id becomes the canary's wherever it stands, as does whatever else was invented. Links and
//! scripts are read word by word: one that most records have at this place stays.

use std::collections::HashSet;

use super::{Forger, Work, invent, word};
use crate::{
    format::{Node, Path, Shape, Visitor},
    privacy::mask::{
        agreed,
        settings::{At, is_uuid},
    },
};

/// Stands for the record's own id where values of several are compared.
const ID: char = '\0';
/// Longest text that is read word by word, in bytes.
const LONGEST: usize = 4096;
/// Shortest value that is looked for within others, in bytes; and shortest of which none may be left.
const WITHIN: usize = 3;
const TELLING: usize = 4;
/// Most values of one record that are somebody's: each is looked for in all others, and nobody has so many.
const MOST: usize = 256;
/// Attributes that are read by people, and say nothing of what they hold.
const SHOWN: [&str; 6] = ["title", "alt", "placeholder", "aria-label", "label", "summary"];
/// Attributes that say how something looks: what is a short id elsewhere is a width here.
const LOOKS: [&str; 6] = ["class", "style", "width", "height", "d", "points"];

/// Where the value at hand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Text,
    Attribute,
    Name,
    Comment,
    Raw,
}

/// Asked about the values of a record of HTML.
#[derive(Debug)]
pub(in crate::privacy::mask) struct PageForger {
    forger: Forger,
    /// Whose the record at hand is.
    subject: String,
    stands: Where,
    /// The column or the attribute.
    place: String,
    /// What was invented, for what.
    learned: Vec<(String, String)>,
    /// Values that others have as well.
    kept: HashSet<String>,
    /// Something can't be made anybody's.
    is_refused: bool,
}

impl PageForger {
    /// One for the records of a list.
    pub(in crate::privacy::mask) fn new(forger: Forger) -> Self {
        Self {
            forger,
            subject: String::new(),
            stands: Where::Text,
            place: String::new(),
            learned: Vec::new(),
            kept: HashSet::new(),
            is_refused: false,
        }
    }

    /// A record of `subject` follows.
    pub(in crate::privacy::mask) fn begin(&mut self, work: Work, subject: &[u8]) {
        self.forger.work = work;
        self.subject = String::from_utf8_lossy(subject).into_owned();
        match work {
            Work::Noting => self.forger.common.begin(),
            Work::Learning => {
                self.learned.clear();
                self.kept.clear();
                (self.is_refused, self.forger.is_named) = (false, false);
                if let Some(id) = self.id() {
                    self.learned.push((self.subject.clone(), id));
                }
            }
            Work::Forging => {
                self.forger.is_named = false;
                self.add_forms();
            }
            Work::Waiting | Work::Checking => {}
        }
    }

    /// Whether it has become a canary's, and nobody else's.
    pub(in crate::privacy::mask) fn is_made(&self) -> bool {
        self.forger.is_named && !self.is_refused
    }

    /// What was learned, as it stands in links as well; the longest first.
    fn add_forms(&mut self) {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let mut forms = Vec::new();
        for (real, new) in &self.learned {
            let is_phone = real.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c)) && digits(real).len() >= 7;
            if is_phone {
                forms.push((digits(real), digits(new)));
            }
            if real.contains(|c: char| !c.is_ascii_alphanumeric()) {
                forms.push((word::escaped(real), word::escaped(new)));
            }
        }
        self.learned.append(&mut forms);
        self.learned.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
    }

    /// A value with its record's id left open.
    fn template(&self, value: &str) -> String {
        let mut template = String::new();
        let mut rest = 0;
        for at in word::alone(value, &self.subject) {
            template.push_str(&value[rest..at]);
            template.push(ID);
            rest = at + self.subject.len();
        }
        template + &value[rest..]
    }

    fn note(&mut self, at: &Path, like: &str) {
        let template = self.template(like);
        let common = &mut self.forger.common;
        let place = [self.place.as_bytes(), at.name()];
        common.note(place.into_iter(), template.as_bytes());
        if template.len() <= LONGEST {
            for token in word::tokens(&template) {
                common.note([self.place.as_bytes(), at.name(), b"word"].into_iter(), token.as_bytes());
            }
        }
    }

    /// Whether records of others have it at this place: most of them, where nothing says what it is.
    fn is_known(&self, at: &Path, template: &str) -> bool {
        let place = [self.place.as_bytes(), at.name()].into_iter();
        let is_shown = self.stands == Where::Text || SHOWN.contains(&self.attribute()) || self.attribute() == "value";
        let needs_most = matches!(self.stands, Where::Comment | Where::Raw) || is_shown && at.name().is_empty();
        let common = &self.forger.common;
        if needs_most { common.is_usual(place, template.as_bytes()) } else { common.has(place, template.as_bytes()) }
    }

    /// Whether that is so, and nothing personal is in it.
    fn is_anybodys(&self, at: &Path, like: &str, template: &str) -> bool {
        let mask = &self.forger.mask;
        self.is_known(at, template)
            && !mask.covers(at)
            && mask.engine.detector().detect_field(at.name(), like.as_bytes()).is_empty()
    }

    fn attribute(&self) -> &str {
        if self.stands == Where::Attribute { &self.place } else { "" }
    }

    /// A value that stays, but for its id.
    fn keep(&mut self, template: &str) -> Option<String> {
        let kept = if template.contains(ID) {
            let id = self.id()?;
            template.replace(ID, &id)
        } else {
            template.to_owned()
        };
        self.kept.insert(kept.clone());
        Some(kept)
    }

    /// What the canary is called where the record's own id stands.
    fn id(&mut self) -> Option<String> {
        let id = self.forger.canary.named(&self.subject).map(str::to_owned);
        self.is_refused |= id.is_none();
        id
    }

    /// What takes the place of a value; `None` where it stays.
    fn forged(&mut self, at: &Path, like: &str) -> Option<String> {
        let template = self.template(like);
        let new = match self.stands {
            Where::Name => return (!self.is_known(at, like)).then(String::new),
            Where::Comment | Where::Raw if self.is_anybodys(at, like, &template) => self.keep(&template),
            Where::Comment => Some(String::new()),
            Where::Raw => {
                self.is_refused = true;
                None
            }
            Where::Text | Where::Attribute => self.value(at, like, &template),
        };
        new.filter(|new| new != like)
    }

    fn value(&mut self, at: &Path, like: &str, template: &str) -> Option<String> {
        let is_subject = self.is_at(&self.forger.records.subject, at);
        let is_text = self.stands == Where::Text;
        if like == self.subject && (is_subject || !is_text || at.name().is_empty() || like.len() >= WITHIN) {
            let id = self.id()?;
            self.forger.is_named |= is_subject;
            return Some(id);
        }
        if self.is_at(&self.forger.records.consent, at) && agreed(like.as_bytes()) {
            self.kept.insert(like.to_owned());
            return None;
        }
        let is_learned = |(real, _): &&(String, String)| real == like && *real != self.subject;
        if let (Work::Forging, Some((_, new))) = (self.forger.work, self.learned.iter().find(is_learned)) {
            return Some(new.clone());
        }
        if self.is_anybodys(at, like, template) {
            return self.keep(template);
        }
        if self.is_code(like) {
            return Some(self.words(at, like, false));
        }
        let own = if at.name().is_empty() { self.place.as_bytes() } else { at.name() };
        let mut is_word = false;
        let new = self.forger.invented((at.name(), own), like, Shape::Text, |draw, like| {
            let made = if is_uuid(like.as_bytes()) { Some(invent::uuid(draw)) } else { invent::date(draw, like, None) };
            is_word = made.is_none();
            made.unwrap_or_default()
        });
        Some(if is_word { self.words(at, like, true) } else { new })
    }

    /// Whether `places` name the one at hand.
    fn is_at(&self, places: &[At], at: &Path) -> bool {
        places.iter().any(|place| match place {
            At::Column(name) => self.stands == Where::Text && name.as_bytes().eq_ignore_ascii_case(at.name()),
            At::Attribute(name) => self.attribute() == name,
            At::Json { .. } | At::Csv(_) | At::Segment(_) => false,
        })
    }

    /// Whether a value is no prose, but a link, a script or a name.
    fn is_code(&self, like: &str) -> bool {
        let attribute = self.attribute();
        let is_prose = SHOWN.contains(&attribute) || attribute == "value" || attribute.starts_with("data-");
        match self.stands {
            Where::Attribute if is_prose => {
                !like.contains(char::is_whitespace) && like.contains(['/', '=', '?', '#', '('])
            }
            stands => stands == Where::Attribute,
        }
    }

    /// `like` with other words in the place of those that are this record's own; nothing where it is prose and has such.
    fn words(&mut self, at: &Path, like: &str, is_prose: bool) -> String {
        if like.len() > LONGEST || is_prose && like.len() > word::LONGEST {
            return String::new();
        }
        let is_sentence = is_prose && like.contains(char::is_whitespace);
        let spans = self.spans(at, like);
        let mut out = String::new();
        let mut pos = 0;
        for (from, to, new) in spans.into_iter().chain([(like.len(), like.len(), String::new())]) {
            let mut rest = &like[pos..from];
            while let Some(first) = rest.chars().next() {
                let width = word::width(rest);
                let token = &rest[..width.max(first.len_utf8())];
                rest = &rest[token.len()..];
                if width == 0 || self.is_usual(at, token) {
                    out.push_str(token);
                } else if is_sentence && !token.bytes().all(|byte| byte.is_ascii_digit()) {
                    return String::new();
                } else {
                    let seed = [self.place.as_bytes(), b"/", token.as_bytes()].concat();
                    out.push_str(&word::another(&mut self.forger.canary.draw(&seed), token));
                }
            }
            out.push_str(&new);
            pos = to;
        }
        out
    }

    fn is_usual(&self, at: &Path, token: &str) -> bool {
        let place = [self.place.as_bytes(), at.name(), b"word"].into_iter();
        let common = &self.forger.common;
        match self.attribute() {
            "class" => common.has(place, token.as_bytes()),
            _ => common.is_usual(place, token.as_bytes()) || word::is_of_scripts(token),
        }
    }

    /// What of a value is known to be somebody's, and what takes its place; in order.
    fn spans(&self, at: &Path, like: &str) -> Vec<(usize, usize, String)> {
        let mut spans: Vec<(usize, usize, String)> = Vec::new();
        let mut add = |from: usize, to: usize, new: String| {
            let is_free = spans.iter().all(|(a, b, _)| to <= *a || from >= *b);
            if is_free && like.is_char_boundary(from) && like.is_char_boundary(to) {
                spans.push((from, to, new));
            }
        };
        let is_number = LOOKS.contains(&self.attribute()) || self.stands == Where::Text && !at.name().is_empty();
        let shortest = |real: &str| if *real == self.subject && !is_number { 1 } else { WITHIN };
        for (real, new) in self.learned.iter().filter(|(real, _)| real.len() >= shortest(real)) {
            word::alone(like, real).for_each(|at| add(at, at + real.len(), new.clone()));
        }
        for found in self.forger.mask.engine.detector().detect(like.as_bytes()) {
            let Some(part) = like.get(found.start..found.end) else { continue };
            let new = self.forger.invented((b"", b""), part, Shape::Text, |_, _| String::new());
            add(found.start, found.end, new);
        }
        spans.sort_unstable();
        spans
    }

    /// Remembers what is invented for a value.
    fn learn(&mut self, at: &Path, like: &str) {
        if !matches!(self.stands, Where::Text | Where::Attribute) || self.is_code(like) {
            return;
        }
        let template = self.template(like);
        let Some(new) = self.value(at, like, &template).filter(|new| new != like) else { return };
        if like.chars().nth(1).is_none() || *like == self.subject || self.kept.contains(&new) {
            return;
        }
        let is_named = self.stands == Where::Text && !at.name().is_empty();
        let is_full = self.learned.len() >= MOST;
        match self.learned.iter_mut().find(|(real, _)| real == like) {
            // What a head says tells more than an attribute or a text without one.
            Some((_, known)) if is_named || known.is_empty() => *known = new,
            Some(_) => {}
            None if is_full => self.is_refused = true,
            None => self.learned.push((like.to_owned(), new)),
        }
    }

    /// Looks whether something of somebody's is left.
    fn check(&mut self, value: &str) {
        let is_left = |(real, new): &(String, String)| {
            let least = if *real == self.subject { WITHIN } else { TELLING };
            real.len() >= least && real != new && word::alone(value, real).next().is_some()
        };
        self.is_refused |= !self.kept.contains(value) && self.learned.iter().any(is_left);
    }
}

impl Visitor for PageForger {
    fn node(&mut self, node: Node<'_>) {
        self.place.clear();
        self.stands = match node {
            Node::Text(column) => {
                self.place.push_str(&column.to_string());
                Where::Text
            }
            Node::Attribute(name) => {
                self.place.push_str(name);
                Where::Attribute
            }
            Node::Name => Where::Name,
            Node::Comment => Where::Comment,
            Node::Raw => Where::Raw,
        };
    }

    fn field(&mut self, at: &Path, value: &[u8], _: Shape, out: &mut Vec<u8>) -> bool {
        let Ok(value) = std::str::from_utf8(value) else {
            self.is_refused = true;
            return false;
        };
        let like = value.trim();
        let is_vain = self.is_refused && self.forger.work != Work::Noting;
        if like.is_empty() || is_vain {
            return false;
        }
        match self.forger.work {
            Work::Waiting => {}
            Work::Noting => self.note(at, like),
            Work::Learning => self.learn(at, like),
            Work::Forging => {
                let Some(new) = self.forged(at, like) else { return false };
                let lead = value.len() - value.trim_start().len();
                out.extend_from_slice(&value.as_bytes()[..lead]);
                out.extend_from_slice(new.as_bytes());
                out.extend_from_slice(&value.as_bytes()[lead + like.len()..]);
                return true;
            }
            Work::Checking => self.check(like),
        }
        false
    }

    fn name(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }

    /// What is too long to be held is prose.
    fn part(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Path, _: &mut Vec<u8>) {}
}
