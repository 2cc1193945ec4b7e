//! The cases of a running gateway: read from the journal that all gateways decide by, and their clocks looked at every second.

use std::{sync::Arc, time::SystemTime};

use anyhow::Context as _;

use crate::{
    common::clock,
    config::Config,
    incident::{Cases, Status, clock::nearest},
    journal::Stream,
    observe::metrics::{Metrics, Sample, Source},
    registry::{Moment, Registry},
};

/// Reads them where there is a registry, which says who decides.
///
/// # Errors
/// When the journal is not what was written, or can't be read.
pub(super) fn start(
    config: &Config,
    stream: Option<&Stream>,
    registry: Option<&Arc<Registry>>,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Cases>>> {
    let (Some(stream), Some(journal), Some(keys), Some(registry)) =
        (stream, &config.journal, &config.seal.key_file, registry)
    else {
        return Ok(None);
    };
    let (kept, rules) = (journal.retention.grants, config.incident.clone());
    let cases = Cases::open(stream.clone(), kept, keys, rules, Arc::clone(registry)).context("incidents")?;
    show(metrics, &cases);
    Ok(Some(cases))
}

fn show(metrics: &Metrics, cases: &Arc<Cases>) {
    let [counted, timed, unread] = [(); 3].map(|()| Arc::clone(cases));
    metrics.show(Source::gauges("privet_incidents", "Cases of incidents by their status.", move || {
        let state = counted.state();
        let count = |status: Status| i64::try_from(state.count(status)).unwrap_or(i64::MAX);
        Status::ALL.map(|status| Sample::new(&[("status", status.name())], count(status))).into()
    }));
    metrics.show(Source::gauges(
        "privet_incident_deadline_seconds",
        "What is left of the nearest clock of all open cases, by law and duty; below zero where it has run out.",
        move || {
            let all = nearest(&timed.state(), &timed.settings().laws, Moment::from(clock::now()));
            all.iter().map(|(law, duty, left)| Sample::new(&[("law", law), ("duty", duty)], *left)).collect()
        },
    ));
    metrics.show(Source::gauge(
        "privet_incident_unread_records",
        "Records of incidents that could not be read at the start, and may have said something that holds.",
        move || i64::try_from(unread.unread().missing()).unwrap_or(i64::MAX),
    ));
}

/// Looks at the clocks.
pub(super) fn look(cases: &Arc<Cases>, now: SystemTime) {
    let cases = Arc::clone(cases);
    tokio::spawn(async move {
        if let Err(denied) = cases.look(now).await {
            tracing::error!(%denied, "clocks of incidents could not be written down");
        }
    });
}
