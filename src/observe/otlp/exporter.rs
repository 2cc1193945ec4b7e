//! What sends, a task a signal on a thread of their own: it empties the lanes, makes batches, and sends each until it is taken, refused or too old.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Ready, Shared,
    client::{Client, Error},
    message,
    queue::{Fate, Finished, Record, Weigh},
    settings::Signal,
};

/// How often lanes are looked at.
const PACE: Duration = Duration::from_millis(500);
/// Most requests, or lines, in one batch.
const BATCH: usize = 512;
/// Weight from which a batch takes no more: receivers of gRPC refuse messages of more than 4 MiB unless told otherwise, and clients
/// choose how long their URLs are.
const FULL: usize = 1 << 20;
/// First wait after a failure, which doubles; and the longest.
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How old a batch may become.
const OLD: Duration = Duration::from_secs(300);
/// How often trouble is told.
const PERIOD: Duration = Duration::from_secs(60);

/// A request that is ready to be sent.
#[derive(Debug)]
struct Batch {
    message: Bytes,
    records: u64,
    made: Instant,
    tries: u32,
    due: Instant,
}

/// What of a signal has left its lanes and is in no batch yet.
#[derive(Debug)]
enum Stock {
    Traces(VecDeque<Finished>),
    /// When they are due, and since when they count: nanoseconds since 1970.
    Metrics(Instant, u64),
    Logs(VecDeque<Record>),
}

impl Stock {
    /// What is lost when it goes no further.
    fn records(&self) -> u64 {
        match self {
            Self::Traces(all) => all.iter().map(|finished| 1 + finished.steps.len() as u64).sum(),
            Self::Metrics(..) => 0,
            Self::Logs(all) => all.len() as u64,
        }
    }
}

/// The exporter of one signal. Each has a connection of its own, so that none waits for another's trouble.
#[derive(Debug)]
pub(super) struct Exporter {
    signal: Signal,
    shared: Arc<Shared>,
    ready: Arc<Ready>,
    client: Client,
    waiting: Option<Batch>,
    stock: Stock,
    told: Option<Instant>,
    failing: bool,
}

impl Exporter {
    /// One for each signal; metrics count since `started`.
    pub(super) fn all(shared: &Arc<Shared>, ready: &Arc<Ready>, started: u64) -> [Self; 3] {
        Signal::ALL.map(|signal| Self {
            signal,
            shared: Arc::clone(shared),
            client: Client::new(),
            waiting: None,
            stock: match signal {
                Signal::Traces => Stock::Traces(VecDeque::new()),
                // Soon, so that a collector knows of a new process.
                Signal::Metrics => Stock::Metrics(Instant::now() + PACE, started),
                Signal::Logs => Stock::Logs(VecDeque::new()),
            },
            told: None,
            failing: false,
            ready: Arc::clone(ready),
        })
    }

    /// Until the end: then all that waits is sent once more.
    pub(super) async fn run(mut self) {
        let mut wake = self.shared.wake.subscribe();
        while self.shared.end_at().is_none() {
            let _ = tokio::time::timeout(PACE, wake.changed()).await;
            let ready = self.shared.ready();
            if !Arc::ptr_eq(&ready, &self.ready) {
                self.client = Client::new();
                self.ready = ready;
                self.hurry();
            }
            if self.shared.end_at().is_none() {
                self.pump().await;
            }
        }
        self.hurry();
        if let Stock::Metrics(due, _) = &mut self.stock {
            *due = Instant::now();
        }
        self.pump().await;
        self.drop_records(self.stock.records() + self.waiting.as_ref().map_or(0, |batch| batch.records));
    }

    fn hurry(&mut self) {
        self.waiting.iter_mut().for_each(|batch| batch.due = Instant::now());
    }

    /// Sends what there is, up to the first failure.
    async fn pump(&mut self) {
        while let Some(mut batch) = self.waiting.take().or_else(|| self.batch()) {
            if batch.due > Instant::now() {
                self.waiting = Some(batch);
                return;
            }
            if batch.tries > 0 {
                self.renew(&mut batch);
            }
            let Ready { settings, dialer, .. } = &*self.ready;
            let sending = self.client.send(settings, dialer, self.signal, &batch.message);
            let Some(sent) = before_the_end(&self.shared, sending).await else {
                return self.drop_records(batch.records);
            };
            match sent {
                Ok(taken) => self.taken(batch.records, taken.rejected),
                Err(error) => {
                    self.shared.counts.of(self.signal, Fate::Failed).increment();
                    self.tell(Some(&error));
                    if !error.is_passing() || batch.made.elapsed() > OLD {
                        self.drop_records(batch.records);
                        continue;
                    }
                    batch.due = Instant::now() + wait(batch.tries, &error);
                    batch.tries += 1;
                    self.waiting = Some(batch);
                    return;
                }
            }
        }
    }

