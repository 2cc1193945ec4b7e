//! The bounded queue between workers and the writer: a buffer a worker, which the writer swaps for an empty one a few times a
//! second. A request takes one lock that nobody else wants, and wakes nobody while lines keep coming.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::Thread,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::{lookout::Lookout, settings::WhenFull};
use crate::observe::metrics::Metrics;

/// Longest wait for room.
const PATIENCE: Duration = Duration::from_secs(10);

/// There is no room for another request's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Lines of one worker that wait.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
}

/// The lanes, and what the writer is told.
#[derive(Debug)]
pub(super) struct Lanes {
    each: Box<[Mutex<Lane>]>,
    /// Most bytes of one lane.
    share: usize,
    room: Notify,
    pub(super) metrics: Arc<Metrics>,
    writer: OnceLock<Thread>,
    /// Lines wait and the writer knows.
    told: AtomicBool,
    /// The last attempt to write has failed.
    pub(super) failing: AtomicBool,
    /// The file may have been moved away: open it anew.
    pub(super) reopen: AtomicBool,
    /// Write what waits, and end.
    pub(super) ending: AtomicBool,
    /// Nobody writes any more.
    pub(super) ended: AtomicBool,
    /// Who sees lines before they are written.
    pub(super) lookout: ArcSwapOption<Lookout>,
}

impl Lanes {
    /// `count` lanes, which hold `bytes` together with what the writer has in its hands.
    pub(super) fn new(count: usize, bytes: usize, metrics: &Arc<Metrics>) -> Self {
        Self {
            each: (0..count.max(1)).map(|_| Mutex::default()).collect(),
            share: bytes / 2 / count.max(1),
            room: Notify::new(),
            metrics: Arc::clone(metrics),
            writer: OnceLock::new(),
            told: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            lookout: ArcSwapOption::empty(),
        }
    }

    fn lane(&self, index: usize) -> MutexGuard<'_, Lane> {
        self.each[index % self.each.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a line, or drops and counts it.
    pub(super) fn push(&self, index: usize, line: &[u8], when_full: WhenFull) {
        let mut lane = self.lane(index);
        // Who waits for room asks before a request; what is under way by then has room as well, within reason.
        let most = if when_full == WhenFull::Wait { self.share.saturating_mul(2) } else { self.share };
        if lane.bytes.len() + line.len() > most || self.ended.load(SeqCst) {
            drop(lane);
            self.metrics.log.dropped.increment();
            return;
        }
        lane.bytes.extend_from_slice(line);
        lane.lines += 1;
        drop(lane);
        if !self.told.load(SeqCst) && !self.told.swap(true, SeqCst) {
            self.wake();
        }
    }

    /// Waits for room in a lane.
    pub(super) async fn room(&self, index: usize) -> Result<(), Full> {
        loop {
            // Made before looking, so that no notice is missed.
            let notice = self.room.notified();
            if self.failing.load(SeqCst) {
                return Err(Full);
            }
            if self.lane(index).bytes.len() < self.share {
                return Ok(());
            }
            if tokio::time::timeout(PATIENCE, notice).await.is_err() {
                return Err(Full);
            }
        }
    }

    /// Swaps the lines of every lane, one after the other, for an empty buffer, and shows them to `take`.
    pub(super) fn collect(&self, spare: &mut Lane, mut take: impl FnMut(&[u8])) -> u64 {
        let mut lines = 0;
        for lane in &self.each {
            std::mem::swap(&mut *lane.lock().unwrap_or_else(PoisonError::into_inner), spare);
            take(&spare.bytes);
            lines += std::mem::take(&mut spare.lines);
            spare.bytes.clear();
        }
        lines
    }

    /// Bytes of lines that wait.
    pub(super) fn bytes(&self) -> usize {
        (0..self.each.len()).map(|index| self.lane(index).bytes.len()).sum()
    }

    /// From here on the next line wakes the writer.
    pub(super) fn listen(&self) {
        self.told.store(false, SeqCst);
    }

    /// Whether lines wait.
    pub(super) fn waiting(&self) -> bool {
        self.told.load(SeqCst)
    }

    /// Tells those who wait that there is room, or that there will be none.
    pub(super) fn announce(&self) {
        self.room.notify_waiters();
    }

    /// The thread that writes.
    pub(super) fn set_writer(&self, thread: Thread) {
        let _ = self.writer.set(thread);
    }

    /// Wakes it.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.writer.get() {
            thread.unpark();
        }
    }
}
