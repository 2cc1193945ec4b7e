//! Countermeasures of a running gateway: read beside the cases that they are for, and looked at every second.

use std::{sync::Arc, time::SystemTime};

use anyhow::Context as _;

use crate::{
    admin::remedy,
    config::Config,
    gateway::Plan,
    incident::{
        Cases,
        remedy::{Overlay, Remedies},
    },
    journal::Stream,
    observe::metrics::{Metrics, Source},
    registry::Registry,
};

/// Reads them where there are cases.
///
/// # Errors
/// When the journal is not what was written, or can't be read: then nobody knows what must not go on.
pub(super) fn start(
    config: &Config,
    stream: Option<&Stream>,
    registry: Option<&Arc<Registry>>,
    cases: Option<&Arc<Cases>>,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Remedies>>> {
    let (Some(stream), Some(registry), Some(cases)) = (stream, registry, cases) else { return Ok(None) };
    let (Some(journal), Some(keys)) = (&config.journal, &config.seal.key_file) else { return Ok(None) };
    let (cases, registry) = (Arc::clone(cases), Arc::clone(registry));
    let remedies = Remedies::open(stream.clone(), journal.retention.grants, keys, cases, registry);
    let remedies = remedies.context("countermeasures")?;
    let shown = Arc::clone(&remedies);
    metrics.show(Source::gauge("privet_incident_remedies", "Countermeasures that hold.", move || {
        i64::try_from(shown.state().in_force().count()).unwrap_or(i64::MAX)
    }));
    Ok(Some(remedies))
}

/// What requests meet of them.
pub(super) fn overlay(remedies: Option<&Arc<Remedies>>) -> Arc<Overlay> {
    remedies.map(|remedies| Arc::clone(remedies.overlay())).unwrap_or_default()
}

/// Takes up what was decided at another gateway.
pub(super) fn look(remedies: &Arc<Remedies>, plan: &Arc<Plan>, now: SystemTime) {
    let (remedies, plan) = (Arc::clone(remedies), Arc::clone(plan));
    tokio::spawn(async move {
        match remedies.look(now).await {
            Ok(new) => drop(remedy::settle(&plan, &remedies, &new).await),
            Err(error) => tracing::error!(%error, "what holds could not be carried on in the journal"),
        }
    });
}
