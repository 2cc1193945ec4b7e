//! A family of series: what every format of metrics is made from.

use crate::common::meter::Totals;

/// Names and values of labels. Values come from configuration and closed lists, never from traffic.
pub type Labels = Vec<(&'static str, String)>;

/// A family, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name, with its unit and with `_total` where it is a counter.
    pub name: &'static str,
    /// What its numbers are.
    pub kind: Kind,
    /// One line of help.
    pub help: &'static str,
    /// Its series.
    pub samples: Vec<Sample>,
}

/// What the numbers of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Times by bucket.
    Histogram,
    /// What is said by labels alone.
    Info,
}

/// One series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What tells it from the others of its family.
    pub labels: Labels,
    /// How much.
    pub value: Value,
}

/// How much.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number that only grows.
    Count(u64),
    /// A whole number that goes up and down.
    Level(i64),
    /// A time in microseconds, shown in seconds.
    Micros(u64),
    /// Times by bucket.
    Times(Box<Totals>),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<i64> for Value {
    fn from(level: i64) -> Self {
        Self::Level(level)
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Self::Level(holds.into())
    }
}

impl From<Totals> for Value {
    fn from(totals: Totals) -> Self {
        Self::Times(Box::new(totals))
    }
}

impl Sample {
    /// The series with these labels.
    pub fn new(labels: &[(&'static str, &str)], value: impl Into<Value>) -> Self {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { labels, value: value.into() }
    }

    /// The only series of its family.
    pub fn only(value: impl Into<Value>) -> Vec<Self> {
        vec![Self { labels: Labels::new(), value: value.into() }]
    }
}

/// A family that another room counts, read when metrics are.
pub struct Source {
    /// Its name.
    pub(super) name: &'static str,
    kind: Kind,
    help: &'static str,
    read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

impl Source {
    /// A counter of one series.
    pub fn counter(name: &'static str, help: &'static str, read: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self::counters(name, help, move || Sample::only(read()))
    }

    /// A counter of several series.
    pub fn counters(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) -> Self {
        Self { name, kind: Kind::Counter, help, read: Box::new(read) }
    }

    /// A gauge of one series.
    pub fn gauge(name: &'static str, help: &'static str, read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self::gauges(name, help, move || Sample::only(read()))
    }

    /// A gauge of several series.
    pub fn gauges(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) -> Self {
        Self { name, kind: Kind::Gauge, help, read: Box::new(read) }
    }

    /// What it says now.
    pub(super) fn read(&self) -> Family {
        Family { name: self.name, kind: self.kind, help: self.help, samples: (self.read)() }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
