//! Whether a journal is what was written: without a gateway, and without any secret.

use std::{collections::BTreeMap, fmt, io};

use super::{
    checkpoint::{self, Checkpoint, Verifier},
    disk::{Files, read_if_any},
    kind::Class,
    open::{CHECKPOINT, VERIFIER, genesis},
    place::Place,
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
    /// Records that the newest outside checkpoint covers.
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
    /// Checkpoints that were kept elsewhere, one or many, as a witness keeps them.
    pub checkpoint: Option<&'a [u8]>,
    /// The key, as it was noted elsewhere.
    pub verifier: Option<&'a Verifier>,
}

/// Reads a whole journal.
///
/// # Errors
/// When it can't be read.
pub fn verify(place: &Place, outside: Outside<'_>) -> io::Result<Report> {
    check(&place.files()?, outside, place.is_held()?)
}

/// Checkpoints whose roots are to be met on the way, by their sizes.
type Expected = BTreeMap<u64, Vec<(bool, Hash)>>;

/// Reads a whole journal, wherever its files are. `running` says that its end may be under way.
///
/// # Errors
/// When it can't be read.
pub fn check(disk: &impl Files, outside: Outside<'_>, running: bool) -> io::Result<Report> {
    let mut report = Report { running, ..Report::default() };
    // Before the records: those of a running gateway grow meanwhile.
    let (key, expected) = expected(disk, outside, &mut report)?;
    let segments = segment::list(disk)?;
    report.segments = segments.len();
    if key.is_none() && !(segments.is_empty() && report.problems.is_empty()) {
        report.problems.push(Problem::Gone(VERIFIER));
    }
    let signed = expected.keys().last().copied().unwrap_or(0);
    let mut walk = Walk {
        chain: Chain { next: 0, previous: key.map(|key| genesis(key.origin())) },
        frontier: Frontier::default(),
        witnessed: report.witnessed.unwrap_or(0),
        cuts: Vec::new(),
    };
    for (number, segment) in segments.iter().enumerate() {
        let last = number + 1 == segments.len();
        if !walk.segment(disk, segment, last, signed, &expected, &mut report)? {
            break;
        }
    }
    report.records = walk.frontier.size();
    report.root = walk.frontier.root();
    let damaged = report.problems.iter().any(|problem| matches!(problem, Problem::Damaged { .. }));
    for (size, ones) in expected.range(walk.frontier.size() + 1..).filter(|_| !damaged) {
        let missing = ones.iter().map(|(outside, _)| Problem::Behind { outside: *outside, size: *size });
        report.problems.extend(missing);
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
fn expected(disk: &impl Files, outside: Outside<'_>, report: &mut Report) -> io::Result<(Option<Verifier>, Expected)> {
    let mut expected = Expected::new();
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
    match note.map(|note| key.check(&note)) {
        Some(Ok(own)) => {
            report.signed = Some(own.size);
            expected.entry(own.size).or_default().push((false, own.root));
        }
        Some(Err(error)) => wrong(Some(CHECKPOINT), error),
        None => {}
    }
    match outside.checkpoint.map(|text| kept(&key, text)) {
        Some(Ok(kept)) => {
            report.witnessed = kept.iter().map(|one| one.size).max();
            for one in kept {
                let ones = expected.entry(one.size).or_default();
                if !ones.contains(&(true, one.root)) {
                    ones.push((true, one.root));
                }
            }
        }
        Some(Err(error)) => wrong(None, error),
        None => {}
    }
    report.verifier = Some(key.text());
    Ok((Some(key), expected))
}

/// The checkpoints of this log that a witness holds, which may hold those of others as well.
fn kept(key: &Verifier, text: &[u8]) -> Result<Vec<Checkpoint>, checkpoint::Error> {
    let (mut kept, mut other) = (Vec::new(), checkpoint::Error::Shape);
    for note in checkpoint::notes(text) {
        match key.check(note.as_bytes()) {
            Ok(one) => kept.push(one),
            Err(error @ checkpoint::Error::Origin) => other = error,
            Err(error) => return Err(error),
        }
    }
    if kept.is_empty() { Err(other) } else { Ok(kept) }
}

/// The root over the first `size` records; `None` where there are not so many whole ones.
pub(super) fn root_at(disk: &impl Files, size: u64) -> io::Result<Option<Hash>> {
    let mut chain = Chain { next: 0, previous: None };
    let (mut frontier, mut root) = (Frontier::default(), None);
    for segment in segment::list(disk)? {
        if segment.first != chain.next {
            break;
        }
        let bad = chain.follow(&disk.read(&segment.name)?, |_, entry| {
            if frontier.size() < size {
                frontier.push(entry.hash());
            }
        });
        if frontier.size() == size {
            root = Some(frontier.root());
        }
        if root.is_some() || bad.is_some() {
            break;
        }
    }
    Ok(root)
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
        disk: &impl Files,
        segment: &Segment,
        last: bool,
        signed: u64,
        expected: &Expected,
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
            let Some(ones) = expected.get(&frontier.size()) else { return };
            let root = frontier.root();
            for (outside, _) in ones.iter().filter(|(_, expected)| *expected != root) {
                report.problems.push(Problem::Rewritten { outside: *outside, size: frontier.size() });
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
