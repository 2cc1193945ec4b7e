//! Where the journal lies: named files in one folder, or in a back-up of one. A test's disk loses what was not synced, and fails where it is told to.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The folder of data keys.
pub(super) const KEYS: &str = "keys";

/// A journal's files, to be read. Names are relative, of the journal's own making.
pub trait Files {
    /// Names in `folder`, in order; none where there is no such folder.
    ///
    /// # Errors
    /// When it can't be read.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// A whole file.
    ///
    /// # Errors
    /// When it is not there, or can't be read.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// How long it is.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.read(name)?.len() as u64)
    }

    /// The rest of a file, from this place on.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn read_from(&self, name: &str, at: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.read(name)?;
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        bytes.drain(..at);
        Ok(bytes)
    }
}

/// What writing asks of a disk besides.
pub(super) trait Disk: Files + Send + 'static {
    /// Makes an empty file; it is still there after a loss of power.
    fn create(&mut self, name: &str) -> io::Result<()>;

    /// Writes at a place of a file that is there.
    fn write(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until what was written to a file, and how long it is, is still there after a loss of power.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Cuts a file, and syncs it.
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;

    /// Puts a file in the place of another, whole or not at all, also at a loss of power.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Overwrites a file and removes it; no wrong if there is none.
    fn destroy(&mut self, name: &str) -> io::Result<()>;

    /// Whether nobody reads it but whom the system's own rights let: else what signs is sealed there.
    fn is_private(&self) -> bool {
        true
    }

    /// Whether somebody else writes it by now, and another one was taken: nothing goes on before the end of that one was looked for.
    fn has_moved(&self) -> bool {
        false
    }

    /// Its end is about to be looked for.
    fn settle(&mut self) {}

    /// The chain of a database that it is.
    fn chain(&self) -> Option<u16> {
        None
    }
}

impl<F: Files + ?Sized> Files for Box<F> {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        (**self).list(folder)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        (**self).read(name)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        (**self).length(name)
    }

    fn read_from(&self, name: &str, at: u64) -> io::Result<Vec<u8>> {
        (**self).read_from(name, at)
    }
}

/// What is in a file; `None` where there is none.
pub(super) fn read_if_any(disk: &impl Files, name: &str) -> io::Result<Option<Vec<u8>>> {
    match disk.read(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// A folder of the system.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The file written last.
    open: Option<(String, File)>,
}

impl Folder {
    /// To be read alone.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None }
    }

    /// To be written: made with mode 0700 where it is missing.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path.join(KEYS))?;
        Ok(Self::new(path))
    }

    fn file(&mut self, name: &str) -> io::Result<&File> {
        if self.open.as_ref().is_none_or(|(known, _)| known != name) {
            let file = OpenOptions::new().write(true).open(self.path.join(name))?;
            self.open = Some((name.to_owned(), file));
        }
        self.open.as_ref().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        File::open(path.parent().unwrap_or(&self.path))?.sync_all()
    }
}

impl Files for Folder {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(self.path.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries?,
        };
        for entry in entries {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(name))?.len())
    }

    fn read_from(&self, name: &str, at: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path.join(name))?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Disk for Folder {
    fn create(&mut self, name: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).open(self.path.join(name))?.sync_all()?;
        self.sync_folder(name)
    }

    fn write(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, at)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        // Opened anew: what went wrong may lie in the descriptor.
        self.open = None;
        let file = self.file(name)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        let beside = self.path.join(format!("{name}.new"));
        let mut options = OpenOptions::new();
        let written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written?;
        self.sync_folder(name)
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        let length = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => usize::try_from(found?.len()).unwrap_or(usize::MAX),
        };
        // Of use where the file system writes in place; removing is what counts.
        let _ = OpenOptions::new().write(true).open(&path).and_then(|file| {
            file.write_all_at(&vec![0; length.min(1 << 20)], 0)?;
            file.sync_all()
        });
        fs::remove_file(&path)?;
        self.sync_folder(name)
    }
}