    fn taken(&mut self, records: u64, rejected: u64) {
        let rejected = rejected.min(records);
        self.shared.counts.of(self.signal, Fate::Sent).add(records - rejected);
        self.drop_records(rejected);
        if rejected > 0 {
            self.tell(None);
        } else if std::mem::take(&mut self.failing) {
            tracing::info!(signal = self.signal.name(), "telemetry is sent again");
        }
    }

    fn drop_records(&self, records: u64) {
        self.shared.counts.of(self.signal, Fate::Dropped).add(records);
    }

    /// Makes the next batch, where there is anything.
    fn batch(&mut self) -> Option<Batch> {
        let resource = &self.ready.resource;
        let (message, records) = match &mut self.stock {
            Stock::Traces(stock) => message::traces(resource, &next(stock, || self.shared.traces.take())?),
            Stock::Logs(stock) => message::logs(resource, &next(stock, || self.shared.logs.take())?),
            Stock::Metrics(due, started) => {
                if !self.ready.settings.signals.has(self.signal) || *due > Instant::now() {
                    return None;
                }
                *due = Instant::now() + self.ready.settings.interval;
                message::metrics(resource, &self.shared.metrics.gather(), *started)
            }
        };
        let now = Instant::now();
        Some(Batch { message: message.into(), records, made: now, tries: 0, due: now })
    }

    /// Metrics add up: those of now tell all that those which could not be sent would have told.
    fn renew(&self, batch: &mut Batch) {
        if let Stock::Metrics(_, started) = self.stock {
            let (message, records) = message::metrics(&self.ready.resource, &self.shared.metrics.gather(), started);
            (batch.message, batch.records) = (message.into(), records);
        }
    }

    /// Tells of trouble, once a period: of `error`, or of records that were not taken.
    fn tell(&mut self, error: Option<&Error>) {
        self.failing = true;
        if self.told.is_some_and(|at| at.elapsed() < PERIOD) {
            return;
        }
        self.told = Some(Instant::now());
        let signal = self.signal.name();
        let Some(error) = error else {
            return tracing::warn!(signal, "the collector has taken a part of the telemetry only");
        };
        let error: &(dyn std::error::Error + 'static) = error;
        tracing::warn!(signal, error, "telemetry can't be sent");
    }
}

/// What comes of `sending`; nothing where that is not before the exporter has to be done.
async fn before_the_end<T>(shared: &Shared, sending: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(sending);
    let mut wake = shared.wake.subscribe();
    loop {
        if let Some(end) = shared.end_at() {
            return tokio::time::timeout_at(end.into(), sending).await.ok();
        }
        tokio::select! {
            sent = &mut sending => return Some(sent),
            _ = wake.changed() => {}
        }
    }
}

/// The next items, out of those at hand or else of those that wait: at least one, where there is any.
fn next<T: Weigh>(at_hand: &mut VecDeque<T>, wait: impl FnOnce() -> Vec<T>) -> Option<Vec<T>> {
    if at_hand.is_empty() {
        at_hand.extend(wait());
    }
    let mut weight = 0;
    let room = |item: &&T| {
        let begun = weight < FULL;
        weight += item.weight();
        begun
    };
    let count = at_hand.iter().take(BATCH).take_while(room).count();
    (count > 0).then(|| at_hand.drain(..count).collect())
}

/// How long to wait after so many tries: as long as the collector says, or twice as long each time, and not all at once.
fn wait(tries: u32, error: &Error) -> Duration {
    let doubled = WAIT.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT);
    error.wait().unwrap_or(doubled.mul_f64(0.5 + fastrand::f64() / 2.0)).min(OLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item {
        number: usize,
        weight: usize,
    }

    impl Weigh for Item {
        fn weight(&self) -> usize {
            self.weight
        }
    }

    #[test]
    fn waits_grow_up_to_a_bound_unless_the_collector_says_how_long() {
        for (tries, most) in [(0, 1), (1, 2), (4, 16), (5, 30), (40, 30)] {
            let wait = wait(tries, &Error::Timeout);
            assert!(wait <= Duration::from_secs(most) && wait * 2 >= Duration::from_secs(most), "{tries}: {wait:?}");
        }
        let said = Error::Grpc { code: 14, wait: Some(Duration::from_secs(7)) };
        assert_eq!(wait(3, &said), Duration::from_secs(7));
    }

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        for (weight, lengths) in [(1, &[512, 488][..]), (FULL / 400, &[401, 401, 198]), (2 * FULL, &[1; 1000])] {
            let items: Vec<Item> = (0..1000).map(|number| Item { number, weight }).collect();
            let (mut at_hand, mut more) = (VecDeque::new(), Some(items));
            let mut batches = Vec::new();
            while let Some(batch) = next(&mut at_hand, || more.take().unwrap_or_default()) {
                batches.push(batch);
            }
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
            assert!(batches.iter().flatten().map(|item| item.number).eq(0..1000));
        }
    }
}
