//! Who has agreed to what, as pseudonyms. The state is a fold over the journal; a sealed snapshot beside it says where to begin, so that
//! a start does not read everything, and consent outlives the records of it.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::Value;

use super::subject::{Subject, Subjects};
use crate::{
    common::replace::replace,
    journal::{
        self, Class, Files as _, Follow, Kind, Record, Stream,
        search::{self, Filter, Line},
        tree::Hash,
    },
    seal::{self, Opener, Ring, Sealer, keys, stream},
};

/// Most subjects of a record.
pub const MOST: usize = 4096;
/// The snapshot's name in the data folder.
pub const NAME: &str = "consent.sealed";
const MAGIC: &[u8] = b"privet consent 1\n";

/// Why it is not known who has agreed. Nobody has, then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key file can't be used.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// The journal can't be read.
    #[error("consent can't be read from the journal")]
    Journal(#[from] search::Error),
    /// Records can't be opened.
    #[error("{0} records of the journal are sealed by a key that is not in the key file, and may speak of consent")]
    Locked(u64),
    /// The snapshot can't be read or written.
    #[error("the snapshot {name} can't be used")]
    Snapshot {
        /// Which.
        name: Snapshot,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The snapshot does not open, or holds something else.
    #[error("the snapshot {} is damaged or sealed by another key; remove it, and consent is read from the journal alone", .0)]
    Damaged(Snapshot),
    /// The snapshot is not of this journal.
    #[error("the snapshot {0} is not of this journal; restore both together, or remove it")]
    Foreign(Snapshot),
}

/// Where consent is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The journal.
    pub journal: journal::Place,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The ring.
    pub key_file: PathBuf,
}

/// Where the snapshot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// In a file.
    File(PathBuf),
    /// In the database, beside the chain that all gateways share.
    Beside,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Beside => write!(f, "{NAME} in the database"),
        }
    }
}

/// Where a change came from, as records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A file of many.
    Import,
    /// A command.
    Command,
    /// An application's form.
    Form,
    /// An address of an application's that is asked.
    Endpoint,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Import, Self::Command, Self::Form, Self::Endpoint];

    /// As records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Command => "command",
            Self::Form => "form",
            Self::Endpoint => "endpoint",
        }
    }

    /// The source of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// How it stands with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether they have agreed, or have withdrawn.
    pub agreed: bool,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// The record that says so.
    pub index: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Table {
    purposes: HashMap<Box<str>, HashMap<Subject, Standing>>,
    /// The last record that was taken in.
    last: Option<(u64, Hash)>,
}

/// Who has agreed.
pub struct Consents {
    table: RwLock<Table>,
    fingerprint: u64,
    changed: AtomicBool,
    /// Records of the journal whose subjects are named by another key.
    foreign: u64,
}

impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consents")
    }
}

impl Consents {
    /// Reads the snapshot, where there is one, and the journal from there on.
    ///
    /// # Errors
    /// When something can't be read; nobody may be taken to have agreed then.
    pub fn load(place: &Place) -> Result<Self, Error> {
        let ring = Ring::load(&place.key_file)?;
        let fingerprint = Subjects::of(&ring).fingerprint();
        let mut table = restore(place, &ring, fingerprint)?.unwrap_or_default();
        // The last record that the snapshot knows must be there still, unless its key is destroyed.
        let (known, mut foreign, mut seen) = (table.last, 0, false);
        let filter = Filter {
            class: Some(Class::Grants),
            kind: Some("consent".to_owned()),
            from: known.map_or(0, |(index, _)| index),
            ..Filter::default()
        };
        let outcome = search::search(&place.journal, ring, &filter, |line| {
            match known {
                Some((index, hash)) if line.index == index => seen = line.hash == hash,
                _ => foreign += u64::from(!table.take(&line, fingerprint)),
            }
            true
        });
        let unread = match outcome {
            Err(search::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => search::Unread::default(),
            outcome => outcome?,
        };
        if known.is_some() && !seen && unread == search::Unread::default() {
            return Err(Error::Foreign(place.snapshot.clone()));
        }
        if unread.locked > 0 {
            return Err(Error::Locked(unread.locked));
        }
        Ok(Self { table: RwLock::new(table), fingerprint, changed: AtomicBool::new(false), foreign })
    }

    /// Whether somebody has agreed to be worked with for `purpose`, and has not withdrawn.
    #[must_use]
    pub fn has(&self, purpose: &str, subject: &Subject) -> bool {
        self.standing(purpose, subject).is_some_and(|standing| standing.agreed)
    }

    /// How it stands with somebody; none where nothing is known.
    #[must_use]
    pub fn standing(&self, purpose: &str, subject: &Subject) -> Option<Standing> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.purposes.get(purpose)?.get(subject).copied()
    }

