//! Back-ups: journal, keys and accounts of staff in one sealed file, made while a gateway runs.
//!
//! `sealed` is the file's outside: what it is sealed by, and its AEAD stream. `content` is what is in it, and in which order. `create` takes one,
//! `archive` reads one, as a journal too, and `restore` writes one into an empty folder. `docs/BACKUP.md` has the format.

pub mod archive;
mod content;
pub mod create;
pub mod restore;
pub mod sealed;

use std::io;

use crate::{
    journal::verify::Problem,
    seal::{keys, stream},
};

/// Why there is no back-up, or nothing comes out of one. Nothing that is in it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error("{0} can't be used")]
    File(String, #[source] io::Error),
    /// The back-up can't be read or written.
    #[error("the back-up can't be read or written")]
    Io(#[source] io::Error),
    /// It does not begin like one.
    #[error("it is not a back-up of Privet's")]
    NotBackup,
    /// A later Privet has made it.
    #[error("it is a back-up in version {0}, which this Privet does not know")]
    Version(u64),
    /// It is sealed by the other way.
    #[error("it is sealed by {0}")]
    OtherKey(&'static str),
    /// The passphrase is another.
    #[error("the passphrase is not the one that it was sealed with, or its beginning was changed")]
    Passphrase,
    /// The passphrase costs more than anybody would have asked for.
    #[error("its beginning asks for more work or memory than Privet ever does: it was changed")]
    Cost,
    /// The passphrase is too short.
    #[error("a passphrase of at least {0} characters is expected")]
    Short(usize),
    /// It does not open.
    #[error("the back-up does not open: {0}")]
    Sealed(stream::Error),
    /// It opens, and holds something else.
    #[error("the back-up holds something else: {0}")]
    Shape(&'static str),
    /// A key file within can't be used.
    #[error("the keys can't be used")]
    Keys(#[from] keys::Error),
    /// Accounts do not open with the keys beside them.
    #[error("{0} does not open with its keys")]
    Staff(String),
    /// Data keys do not open with the keys beside them.
    #[error("{0} data keys of the journal do not open with the keys beside them")]
    Locked(usize),
    /// The journal is not what was written.
    #[error("the journal is not whole: {0}")]
    Journal(Problem),
    /// Keys are being changed all the time.
    #[error("the keys have changed while they were read, again and again: try later")]
    Changing,
    /// The folder to restore to holds something.
    #[error("{0} is not empty: nothing is written over")]
    NotEmpty(String),
    /// The file was exchanged between checking and restoring.
    #[error("the back-up has changed while it was read")]
    Exchanged,
    /// No random bytes, or the library refuses.
    #[error("the cryptographic library failed")]
    Cipher,
}

impl Error {
    /// What a stream that is read through `io` really says.
    fn read(error: io::Error) -> Self {
        match error.downcast::<stream::Error>() {
            Ok(error) => error.into(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Shape("it ends too early"),
            Err(error) => Self::Io(error),
        }
    }
}

impl From<stream::Error> for Error {
    fn from(error: stream::Error) -> Self {
        match error {
            stream::Error::Io(error) => Self::Io(error),
            error => Self::Sealed(error),
        }
    }
}
