//! What one worker counts beside its routes. A metric is one line of a table below.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::family::{Family, Kind, Sample};
use crate::{
    common::meter::{Counter, Gauge, Histogram, Totals},
    observe::map::Map,
};

/// Series of one labelled family on one worker; what comes beyond is counted with every label `_other`.
const SERIES: usize = 2048;
const OTHER: &str = "_other";

/// Fields of a worker's counters, and how each is summed over workers.
macro_rules! counts {
    ($($field:ident: $kind:ident = $name:literal, $help:literal;)*) => {
        /// Counters of one worker.
        #[derive(Debug, Default)]
        pub struct Counts {
            $(#[doc = $help] pub $field: $kind,)*
            /// By label: see [`Labelled`].
            labelled: [ArcSwap<Vec<Series>>; Labelled::ALL.len()],
            /// Personal data that was seen, by route and field.
            pub map: Map,
        }

        /// The families of all workers' fields.
        pub(super) fn plain(shards: &[&Counts]) -> Vec<Family> {
            vec![$(Family {
                name: $name,
                kind: Kind::$kind,
                help: $help,
                samples: Sample::only($kind::sum(shards.iter().map(|shard| &shard.$field))),
            },)*]
        }
    };
}

counts! {
    requests_in_flight: Gauge = "privet_requests_in_flight", "Requests begun and not ended.";
    requests_aborted: Counter = "privet_requests_aborted_total", "Requests whose answer was not taken whole.";
    connections_open: Gauge = "privet_connections_open", "Client connections open.";
    connections: Counter = "privet_connections_total", "Client connections accepted.";
    connections_refused: Counter = "privet_connections_refused_total", "Client connections turned away by a limit.";
    tunnel_bytes: Counter = "privet_tunnel_bytes_total", "Bytes carried after an upgrade.";
    upstream_retries: Counter = "privet_upstream_retries_total", "Requests tried again.";
    handshakes: Histogram = "privet_tls_handshake_duration_seconds", "How long TLS handshakes took.";
}

/// Families whose series are told apart by labels from closed lists.
macro_rules! labelled {
    ($($family:ident [$($label:literal),*] = $name:literal, $help:literal;)*) => {
        /// A family of counters with labels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Labelled {
            $(#[doc = $help] $family,)*
        }

        impl Labelled {
            const ALL: &[(&'static str, &[&'static str], &'static str)] = &[$(($name, &[$($label),*], $help),)*];
        }
    };
}

labelled! {
    Handshakes ["version", "group"] = "privet_tls_handshakes_total", "TLS handshakes by protocol version and key exchange group.";
    HandshakeFailures ["reason"] = "privet_tls_handshake_failures_total", "TLS handshakes that failed, by reason.";
    Refusals ["kind", "blame"] = "privet_refusals_total", "Requests that Privet refused itself, by kind and blame.";
    Redactions ["route", "type", "place"] = "privet_redactions_total", "Values that were rewritten, by type and place.";
    Uninspectable ["route", "outcome"] = "privet_uninspectable_total", "Answers on masked routes that could not be read, by what became of them.";
    Disclosures ["route", "action", "outcome"] = "privet_disclosures_total", "Requests for people's data on recorded routes, by what is done and whether it could be written down.";
    Shield ["route", "verdict"] = "privet_shield_verdicts_total", "Requests that rules against intrusion were asked about, by what became of them.";
    ShieldExceeded ["route", "limit"] = "privet_shield_exceeded_total", "Requests of which more was there than is looked at, by the limit that was met.";
    Antivirus ["route", "verdict"] = "privet_antivirus_verdicts_total", "Bodies that were to be scanned for malware, by what became of that.";
    Exposures ["route", "what"] = "privet_exposures_total", "Requests that carried credentials or a form over cleartext, where only TLS is served.";
    UpstreamFailures ["reason"] = "privet_upstream_failures_total", "Failures towards the application, by reason.";
}

/// One series of a labelled family.
#[derive(Debug, Clone)]
struct Series {
    values: Box<[Box<str>]>,
    count: Arc<Counter>,
}

impl Series {
    fn new(values: &[&str]) -> Self {
        Self { values: values.iter().map(|value| (*value).into()).collect(), count: Arc::default() }
    }

    fn has(&self, values: &[&str]) -> bool {
        self.values.iter().map(|value| &**value).eq(values.iter().copied())
    }
}

impl Counts {
    /// Adds one to the series of `family` with these values of its labels. They must come from closed lists.
    pub fn count(&self, family: Labelled, values: &[&str]) {
        self.count_many(family, values, 1);
    }

    /// Adds `many` to the series of `family` with these values of its labels. They must come from closed lists.
    pub fn count_many(&self, family: Labelled, values: &[&str], many: u64) {
        let counter = self.series(family, values, SERIES);
        let other = || self.series(family, &vec![OTHER; values.len()], usize::MAX);
        if let Some(counter) = counter.or_else(other) {
            counter.add(many);
        }
    }

    /// Shows each series of `family`: the values of its labels, and its count.
    pub(super) fn each(&self, family: Labelled, mut show: impl FnMut(&[&str], u64)) {
        for series in self.labelled[family as usize].load().iter() {
            let values: Vec<&str> = series.values.iter().map(|value| &**value).collect();
            show(&values, series.count.value());
        }
    }

    /// The counter of a series. A known one costs no lock; a new one replaces the list of all, unless that has `most` already.
    fn series(&self, family: Labelled, values: &[&str], most: usize) -> Option<Arc<Counter>> {
        let all = &self.labelled[family as usize];
        let find = |list: &[Series]| list.iter().find(|known| known.has(values)).map(|known| Arc::clone(&known.count));
        find(&all.load()).or_else(|| {
            all.rcu(|list| {
                let mut list = Vec::clone(list);
                if list.len() < most && find(&list).is_none() {
                    list.push(Series::new(values));
                }
                list
            });
            find(&all.load())
        })
    }
}

/// The labelled families of all workers.
pub(super) fn labelled(shards: &[&Counts]) -> Vec<Family> {
    let read = |(place, (name, labels, help)): (usize, &(&'static str, &[&'static str], &'static str))| {
        let mut sums: std::collections::BTreeMap<Box<[Box<str>]>, u64> = std::collections::BTreeMap::new();
        for shard in shards {
            for series in shard.labelled[place].load().iter() {
                *sums.entry(series.values.clone()).or_default() += series.count.value();
            }
        }
        let sample = |(values, sum): (Box<[Box<str>]>, u64)| Sample {
            labels: labels.iter().copied().zip(values.iter().map(ToString::to_string)).collect(),
            value: sum.into(),
        };
        Family { name, kind: Kind::Counter, help, samples: sums.into_iter().map(sample).collect() }
    };
    Labelled::ALL.iter().enumerate().map(read).collect()
}

/// What is counted on several workers, as one number.
trait Sum: Sized + 'static {
    type Whole;
    fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Self::Whole;
}

impl Sum for Counter {
    type Whole = u64;
    fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> u64 {
        parts.map(Self::value).sum()
    }
}

impl Sum for Gauge {
    type Whole = i64;
    fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> i64 {
        parts.map(Self::value).sum()
    }
}

impl Sum for Histogram {
    type Whole = Totals;
    fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Totals {
        let mut totals = Totals::default();
        parts.for_each(|part| part.add_to(&mut totals));
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_bounded_and_nothing_is_lost() {
        let counts = Counts::default();
        for n in 0..SERIES + 5 {
            counts.count(Labelled::HandshakeFailures, &[&n.to_string()]);
        }
        counts.count_many(Labelled::HandshakeFailures, &["0"], 2);
        let families = labelled(&[&counts, &counts]);
        let samples = &families[Labelled::HandshakeFailures as usize].samples;
        let of = |value: &str| samples.iter().find(|sample| sample.labels[0].1 == value).map(|sample| &sample.value);
        assert_eq!(samples.len(), SERIES + 1);
        assert_eq!((of("0"), of(OTHER)), (Some(&6_u64.into()), Some(&10_u64.into())));
    }
}
