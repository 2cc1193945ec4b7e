//! Metrics of rooms that count for themselves: a family each.

use std::sync::Arc;

use crate::{
    login::Guard,
    observe::metrics::{Family, Metrics, labels},
};

/// Attempts to sign in at applications.
pub(super) fn logins(metrics: &Metrics, guard: &Arc<Guard>) {
    let [attempts, keys, breached, unknown] = [(); 4].map(|()| Arc::clone(guard));
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
