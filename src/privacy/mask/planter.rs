//! Plants a canary into each list of a body, between its splitter and its reader: whatever holds for the records around it holds for it.
//!
//! What is before the canary's place is read as it passes, and the last record is kept, up to the longest that a splitter holds back. Behind it
//! everything passes untouched.

use std::sync::Arc;

use super::{
    Mask,
    canary::{Canary, Common, Forger, Work},
    reader::Parted,
    settings::Records,
};
use crate::format::{
    HELD, Malformed, Media,
    csv::Csv,
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
    record: Vec<Vec<u8>>,
    /// How many records come before.
    place: usize,
    count: usize,
    /// The record at hand, and whether it is one that others can be made of.
    now: Vec<u8>,
    keeps: bool,
    /// The last such.
    last: Vec<u8>,
    common: Common,
}

impl Planter {
    /// One for a body of this type; nothing where records of it can't be made.
    pub(super) fn new(media: Media, canary: &Arc<Canary>, mask: &Arc<Mask>, records: &Arc<Records>) -> Option<Self> {
        matches!(media, Media::Json | Media::JsonLines | Media::Csv | Media::Tsv).then(|| Self {
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

    /// Lets a forger read a record of `list`; what it has written is in `out`.
    fn read(&self, list: &mut List, record: &[u8], work: Work, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        let mut forger = Forger {
            canary: &self.canary,
            mask: &self.mask,
            records: &self.records,
            record: &list.record,
            is_json: self.is_json(),
            common: &mut list.common,
            work: Work::Waiting,
            is_named: false,
        };
        if self.is_json() {
            let mut json = Json::new(&mut forger);
            json.push(&way(&list.record), out)?;
            out.clear();
            json.visitor().work = work;
            json.push(record, out)?;
            json.settle(out)?;
        } else {
            let mut csv = Csv::new(&mut forger, (self.media == Media::Tsv).then_some(b'\t'));
            csv.push(&self.head, out)?;
            out.clear();
            csv.visitor().work = work;
            csv.push(record, out)?;
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
        if !before.is_empty() {
            self.read(&mut list, body(&before, self.is_json()), Work::Noting, &mut Vec::new()).ok()?;
        }
        list.now = before;
        if list.count >= list.place {
            return self.planted(&mut list);
        }
        self.list = Some(list);
        None
    }

    /// The list ends; what is to be planted as its last record.
    fn closed(&mut self) -> Option<Vec<u8>> {
        let mut list = self.list.take().filter(|list| list.count >= self.canary.least())?;
        self.planted(&mut list)
    }

    /// The canary's record with what parts it from the one before.
    fn planted(&self, list: &mut List) -> Option<Vec<u8>> {
        let last = std::mem::take(&mut list.last);
        let pattern = body(&last, self.is_json());
        let lead = &last[..last.len() - pattern.len()];
        let mut new = Vec::new();
        if !self.read(list, pattern, Work::Forging, &mut new).ok()? {
            return None;
        }
        let mut out = match self.media {
            Media::Json => vec![b','],
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
            place: self.planter.canary.place(),
            count: 0,
            now: Vec::new(),
            keeps: false,
            last: Vec::new(),
            common: Common::default(),
        });
        Ok(())
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
        self.parted.outside(bytes)
    }

    fn record(&mut self, subject: Option<&[u8]>, consent: Option<&[u8]>) -> Result<bool, Malformed> {
        self.planter.in_head = false;
        let stays = self.parted.record(subject, consent)?;
        if let Some(list) = &mut self.planter.list {
            list.now.clear();
            list.keeps = stays && subject.is_some();
        }
        Ok(stays)
    }

    fn within(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.planter.passes(bytes);
        if let Some(list) = self.planter.list.as_mut().filter(|list| list.keeps) {
            list.keeps = list.now.len() + bytes.len() <= LONGEST + HELD;
            list.now.extend_from_slice(if list.keeps { bytes } else { b"" });
        }
        self.parted.within(bytes)
    }

    fn end(&mut self) -> Result<(), Malformed> {
        self.parted.end()?;
        let next = self.planter.ended();
        self.plant(next)
    }
}