    /// How many have agreed, and how many have withdrawn.
    #[must_use]
    pub fn count(&self, purpose: &str) -> (usize, usize) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let Some(people) = table.purposes.get(purpose) else { return (0, 0) };
        let agreed = people.values().filter(|standing| standing.agreed).count();
        (agreed, people.len() - agreed)
    }

    /// What tells the key of its names from another.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// How many records speak of people by names of another key: somebody has taken the ring's oldest epoch out.
    #[must_use]
    pub fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Writes down that people have agreed, or have withdrawn. It holds when this answers, for the next request on.
    ///
    /// # Errors
    /// When it is not on disk; what was before in `people` by [`MOST`] is.
    pub async fn change(
        &self,
        stream: &Stream,
        purpose: &str,
        people: &[Subject],
        agreed: bool,
        source: Source,
    ) -> Result<(), journal::Error> {
        for some in people.chunks(MOST) {
            let record = record(purpose, some, agreed, source, self.fingerprint);
            let (receipts, outcome) = stream.append(&[record], None).await;
            outcome?;
            let receipt = receipts.first().copied().ok_or(journal::Error::Closed)?;
            let standing = Standing { agreed, since: receipt.time, index: receipt.index };
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            table.set(purpose, some.iter().copied(), standing);
            if table.last.is_none_or(|(index, _)| index < receipt.index) {
                table.last = Some((receipt.index, receipt.hash));
            }
            drop(table);
            self.changed.store(true, Relaxed);
        }
        Ok(())
    }

    /// Writes a snapshot, where something has changed since the last.
    ///
    /// # Errors
    /// When it can't be written; the old one and the journal say the same together.
    pub fn save(&self, place: &Place, stream: &Stream) -> Result<(), Error> {
        if !self.changed.swap(false, Relaxed) {
            return Ok(());
        }
        let saved = self.write(place, stream);
        if saved.is_err() {
            self.changed.store(true, Relaxed);
        }
        saved
    }

    /// Takes in what another gateway has written.
    fn follow(&self, line: &Line) {
        if !line.kind.starts_with("consent.") {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.last.is_some_and(|(index, _)| line.index <= index) {
            return;
        }
        let ours = table.take(line, self.fingerprint);
        drop(table);
        self.changed.store(true, Relaxed);
        if !ours {
            tracing::error!(
                record = line.index,
                "consent was given under a key that is not in the key file; it counts for nothing"
            );
        }
    }

    fn write(&self, place: &Place, stream: &Stream) -> Result<(), Error> {
        let ring = Ring::load(&place.key_file)?;
        let plain = self.table.read().unwrap_or_else(PoisonError::into_inner).bytes(self.fingerprint);
        let failed = |source| Error::Snapshot { name: place.snapshot.clone(), source };
        let sealed = sealed(&plain, &ring).map_err(|error| failed(io::Error::other(error)))?;
        match &place.snapshot {
            Snapshot::File(path) => replace(path, 0o600, &sealed).map_err(failed),
            Snapshot::Beside => stream.keep(NAME, sealed).map_err(failed),
        }
    }
}

/// The record of a change.
fn record(purpose: &str, people: &[Subject], agreed: bool, source: Source, fingerprint: u64) -> Record {
    let kind = if agreed { Kind::ConsentGiven } else { Kind::ConsentWithdrawn };
    let subjects: Vec<String> = people.iter().map(Subject::text).collect();
    let fields = [
        ("purpose", purpose.into()),
        ("source", source.name().into()),
        ("key", format!("{fingerprint:016x}").into()),
        ("subjects", subjects.into()),
    ];
    Record::new(kind, fields)
}

impl Table {
    /// Takes a record in; whether its names are by our key.
    fn take(&mut self, line: &Line, fingerprint: u64) -> bool {
        let agreed = line.kind == Kind::ConsentGiven.name();
        if !agreed && line.kind != Kind::ConsentWithdrawn.name() {
            return true;
        }
        self.last = Some((line.index, line.hash));
        let text = |name: &str| line.body.get(name).and_then(Value::as_str);
        if text("key") != Some(&format!("{fingerprint:016x}")) {
            return false;
        }
        let people = line.body.get("subjects").and_then(Value::as_array).into_iter().flatten();
        let people = people.filter_map(|one| one.as_str().and_then(Subject::parse));
        self.set(text("purpose").unwrap_or_default(), people, Standing { agreed, since: line.time, index: line.index });
        true
    }

    /// The later record holds, in whatever order they come.
    fn set(&mut self, purpose: &str, people: impl Iterator<Item = Subject>, standing: Standing) {
        if !self.purposes.contains_key(purpose) {
            self.purposes.insert(purpose.into(), HashMap::new());
        }
        let Some(known) = self.purposes.get_mut(purpose) else { return };
        for one in people {
            let entry = known.entry(one).or_insert(standing);
            if entry.index < standing.index {
                *entry = standing;
            }
        }
    }

