//! What all gateways decide by: the one journal of one gateway, or the chain that all gateways of a database share.

use std::{
    io,
    sync::{Arc, Weak},
};

use super::{
    Journal, open,
    place::{Place, SHARED},
    queue::{Error, Receipt},
    record::Record,
    search::Line,
    settings::Settings,
    shared::Shared,
};
use crate::seal::Ring;

/// Who follows what others append. It is called on a thread of the stream's own, in the order of the records.
pub trait Follow: Send + Sync {
    /// A record that was appended, by whomever. One may come twice.
    fn take(&self, line: &Line);

    /// So many records have been shown, or are none that can be.
    fn reached(&self, next: u64);
}

/// Where decisions are appended, and followed.
#[derive(Debug, Clone)]
pub enum Stream {
    /// Nobody else appends.
    Own(Arc<Journal>),
    /// All gateways of a database do.
    Shared(Arc<Shared>),
}

impl Stream {
    /// Opens that of a place, or the one chain that it names, for a process that needs nothing else of it.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open(settings: &Settings, ring: Ring) -> Result<Self, open::Error> {
        match &settings.place {
            Place::Database { postgres, chain: None | Some(SHARED) } => {
                Shared::open(postgres, settings.retention, ring).map(Arc::new).map(Self::Shared)
            }
            Place::Folder(_) | Place::Database { .. } => Journal::open(settings, ring).map(Arc::new).map(Self::Own),
        }
    }

    /// Appends records, all or none where others append as well; where `after` is told, only if so many records are there, or it is a
    /// [`Conflict`](Error::Conflict). Whoever follows was shown them, and all before them, when it answers.
    ///
    /// # Errors
    /// When they are not there; those for which there are receipts are.
    pub async fn append(&self, records: &[Record], after: Option<u64>) -> (Vec<Receipt>, Result<(), Error>) {
        match self {
            Self::Own(journal) => {
                let mut receipts = Vec::with_capacity(records.len());
                for record in records {
                    match journal.append(record).await {
                        Ok(receipt) => receipts.push(receipt),
                        Err(error) => return (receipts, Err(error)),
                    }
                }
                (receipts, Ok(()))
            }
            Self::Shared(shared) => match shared.append(records, after).await {
                Ok(receipts) => (receipts, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            },
        }
    }

    /// Shows `follower` every record of others from `from` on; nobody else appends to a journal of one's own.
    pub fn follow(&self, follower: Weak<dyn Follow>, from: u64) {
        if let Self::Shared(shared) = self {
            shared.follow(follower, from);
        }
    }

    /// Keeps a file beside the chain that all gateways share.
    ///
    /// # Errors
    /// When the database does not take it, or there is none.
    pub fn keep(&self, name: &'static str, bytes: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Own(_) => Err(io::ErrorKind::Unsupported.into()),
            Self::Shared(shared) => shared.keep(name, bytes),
        }
    }

    /// Where it is, to be read.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Own(journal) => journal.place(),
            Self::Shared(shared) => shared.place(),
        }
    }

    /// Writes what waits, and ends; whether that was done within `wait`.
    #[must_use]
    pub fn end(&self, wait: std::time::Duration) -> bool {
        match self {
            Self::Own(journal) => journal.end(wait),
            // Nothing of it waits.
            Self::Shared(_) => true,
        }
    }
}
