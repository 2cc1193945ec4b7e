//! What commands write into the journal: by the gateway that holds it, or by themselves where none runs.

use std::{io, path::PathBuf, time::Duration};

use http::Method;
use serde_json::json;

use super::control::exchange;
use crate::{
    journal::{self, Record, Stream, open},
    seal::{Ring, keys},
};

/// How long the end of a journal that was opened for it may take.
const LAST: Duration = Duration::from_secs(30);

/// Why a record is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no way to wait")]
    Runtime(#[source] io::Error),
    #[error("the gateway did not write it down: {0}")]
    Refused(String),
    #[error("{0}")]
    Open(#[from] open::Error),
    #[error("{0}")]
    Keys(#[from] keys::Error),
    #[error("it could not be written: {0}")]
    Journal(#[from] journal::Error),
}

/// The journal of a data folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) data_dir: PathBuf,
    pub(super) journal: journal::Settings,
    pub(super) keys: PathBuf,
}

/// Writes records, and waits until they are on disk.
pub(super) fn note(place: &Place, records: &[Record]) -> Result<(), Error> {
    for (number, record) in records.iter().enumerate() {
        let body = json!({ "kind": record.kind().name(), "body": record.body() });
        match exchange(&place.data_dir, Method::POST, "/v1/journal/notes", body.to_string()) {
            Ok((status, _)) if status.is_success() => {}
            Ok((_, answer)) => return Err(Error::Refused(answer["error"].as_str().unwrap_or("no reason").to_owned())),
            Err(_) => return alone(place, &records[number..]),
        }
    }
    Ok(())
}

/// Writes records where no gateway runs.
pub(super) fn alone(place: &Place, records: &[Record]) -> Result<(), Error> {
    let journal = Stream::open(&place.journal, Ring::load(&place.keys)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Error::Runtime)?;
    runtime.block_on(journal.append(records, None)).1?;
    if journal.end(LAST) { Ok(()) } else { Err(Error::Journal(journal::Error::Closed)) }
}
