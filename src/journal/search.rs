//! Reading what was written, with the keys.

use std::io;

use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    disk::Files,
    entry::Entry,
    key::{self, Found, Keys},
    kind::Class,
    place::Place,
    segment::{self, Bad, Chain, Why, is_torn},
    tree::Hash,
};
use crate::seal::Ring;

/// Why reading has stopped. Nothing of a record is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses.
    #[error("the journal can't be read")]
    Io(#[from] io::Error),
    /// A record is not what was written.
    #[error("record {index} is damaged, in {segment} at byte {at}: {why}; `privet audit verify` tells more")]
    Damaged {
        /// Which.
        index: u64,
        /// Its file.
        segment: String,
        /// Offset in it.
        at: u64,
        /// How it is known.
        why: Why,
    },
    /// A record is whole, and its key does not open it.
    #[error("record {0} does not open with its key")]
    Sealed(u64),
    /// A data key can't be used.
    #[error("a data key can't be used: {0}")]
    Key(String),
}

/// Which records.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A class: records of others are not even opened, nor told of as unread.
    pub class: Option<Class>,
    /// A kind, or what kinds begin with before a dot.
    pub kind: Option<String>,
    /// From this record on.
    pub from: u64,
    /// From this time on, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Up to this time, exclusive.
    pub until: Option<u64>,
    /// A text that must be in a value, whatever its case.
    pub text: Option<String>,
}

impl Filter {
    /// Whether an entry is asked for, as far as that can be told before it is opened.
    pub(super) fn asks(&self, entry: &Entry<'_>) -> bool {
        let (index, time) = (entry.place.index, entry.place.time);
        self.from <= index
            && self.since.is_none_or(|since| since <= time)
            && self.until.is_none_or(|until| time < until)
            && self.class.is_none_or(|class| class == entry.place.class)
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq)]
pub struct Line {
    /// From 0.
    pub index: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// How long it is kept.
    pub class: Class,
    /// Its leaf hash.
    pub hash: Hash,
    /// What it is about.
    pub kind: String,
    /// Whether the clock of its time had been set by hand.
    pub clock_was_set: bool,
    /// What it says.
    pub body: Map<String, Value>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({}, {})", self.index, self.kind)
    }
}

/// What could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Records whose keys are destroyed.
    pub destroyed: u64,
    /// Records whose keys are sealed by a key that is not in the ring.
    pub locked: u64,
}

#[derive(Deserialize)]
struct Text {
    kind: String,
    #[serde(default)]
    clock: Option<String>,
    body: Map<String, Value>,
}

/// Shows every record of a journal that `filter` lets through, in order, until `visit` has enough.
///
/// # Errors
/// When a file can't be read, or a record is damaged; all before it were shown.
pub fn search(place: &Place, ring: Ring, filter: &Filter, visit: impl FnMut(Line) -> bool) -> Result<Unread, Error> {
    read(&place.files()?, ring, filter, visit)
}

pub(super) fn read(
    disk: &impl Files,
    ring: Ring,
    filter: &Filter,
    visit: impl FnMut(Line) -> bool,
) -> Result<Unread, Error> {
    read_by(disk, &mut Keys::new(ring), filter, visit)
}

/// The same, by keys that are at hand.
pub(super) fn read_by(
    disk: &impl Files,
    keys: &mut Keys,
    filter: &Filter,
    mut visit: impl FnMut(Line) -> bool,
) -> Result<Unread, Error> {
    let mut reader = Reader::default();
    let wanted = filter.text.as_ref().map(|text| text.to_lowercase());
    let segments = segment::list(disk)?;
    let mut chain = Chain { next: 0, previous: None };
    for (number, segment) in segments.iter().enumerate() {
        let damaged = |bad: Bad| Error::Damaged {
            index: bad.index,
            segment: segment.name.clone(),
            at: bad.at as u64,
            why: bad.why,
        };
        if segment.first != chain.next {
            return Err(damaged(Bad { index: chain.next, at: 0, why: Why::Missing }));
        }
        let bytes = disk.read(&segment.name)?;
        let mut outcome = Ok(true);
        let bad = chain.follow(&bytes, |_, entry| {
            if filter.asks(entry) && matches!(outcome, Ok(true)) {
                outcome = reader
                    .open(disk, keys, entry)
                    .map(|line| line.filter(|line| matches(line, filter, wanted.as_deref())).is_none_or(&mut visit));
            }
        });
        if !outcome? {
            break;
        }
        if let Some(bad) = bad {
            // A torn end, or what a gateway is just writing, is not there.
            if number + 1 == segments.len() && is_torn(&bytes, &bad) {
                break;
            }
            return Err(damaged(bad));
        }
    }
    Ok(reader.unread)
}

pub(super) fn matches(line: &Line, filter: &Filter, wanted: Option<&str>) -> bool {
    let kind = |asked: &String| {
        line.kind.strip_prefix(asked.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let says = |wanted: &str| line.body.values().any(|value| says(value, wanted));
    filter.kind.as_ref().is_none_or(kind) && wanted.is_none_or(says)
}

fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(wanted),
        Value::Array(all) => all.iter().any(|value| says(value, wanted)),
        other => other.to_string().contains(wanted),
    }
}

/// Opens entries, and counts those that it can't.
#[derive(Default)]
pub(super) struct Reader {
    buffer: Zeroizing<Vec<u8>>,
    pub(super) unread: Unread,
}

impl Reader {
    pub(super) fn open(
        &mut self,
        disk: &impl Files,
        keys: &mut Keys,
        entry: &Entry<'_>,
    ) -> Result<Option<Line>, Error> {
        let place = entry.place;
        let key = match keys.find(disk, place.key) {
            Ok(Found::Key(key)) => key,
            Ok(Found::Destroyed) => {
                self.unread.destroyed += 1;
                return Ok(None);
            }
            Ok(Found::Locked) => {
                self.unread.locked += 1;
                return Ok(None);
            }
            Err(key::Error::Io(error)) => return Err(error.into()),
            Err(error) => return Err(Error::Key(error.to_string())),
        };
        let sealed = || Error::Sealed(place.index);
        let text = entry.open(key, &mut self.buffer).ok_or_else(sealed)?;
        let text: Text = serde_json::from_slice(text).map_err(|_| sealed())?;
        Ok(Some(Line {
            index: place.index,
            time: place.time,
            class: place.class,
            hash: entry.hash(),
            kind: text.kind,
            clock_was_set: text.clock.is_some(),
            body: text.body,
        }))
    }
}
