//! Plants a canary into each list of a body, between its splitter and its reader: whatever holds for the records around it holds for it.
//!
//! What is before the canary's place is read as it passes, and the last record is kept, up to the longest that a splitter holds back. Behind it
//! everything passes untouched.

use std::sync::Arc;

use super::{
    Mask,
    canary::{Canary, Forger, PageForger, Work},
    reader::Parted,
    settings::Records,
};
use crate::format::{
    HELD, Malformed, Media,
    csv::Csv,
    html::{Html, Names},
    json::Json,
    records::{LONGEST, Sink},
};

/// Who plants into one body.
#[derive(Debug)]
pub(super) struct Planter {
    canary: Arc<Canary>,
    mask: Arc<Mask>,
    records: Arc<Records>,
    media: Media,
    /// The head of CSV, and whether it goes on.
    head: Vec<u8>,
    in_head: bool,
    /// Whether the last byte that passed ended a line.
    at_line: bool,
    list: Option<List>,
}

/// The list at hand, until something was planted.
#[derive(Debug)]
struct List {
    /// Where records of JSON lie.
    record: Vec<Vec<u8>>,
    /// Who reads records; told with the first.
    reader: Option<Reading>,
    /// How many records come before.
    place: usize,
    count: usize,
    /// The record at hand, and whether it is one that others can be made of.
    now: Kept,
    keeps: bool,
    /// The last such.
    last: Kept,
    /// On a page: what stood between the last two, and what has come behind the last.
    gap: Vec<u8>,
    behind: Option<Vec<u8>>,
    /// The last that was shown is none of them, such as a row of sums.
    ends_otherwise: bool,
}

/// A record that is remembered.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    subject: Vec<u8>,
}

/// Reads records of one list.
#[derive(Debug)]
enum Reading {
    Fields(Box<Forger>),
    Page(Box<Html<PageForger>>),
}

/// Longest record of a page that another is made of, in bytes: each of its values is looked for in all others.
const ROW: usize = 64 << 10;
/// Longest gap between records that is written again, in bytes.
const GAP: usize = 256;

impl Planter {
    /// One for a body of this type; nothing where records of it can't be made.
    pub(super) fn new(media: Media, canary: &Arc<Canary>, mask: &Arc<Mask>, records: &Arc<Records>) -> Option<Self> {
        let is_known = matches!(media, Media::Json | Media::JsonLines | Media::Csv | Media::Tsv | Media::Html);
        is_known.then(|| Self {
            canary: Arc::clone(canary),
            mask: Arc::clone(mask),
            records: Arc::clone(records),
            media,
            head: Vec::new(),
            in_head: matches!(media, Media::Csv | Media::Tsv),
            at_line: true,
            list: None,
        })
    }

    fn is_json(&self) -> bool {
        matches!(self.media, Media::Json | Media::JsonLines)
    }

    /// Whether others can be made of a record of whoever this is. Not every row of a page is somebody's.
    fn is_one(&self, subject: Option<&[u8]>) -> bool {
        let can_be_named = |id: &[u8]| std::str::from_utf8(id).is_ok_and(|id| self.canary.named(id).is_some());
        subject.is_some_and(|id| self.media != Media::Html || can_be_named(id))
    }

    /// Who reads the records of a list that lie here.
    fn reading(&self, record: &[Vec<u8>], names: Option<Names>) -> Reading {
        let forger = Forger::new(self.media, record.to_vec(), (&self.canary, &self.mask, &self.records));
        match names {
            Some(names) => Reading::Page(Box::new(Html::within(PageForger::new(forger), names))),
            None => Reading::Fields(Box::new(forger)),
        }
    }

