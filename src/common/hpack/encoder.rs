//! The fields of heads that go out.
//!
//! What is remembered of a field is its value only where that says nothing of a person, and comes again. The heads of one connection have much
//! the same fields in the same order, so where a field was found last is where it is looked for first.

use std::{collections::VecDeque, mem};

use bytes::{BufMut as _, BytesMut};
use http::{HeaderName, StatusCode, header};

use super::{OVERHEAD, TABLE, fixed, write_integer};
use crate::common::impersonal;

/// A field that is remembered, by its index.
const INDEXED: (u8, u32) = (0x80, 7);
/// One that is to be.
const KEPT: (u8, u32) = (0x40, 6);
/// One that is not.
const PASSING: (u8, u32) = (0x00, 4);
/// One that nobody may remember, on any hop.
const NEVER: (u8, u32) = (0x10, 4);

/// The index of `:status 200`, and of those that follow.
const STATUS: usize = 8;
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

/// What a connection's heads before have said.
#[derive(Debug)]
pub struct Encoder {
    /// The newest is the last.
    entries: VecDeque<Entry>,
    /// How many have left it.
    gone: u64,
    size: usize,
    most: usize,
    /// Which is still to be told.
    is_smaller: bool,
    /// How the fields of the last head were written, in their order.
    last: Vec<(HeaderName, Way)>,
    at: usize,
}

#[derive(Debug)]
struct Entry {
    name: HeaderName,
    value: Box<[u8]>,
    /// Whether it came again.
    recurs: bool,
}

impl Entry {
    fn size(&self) -> usize {
        self.name.as_str().len() + self.value.len() + OVERHEAD
    }
}

/// How a field is written.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// By an entry with its name, which is this one of all that ever were.
    Entry(u64),
    /// In full, its name by what is known from the start, where that is not 0.
    Full(usize),
    /// Not at all.
    Not,
}

impl Default for Encoder {
    /// Of a connection that begins.
    fn default() -> Self {
        Self { entries: VecDeque::new(), gone: 0, size: 0, most: TABLE, is_smaller: false, last: Vec::new(), at: 0 }
    }
}

impl Encoder {
    /// The other side remembers no more than `most` bytes. Where it would remember more again, that is not made use of.
    pub fn limit(&mut self, most: usize) {
        if most < self.most {
            self.most = most;
            self.is_smaller = true;
            self.evict(0);
        }
    }

    /// Begins the head of an answer.
    pub fn begin(&mut self, status: StatusCode, out: &mut BytesMut) {
        self.begin_trailers(out);
        match STATUSES.iter().position(|known| *known == status.as_u16()) {
            Some(offset) => write_integer(INDEXED.0, INDEXED.1, STATUS + offset, out),
            None => full(PASSING, STATUS, &header::HOST, status.as_str().as_bytes(), out),
        }
    }

    /// Begins what has no status.
    pub fn begin_trailers(&mut self, out: &mut BytesMut) {
        self.at = 0;
        if mem::take(&mut self.is_smaller) {
            write_integer(0x20, 5, self.most, out);
        }
    }

    /// Writes a field; nothing where it is about the connection, which HTTP/2 has other means for (RFC 9113, section 8.2.2).
    pub fn field(&mut self, name: &HeaderName, value: &[u8], out: &mut BytesMut) {
        let at = self.at;
        self.at += 1;
        match self.last.get(at) {
            Some((last, way)) if last == name => {
                let way = *way;
                if self.write_as(way, name, value, out) {
                    return;
                }
            }
            _ => {}
        }
        let way = self.write(name, value, out);
        match self.last.get_mut(at) {
            Some(last) => *last = (name.clone(), way),
            None => self.last.push((name.clone(), way)),
        }
    }

    /// Writes a field as the one of this name before, where that can be.
    fn write_as(&mut self, way: Way, name: &HeaderName, value: &[u8], out: &mut BytesMut) -> bool {
        match way {
            Way::Not => {}
            Way::Full(index) => full(NEVER, index, name, value, out),
            Way::Entry(number) => {
                let Some(place) = number.checked_sub(self.gone) else { return false };
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let index = self.index(place);
                let Some(entry) = self.entries.get_mut(place) else { return false };
                if *entry.value == *value {
                    entry.recurs = true;
                    write_integer(INDEXED.0, INDEXED.1, index, out);
                } else if entry.recurs {
                    return false;
                } else {
                    full(PASSING, index, name, value, out);
                }
            }
        }
        true
    }

    fn write(&mut self, name: &HeaderName, value: &[u8], out: &mut BytesMut) -> Way {
        if is_of_connection(name) {
            return Way::Not;
        }
        if !impersonal::is_impersonal(name) {
            let index = fixed::find(name);
            full(NEVER, index, name, value, out);
            return Way::Full(index);
        }
        let mut named = None;
        for (place, entry) in self.entries.iter().enumerate().rev().filter(|(_, entry)| entry.name == *name) {
            if *entry.value == *value || named.is_none() {
                named = Some(place);
            }
            if *entry.value == *value {
                break;
            }
        }
        if let Some(place) = named {
            let way = Way::Entry(self.gone + place as u64);
            if self.write_as(way, name, value, out) {
                return way;
            }
        }
        let index = named.map_or_else(|| fixed::find(name), |place| self.index(place));
        let entry = Entry { name: name.clone(), value: value.into(), recurs: false };
        let size = entry.size();
        if size > self.most {
            full(PASSING, index, name, value, out);
            return Way::Full(fixed::find(name));
        }
        full(KEPT, index, name, value, out);
        self.evict(size);
        self.size += size;
        self.entries.push_back(entry);
        Way::Entry(self.gone + self.entries.len() as u64 - 1)
    }

    /// By what the entry at `place` is called.
    fn index(&self, place: usize) -> usize {
        fixed::TABLE.len() + self.entries.len().wrapping_sub(place)
    }

    fn evict(&mut self, room: usize) {
        while self.size + room > self.most
            && let Some(entry) = self.entries.pop_front()
        {
            self.size -= entry.size();
            self.gone += 1;
        }
    }
}

/// Writes a value in full, and so its `name` where its `index` is 0. Neither is coded: that would take longer than to send it.
fn full((first, bits): (u8, u32), index: usize, name: &HeaderName, value: &[u8], out: &mut BytesMut) {
    write_integer(first, bits, index, out);
    if index == 0 {
        write_integer(0, 7, name.as_str().len(), out);
        out.put_slice(name.as_str().as_bytes());
    }
    write_integer(0, 7, value.len(), out);
    out.put_slice(value);
}

fn is_of_connection(name: &HeaderName) -> bool {
    const OTHERS: [&str; 2] = ["keep-alive", "proxy-connection"];
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE].contains(name) || OTHERS.contains(&name.as_str())
}
