//! What of a new configuration only a start can take into use.

use crate::config::Config;

/// Says so of everything that differs; so many `workers` run.
pub(super) fn warn(old: &Config, new: &Config, workers: usize) {
    if new.server.workers != workers {
        tracing::warn!("`listen.workers` takes effect at the next start");
    }
    if new.journal != old.journal {
        tracing::warn!("`[journal]` takes effect at the next start");
    }
    if new.data_dir != old.data_dir {
        tracing::warn!("for the data folder's lock and the control socket, `data_dir` takes effect at the next start");
    }
    if new.store != old.store {
        tracing::warn!("`[store]` takes effect at the next start");
    }
}
