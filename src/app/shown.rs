//! Metrics of rooms that count for themselves: a line each.

use std::{collections::BTreeMap, sync::Arc};

use super::{antivirus, bans, watch};
use crate::{
    gateway::{
        Plan,
        settings::Route,
        upstream::shared::{EndpointState, Shared},
    },
    login::Rule,
    observe::{
        access_log::Log,
        metrics::{Metrics, Sample, Source},
    },
    tls::acme::Orders,
};

/// All of them, as the plan in use has them.
pub(super) fn all(metrics: &Metrics, plan: &Plan, log: Option<&Arc<Log>>) {
    logins(metrics, plan);
    upstreams(metrics, plan);
    bans::show(metrics, plan.bans.as_ref());
    watch::show(metrics, plan.watch.as_ref());
    antivirus::show(metrics, plan.antivirus.as_ref());
    self::log(metrics, log);
}

/// Attempts to sign in at applications, and at gates.
fn logins(metrics: &Metrics, plan: &Plan) {
    let (attempts, keys, rules) = (Arc::clone(&plan.guard), Arc::clone(&plan.guard), plan.logins());
    let [breached, unknown] = [(); 2].map(|()| Arc::clone(&plan.guard));
    metrics.show(Source::counters(
        "privet_login_attempts_total",
        "Attempts to sign in at applications, by verdict, and by the limit that stood in the way.",
        move || {
            let each = attempts.counts().each();
            each.map(|(verdict, limit, n)| Sample::new(&[("verdict", verdict), ("limit", limit)], n)).collect()
        },
    ));
    metrics.show(Source::gauges(
        "privet_login_confidence_percent",
        "How sure the preset \"auto\" is of what a login's answers mean.",
        move || {
            let confidence = |rule: &Arc<Rule>| Some(i64::from(rule.belief()?.confidence));
            let one = |rule: &Arc<Rule>| Some(Sample::new(&[("login", rule.name())], confidence(rule)?));
            rules.iter().filter_map(one).collect()
        },
    ));
    metrics.show(Source::gauge(
        "privet_login_keys",
        "Accounts, addresses and pairs of both whose attempts are held in memory.",
        move || i64::try_from(keys.remembered()).unwrap_or(i64::MAX),
    ));
    metrics.show(Source::counter(
        "privet_login_breached_total",
        "Attempts to sign in with a password that is in the list of breached ones.",
        move || breached.breached().listed.value(),
    ));
    metrics.show(Source::counter(
        "privet_login_breached_unavailable_total",
        "Attempts to sign in whose password could not be looked up in the list of breached ones.",
        move || unknown.breached().unavailable.value(),
    ));
}

/// Whether the endpoints of applications may be used.
fn upstreams(metrics: &Metrics, plan: &Plan) {
    let source = |name, help, says: fn(&EndpointState) -> bool| {
        let applications = plan.applications();
        let samples = move |(route, shared): &(Arc<Route>, Arc<Shared>)| -> Vec<Sample> {
            let names: BTreeMap<&str, bool> = shared.endpoints.iter().map(|e| (e.name.as_str(), says(e))).collect();
            let sample = |(upstream, says)| Sample::new(&[("route", &route.name), ("upstream", upstream)], says);
            names.into_iter().map(sample).collect()
        };
        Source::gauges(name, help, move || applications.iter().flat_map(samples).collect())
    };
    metrics.show(source("privet_upstream_up", "Whether health checks let an endpoint serve.", EndpointState::is_up));
    metrics.show(source(
        "privet_upstream_ejected",
        "Whether failures of live requests have taken an endpoint out for now.",
        EndpointState::is_ejected,
    ));
}

/// What waits to be written to the access log.
fn log(metrics: &Metrics, log: Option<&Arc<Log>>) {
    let log = log.map(Arc::clone);
    metrics.show(Source::gauge(
        "privet_log_queue_bytes",
        "Bytes of access log lines that wait to be written.",
        move || log.as_ref().map_or(0, |log| i64::try_from(log.waiting()).unwrap_or(i64::MAX)),
    ));
}

/// What has come of ACME orders, and when the next is due.
pub(super) fn orders(metrics: &Metrics, orders: &Arc<Orders>) {
    let (results, next) = (Arc::clone(orders), Arc::clone(orders));
    metrics.show(Source::counters(
        "privet_acme_renewals_total",
        "Attempts to have a certificate issued, by what they came to.",
        move || results.results().map(|(result, n)| Sample::new(&[("result", result)], n)).collect(),
    ));
    metrics.show(Source::gauges(
        "privet_acme_next_seconds",
        "When a certificate is ordered next, in seconds since 1970.",
        move || next.next().iter().map(|(name, at)| Sample::new(&[("certificate", name)], *at)).collect(),
    ));
}
