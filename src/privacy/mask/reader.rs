//! The readers of all formats behind one door, with a mask at work in each.

use std::sync::Arc;

use super::{Facts, Found, Judge, Mask, Masker};
use crate::format::{
    Malformed, Media,
    csv::Csv,
    events::Events,
    form::Form,
    html::{Html, Names},
    json::Json,
    records::Sink,
    text::Text,
    xml::Xml,
};

/// A reader of one body.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one a body, and boxed
pub(super) enum Reader {
    Json(Json<Masker>),
    Csv(Csv<Masker>),
    Form(Form<Masker>),
    Xml(Xml<Masker>),
    Html(Html<Masker>),
    Events(Events<Masker>),
    Text(Text<Masker>),
}

macro_rules! each {
    ($self:expr, $reader:ident => $do:expr) => {
        match $self {
            Reader::Json($reader) => $do,
            Reader::Csv($reader) => $do,
            Reader::Form($reader) => $do,
            Reader::Xml($reader) => $do,
            Reader::Html($reader) => $do,
            Reader::Events($reader) => $do,
            Reader::Text($reader) => $do,
        }
    };
}

impl Reader {
    pub(super) fn new(media: Media, mask: &Arc<Mask>, judge: Option<Box<dyn Judge>>) -> Self {
        let strict = matches!(media, Media::Csv | Media::Tsv | Media::Html);
        let masker = Masker::judged(Arc::clone(mask), strict, judge);
        match media {
            Media::Json => Self::Json(Json::new(masker)),
            Media::JsonLines => Self::Json(Json::lines(masker)),
            Media::Csv => Self::Csv(Csv::new(masker, None)),
            Media::Tsv => Self::Csv(Csv::new(masker, Some(b'\t'))),
            Media::Form => Self::Form(Form::new(masker)),
            Media::Xml => Self::Xml(Xml::new(masker)),
            Media::Html => Self::Html(Html::new(masker)),
            Media::Events => Self::Events(Events::new(masker)),
            Media::Text => Self::Text(Text::new(masker)),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        each!(self, reader => reader.push(bytes, out))
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        each!(self, reader => reader.finish(out))
    }

    /// What was found so far, handed to `look`.
    pub(super) fn found<R>(&mut self, look: impl FnOnce(&Found) -> R) -> R {
        self.with_masker(|masker| look(masker.found()))
    }

    /// What texts of a page are called at the place that was read up to.
    pub(super) fn names(&self) -> Option<Names> {
        match self {
            Self::Html(html) => Some(html.names()),
            _ => None,
        }
    }

    fn with_masker<R>(&mut self, with: impl FnOnce(&mut Masker) -> R) -> R {
        match self {
            Self::Html(html) => html.with_visitor(with),
            Self::Json(reader) => with(reader.visitor()),
            Self::Csv(reader) => with(reader.visitor()),
            Self::Form(reader) => with(reader.visitor()),
            Self::Xml(reader) => with(reader.visitor()),
            Self::Events(reader) => with(reader.visitor()),
            Self::Text(reader) => with(reader.visitor()),
        }
    }

    /// Ends the value at hand, where a border is one's end. Of other formats there are no records.
    fn settle(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Self::Json(json) => json.settle(out),
            Self::Csv(csv) => {
                csv.settle(out);
                Ok(())
            }
            Self::Html(html) => html.settle(out),
            Self::Form(_) | Self::Xml(_) | Self::Events(_) | Self::Text(_) => Ok(()),
        }
    }
}

/// A reader to which a splitter hands records.
pub(super) struct Parted<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) out: &'a mut Vec<u8>,
}

impl Parted<'_> {
    /// A record of nobody's begins; it goes on as any other.
    pub(super) fn canary(&mut self) -> Result<(), Malformed> {
        self.reader.settle(self.out)?;
        self.reader.with_masker(Masker::enter_canary);
        Ok(())
    }
}

impl Sink for Parted<'_> {
    fn outside(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if bytes.is_empty() { Ok(()) } else { self.reader.push(bytes, self.out) }
    }

    fn record(&mut self, subject: Option<&[u8]>, consent: Option<&[u8]>) -> Result<bool, Malformed> {
        // What stands before it is not judged by it.
        self.reader.settle(self.out)?;
        Ok(self.reader.with_masker(|masker| masker.enter(&Facts { subject, consent })))
    }

    fn within(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.outside(bytes)
    }

    fn end(&mut self) -> Result<(), Malformed> {
        self.reader.settle(self.out)?;
        self.reader.with_masker(Masker::leave);
        Ok(())
    }
}
