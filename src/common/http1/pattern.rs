//! The fields of a head that has come on a connection before. Most of the next head is the same again, and is compared in the place of being
//! read: what differs is the values of a few fields. Only values that say nothing of a person are kept; all others are read each time.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use super::fields::{self, Bad, trim};
use crate::common::impersonal::is_impersonal;

/// Most bytes of fields that are kept.
const MOST: usize = 2048;

/// The fields that those of the next heads are held to.
#[derive(Debug, Default)]
pub struct Pattern {
    known: Option<Known>,
    /// How many heads in a row had others.
    misses: u32,
}

#[derive(Debug)]
struct Known {
    /// Their bytes, without the empty line at their end and without what is not kept. No other bytes are held by them.
    text: Bytes,
    /// Where the colon and the end of each are. Of one that is not kept the colon is the end.
    lines: Vec<(usize, usize)>,
    fields: HeaderMap,
    /// Which ones have other values in the head at hand, and where those are.
    changed: Vec<(usize, Range<usize>)>,
}

impl Pattern {
    /// Where the fields that `bytes` begin with end, their empty line included, if they differ from those before in values alone.
    pub fn compare(&mut self, bytes: &[u8]) -> Option<usize> {
        self.known.as_mut()?.compare(bytes)
    }

    /// Whether `name` has another value in what was compared last, or one that is not known.
    #[must_use]
    pub fn has_changed(&self, name: &HeaderName) -> bool {
        self.known.as_ref().is_some_and(|known| {
            let index = known.fields.keys().position(|key| key == name);
            index.is_some_and(|index| known.changed.iter().any(|(changed, _)| *changed == index))
        })
    }

    /// The fields in `section`, which is what was compared last.
    ///
    /// # Errors
    /// When a value is none.
    pub fn fill(&mut self, section: &Bytes) -> Result<HeaderMap, Bad> {
        self.misses = 0;
        self.known.as_ref().map_or_else(|| Ok(HeaderMap::new()), |known| known.fill(section))
    }

    /// Other fields have come, which were read from `section`. Those that come once change nothing, and the more others come in a row, the
    /// more seldom they are kept.
    pub fn learn(&mut self, section: &[u8], fields: &HeaderMap) {
        self.misses = self.misses.saturating_add(1);
        if self.misses > 1 && self.misses.is_power_of_two() {
            self.known = Known::new(section, fields).or_else(|| self.known.take());
        }
    }
}

impl Known {
    /// Nothing where they are too long, or have a name twice.
    fn new(section: &[u8], fields: &HeaderMap) -> Option<Self> {
        if section.len() > MOST || fields.keys_len() < fields.len() {
            return None;
        }
        let (mut text, mut rest) = (Vec::with_capacity(section.len()), section);
        let mut lines = Vec::with_capacity(fields.len());
        for name in fields.keys() {
            let before = rest;
            let colon = memchr(b':', fields::next(&mut rest))?;
            let line = &before[..before.len() - rest.len()];
            let kept = if is_impersonal(name) { line } else { &line[..=colon] };
            lines.push((text.len() + colon, text.len() + kept.len()));
            text.extend_from_slice(kept);
        }
        let (text, mut fields) = (Bytes::from(text), fields.clone());
        for (value, &(colon, end)) in fields.values_mut().zip(&lines) {
            *value = HeaderValue::from_maybe_shared(text.slice_ref(text[colon + 1..end].trim_ascii())).ok()?;
        }
        Some(Self { text, lines, fields, changed: Vec::new() })
    }

