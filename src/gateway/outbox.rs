//! What a connection has still to bring out: disclosures whose answers were handed over whole, until the client's socket has taken their last
//! byte. Only then can anybody say that they have arrived; what still waited when the connection ended may have been seen or not.
//!
//! On HTTP/1.1 answers go out one after the other, so a flush that is through takes all before it along. On HTTP/2 an answer may wait for its
//! stream's window while others pass, and nothing tells which stream is whose. So the frames that pass are counted: a stream that ends with so
//! many bytes is one of the answers of that length. Once as many have ended as were handed over, all of them are out.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt,
    rc::Rc,
};

use http::StatusCode;

use super::{disclosure::Disclosure, upload::Upload};

/// Most disclosures that wait on a connection, and most streams that are under way: beyond, nobody can say any more what has arrived.
const MOST: usize = 256;
const STREAMS: usize = 4096;

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The client's socket has taken its last byte.
    Whole,
    /// Its last byte was handed over, and the connection has ended before it was known to be out.
    Queued,
    /// It has broken off.
    Cut,
}

/// A disclosure whose answer was handed over whole.
pub struct Handed {
    disclosure: Box<Disclosure>,
    status: StatusCode,
    sent: u64,
    upload: Rc<Upload>,
}

impl Handed {
    /// Of `sent` bytes.
    #[must_use]
    pub fn new(disclosure: Box<Disclosure>, status: StatusCode, sent: u64, upload: Rc<Upload>) -> Self {
        Self { disclosure, status, sent, upload }
    }

    /// Writes down what came of it.
    pub fn close(self, delivery: Delivery) {
        self.disclosure.close(self.status, self.sent, delivery, &self.upload.found.borrow());
    }
}

/// Answers of one length: how many more were handed over than have ended, and which of them somebody waits for.
#[derive(Default)]
struct Length {
    balance: i64,
    waiting: Vec<Handed>,
}

/// What a connection has still to bring out.
pub struct Outbox {
    http2: bool,
    frames: RefCell<Option<Frames>>,
    lengths: RefCell<HashMap<u64, Length>>,
    waiting: Cell<usize>,
    /// Bytes were written that no flush has taken along yet.
    unflushed: Cell<bool>,
    /// The connection has ended, or became a tunnel, which flushes by itself.
    ended: Cell<bool>,
    /// Nobody can say any more what has arrived.
    blind: Cell<bool>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} waiting)", self.waiting.get())
    }
}

impl Outbox {
    /// Of a connection. Frames of HTTP/2 are counted where `records` says that routes are recorded as it begins: otherwise there is nothing to
    /// know of them, and where a later configuration records, of what goes out on this connection nobody can say that it has arrived.
    #[must_use]
    pub fn new(http2: bool, records: bool) -> Self {
        Self {
            http2,
            frames: RefCell::new((http2 && records).then(Frames::default)),
            lengths: RefCell::default(),
            waiting: Cell::new(0),
            unflushed: Cell::new(false),
            ended: Cell::new(false),
            blind: Cell::new(http2 && !records),
        }
    }

    /// An answer of `sent` bytes was handed over whole; its disclosure, where it is one, is written down when they are out.
    pub fn handed(&self, sent: u64, disclosure: Option<Handed>) {
        // Nothing has to arrive; and a tunnel has flushed what it has written.
        let tunnelled = self.ended.get() && !self.http2;
        if sent == 0 || tunnelled {
            if let Some(handed) = disclosure {
                handed.close(Delivery::Whole);
            }
            return;
        }
        if self.ended.get() || self.blind.get() || self.waiting.get() >= MOST {
            self.count(sent, 1, None);
            if let Some(handed) = disclosure {
                handed.close(Delivery::Queued);
            }
            return;
        }
        self.count(sent, 1, disclosure);
        // Its stream may have ended and been flushed already.
        if self.http2 && !self.unflushed.get() {
            self.settle();
        }
    }

    fn count(&self, sent: u64, more: i64, disclosure: Option<Handed>) {
        if disclosure.is_none() && (!self.http2 || self.blind.get()) {
            return;
        }
        let mut lengths = self.lengths.borrow_mut();
        let length = lengths.entry(sent).or_default();
        length.balance += more;
        self.waiting.set(self.waiting.get() + usize::from(disclosure.is_some()));
        length.waiting.extend(disclosure);
        if length.balance == 0 && length.waiting.is_empty() {
            lengths.remove(&sent);
        }
    }

    /// These bytes were written towards the client.
    pub fn wrote(&self, bytes: &[u8]) {
        self.unflushed.set(true);
        if !self.http2 || self.blind.get() {
            return;
        }
        let mut ended = Vec::new();
        if let Some(frames) = &mut *self.frames.borrow_mut() {
            frames.pass(bytes, &mut ended);
            if frames.streams.len() > STREAMS {
                frames.streams.clear();
                self.blind.set(true);
            }
        }
        for sent in ended {
            self.count(sent, -1, None);
        }
    }

    /// All that was written is in the socket.
    pub fn flushed(&self) {
        self.unflushed.set(false);
        if self.waiting.get() > 0 {
            self.settle();
        }
    }

