//! Metrics: a shard a worker, summed when they are read. Labels come from configuration and closed lists, never from traffic.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    common::meter::{BOUNDS, Counter, Gauge, Histogram, Totals},
    observe::{
        map::{self, Map},
        route_counts::{Kind, METHODS, RouteCounts},
    },
};

/// A worker's handle on its own counters.
pub type Shard = Arc<Counts>;
/// A worker's handle on its own counters of one route.
pub type RouteMeter = Arc<RouteCounts>;

/// Counters of one worker.
#[derive(Debug, Default)]
pub struct Counts {
    /// Client connections open now.
    pub connections_open: Gauge,
    /// Client connections accepted.
    pub connections: Counter,
    /// Client connections turned away by a limit.
    pub connections_refused: Counter,
    /// Requests begun and not ended.
    pub requests_in_flight: Gauge,
    /// Requests whose answer was not taken whole.
    pub requests_aborted: Counter,
    /// Upstream connections made.
    pub upstream_connections: Counter,
    /// Upstream requests tried again.
    pub upstream_retries: Counter,
    /// Bytes carried in tunnels after an upgrade.
    pub tunnel_bytes: Counter,
    /// How long TLS handshakes took.
    pub handshakes: Histogram,
    /// Handshakes by (version, group), failures by reason, refusals by kind: off the path of a plain request.
    families: Mutex<BTreeMap<(&'static str, String), u64>>,
    /// Personal data that was seen, by route and field.
    pub map: Map,
}

impl Counts {
    /// Adds one to the series of `family` with these labels. Values must come from closed lists.
    pub fn count(&self, family: &'static str, labels: &[(&str, &str)]) {
        self.count_many(family, labels, 1);
    }

