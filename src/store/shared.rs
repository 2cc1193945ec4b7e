//! What everybody who asks the store and the task that keeps it connected hold in common.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::{sync::Notify, time::timeout};

use super::{
    counts::{Counts, Outcome},
    link::{Link, is_refusal, is_unknown_script, why},
    script::Call,
};

/// The store can't be asked now: go on with what you have yourself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shared store is away")]
pub struct Away;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counts: Counts,
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    /// What requests go out on; nothing while the server is away or in doubt.
    pub(super) link: ArcSwapOption<Link>,
    /// Wakes the keeper: a request has failed.
    pub(super) doubt: Notify,
    /// The key of the last request that failed: in a cluster, which part of it to look at.
    doubtful: Mutex<Vec<u8>>,
    told_of_refusal: AtomicBool,
}

impl Shared {
    pub(super) fn new(prefix: &str, timeout: Duration) -> Self {
        Self {
            counts: Counts::default(),
            prefix: prefix.to_owned(),
            timeout,
            link: ArcSwapOption::empty(),
            doubt: Notify::new(),
            doubtful: Mutex::default(),
            told_of_refusal: AtomicBool::new(false),
        }
    }

    pub(super) async fn call(&self, call: &Call) -> Result<Value, Away> {
        self.send(call.key(), async |link| match link.ask(&call.by_hash()).await {
            Err(error) if is_unknown_script(&error) => link.ask(&call.by_text()).await,
            outcome => outcome,
        })
        .await
    }

    pub(super) async fn command(&self, key: &[u8], command: &Cmd) -> Result<Value, Away> {
        self.send(key, async |link| link.ask(command).await).await
    }

    async fn send(&self, key: &[u8], ask: impl AsyncFnOnce(&Link) -> RedisResult<Value>) -> Result<Value, Away> {
        let Some(link) = self.link.load_full() else {
            self.counts.requests(Outcome::Away).increment();
            return Err(Away);
        };
        let (value, outcome) = match timeout(self.timeout, ask(&link)).await {
            Ok(Ok(value)) => (Ok(value), Outcome::Answered),
            Ok(Err(error)) if is_refusal(&error) => {
                self.tell_of_refusal(&error);
                (Err(Away), Outcome::Refused)
            }
            Ok(Err(_)) => (Err(Away), Outcome::Failed),
            Err(_) => (Err(Away), Outcome::Late),
        };
        self.counts.requests(outcome).increment();
        if matches!(outcome, Outcome::Failed | Outcome::Late) {
            self.doubt(&link, key);
        }
        value
    }

    /// Takes `link` out of use until the keeper has looked at it, so that nobody else waits for it.
    fn doubt(&self, link: &Arc<Link>, key: &[u8]) {
        *self.doubtful.lock().unwrap_or_else(PoisonError::into_inner) = key.to_vec();
        self.link.compare_and_swap(link, None);
        self.doubt.notify_one();
    }

    /// A key in the same part of a cluster as that of the last request that failed.
    pub(super) fn probe_key(&self) -> Vec<u8> {
        let doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
        [self.prefix.as_bytes(), b"probe:{", hash_tag(&doubtful), b"}"].concat()
    }

    /// A refused request is a mistake of ours or a missing permission: said once, for it would be said of every request.
    fn tell_of_refusal(&self, error: &RedisError) {
        if !self.told_of_refusal.swap(true, Relaxed) {
            tracing::error!(why = why(error), "the shared store refuses a request; what it is for goes on without it");
        }
    }
}

/// What a cluster hashes of a key: what is between the first `{` and the next `}`, or all of it.
fn hash_tag(key: &[u8]) -> &[u8] {
    let tag = memchr::memchr(b'{', key).and_then(|open| {
        let rest = &key[open + 1..];
        memchr::memchr(b'}', rest).map(|close| &rest[..close])
    });
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_tags() {
        assert_eq!(hash_tag(b"privet:login:{a}:x"), b"a");
        assert_eq!(hash_tag(b"plain"), b"plain");
        assert_eq!(hash_tag(b"{}x"), b"{}x");
        assert_eq!(hash_tag(b"{open"), b"{open");
    }
}
