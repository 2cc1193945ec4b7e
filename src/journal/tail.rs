//! A journal read on, from where it was read to: what looks at records as they come reads none twice.

use std::io;

use super::{
    disk::Files,
    entry::Entry,
    key::Keys,
    search::{Error, Line, Reader, Unread},
    segment::{self, Chain, Segment, is_torn},
};
use crate::seal::Ring;

/// How far a journal was read.
#[derive(Debug)]
pub struct Tail {
    /// Earlier records are passed over, in milliseconds since 1970.
    since: u64,
    at: Option<At>,
    unread: Unread,
}

#[derive(Debug)]
struct At {
    segment: Segment,
    /// Bytes of it that were read.
    offset: u64,
    chain: Chain,
}

impl Tail {
    /// Of a journal whose records count from `since` on, in milliseconds since 1970.
    #[must_use]
    pub fn new(since: u64) -> Self {
        Self { since, at: None, unread: Unread::default() }
    }

    /// What could not be read so far.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.unread
    }

    /// Shows every record that was not shown yet, up to the first whose time is `until` or later.
    ///
    /// # Errors
    /// When a file can't be read, or a record is damaged; all before it were shown.
    pub fn read(
        &mut self,
        files: &impl Files,
        ring: impl FnOnce() -> Result<Ring, Error>,
        until: u64,
        mut visit: impl FnMut(Line),
    ) -> Result<(), Error> {
        let segments = segment::list(files)?;
        let mut at = match self.at.take() {
            Some(at) => at,
            None => match self.begin(files, &segments)? {
                Some(at) => at,
                None => return Ok(()),
            },
        };
        let last = segments.last().map(|segment| segment.first);
        let is_new = last > Some(at.segment.first) || files.length(&at.segment.name)? > at.offset;
        let outcome = if is_new { self.follow(&mut at, files, &segments, ring()?, until, &mut visit) } else { Ok(()) };
        self.at = Some(at);
        outcome
    }

    fn follow(
        &mut self,
        at: &mut At,
        files: &impl Files,
        segments: &[Segment],
        ring: Ring,
        until: u64,
        visit: &mut impl FnMut(Line),
    ) -> Result<(), Error> {
        let (mut keys, mut reader) = (Keys::new(ring), Reader::default());
        let outcome = loop {
            match self.file(at, files, (&mut keys, &mut reader), until, visit) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            let Some(next) = segments.iter().find(|segment| segment.first > at.segment.first) else { break Ok(()) };
            if next.first != at.chain.next {
                break Err(damaged(at, at.chain.next, segment::Why::Missing));
            }
            (at.segment, at.offset) = (next.clone(), 0);
        };
        self.unread.destroyed += reader.unread.destroyed;
        self.unread.locked += reader.unread.locked;
        outcome
    }

    /// Reads on in one file; whether its end was reached.
    fn file(
        &self,
        at: &mut At,
        files: &impl Files,
        (keys, reader): (&mut Keys, &mut Reader),
        until: u64,
        visit: &mut impl FnMut(Line),
    ) -> Result<bool, Error> {
        let bytes = files.read_from(&at.segment.name, at.offset)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            // What it is followed by says whether it is torn, or only being written.
            let mut chain = at.chain.clone();
            let Ok(entry) = Entry::read(rest) else {
                let Some(bad) = chain.follow(rest, |_, _| {}) else { return Ok(true) };
                return if is_torn(rest, &bad) { Ok(true) } else { Err(damaged(at, bad.index, bad.why)) };
            };
            if let Some(bad) = chain.follow(&rest[..entry.len()], |_, _| {}) {
                return Err(damaged(at, bad.index, bad.why));
            }
            if entry.place.time >= until {
                return Ok(false);
            }
            if entry.place.time >= self.since
                && let Some(line) = reader.open(files, keys, &entry)?
            {
                visit(line);
            }
            at.chain = chain;
            at.offset += entry.len() as u64;
            rest = &rest[entry.len()..];
        }
        Ok(true)
    }

    /// The first place to read from: the last file that begins before what counts.
    fn begin(&self, files: &impl Files, segments: &[Segment]) -> io::Result<Option<At>> {
        for segment in segments.iter().rev() {
            let first = segments.first().is_some_and(|first| first.first == segment.first);
            let before = || -> io::Result<bool> {
                let bytes = files.read(&segment.name)?;
                Ok(Entry::read(&bytes).is_ok_and(|entry| entry.place.time < self.since))
            };
            if first || before()? {
                let chain = Chain { next: segment.first, previous: None };
                return Ok(Some(At { segment: segment.clone(), offset: 0, chain }));
            }
        }
        Ok(None)
    }
}

fn damaged(at: &At, index: u64, why: segment::Why) -> Error {
    Error::Damaged { index, segment: at.segment.name.clone(), at: at.offset, why }
}
