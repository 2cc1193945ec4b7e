//! Telemetry of the running gateway: from the settings to the thread that sends, across reloads, to the end.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

use super::log;
use crate::{
    config::Config,
    observe::{metrics::Metrics, otlp::Telemetry},
};

/// How long its end may take.
const FLUSH: Duration = Duration::from_secs(3);

/// What `config` asks for, made ready; nothing where it asks for none.
///
/// # Errors
/// When a file that it names can't be used.
pub(super) fn prepare(
    config: &Config,
    metrics: &Arc<Metrics>,
    workers: usize,
    previous: Option<&Telemetry>,
) -> anyhow::Result<Option<Arc<Telemetry>>> {
    let prepare = |settings| Telemetry::prepare(settings, metrics, workers, previous).context("`[telemetry]`");
    config.telemetry.as_ref().map(prepare).transpose()
}

/// Sends by `new` from now on, in the place of `old`.
pub(super) fn replace(old: Option<Arc<Telemetry>>, new: Option<&Arc<Telemetry>>) {
    log::send_by(new.map(|telemetry| &**telemetry));
    match (old, new) {
        (_, Some(new)) => new.start(),
        // It waits for the collector, which nobody else has to.
        (Some(old), None) => drop(tokio::task::spawn_blocking(move || old.end(FLUSH))),
        (None, None) => {}
    }
}

/// Sends what waits, and ends.
pub(super) fn end(telemetry: Option<&Telemetry>) {
    if let Some(telemetry) = telemetry {
        telemetry.end(FLUSH);
    }
}
