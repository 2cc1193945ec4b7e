//! Reads a back-up. Its journal is read as any other is, without a byte of it on disk.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    io::{self, BufReader},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    Error,
    content::{JOURNAL, List, SEAL, opens, ring},
    sealed::{Key, Reader, Sum},
};
use crate::journal::{
    Files,
    snapshot::{inside, is_segment, locked},
    verify::{Outside, Problem, Report, check},
};

/// What was found in a back-up.
#[derive(Debug)]
pub struct Checked {
    /// What the file is known by.
    pub sum: Sum,
    /// What is in it.
    pub list: List,
    /// What was found in its journal, where it has one.
    pub journal: Option<Report>,
}

impl Checked {
    /// What makes it unfit to be brought back. A torn end that was cut off and told of does not.
    #[must_use]
    pub fn unfit(&self) -> Option<&Problem> {
        let problems = self.journal.iter().flat_map(|report| &report.problems);
        problems.into_iter().find(|problem| !matches!(problem, Problem::Cut { .. }))
    }
}

/// A back-up that is being read, in its order.
pub struct Archive {
    list: List,
    small: BTreeMap<String, Zeroizing<Vec<u8>>>,
    stream: RefCell<Stream>,
}

struct Stream {
    reader: Reader<BufReader<fs::File>>,
    /// Number of the next file.
    next: usize,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Archive({} files)", self.list.files.len())
    }
}

impl Archive {
    /// Reads what comes before the segments.
    ///
    /// # Errors
    /// When it is no back-up, or does not open.
    pub fn open(path: &Path, key: &Key) -> Result<Self, Error> {
        let file = fs::File::open(path).map_err(|error| Error::File(path.display().to_string(), error))?;
        let mut reader = Reader::new(BufReader::new(file), key)?;
        let list = List::read(&mut reader)?;
        let mut small = BTreeMap::new();
        for file in list.files.iter().filter(|file| !file.is_segment()) {
            small.insert(file.name.clone(), Zeroizing::new(take(&mut reader, file.bytes).map_err(Error::read)?));
        }
        let next = small.len();
        if next + list.files.iter().filter(|file| file.is_segment()).count() != list.files.len() {
            return Err(Error::Shape("a file is in its list twice"));
        }
        Ok(Self { list, small, stream: RefCell::new(Stream { reader, next }) })
    }

    /// What is in it.
    #[must_use]
    pub fn list(&self) -> &List {
        &self.list
    }

    /// The bytes of a file. Segments can be had once, in their order.
    ///
    /// # Errors
    /// When there is no such file, or it does not open.
    pub fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.small.get(name) {
            return Ok(bytes.to_vec());
        }
        let stream = &mut *self.stream.borrow_mut();
        let file = self.list.files.get(stream.next).filter(|file| file.name == name);
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        stream.next += 1;
        take(&mut stream.reader, file.bytes)
    }

    /// Reads the rest; what the file is known by.
    ///
    /// # Errors
    /// When the rest does not open, or is not the end.
    pub fn finish(self) -> Result<Sum, Error> {
        let Stream { mut reader, next } = self.stream.into_inner();
        for file in &self.list.files[next..] {
            take(&mut reader, file.bytes).map_err(Error::read)?;
        }
        reader.finish()
    }

    /// Whether keys and accounts are what they were, and data keys open.
    fn keys(&self) -> Result<(), Error> {
        for file in self.list.files.iter().filter(|file| file.holds_accounts()) {
            let keys = file.keys.as_deref().unwrap_or(SEAL);
            let wrong = || Error::Staff(file.name.clone());
            let bytes = self.small.get(keys).ok_or_else(wrong)?;
            let accounts = self.small.get(&file.name).ok_or_else(wrong)?;
            if !opens(accounts, &ring(keys, bytes)?) {
                return Err(wrong());
            }
        }
        if self.has_journal() {
            let bytes = self.small.get(SEAL).ok_or(Error::Shape("the keys of its journal are missing"))?;
            match locked(self, ring(SEAL, bytes)?).map_err(Error::read)? {
                0 => {}
                locked => return Err(Error::Locked(locked)),
            }
        }
        Ok(())
    }

    /// Whether there is a journal in it.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.list.files.iter().any(|file| file.of_journal().is_some())
    }
}

/// So many bytes.
fn take(source: &mut impl io::Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut out = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    source.read_exact(&mut out)?;
    Ok(out)
}

impl Files for Archive {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let names = self.list.files.iter().filter_map(|file| inside(folder, file.of_journal()?));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        debug_assert!(!name.is_empty() && (is_segment(name) || !name.starts_with('.')));
        self.bytes(&format!("{JOURNAL}{name}"))
    }
}

/// Proves a back-up, without a byte of it on disk: that it opens to its end, that accounts and data keys open with the keys in it, and that
/// its journal is what was written.
///
/// # Errors
/// When it is no back-up, or does not open. What is wrong with the journal is in the report.
pub fn verify(path: &Path, key: &Key, outside: Outside<'_>) -> Result<Checked, Error> {
    let archive = Archive::open(path, key)?;
    archive.keys()?;
    let journal = archive.has_journal().then(|| check(&archive, outside, false));
    let journal = journal.transpose().map_err(Error::read)?;
    let list = archive.list.clone();
    Ok(Checked { sum: archive.finish()?, list, journal })
}