    /// Lets a forger read a record; what it has written is in `out`.
    fn read(&self, reading: &mut Reading, record: &Kept, work: Work, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        let bytes = body(&record.bytes, self.is_json());
        match reading {
            Reading::Page(html) if work == Work::Forging => {
                self::page(html, &record.subject, bytes, Work::Learning, &mut Vec::new())?;
                self::page(html, &record.subject, bytes, work, out)?;
                self::page(html, &record.subject, &out.clone(), Work::Checking, &mut Vec::new())?;
                Ok(html.with_visitor(|forger| forger.is_made()))
            }
            Reading::Page(html) => self::page(html, &record.subject, bytes, work, out).map(|()| false),
            Reading::Fields(forger) => self.fields(forger, bytes, work, out),
        }
    }

    fn fields(&self, forger: &mut Forger, bytes: &[u8], work: Work, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        (forger.work, forger.is_named) = (Work::Waiting, false);
        if self.is_json() {
            let way = way(forger.record());
            let mut json = Json::new(&mut *forger);
            json.push(&way, out)?;
            out.clear();
            json.visitor().work = work;
            json.push(bytes, out)?;
            json.settle(out)?;
        } else {
            let mut csv = Csv::new(&mut *forger, (self.media == Media::Tsv).then_some(b'\t'));
            csv.push(&self.head, out)?;
            out.clear();
            csv.visitor().work = work;
            csv.push(bytes, out)?;
            csv.finish(out)?;
        }
        Ok(forger.is_named)
    }

    /// A record has ended; what is to be planted behind it.
    fn ended(&mut self) -> Option<Vec<u8>> {
        let mut list = self.list.take()?;
        if !std::mem::take(&mut list.keeps) {
            self.list = Some(list);
            return None;
        }
        let before = std::mem::replace(&mut list.last, std::mem::take(&mut list.now));
        list.count += 1;
        // One that can't be read will be refused by the reader behind.
        if !before.bytes.is_empty() {
            self.read(list.reader.as_mut()?, &before, Work::Noting, &mut Vec::new()).ok()?;
        }
        list.now = before;
        if list.count >= list.place {
            return self.planted(&mut list, false);
        }
        self.list = Some(list);
        None
    }

    /// The list ends; what is to be planted as its last record.
    fn closed(&mut self) -> Option<Vec<u8>> {
        let mut list = self.list.take().filter(|list| list.count >= self.canary.least())?;
        if self.media == Media::Html && list.ends_otherwise {
            return None;
        }
        self.planted(&mut list, true)
    }

    /// The canary's record with what parts it from the one before, or from what comes where it is the last.
    fn planted(&self, list: &mut List, is_last: bool) -> Option<Vec<u8>> {
        let mut new = Vec::new();
        if !self.read(list.reader.as_mut()?, &list.last, Work::Forging, &mut new).ok()? {
            return None;
        }
        let last = &list.last.bytes;
        let lead = &last[..last.len() - body(last, self.is_json()).len()];
        let mut out = match self.media {
            Media::Json => vec![b','],
            Media::Html if is_last => Vec::new(),
            Media::Html => std::mem::take(&mut list.gap),
            _ if self.at_line => Vec::new(),
            _ if self.head.ends_with(b"\r\n") => b"\r\n".to_vec(),
            _ => vec![b'\n'],
        };
        match self.media {
            Media::Json => out.extend(lead.iter().filter(|byte| **byte != b',')),
            // What stands before a text of a sequence (RFC 7464).
            _ => out.extend(lead.iter().filter(|byte| **byte == 0x1E)),
        }
        out.extend_from_slice(&new);
        if self.media == Media::JsonLines && self.at_line {
            out.push(b'\n');
        }
        if is_last {
            out.append(&mut list.gap);
        }
        Some(out)
    }

    fn passes(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line = *last == b'\n';
        }
    }
}

/// The beginning of a body in which records lie at this path.
fn way(record: &[Vec<u8>]) -> Vec<u8> {
    let mut way = Vec::new();
    for name in record {
        if name == b"*" {
            way.push(b'[');
        } else {
            let name = serde_json::Value::from(String::from_utf8_lossy(name));
            way.extend_from_slice(format!("{{{name}:").as_bytes());
        }
    }
    way
}