    /// Adds `many` to the series of `family` with these labels. Values must come from closed lists.
    pub fn count_many(&self, family: &'static str, labels: &[(&str, &str)], many: u64) {
        let key = (family, self::labels(labels));
        *self.families.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += many;
    }
}

/// What has become of access log lines.
#[derive(Debug, Default)]
pub struct LogCounts {
    /// Lines written.
    pub written: Counter,
    /// Lines dropped for want of room.
    pub dropped: Counter,
    /// Attempts to write, rotate or delete that have failed.
    pub errors: Counter,
}

/// Series that another room counts: labels as the text format has them, and values.
pub type Series = Vec<(String, i64)>;

/// A family that another room counts, read when metrics are.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// What reads it.
    pub read: Box<dyn Fn() -> Series + Send + Sync>,
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Labels as the text format has them. Values must come from closed lists.
#[must_use]
pub fn labels(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    pairs.join(",")
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    shards: Vec<Shard>,
    routes: Mutex<BTreeMap<String, Vec<RouteMeter>>>,
    process: Shard,
    /// Config reloads that took effect, and that did not.
    pub reloads: [Counter; 2],
    /// The access log.
    pub log: LogCounts,
    expiries: Mutex<Vec<(String, i64)>>,
    families: Mutex<Vec<Family>>,
}

/// One line of help for each family.
const HELP: &[(&str, &str, &str)] = &[
    ("privet_tls_handshakes_total", "counter", "TLS handshakes by protocol version and key exchange group."),
    ("privet_tls_handshake_failures_total", "counter", "TLS handshakes that failed, by reason."),
    ("privet_refusals_total", "counter", "Requests that Privet refused itself, by kind and blame."),
    ("privet_redactions_total", "counter", "Values that were rewritten, by type and place."),
    (
        "privet_uninspectable_total",
        "counter",
        "Answers on masked routes that could not be read, by what became of them.",
    ),
    ("privet_upstream_failures_total", "counter", "Failures towards the application, by reason."),
];

impl Metrics {
    /// Metrics of a process with this many workers.
    #[must_use]
    pub fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..workers).map(|_| Shard::default()).collect(),
            routes: Mutex::default(),
            process: Shard::default(),
            reloads: [const { Counter::new() }; 2],
            log: LogCounts::default(),
            expiries: Mutex::default(),
            families: Mutex::default(),
        })
    }

    /// The shard of a worker; the process's own for what happens on no worker.
    #[must_use]
    pub fn shard(&self, worker: usize) -> Shard {
        Arc::clone(self.shards.get(worker).unwrap_or(&self.process))
    }

    /// A worker's counters of the route called `name`. They outlive reloads.
    #[must_use]
    pub fn route(&self, name: &str, worker: usize) -> RouteMeter {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = routes
            .entry(name.to_owned())
            .or_insert_with(|| self.shards.iter().map(|_| RouteMeter::default()).collect());
        meters.get(worker).map(Arc::clone).unwrap_or_default()
    }

    /// Shows `family` from now on, in the place of what was shown under its name.
    pub fn show(&self, family: Family) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        families.retain(|known| known.name != family.name);
        families.push(family);
    }

    /// Notes when certificates end, in seconds since 1970.
    pub fn set_expiries(&self, expiries: Vec<(String, i64)>) {
        *self.expiries.lock().unwrap_or_else(PoisonError::into_inner) = expiries;
    }

    /// Requests in flight on all workers.
    #[must_use]
    pub fn requests_in_flight(&self) -> i64 {
        self.shards.iter().map(|s| s.requests_in_flight.value()).sum()
    }

    /// Client connections open on all workers.
    #[must_use]
    pub fn connections_open(&self) -> i64 {
        self.shards.iter().map(|s| s.connections_open.value()).sum()
    }

    /// The map of personal data, of all workers.
    #[must_use]
    pub fn personal_data(&self) -> Vec<map::Row> {
        Map::sum(self.all().map(|shard| &shard.map))
    }

    /// All of it in the Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = Text(String::with_capacity(4096));
        out.head("privet_build_info", "gauge", "Version of this process.");
        out.line("privet_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
        self.render_routes(&mut out);
        out.single("privet_requests_in_flight", "gauge", "Requests begun and not ended.", self.requests_in_flight());
        out.single("privet_connections_open", "gauge", "Client connections open.", self.connections_open());
        let sum = |pick: fn(&Counts) -> &Counter| self.all().map(|s| pick(s).value()).sum::<u64>();
        for (name, help, value) in [
            ("privet_connections_total", "Client connections accepted.", sum(|s| &s.connections)),
            (
                "privet_connections_refused_total",
                "Client connections turned away by a limit.",
                sum(|s| &s.connections_refused),
            ),
            (
                "privet_requests_aborted_total",
                "Requests whose answer was not taken whole.",
                sum(|s| &s.requests_aborted),
            ),
            (
                "privet_upstream_connections_total",
                "Connections made to applications.",
                sum(|s| &s.upstream_connections),
            ),
            ("privet_upstream_retries_total", "Requests tried again.", sum(|s| &s.upstream_retries)),
            ("privet_tunnel_bytes_total", "Bytes carried after an upgrade.", sum(|s| &s.tunnel_bytes)),
            ("privet_log_lines_total", "Access log lines written.", self.log.written.value()),
            ("privet_log_dropped_total", "Access log lines dropped for want of room.", self.log.dropped.value()),
            ("privet_log_errors_total", "Failed attempts to write or rotate the access log.", self.log.errors.value()),
        ] {
            out.single(name, "counter", help, value);
        }
        out.head("privet_tls_handshake_duration_seconds", "histogram", "How long TLS handshakes took.");
        out.histogram("privet_tls_handshake_duration_seconds", "", self.all().map(|shard| &shard.handshakes));
        self.render_families(&mut out);
        for family in self.families.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            out.head(family.name, family.kind, family.help);
            for (labels, value) in (family.read)() {
                if labels.is_empty() {
                    let _ = writeln!(out.0, "{} {value}", family.name);
                } else {
                    out.line(family.name, &labels, value);
                }
            }
        }
        out.head("privet_config_reloads_total", "counter", "Reloads of the configuration, by result.");
        out.line("privet_config_reloads_total", "result=\"applied\"", self.reloads[0].value());
        out.line("privet_config_reloads_total", "result=\"refused\"", self.reloads[1].value());
        out.head(
            "privet_certificate_expiry_seconds",
            "gauge",
            "End of a certificate's validity, in seconds since 1970.",
        );
        for (name, end) in self.expiries.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            out.line("privet_certificate_expiry_seconds", &format!("certificate=\"{}\"", escape(name)), end);
        }
        out.0
    }

    fn render_routes(&self, out: &mut Text) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        out.head(
            "privet_requests_total",
            "counter",
            "Requests answered, by route, method, status class and kind of principal.",
        );
        for (name, meters) in routes.iter() {
            for (kind, method, class) in all_requests() {
                let sum: u64 = meters.iter().map(|m| m.count(kind, method, class)).sum();
                // One series of each route is there from the start, so that rates begin at nought.
                if sum > 0 || (kind, method, class) == (Kind::Anonymous, 0, 1) {
                    let status = format!("{}xx", class + 1);
                    let labels = labels(&[
                        ("route", name),
                        ("method", METHODS[method]),
                        ("status", &status),
                        ("principal", kind.name()),
                    ]);
                    out.line("privet_requests_total", &labels, sum);
                }
            }
        }
        let times: [(_, _, Pick<Histogram>); 2] = [
            ("privet_request_duration_seconds", "From the head of a request to the last byte of its answer.", |m| {
                &m.duration
            }),
            (
                "privet_upstream_duration_seconds",
                "From the request sent to the head of the application's answer.",
                |m| &m.upstream,
            ),
        ];
        for (family, help, pick) in times {
            out.head(family, "histogram", help);
            for (name, meters) in routes.iter() {
                out.histogram(family, &labels(&[("route", name)]), meters.iter().map(|m| pick(m)));
            }
        }
        let bytes: [(_, _, Pick<Counter>); 2] = [
            ("privet_request_bytes_total", "Bytes of clients' bodies.", |m| &m.received),
            ("privet_response_bytes_total", "Bytes of answers' bodies.", |m| &m.sent),
        ];
        for (family, help, pick) in bytes {
            out.head(family, "counter", help);
            for (name, meters) in routes.iter() {
                out.line(family, &labels(&[("route", name)]), meters.iter().map(|m| pick(m).value()).sum::<u64>());
            }
        }
    }

    fn render_families(&self, out: &mut Text) {
        let mut sums: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
        for shard in self.all() {
            for (key, value) in shard.families.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                *sums.entry(key.clone()).or_default() += value;
            }
        }
        for (family, kind, help) in HELP {
            out.head(family, kind, help);
            for ((_, labels), value) in sums.iter().filter(|((name, _), _)| name == family) {
                out.line(family, labels, value);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter().chain(std::iter::once(&self.process))
    }
}

