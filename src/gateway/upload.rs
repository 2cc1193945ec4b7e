//! How far an exchange has come: what all who work on it share.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    task::{Poll, Waker},
    time::Duration,
};

use crate::{
    antivirus,
    gateway::refusal::Kind,
    observe::trace::{Running, Trace},
    privacy::Tally,
    shield::Decision,
};

/// How far the client's body has come, and what became of the answer; shared by all who work on one exchange.
#[derive(Debug, Default)]
pub struct Upload {
    /// Its end was seen.
    pub ended: Cell<bool>,
    /// It was cut for this reason.
    pub fault: Cell<Option<Kind>>,
    /// Bytes of it that were read.
    pub bytes: Cell<u64>,
    /// From the request sent to the head of the answer.
    pub answered: Cell<Option<Duration>>,
    /// What was rewritten in what the application sent.
    pub found: RefCell<Tally>,
    /// What rules against intrusion have made of it.
    pub decision: RefCell<Option<Box<Decision>>>,
    /// What scanners have made of it, and of the answer.
    pub scanned: RefCell<Option<Box<antivirus::Decision>>>,
    /// Privet has made it itself: what is in it says nothing of what is on the wire.
    pub probe: Cell<bool>,
    /// Whoever asked may not be here any more.
    pub gone: Cell<bool>,
    /// Who is to be woken when that comes.
    pub waker: RefCell<Option<Waker>>,
    /// What is recorded of the request where it is traced.
    pub trace: Option<Box<Trace>>,
}

impl Upload {
    /// Ends what is under way for somebody who has left.
    pub fn end(&self) {
        self.gone.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits until whoever asked has left.
    pub async fn left(&self) {
        poll_fn(|cx| {
            if self.gone.get() {
                return Poll::Ready(());
            }
            self.waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// A step of the request begins, where it is traced; it ends when what comes back is dropped.
    #[must_use]
    pub fn step(&self, name: &'static str) -> Option<Running<'_>> {
        self.trace.as_ref().map(|trace| trace.step(name))
    }
}
