//! Records within a body: where each begins and ends, whose it is, and whether its subject agreed.
//!
//! A splitter stands in front of a reader. It holds one record back until all of it is here, reads from it what it says of itself, and
//! hands it on whole; what is of no record passes as it comes. Whoever takes it ([`Sink`]) may leave a record out, and what is left
//! is JSON, CSV and HTML still. What a record says in two ways it does not say: a reader of it could be told either.

mod csv;
mod html;
mod json;
mod place;

pub use place::{At, Invalid, Records};

use self::{csv::Csv, html::Html, json::Json};
use super::{Malformed, Media};

/// Longest record that is held back, in bytes. What a longer one says of itself is not known.
pub const LONGEST: usize = 1 << 20;
/// Longest fact in bytes.
const LONGEST_FACT: usize = 1 << 10;

/// Takes a body apart from its records.
pub trait Sink {
    /// A list of records begins; `at` is where they lie, as a configuration says it. A body that is one record is no list, nor are members
    /// of an object. Of HTML it is told with the first record, which is whole then, and `at` is empty.
    ///
    /// # Errors
    /// As of the reader behind.
    fn opens(&mut self, _at: &[Vec<u8>]) -> Result<(), Malformed> {
        Ok(())
    }

    /// No record follows in that list.
    ///
    /// # Errors
    /// As of the reader behind.
    fn closes(&mut self) -> Result<(), Malformed> {
        Ok(())
    }

    /// No record may be added to that list any more: it can't be told what would become of those around it.
    fn breaks(&mut self) {}

    /// Bytes of no record.
    ///
    /// # Errors
    /// As of the reader behind.
    fn outside(&mut self, bytes: &[u8]) -> Result<(), Malformed>;

    /// A record begins, and says this of itself. `false` when it is to be left out; else it follows by [`Sink::within`].
    ///
    /// # Errors
    /// As of the reader behind.
    fn record(&mut self, subject: Option<&[u8]>, consent: Option<&[u8]>) -> Result<bool, Malformed>;

    /// Bytes of the record at hand.
    ///
    /// # Errors
    /// As of the reader behind.
    fn within(&mut self, bytes: &[u8]) -> Result<(), Malformed>;

    /// The record at hand ends, left out or not.
    ///
    /// # Errors
    /// As of the reader behind.
    fn end(&mut self) -> Result<(), Malformed>;
}

/// Parts one body into records.
#[derive(Debug)]
pub struct Splitter(Kind);

#[derive(Debug)]
enum Kind {
    Json(Box<Json>),
    Csv(Box<Csv>),
    Html(Box<Html>),
}

impl Splitter {
    /// For a body of this type; `None` where nothing says what its records are.
    #[must_use]
    pub fn new(media: Media, records: &Records) -> Option<Self> {
        Some(Self(match media {
            Media::Json => Kind::Json(Box::new(Json::new(records, false)?)),
            Media::JsonLines => Kind::Json(Box::new(Json::new(records, true)?)),
            Media::Csv => Kind::Csv(Box::new(Csv::new(records, None)?)),
            Media::Tsv => Kind::Csv(Box::new(Csv::new(records, Some(b'\t'))?)),
            Media::Html => Kind::Html(Box::new(Html::new(records)?)),
            Media::Xml | Media::Form | Media::Events | Media::Text => return None,
        }))
    }

    /// Takes a piece of the body in; hands on what can be.
    ///
    /// # Errors
    /// When it can't be told where a record ends, or as of the sink.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        match &mut self.0 {
            Kind::Json(json) => json.push(bytes, sink),
            Kind::Csv(csv) => csv.push(bytes, sink),
            Kind::Html(html) => html.push(bytes, sink),
        }
    }

    /// The body ends here.
    ///
    /// # Errors
    /// As of [`Splitter::push`], and when it ends within a record of JSON.
    pub fn finish(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        match &mut self.0 {
            Kind::Json(json) => json.finish(sink),
            Kind::Csv(csv) => csv.finish(sink),
            Kind::Html(html) => html.finish(sink),
        }
    }
}

