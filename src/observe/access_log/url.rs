//! Personal data in URLs: a path, a query and a referrer as they may be written down.
//!
//! What is percent-encoded is decoded for the engine. A part in which nothing was found is written as it came; one that was
//! rewritten is encoded again, but for the marks of tokens (`<`, `>`), which are for people.

use std::ops::Range;

use crate::{
    observe::map::Place,
    privacy::{Engine, Fields, Kind, Tally},
};

/// Buffers that are used again.
#[derive(Debug, Default)]
pub struct Scratch {
    decoded: Vec<u8>,
    name: Vec<u8>,
    scrubbed: Vec<u8>,
    fields: Fields,
}

/// What was found in the URLs of one request, and where.
#[derive(Debug, Default)]
pub struct Sightings {
    rows: Vec<Sighting>,
    names: Vec<u8>,
    /// Of the part at hand.
    tally: Tally,
}

/// Values of one type in one field.
#[derive(Debug)]
struct Sighting {
    place: Place,
    name: Range<usize>,
    kind: Kind,
    count: u64,
}

impl Sightings {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Place, field, type and count. A field of a query is its name as the client wrote it, decoded, which may be a value itself.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &[u8], &Kind, u64)> {
        self.rows.iter().map(|row| (row.place, &self.names[row.name.clone()], &row.kind, row.count))
    }

    /// Forgets it all.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.names.clear();
    }

    /// Puts down what was found in the part at hand.
    fn settle(&mut self, place: Place, name: &[u8]) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        for (kind, count) in std::mem::take(&mut self.tally).iter() {
            self.rows.push(Sighting { place, name: start..self.names.len(), kind: kind.clone(), count });
        }
    }
}

/// One engine at work on a URL of a request.
#[derive(Debug)]
pub struct Cleaner<'a> {
    /// What finds and rewrites.
    pub engine: &'a Engine,
    /// What was found.
    pub found: &'a mut Sightings,
    /// Buffers.
    pub scratch: &'a mut Scratch,
    /// Whether the URL is the referrer, or the request's own.
    pub referrer: bool,
}

/// The field of what stands where a name is due.
pub const NO_NAME: &[u8] = b"?";

/// Names of fields that are looked at no further: letters that are no value.
fn is_plain_name(name: &[u8]) -> bool {
    name.len() <= 16 && name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
}

impl Cleaner<'_> {
    /// Appends a path and a query, as a request target has them.
    pub fn target(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let (path, query) = split(raw);
        self.path(path, out);
        if let Some(query) = query {
            out.push(b'?');
            self.query(query, out);
        }
    }

    /// Appends a path.
    pub fn path(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        // The root and one plain letter hold nothing.
        if raw.len() < 3 {
            return out.extend_from_slice(raw);
        }
        let Scratch { decoded, scrubbed, .. } = &mut *self.scratch;
        scrubbed.clear();
        if self.engine.scrub(decode(raw, false, decoded), scrubbed, &mut self.found.tally) {
            encode(scrubbed, out);
            self.settle(Place::Path, b"path");
        } else {
            out.extend_from_slice(raw);
        }
    }

    /// Appends a query, without its `?`.
    pub fn query(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        for (i, pair) in raw.split(|b| *b == b'&').enumerate() {
            if i > 0 {
                out.push(b'&');
            }
            match memchr::memchr(b'=', pair) {
                Some(at) => self.pair(&pair[..at], &pair[at + 1..], out),
                None => self.name(pair, out),
            }
        }
    }

    /// Appends a referrer: its fragment and any credentials are dropped, its host, path and query scrubbed.
    pub fn referrer(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let end = memchr::memchr(b'#', raw).unwrap_or(raw.len());
        let raw = &raw[..end];
        let Some(at) = memchr::memmem::find(raw, b"://").filter(|at| *at <= 12) else {
            return self.target(raw, out);
        };
        let (scheme, rest) = (&raw[..at], &raw[at + 3..]);
        let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host = memchr::memrchr(b'@', authority).map_or(authority, |at| &authority[at + 1..]);
        self.name(scheme, out);
        out.extend_from_slice(b"://");
        self.name(host, out);
        self.target(target, out);
    }

    fn pair(&mut self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let Scratch { decoded, name: known, scrubbed, fields } = &mut *self.scratch;
        let decoded_name = decode(name, true, known);
        scrubbed.clear();
        let is_value = !is_plain_name(decoded_name) && self.engine.scrub(decoded_name, scrubbed, &mut self.found.tally);
        let field = if is_value { NO_NAME } else { decoded_name };
        if is_value {
            encode(scrubbed, out);
        } else {
            out.extend_from_slice(name);
        }
        out.push(b'=');
        scrubbed.clear();
        let plain = decode(value, true, decoded);
        if fields.scrub(self.engine, decoded_name, plain, scrubbed, &mut self.found.tally) {
            encode(scrubbed, out);
        } else {
            out.extend_from_slice(value);
        }
        if !self.found.tally.is_empty() {
            let (place, field) = place(self.referrer, Place::Query, field);
            self.found.settle(place, field);
        }
    }

    fn name(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let Scratch { decoded, scrubbed, .. } = &mut *self.scratch;
        scrubbed.clear();
        if !is_plain_name(raw) && self.engine.scrub(decode(raw, true, decoded), scrubbed, &mut self.found.tally) {
            encode(scrubbed, out);
            self.settle(Place::Query, NO_NAME);
        } else {
            out.extend_from_slice(raw);
        }
    }

    fn settle(&mut self, own: Place, field: &[u8]) {
        let (place, field) = place(self.referrer, own, field);
        self.found.settle(place, field);
    }
}

/// Where it is counted what was found at `own` in a URL: a referrer is one field.
fn place(referrer: bool, own: Place, field: &[u8]) -> (Place, &[u8]) {
    if referrer { (Place::RequestHeader, b"referer") } else { (own, field) }
}

/// Path and query of a target.
#[must_use]
pub fn split(raw: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', raw) {
        Some(at) => (&raw[..at], Some(&raw[at + 1..])),
        None => (raw, None),
    }
}

/// Undoes percent-encoding, and `+` in a form. What is malformed stays as it is.
fn decode<'a>(raw: &'a [u8], form: bool, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    let next = |rest: &[u8]| memchr::memchr2(b'%', if form { b'+' } else { b'%' }, rest);
    let Some(mut plain) = next(raw) else { return raw };
    buffer.clear();
    let mut rest = raw;
    let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    loop {
        buffer.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let (byte, width) = match rest {
            [b'+', ..] => (b' ', 1),
            [sign, high, low, ..] => hex(high).zip(hex(low)).map_or((*sign, 1), |(high, low)| (high << 4 | low, 3)),
            [sign, ..] => (*sign, 1),
            [] => return buffer,
        };
        buffer.push(byte);
        rest = &rest[width..];
        plain = next(rest).unwrap_or(rest.len());
    }
}

fn encode(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    const PLAIN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 0x80 {
            table[byte as usize] = matches!(byte, b'!' | b'$' | b'\''..=b'*' | b','..=b';' | b'<' | b'>' | b'@'..=b'Z' | b'_' | b'a'..=b'z' | b'~' | b'[' | b']');
            byte += 1;
        }
        table
    };
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|b| !PLAIN[usize::from(*b)]) {
        let byte = rest[plain];
        out.extend_from_slice(&rest[..plain]);
        out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
}
