//! How much a scan may ask, how fast, and for how long.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Longest wait for one answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing more is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// As many requests as were allowed.
    #[error("the number of requests is used up (--max-requests)")]
    Requests,
    /// As long as was allowed.
    #[error("the time is used up (--max-time)")]
    Time,
}

/// What is left.
#[derive(Debug)]
pub struct Budget {
    asked: Cell<u32>,
    most: u32,
    end: Instant,
    gap: Duration,
    next: Cell<Instant>,
}

impl Budget {
    /// At most `most` requests within `time`, `rate` of them a second.
    #[must_use]
    pub fn new(most: u32, time: Duration, rate: u32) -> Self {
        let now = Instant::now();
        let gap = Duration::from_secs(1) / rate.max(1);
        Self { asked: Cell::new(0), most, end: now + time, gap, next: Cell::new(now) }
    }

    /// Waits until one more may be asked.
    ///
    /// # Errors
    /// When none may.
    pub async fn take(&self) -> Result<(), Spent> {
        if self.asked.get() >= self.most {
            return Err(Spent::Requests);
        }
        let now = Instant::now();
        let at = self.next.get().max(now);
        if at >= self.end {
            return Err(Spent::Time);
        }
        self.next.set(at + self.gap);
        self.asked.set(self.asked.get() + 1);
        tokio::time::sleep(at - now).await;
        Ok(())
    }

    /// How many were asked.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.asked.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_ends_by_number_and_by_time() {
        let budget = Budget::new(3, Duration::from_secs(60), 1000);
        for _ in 0..3 {
            budget.take().await.expect("left");
        }
        assert_eq!((budget.take().await, budget.asked()), (Err(Spent::Requests), 3));
        assert_eq!(Budget::new(3, Duration::ZERO, 1000).take().await, Err(Spent::Time));
    }
}
