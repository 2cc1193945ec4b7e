//! What has happened between two looks, and what is now.

use std::collections::BTreeMap;

use serde::Serialize;

use super::snapshot::Snapshot;
use crate::{common::meter::quantile, registry::Moment};

/// Classes of statuses, in the order of columns.
pub(super) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// So many a second, by a word of a closed list, or of the configuration.
pub(super) type Rates = BTreeMap<String, f64>;

/// All of it. Rates are a second, times in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    pub(super) at: Moment,
    /// Between the two looks.
    pub(super) seconds: f64,
    pub(super) version: String,
    pub(super) requests: Requests,
    pub(super) connections: Connections,
    pub(super) handshakes: Handshakes,
    /// The busiest first.
    pub(super) routes: Vec<Route>,
    pub(super) upstreams: Vec<Upstream>,
    /// What Privet has refused itself, by kind.
    pub(super) refusals: Rates,
    /// Of the rules against intrusion.
    pub(super) shield: Rates,
    pub(super) antivirus: Rates,
    /// Attempts to sign in.
    pub(super) logins: Rates,
    pub(super) bans: Bans,
    /// Values rewritten, by type.
    pub(super) redactions: Rates,
    /// Nothing where there is none.
    pub(super) journal: Option<Journal>,
    pub(super) log: Log,
    /// Cases by status.
    pub(super) incidents: BTreeMap<String, i64>,
    /// Clauses of the policy, as of the last look at it.
    pub(super) clauses: BTreeMap<String, i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Requests {
    pub(super) per_second: f64,
    pub(super) in_flight: i64,
    pub(super) aborted_per_second: f64,
    /// By class.
    pub(super) status: Rates,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Connections {
    pub(super) open: i64,
    pub(super) per_second: f64,
    pub(super) refused_per_second: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Handshakes {
    pub(super) per_second: f64,
    pub(super) failed_per_second: f64,
    pub(super) p99_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "as the label of metrics is called")]
pub(super) struct Route {
    pub(super) route: String,
    pub(super) per_second: f64,
    pub(super) status: Rates,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) redactions_per_second: f64,
}

#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "as the label of metrics is called")]
pub(super) struct Upstream {
    pub(super) route: String,
    pub(super) upstream: String,
    /// Whether health checks let it serve.
    pub(super) up: bool,
    /// Whether failures of live requests have taken it out.
    pub(super) ejected: bool,
    pub(super) in_flight: i64,
    pub(super) open: i64,
    pub(super) idle: i64,
    pub(super) connections_per_second: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Bans {
    /// By source.
    pub(super) active: BTreeMap<String, i64>,
    pub(super) refused_per_second: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Journal {
    pub(super) up: bool,
    /// Records that wait for the disk.
    pub(super) queue: i64,
    pub(super) records_per_second: f64,
    /// Since the start.
    pub(super) dropped: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct Log {
    pub(super) queue_bytes: i64,
    pub(super) lines_per_second: f64,
    /// Since the start.
    pub(super) dropped: i64,
}

/// Two looks.
struct Pair<'s> {
    before: &'s Snapshot,
    now: &'s Snapshot,
    seconds: f64,
}

impl Frame {
    /// What lies between `before` and `now`. A gateway that has begun anew in between has counted nothing yet.
    pub(super) fn between(before: &Snapshot, now: &Snapshot) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "an hour at most")]
        let seconds = now.at.saturating_sub(before.at) as f64 / 1000.0;
        let pair = Pair { before, now, seconds };
        let level = |name: &str| now.sum(name).unwrap_or_default();
        let refused = pair.rate("privet_banned_requests_total") + pair.rate("privet_banned_connections_total");
        let [p50_ms, p99_ms] = pair.quantiles("privet_request_duration_seconds", None);
        Self {
            at: Moment::at(now.at / 1000),
            seconds,
            version: now.series("privet_build_info").next().map_or("", |info| info.label("version")).to_owned(),
            requests: Requests {
                per_second: pair.rate("privet_requests_total"),
                in_flight: level("privet_requests_in_flight"),
                aborted_per_second: pair.rate("privet_requests_aborted_total"),
                status: pair.rates("privet_requests_total", "status", None),
                p50_ms,
                p99_ms,
            },
            connections: Connections {
                open: level("privet_connections_open"),
                per_second: pair.rate("privet_connections_total"),
                refused_per_second: pair.rate("privet_connections_refused_total"),
            },
            handshakes: Handshakes {
                per_second: pair.rate("privet_tls_handshakes_total"),
                failed_per_second: pair.rate("privet_tls_handshake_failures_total"),
                p99_ms: pair.quantiles("privet_tls_handshake_duration_seconds", None)[1],
            },
            routes: pair.routes(),
            upstreams: pair.upstreams(),
            refusals: pair.rates("privet_refusals_total", "kind", None),
            shield: pair.rates("privet_shield_verdicts_total", "verdict", None),
            antivirus: pair.rates("privet_antivirus_verdicts_total", "verdict", None),
            logins: pair.rates("privet_login_attempts_total", "verdict", None),
            bans: Bans { active: now.by("privet_bans_active", "source"), refused_per_second: refused },
            redactions: pair.rates("privet_redactions_total", "type", None),
            journal: now.sum("privet_journal_up").map(|up| Journal {
                up: up > 0,
                queue: level("privet_journal_queue_records"),
                records_per_second: pair.rate("privet_journal_records_total"),
                dropped: level("privet_journal_dropped_total"),
            }),
            log: Log {
                queue_bytes: level("privet_log_queue_bytes"),
                lines_per_second: pair.rate("privet_log_lines_total"),
                dropped: level("privet_log_dropped_total"),
            },
            incidents: now.by("privet_incidents", "status"),
            clauses: now.by("privet_attest_clauses", "status"),
        }
    }
}

