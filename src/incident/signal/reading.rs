//! Records of all gateways that keep one journal or one database, in the order of their times.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    journal::{
        Place,
        place::SHARED,
        search::{Error, Line, Unread},
        tail::Tail,
    },
    registry::population::number,
    seal::Ring,
};

/// Where several journals are read, so much of the time is read of each before the next is.
const SLICE: u64 = 86_400_000;

/// How far they were read.
#[derive(Debug)]
pub struct Reading {
    place: Place,
    keys: PathBuf,
    since: u64,
    tails: BTreeMap<String, Tail>,
}

/// Keys that can't be used.
#[derive(Debug, thiserror::Error)]
enum Keys {
    #[error("the keys can't be used")]
    Ring(#[from] crate::seal::keys::Error),
}

impl Reading {
    /// Of a place, by the keys of a file, from `since` on, in milliseconds since 1970.
    #[must_use]
    pub fn new(place: Place, keys: PathBuf, since: u64) -> Self {
        Self { place, keys, since, tails: BTreeMap::new() }
    }

    /// Shows every record that was not shown yet and came before `until`, with what its number is beyond its index.
    ///
    /// # Errors
    /// When a journal or its keys can't be read; what was shown is not shown again.
    pub fn read(&mut self, until: u64, mut visit: impl FnMut(&Line, u64)) -> Result<(), Error> {
        let journals: Vec<_> = self.place.moment()?;
        let own = |place: &Place| place.postgres().is_none() || place.chain() != SHARED;
        let journals: Vec<_> = journals.into_iter().filter(|(place, _)| own(place)).collect();
        let keys = &self.keys;
        let ring = || Ring::load(keys).map_err(|error| Error::Key(Keys::from(error).to_string()));
        if let [(place, files)] = &*journals {
            let (base, tail) =
                (number(place, 0), self.tails.entry(place.name()).or_insert_with(|| Tail::new(self.since)));
            return tail.read(files, ring, until, |line| visit(&line, base));
        }
        // What is far behind is read day by day, so that little of it is held at a time.
        let behind = if self.tails.is_empty() { self.since } else { until.saturating_sub(SLICE) };
        let mut slice = behind.saturating_add(SLICE).min(until);
        loop {
            let mut lines = Vec::new();
            for (place, files) in &journals {
                let base = number(place, 0);
                let tail = self.tails.entry(place.name()).or_insert_with(|| Tail::new(self.since));
                tail.read(files, ring, slice, |line| lines.push((line, base)))?;
            }
            lines.sort_by_key(|(line, _)| line.time);
            for (line, base) in &lines {
                visit(line, *base);
            }
            if slice >= until {
                return Ok(());
            }
            slice = slice.saturating_add(SLICE).min(until);
        }
    }

    /// What could not be read so far.
    #[must_use]
    pub fn unread(&self) -> Unread {
        let mut all = Unread::default();
        for tail in self.tails.values() {
            all.destroyed += tail.unread().destroyed;
            all.locked += tail.unread().locked;
        }
        all
    }
}