    /// As it is sealed.
    fn bytes(&self, fingerprint: u64) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(fingerprint.to_be_bytes());
        let (index, hash) = self.last.unwrap_or_default();
        out.extend(index.to_be_bytes());
        out.extend(hash);
        for (purpose, people) in &self.purposes {
            // Keys of purposes are short.
            out.push(u8::try_from(purpose.len()).unwrap_or(u8::MAX));
            out.extend(purpose.bytes().take(255));
            out.extend((people.len() as u64).to_be_bytes());
            for (subject, standing) in people {
                out.extend(subject.0);
                out.push(standing.agreed.into());
                out.extend(standing.since.to_be_bytes());
                out.extend(standing.index.to_be_bytes());
            }
        }
        out
    }

    /// From what was sealed.
    fn parse(bytes: &[u8], fingerprint: u64) -> Option<Self> {
        let mut rest = Rest(bytes.strip_prefix(MAGIC)?);
        let known = rest.number()?;
        let last = Some((rest.number()?, rest.array()?));
        if known != fingerprint {
            return None;
        }
        let mut table = Self { purposes: HashMap::new(), last };
        while !rest.0.is_empty() {
            let length = usize::from(rest.array::<1>()?[0]);
            let (purpose, others) = rest.0.split_at_checked(length)?;
            rest.0 = others;
            let count = usize::try_from(rest.number()?).ok()?;
            let mut people = HashMap::with_capacity(count.min(rest.0.len() / 33));
            for _ in 0..count {
                let subject = Subject(rest.array()?);
                let agreed = rest.array::<1>()?[0] == 1;
                people.insert(subject, Standing { agreed, since: rest.number()?, index: rest.number()? });
            }
            table.purposes.insert(std::str::from_utf8(purpose).ok()?.into(), people);
        }
        Some(table)
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

fn sealed(plain: &[u8], ring: &Ring) -> Result<Vec<u8>, stream::Error> {
    let mut out = Vec::with_capacity(plain.len() + 1024);
    let mut sealer = Sealer::new(ring, seal::Purpose::Consent)?;
    for part in plain.chunks(stream::LONGEST) {
        sealer.seal(part, &mut out)?;
    }
    sealer.finish(&mut out)?;
    Ok(out)
}

/// What the snapshot says; `None` where there is none.
fn restore(place: &Place, ring: &Ring, fingerprint: u64) -> Result<Option<Table>, Error> {
    let name = &place.snapshot;
    let read = match name {
        Snapshot::File(path) => fs::read(path),
        Snapshot::Beside => place.journal.files().and_then(|files| files.read(NAME)),
    };
    let sealed = match read {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Snapshot { name: name.clone(), source }),
    };
    let opened = || -> Result<Vec<u8>, stream::Error> {
        let mut opener = Opener::new(&sealed[..], ring, seal::Purpose::Consent)?;
        let (mut plain, mut buffer) = (Vec::with_capacity(sealed.len()), Vec::new());
        while let Some(part) = opener.next(&mut buffer)? {
            plain.extend_from_slice(part);
        }
        Ok(plain)
    };
    let table = opened().ok().and_then(|plain| Table::parse(&plain, fingerprint));
    table.map(Some).ok_or_else(|| Error::Damaged(name.clone()))
}

/// The consents of a process, and the journal that changes of them are written to.
#[derive(Debug)]
pub struct Desk {
    /// Who has agreed.
    pub consents: Consents,
    /// Where changes are written, and those of other gateways come from.
    pub stream: Stream,
    /// Where consent is kept.
    pub place: Place,
}

impl Desk {
    /// Reads who has agreed, and follows who does.
    ///
    /// # Errors
    /// When it can't be known.
    pub fn open(stream: Stream, place: Place) -> Result<Arc<Self>, Error> {
        let consents = Consents::load(&place)?;
        let next = consents.table.read().unwrap_or_else(PoisonError::into_inner).last.map_or(0, |(index, _)| index + 1);
        let desk = Arc::new(Self { consents, stream, place });
        let follower: Weak<dyn Follow> = Arc::downgrade(&desk) as _;
        desk.stream.follow(follower, next);
        Ok(desk)
    }

    /// Writes a snapshot, where something has changed since the last.
    ///
    /// # Errors
    /// As [`Consents::save`].
    pub fn save(&self) -> Result<(), Error> {
        self.consents.save(&self.place, &self.stream)
    }
}

impl Follow for Desk {
    fn take(&self, line: &Line) {
        self.consents.follow(line);
    }

    fn reached(&self, _: u64) {}
}