    /// Whether all that was written is in the socket.
    #[must_use]
    pub fn is_out(&self) -> bool {
        !self.unflushed.get()
    }

    /// The connection has ended, or is no HTTP any more: what waits has not arrived for certain.
    pub fn end(&self) {
        self.ended.set(true);
        let lengths = std::mem::take(&mut *self.lengths.borrow_mut());
        self.waiting.set(0);
        for handed in lengths.into_values().flat_map(|length| length.waiting) {
            handed.close(Delivery::Queued);
        }
    }

    fn settle(&self) {
        let (all, blind) = (!self.http2, self.blind.get());
        let mut out = Vec::new();
        self.lengths.borrow_mut().retain(|_, length| {
            let is_out = all || length.balance <= 0 && !blind;
            if is_out {
                out.append(&mut length.waiting);
            }
            !(all || length.balance == 0 && length.waiting.is_empty())
        });
        self.waiting.set(self.waiting.get().saturating_sub(out.len()));
        for handed in out {
            handed.close(Delivery::Whole);
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.end();
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// The frames of an HTTP/2 connection as they pass towards the client (RFC 9113, section 4.1).
#[derive(Default)]
struct Frames {
    header: [u8; 9],
    have: usize,
    /// Bytes of the frame under way that are still to pass.
    left: usize,
    /// Bytes of data of streams that have not ended.
    streams: HashMap<u32, u64>,
}

impl Frames {
    /// Lets bytes pass; how long the answers were that end with them.
    fn pass(&mut self, mut bytes: &[u8], ended: &mut Vec<u64>) {
        while !bytes.is_empty() {
            if self.have < self.header.len() {
                let taken = bytes.len().min(self.header.len() - self.have);
                self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
                self.have += taken;
                bytes = &bytes[taken..];
                if self.have < self.header.len() {
                    return;
                }
                let [a, b, c, ..] = self.header;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            } else {
                let taken = bytes.len().min(self.left);
                self.left -= taken;
                bytes = &bytes[taken..];
            }
            if self.left == 0 {
                self.have = 0;
                ended.extend(self.end());
            }
        }
    }

    /// A frame has passed whole; how long its answer was, where it was the last.
    fn end(&mut self) -> Option<u64> {
        let [a, b, c, kind, flags, stream @ ..] = self.header;
        let length = u64::from(a) << 16 | u64::from(b) << 8 | u64::from(c);
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        match kind {
            DATA if flags & END_STREAM == 0 => {
                *self.streams.entry(stream).or_default() += length;
                None
            }
            DATA => Some(self.streams.remove(&stream).unwrap_or_default() + length),
            // Trailers; without data before them there was none.
            HEADERS if flags & END_STREAM != 0 => self.streams.remove(&stream),
            RST_STREAM => {
                self.streams.remove(&stream);
                None
            }
            _ => None,
        }
        .filter(|length| *length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, length: usize) -> Vec<u8> {
        let [.., a, b, c] = u32::try_from(length).expect("short").to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, stream][..], &vec![7; length]].concat()
    }

    #[test]
    fn answers_are_as_long_as_their_data_however_it_is_cut() {
        let all = [
            frame(4, 0, 0, 18),
            frame(HEADERS, 4, 1, 30),
            frame(HEADERS, 5, 3, 30),
            frame(DATA, 0, 1, 300),
            frame(HEADERS, 4, 5, 30),
            frame(DATA, 0, 5, 10),
            frame(DATA, 1, 1, 70),
            frame(8, 0, 0, 4),
            frame(HEADERS, 5, 5, 12),
            frame(HEADERS, 4, 7, 12),
            frame(DATA, 0, 7, 500),
            frame(RST_STREAM, 0, 7, 4),
            frame(HEADERS, 4, 9, 12),
            frame(DATA, 0, 9, 20),
            frame(DATA, 1, 9, 0),
        ]
        .concat();
        for size in [1, 2, 7, 9, 10, 64, all.len()] {
            let (mut frames, mut ended) = (Frames::default(), Vec::new());
            all.chunks(size).for_each(|bytes| frames.pass(bytes, &mut ended));
            assert_eq!(ended, [370, 10, 20], "{size}");
            assert!(frames.streams.is_empty());
        }
    }

    /// How many answers of each length are not known to be out.
    fn left(outbox: &Outbox) -> Vec<(u64, i64)> {
        let mut left: Vec<_> = outbox.lengths.borrow().iter().map(|(sent, length)| (*sent, length.balance)).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn as_many_must_end_as_were_handed_over() {
        let outbox = Outbox::new(true, true);
        outbox.handed(20, None);
        outbox.handed(20, None);
        outbox.handed(30, None);
        outbox.wrote(&frame(DATA, 1, 1, 20));
        outbox.flushed();
        assert_eq!(left(&outbox), [(20, 1), (30, 1)]);
        outbox.wrote(&frame(DATA, 1, 3, 20));
        outbox.wrote(&frame(DATA, 1, 5, 40));
        outbox.flushed();
        assert_eq!(left(&outbox), [(30, 1), (40, -1)], "one that ends before anybody has said so");
        outbox.handed(40, None);
        outbox.handed(0, None);
        assert_eq!(left(&outbox), [(30, 1)], "one that was given up stays");
    }
}
