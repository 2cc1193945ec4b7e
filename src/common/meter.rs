//! Counters that cost no lock and no shared cache line on the path of a request: each worker adds to a shard of its own.

use std::{
    sync::atomic::{
        AtomicI64, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
    time::Duration,
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// The sum so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// A gauge at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// Adds `amount`, which may be negative.
    pub fn add(&self, amount: i64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// The value now.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Upper bounds of a histogram's buckets, in microseconds; beyond the last there is one more.
pub const BOUNDS: [u64; 14] = [
    500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// How long things took: counts by bucket, and the sum.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS.len() + 1],
    sum: Counter,
}

impl Histogram {
    /// Notes that something took `time`.
    pub fn observe(&self, time: Duration) {
        self.note(micros(time));
    }

    fn note(&self, micros: u64) -> usize {
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].increment();
        self.sum.add(micros);
        bucket
    }

    /// Adds what is counted here to `totals`: a number a bucket, and the sum in microseconds.
    pub fn add_to(&self, totals: &mut Totals) {
        for (total, bucket) in totals.buckets.iter_mut().zip(&self.buckets) {
            *total += bucket.value();
        }
        totals.micros += self.sum.value();
    }
}

/// A histogram that keeps the last request of every bucket as an example.
#[derive(Debug, Default)]
pub struct Exemplified {
    times: Histogram,
    examples: [Example; BOUNDS.len() + 1],
}

impl Exemplified {
    /// Notes that the request called `id`, which has `ended` (milliseconds since 1970), took `time`. One thread at a time may do so.
    pub fn observe(&self, time: Duration, id: Id, ended: u64) {
        let micros = micros(time);
        self.examples[self.times.note(micros)].store(micros, id, ended);
    }

    /// Adds what is counted here to `totals`, whose examples are the latest.
    pub fn add_to(&self, totals: &mut Totals) {
        self.times.add_to(totals);
        for (latest, example) in totals.exemplars.iter_mut().zip(&self.examples) {
            let known = latest.map_or(0, |known| known.millis);
            *latest = example.load().filter(|new| new.millis >= known).or(*latest);
        }
    }
}

/// What an example is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    /// A request that is not traced, by the id of its answer and its line in the access log.
    Request(u128),
    /// A trace that was recorded.
    Trace(u128),
}

/// One request that fell into a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemplar {
    /// Which.
    pub id: Id,
    /// What it took, in microseconds.
    pub micros: u64,
    /// When it ended, in milliseconds since 1970.
    pub millis: u64,
}

/// The last request of a bucket, behind a sequence lock: its one writer never waits, and who reads in between tries again.
#[derive(Debug, Default)]
struct Example {
    /// Odd while it is written.
    turn: AtomicU64,
    micros: AtomicU64,
    /// Milliseconds since 1970, and whether it is a trace in the lowest bit; nothing was there yet while it is zero.
    ended: AtomicU64,
    id: [AtomicU64; 2],
}

impl Example {
    fn store(&self, micros: u64, id: Id, ended: u64) {
        let (traced, id) = match id {
            Id::Request(id) => (0, id),
            Id::Trace(id) => (1, id),
        };
        let turn = self.turn.load(Relaxed);
        self.turn.store(turn | 1, Relaxed);
        fence(Release);
        self.micros.store(micros, Relaxed);
        self.ended.store((ended << 1) | traced, Relaxed);
        for (half, bits) in self.id.iter().zip(halves(id)) {
            half.store(bits, Relaxed);
        }
        self.turn.store((turn | 1).wrapping_add(1), Release);
    }

