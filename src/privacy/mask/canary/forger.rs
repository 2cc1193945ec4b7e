//! Makes the record of a canary of somebody's in the same list: the same fields in the same order, and nothing that was that one's own.
//!
//! A value stays where another record of the list has it as well, and nothing personal is found in it. The rest is invented in its form;
//! prose, and numbers that only one person has, are left empty.

use std::sync::Arc;

use super::{
    Canary,
    common::Common,
    invent::{self, Draw},
};
use crate::{
    format::{Media, Path, Shape, Visitor},
    privacy::{
        Kind,
        detect::label::{self, Label},
        mask::{
            Mask,
            settings::{At, Records},
        },
    },
};

/// Written in the place of a name that is somebody's.
const NAME: &[u8] = b"x";

/// What is done with what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::privacy::mask) enum Work {
    /// Nothing: it is of no record.
    Waiting,
    /// It is remembered.
    Noting,
    /// It is invented whose place is taken, for what speaks of it elsewhere on a page.
    Learning,
    /// It becomes a canary's.
    Forging,
    /// What has become of it on a page is looked at.
    Checking,
}

/// Asked about the values of a record.
#[derive(Debug)]
pub(in crate::privacy::mask) struct Forger {
    pub(super) canary: Arc<Canary>,
    pub(super) mask: Arc<Mask>,
    pub(super) records: Arc<Records>,
    media: Media,
    /// Where records of JSON lie.
    record: Vec<Vec<u8>>,
    pub(super) common: Common,
    pub(in crate::privacy::mask) work: Work,
    /// Whether it has a canary's id now; not where ids are of a form that canaries can't have.
    pub(in crate::privacy::mask) is_named: bool,
}

impl Forger {
    /// One for the records of a list; those of JSON lie at `record`.
    pub(in crate::privacy::mask) fn new(
        media: Media,
        record: Vec<Vec<u8>>,
        (canary, mask, records): (&Arc<Canary>, &Arc<Mask>, &Arc<Records>),
    ) -> Self {
        Self {
            canary: Arc::clone(canary),
            mask: Arc::clone(mask),
            records: Arc::clone(records),
            media,
            record,
            common: Common::default(),
            work: Work::Waiting,
            is_named: false,
        }
    }

    /// Where its records lie, as [`Forger::new`] was told.
    pub(in crate::privacy::mask) fn record(&self) -> &[Vec<u8>] {
        &self.record
    }

    /// Whether one of `places` is this one.
    fn is_at(&self, places: &[At], at: &Path) -> bool {
        let is_json = matches!(self.media, Media::Json | Media::JsonLines);
        places.iter().any(|place| match place {
            At::Json { record, within } if is_json => {
                *record == self.record && at.segments().skip(record.len()).eq(within.iter().map(Vec::as_slice))
            }
            At::Csv(name) => !is_json && name.as_bytes().eq_ignore_ascii_case(at.name()),
            _ => false,
        })
    }

    /// What a canary has in the place of `like` in a field. `own` tells fields of one name apart, `word` is asked for what is of no type.
    pub(super) fn invented(
        &self,
        (field, own): (&[u8], &[u8]),
        like: &str,
        shape: Shape,
        word: impl FnOnce(&mut Draw, &str) -> String,
    ) -> String {
        let mut draw = self.canary.draw(own);
        let found = self.mask.engine.detector().detect_field(field, like.as_bytes());
        let kind = match (found.as_slice(), label::label(field)) {
            ([], _) => None,
            ([only], _) if only.start == 0 && only.end == like.len() => Some(&only.kind),
            (_, Some(Label::Name)) => Some(&Kind::Person),
            (_, Some(Label::Address)) => Some(&Kind::Location),
            // Prose in which somebody is spoken of.
            _ => return String::new(),
        };
        match kind {
            Some(Kind::Email) => self.canary.mail().to_owned(),
            Some(Kind::Phone) => invent::with_signs(self.canary.phone(), like),
            Some(Kind::Person) => invent::name(&mut self.canary.draw(b"name"), like, is_of_family(field)),
            Some(Kind::Location) => invent::place(&mut draw, like),
            Some(Kind::DateOfBirth) => {
                let year = 1955 + draw.below(45);
                invent::date(&mut draw, like, Some(year)).unwrap_or_default()
            }
            // Kept for examples (RFC 5737, RFC 3849).
            Some(Kind::IpAddress) if like.contains(':') => format!("2001:db8::{:x}", 1 + draw.below(0xFFFE)),
            Some(Kind::IpAddress) => format!("203.0.113.{}", 1 + draw.below(254)),
            Some(Kind::PostalCode | Kind::Own(_)) | None if shape == Shape::Number => invent::number(&mut draw, like),
            Some(Kind::PostalCode | Kind::Own(_)) | None => word(&mut draw, like),
            // Whatever was written could be somebody's.
            Some(_) => String::new(),
        }
    }

    fn forge(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        if value.is_empty() || shape == Shape::Word || self.is_at(&self.records.consent, at) {
            return false;
        }
        let Ok(like) = std::str::from_utf8(value) else { return true };
        let new = if self.is_at(&self.records.subject, at) {
            let Some(named) = self.canary.named(like).map(str::to_owned) else {
                self.is_named = false;
                return true;
            };
            self.is_named = shape != Shape::Number || is_number(&named);
            named
        } else {
            let is_anybodys = self.common.has(at.segments(), value)
                && !self.mask.covers(at)
                && self.mask.engine.detector().detect_field(at.name(), value).is_empty();
            if is_anybodys {
                return false;
            }
            self.invented((at.name(), at.name()), like, shape, invent::word)
        };
        let fits = shape != Shape::Number || is_number(&new);
        out.extend_from_slice(if fits { new.as_bytes() } else { b"null" });
        true
    }
}

impl Visitor for Forger {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        match self.work {
            Work::Waiting | Work::Learning | Work::Checking => false,
            Work::Noting => {
                self.common.note(at.segments(), value);
                false
            }
            Work::Forging => self.forge(at, value, shape, out),
        }
    }

    fn writes_numbers(&self) -> bool {
        true
    }

    fn name(&mut self, _: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        let is_somebodys = self.work == Work::Forging && !self.mask.engine.detector().detect(name).is_empty();
        if is_somebodys {
            out.extend_from_slice(NAME);
        }
        is_somebodys
    }

    /// What is too long to be held is prose.
    fn part(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Path, _: &mut Vec<u8>) {}
}

fn is_of_family(field: &[u8]) -> bool {
    let field = field.to_ascii_lowercase();
    ["last", "family", "surname"].iter().any(|word| memchr::memmem::find(&field, word.as_bytes()).is_some())
}

/// Whether it can stand in JSON as it is.
fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}