    fn compare(&mut self, bytes: &[u8]) -> Option<usize> {
        self.changed.clear();
        let (mut rest, mut start) = (bytes, 0);
        for (index, &(colon, end)) in self.lines.iter().enumerate() {
            let is_kept = end > colon + 1;
            if let Some(behind) = rest.strip_prefix(&self.text[start..end]).filter(|_| is_kept) {
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

    fn fill(&self, section: &Bytes) -> Result<HeaderMap, Bad> {
        let mut fields = self.fields.clone();
        let mut changed = self.changed.iter().peekable();
        for (index, value) in fields.values_mut().enumerate() {
            if let Some((_, at)) = changed.next_if(|(field, _)| *field == index) {
                let line = &section[at.clone()];
                let new = section.slice_ref(trim(line.strip_suffix(b"\r").unwrap_or(line)));
                *value = HeaderValue::from_maybe_shared(new).map_err(|_| Bad::Value)?;
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: [&str; 7] = [
        "Server: a\r\nDate: Mon, 30 Nov 2026 05:37:03 GMT\r\nContent-Length: 1\r\n\r\n!",
        "Server: a\r\nDate: Mon, 30 Nov 2026 05:37:04 GMT\r\nContent-Length: 12\r\n\r\nServer: a",
        "server: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "Server: a\nDate:\t\nContent-Length: 1\n\n!",
        "Server: a\r\nSet-Cookie: a=1\r\nX-User:\r\nEtag: b\r\nContent-Length: 0\r\n\r\n",
        "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "\r\n",
    ];

    /// The fields that `bytes` begin with, and where they end, one line after another.
    fn read(bytes: &Bytes) -> Option<(HeaderMap, usize)> {
        let mut rest = &bytes[..];
        let mut fields = HeaderMap::new();
        while memchr(b'\n', rest).is_some() {
            let line = fields::next(&mut rest);
            if line.is_empty() {
                return Some((fields, bytes.len() - rest.len()));
            }
            let (name, value) = fields::read(bytes, line).ok()?;
            fields.append(name, value);
        }
        None
    }

    #[test]
    fn fields_are_read_as_if_none_had_come_before() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut pattern = Pattern::default();
        let (mut all, mut hits) = (0, 0);
        for _ in 0..10_000 {
            // One head comes several times in a row, some with a few bytes changed.
            let mut bytes = SECTIONS[random.usize(..SECTIONS.len())].as_bytes().to_vec();
            for _ in 0..random.usize(1..8) {
                for _ in 0..random.usize(..5) / 3 {
                    let at = random.usize(..bytes.len());
                    let odd = [b"\r".to_vec(), b"\n".to_vec(), b": ".to_vec(), b"1".to_vec(), vec![random.u8(..)]];
                    match random.u8(..3) {
                        0 if bytes.len() > 1 => drop(bytes.remove(at)),
                        1 => drop(bytes.splice(at..at, odd[random.usize(..odd.len())].iter().copied())),
                        _ => bytes[at] = random.u8(..),
                    }
                }
                all += 1;
                let section = Bytes::copy_from_slice(&bytes);
                let read = read(&section);
                if let Some(end) = pattern.compare(&section) {
                    hits += 1;
                    let filled = pattern.fill(&section.slice(..end)).ok().map(|fields| (fields, end));
                    assert_eq!(filled, read, "{}", bytes.escape_ascii());
                } else if let Some((fields, end)) = read {
                    pattern.learn(&section[..end], &fields);
                }
            }
        }
        assert!(hits > all / 10, "{hits} of {all}");
    }

    #[test]
    fn what_may_be_of_a_person_is_not_kept() {
        let section =
            Bytes::from_static(b"Cookie: sid=kim\r\nDate: x\r\nAuthorization: Basic a2lt\r\nX-User: kim\r\n\r\n");
        let (fields, end) = read(&section).expect("fields");
        let mut pattern = Pattern::default();
        for _ in 0..2 {
            assert_eq!(pattern.compare(&section), None);
            pattern.learn(&section[..end], &fields);
        }
        assert!(!format!("{pattern:?}").contains("kim"));
        assert_eq!(pattern.compare(&section), Some(end));
        assert!(pattern.has_changed(&http::header::COOKIE) && !pattern.has_changed(&http::header::DATE));
        assert_eq!(pattern.fill(&section).expect("fields"), fields);
    }

    #[test]
    fn heads_that_take_turns_do_not_chase_each_other() {
        let mut pattern = Pattern::default();
        let mut hits = 0;
        for round in 0..100 {
            let section = Bytes::from(SECTIONS[[0, 2][round % 2]]);
            if let Some(end) = pattern.compare(&section) {
                hits += 1;
                assert!(!pattern.has_changed(&http::header::DATE));
                pattern.fill(&section.slice(..end)).expect("fields");
            } else {
                let (fields, end) = read(&section).expect("fields");
                pattern.learn(&section[..end], &fields);
            }
        }
        assert!(hits >= 45, "{hits}");
        assert!(pattern.compare(b"server: b\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n").is_some());
        assert!(
            pattern.has_changed(&http::header::TRANSFER_ENCODING) && !pattern.has_changed(&http::header::CONNECTION)
        );
        let large = Bytes::from(format!("X: {}\r\n\r\n", "x".repeat(MOST)));
        let (fields, end) = read(&large).expect("fields");
        let mut pattern = Pattern::default();
        for _ in 0..8 {
            assert_eq!(pattern.compare(&large), None);
            pattern.learn(&large[..end], &fields);
        }
    }
}
