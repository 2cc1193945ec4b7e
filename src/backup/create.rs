//! Makes a back-up, while a gateway runs as well.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::{
    Error, Reports,
    content::{File, List, SEAL, Which, opens, ring},
    sealed::{Key, Sum, Writer},
};
use crate::{
    journal::{
        Files as _, Place,
        settings::Retention,
        snapshot::{self, Snapshot},
        verify::{Outside, check},
    },
    seal::{keys, settings::variable},
};

/// Looks at keys that are being changed.
const ATTEMPTS: usize = 3;

/// A file besides the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it belongs in a data folder.
    pub name: String,
    /// Where it is; it is passed over where there is none.
    pub path: PathBuf,
    /// Whether that is not where it belongs by default.
    pub elsewhere: bool,
    /// The key file that opens it, if one does.
    pub keys: Option<String>,
}

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Where the journal is, where one is kept. It may stand for several.
    pub journal: Option<Place>,
    /// How long its records can be read.
    pub retention: Retention,
    /// Keys, accounts, and who has agreed to what.
    pub files: Vec<Source>,
}

/// What was made.
#[derive(Debug)]
pub struct Created {
    /// What the file is known by.
    pub sum: Sum,
    /// What is in it.
    pub list: List,
    /// What was found in the journals.
    pub journals: Reports,
}

type Bytes = Zeroizing<Vec<u8>>;
type Journals = BTreeMap<Which, Snapshot>;

/// Writes a back-up of `sources` to `out`. Nothing is written before everything was looked at.
///
/// # Errors
/// When something can't be read, does not open with its keys, or the journal is not whole.
pub fn create(sources: &Sources, key: &Key, out: impl Write, now: SystemTime) -> Result<Created, Error> {
    let (small, journals) = look(sources, now)?;
    let reports = checked(&journals, &small)?;
    staff(sources, &small)?;
    let mut files: Vec<File> = Vec::new();
    for source in &sources.files {
        if let Some(bytes) = small.get(&source.name) {
            let was = source.elsewhere.then(|| source.path.display().to_string());
            let (name, bytes) = (source.name.clone(), bytes.len() as u64);
            files.push(File { name, bytes, was, keys: source.keys.clone() });
        }
    }
    let file = |which, name: &str, bytes| File { name: format!("{which}/{name}"), bytes, was: None, keys: None };
    for (which, journal) in &journals {
        files.extend(journal.small().map(|(name, bytes)| file(which, name, bytes.len() as u64)));
    }
    for (which, journal) in &journals {
        files.extend(journal.segments().map(|(name, bytes)| file(which, name, bytes)));
    }
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let list = List::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), &sources.retention, files);
    list.sound()?;
    let mut writer = Writer::new(out, key)?;
    writer.put(&list.text()?)?;
    for file in &list.files {
        match file.of_journal().and_then(|(which, name)| Some((journals.get(&which)?, name))) {
            Some((journal, name)) => writer.put(&journal.read(name).map_err(unreadable(&file.name))?)?,
            None => writer.put(small.get(&file.name).map_or(&[][..], |bytes| bytes))?,
        }
    }
    Ok(Created { sum: writer.finish()?, list, journals: reports })
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> Error + use<> {
    let name = name.to_owned();
    move |error| Error::File(name.clone(), error)
}

/// Everything at one moment: keys that seal data keys must not change in between.
fn look(sources: &Sources, now: SystemTime) -> Result<(BTreeMap<String, Bytes>, Journals), Error> {
    for _ in 0..ATTEMPTS {
        let before = small(sources)?;
        let journals = match &sources.journal {
            Some(place) => taken(place, &sources.retention, now).map_err(unreadable("the journal"))?,
            None => Journals::new(),
        };
        if small(sources)? == before {
            return Ok((before, journals));
        }
    }
    Err(Error::Changing)
}

fn taken(place: &Place, retention: &Retention, now: SystemTime) -> io::Result<Journals> {
    let mut journals = Journals::new();
    for (number, (one, files)) in place.moment()?.into_iter().enumerate() {
        let which = match &one {
            Place::Database { .. } => Which::Chain(one.chain()),
            Place::Folder(_) if place.is_many() => Which::Folder(u16::try_from(number + 1).map_err(io::Error::other)?),
            Place::Folder(_) => Which::One,
        };
        journals.insert(which, Snapshot::take(files, retention, now)?);
    }
    // A place where nothing is must not pass for an empty journal.
    if journals.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(journals) }
}

fn small(sources: &Sources) -> Result<BTreeMap<String, Bytes>, Error> {
    let mut small = BTreeMap::new();
    for source in &sources.files {
        let read = match variable(&source.path) {
            Some(_) => keys::read(&source.path).map(|text| Zeroizing::new(text.as_bytes().to_vec())),
            None => fs::read(&source.path).map(Zeroizing::new),
        };
        match read {
            Ok(bytes) => small.insert(source.name.clone(), bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::File(source.path.display().to_string(), error)),
        };
    }
    Ok(small)
}

/// The journals as they will be in the back-up.
fn checked(journals: &Journals, small: &BTreeMap<String, Bytes>) -> Result<Reports, Error> {
    let mut reports = Reports::default();
    for (which, journal) in journals {
        let unreadable = unreadable(&which.to_string());
        reports.0.push((*which, check(journal, Outside::default(), false).map_err(&unreadable)?));
        reports.fit()?;
        let keys = small.get(SEAL).ok_or_else(|| Error::File(SEAL.to_owned(), io::ErrorKind::NotFound.into()))?;
        match snapshot::locked(journal, ring(SEAL, keys)?).map_err(&unreadable)? {
            0 => {}
            locked => return Err(Error::Locked(locked)),
        }
        for (name, bytes) in journal.small().filter(|(name, _)| snapshot::is_beside(name)) {
            if !opens(bytes, &ring(SEAL, keys)?) {
                return Err(Error::Staff(format!("{which}/{name}")));
            }
        }
    }
    Ok(reports)
}

fn staff(sources: &Sources, small: &BTreeMap<String, Bytes>) -> Result<(), Error> {
    for source in &sources.files {
        let (Some(accounts), Some(keys)) = (small.get(&source.name), &source.keys) else { continue };
        let bytes = small.get(keys).ok_or_else(|| Error::Staff(source.name.clone()))?;
        if !opens(accounts, &ring(keys, bytes)?) {
            return Err(Error::Staff(source.name.clone()));
        }
    }
    Ok(())
}
