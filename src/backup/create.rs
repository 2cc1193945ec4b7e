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
    Error,
    content::{File, JOURNAL, List, SEAL, opens, ring},
    sealed::{Key, Sum, Writer},
};
use crate::journal::{
    Files as _,
    settings::Retention,
    snapshot::{self, Snapshot},
    verify::{Outside, Problem, Report, check},
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
    /// The key file that opens it, if it holds accounts.
    pub keys: Option<String>,
}

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The journal's folder, where one is kept.
    pub journal: Option<PathBuf>,
    /// How long its records can be read.
    pub retention: Retention,
    /// Keys and accounts.
    pub files: Vec<Source>,
}

/// What was made.
#[derive(Debug)]
pub struct Created {
    /// What the file is known by.
    pub sum: Sum,
    /// What is in it.
    pub list: List,
    /// What was found in the journal, where there is one.
    pub journal: Option<Report>,
}

type Bytes = Zeroizing<Vec<u8>>;

/// Writes a back-up of `sources` to `out`. Nothing is written before everything was looked at.
///
/// # Errors
/// When something can't be read, does not open with its keys, or the journal is not whole.
pub fn create(sources: &Sources, key: &Key, out: impl Write, now: SystemTime) -> Result<Created, Error> {
    let (small, journal) = look(sources, now)?;
    let report = journal.as_ref().map(|journal| checked(journal, &small)).transpose()?;
    staff(sources, &small)?;
    let mut files: Vec<File> = Vec::new();
    for source in &sources.files {
        if let Some(bytes) = small.get(&source.name) {
            let was = source.elsewhere.then(|| source.path.display().to_string());
            let (name, bytes) = (source.name.clone(), bytes.len() as u64);
            files.push(File { name, bytes, was, keys: source.keys.clone() });
        }
    }
    let of_journal = |name: &str, bytes| File { name: format!("{JOURNAL}{name}"), bytes, was: None, keys: None };
    if let Some(journal) = &journal {
        files.extend(journal.small().map(|(name, bytes)| of_journal(name, bytes.len() as u64)));
        files.extend(journal.segments().map(|(name, bytes)| of_journal(name, bytes)));
    }
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let list = List::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), &sources.retention, files);
    let mut writer = Writer::new(out, key)?;
    writer.put(&list.text()?)?;
    for file in &list.files {
        match (file.of_journal(), &journal) {
            (Some(name), Some(journal)) => writer.put(&journal.read(name).map_err(unreadable(&file.name))?)?,
            _ => writer.put(small.get(&file.name).map_or(&[][..], |bytes| bytes))?,
        }
    }
    Ok(Created { sum: writer.finish()?, list, journal: report })
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> Error {
    let name = name.to_owned();
    move |error| Error::File(name.clone(), error)
}

/// Everything at one moment: keys that seal data keys must not change in between.
fn look(sources: &Sources, now: SystemTime) -> Result<(BTreeMap<String, Bytes>, Option<Snapshot>), Error> {
    for _ in 0..ATTEMPTS {
        let before = small(sources)?;
        let take = |folder: &PathBuf| {
            // A missing folder must not pass for an empty journal.
            fs::read_dir(folder).and_then(|_| Snapshot::take(folder, &sources.retention, now))
        };
        let journal = sources.journal.as_ref().map(take).transpose().map_err(unreadable("the journal"))?;
        if small(sources)? == before {
            return Ok((before, journal));
        }
    }
    Err(Error::Changing)
}

fn small(sources: &Sources) -> Result<BTreeMap<String, Bytes>, Error> {
    let mut small = BTreeMap::new();
    for source in &sources.files {
        match fs::read(&source.path) {
            Ok(bytes) => small.insert(source.name.clone(), Zeroizing::new(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::File(source.path.display().to_string(), error)),
        };
    }
    Ok(small)
}

/// The journal as it will be in the back-up.
fn checked(journal: &Snapshot, small: &BTreeMap<String, Bytes>) -> Result<Report, Error> {
    let report = check(journal, Outside::default(), false).map_err(unreadable("the journal"))?;
    if let Some(problem) = report.problems.iter().find(|problem| !matches!(problem, Problem::Cut { .. })) {
        return Err(Error::Journal(problem.clone()));
    }
    let keys = small.get(SEAL).ok_or_else(|| Error::File(SEAL.to_owned(), io::ErrorKind::NotFound.into()))?;
    match snapshot::locked(journal, ring(SEAL, keys)?).map_err(unreadable("the journal"))? {
        0 => Ok(report),
        locked => Err(Error::Locked(locked)),
    }
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
