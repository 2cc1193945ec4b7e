//! What is written down of a file that somebody takes along: who, why, what exactly, whose data is in it, and until when they may keep it. Its
//! name is not, for it may name somebody.

use std::{cell::OnceCell, fmt, rc::Rc};

use serde_json::{Map, Value};

use crate::{access::Action, journal::tree::hex, registry::Moment};

/// One file in somebody's hands.
pub struct Custody {
    reason: String,
    until: Moment,
    opened_by: &'static str,
    sealed: Rc<OnceCell<Sealed>>,
}

/// What has left, once all of it has.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    /// Bytes of the file in the archive.
    pub file_bytes: u64,
    /// Its SHA-256.
    pub file: [u8; 32],
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Its SHA-256.
    pub archive: [u8; 32],
}

impl fmt::Debug for Custody {
    /// Without the reason, which may name somebody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custody({:?})", self.sealed.get().is_some())
    }
}

impl Custody {
    /// Of a file that is about to leave, for this reason; it may be kept `until` then, and is `opened_by` a passphrase or a key.
    #[must_use]
    pub fn new(reason: String, until: Moment, opened_by: &'static str) -> Self {
        Self { reason, until, opened_by, sealed: Rc::default() }
    }

    /// Where it is told what has left.
    #[must_use]
    pub fn sealed(&self) -> Rc<OnceCell<Sealed>> {
        Rc::clone(&self.sealed)
    }

    /// What is written down before the first byte leaves, beside what is known of the request.
    #[must_use]
    pub fn begun(&self, facts: &Map<String, Value>) -> Map<String, Value> {
        let mut body = facts.clone();
        for (name, value) in [
            ("action", Action::Download.name().into()),
            ("reason", Value::from(self.reason.as_str())),
            ("expires", self.until.to_string().into()),
            ("opened_by", self.opened_by.into()),
        ] {
            body.insert(name.to_owned(), value);
        }
        body
    }

    /// What is added to that at the end. There is no sum of what has not left whole.
    pub fn ended(&self, body: &mut Map<String, Value>) {
        let Some(sealed) = self.sealed.get() else { return };
        for (name, value) in [
            ("file_bytes", sealed.file_bytes.into()),
            ("file_sha256", Value::from(hex(&sealed.file))),
            ("archive_bytes", sealed.archive_bytes.into()),
            ("archive_sha256", hex(&sealed.archive).into()),
        ] {
            body.insert(name.to_owned(), value);
        }
    }
}