impl Pair<'_> {
    fn per_second(&self, before: i64, now: i64) -> f64 {
        if self.seconds <= 0.0 {
            return 0.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "rates are looked at, not counted with")]
        let rate = now.saturating_sub(before).max(0) as f64 / self.seconds;
        (rate * 1000.0).round() / 1000.0
    }

    fn rate(&self, name: &str) -> f64 {
        let [before, now] = [self.before, self.now].map(|look| look.sum(name).unwrap_or_default());
        self.per_second(before, now)
    }

    /// By `label`, of one route where one is named.
    fn rates(&self, name: &str, label: &str, route: Option<&str>) -> Rates {
        let sums = |look: &Snapshot| {
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for sample in look.series(name).filter(|sample| route.is_none_or(|route| sample.label("route") == route)) {
                *sums.entry(sample.label(label).to_owned()).or_default() += sample.value;
            }
            sums
        };
        let before = sums(self.before);
        let rate = |(word, now): (String, i64)| {
            let rate = self.per_second(before.get(&word).copied().unwrap_or_default(), now);
            (word, rate)
        };
        sums(self.now).into_iter().map(rate).collect()
    }

    /// The middle, and that of the slowest in a hundred; nothing where there was no request.
    fn quantiles(&self, name: &str, route: Option<&str>) -> [Option<f64>; 2] {
        let [before, now] = [self.before, self.now]
            .map(|look| look.times(name, |sample| route.is_none_or(|route| sample.label("route") == route)));
        let old = before.into_iter().chain(std::iter::repeat(0));
        let grown: Vec<u64> = now.into_iter().zip(old).map(|(now, before)| now.saturating_sub(before)).collect();
        [0.5, 0.99].map(|part| quantile(&grown, part).map(|ms| (ms * 1000.0).round() / 1000.0))
    }

    fn routes(&self) -> Vec<Route> {
        let one = |(route, per_second): (String, f64)| {
            let [p50_ms, p99_ms] = self.quantiles("privet_request_duration_seconds", Some(&route));
            let redactions = self.rates("privet_redactions_total", "route", Some(&route));
            Route {
                status: self.rates("privet_requests_total", "status", Some(&route)),
                p50_ms,
                p99_ms,
                // The sum of none has a sign.
                redactions_per_second: redactions.values().sum::<f64>() + 0.0,
                route,
                per_second,
            }
        };
        let mut routes: Vec<Route> = self.rates("privet_requests_total", "route", None).into_iter().map(one).collect();
        // By name where they are as busy, since that is how they come.
        routes.sort_by(|a, b| b.per_second.total_cmp(&a.per_second));
        routes
    }

    fn upstreams(&self) -> Vec<Upstream> {
        let of = |name: &str| self.now.by(name, "upstream");
        let [in_flight, open, idle] = ["requests_in_flight", "connections_open", "connections_idle"]
            .map(|name| of(&format!("privet_upstream_{name}")));
        let made = self.rates("privet_upstream_connections_total", "upstream", None);
        let ejected = |route: &str, upstream: &str| {
            let mut all = self.now.series("privet_upstream_ejected");
            all.any(|one| one.label("route") == route && one.label("upstream") == upstream && one.value > 0)
        };
        let one = |sample: &super::snapshot::Sample| {
            let (route, upstream) = (sample.label("route").to_owned(), sample.label("upstream").to_owned());
            let level = |levels: &BTreeMap<String, i64>| levels.get(&upstream).copied().unwrap_or_default();
            Upstream {
                up: sample.value > 0,
                ejected: ejected(&route, &upstream),
                in_flight: level(&in_flight),
                open: level(&open),
                idle: level(&idle),
                connections_per_second: made.get(&upstream).copied().unwrap_or_default(),
                route,
                upstream,
            }
        };
        self.now.series("privet_upstream_up").map(one).collect()
    }
}
