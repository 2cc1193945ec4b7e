//! How a journal begins again: where its end is, and what to do with one that was torn.

use std::io;

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    checkpoint::{self, Checkpoint, Signer},
    disk::{Disk, Files, read_if_any},
    key::{self, Keys},
    segment::{self, Bad, Chain, Segment, Why, is_torn},
    tree::{Frontier, Hash, hex},
};
use crate::common::lock_file;

/// The newest signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The frontier of the same tree, from which it goes on without reading all of it again.
pub(super) const FRONTIER: &str = "frontier";
/// What signs.
pub(super) const SIGNER: &str = "checkpoint.key";
/// What checks signatures.
pub const VERIFIER: &str = "checkpoint.pub";
/// What is being cut off, until the record of it is on disk.
pub(super) const CUT: &str = "cut";

/// Why a journal can't be written to. Nothing that is in it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes it.
    #[error("the journal is being written by another process")]
    Locked(#[source] lock_file::Error),
    /// The disk refuses.
    #[error("the journal can't be read or written")]
    Io(#[from] io::Error),
    /// A record that was on disk for certain is not what it was.
    #[error(
        "record {index} of the journal is damaged, in {segment} at byte {at}: {why}. Nothing is written behind it: \
         move the folder aside, or bring it back from a back-up; `privet audit verify` tells more"
    )]
    Damaged {
        /// The first such record.
        index: u64,
        /// Its file.
        segment: String,
        /// Offset in it.
        at: u64,
        /// What is wrong with it.
        why: Why,
    },
    /// Records that were signed for are missing at the end.
    #[error("the journal ends with {found} records, and a signed checkpoint says that there were {signed}")]
    Behind {
        /// Records that are there.
        found: u64,
        /// Records that were.
        signed: u64,
    },
    /// The records are not those that were signed for.
    #[error("the first {0} records of the journal are not those that its checkpoint was signed for")]
    Rewritten(u64),
    /// A checkpoint or its key can't be used.
    #[error("{name} in the journal's folder can't be used")]
    Checkpoint {
        /// Its file.
        name: &'static str,
        /// Why.
        #[source]
        source: checkpoint::Error,
    },
    /// The key that signs is gone.
    #[error(
        "checkpoint.key is missing in the journal's folder, and there are records: bring it back, or move the folder aside"
    )]
    NoSigner,
    /// What signs opens with no key of the ring.
    #[error(
        "the journal was begun with another `seal.key_file`: all gateways of a database need the same keys, and a key that was replaced stays in the file as an older line"
    )]
    OtherKeys,
    /// A data key can't be used.
    #[error("a data key of the journal can't be used: {0}")]
    Key(String),
}

impl Error {
    /// Whether another process writes it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Locked(_)) || matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl From<key::Error> for Error {
    fn from(error: key::Error) -> Self {
        match error {
            key::Error::Io(error) => Self::Io(error),
            error => Self::Key(error.to_string()),
        }
    }
}

/// Where the next entry goes.
#[derive(Debug)]
pub(super) struct Tail {
    /// The file that is written, where there is one.
    pub(super) segment: Option<String>,
    /// Its length.
    pub(super) length: u64,
    pub(super) frontier: Frontier,
    pub(super) previous: Hash,
}

/// What was cut off a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) segment: String,
    pub(super) at: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A journal that can go on.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) signer: Signer,
    pub(super) tail: Tail,
    /// Records that are signed for.
    pub(super) signed: u64,
    /// What is still to be told.
    pub(super) cut: Option<Cut>,
}

/// The hash that the first entry follows.
pub(super) fn genesis(origin: &str) -> Hash {
    digest::digest(&digest::SHA256, origin.as_bytes()).as_ref().try_into().unwrap_or_default()
}

/// Finds the end. Cuts a torn one off.
pub(super) fn open(disk: &mut impl Disk, keys: &Keys) -> Result<Opened, Error> {
    let segments = segment::list(disk)?;
    let signer = signer(disk, keys, segments.is_empty())?;
    let known = checkpoint(disk, &signer)?;
    let start = known.as_ref().and_then(|checkpoint| frontier(disk, checkpoint)).unwrap_or_default();
    let (tail, torn) = read(disk, &segments, start, known.as_ref(), &signer)?;
    let cut = match torn {
        Some(cut) => {
            // Said before it is done: a process that is killed in between still tells of it.
            disk.replace(CUT, &serde_json::to_vec(&cut).map_err(io::Error::from)?)?;
            disk.truncate(&cut.segment, cut.at)?;
            Some(cut)
        }
        // One that can't be read was never written whole, so nothing was cut for it.
        None => read_if_any(disk, CUT)?.and_then(|text| serde_json::from_slice(&text).ok()),
    };
    Ok(Opened { signer, tail, signed: known.map_or(0, |checkpoint| checkpoint.size), cut })
}