/// Something that a record says of itself.
#[derive(Debug, Default)]
struct Fact {
    value: Vec<u8>,
    is_said: bool,
    /// It is said in two ways, or in a way that can be read in two.
    is_unclear: bool,
}

impl Fact {
    /// It is said; again is fine where it is the same.
    fn say(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        if value.len() > LONGEST_FACT || self.is_said && self.value != value {
            self.is_unclear = true;
        } else if !self.is_said {
            self.value.extend_from_slice(value);
            self.is_said = true;
        }
    }
}

/// All that a record says of itself.
#[derive(Debug, Default)]
struct Facts {
    subject: Fact,
    consent: Fact,
}

impl Facts {
    fn of(&mut self, which: Which) -> &mut Fact {
        match which {
            Which::Subject => &mut self.subject,
            Which::Consent => &mut self.consent,
        }
    }

    /// Nothing that it says can be believed.
    fn doubt(&mut self) {
        self.subject.is_unclear = true;
    }

    /// Subject and consent; neither where one of them is unclear.
    fn told(&self) -> (Option<&[u8]>, Option<&[u8]>) {
        if self.subject.is_unclear || self.consent.is_unclear {
            return (None, None);
        }
        let value = |fact: &'_ Fact| -> bool { fact.is_said && !fact.value.is_empty() };
        (
            value(&self.subject).then_some(self.subject.value.as_slice()),
            value(&self.consent).then_some(self.consent.value.as_slice()),
        )
    }

    fn clear(&mut self) {
        for fact in [&mut self.subject, &mut self.consent] {
            fact.value.clear();
            fact.is_said = false;
            fact.is_unclear = false;
        }
    }
}

/// Which fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Subject,
    Consent,
}

/// The record at hand, held back until it is whole or too long.
#[derive(Debug, Default)]
struct Hold {
    /// What goes out in front of it if it does.
    lead: Vec<u8>,
    held: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Holding,
    /// It was too long, and is handed on as it comes.
    Passing,
    /// It was too long, and is left out.
    Dropping,
}

impl Hold {
    /// More of the record, which goes on.
    fn more(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        if self.state == State::Holding && self.held.len() + bytes.len() <= LONGEST {
            self.held.extend_from_slice(bytes);
            return Ok(());
        }
        if self.state == State::Holding {
            self.begin(None, None, sink)?;
        }
        if self.state == State::Passing { sink.within(bytes) } else { Ok(()) }
    }

    /// The last of it; whether it was handed on.
    fn last(&mut self, bytes: &[u8], facts: &Facts, sink: &mut impl Sink) -> Result<bool, Malformed> {
        let stays = self.decided(bytes, facts, sink)?;
        sink.end()?;
        Ok(stays)
    }

    /// The body ends within it.
    fn rest(&mut self, facts: &Facts, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.decided(b"", facts, sink).map(|_| ())
    }

    /// What is held back is no record; `false` where it was too long and is one already.
    fn cancel(&mut self, sink: &mut impl Sink) -> Result<bool, Malformed> {
        let is_held = self.state == State::Holding;
        if is_held {
            sink.outside(&std::mem::take(&mut self.lead))?;
            sink.outside(&std::mem::take(&mut self.held))?;
        }
        Ok(is_held)
    }

    fn decided(&mut self, bytes: &[u8], facts: &Facts, sink: &mut impl Sink) -> Result<bool, Malformed> {
        if self.state == State::Holding {
            let known = self.held.len() + bytes.len() <= LONGEST;
            let (subject, consent) = if known { facts.told() } else { (None, None) };
            self.begin(subject, consent, sink)?;
        }
        let stays = self.state == State::Passing;
        if stays {
            sink.within(bytes)?;
        }
        self.state = State::Holding;
        Ok(stays)
    }

    fn begin(&mut self, subject: Option<&[u8]>, consent: Option<&[u8]>, sink: &mut impl Sink) -> Result<(), Malformed> {
        if sink.record(subject, consent)? {
            sink.within(&self.lead)?;
            sink.within(&self.held)?;
            self.state = State::Passing;
        } else {
            self.state = State::Dropping;
        }
        self.lead.clear();
        self.held.clear();
        Ok(())
    }
}
