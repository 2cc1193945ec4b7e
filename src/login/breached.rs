//! Passwords that breaches have made public: a hint for the application, which may ask whoever has such a one for another.
//!
//! The operator supplies the list: a folder of range files (`ranges`), or one Bloom filter ([`Filter`]). A password is here as a
//! [`struct@Hash`], and for the moment of the look only. Where the list can't be read the attempt goes on without the hint, for it is no gate.

mod filter;
mod hash;
mod ranges;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

pub use self::{
    filter::{Filter, Invalid},
    hash::Hash,
};
use crate::common::meter::Counter;

/// Longest wait for a range file.
const PATIENCE: Duration = Duration::from_millis(250);
/// Range files that are read at once, a list; who comes meanwhile goes on without the hint.
const PLACES: usize = 16;

/// A list of breached passwords.
#[derive(Debug)]
pub(super) struct List {
    path: PathBuf,
    form: Form,
    places: Arc<Semaphore>,
    told: AtomicBool,
}

#[derive(Debug)]
enum Form {
    Filter(Filter),
    Ranges,
    Unusable,
}

/// Why nobody knows whether a password is listed. It names nothing of it.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error("the filter was not usable when it was read")]
    Unusable,
    #[error("too many range files are read at once")]
    Busy,
    #[error("a range file took too long")]
    Slow,
    #[error("a range file can't be read")]
    Unreadable(#[source] io::Error),
}

/// Looks by what they found.
#[derive(Debug, Default)]
pub struct Counts {
    /// Passwords that are listed.
    pub listed: Counter,
    /// Looks at a list that was not available.
    pub unavailable: Counter,
}

impl List {
    /// The list at `path`: a filter where it is a file, which is read as a whole, else a folder, whose files are read as they are needed.
    pub(super) fn open(path: &Path) -> Self {
        let (form, told) = match path.is_file().then(|| Filter::read(path)) {
            Some(Ok(filter)) => {
                tracing::info!(path = %path.display(), bytes = filter.bytes(), "a filter of breached passwords is in memory");
                (Form::Filter(filter), false)
            }
            Some(Err(error)) => {
                tracing::warn!(path = %path.display(), error = %error, "a filter of breached passwords can't be used");
                (Form::Unusable, true)
            }
            None => {
                if !path.is_dir() {
                    tracing::warn!(path = %path.display(), "there is no list of breached passwords");
                }
                (Form::Ranges, false)
            }
        };
        Self { path: path.to_owned(), form, places: Arc::new(Semaphore::new(PLACES)), told: told.into() }
    }

    /// Whether a password is listed; not where that can't be told, which is logged the first time.
    pub(super) async fn has(&self, hash: Hash, counts: &Counts) -> bool {
        match self.look(hash).await {
            Ok(listed) => {
                if listed {
                    counts.listed.increment();
                }
                listed
            }
            Err(why) => {
                counts.unavailable.increment();
                if !self.told.swap(true, Relaxed) {
                    let source = std::error::Error::source(&why).map(tracing::field::display);
                    tracing::warn!(path = %self.path.display(), why = %why, source, "no hint about a breached password; this is said once");
                }
                false
            }
        }
    }

    async fn look(&self, hash: Hash) -> Result<bool, Unavailable> {
        match &self.form {
            Form::Filter(filter) => Ok(filter.has(&hash)),
            Form::Unusable => Err(Unavailable::Unusable),
            Form::Ranges => {
                let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Unavailable::Busy)?;
                let folder = self.path.clone();
                let work = tokio::task::spawn_blocking(move || {
                    // It goes along: a read that nobody awaits any more still takes a place until it ends.
                    let _place = place;
                    ranges::has(&folder, &hash)
                });
                let read = tokio::time::timeout(PATIENCE, work).await.map_err(|_| Unavailable::Slow)?;
                read.map_err(io::Error::other).flatten().map_err(Unavailable::Unreadable)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_that_is_not_there_hinders_nobody_and_may_come_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let (counts, list) = (Counts::default(), List::open(&folder.path().join("ranges")));
        assert!(!list.has(Hash::of(b"password"), &counts).await);
        assert_eq!((counts.listed.value(), counts.unavailable.value()), (0, 1));
        std::fs::create_dir(folder.path().join("ranges")).expect("made");
        let line = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\r\n";
        std::fs::write(folder.path().join("ranges/5BAA6.txt"), line).expect("written");
        assert!(list.has(Hash::of(b"password"), &counts).await);
        assert_eq!((counts.listed.value(), counts.unavailable.value()), (1, 1));
    }

    #[tokio::test]
    async fn a_bounded_number_of_files_is_read_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (counts, list) = (Counts::default(), List::open(folder.path()));
        let all = Arc::clone(&list.places).try_acquire_many_owned(16).expect("free");
        assert!(matches!(list.look(Hash::of(b"x")).await, Err(Unavailable::Busy)));
        drop(all);
        assert!(!list.has(Hash::of(b"x"), &counts).await);
        assert_eq!(list.places.available_permits(), PLACES, "given back");
    }

    /// A file that never ends, as on a store that hangs: the attempt goes on, and the read takes its place until it is over.
    #[tokio::test]
    async fn a_file_that_never_comes_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("5BAA6");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
        let list = List::open(folder.path());
        assert!(matches!(list.look(Hash::of(b"password")).await, Err(Unavailable::Slow)));
        assert_eq!(list.places.available_permits(), PLACES - 1);
        drop(std::fs::OpenOptions::new().write(true).open(&pipe).expect("opened"));
        while list.places.available_permits() < PLACES {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn what_is_no_filter_gives_no_hint() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("filter");
        std::fs::write(&file, "not a filter").expect("written");
        let counts = Counts::default();
        assert!(!List::open(&file).has(Hash::of(b"password"), &counts).await);
        assert_eq!(counts.unavailable.value(), 1);
    }
}
