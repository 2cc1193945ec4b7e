//! One body under a mask: its type and its character encoding are told, then it is read and written again.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::{Found, Mask, Masker, settings::Uninspectable};
use crate::format::{
    Malformed, Media,
    charset::{self, Transcoder},
    csv::Csv,
    events::Events,
    form::Form,
    html::Html,
    json::Json,
    text::Text,
    xml::Xml,
};

/// A body being rewritten.
#[derive(Debug)]
pub struct Rewriter {
    mask: Arc<Mask>,
    media: Option<Media>,
    encoding: Option<&'static Encoding>,
    uninspectable: Uninspectable,
    /// The first bytes, until it is known how to read them.
    first: Vec<u8>,
    reading: Option<Box<Reading>>,
    new: Vec<u8>,
}

#[derive(Debug)]
struct Reading {
    reader: Reader,
    transcoder: Option<Transcoder>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one a body, and boxed
enum Reader {
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
    fn new(media: Media, mask: &Arc<Mask>) -> Self {
        let strict = matches!(media, Media::Csv | Media::Tsv | Media::Html);
        let masker = Masker::new(Arc::clone(mask), strict);
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
}

impl Rewriter {
    /// For a body whose label says `media` and `encoding`, as far as it says anything.
    #[must_use]
    pub fn new(
        mask: &Arc<Mask>,
        media: Option<Media>,
        encoding: Option<&'static Encoding>,
        uninspectable: Uninspectable,
    ) -> Self {
        // JSON and events are in UTF-8 always, and events may not wait.
        let encoding = encoding.or_else(|| {
            matches!(media, Some(Media::Json | Media::JsonLines | Media::Events)).then_some(encoding_rs::UTF_8)
        });
        Self {
            mask: Arc::clone(mask),
            media,
            encoding,
            uninspectable,
            first: Vec::new(),
            reading: None,
            new: Vec::new(),
        }
    }

    /// Whether it is known how the body is read, or that it can't be.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.reading.is_some()
    }

    /// Takes a piece in; appends what may go out.
    ///
    /// # Errors
    /// When the body can't be read safely: nothing of it may go out any more.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.reading.is_some() {
            return self.read(bytes, false, out);
        }
        let take = bytes.len().min(charset::DECLARED_WITHIN - self.first.len());
        self.first.extend_from_slice(&bytes[..take]);
        let needs_none = self.encoding.is_some() && self.media.is_some_and(|media| !self.may_be_mislabelled(media));
        let is_known = needs_none && !charset::may_be_marked(&self.first);
        if is_known && !self.first.is_empty() || self.first.len() >= charset::DECLARED_WITHIN {
            self.decide(out)?;
            return self.read(&bytes[take..], false, out);
        }
        Ok(())
    }

    /// The body ends here.
    ///
    /// # Errors
    /// As of [`Rewriter::push`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.reading.is_none() {
            if self.first.is_empty() {
                return Ok(());
            }
            self.decide(out)?;
        }
        self.read(b"", true, out)
    }

    /// What was rewritten so far, handed to `look`.
    pub fn found<R>(&mut self, look: impl FnOnce(&Found) -> R) -> Option<R> {
        let reading = self.reading.as_mut()?;
        Some(match &mut reading.reader {
            Reader::Html(html) => html.with_visitor(|masker| look(masker.found())),
            Reader::Json(reader) => look(reader.visitor().found()),
            Reader::Csv(reader) => look(reader.visitor().found()),
            Reader::Form(reader) => look(reader.visitor().found()),
            Reader::Xml(reader) => look(reader.visitor().found()),
            Reader::Events(reader) => look(reader.visitor().found()),
            Reader::Text(reader) => look(reader.visitor().found()),
        })
    }

    /// Where what can't be inspected may pass, a text that is called JSON is read as what it is.
    fn may_be_mislabelled(&self, media: Media) -> bool {
        media == Media::Json && self.uninspectable == Uninspectable::Pass
    }

    fn decide(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let first = std::mem::take(&mut self.first);
        let sniffed = || Media::sniff(&first).ok_or(Malformed("a body that seems to be no text"));
        let media = match self.media {
            None => sniffed()?,
            Some(media) if self.may_be_mislabelled(media) => {
                let start = first.trim_ascii_start().first().copied().unwrap_or(b'{');
                if b"{[\"-)0123456789tfn\xEF".contains(&start) { media } else { sniffed()? }
            }
            Some(media) => media,
        };
        // Browsers believe a mark more than any label.
        let is_utf8_always = matches!(media, Media::Json | Media::JsonLines | Media::Events);
        let marked = if is_utf8_always { None } else { charset::marked(&first) };
        let encoding = marked.or(self.encoding).or_else(|| charset::sniff(&first, media));
        let encoding = encoding.ok_or(Malformed("a character encoding that is not known"))?;
        let transcoder = Transcoder::new(encoding, media);
        self.reading = Some(Box::new(Reading { reader: Reader::new(media, &self.mask), transcoder }));
        self.read(&first, false, out)
    }

    fn read(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(reading) = self.reading.as_deref_mut() else { return Ok(()) };
        let Reading { reader, transcoder } = reading;
        let Some(transcoder) = transcoder else {
            each!(&mut *reader, reader => reader.push(bytes, out))?;
            return if last { each!(reader, reader => reader.finish(out)) } else { Ok(()) };
        };
        self.new.clear();
        let plain = transcoder.decode(bytes, last);
        each!(&mut *reader, reader => reader.push(plain, &mut self.new))?;
        if last {
            each!(reader, reader => reader.finish(&mut self.new))?;
        }
        transcoder.encode(&self.new, last, out);
        Ok(())
    }
}
