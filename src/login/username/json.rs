//! A member of JSON.

use super::{
    name::folded,
    unreadable::Unreadable,
    wanted::{Found, Wanted},
};
use crate::format::{Path, Shape, Visitor, json::Json};

/// Adds what the JSON in `body` says.
pub(super) fn read(body: &[u8], wanted: Wanted<'_>, found: &mut Found) -> Result<(), Unreadable> {
    std::str::from_utf8(body).map_err(|_| Unreadable::Charset)?;
    let mut seeker = Seeker { wanted, found, names: 0, values: 0 };
    let mut reader = Json::new(&mut seeker);
    let mut out = Vec::new();
    let read = reader.push(body, &mut out).and_then(|()| reader.finish(&mut out));
    // It may hold the password.
    out.fill(0);
    read.map_err(|_| Unreadable::Malformed)?;
    // A list or an object in the place of a text is read in many ways.
    let odd = seeker.names > 1 || seeker.names != seeker.values;
    found.odd |= odd;
    Ok(())
}

struct Seeker<'a> {
    wanted: Wanted<'a>,
    found: &'a mut Found,
    /// Members at the place, and plain values there.
    names: usize,
    values: usize,
}

impl Seeker<'_> {
    fn is_here(&self, at: &Path) -> bool {
        match self.wanted {
            Wanted::Json(place) => {
                let mut segments = at.segments();
                place.len() == at.depth()
                    && place.iter().all(|name| segments.next().is_some_and(|s| folded(s) == folded(name.as_bytes())))
            }
            // The element of a list is called `*`, which is no usual name.
            _ => at.segments().last().is_some_and(|name| self.wanted.is_field(name)),
        }
    }
}

impl Visitor for Seeker<'_> {
    fn field(&mut self, at: &Path, value: &[u8], _: Shape, _: &mut Vec<u8>) -> bool {
        if self.is_here(at) {
            self.values += 1;
            self.found.add(value);
        }
        false
    }

    fn name(&mut self, at: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
        self.names += usize::from(self.is_here(at));
        false
    }

    fn part(&mut self, at: &Path, _: &[u8], _: &mut Vec<u8>) {
        // Longer than any username is.
        self.found.odd |= self.is_here(at);
    }

    fn end(&mut self, _: &Path, _: &mut Vec<u8>) {}
}
