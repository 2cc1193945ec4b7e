//! The watch of a running gateway: started with the first route that asks for it, shown in its metrics.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;

use crate::{
    config::Config,
    observe::metrics::{Metrics, Sample, Source},
    scan::Watch,
};

/// The watch of a configuration: that of before, which goes on, or a new one; none where no route is watched.
///
/// # Errors
/// When its thread can't be started.
pub(super) fn of(config: &Config, known: Option<&Arc<Watch>>) -> anyhow::Result<Option<Arc<Watch>>> {
    if !config.gateway.routes.iter().any(|route| route.watch) {
        return Ok(None);
    }
    match known {
        Some(known) => Ok(Some(Arc::clone(known))),
        None => Watch::start(config.scan.clone()).map(Some).context("the watch can't be started"),
    }
}

/// Goes on by a new configuration's settings.
pub(super) fn apply(watch: Option<&Arc<Watch>>, config: &Config) {
    if let Some(watch) = watch {
        watch.apply(config.scan.clone());
    }
}

/// Shows what is counted; nothing where no route is watched.
pub(super) fn show(metrics: &Metrics, watch: Option<&Arc<Watch>>) {
    let [found, counts] = [(); 2].map(|()| watch.cloned());
    metrics.show(Source::gauges(
        "privet_scan_findings",
        "What rules have found in answers of watched routes since the start, each rule once, by route and severity.",
        move || found.iter().flat_map(by_severity).collect(),
    ));
    metrics.show(Source::counters(
        "privet_scan_answers_total",
        "Answers of watched routes that rules have looked at, and those for which there was no room.",
        move || {
            let each = counts.iter().map(|watch| watch.counts());
            each.flat_map(|(looked, dropped)| [("looked", looked), ("dropped", dropped)])
                .map(|(outcome, n)| Sample::new(&[("outcome", outcome)], n))
                .collect()
        },
    ));
}

fn by_severity(watch: &Arc<Watch>) -> Vec<Sample> {
    let mut counts: BTreeMap<(Arc<str>, &str), i64> = BTreeMap::new();
    for (route, entry) in watch.found() {
        *counts.entry((route, entry.finding.rule.severity.name())).or_default() += 1;
    }
    counts.iter().map(|((route, severity), n)| Sample::new(&[("route", route), ("severity", severity)], *n)).collect()
}