    fn load(&self) -> Option<Exemplar> {
        // Who is in the way for so long writes all the time: the next reader may be luckier.
        (0..8).find_map(|_| {
            let turn = self.turn.load(Acquire);
            let (micros, ended) = (self.micros.load(Relaxed), self.ended.load(Relaxed));
            let id = self.id.iter().fold(0, |id, half| (id << 64) | u128::from(half.load(Relaxed)));
            fence(Acquire);
            let whole = turn.is_multiple_of(2) && ended != 0 && self.turn.load(Relaxed) == turn;
            let id = if ended & 1 == 1 { Id::Trace(id) } else { Id::Request(id) };
            whole.then_some(Exemplar { id, micros, millis: ended >> 1 })
        })
    }
}

/// The upper and the lower half.
fn halves(id: u128) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = id.to_be_bytes();
    [[a, b, c, d, e, f, g, h], rest].map(u64::from_be_bytes)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Histograms of several workers, added up.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Counts by bucket, not cumulative.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// The sum of all, in microseconds.
    pub micros: u64,
    /// An example of each bucket that has one.
    pub exemplars: [Option<Exemplar>; BOUNDS.len() + 1],
}

/// The time in milliseconds within which this part of requests was done: between the bounds of a bucket it is taken to grow evenly, as Prometheus
/// does.
#[allow(clippy::cast_precision_loss, reason = "times are estimated by their buckets anyway")]
#[must_use]
pub fn quantile(buckets: &[u64], part: f64) -> Option<f64> {
    let all: u64 = buckets.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = part * all as f64;
    let mut below = 0.0;
    for (at, count) in buckets.iter().enumerate() {
        let count = *count as f64;
        if below + count >= wanted && count > 0.0 {
            let from = if at == 0 { 0 } else { BOUNDS[at - 1] } as f64;
            // Of what took longer than the last bound nothing more is known.
            let to = BOUNDS.get(at).map_or(from, |bound| *bound as f64);
            return Some((from + (to - from) * (wanted - below) / count) / 1000.0);
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_bounds_of_their_bucket() {
        let mut buckets = [0; BOUNDS.len() + 1];
        assert_eq!(quantile(&buckets, 0.5), None);
        buckets[0] = 100;
        assert_eq!(quantile(&buckets, 0.5), Some(0.25));
        buckets[3] = 100;
        assert!(quantile(&buckets, 0.99).is_some_and(|ms| ms > 2.5 && ms <= 5.0));
        buckets[14] = 10_000;
        assert_eq!(quantile(&buckets, 0.99), Some(10_000.0));
    }

    #[test]
    fn times_fall_into_the_bucket_that_bounds_them() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut totals = Totals::default();
        histogram.add_to(&mut totals);
        assert_eq!((totals.buckets[0], totals.buckets[1], totals.buckets[13], totals.buckets[14]), (2, 1, 1, 1));
        assert_eq!(totals.micros, 20_001_002);
    }

    #[test]
    fn the_latest_request_of_a_bucket_is_its_example() {
        let [one, other] = [(); 2].map(|()| Exemplified::default());
        one.observe(Duration::from_millis(2), Id::Request(1), 7);
        one.observe(Duration::from_millis(2), Id::Trace(u128::MAX - 1), 7);
        other.observe(Duration::from_secs(60), Id::Request(3), 7);
        let mut totals = Totals::default();
        one.add_to(&mut totals);
        other.add_to(&mut totals);
        assert_eq!(totals.exemplars.iter().flatten().count(), 2);
        let example = totals.exemplars[2].expect("an example");
        assert_eq!((example.id, example.micros), (Id::Trace(u128::MAX - 1), 2000));
        assert_eq!(totals.exemplars[14].map(|example| example.id), Some(Id::Request(3)));
    }

    #[test]
    fn a_reader_never_sees_two_halves() {
        let example = Example::default();
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for n in 0..100_000_u64 {
                    example.store(n, Id::Request(u128::from(n) << 64 | u128::from(n)), 1);
                }
            });
            while !writing.is_finished() {
                if let Some(Exemplar { id: Id::Request(id), micros, .. }) = example.load() {
                    assert_eq!(id, u128::from(micros) << 64 | u128::from(micros));
                }
            }
        });
    }
}
