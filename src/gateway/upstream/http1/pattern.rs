//! The head of an answer that a connection has had before. Most of what an application says next is the same again, and is compared in the
//! place of being read: what differs is the values of a few fields.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use memchr::memchr;

use super::{error::Error, head::Head};
use crate::common::http1::fields::{self, trim};

/// Most bytes of a head that is kept.
const MOST: usize = 2048;

/// The head that the next ones are held to.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    known: Option<Known>,
    /// How many heads in a row were others.
    misses: u32,
}

#[derive(Debug)]
struct Known {
    /// Its bytes, without the empty line at its end. No other bytes are held by it.
    text: Bytes,
    /// Where its first line ends.
    first: usize,
    /// Where the colon and the end of each field are.
    lines: Vec<(usize, usize)>,
    head: Head,
    /// Which fields of the head at hand have other values, and where those are.
    changed: Vec<(usize, Range<usize>)>,
}

impl Pattern {
    /// Takes a head off what was `read`, where it has the fields of the one before.
    ///
    /// # Errors
    /// When a value is none.
    pub(super) fn read(&mut self, read: &mut BytesMut) -> Result<Option<Head>, Error> {
        let Some(known) = &mut self.known else { return Ok(None) };
        let Some(end) = known.compare(read) else { return Ok(None) };
        self.misses = 0;
        known.fill(&read.split_to(end).freeze()).map(Some)
    }

    /// Another `head` has come. One that comes once changes nothing, and the more others come in a row, the more seldom one is kept.
    pub(super) fn learn(&mut self, text: &[u8], head: &Head) {
        self.misses = self.misses.saturating_add(1);
        if self.known.is_none() || (self.misses > 1 && self.misses.is_power_of_two()) {
            self.known = Known::new(text, head).or_else(|| self.known.take());
        }
    }
}

impl Known {
    /// Nothing where it is too long, or has a name twice.
    fn new(text: &[u8], head: &Head) -> Option<Self> {
        if text.len() > MOST || head.headers.keys_len() < head.headers.len() {
            return None;
        }
        let text = Bytes::copy_from_slice(text);
        let mut rest = &text[..];
        fields::next(&mut rest);
        let at = |rest: &[u8]| text.len() - rest.len();
        let first = at(rest);
        let mut head = Head::clone(head);
        let mut lines = Vec::with_capacity(head.headers.len());
        for value in head.headers.values_mut() {
            let start = at(rest);
            let line = fields::next(&mut rest);
            let colon = memchr(b':', line)?;
            *value = HeaderValue::from_maybe_shared(text.slice_ref(trim(&line[colon + 1..]))).ok()?;
            lines.push((start + colon, at(rest)));
        }
        Some(Self { text: text.slice(..at(rest)), first, lines, head, changed: Vec::new() })
    }

    /// Where the head that `bytes` begin with ends, if it differs in values alone.
    fn compare(&mut self, bytes: &[u8]) -> Option<usize> {
        self.changed.clear();
        let mut rest = bytes.strip_prefix(&self.text[..self.first])?;
        let mut start = self.first;
        for (index, &(colon, end)) in self.lines.iter().enumerate() {
            if let Some(behind) = rest.strip_prefix(&self.text[start..end]) {
                rest = behind;
            } else {
                rest = rest.strip_prefix(&self.text[start..=colon])?;
                let from = bytes.len() - rest.len();
                let lf = memchr(b'\n', rest)?;
                self.changed.push((index, from..from + lf));
                rest = &rest[lf + 1..];
            }
            start = end;
        }
        let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
        Some(bytes.len() - rest.len())
    }

    /// The head in `bytes`, which have been compared.
    fn fill(&self, bytes: &Bytes) -> Result<Head, Error> {
        let mut head = self.head.clone();
        let mut changed = self.changed.iter().peekable();
        for (index, value) in head.headers.values_mut().enumerate() {
            if let Some((_, at)) = changed.next_if(|(field, _)| *field == index) {
                let line = &bytes[at.clone()];
                let new = bytes.slice_ref(trim(line.strip_suffix(b"\r").unwrap_or(line)));
                *value = HeaderValue::from_maybe_shared(new).map_err(|_| Error::Field)?;
            }
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::head::{Answer, read},
        *,
    };

    const HEADS: [&str; 7] = [
        "HTTP/1.1 200 OK\r\nServer: a\r\nDate: Mon, 30 Nov 2026 05:37:03 GMT\r\nContent-Length: 1\r\n\r\n!",
        "HTTP/1.1 200 OK\r\nServer: a\r\nDate: Mon, 30 Nov 2026 05:37:04 GMT\r\nContent-Length: 12\r\n\r\nHTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nserver: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\nServer: a\nDate:\t\nContent-Length: 1\n\n!",
        "HTTP/1.1 404 Nothing\r\nServer: a\r\nDate: x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ];

    /// What is read of `bytes`, and what is left of them.
    fn outcome(bytes: &[u8], pattern: &mut Pattern) -> String {
        let mut left = BytesMut::from(bytes);
        let answer: Result<Option<Answer>, Error> = read(&mut left, &mut 0, false, pattern);
        match answer {
            Ok(answer) => format!("{answer:?} {left:?}"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn a_head_is_read_as_if_none_had_come_before() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut pattern = Pattern::default();
        let (mut alike, mut hits) = (0, 0);
        for _ in 0..10_000 {
            // One head comes several times in a row, with a few bytes changed.
            let mut bytes = HEADS[random.usize(..HEADS.len())].as_bytes().to_vec();
            for _ in 0..random.usize(1..8) {
                for _ in 0..random.usize(..5) / 3 {
                    let at = random.usize(..bytes.len());
                    let odd = [b"\r".to_vec(), b"\n".to_vec(), b": ".to_vec(), b"1".to_vec(), vec![random.u8(..)]];
                    match random.u8(..3) {
                        0 => drop(bytes.remove(at)),
                        1 => drop(bytes.splice(at..at, odd[random.usize(..odd.len())].iter().copied())),
                        _ => bytes[at] = random.u8(..),
                    }
                }
                hits += usize::from(pattern.known.as_mut().is_some_and(|known| known.compare(&bytes).is_some()));
                let expected = outcome(&bytes, &mut Pattern::default());
                assert_eq!(outcome(&bytes, &mut pattern), expected, "{}", bytes.escape_ascii());
                alike += 1;
            }
        }
        assert!(hits > alike / 10, "{hits} of {alike}");
    }

    #[test]
    fn heads_that_take_turns_do_not_chase_each_other() {
        let mut pattern = Pattern::default();
        let mut hits = 0;
        for round in 0..100 {
            let bytes = HEADS[[0, 4][round % 2]].as_bytes();
            hits += usize::from(pattern.known.as_mut().is_some_and(|known| known.compare(bytes).is_some()));
            outcome(bytes, &mut pattern);
        }
        assert!(hits >= 45, "{hits}");
        let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(MOST));
        let mut pattern = Pattern::default();
        outcome(large.as_bytes(), &mut pattern);
        assert!(pattern.known.is_none());
    }
}
