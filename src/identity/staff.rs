//! The staff file: who may sign in, sealed at rest. `privet staff` writes it, a running gateway notices.
//!
//! It is one sealed stream (`seal`) that holds a JSON object. A writer holds the lock beside it, writes a new file of mode 0600,
//! and renames it over the old one, so that a reader sees the one or the other.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::account::Account;
use crate::{
    common::{lock_file, lock_file::LockFile, replace::replace, stamp::Stamps},
    seal::{self, Opener, Purpose, Ring, Sealer},
};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Why the staff file can't be used. Nothing that is in it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys.
    #[error("the keys of the staff file can't be used")]
    Keys(#[from] seal::keys::Error),
    /// It can't be read or written.
    #[error("the staff file {} can't be used", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not open.
    #[error("the staff file {} does not open", .path.display())]
    Sealed {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: seal::stream::Error,
    },
    /// It opens, and holds something else.
    #[error("the staff file {} holds something else", .0.display())]
    Shape(PathBuf),
    /// Another process writes it.
    #[error("the staff file is being written by another process")]
    Locked(#[from] lock_file::Error),
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    accounts: Vec<Account>,
}

/// Where the file and its keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The sealed file.
    pub file: PathBuf,
    /// The key ring.
    pub keys: PathBuf,
}

impl Place {
    /// All accounts; none where there is no file.
    ///
    /// # Errors
    /// When the file is there and can't be used.
    pub fn read(&self) -> Result<Vec<Account>, Error> {
        let file = match File::open(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io(source)),
            Ok(file) => file,
        };
        let ring = Ring::load(&self.keys)?;
        let sealed = |source| Error::Sealed { path: self.file.clone(), source };
        let mut opener = Opener::new(BufReader::new(file), &ring, Purpose::Staff).map_err(sealed)?;
        let (mut plain, mut buffer) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
        while let Some(part) = opener.next(&mut buffer).map_err(sealed)? {
            plain.extend_from_slice(part);
        }
        match serde_json::from_slice::<Content>(&plain) {
            Ok(content) if content.version == 1 => Ok(content.accounts),
            _ => Err(Error::Shape(self.file.clone())),
        }
    }

    /// Lets `change` work on all accounts, alone, and writes what it leaves. What `change` refuses is not written. It blocks.
    ///
    /// # Errors
    /// When the file can't be read, locked or written, or `change` refuses.
    pub fn edit<T, E: From<Error>>(&self, change: impl FnOnce(&mut Vec<Account>) -> Result<T, E>) -> Result<T, E> {
        let _lock = self.lock()?;
        let ring = Ring::load_or_make(&self.keys).map_err(Error::Keys)?;
        let mut accounts = self.read()?;
        let outcome = change(&mut accounts)?;
        self.write(accounts, &ring)?;
        Ok(outcome)
    }

    fn lock(&self) -> Result<LockFile, Error> {
        let path = self.file.with_extension("lock");
        let mut waited = Duration::ZERO;
        loop {
            match LockFile::take(&path) {
                Err(lock_file::Error::Held { .. }) if waited < PATIENCE => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    fn write(&self, accounts: Vec<Account>, ring: &Ring) -> Result<(), Error> {
        let content = serde_json::to_vec(&Content { version: 1, accounts });
        let plain = Zeroizing::new(content.map_err(|_| Error::Shape(self.file.clone()))?);
        let sealed = |source| Error::Sealed { path: self.file.clone(), source };
        let mut out = Vec::with_capacity(plain.len() + 256);
        let mut sealer = Sealer::new(ring, Purpose::Staff).map_err(sealed)?;
        sealer.seal(&plain, &mut out).map_err(sealed)?;
        sealer.finish(&mut out).map_err(sealed)?;
        replace(&self.file, 0o600, &out).map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> Error {
        Error::File { path: self.file.clone(), source }
    }
}

/// The accounts as they were last read.
#[derive(Debug, Default)]
pub struct Roll {
    accounts: HashMap<String, Account>,
    /// Counts the readings.
    pub generation: u64,
}

impl Roll {
    /// The account called `id`, in its kept form, where it may sign in.
    #[must_use]
    pub fn active(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id).filter(|account| !account.disabled)
    }

    /// Whose passkey calls itself `id`, where they may sign in.
    #[must_use]
    pub fn owner(&self, id: &[u8]) -> Option<&Account> {
        let owns = |account: &&Account| account.passkeys.iter().any(|passkey| passkey.id == id);
        self.accounts.values().filter(|account| !account.disabled).find(owns)
    }
}

/// What has happened to an account between two readings.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub account: String,
    /// What.
    pub what: What,
}

/// What may happen to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// Of its `roles`, its `credentials` and whether it is `disabled` or `enabled`.
    Changed(Vec<&'static str>),
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({:?})", self.what)
    }
}

