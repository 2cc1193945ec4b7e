//! Metrics: a shard a worker, summed when they are read. Labels come from configuration and closed lists, never from traffic.
//!
//! A new metric is one line: of a table in `counts` where workers count it, or [`Metrics::show`] with a [`Source`] where another room does.

mod counts;
mod family;
mod process;
mod text;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

pub use self::{
    counts::{Counts, Labelled},
    family::{Family, Kind, Labels, Sample, Source, Value},
    text::Format,
};
use crate::{
    common::meter::{Counter, Exemplified, Gauge, Totals},
    observe::{
        map::{self, Map},
        route_counts::{self, METHODS, RouteCounts},
        upstream_counts::UpstreamCounts,
    },
};

/// A worker's handle on its own counters.
pub type Shard = Arc<Counts>;
/// A worker's handle on its own counters of one route.
pub type RouteMeter = Arc<RouteCounts>;
/// A worker's handle on its own counters of one endpoint of an application.
pub type UpstreamMeter = Arc<UpstreamCounts>;

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

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    shards: Vec<Shard>,
    routes: Meters<RouteCounts>,
    upstreams: Meters<UpstreamCounts>,
    process: Shard,
    /// Config reloads that took effect, and that did not.
    pub reloads: [Counter; 2],
    /// The access log.
    pub log: LogCounts,
    expiries: Mutex<Vec<(String, i64)>>,
    sources: Mutex<Vec<Source>>,
}

impl Metrics {
    /// Metrics of a process with this many workers.
    #[must_use]
    pub fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..workers).map(|_| Shard::default()).collect(),
            routes: Meters::new(workers),
            upstreams: Meters::new(workers),
            process: Shard::default(),
            reloads: [const { Counter::new() }; 2],
            log: LogCounts::default(),
            expiries: Mutex::default(),
            sources: Mutex::default(),
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
        self.routes.of(name, worker)
    }

    /// A worker's counters of the endpoint at `authority`. They outlive reloads.
    #[must_use]
    pub fn upstream(&self, authority: &str, worker: usize) -> UpstreamMeter {
        self.upstreams.of(authority, worker)
    }

    /// Shows what `source` says from now on, in the place of what was shown under its name.
    pub fn show(&self, source: Source) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|known| known.name != source.name);
        sources.push(source);
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

    /// Shows each series of `family` on each worker: the values of its labels, and its count.
    pub fn each(&self, family: Labelled, mut show: impl FnMut(&[&str], u64)) {
        self.all().for_each(|shard| shard.each(family, &mut show));
    }

    /// All of it as text.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        format.write(&self.gather())
    }

    /// All of it at this moment.
    #[must_use]
    pub fn gather(&self) -> Vec<Family> {
        let shards: Vec<&Counts> = self.all().map(|shard| &**shard).collect();
        let mut families = vec![Family {
            name: "privet_build_info",
            kind: Kind::Info,
            help: "Version of this process.",
            samples: vec![Sample::new(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64)],
        }];
        families.extend(self.routes());
        families.extend(counts::plain(&shards));
        families.extend(counts::labelled(&shards));
        families.extend(self.upstreams());
        families.extend(self.own());
        families.extend(self.sources.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Source::read));
        families.extend(process::families());
        families
    }

    fn routes(&self) -> Vec<Family> {
        let requests = |name: &str, meters: &[RouteMeter]| -> Vec<Sample> {
            let sum = |kind, method, class| meters.iter().map(|m| m.count(kind, method, class)).sum::<u64>();
            let series = all_requests().map(|(kind, method, class)| (kind, method, class, sum(kind, method, class)));
            // One series of each route is there from the start, so that rates begin at nought.
            let first = (route_counts::Kind::Anonymous, 0, 1);
            let shown = series.filter(|(kind, method, class, sum)| *sum > 0 || (*kind, *method, *class) == first);
            shown
                .map(|(kind, method, class, sum)| {
                    let (status, principal) = (format!("{}xx", class + 1), kind.name());
                    let labels =
                        [("route", name), ("method", METHODS[method]), ("status", &status), ("principal", principal)];
                    Sample::new(&labels, sum)
                })
                .collect()
        };
        let times = |pick: fn(&RouteCounts) -> &Exemplified| {
            self.routes.each(move |name, meters| {
                let mut totals = Totals::default();
                for meter in meters {
                    pick(meter).add_to(&mut totals);
                }
                vec![Sample::new(&[("route", name)], totals)]
            })
        };
        let bytes = |pick: fn(&RouteCounts) -> &Counter| {
            self.routes.each(move |name, meters| {
                vec![Sample::new(&[("route", name)], meters.iter().map(|meter| pick(meter).value()).sum::<u64>())]
            })
        };
        let family = |kind| move |name, help, samples| Family { name, kind, help, samples };
        let (counter, histogram) = (family(Kind::Counter), family(Kind::Histogram));
        vec![
            counter(
                "privet_requests_total",
                "Requests answered, by route, method, status class and kind of principal.",
                self.routes.each(requests),
            ),
            histogram(
                "privet_request_duration_seconds",
                "From the head of a request to the last byte of its answer.",
                times(|meter| &meter.duration),
            ),
            histogram(
                "privet_upstream_duration_seconds",
                "From the request sent to the head of the application's answer.",
                times(|meter| &meter.upstream),
            ),
            counter("privet_request_bytes_total", "Bytes of clients' bodies.", bytes(|meter| &meter.received)),
            counter("privet_response_bytes_total", "Bytes of answers' bodies.", bytes(|meter| &meter.sent)),
        ]
    }

    fn upstreams(&self) -> Vec<Family> {
        let levels = |pick: fn(&UpstreamCounts) -> &Gauge| {
            self.upstreams.each(move |name, meters| {
                vec![Sample::new(&[("upstream", name)], meters.iter().map(|meter| pick(meter).value()).sum::<i64>())]
            })
        };
        let made = self.upstreams.each(|name, meters| {
            let sum: u64 = meters.iter().map(|meter| meter.connections.value()).sum();
            vec![Sample::new(&[("upstream", name)], sum)]
        });
        let gauge = |name, help, samples| Family { name, kind: Kind::Gauge, help, samples };
        vec![
            Family {
                name: "privet_upstream_connections_total",
                kind: Kind::Counter,
                help: "Connections made to applications.",
                samples: made,
            },
            gauge("privet_upstream_connections_open", "Connections to applications.", levels(|meter| &meter.open)),
            gauge(
                "privet_upstream_connections_idle",
                "Connections to applications that wait for a request.",
                levels(|meter| &meter.idle),
            ),
            gauge(
                "privet_upstream_requests_in_flight",
                "Requests that an application has, or that wait for a connection to it.",
                levels(|meter| &meter.in_flight),
            ),
        ]
    }

    /// What no worker counts.
    fn own(&self) -> Vec<Family> {
        let counter = |name, help, count: u64| Family { name, kind: Kind::Counter, help, samples: Sample::only(count) };
        let [applied, refused] = self.reloads.each_ref().map(Counter::value);
        let expiries = self.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        vec![
            counter("privet_log_lines_total", "Access log lines written.", self.log.written.value()),
            counter("privet_log_dropped_total", "Access log lines dropped for want of room.", self.log.dropped.value()),
            counter(
                "privet_log_errors_total",
                "Failed attempts to write or rotate the access log.",
                self.log.errors.value(),
            ),
            Family {
                name: "privet_config_reloads_total",
                kind: Kind::Counter,
                help: "Reloads of the configuration, by result.",
                samples: vec![
                    Sample::new(&[("result", "applied")], applied),
                    Sample::new(&[("result", "refused")], refused),
                ],
            },
            Family {
                name: "privet_certificate_expiry_seconds",
                kind: Kind::Gauge,
                help: "End of a certificate's validity, in seconds since 1970.",
                samples: expiries.iter().map(|(name, end)| Sample::new(&[("certificate", name)], *end)).collect(),
            },
        ]
    }

    fn all(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter().chain(std::iter::once(&self.process))
    }
}