/// Picks one thing of what is counted of a route.
type Pick<T> = fn(&RouteCounts) -> &T;

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    /// Buckets of several workers as one, cumulative as the format has them.
    fn histogram<'h>(&mut self, name: &str, labels: &str, parts: impl Iterator<Item = &'h Histogram>) {
        let mut totals = Totals::default();
        parts.for_each(|part| part.add_to(&mut totals));
        let comma = if labels.is_empty() { "" } else { "," };
        let mut sum = 0;
        for (i, count) in totals.buckets.iter().enumerate() {
            sum += count;
            let bound = BOUNDS.get(i).map_or("+Inf".to_owned(), |micros| seconds(*micros));
            self.line(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), sum);
        }
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}_sum{braced} {}\n{name}_count{braced} {sum}", seconds(totals.micros));
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

/// Microseconds as seconds, without a loss.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Every kind, method and status class.
fn all_requests() -> impl Iterator<Item = (Kind, usize, usize)> {
    let methods = || (0..METHODS.len()).flat_map(|method| (0..5).map(move |class| (method, class)));
    Kind::ALL.into_iter().flat_map(move |kind| methods().map(move |(method, class)| (kind, method, class)))
}

/// A label value as the text format wants it.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;

    #[test]
    fn shards_add_up_and_labels_are_escaped() {
        let metrics = Metrics::new(2);
        for worker in 0..2 {
            let meter = metrics.route("a\"b/", worker);
            meter.requests(Kind::Anonymous, 0, StatusCode::OK).increment();
            meter.duration.observe(Duration::from_millis(2));
        }
        metrics.route("a\"b/", 1).requests(Kind::Oidc, 1, StatusCode::NOT_FOUND).increment();
        metrics.shard(1).count("privet_refusals_total", &[("kind", "host"), ("blame", "client")]);
        let text = metrics.render();
        assert!(
            text.contains(
                "privet_requests_total{route=\"a\\\"b/\",method=\"GET\",status=\"2xx\",principal=\"anonymous\"} 2\n"
            ),
            "{text}"
        );
        assert!(text.contains("privet_refusals_total{kind=\"host\",blame=\"client\"} 1\n"));
    }
}
