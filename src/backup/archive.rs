//! Reads a back-up. Its journals are read as any other is, without a byte of them on disk.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    io::{self, BufReader, Read as _},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    Error, Reports,
    content::{List, SEAL, Which, opens, ring},
    sealed::{Key, Reader, Sum},
};
use crate::journal::{
    Files,
    snapshot::{inside, is_segment, locked},
    verify::{Outside, check},
};

/// What was found in a back-up.
#[derive(Debug)]
pub struct Checked {
    /// What the file is known by.
    pub sum: Sum,
    /// What is in it.
    pub list: List,
    /// What was found in its journals.
    pub journals: Reports,
}

/// What vouches from outside for one journal of a back-up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vouched<'a> {
    /// What does.
    pub outside: Outside<'a>,
    /// The number of the journal that it is of, where there are several.
    pub chain: Option<u16>,
}

impl<'a> Vouched<'a> {
    /// What it says of each journal in `list`.
    fn by_journal(&self, list: &List) -> Result<Vec<(Which, Outside<'a>)>, Error> {
        let mut all: Vec<(Which, Outside<'a>)> =
            list.journals().into_iter().map(|which| (which, Outside::default())).collect();
        if self.outside.checkpoint.is_none() && self.outside.verifier.is_none() {
            return Ok(all);
        }
        let alone = all.len() == 1 && self.chain.is_none();
        let of = all.iter_mut().find(|(which, _)| alone || (which.number().is_some() && which.number() == self.chain));
        match of {
            Some((_, outside)) => *outside = self.outside,
            None => return Err(Error::Which(all.iter().map(|(which, _)| which.to_string()).collect())),
        }
        Ok(all)
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

    /// The bytes of a file. Segments can be had once, in their order; those that are passed over are gone.
    ///
    /// # Errors
    /// When there is no such file, or it does not open.
    pub fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.small.get(name) {
            return Ok(bytes.to_vec());
        }
        let stream = &mut *self.stream.borrow_mut();
        let rest = &self.list.files[stream.next..];
        let at = rest.iter().position(|file| file.name == name).ok_or(io::ErrorKind::NotFound)?;
        for file in &rest[..at] {
            pass(&mut stream.reader, file.bytes)?;
        }
        stream.next += at + 1;
        take(&mut stream.reader, rest[at].bytes)
    }

    /// Reads the rest; what the file is known by.
    ///
    /// # Errors
    /// When the rest does not open, or is not the end.
    pub fn finish(self) -> Result<Sum, Error> {
        let Stream { mut reader, next } = self.stream.into_inner();
        for file in &self.list.files[next..] {
            pass(&mut reader, file.bytes).map_err(Error::read)?;
        }
        reader.finish()
    }

    /// Whether keys and accounts are what they were, and data keys open.
    fn keys(&self) -> Result<(), Error> {
        for file in self.list.files.iter().filter(|file| file.is_sealed()) {
            let keys = file.keys.as_deref().unwrap_or(SEAL);
            let wrong = || Error::Staff(file.name.clone());
            let bytes = self.small.get(keys).ok_or_else(wrong)?;
            let sealed = self.small.get(&file.name).ok_or_else(wrong)?;
            if !opens(sealed, &ring(keys, bytes)?) {
                return Err(wrong());
            }
        }
        for which in self.list.journals() {
            let bytes = self.small.get(SEAL).ok_or(Error::Shape("the keys of its journal are missing"))?;
            match locked(&self.journal(which), ring(SEAL, bytes)?).map_err(Error::read)? {
                0 => {}
                locked => return Err(Error::Locked(locked)),
            }
        }
        Ok(())
    }

    fn journal(&self, which: Which) -> Journal<'_> {
        Journal { archive: self, which }
    }
}

/// So many bytes.
fn take(source: &mut impl io::Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut out = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    source.read_exact(&mut out)?;
    Ok(out)
}

/// So many bytes that nobody looks at.
fn pass(source: &mut impl io::Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut source.take(bytes), &mut io::sink())? {
        passed if passed == bytes => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// One of its journals.
struct Journal<'a> {
    archive: &'a Archive,
    which: Which,
}

impl Files for Journal<'_> {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let names = self.archive.list.files.iter().filter_map(|file| {
            let (which, name) = file.of_journal()?;
            if which == self.which { inside(folder, name) } else { None }
        });
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        debug_assert!(!name.is_empty() && (is_segment(name) || !name.starts_with('.')));
        self.archive.bytes(&format!("{}/{name}", self.which))
    }
}

/// Proves a back-up, without a byte of it on disk: that it opens to its end, that accounts and data keys open with the keys in it, and that
/// its journals are what was written.
///
/// # Errors
/// When it is no back-up, does not open, or what vouches is of none of its journals. What is wrong with a journal is in its report.
pub fn verify(path: &Path, key: &Key, vouched: Vouched<'_>) -> Result<Checked, Error> {
    let archive = Archive::open(path, key)?;
    archive.keys()?;
    let mut journals = Reports::default();
    for (which, outside) in vouched.by_journal(&archive.list)? {
        let report = check(&archive.journal(which), outside, false).map_err(Error::read)?;
        journals.0.push((which, report));
    }
    let list = archive.list.clone();
    Ok(Checked { sum: archive.finish()?, list, journals })
}
