//! What waits to be sent: a bounded lane a worker and a signal, which the exporter empties a few times a second. Nothing wakes it, and what
//! finds no room is dropped and counted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::settings::Signal;
use crate::{
    common::meter::Counter,
    observe::trace::{Step, Trace},
};

/// Most bytes of one signal that wait, all lanes together, with what the exporter has in its hands.
const ROOM: usize = 16 << 20;
/// What an item takes besides what is counted of it.
const OVERHEAD: usize = 256;

/// A request that was recorded.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: Option<u64>,
    pub(super) flags: u8,
    /// Its beginning and its end, in nanoseconds since 1970.
    pub(super) time: [u64; 2],
    pub(super) steps: Vec<(Step, [u64; 2])>,
    /// Its line for the access log: all that is told of it, scrubbed.
    pub(super) line: Box<[u8]>,
    /// What the line does not say; nothing of it comes from a client.
    pub(super) facts: Vec<(&'static str, Value)>,
}

impl Finished {
    /// The end of the request of `trace`, which is now.
    pub(super) fn of(trace: &Trace, line: &[u8], facts: Vec<(&'static str, Value)>) -> Self {
        let timed = |step: Step| {
            let time = step.time.map(|moment| trace.nanos(moment));
            (step, time)
        };
        Self {
            trace: trace.id,
            span: trace.span,
            parent: trace.parent,
            flags: trace.flags,
            time: [trace.at(), std::time::Instant::now()].map(|moment| trace.nanos(moment)),
            steps: trace.steps().into_iter().map(timed).collect(),
            line: line.into(),
            facts,
        }
    }
}

/// A record of a log.
#[derive(Debug)]
pub(super) enum Record {
    /// A line of the access log.
    Line(Box<[u8]>),
    /// Of the process itself.
    Diagnostic(Diagnostic),
}

/// A diagnostic, scrubbed.
#[derive(Debug)]
pub struct Diagnostic {
    /// When, in nanoseconds since 1970.
    pub nanos: u64,
    /// How grave.
    pub level: tracing::Level,
    /// Which part of Privet, or of what it is made of.
    pub target: &'static str,
    /// The message and its fields.
    pub text: String,
}

/// What an item takes, in bytes.
pub(super) trait Weigh {
    fn weight(&self) -> usize;
}

impl Weigh for Finished {
    fn weight(&self) -> usize {
        OVERHEAD * (1 + self.steps.len()) + self.line.len()
    }
}

impl Weigh for Record {
    fn weight(&self) -> usize {
        let text = match self {
            Self::Line(line) => line.len(),
            Self::Diagnostic(event) => event.text.len(),
        };
        OVERHEAD + text
    }
}

/// Lanes of one kind of item.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    each: Box<[Mutex<Lane<T>>]>,
    /// Most bytes of one.
    share: usize,
}

#[derive(Debug)]
struct Lane<T> {
    items: Vec<T>,
    bytes: usize,
}

impl<T: Weigh> Lanes<T> {
    /// `count` lanes.
    pub(super) fn new(count: usize) -> Self {
        let lane = || Mutex::new(Lane { items: Vec::new(), bytes: 0 });
        Self { each: (0..count).map(|_| lane()).collect(), share: ROOM / 2 / count.max(1) }
    }

    fn lane(&self, index: usize) -> MutexGuard<'_, Lane<T>> {
        self.each[index % self.each.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an item; `false` where there is no room.
    pub(super) fn push(&self, index: usize, item: T) -> bool {
        let weight = item.weight();
        let mut lane = self.lane(index);
        let fits = lane.bytes + weight <= self.share;
        if fits {
            lane.bytes += weight;
            lane.items.push(item);
        }
        fits
    }

    /// Takes all items.
    pub(super) fn take(&self) -> Vec<T> {
        let mut all = Vec::new();
        for index in 0..self.each.len() {
            let mut lane = self.lane(index);
            lane.bytes = 0;
            let items = std::mem::take(&mut lane.items);
            drop(lane);
            all.extend(items);
        }
        all
    }
}

/// What has become of a signal.
#[derive(Debug, Default)]
pub(super) struct Counts {
    each: [[Counter; 3]; 3],
}

/// What may become of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    /// The collector has it.
    Sent,
    /// It is lost: no room, too old, or refused.
    Dropped,
    /// An attempt to send failed.
    Failed,
}

impl Counts {
    /// The counter of this fate of this signal.
    pub(super) fn of(&self, signal: Signal, fate: Fate) -> &Counter {
        &self.each[signal as usize][fate as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_bounded_and_has_room_again_when_it_is_emptied() {
        let lanes = Lanes::new(2);
        let line = || Record::Line(vec![b'x'; 1 << 20].into());
        let pushed = (0..100).filter(|_| lanes.push(0, line())).count();
        assert_eq!(pushed, 3);
        assert!(lanes.push(1, line()));
        assert_eq!(lanes.take().len(), 4);
        assert!(lanes.push(0, line()));
    }
}
