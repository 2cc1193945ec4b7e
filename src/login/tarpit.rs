//! Refusals that take their time, in bounded number: whoever guesses waits for each answer, and Privet holds little for it.

use std::time::Duration;

use tokio::sync::Semaphore;

/// Most refusals that are held back at once, a process; any more go out at once.
pub const MOST: usize = 256;

/// Holds refusals back.
#[derive(Debug)]
pub(super) struct Tarpit(Semaphore);

impl Default for Tarpit {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Tarpit {
    /// Waits for `time` where there is room; whether there was.
    pub(super) async fn hold(&self, time: Duration) -> bool {
        let Ok(_held) = self.0.try_acquire() else { return false };
        tokio::time::sleep(time).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bounded_number_is_held() {
        let tarpit = Tarpit::default();
        let start = tokio::time::Instant::now();
        let all = futures_util::future::join_all((0..1000).map(|_| tarpit.hold(Duration::from_secs(2)))).await;
        assert_eq!(all.iter().filter(|held| **held).count(), MOST);
        assert_eq!(start.elapsed().as_secs(), 2);
        assert!(tarpit.hold(Duration::from_secs(2)).await, "the places are free again");
    }
}
