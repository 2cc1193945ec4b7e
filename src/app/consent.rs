//! Who has agreed, in a running gateway: read at its start, saved every hour and at its end.

use std::{sync::Arc, time::Duration};

use crate::{
    access::consent::{Desk, NAME, Place, Snapshot},
    config::Config,
    journal::Stream,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Where a configuration keeps consent; nowhere without a journal for all, or a key file.
#[must_use]
pub fn place(config: &Config) -> Option<Place> {
    let journal = config.journal.as_ref()?.place.shared()?;
    let snapshot =
        if journal.postgres().is_some() { Snapshot::Beside } else { Snapshot::File(config.data_dir.join(NAME)) };
    Some(Place { journal, snapshot, key_file: config.seal.key_file.clone()? })
}

/// Reads who has agreed, where `[access]` is configured or a route asks policies, and there is a journal to write changes to.
///
/// # Errors
/// When it can't be known: nobody would be taken to have agreed, or worse, somebody who has withdrawn.
pub(super) fn start(config: &Config, stream: Option<&Stream>) -> anyhow::Result<Option<Arc<Desk>>> {
    let asked = config.access.is_some() || config.gateway.routes.iter().any(|route| route.asks_policies());
    let (true, Some(stream), Some(place)) = (asked, stream, place(config)) else { return Ok(None) };
    let desk = Desk::open(stream.clone(), place)?;
    if desk.consents.foreign() > 0 {
        let records = desk.consents.foreign();
        tracing::error!(
            records,
            "consent was given under a key that is not in the key file any more; it counts for nothing"
        );
    }
    tokio::spawn(keep(Arc::downgrade(&desk)));
    Ok(Some(desk))
}

/// Saves every hour, as long as anybody holds the desk.
async fn keep(desk: std::sync::Weak<Desk>) {
    loop {
        tokio::time::sleep(HOUR).await;
        let Some(desk) = desk.upgrade() else { return };
        // It reads a file and writes another.
        let _ = tokio::task::spawn_blocking(move || save(&desk)).await;
    }
}

/// Writes the snapshot.
pub(super) fn save(desk: &Desk) {
    if let Err(error) = desk.save() {
        tracing::error!(error = %format!("{:#}", anyhow::Error::from(error)), "the snapshot of consent could not be written; the journal has it");
    }
}