/// Lets the reader of a page read a record of somebody's.
fn page(
    html: &mut Html<PageForger>,
    subject: &[u8],
    record: &[u8],
    work: Work,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    html.with_visitor(|forger| forger.begin(work, subject));
    html.push(record, out)?;
    html.settle(out)
}

/// A record without what parts it from the one before.
fn body(record: &[u8], is_json: bool) -> &[u8] {
    let parts = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1E);
    let lead = if is_json { record.iter().take_while(parts).count() } else { 0 };
    &record[lead..]
}

/// A reader to which records are handed, with a canary's among them.
pub(super) struct Planted<'a> {
    pub(super) planter: &'a mut Planter,
    pub(super) parted: Parted<'a>,
}

impl Planted<'_> {
    fn plant(&mut self, record: Option<Vec<u8>>) -> Result<(), Malformed> {
        let Some(record) = record else { return Ok(()) };
        self.planter.passes(&record);
        self.parted.canary()?;
        self.parted.within(&record)?;
        self.parted.end()
    }
}

impl Sink for Planted<'_> {
    fn opens(&mut self, at: &[Vec<u8>]) -> Result<(), Malformed> {
        self.planter.list = Some(List {
            record: at.to_vec(),
            reader: None,
            place: self.planter.canary.place(),
            count: 0,
            now: Kept::default(),
            keeps: false,
            last: Kept::default(),
            gap: Vec::new(),
            behind: None,
            ends_otherwise: false,
        });
        Ok(())
    }

    fn breaks(&mut self) {
        self.planter.list = None;
    }

    fn closes(&mut self) -> Result<(), Malformed> {
        let last = self.planter.closed();
        self.plant(last)
    }

    fn outside(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let planter = &mut *self.planter;
        planter.passes(bytes);
        if planter.in_head {
            planter.head.extend_from_slice(bytes);
            // A longer one has names that nobody reads.
            if planter.head.len() > HELD {
                (planter.in_head, planter.list) = (false, None);
            }
        }
        if let (Media::Html, Some(list)) = (planter.media, &mut planter.list) {
            list.behind = list
                .behind
                .take()
                .filter(|gap| gap.len() + bytes.len() <= GAP && bytes.iter().all(u8::is_ascii_whitespace));
            list.behind.iter_mut().for_each(|gap| gap.extend_from_slice(bytes));
        }
        self.parted.outside(bytes)
    }

    fn record(&mut self, subject: Option<&[u8]>, consent: Option<&[u8]>) -> Result<bool, Malformed> {
        self.planter.in_head = false;
        let stays = self.parted.record(subject, consent)?;
        let Some(mut list) = self.planter.list.take() else { return Ok(stays) };
        if list.reader.is_none() {
            let names = self.parted.reader.names();
            list.reader = Some(self.planter.reading(&list.record, names));
        }
        list.now.bytes.clear();
        list.now.subject.clear();
        list.now.subject.extend_from_slice(subject.unwrap_or_default());
        list.keeps = stays && self.planter.is_one(subject);
        if stays {
            list.ends_otherwise = !list.keeps;
        }
        list.gap = list.behind.replace(Vec::new()).unwrap_or_default();
        self.planter.list = Some(list);
        Ok(stays)
    }

    fn within(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.planter.passes(bytes);
        let most = if self.planter.media == Media::Html { ROW } else { LONGEST + HELD };
        if let Some(list) = self.planter.list.as_mut().filter(|list| list.keeps) {
            list.keeps = list.now.bytes.len() + bytes.len() <= most;
            list.now.bytes.extend_from_slice(if list.keeps { bytes } else { b"" });
        }
        self.parted.within(bytes)
    }

    fn end(&mut self) -> Result<(), Malformed> {
        self.parted.end()?;
        let next = self.planter.ended();
        self.plant(next)
    }
}
