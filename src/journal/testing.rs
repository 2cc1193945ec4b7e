//! A disk for tests: it loses what was not synced, tears what is being written, and fails where it is told to.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::disk::{Disk, Files};

#[derive(Debug, Clone, Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, File>,
    /// Changes so far.
    calls: u64,
    /// The error of changes from this one on, as long as it is there.
    fails: Option<(u64, io::ErrorKind)>,
    /// Bytes that a write puts down before it fails.
    torn: usize,
    /// Bytes that find room.
    room: Option<u64>,
    /// What was done.
    log: Vec<String>,
}

/// Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing goes on until this is dropped.
    pub(super) fn hold(&self) -> impl Drop + '_ {
        Held { _state: self.state() }
    }

    /// Every change from the one of this number on fails, after `torn` bytes were written.
    pub(super) fn fail_from(&self, call: u64, kind: io::ErrorKind, torn: usize) {
        let mut state = self.state();
        state.fails = Some((call, kind));
        state.torn = torn;
    }

    /// All is well again.
    pub(super) fn mend(&self) {
        let mut state = self.state();
        state.fails = None;
        state.room = None;
    }

    /// So many bytes in all find room.
    pub(super) fn limit(&self, room: u64) {
        self.state().room = Some(room);
    }

    /// How many changes there were.
    pub(super) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// What was done, in order.
    pub(super) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// What is left after a loss of power: what was synced, and of what was written since the first `kept` bytes.
    pub(super) fn after_power_loss(&self, kept: usize) -> Self {
        let state = self.state();
        let survive = |file: &File| {
            let same = file.synced.len().min(file.now.len());
            let mut bytes = file.synced.clone();
            let more = file.now.get(same..).unwrap_or_default();
            bytes.extend_from_slice(&more[..more.len().min(kept)]);
            File { now: bytes.clone(), synced: bytes }
        };
        let files = state.files.iter().map(|(name, file)| (name.clone(), survive(file))).collect();
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    /// An independent copy of everything.
    pub(super) fn copy(&self) -> Self {
        let files = self.state().files.clone();
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    /// Changes bytes behind the journal's back.
    pub(super) fn tamper<T>(&self, name: &str, change: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut state = self.state();
        let file = state.files.entry(name.to_owned()).or_default();
        let outcome = change(&mut file.now);
        file.synced = file.now.clone();
        outcome
    }

    /// Takes a file away behind the journal's back.
    pub(super) fn lose(&self, name: &str) {
        self.state().files.remove(name);
    }

    fn change<T>(&self, what: String, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        state.calls += 1;
        state.log.push(what);
        if let Some((_, kind)) = state.fails.filter(|(from, _)| state.calls >= *from) {
            return Err(kind.into());
        }
        change(&mut state)
    }
}

struct Held<'a> {
    _state: MutexGuard<'a, State>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {}
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = |name: &String| match folder {
            "" => Some(name.clone()).filter(|name| !name.contains('/')),
            _ => name.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned),
        };
        Ok(state.files.keys().filter_map(inside).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.state().files.get(name).map(|file| file.now.clone()).ok_or_else(missing)
    }
}

impl Disk for Memory {
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.change(format!("create {name}"), |state| {
            state.files.insert(name.to_owned(), File::default());
            Ok(())
        })
    }

    fn write(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let torn = self.state().torn;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let put = |state: &mut State, bytes: &[u8]| {
            let file = state.files.get_mut(name).ok_or_else(missing)?;
            assert!(at <= file.now.len(), "no holes");
            let end = (at + bytes.len()).max(file.now.len());
            file.now.resize(end, 0);
            file.now[at..at + bytes.len()].copy_from_slice(bytes);
            Ok(())
        };
        let outcome = self.change(format!("write {name}"), |state| {
            let used: u64 = state.files.values().map(|file| file.now.len() as u64).sum();
            let room = state.room.map_or(usize::MAX, |room| usize::try_from(room.saturating_sub(used)).unwrap_or(0));
            if room < bytes.len() {
                put(state, &bytes[..room])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            put(state, bytes)
        });
        if outcome.is_err() && torn > 0 {
            put(&mut self.state(), &bytes[..torn.min(bytes.len())])?;
        }
        outcome
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.change(format!("sync {name}"), |state| {
            let file = state.files.get_mut(name).ok_or_else(missing)?;
            file.synced = file.now.clone();
            Ok(())
        })
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.change(format!("truncate {name}"), |state| {
            let file = state.files.get_mut(name).ok_or_else(missing)?;
            file.now.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            file.synced = file.now.clone();
            Ok(())
        })
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(format!("replace {name}"), |state| {
            let used: u64 = state.files.values().map(|file| file.now.len() as u64).sum();
            if state.room.is_some_and(|room| room < used + bytes.len() as u64) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.files.insert(name.to_owned(), File { now: bytes.to_vec(), synced: bytes.to_vec() });
            Ok(())
        })
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        self.change(format!("destroy {name}"), |state| {
            state.files.remove(name);
            Ok(())
        })
    }
}
