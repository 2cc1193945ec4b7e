//! Deadlines on a coarse clock: one tick task a worker instead of a timer a request.
//!
//! A [`Watch`] holds one deadline a [`Slot`], each a plain cell: arming costs a store. Every [`TICK`] the worker's
//! [`Watches`] compares all of them with the clock and wakes the task whose deadline has passed; the task then asks
//! [`Watch::fired`]. Deadlines are late by up to two ticks, never early. With no watch registered nothing ticks.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    task::{Context, Waker},
    time::Duration,
};

use slab::Slab;
use tokio::{sync::Notify, time::Instant};

/// How often deadlines are looked at.
pub const TICK: Duration = Duration::from_millis(100);

/// What a deadline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Slot {
    /// A request head that has begun must end.
    Head,
    /// A connection without a request must get one.
    Idle,
    /// A connection is old enough to be closed.
    Age,
    /// Bytes written to the socket must be taken.
    Write,
    /// The client owes body bytes.
    Body,
    /// The application owes the head of an answer.
    Response,
    /// The exchange as a whole must end.
    Total,
    /// An answer's bytes must be taken by the client.
    Stall,
    /// A connection without a request gives its buffers back.
    Sleep,
}

const SLOTS: usize = 9;
const OFF: u64 = u64::MAX;

/// A length of time in ticks, rounded up, so that hot code never divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks(u64);

impl Ticks {
    /// How many.
    #[must_use]
    pub fn count(self) -> u64 {
        self.0
    }
}

impl From<Duration> for Ticks {
    fn from(duration: Duration) -> Self {
        let ticks = duration.as_millis().div_ceil(TICK.as_millis());
        Self(u64::try_from(ticks).unwrap_or(OFF / 2).min(OFF / 2))
    }
}

/// All watches of one worker, and its coarse clock.
#[derive(Debug)]
pub struct Watches {
    epoch: Instant,
    now: Cell<u64>,
    entries: RefCell<Slab<Weak<Watch>>>,
    filled: Notify,
}

/// The deadlines of one task. Dropping it forgets them.
#[derive(Debug)]
pub struct Watch {
    owner: Rc<Watches>,
    key: usize,
    deadlines: [Cell<u64>; SLOTS],
    waker: RefCell<Option<Waker>>,
}

impl Watches {
    /// An empty set whose clock starts now.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            epoch: Instant::now(),
            now: Cell::new(0),
            entries: RefCell::new(Slab::new()),
            filled: Notify::new(),
        })
    }

    /// Adds a watch with nothing armed.
    #[must_use]
    pub fn watch(self: &Rc<Self>) -> Rc<Watch> {
        let mut entries = self.entries.borrow_mut();
        if entries.is_empty() {
            self.now.set(self.elapsed());
            self.filled.notify_one();
        }
        let entry = entries.vacant_entry();
        let watch = Rc::new(Watch {
            owner: Rc::clone(self),
            key: entry.key(),
            deadlines: [const { Cell::new(OFF) }; SLOTS],
            waker: RefCell::new(None),
        });
        entry.insert(Rc::downgrade(&watch));
        watch
    }

    /// Ticks since the start.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Reads the clock afresh, for callers that come while nothing ticks.
    #[must_use]
    pub fn refreshed(&self) -> u64 {
        self.now.set(self.elapsed());
        self.now.get()
    }

    /// Wakes every watched task, for news that concern them all.
    pub fn wake_all(&self) {
        self.wake(|_| true);
    }

    /// Ticks for ever; the worker runs it beside its connections.
    pub async fn run(self: Rc<Self>) {
        loop {
            if self.entries.borrow().is_empty() {
                self.filled.notified().await;
            }
            tokio::time::sleep(TICK).await;
            self.now.set(self.elapsed());
            self.wake_due();
        }
    }

    fn wake_due(&self) {
        let now = self.now.get();
        self.wake(|watch| watch.deadlines.iter().any(|deadline| deadline.get() <= now));
    }

    fn wake(&self, whom: impl Fn(&Watch) -> bool) {
        for watch in self.entries.borrow().iter().filter_map(|(_, watch)| watch.upgrade()) {
            if whom(&watch)
                && let Some(waker) = watch.waker.borrow().as_ref()
            {
                waker.wake_by_ref();
            }
        }
    }

    fn elapsed(&self) -> u64 {
        let ticks = self.epoch.elapsed().as_millis() / TICK.as_millis();
        u64::try_from(ticks).unwrap_or(OFF / 2)
    }
}

impl Watch {
    /// Sets a deadline `after` from now, instead of any earlier setting.
    pub fn arm(&self, slot: Slot, after: Ticks) {
        // One tick is under way already, so a full tick more keeps the deadline from being early.
        let deadline = self.owner.now.get().saturating_add(after.0).saturating_add(1);
        self.deadlines[slot as usize].set(deadline);
    }

    /// Sets a deadline unless one is set.
    pub fn arm_once(&self, slot: Slot, after: Ticks) {
        if self.deadlines[slot as usize].get() == OFF {
            self.arm(slot, after);
        }
    }

    /// Forgets a deadline.
    pub fn disarm(&self, slot: Slot) {
        self.deadlines[slot as usize].set(OFF);
    }

    /// Whether a deadline is set.
    #[must_use]
    pub fn armed(&self, slot: Slot) -> bool {
        self.deadlines[slot as usize].get() != OFF
    }

    /// Whether a deadline has passed.
    #[must_use]
    pub fn fired(&self, slot: Slot) -> bool {
        self.deadlines[slot as usize].get() <= self.owner.now.get()
    }

    /// Names the task to wake.
    pub fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match waker.as_ref() {
            Some(present) if present.will_wake(cx.waker()) => {}
            _ => *waker = Some(cx.waker().clone()),
        }
    }

    /// The worker's coarse clock, in ticks.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.owner.now.get()
    }

    /// The set that this watch belongs to.
    #[must_use]
    pub fn owner(&self) -> &Rc<Watches> {
        &self.owner
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.owner.entries.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll};

    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn ticks_round_up() {
        assert_eq!(Ticks::from(Duration::from_millis(1)), Ticks(1));
        assert_eq!(Ticks::from(Duration::from_millis(200)), Ticks(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_passed_deadline_wakes_and_a_disarmed_one_does_not() {
        let set = LocalSet::new();
        set.run_until(async {
            let watches = Watches::new();
            tokio::task::spawn_local(Rc::clone(&watches).run());
            let watch = watches.watch();
            watch.arm(Slot::Idle, Duration::from_secs(5).into());
            watch.arm(Slot::Head, Duration::from_secs(1).into());
            watch.disarm(Slot::Head);
            let started = Instant::now();
            poll_fn(|cx| {
                watch.register(cx);
                if watch.fired(Slot::Idle) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            assert!(!watch.fired(Slot::Head));
            let waited = started.elapsed();
            assert!(waited >= Duration::from_secs(5) && waited < Duration::from_millis(5400));
            drop(watch);
            assert!(watches.entries.borrow().is_empty());
        })
        .await;
    }
}
