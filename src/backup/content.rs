//! What is in a back-up: a list in JSON, then the files in its order. Small ones come first: keys, accounts, what the journal keeps of itself;
//! then the journals' segments, one journal after the other, the oldest first.

use std::{
    collections::BTreeSet,
    fmt,
    io::Read,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Error;
use crate::{
    journal::{Class, key::run_out, place::SHARED, settings::Retention, snapshot},
    seal::{Opener, Purpose, Ring},
};

pub(super) const VERSION: u64 = 1;
/// Keys of the journal, of accounts and of sessions.
pub(super) const SEAL: &str = "seal.key";
/// What the names of files end with that a key file opens: accounts, and who has agreed to what.
const SEALED: &str = ".sealed";
/// Most bytes of the list.
const LONGEST_LIST: usize = 64 << 20;
/// Most bytes of a file.
const LONGEST: u64 = 80 << 20;
/// Most bytes of all small files.
pub(super) const MOST: u64 = 256 << 20;

/// A journal among those in a back-up. Its name is that of its folder there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one that there is.
    One,
    /// Of several gateways that have a folder each, one's.
    Folder(u16),
    /// A chain of a database.
    Chain(u16),
}

impl Which {
    fn parse(name: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        let which = match name.split_once('-') {
            None => Self::One,
            Some(("journal", text)) => Self::Folder(number(text)?),
            Some(("chain", "shared")) => Self::Chain(SHARED),
            Some((_, text)) => Self::Chain(number(text)?),
        };
        Some(which).filter(|which| which.to_string() == name)
    }

    /// Its number among others.
    #[must_use]
    pub fn number(self) -> Option<u16> {
        match self {
            Self::One => None,
            Self::Folder(number) | Self::Chain(number) => Some(number),
        }
    }

    /// Its number among those of a database.
    #[must_use]
    pub fn chain(self) -> Option<u16> {
        self.number().filter(|_| matches!(self, Self::Chain(_)))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("journal"),
            Self::Folder(number) => write!(f, "journal-{number}"),
            Self::Chain(SHARED) => f.write_str("chain-shared"),
            Self::Chain(number) => write!(f, "chain-{number}"),
        }
    }
}

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
    /// The key file that opens it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
}

impl File {
    /// The journal that it is of, and its name there.
    pub(super) fn of_journal(&self) -> Option<(Which, &str)> {
        let (folder, name) = self.name.split_once('/')?;
        Some((Which::parse(folder)?, name))
    }

    /// Whether it is a segment of a journal, which may be large.
    pub(super) fn is_segment(&self) -> bool {
        self.of_journal().is_some_and(|(_, name)| snapshot::is_segment(name))
    }

    /// Whether a key file opens it.
    pub(super) fn is_sealed(&self) -> bool {
        self.name.ends_with(SEALED)
    }

    /// Journal, class and day of the data key that it is, if that is to be destroyed by now.
    pub(super) fn run_out(&self, retention: &Retention, now: SystemTime) -> Option<(Which, Class, String)> {
        let (which, name) = self.of_journal()?;
        run_out(name, retention, now).map(|(class, day)| (which, class, day))
    }

    /// Nothing outside of the folder, nothing hidden.
    fn is_legal(&self) -> bool {
        let legal = |part: &str| {
            let all = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            all && !part.is_empty() && part.len() <= 200 && !part.starts_with('.')
        };
        let in_place = !self.name.contains('/') || self.of_journal().is_some();
        self.bytes <= LONGEST && in_place && self.name.split('/').count() <= 3 && self.name.split('/').all(legal)
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

    /// The journals in it, in the order of their segments.
    #[must_use]
    pub fn journals(&self) -> BTreeSet<Which> {
        self.files.iter().filter_map(|file| Some(file.of_journal()?.0)).collect()
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
        list.sound()?;
        Ok(list)
    }

    /// Nothing is made that could not be read.
    pub(super) fn sound(&self) -> Result<(), Error> {
        if !self.files.iter().all(File::is_legal) {
            return Err(Error::Shape("a file in its list has no place in a data folder"));
        }
        if !self.files.is_sorted_by_key(File::is_segment) {
            return Err(Error::Shape("its files are out of order"));
        }
        let small = self.files.iter().filter(|file| !file.is_segment());
        if small.map(|file| file.bytes).sum::<u64>() > MOST {
            return Err(Error::Shape("its small files are too long"));
        }
        Ok(())
    }
}

/// Whether what a key file is to open opens with its ring.
pub(super) fn opens(sealed: &[u8], ring: &Ring) -> bool {
    let mut purposes = [Purpose::Staff, Purpose::Consent].into_iter();
    let Some(mut opener) = purposes.find_map(|purpose| Opener::new(sealed, ring, purpose).ok()) else { return false };
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
        for good in [
            "seal.key",
            "journal/keys/access-2026-11-28-1b.key",
            "journal/00000000000000000000.journal",
            "journal-12/checkpoint",
            "chain-shared/consent.sealed",
            "chain-3/keys/access-2026-11-28-1b.key",
        ] {
            assert_eq!(list(good).expect("legal"), Retention::default(), "{good}");
        }
        for bad in ["", "/etc/x", "../x", "journal/../x", ".x", "journal/b/c/d", "journal//b", "a b", "a\\b", "a/b"] {
            assert!(list(bad).is_err(), "{bad}");
        }
        for bad in
            ["chain-0/x", "chain-03/x", "chain-+3/x", "chain-/x", "chain-99999/x", "journal-shared/x", "other-1/x"]
        {
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
