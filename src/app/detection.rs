//! What looks at the records of a running gateway as they come, and opens cases by them.

use std::{sync::Arc, time::SystemTime};

use anyhow::Context as _;

use super::journal::Running;
use crate::{
    config::Config,
    incident::{Cases, signal::Feed},
    observe::metrics::{Metrics, Sample, Source},
    registry::Registry,
};

/// Begins where there are cases.
///
/// # Errors
/// When the journal can't be read.
pub(super) fn start(
    config: &Config,
    running: &Running,
    cases: Option<&Arc<Cases>>,
    registry: Option<&Arc<Registry>>,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Feed>>> {
    let (Some(journal), Some(stream), Some(keys)) = (running.journal(), running.stream(), &config.seal.key_file) else {
        return Ok(None);
    };
    let (Some(cases), Some(registry)) = (cases, registry) else { return Ok(None) };
    let settings = config.incident.signals.clone();
    let (cases, registry) = (Arc::clone(cases), Arc::clone(registry));
    let feed = Feed::open(Arc::clone(journal), stream.clone(), keys, settings, cases, registry);
    let feed = feed.context("signals")?;
    let counted = Arc::clone(&feed);
    metrics.show(Source::counters(
        "privet_signals_total",
        "Signals by rule, and whether they went to a case or were muted.",
        move || {
            let one = |(rule, muted, n): (crate::incident::signal::Rule, bool, u64)| {
                let outcome = if muted { "muted" } else { "case" };
                Sample::new(&[("rule", rule.name()), ("outcome", outcome)], n)
            };
            counted.counts().map(one).collect()
        },
    ));
    Ok(Some(feed))
}

/// Looks at what has come.
pub(super) fn look(feed: &Arc<Feed>, now: SystemTime) {
    let feed = Arc::clone(feed);
    tokio::spawn(async move { feed.look(now).await });
}