/// Counters by a name from the configuration, a set a worker.
#[derive(Debug)]
struct Meters<T> {
    workers: usize,
    by_name: Mutex<BTreeMap<String, Vec<Arc<T>>>>,
}

impl<T: Default> Meters<T> {
    fn new(workers: usize) -> Self {
        Self { workers, by_name: Mutex::default() }
    }

    fn of(&self, name: &str, worker: usize) -> Arc<T> {
        let mut all = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = all.entry(name.to_owned()).or_insert_with(|| (0..self.workers).map(|_| Arc::default()).collect());
        meters.get(worker).map(Arc::clone).unwrap_or_default()
    }

    fn each(&self, samples: impl Fn(&str, &[Arc<T>]) -> Vec<Sample>) -> Vec<Sample> {
        let all = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(|(name, meters)| samples(name, meters)).collect()
    }
}

/// Every kind, method and status class.
fn all_requests() -> impl Iterator<Item = (route_counts::Kind, usize, usize)> {
    let methods = || (0..METHODS.len()).flat_map(|method| (0..5).map(move |class| (method, class)));
    route_counts::Kind::ALL
        .into_iter()
        .flat_map(move |kind| methods().map(move |(method, class)| (kind, method, class)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::common::{clock, meter::Id};

    #[test]
    fn workers_add_up() {
        let metrics = Metrics::new(2);
        for worker in 0..2 {
            let meter = metrics.route("shop/", worker);
            meter.requests(route_counts::Kind::Anonymous, 0, StatusCode::OK).increment();
            meter.duration.observe(Duration::from_millis(2), Id::Request(1), clock::millis());
            metrics.upstream("app:80", worker).open.add(1);
        }
        metrics.route("shop/", 1).requests(route_counts::Kind::Oidc, 1, StatusCode::NOT_FOUND).increment();
        metrics.shard(1).count(Labelled::Refusals, &["host", "client"]);
        metrics.shard(7).count(Labelled::Refusals, &["host", "client"]);
        let text = metrics.render(Format::Prometheus);
        for line in [
            "privet_requests_total{route=\"shop/\",method=\"GET\",status=\"2xx\",principal=\"anonymous\"} 2\n",
            "privet_requests_total{route=\"shop/\",method=\"POST\",status=\"4xx\",principal=\"oidc\"} 1\n",
            "privet_request_duration_seconds_count{route=\"shop/\"} 2\n",
            "privet_upstream_connections_open{upstream=\"app:80\"} 2\n",
            "privet_refusals_total{kind=\"host\",blame=\"client\"} 2\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn what_is_shown_under_a_name_is_shown_once() {
        let metrics = Metrics::new(1);
        metrics.show(Source::counter("privet_some_total", "Some.", || 1));
        metrics.show(Source::counter("privet_some_total", "Some.", || 2));
        let families = metrics.gather();
        let some: Vec<_> = families.iter().filter(|family| family.name == "privet_some_total").collect();
        assert_eq!((some.len(), &some[0].samples), (1, &Sample::only(2_u64)));
    }
}
