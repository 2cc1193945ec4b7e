//! A file replaced by its redacted text: as a whole or not at all, by one at a time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

use crate::format::coding::{Coding, Encoder};

/// A file on its way to be replaced. The original is untouched until the end; what is written beside it is redacted already.
pub(super) struct Replacement {
    path: PathBuf,
    draft: PathBuf,
    original: File,
    out: BufWriter<File>,
    encoder: Option<Encoder>,
    coded: Vec<u8>,
}

impl Replacement {
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        // A link stays a link: what it leads to is replaced.
        let path = fs::canonicalize(path).context("can't be found")?;
        let original = OpenOptions::new().read(true).write(true).open(&path).context("can't be opened for writing")?;
        let about = original.metadata()?;
        if !about.is_file() {
            bail!("is no regular file");
        }
        if flock(&original, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("is locked by another process: try again when that has ended");
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let draft = path.with_file_name(format!(".{name}.privet-{}", std::process::id()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .context("no file can be made beside it")?;
        let replacement = Self {
            path,
            draft,
            original,
            out: BufWriter::with_capacity(1 << 18, file),
            encoder: None,
            coded: Vec::new(),
        };
        let file = replacement.out.get_ref();
        // Another's file stays another's, where we may give files away.
        if fchown(file, Some(about.uid()), Some(about.gid())).is_ok() || about.uid() == file.metadata()?.uid() {
            file.set_permissions(fs::Permissions::from_mode(about.mode() & 0o7777))?;
        }
        Ok(replacement)
    }

    /// The original, to be read.
    pub(super) fn original(&self) -> io::Result<File> {
        self.original.try_clone()
    }

    /// Has the new text compressed as the old was.
    pub(super) fn code_as(&mut self, coding: Option<Coding>) {
        self.encoder = coding.map(Encoder::new);
    }

    /// Puts the new file in the place of the old.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        if let Some(mut encoder) = self.encoder.take() {
            self.coded.clear();
            encoder.finish(&mut self.coded)?;
            self.out.write_all(&self.coded)?;
        }
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(&self.draft, &self.path).context("can't be replaced")?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.draft);
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            None => self.out.write_all(bytes)?,
            Some(encoder) => {
                self.coded.clear();
                encoder.push(bytes, &mut self.coded).map_err(io::Error::other)?;
                self.out.write_all(&self.coded)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
