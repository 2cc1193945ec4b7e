//! One body under a mask: its type and its character encoding are told, then it is read and written again.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::{
    Found, Judge, Mask,
    canary::Canary,
    planter::{Planted, Planter},
    reader::{Parted, Reader},
    settings::{Records, Uninspectable},
};
use crate::format::{
    Malformed, Media,
    charset::{self, Transcoder},
    records::{Sink, Splitter},
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
    judged: Option<(Arc<Records>, Box<dyn Judge>)>,
    canary: Option<Arc<Canary>>,
    /// Nothing is rewritten: what goes out is what came, and what is read of it is only counted.
    passes: bool,
    has_ended: bool,
    new: Vec<u8>,
}

#[derive(Debug)]
struct Reading {
    reader: Reader,
    splitter: Option<Splitter>,
    planter: Option<Box<Planter>>,
    transcoder: Option<Transcoder>,
}

impl Rewriter {
    /// For a body whose label says `media` and `encoding`, as far as it says anything. The judge is asked about each of the records,
    /// and told of what leaves unmasked.
    #[must_use]
    pub fn new(
        mask: &Arc<Mask>,
        media: Option<Media>,
        encoding: Option<&'static Encoding>,
        uninspectable: Uninspectable,
        judged: Option<(Arc<Records>, Box<dyn Judge>)>,
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
            passes: mask.reveal.is_all() && judged.is_none(),
            judged,
            canary: None,
            has_ended: false,
            new: Vec::new(),
        }
    }

    /// The same, with a canary planted into each of its lists.
    #[must_use]
    pub fn planting(self, canary: Option<Arc<Canary>>) -> Self {
        Self { canary, ..self }
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
        let from = out.len();
        self.take(bytes, out)?;
        if self.passes {
            out.truncate(from);
            out.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// The body ends here.
    ///
    /// # Errors
    /// As of [`Rewriter::push`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let from = out.len();
        self.end(out)?;
        if self.passes {
            out.truncate(from);
        }
        Ok(())
    }

    /// What was found so far, handed to `look`. Of a body that passes and breaks off, what was not read to its end is counted as if it
    /// ended here: it has gone out.
    pub fn found<R>(&mut self, look: impl FnOnce(&Found) -> R) -> Option<R> {
        if self.passes && !self.has_ended {
            // What can't be read has been counted as far as it could be.
            let _ = self.end(&mut Vec::new());
        }
        Some(self.reading.as_mut()?.reader.found(look))
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
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

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        if self.reading.is_none() {
            if self.first.is_empty() {
                return Ok(());
            }
            self.decide(out)?;
        }
        self.read(b"", true, out)
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
        let (records, judge) = self.judged.take().unzip();
        let splitter = records.as_ref().and_then(|records| Splitter::new(media, records));
        let plants = self.canary.take().zip(records.as_ref().filter(|_| splitter.is_some()));
        let planter = plants.and_then(|(canary, records)| Planter::new(media, &canary, &self.mask, records));
        let reader = Reader::new(media, &self.mask, judge);
        self.reading = Some(Box::new(Reading { reader, splitter, planter: planter.map(Box::new), transcoder }));
        self.read(&first, false, out)
    }

    fn read(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(reading) = self.reading.as_deref_mut() else { return Ok(()) };
        if reading.transcoder.is_none() {
            return reading.read(bytes, last, out);
        }
        self.new.clear();
        reading.transcode(bytes, last, &mut self.new, out)
    }
}

impl Reading {
    fn transcode(&mut self, bytes: &[u8], last: bool, new: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(mut transcoder) = self.transcoder.take() else { return Ok(()) };
        let outcome = self.read(transcoder.decode(bytes, last), last, new);
        if outcome.is_ok() {
            transcoder.encode(new, last, out);
        }
        self.transcoder = Some(transcoder);
        outcome
    }

    /// Reads a piece in UTF-8.
    fn read(&mut self, plain: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Self { reader, splitter, planter, .. } = self;
        let mut parted = Parted { reader: &mut *reader, out: &mut *out };
        match (splitter, planter) {
            (None, _) => reader.push(plain, out)?,
            (Some(splitter), None) => part(splitter, plain, last, &mut parted)?,
            (Some(splitter), Some(planter)) => part(splitter, plain, last, &mut Planted { planter, parted })?,
        }
        if last { reader.finish(out) } else { Ok(()) }
    }
}

fn part(splitter: &mut Splitter, plain: &[u8], last: bool, sink: &mut impl Sink) -> Result<(), Malformed> {
    splitter.push(plain, sink)?;
    if last { splitter.finish(sink) } else { Ok(()) }
}
