//! A worker's pen: it makes lines on the worker's thread and leaves them in a lane of the writer's.

use std::{cell::RefCell, collections::HashMap, net::IpAddr, sync::Arc, time::SystemTime};

use time::{OffsetDateTime, macros::format_description};

use super::{
    Sink,
    entry::{Entry, Found},
    lanes::Full,
    settings::{Format, WhenFull},
    url,
};
use crate::{
    observe::metrics::Shard,
    privacy::{Engine, Kind, Tally},
};

/// One worker's pen.
#[derive(Debug)]
pub struct Scribe {
    /// Held, so that the writer does not end before the last pen is put down.
    pub(super) sink: Arc<Sink>,
    pub(super) lane: usize,
    pub(super) format: Format,
    pub(super) when_full: WhenFull,
    pub(super) engine: Arc<Engine>,
    pub(super) shard: Shard,
    pub(super) scratch: RefCell<Scratch>,
}

impl Scribe {
    /// Waits until there is room for the lines of another request, where the setting is to wait.
    ///
    /// # Errors
    /// When the log can't be written at the moment, or stays full for too long.
    pub async fn room(&self) -> Result<(), Full> {
        match self.when_full {
            WhenFull::Drop => Ok(()),
            WhenFull::Wait => self.sink.lanes.room(self.lane).await,
        }
    }

    /// Writes down a request.
    pub fn write(&self, entry: &Entry<'_>) {
        let mut scratch = self.scratch.borrow_mut();
        scratch.line.clear();
        scratch.clock.tick(SystemTime::now());
        let found = entry.write(self.format, &self.engine, &mut scratch);
        self.sink.lanes.push(self.lane, &scratch.line, self.when_full);
        drop(scratch);
        self.count(&found);
    }

    fn count(&self, found: &Found) {
        for (place, tally) in [("url", &found.url), ("referrer", &found.referrer)] {
            self.count_in(place, tally);
        }
    }

    fn count_in(&self, place: &str, tally: &Tally) {
        for (kind, count) in tally.iter() {
            self.shard.count_many("privet_redactions_total", &[("type", kind.name()), ("place", place)], count);
        }
    }
}

/// What lines are made with; used again for every line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The line.
    pub(super) line: Vec<u8>,
    pub(super) part: Vec<u8>,
    pub(super) url: url::Scratch,
    pub(super) clock: Clock,
    pub(super) tokens: Tokens,
}

/// The time in both forms; the calendar is asked once a second.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: i64,
    rfc3339: String,
    common: String,
}

impl Clock {
    fn tick(&mut self, now: SystemTime) {
        let now = OffsetDateTime::from(now);
        if now.unix_timestamp() != self.second || self.common.is_empty() {
            self.second = now.unix_timestamp();
            let iso = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].");
            let common = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
            // Both have nothing that could fail.
            self.rfc3339 = now.format(iso).unwrap_or_default();
            self.common = now.format(common).unwrap_or_default();
        }
        let mut micros = now.microsecond();
        self.rfc3339.truncate(20);
        let mut digits = [0; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(micros % 10).unwrap_or(0);
            micros /= 10;
        }
        self.rfc3339.push_str(std::str::from_utf8(&digits).unwrap_or("000000"));
        self.rfc3339.push('Z');
    }

    /// UTC, to the microsecond.
    pub(super) fn rfc3339(&self) -> &str {
        &self.rfc3339
    }

    /// As Apache writes it.
    pub(super) fn common(&self) -> &str {
        &self.common
    }
}

/// Pseudonyms of addresses that were seen of late.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<IpAddr, Box<[u8]>>);

impl Tokens {
    /// Most addresses that are remembered.
    const MOST: usize = 4096;

    pub(super) fn of(&mut self, address: IpAddr, engine: &Engine) -> &[u8] {
        if self.0.len() >= Self::MOST && !self.0.contains_key(&address) {
            self.0.clear();
        }
        self.0.entry(address).or_insert_with(|| {
            let mut token = Vec::new();
            engine.rewrite(&Kind::IpAddress, address.to_string().as_bytes(), &mut token);
            token.into()
        })
    }
}