impl Roll {
    /// What has happened since `before`, in the order of names. That a code was used is no change.
    fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut change = |account: &str, what| changes.push(Change { account: account.to_owned(), what });
        for (id, now) in &self.accounts {
            let Some(then) = before.accounts.get(id) else {
                change(id, What::Added);
                continue;
            };
            let mut of = Vec::new();
            if now.disabled != then.disabled {
                of.push(if now.disabled { "disabled" } else { "enabled" });
            }
            if now.roles != then.roles {
                of.push("roles");
            }
            if now.credential != then.credential {
                of.push("credentials");
            }
            if !of.is_empty() {
                change(id, What::Changed(of));
            }
        }
        for id in before.accounts.keys().filter(|id| !self.accounts.contains_key(*id)) {
            change(id, What::Removed);
        }
        changes.sort_unstable_by(|a, b| a.account.cmp(&b.account));
        changes
    }
}

/// The staff file as a running gateway sees it.
#[derive(Debug)]
pub struct Staff {
    place: Place,
    roll: ArcSwap<Roll>,
    stamps: Mutex<Stamps>,
    /// What nobody has asked for yet.
    changes: Mutex<Vec<Change>>,
}

impl Staff {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// When the file is there and can't be used.
    pub fn open(place: Place) -> Result<Self, Error> {
        let stamps = Stamps::take([place.file.clone()]);
        let roll = ArcSwap::from_pointee(roll(place.read()?, 1));
        Ok(Self { place, roll, stamps: Mutex::new(stamps), changes: Mutex::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The accounts as they were last read.
    #[must_use]
    pub fn roll(&self) -> Arc<Roll> {
        self.roll.load_full()
    }

    /// Reads the file again where it has changed; whether it was read. It blocks. Where it can't be read, what was known before
    /// holds on, and the next call tries again.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn refresh(&self) -> Result<bool, Error> {
        // Whoever comes while another one reads waits for the outcome: a sign-in must see what is written.
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if !stamps.are_stale() {
            return Ok(false);
        }
        let renewed = stamps.renewed();
        let accounts = self.place.read()?;
        let before = self.roll.load_full();
        let now = roll(accounts, before.generation + 1);
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).extend(now.changes_since(&before));
        self.roll.store(Arc::new(now));
        *stamps = renewed;
        Ok(true)
    }

    /// What has happened to accounts since this was asked last.
    pub fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn roll(accounts: Vec<Account>, generation: u64) -> Roll {
    Roll { accounts: accounts.into_iter().map(|account| (account.id.clone(), account)).collect(), generation }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::UNIX_EPOCH};

    use super::*;

    fn place(dir: &Path) -> Place {
        Place { file: dir.join("staff.sealed"), keys: dir.join("seal.key") }
    }

    fn add(place: &Place, id: &str) -> Result<(), Error> {
        place.edit(|accounts| {
            accounts.push(Account::new(id.into(), "$argon2id$hash".into(), Vec::new(), UNIX_EPOCH));
            Ok(())
        })
    }

    #[test]
    fn what_is_written_is_sealed_and_seen_by_a_reader() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = place(dir.path());
        let staff = Staff::open(place.clone()).expect("no file is no staff");
        assert!(staff.roll().active("alice").is_none());
        add(&place, "alice").expect("written");
        assert!(staff.refresh().expect("read"));
        assert!(!staff.refresh().expect("nothing new"));
        assert!(staff.roll().active("alice").is_some());
        let bytes = fs::read(&place.file).expect("a file");
        assert!(memchr::memmem::find(&bytes, b"alice").is_none());
        assert_eq!(fs::metadata(&place.file).expect("a file").permissions().mode() & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(dir.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }

    #[test]
    fn changes_are_told_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = place(dir.path());
        add(&place, "alice").expect("written");
        add(&place, "bob").expect("written");
        let staff = Staff::open(place.clone()).expect("read");
        let edited = place.edit(|accounts| {
            accounts.retain(|account| account.id != "bob");
            accounts[0].disabled = true;
            accounts[0].roles = vec!["clerk".into()];
            accounts[0].step += 1;
            accounts.push(Account::new("carol".into(), "$argon2id$hash".into(), Vec::new(), UNIX_EPOCH));
            Ok::<(), Error>(())
        });
        edited.expect("written");
        assert!(staff.refresh().expect("read"));
        let changes = staff.changes();
        let told: Vec<_> = changes.iter().map(|change| (change.account.as_str(), change.what.clone())).collect();
        let of = What::Changed(vec!["disabled", "roles"]);
        assert_eq!(told, [("alice", of), ("bob", What::Removed), ("carol", What::Added)]);
        assert!(staff.changes().is_empty() && !format!("{changes:?}").contains("alice"));
    }

    #[test]
    fn a_damaged_file_is_told_and_what_was_known_holds() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = place(dir.path());
        add(&place, "alice").expect("written");
        let staff = Staff::open(place.clone()).expect("read");
        let mut bytes = fs::read(&place.file).expect("a file");
        bytes[70] ^= 1;
        fs::write(&place.file, &bytes).expect("written");
        assert!(matches!(staff.refresh(), Err(Error::Sealed { .. })));
        assert!(staff.roll().active("alice").is_some());
        assert!(Staff::open(place.clone()).is_err());
        assert!(add(&place, "bob").is_err(), "nothing is written over what can't be read");
    }

    #[test]
    fn writers_take_turns() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = place(dir.path());
        std::thread::scope(|scope| {
            for i in 0..8 {
                let place = &place;
                scope.spawn(move || add(place, &format!("person{i}")).expect("written"));
            }
        });
        assert_eq!(place.read().expect("read").len(), 8);
    }
}
