//! The thread that sends: it empties the lanes, makes batches, and sends each until it is taken, refused or too old.

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

/// The exporter, on its own thread.
#[derive(Debug)]
pub(super) struct Exporter {
    shared: Arc<Shared>,
    ready: Arc<Ready>,
    client: Client,
    waiting: [Option<Batch>; 3],
    traces: VecDeque<Finished>,
    logs: VecDeque<Record>,
    /// When metrics are due.
    metrics_due: Instant,
    started: u64,
    told: Option<Instant>,
    failing: bool,
}

impl Exporter {
    pub(super) fn new(shared: Arc<Shared>, ready: Arc<Ready>, started: u64) -> Self {
        Self {
            shared,
            client: Client::new(),
            waiting: [const { None }; 3],
            traces: VecDeque::new(),
            logs: VecDeque::new(),
            // Soon, so that a collector knows of a new process.
            metrics_due: Instant::now() + PACE,
            started,
            told: None,
            failing: false,
            ready,
        }
    }

    /// Until the end: then all that waits is sent once more.
    pub(super) async fn run(mut self) {
        while self.shared.end_at().is_none() {
            let _ = tokio::time::timeout(PACE, self.shared.wake.notified()).await;
            let ready = self.shared.ready();
            if !Arc::ptr_eq(&ready, &self.ready) {
                self.client = Client::new();
                self.ready = ready;
                self.waiting.iter_mut().flatten().for_each(|batch| batch.due = Instant::now());
            }
            for signal in Signal::ALL {
                if self.shared.end_at().is_none() {
                    self.pump(signal).await;
                }
            }
        }
        self.metrics_due = Instant::now();
        for signal in Signal::ALL {
            self.waiting.iter_mut().flatten().for_each(|batch| batch.due = Instant::now());
            self.pump(signal).await;
        }
        let left = self.traces.iter().map(|finished| 1 + finished.steps.len() as u64).sum();
        self.drop_records(Signal::Traces, left);
        self.drop_records(Signal::Logs, self.logs.len() as u64);
        for signal in Signal::ALL {
            let left = self.waiting[signal as usize].as_ref().map_or(0, |batch| batch.records);
            self.drop_records(signal, left);
        }
    }

    /// Sends what there is of a signal, up to the first failure.
    async fn pump(&mut self, signal: Signal) {
        while let Some(mut batch) = self.waiting[signal as usize].take().or_else(|| self.batch(signal)) {
            if batch.due > Instant::now() {
                self.waiting[signal as usize] = Some(batch);
                return;
            }
            let Ready { settings, dialer, .. } = &*self.ready;
            let sending = self.client.send(settings, dialer, signal, &batch.message);
            let Some(sent) = before_the_end(&self.shared, sending).await else {
                return self.drop_records(signal, batch.records);
            };
            match sent {
                Ok(taken) => self.taken(signal, batch.records, taken.rejected),
                Err(error) => {
                    self.shared.counts.of(signal, Fate::Failed).increment();
                    self.tell(signal, Some(&error));
                    if !error.is_passing() || batch.made.elapsed() > OLD {
                        self.drop_records(signal, batch.records);
                        continue;
                    }
                    batch.due = Instant::now() + wait(batch.tries, &error);
                    batch.tries += 1;
                    self.waiting[signal as usize] = Some(batch);
                    return;
                }
            }
        }
    }

    fn taken(&mut self, signal: Signal, records: u64, rejected: u64) {
        let rejected = rejected.min(records);
        self.shared.counts.of(signal, Fate::Sent).add(records - rejected);
        self.drop_records(signal, rejected);
        if rejected > 0 {
            self.tell(signal, None);
        } else if std::mem::take(&mut self.failing) {
            tracing::info!("telemetry is sent again");
        }
    }

    fn drop_records(&self, signal: Signal, records: u64) {
        self.shared.counts.of(signal, Fate::Dropped).add(records);
    }

    /// Makes the next batch of a signal, where there is anything.
    fn batch(&mut self, signal: Signal) -> Option<Batch> {
        let resource = &self.ready.resource;
        let (message, records) = match signal {
            Signal::Traces => {
                let batch = next(&mut self.traces, || self.shared.traces.take())?;
                message::traces(resource, &batch)
            }
            Signal::Logs => {
                let batch = next(&mut self.logs, || self.shared.logs.take())?;
                message::logs(resource, &batch)
            }
            Signal::Metrics => {
                let due = self.ready.settings.signals.has(signal) && self.metrics_due <= Instant::now();
                due.then(|| {
                    self.metrics_due = Instant::now() + self.ready.settings.interval;
                    message::metrics(resource, &self.shared.metrics.gather(), self.started)
                })?
            }
        };
        let now = Instant::now();
        Some(Batch { message: message.into(), records, made: now, tries: 0, due: now })
    }

    /// Tells of trouble, once a period: of `error`, or of records that were not taken.
    fn tell(&mut self, signal: Signal, error: Option<&Error>) {
        self.failing = true;
        if self.told.is_some_and(|at| at.elapsed() < PERIOD) {
            return;
        }
        self.told = Some(Instant::now());
        let signal = signal.name();
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
    loop {
        if let Some(end) = shared.end_at() {
            return tokio::time::timeout_at(end.into(), sending).await.ok();
        }
        tokio::select! {
            sent = &mut sending => return Some(sent),
            () = shared.wake.notified() => {}
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
