//! The store as those who use it see it.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use redis::Value;
use tokio::{
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
    task::AbortHandle,
};

use super::{
    counts::Counts,
    keeper,
    link::{Invalid, Place},
    script::{Call, Script},
    settings::Settings,
    shared::{Away, Shared},
};

/// Requests of [`Store::tell`] that may wait.
const TOLD: usize = 4096;
/// Requests of [`Store::tell`] that go out together.
const TOGETHER: usize = 256;

/// What replicas share. Lives once a process; used from any runtime.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    told: Sender<Call>,
    tasks: [AbortHandle; 2],
}

impl Store {
    /// Starts to connect, on `runtime`, which drives the connection from then on. Until it stands every request is [`Away`].
    ///
    /// # Errors
    /// When the file of authorities can't be used.
    pub fn start(settings: &Settings, runtime: &Handle) -> Result<Arc<Self>, Invalid> {
        let place = Place::new(&settings.redis)?;
        let shared = Arc::new(Shared::new(&settings.redis.prefix, settings.timeout));
        let (told, waiting) = channel(TOLD);
        let tasks = [
            runtime.spawn(keeper::keep(Arc::clone(&shared), place)).abort_handle(),
            runtime.spawn(pass_on(Arc::clone(&shared), waiting)).abort_handle(),
        ];
        Ok(Arc::new(Self { shared, told, tasks }))
    }

    /// Whether requests are sent now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.link.load().is_some()
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Runs a script with these keys and arguments. All keys get the store's prefix, and must share a hash tag.
    ///
    /// # Errors
    /// [`Away`]: at once where the server is known to be away, within [`Settings::timeout`] where it has just gone. Whether the
    /// script has run is not known then.
    pub async fn run<K: AsRef<[u8]>, A: AsRef<[u8]>>(
        &self,
        script: &Script,
        keys: &[K],
        arguments: &[A],
    ) -> Result<Value, Away> {
        self.shared.call(&Call::new(script, &self.shared.prefix, keys, arguments)).await
    }

    /// Has a script run as soon as may be, without waiting for it and in no order to other requests. What finds no room or no
    /// server is dropped and counted.
    pub fn tell<K: AsRef<[u8]>, A: AsRef<[u8]>>(&self, script: &Script, keys: &[K], arguments: &[A]) {
        let call = Call::new(script, &self.shared.prefix, keys, arguments);
        if !self.is_up() || self.told.try_send(call).is_err() {
            self.shared.counts.dropped.increment();
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Away> {
        let key = self.key(key);
        match self.shared.command(&key, redis::cmd("GET").arg(&key)).await? {
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    /// Keeps `value` under `key` for `life`, which is at least a millisecond.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn set(&self, key: &str, value: &[u8], life: Duration) -> Result<(), Away> {
        let key = self.key(key);
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX.unsigned_abs() / 2);
        let mut command = redis::cmd("SET");
        command.arg(&key).arg(value).arg("PX").arg(life);
        self.shared.command(&key, &command).await.map(|_| ())
    }

    /// Forgets a key. Whether there was one.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn delete(&self, key: &str) -> Result<bool, Away> {
        let key = self.key(key);
        let deleted = self.shared.command(&key, redis::cmd("DEL").arg(&key)).await?;
        Ok(matches!(deleted, Value::Int(1..)))
    }

    fn key(&self, key: &str) -> Vec<u8> {
        [self.shared.prefix.as_bytes(), key.as_bytes()].concat()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Sends what was told; what comes in while an answer is awaited goes out together after it.
async fn pass_on(shared: Arc<Shared>, mut waiting: Receiver<Call>) {
    let mut calls = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut calls, TOGETHER).await > 0 {
        let lost = join_all(calls.iter().map(|call| shared.call(call))).await.iter().filter(|r| r.is_err()).count();
        shared.counts.dropped.add(lost as u64);
        calls.clear();
    }
}
