//! Back-ups: journals, keys, accounts of staff and who has agreed to what in one sealed file, made while gateways run.
//!
//! `sealed` is the file's outside: what it is sealed by, and its AEAD stream. `content` is what is in it, and in which order. `create` takes one,
//! `archive` reads one, as journals too, and `restore` writes one into an empty folder, and an empty database. `docs/BACKUP.md` has the format.

pub mod archive;
mod content;
pub mod create;
pub mod restore;
pub mod sealed;

use std::io;

pub use self::content::Which;
use crate::{
    journal::{
        postgres,
        verify::{Problem, Report},
    },
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
    #[error("{0} is not whole: {1}")]
    Journal(String, Problem),
    /// What vouches is for one of several.
    #[error("a checkpoint or a key vouches for one journal, and in it are {}: name one by its number (--chain)", .0.join(", "))]
    Which(Vec<String>),
    /// Keys are being changed all the time.
    #[error("the keys have changed while they were read, again and again: try later")]
    Changing,
    /// The folder to restore to holds something.
    #[error("{0} is not empty: nothing is written over")]
    NotEmpty(String),
    /// The database to restore to holds something.
    #[error(
        "{0} holds a journal already, and nothing is written over: name another database, or, if nothing in it is needed any more, \
         stop all gateways and empty it (DELETE FROM privet.file)"
    )]
    Occupied(String),
    /// Nobody has said where the chains belong.
    #[error(
        "the journal in it was in a database: name the configuration of the gateway that is to go on (--config), with `[store] postgres` of an \
         empty database"
    )]
    NoDatabase,
    /// A folder's journal is not brought into a database.
    #[error(
        "the journal in it was in a folder, and the configuration keeps it in a database: restore without --config, or with a configuration \
         without `[store] postgres`"
    )]
    NoFolder,
    /// The database refuses.
    #[error("{0} can't be used")]
    Database(String, #[source] postgres::Error),
    /// A gateway begins there at this moment.
    #[error("a gateway writes to {0}: stop all gateways of it first")]
    Held(String),
    /// The file was exchanged between checking and restoring.
    #[error("the back-up has changed while it was read")]
    Exchanged,
    /// No random bytes, or the library refuses.
    #[error("the cryptographic library failed")]
    Cipher,
}

/// What was found in the journals of a back-up.
#[derive(Debug, Default)]
pub struct Reports(pub Vec<(Which, Report)>);

impl Reports {
    /// Records in all of them; none where there is no journal.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.iter().map(|(_, report)| report.records).sum())
    }

    /// Whether they can be brought back. A torn end that was cut off and told of is no hindrance.
    ///
    /// # Errors
    /// The first that is not what was written, and why.
    pub fn fit(&self) -> Result<(), Error> {
        for (which, report) in &self.0 {
            if let Some(problem) = report.problems.iter().find(|problem| !matches!(problem, Problem::Cut { .. })) {
                return Err(Error::Journal(which.to_string(), problem.clone()));
            }
        }
        Ok(())
    }
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
