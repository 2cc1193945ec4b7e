//! The end of a journal, looked at without reading all of it: its last file, and what it was last signed for.

use std::io;

use super::{
    checkpoint::Verifier,
    disk::{Files, read_if_any},
    open::{CHECKPOINT, VERIFIER},
    place::Place,
    segment::{self, Chain, is_torn},
    verify::Problem,
};

/// What was found there.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// Records, going by the number of the last whole one.
    pub records: u64,
    /// The time of that one, in milliseconds since 1970.
    pub last: Option<u64>,
    /// What is wrong. That nothing is here does not say that nothing is elsewhere.
    pub problems: Vec<Problem>,
}

/// Looks at it. Where a gateway writes, a torn end is what it is just writing.
///
/// # Errors
/// When it can't be read.
pub fn look(place: &Place) -> io::Result<Ending> {
    let files = place.files()?;
    // First, so that no record that it covers is missing from what is read after it.
    let (signed, mut problems) = signed(&files)?;
    let mut ending = Ending::default();
    let segments = segment::list(&files)?;
    // The last may have been made just now, and hold nothing.
    for (number, segment) in segments.iter().enumerate().rev().take(2) {
        let bytes = files.read(&segment.name)?;
        let mut chain = Chain { next: segment.first, previous: None };
        let mut last = None;
        let bad = chain.follow(&bytes, |_, entry| last = Some(entry.place.time));
        if let Some(bad) = bad {
            let (segment, at) = (segment.name.clone(), bad.at as u64);
            let torn = number + 1 == segments.len() && is_torn(&bytes, &bad);
            problems.push(if torn {
                Problem::Torn { index: bad.index, segment, at, bytes: bytes.len() as u64 - at }
            } else {
                Problem::Damaged { index: bad.index, segment, at, why: bad.why }
            });
        }
        ending.records = ending.records.max(chain.next);
        ending.last = ending.last.or(last);
        if ending.last.is_some() {
            break;
        }
    }
    if let Some(size) = signed.filter(|size| *size > ending.records) {
        problems.push(Problem::Behind { outside: false, size });
    }
    ending.problems = problems;
    Ok(ending)
}

/// How many records its own checkpoint covers, where there is one.
fn signed(files: &impl Files) -> io::Result<(Option<u64>, Vec<Problem>)> {
    let Some(note) = read_if_any(files, CHECKPOINT)? else { return Ok((None, Vec::new())) };
    let Some(key) = read_if_any(files, VERIFIER)? else { return Ok((None, vec![Problem::Gone(VERIFIER)])) };
    let broken = |name, error| Ok((None, vec![Problem::File { name: Some(name), error }]));
    match Verifier::parse(&String::from_utf8_lossy(&key)) {
        Err(error) => broken(VERIFIER, error),
        Ok(key) => match key.check(&note) {
            Err(error) => broken(CHECKPOINT, error),
            Ok(checkpoint) => Ok((Some(checkpoint.size), Vec::new())),
        },
    }
}
