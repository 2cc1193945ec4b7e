//! All sessions of a realm. A request reads; only sign-in, sign-out and the sweep write.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use super::{
    entry::{Entry, Record, Stage, seconds},
    id::{Id, Key},
    shared::{Known, Shared},
};
use crate::identity::principal::Principal;

/// Most sessions of a realm; the one that was silent for the longest time ends for a new one.
pub const MOST: usize = 100_000;
/// Most sessions of one person.
pub const MOST_OF_ONE: usize = 32;
/// How long a sign-in may wait for its one-time code.
pub const CODE_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a shared session is believed without asking the store again, in seconds: the longest time that a session ended on
/// another replica goes on here.
const BELIEF: u64 = 2;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest silence.
    pub idle: Duration,
    /// Longest life.
    pub absolute: Duration,
}

/// A session as people see it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Names it, and is of no use for anything else.
    pub handle: String,
    /// Who.
    pub principal: Arc<Principal>,
    /// Seconds since 1970.
    pub began: u64,
    /// Seconds since 1970.
    pub seen: u64,
}

/// All sessions of a realm.
#[derive(Debug)]
pub struct Sessions {
    table: RwLock<HashMap<Key, Arc<Entry>>>,
    /// Sessions that were ended, until when they could have lived; only where there is a store that might bring them back.
    buried: RwLock<HashMap<Key, u64>>,
    idle: AtomicU64,
    absolute: AtomicU64,
    shared: Option<Arc<dyn Shared>>,
}

impl Sessions {
    /// None yet.
    #[must_use]
    pub fn new(limits: Limits, shared: Option<Arc<dyn Shared>>) -> Self {
        let sessions = Self {
            table: RwLock::default(),
            buried: RwLock::default(),
            idle: AtomicU64::new(0),
            absolute: AtomicU64::new(0),
            shared,
        };
        sessions.limit(limits);
        sessions
    }

    /// Sets other limits, which hold for sessions of before as well.
    pub fn limit(&self, limits: Limits) {
        self.idle.store(limits.idle.as_secs(), Relaxed);
        self.absolute.store(limits.absolute.as_secs(), Relaxed);
    }

    /// Begins a session; `None` when the system gives no random bytes.
    pub async fn begin(&self, record: Record, now: SystemTime) -> Option<Id> {
        let id = Id::random()?;
        let now = seconds(now);
        if let Some(shared) = &self.shared
            && let Ok(text) = serde_json::to_vec(&record)
        {
            // A store that is away costs only that other replicas ask for a sign-in.
            let _ = shared.publish(id.key(), text, self.life()).await;
        }
        self.insert(id.key(), Arc::new(Entry::new(record, now)), now);
        Some(id)
    }

    fn insert(&self, key: Key, entry: Arc<Entry>, now: u64) {
        let who = entry.principal();
        let mut table = self.write();
        let same = |(_, other): &(&Key, &Arc<Entry>)| {
            // Who has shown half of a proof ends no session of whoever has shown all of it.
            if other.stage != entry.stage {
                return false;
            }
            let other = other.principal.load();
            other.subject == who.subject && other.issuer == who.issuer
        };
        let mut own: Vec<(u64, Key)> = table.iter().filter(same).map(|(key, entry)| (entry.seen_at(), *key)).collect();
        own.sort_unstable();
        for (_, oldest) in own.iter().take((own.len() + 1).saturating_sub(MOST_OF_ONE)) {
            table.remove(oldest);
        }
        if table.len() >= MOST {
            table.retain(|_, entry| self.lives(entry, now));
        }
        if table.len() >= MOST
            && let Some(oldest) = table.iter().min_by_key(|(_, entry)| entry.seen_at()).map(|(key, _)| *key)
        {
            table.remove(&oldest);
        }
        table.insert(key, entry);
    }

    /// The session of `key`, which has been seen by this.
    pub async fn find(&self, key: Key, now: SystemTime) -> Option<Arc<Entry>> {
        let now = seconds(now);
        let found = self.read().get(&key).cloned();
        if let Some(shared) = &self.shared
            && found.as_ref().is_none_or(|entry| now.saturating_sub(entry.confirmed.load(Relaxed)) > BELIEF)
        {
            return self.ask(shared, key, found, now).await.filter(|entry| self.seen(key, entry, now));
        }
        found.filter(|entry| self.seen(key, entry, now))
    }

