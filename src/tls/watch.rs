//! Files and what was read of them: looked at again, and kept when what is new can't be used.

use std::path::{Path, PathBuf};

use crate::common::stamp::Stamps;

/// Something read from files, what the files looked like, and what went wrong since.
#[derive(Debug, Clone)]
pub(super) struct Watched<T> {
    /// The last good state.
    pub(super) value: T,
    stamps: Stamps,
    // Failures reported since the last good state; not empty means that the files now are bad.
    reported: Vec<String>,
}

/// What looking again came to.
#[derive(Debug)]
pub(super) enum Look<T, E> {
    /// As before, or as bad as was already reported.
    Nothing,
    /// Read anew; here is what was there before.
    Replaced(T),
    /// Bad in a way not yet reported; the last good state stays.
    Failed(E),
}

/// A writer that replaces two files may be met between them: worth one more look at once.
const LOOKS: usize = 3;

impl<T> Watched<T> {
    /// Reads the files for the first time.
    pub(super) fn load<E>(files: &[PathBuf], read: impl Fn() -> Result<T, E>) -> Result<Self, E> {
        let (result, stamps) = settled(files, read);
        Ok(Self { value: result?, stamps, reported: Vec::new() })
    }

    /// Files that are read at the first look, and `value` until then.
    pub(super) fn unread(value: T, files: &[PathBuf]) -> Self {
        // Counts as a failure that was reported already.
        Self { value, stamps: Stamps::take(files.iter().cloned()), reported: vec![String::new()] }
    }

    /// Reads the files again where they have changed, or were bad when last read.
    pub(super) fn look<E: std::error::Error>(&mut self, read: impl Fn() -> Result<T, E>) -> Look<T, E> {
        if self.reported.is_empty() && !self.stamps.are_stale() {
            return Look::Nothing;
        }
        let (result, stamps) = settled(&self.stamps.files(), read);
        self.stamps = stamps;
        match result {
            Ok(value) => {
                self.reported.clear();
                Look::Replaced(std::mem::replace(&mut self.value, value))
            }
            Err(error) if self.reports(&error) => Look::Failed(error),
            Err(_) => Look::Nothing,
        }
    }

    /// Notes a failure; whether it is a new one since the last good state. The files are read
    /// again at the next look.
    pub(super) fn reports(&mut self, error: &impl std::error::Error) -> bool {
        let text = error.to_string();
        let new = !self.reported.contains(&text);
        if new {
            self.reported.push(text);
        }
        new
    }

    /// The files.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.stamps.files()
    }

    /// The first of the files.
    pub(super) fn first(&self) -> &Path {
        self.stamps.first().unwrap_or(Path::new(""))
    }

    /// Whether the files are other than when last read.
    pub(super) fn is_stale(&self) -> bool {
        self.stamps.are_stale()
    }
}

/// Reads until the files stand still, a few times at most.
fn settled<T, E>(files: &[PathBuf], read: impl Fn() -> Result<T, E>) -> (Result<T, E>, Stamps) {
    let mut looks = 0;
    loop {
        let stamps = Stamps::take(files.iter().cloned());
        let result = read();
        looks += 1;
        if looks == LOOKS || !stamps.are_stale() {
            return (result, stamps);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, os::unix::fs::symlink};

    use tempfile::TempDir;

    use std::fs;

    use super::*;
    use crate::dial::testing::put;

    #[test]
    fn renames_swaps_writes_and_removals_are_seen() {
        let dir = TempDir::new().unwrap();
        let file = put(dir.path(), "one", "a");
        let link = dir.path().join("link");
        symlink(&file, &link).unwrap();
        let take = || Stamps::take([link.clone()]);

        let then = take();
        assert!(!then.are_stale());
        fs::rename(put(dir.path(), "two", "a"), &file).unwrap();
        assert!(then.are_stale());

        let then = take();
        symlink(put(dir.path(), "three", "a"), dir.path().join("new")).unwrap();
        fs::rename(dir.path().join("new"), &link).unwrap();
        assert!(then.are_stale());

        let then = take();
        put(dir.path(), "three", "longer");
        assert!(then.are_stale());

        let then = take();
        fs::remove_file(&link).unwrap();
        assert!(then.are_stale());
        assert!(!take().are_stale());
    }

    #[test]
    fn a_bad_state_is_reported_once_and_tried_at_every_look() {
        let dir = TempDir::new().unwrap();
        let file = put(dir.path(), "one", "good");
        let read = || match fs::read_to_string(&file)? {
            text if text.starts_with("good") => Ok(text),
            text => Err(io::Error::other(text)),
        };
        let mut watched = Watched::load(std::slice::from_ref(&file), read).unwrap();
        assert!(matches!(watched.look(read), Look::Nothing));
        put(dir.path(), "one", "bad one");
        assert!(matches!(watched.look(read), Look::Failed(_)));
        assert!(matches!(watched.look(read), Look::Nothing));
        put(dir.path(), "one", "bad, too");
        assert!(matches!(watched.look(read), Look::Failed(_)));
        assert_eq!(watched.value, "good");
        // The same file untouched, read well at last: a permission given, say.
        assert!(matches!(
            watched.look(|| Ok::<_, io::Error>("good 2".to_owned())),
            Look::Replaced(before) if before == "good"
        ));
        assert_eq!(watched.value, "good 2");
    }
}
