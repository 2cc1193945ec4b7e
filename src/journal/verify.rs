//! Whether a journal is what was written: without a gateway, and without any secret.

use std::{fmt, io, path::Path};

use super::{
    checkpoint::{self, Checkpoint, Verifier},
    disk::{Disk, Folder, read_if_any},
    hold,
    kind::Class,
    open::{CHECKPOINT, VERIFIER, genesis},
    segment::{self, Chain, Segment, Why, is_torn},
    tree::{Frontier, Hash},
};

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A record is not what was written; the first one.
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
    /// The last file ends within what was being written when the process or the machine ended.
    Torn {
        /// The record that is not there.
        index: u64,
        /// The file.
        segment: String,
        /// Offset in it.
        at: u64,
        /// Bytes from there on.
        bytes: u64,
    },
    /// Such an end was cut off before this record, which tells of it.
    Cut {
        /// Which.
        index: u64,
        /// When, in milliseconds since 1970.
        time: u64,
    },
    /// A file can't be used.
    File {
        /// Which; `None` is the outside checkpoint.
        name: Option<&'static str>,
        /// Why.
        error: checkpoint::Error,
    },
    /// A file that must be there is not.
    Gone(&'static str),
    /// There are fewer records than a checkpoint says.
    Behind {
        /// Whether the checkpoint was kept outside.
        outside: bool,
        /// Records that it says.
        size: u64,
    },
    /// The first records are not those that a checkpoint was signed for: some of them were replaced, with all hashes after them.
    Rewritten {
        /// Whether the checkpoint was kept outside.
        outside: bool,
        /// Records that it covers.
        size: u64,
    },
    /// The outside key is not the journal's.
    OtherKey,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = |outside: &bool| if *outside { "the outside checkpoint" } else { "its own checkpoint" };
        match self {
            Self::Damaged { index, segment, at, why } => {
                write!(f, "record {index} is the first bad one, in {segment} at byte {at}: {why}")
            }
            Self::Torn { index, segment, at, bytes } => write!(
                f,
                "the end is torn: {bytes} bytes at byte {at} of {segment} are no record {index}; a gateway that starts cuts them off"
            ),
            Self::Cut { index, .. } => {
                write!(f, "record {index} tells of a torn end that was cut off before it")
            }
            Self::File { name, error } => write!(f, "{}: {error}", name.unwrap_or("the outside checkpoint")),
            Self::Gone(name) => write!(f, "{name} is missing"),
            Self::Behind { outside, size } => {
                write!(f, "records are missing at the end: {} says that there were {size}", whose(outside))
            }
            Self::Rewritten { outside, size } => {
                write!(f, "the first {size} records are not those that {} was signed for", whose(outside))
            }
            Self::OtherKey => write!(f, "checkpoint.pub is not the key that was given"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The key that checks signatures, where it could be read.
    pub verifier: Option<String>,
    /// Files.
    pub segments: usize,
    /// Records, up to the first bad one.
    pub records: u64,
    /// Of each class.
    pub classes: [u64; Class::ALL.len()],
    /// Root over them.
    pub root: Hash,
    /// Times of the first and the last, in milliseconds since 1970.
    pub span: Option<(u64, u64)>,
    /// Records that the journal's own checkpoint covers.
    pub signed: Option<u64>,
    /// Records that the outside checkpoint covers.
    pub witnessed: Option<u64>,
    /// The first record that no outside checkpoint covers, and its time.
    pub unwitnessed: Option<(u64, u64)>,
    /// Torn ends that were cut off, and that the outside checkpoint covers: whoever took it has seen them.
    pub known_cuts: Vec<u64>,
    /// Whether a gateway was writing, so that what was under way is left out.
    pub running: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// What vouches from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outside<'a> {
    /// A checkpoint that was kept elsewhere.
    pub checkpoint: Option<&'a [u8]>,
    /// The key, as it was noted elsewhere.
    pub verifier: Option<&'a Verifier>,
}

/// Reads the whole journal of a folder.
///
/// # Errors
/// When it can't be read.
pub fn verify(folder: &Path, outside: Outside<'_>) -> io::Result<Report> {
    // Who is told of a folder that is none should not hear that all is well.
    std::fs::read_dir(folder)?;
    check(&Folder::new(folder), outside, hold::is_held(folder)?)
}

/// A checkpoint whose root is to be met on the way.
struct Expected {
    outside: bool,
    checkpoint: Checkpoint,
    met: bool,
}

pub(super) fn check(disk: &impl Disk, outside: Outside<'_>, running: bool) -> io::Result<Report> {
    let mut report = Report { running, ..Report::default() };
    // Before the records: those of a running gateway grow meanwhile.
    let (key, mut expected) = expected(disk, outside, &mut report)?;
    let segments = segment::list(disk)?;
    report.segments = segments.len();
    if key.is_none() && !(segments.is_empty() && report.problems.is_empty()) {
        report.problems.push(Problem::Gone(VERIFIER));
    }
    let signed = expected.iter().map(|expected| expected.checkpoint.size).max().unwrap_or(0);
    let mut walk = Walk {
        chain: Chain { next: 0, previous: key.map(|key| genesis(key.origin())) },
        frontier: Frontier::default(),
        witnessed: expected.iter().find(|one| one.outside).map_or(0, |one| one.checkpoint.size),
        cuts: Vec::new(),
    };
    for (number, segment) in segments.iter().enumerate() {
        let last = number + 1 == segments.len();
        if !walk.segment(disk, segment, last, signed, &mut expected, &mut report)? {
            break;
        }
    }
    report.records = walk.frontier.size();
    report.root = walk.frontier.root();
    let damaged = report.problems.iter().any(|problem| matches!(problem, Problem::Damaged { .. }));
    for Expected { outside, checkpoint, .. } in expected.iter().filter(|one| !one.met && one.checkpoint.size > 0) {
        if checkpoint.size > walk.frontier.size() && !damaged {
            report.problems.push(Problem::Behind { outside: *outside, size: checkpoint.size });
        }
    }
    for (index, time) in walk.cuts {
        if index < walk.witnessed {
            report.known_cuts.push(index);
        } else {
            report.problems.push(Problem::Cut { index, time });
        }
    }
    Ok(report)
}

/// The key, and the checkpoints that can be believed.
fn expected(
    disk: &impl Disk,
    outside: Outside<'_>,
    report: &mut Report,
) -> io::Result<(Option<Verifier>, Vec<Expected>)> {
    let mut expected = Vec::new();
    let mut wrong = |name, error| report.problems.push(Problem::File { name, error });
    let note = read_if_any(disk, CHECKPOINT)?;
    let Some(key) = read_if_any(disk, VERIFIER)? else { return Ok((None, expected)) };
    let parsed = std::str::from_utf8(&key).map_err(|_| checkpoint::Error::Key).and_then(Verifier::parse);
    let key = match parsed {
        Ok(key) if outside.verifier.is_some_and(|known| *known != key) => {
            report.problems.push(Problem::OtherKey);
            return Ok((Some(key), expected));
        }
        Ok(key) => key,
        Err(error) => {
            wrong(Some(VERIFIER), error);
            return Ok((None, expected));
        }
    };
    for (name, note) in [(Some(CHECKPOINT), note.as_deref()), (None, outside.checkpoint)] {
        match note.map(|note| key.check(note)) {
            Some(Ok(checkpoint)) => expected.push(Expected { outside: name.is_none(), checkpoint, met: false }),
            Some(Err(error)) => wrong(name, error),
            None => {}
        }
    }
    report.verifier = Some(key.text());
    let size = |outside| expected.iter().find(|one| one.outside == outside).map(|one| one.checkpoint.size);
    (report.signed, report.witnessed) = (size(false), size(true));
    Ok((Some(key), expected))
}

struct Walk {
    chain: Chain,
    frontier: Frontier,
    witnessed: u64,
    cuts: Vec<(u64, u64)>,
}

impl Walk {
    /// Reads one file; whether the next can be read.
    fn segment(
        &mut self,
        disk: &impl Disk,
        segment: &Segment,
        last: bool,
        signed: u64,
        expected: &mut [Expected],
        report: &mut Report,
    ) -> io::Result<bool> {
        let name = || segment.name.clone();
        if segment.first != self.chain.next {
            let missing = Problem::Damaged { index: self.chain.next, segment: name(), at: 0, why: Why::Missing };
            report.problems.push(missing);
            return Ok(false);
        }
        let bytes = disk.read(&segment.name)?;
        let (frontier, cuts, witnessed) = (&mut self.frontier, &mut self.cuts, self.witnessed);
        let bad = self.chain.follow(&bytes, |_, entry| {
            let place = entry.place;
            frontier.push(entry.hash());
            report.classes[place.class as usize] += 1;
            report.span = Some((report.span.map_or(place.time, |(first, _)| first), place.time));
            if place.index == witnessed {
                report.unwitnessed = Some((place.index, place.time));
            }
            if place.cut {
                cuts.push((place.index, place.time));
            }
            for one in expected.iter_mut().filter(|one| one.checkpoint.size == frontier.size()) {
                one.met = true;
                if one.checkpoint.root != frontier.root() {
                    let size = one.checkpoint.size;
                    report.problems.push(Problem::Rewritten { outside: one.outside, size });
                }
            }
        });
        let Some(bad) = bad else { return Ok(true) };
        let at = bad.at as u64;
        let problem = if last && bad.index >= signed && is_torn(&bytes, &bad) {
            Problem::Torn { index: bad.index, segment: name(), at, bytes: bytes.len() as u64 - at }
        } else {
            Problem::Damaged { index: bad.index, segment: name(), at, why: bad.why }
        };
        // What a running gateway is writing at this moment is not there yet.
        if !(report.running && matches!(problem, Problem::Torn { .. })) {
            report.problems.push(problem);
        }
        Ok(false)
    }
}
