//! What is in a back-up: a list in JSON, then the files in its order. Small ones come first: keys, accounts, what the journal keeps of itself;
//! then the journal's segments, the oldest first.

use std::{
    io::Read,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Error;
use crate::{
    journal::{Class, key::run_out, settings::Retention, snapshot},
    seal::{Opener, Purpose, Ring},
};

pub(super) const VERSION: u64 = 1;
/// Folder of the journal.
pub(super) const JOURNAL: &str = "journal/";
/// Keys of the journal, of accounts and of sessions.
pub(super) const SEAL: &str = "seal.key";
/// What the names of files of accounts end with.
const ACCOUNTS: &str = ".sealed";
/// Most bytes of the list.
const LONGEST_LIST: usize = 64 << 20;
/// Most bytes of a file.
const LONGEST: u64 = 80 << 20;
/// Most bytes of all small files.
pub(super) const MOST: u64 = 256 << 20;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it belongs in a data folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Where it was, if that is not where it belongs by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The key file that opens it, if it holds accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
}

impl File {
    /// Its name in the journal's folder, where it is in it.
    pub(super) fn of_journal(&self) -> Option<&str> {
        self.name.strip_prefix(JOURNAL)
    }

    /// Whether it is a segment of the journal, which may be large.
    pub(super) fn is_segment(&self) -> bool {
        self.of_journal().is_some_and(snapshot::is_segment)
    }

    /// Whether it holds accounts.
    pub(super) fn holds_accounts(&self) -> bool {
        self.name.ends_with(ACCOUNTS)
    }

    /// Class and day of the data key that it is, if that is to be destroyed by now.
    pub(super) fn run_out(&self, retention: &Retention, now: SystemTime) -> Option<(Class, String)> {
        run_out(self.of_journal()?, retention, now)
    }

    /// Nothing outside of the folder, nothing hidden.
    fn is_legal(&self) -> bool {
        let legal = |part: &str| {
            let all = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            all && !part.is_empty() && part.len() <= 200 && !part.starts_with('.')
        };
        self.bytes <= LONGEST && self.name.split('/').count() <= 3 && self.name.split('/').all(legal)
    }
}

/// What is in a back-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    version: u64,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// The Privet that made it.
    pub privet: String,
    /// How long records of each class could be read there, in seconds.
    retention: [u64; 3],
    /// All files.
    pub files: Vec<File>,
}

impl List {
    pub(super) fn new(created: u64, retention: &Retention, files: Vec<File>) -> Self {
        let retention = [retention.access, retention.grants, retention.operations].map(|kept| kept.as_secs());
        Self { version: VERSION, created, privet: env!("CARGO_PKG_VERSION").to_owned(), retention, files }
    }

    /// How long records of each class could be read where it was made.
    #[must_use]
    pub fn retention(&self) -> Retention {
        let [access, grants, operations] = self.retention.map(Duration::from_secs);
        Retention { access, grants, operations }
    }

    pub(super) fn text(&self) -> Result<Vec<u8>, Error> {
        let text = serde_json::to_vec(self).map_err(|_| Error::Shape("its list can't be written"))?;
        let length = u32::try_from(text.len()).map_err(|_| Error::Shape("its list is too long"))?;
        Ok([&length.to_be_bytes()[..], &text].concat())
    }

    pub(super) fn read(source: &mut impl Read) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let mut length = [0; 4];
        source.read_exact(&mut length).map_err(Error::read)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > LONGEST_LIST {
            return Err(Error::Shape("its list is too long"));
        }
        let mut text = vec![0; length];
        source.read_exact(&mut text).map_err(Error::read)?;
        let broken = |_| Error::Shape("its list can't be read");
        let Version { version } = serde_json::from_slice(&text).map_err(broken)?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let list: Self = serde_json::from_slice(&text).map_err(broken)?;
        if !list.files.iter().all(File::is_legal) {
            return Err(Error::Shape("a file in its list has no place in a data folder"));
        }
        if !list.files.is_sorted_by_key(File::is_segment) {
            return Err(Error::Shape("its files are out of order"));
        }
        let small = list.files.iter().filter(|file| !file.is_segment());
        if small.map(|file| file.bytes).sum::<u64>() > MOST {
            return Err(Error::Shape("its small files are too long"));
        }
        Ok(list)
    }
}

/// Whether accounts open with the ring of a key file.
pub(super) fn opens(accounts: &[u8], ring: &Ring) -> bool {
    let Ok(mut opener) = Opener::new(accounts, ring, Purpose::Staff) else { return false };
    let mut buffer = Zeroizing::new(Vec::new());
    loop {
        match opener.next(&mut buffer) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// The ring of a key file's bytes.
pub(super) fn ring(name: &str, bytes: &[u8]) -> Result<Ring, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Shape("a key file is no text"))?;
    Ok(Ring::parse(text, std::path::Path::new(name))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_folder() {
        let list = |name: &str| {
            let file = File { name: name.to_owned(), bytes: 1, was: None, keys: None };
            let text = List::new(1, &Retention::default(), vec![file]).text().expect("text");
            List::read(&mut &text[..]).map(|list| list.retention())
        };
        for good in ["seal.key", "journal/keys/access-2026-11-28-1b.key", "journal/00000000000000000000.journal"] {
            assert_eq!(list(good).expect("legal"), Retention::default(), "{good}");
        }
        for bad in ["", "/etc/x", "../x", "journal/../x", ".x", "a/b/c/d", "a//b", "a b", "a\\b"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_named() {
        let text = b"{\"version\":2}";
        let text = [&[0, 0, 0, 13][..], text].concat();
        assert!(matches!(List::read(&mut &text[..]), Err(Error::Version(2))));
        assert!(matches!(List::read(&mut &[0xff, 0, 0, 0][..]), Err(Error::Shape(_))));
    }
}