    /// Asks the other replicas. While they can't be asked, what is known here holds.
    async fn ask(&self, shared: &Arc<dyn Shared>, key: Key, found: Option<Arc<Entry>>, now: u64) -> Option<Arc<Entry>> {
        let known = shared.recall(key).await;
        if self.buried.read().unwrap_or_else(PoisonError::into_inner).contains_key(&key) {
            return None;
        }
        let (entry, new) = match (known, found) {
            (Err(_), found) => return found,
            (Ok(Known::Record(_)), Some(entry)) => (entry, false),
            (Ok(Known::Record(text)), None) => (Arc::new(Entry::new(serde_json::from_slice(&text).ok()?, now)), true),
            (Ok(Known::Buried | Known::Nothing), _) => {
                self.write().remove(&key);
                return None;
            }
        };
        if let Some(name) = entry.provider_name()
            && shared.recall(Key::of_name(&entry.principal().issuer, name)).await == Ok(Known::Buried)
        {
            self.write().remove(&key);
            return None;
        }
        entry.confirmed.store(now, Relaxed);
        if new {
            self.insert(key, Arc::clone(&entry), now);
        }
        Some(entry)
    }

    /// Ends, on all replicas, the sessions that a provider calls `name`, also those that are not known here. `false` when the store was
    /// not reached.
    pub async fn end_named(&self, issuer: &str, name: &str) -> bool {
        match &self.shared {
            Some(shared) => shared.bury(Key::of_name(issuer, name), self.life()).await.is_ok(),
            None => true,
        }
    }

    /// Whether a session still lives; if so it has been seen now, else it is removed.
    fn seen(&self, key: Key, entry: &Entry, now: u64) -> bool {
        let lives = self.lives(entry, now);
        if lives {
            entry.seen.fetch_max(now, Relaxed);
        } else {
            self.write().remove(&key);
        }
        lives
    }

    fn lives(&self, entry: &Entry, now: u64) -> bool {
        let absolute = match entry.stage {
            Stage::Known => self.absolute.load(Relaxed),
            Stage::AwaitsCode => CODE_PATIENCE.as_secs(),
        };
        now < entry.began.saturating_add(absolute) && now <= entry.seen_at().saturating_add(self.idle.load(Relaxed))
    }

    /// Ends the session of `key`; whether there was one here.
    pub async fn end(&self, key: Key, now: SystemTime) -> bool {
        let was = self.write().remove(&key).is_some();
        if let Some(shared) = &self.shared {
            let until = seconds(now).saturating_add(self.life().as_secs());
            self.buried.write().unwrap_or_else(PoisonError::into_inner).insert(key, until);
            let _ = shared.bury(key, self.life()).await;
        }
        was
    }

    /// All sessions of people who are known, the latest first.
    #[must_use]
    pub fn list(&self, now: SystemTime) -> Vec<Listed> {
        let now = seconds(now);
        let table = self.read();
        let living = table.iter().filter(|(_, entry)| entry.stage == Stage::Known && self.lives(entry, now));
        let mut listed: Vec<Listed> = living
            .map(|(key, entry)| Listed {
                handle: key.handle(),
                principal: entry.principal(),
                began: entry.began,
                seen: entry.seen_at(),
            })
            .collect();
        listed.sort_by_key(|session| std::cmp::Reverse(session.began));
        listed
    }

    /// Ends the session called `handle`; whether there was one.
    pub async fn revoke(&self, handle: &str, now: SystemTime) -> bool {
        self.revoke_where(|key, _| key.handle() == handle, now).await > 0
    }

    /// Ends all sessions of a person; how many there were.
    pub async fn revoke_subject(&self, issuer: &str, subject: &str, now: SystemTime) -> usize {
        let theirs = |_: &Key, entry: &Entry| {
            let who = entry.principal.load();
            who.issuer == issuer && who.subject == subject
        };
        self.revoke_where(theirs, now).await
    }

    /// Ends the sessions that `which` picks; how many there were.
    pub async fn revoke_where(&self, which: impl Fn(&Key, &Entry) -> bool, now: SystemTime) -> usize {
        let keys: Vec<Key> = self.read().iter().filter(|(key, entry)| which(key, entry)).map(|(key, _)| *key).collect();
        for key in &keys {
            self.end(*key, now).await;
        }
        keys.len()
    }

    /// Forgets what has run out.
    pub fn sweep(&self, now: SystemTime) {
        let now = seconds(now);
        self.write().retain(|_, entry| self.lives(entry, now));
        self.buried.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| now < *until);
    }

    fn life(&self) -> Duration {
        Duration::from_secs(self.absolute.load(Relaxed))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Key, Arc<Entry>>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Key, Arc<Entry>>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
