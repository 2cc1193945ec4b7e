//! Metrics of rooms that count for themselves: a family each.

use std::sync::Arc;

use crate::{
    gateway::Plan,
    login::Rule,
    observe::metrics::{Family, Metrics, labels},
};

/// Attempts to sign in at applications, and at gates.
pub(super) fn logins(metrics: &Metrics, plan: &Plan) {
    let (attempts, keys, rules) = (Arc::clone(&plan.guard), Arc::clone(&plan.guard), plan.logins());
    let [breached, unknown] = [(); 2].map(|()| Arc::clone(&plan.guard));
    metrics.show(Family {
        name: "privet_login_attempts_total",
        kind: "counter",
        help: "Attempts to sign in at applications, by verdict, and by the limit that stood in the way.",
        read: Box::new(move || {
            let each = attempts.counts().each();
            each.map(|(verdict, limit, n)| (labels(&[("verdict", verdict), ("limit", limit)]), whole(n))).collect()
        }),
    });
    metrics.show(Family {
        name: "privet_login_confidence_percent",
        kind: "gauge",
        help: "How sure the preset \"auto\" is of what a login's answers mean.",
        read: Box::new(move || {
            let one = |rule: &Arc<Rule>| Some((labels(&[("login", rule.name())]), rule.belief()?.confidence.into()));
            rules.iter().filter_map(one).collect()
        }),
    });
    metrics.show(Family {
        name: "privet_login_keys",
        kind: "gauge",
        help: "Accounts, addresses and pairs of both whose attempts are held in memory.",
        read: Box::new(move || vec![(String::new(), whole(keys.remembered() as u64))]),
    });
    metrics.show(Family {
        name: "privet_login_breached_total",
        kind: "counter",
        help: "Attempts to sign in with a password that is in the list of breached ones.",
        read: Box::new(move || vec![(String::new(), whole(breached.breached().listed.value()))]),
    });
    metrics.show(Family {
        name: "privet_login_breached_unavailable_total",
        kind: "counter",
        help: "Attempts to sign in whose password could not be looked up in the list of breached ones.",
        read: Box::new(move || vec![(String::new(), whole(unknown.breached().unavailable.value()))]),
    });
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