fn signer(disk: &mut impl Disk, keys: &Keys, new: bool) -> Result<Signer, Error> {
    let wrong = |source| Error::Checkpoint { name: SIGNER, source };
    let signer = match read_if_any(disk, SIGNER)? {
        Some(bytes) => {
            let bytes = Zeroizing::new(bytes);
            let text = if disk.is_private() { bytes } else { keys.open(&bytes).map_err(|_| Error::OtherKeys)? };
            std::str::from_utf8(&text).map_err(|_| checkpoint::Error::Key).and_then(Signer::parse).map_err(wrong)?
        }
        None if new => {
            let signer = Signer::random().map_err(wrong)?;
            let text = signer.text();
            let sealed = (!disk.is_private()).then(|| keys.seal(text.as_bytes())).transpose()?;
            disk.replace(SIGNER, sealed.as_deref().unwrap_or(text.as_bytes()))?;
            signer
        }
        None => return Err(Error::NoSigner),
    };
    let public = signer.verifier().text() + "\n";
    if read_if_any(disk, VERIFIER)?.is_none_or(|text| text != public.as_bytes()) {
        disk.replace(VERIFIER, public.as_bytes())?;
    }
    Ok(signer)
}

fn checkpoint(disk: &impl Files, signer: &Signer) -> Result<Option<Checkpoint>, Error> {
    let check = |note: Vec<u8>| signer.verifier().check(&note);
    let checked = read_if_any(disk, CHECKPOINT)?.map(check).transpose();
    checked.map_err(|source| Error::Checkpoint { name: CHECKPOINT, source })
}

/// The kept frontier, where it is that of the checkpoint's tree: its root tells.
fn frontier(disk: &impl Files, checkpoint: &Checkpoint) -> Option<Frontier> {
    let text = String::from_utf8(read_if_any(disk, FRONTIER).ok()??).ok()?;
    let decode = |line: &str| BASE64_STANDARD.decode(line).ok()?.try_into().ok();
    let peaks = text.lines().map(decode).collect::<Option<Vec<Hash>>>()?;
    Frontier::of(checkpoint.size, peaks).filter(|frontier| frontier.root() == checkpoint.root)
}

/// The frontier as it is kept.
pub(super) fn frontier_text(frontier: &Frontier) -> String {
    frontier.peaks().iter().fold(String::new(), |text, peak| text + &BASE64_STANDARD.encode(peak) + "\n")
}

/// Reads on from the file where the frontier `start` ends.
fn read(
    disk: &impl Files,
    segments: &[Segment],
    start: Frontier,
    known: Option<&Checkpoint>,
    signer: &Signer,
) -> Result<(Tail, Option<Cut>), Error> {
    // The file of the last entry that is signed for: the next one follows its hash.
    let from = segments.iter().rposition(|segment| segment.first < start.size()).unwrap_or(0);
    let genesis = genesis(signer.verifier().origin());
    let first = if from == 0 { 0 } else { segments[from].first };
    let mut chain = Chain { next: first, previous: (first == 0).then_some(genesis) };
    let mut tail = Tail { segment: None, length: 0, frontier: start, previous: genesis };
    let signed = known.map_or(0, |known| known.size);
    let mut torn = None;
    for (number, segment) in segments.iter().enumerate().skip(from) {
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
        let mut rewritten = false;
        let bad = chain.follow(&bytes, |_, entry| {
            if entry.place.index == tail.frontier.size() {
                tail.frontier.push(entry.hash());
                let signed = known.filter(|known| known.size == tail.frontier.size());
                rewritten |= signed.is_some_and(|known| known.root != tail.frontier.root());
            }
        });
        if rewritten {
            return Err(Error::Rewritten(signed));
        }
        let mut length = bytes.len();
        if let Some(bad) = bad {
            let last = number + 1 == segments.len();
            if !last || bad.index < signed || !is_torn(&bytes, &bad) {
                return Err(damaged(bad));
            }
            length = bad.at;
            let lost = &bytes[length..];
            let sha256 = hex(digest::digest(&digest::SHA256, lost).as_ref());
            torn = Some(Cut { segment: segment.name.clone(), at: length as u64, bytes: lost.len() as u64, sha256 });
        }
        tail.segment = Some(segment.name.clone());
        tail.length = length as u64;
    }
    if chain.next < signed {
        return Err(Error::Behind { found: chain.next, signed });
    }
    tail.previous = chain.previous.unwrap_or(genesis);
    Ok((tail, torn))
}
