//! Sessions that replicas share through the store.
//!
//! A record is sealed (AES-256-GCM, the session's key as associated data) under a key derived from the seal ring, for it names people. A
//! session that was ended is written over with a mark that lives as long as the session could have; while the store is away the mark
//! waits, and is written as soon as the store is back.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use tokio::sync::Semaphore;

use super::{
    id::Key,
    shared::{Answer, Away, Known, Shared},
};
use crate::{
    identity::keys::derive,
    seal::Ring,
    store::{Script, Store, Value},
};

/// What stands in the place of a record that was ended.
const BURIED: &[u8] = b"x";
/// Marks that wait for the store at once; those beyond are known to this process only.
const WAITING: usize = 4096;
/// How often a mark that waits is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// Writes a record unless the session was ended.
const PUBLISH: &str = "if redis.call('GET', KEYS[1]) == ARGV[3] then return 0 end redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

/// The sessions of one realm in the store.
#[derive(Debug)]
pub struct Replicas(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    realm: String,
    /// Newest last.
    keys: Vec<RandomizedNonceKey>,
    publish: Script,
    waiting: Semaphore,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replicas({})", self.realm)
    }
}

impl Replicas {
    /// The sessions of `realm` in `store`, sealed by `ring`; `None` where the library refuses a key, which it has no reason to.
    #[must_use]
    pub fn new(store: &Arc<Store>, ring: &Ring, realm: &str) -> Option<Self> {
        let key = |secret| RandomizedNonceKey::new(&AES_256_GCM, &*derive(secret, realm, "session record")).ok();
        Some(Self(Arc::new(Inner {
            store: Arc::clone(store),
            realm: realm.to_owned(),
            keys: ring.keys().map(|epoch| key(epoch.secret())).collect::<Option<_>>()?,
            publish: Script::new(PUBLISH),
            waiting: Semaphore::new(WAITING),
        })))
    }
}

impl Inner {
    fn name(&self, key: Key) -> String {
        use std::fmt::Write as _;
        let mut name = format!("session:{}:", self.realm);
        for byte in key.0 {
            // Writing to a String can't fail.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    fn seal(&self, key: Key, mut record: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = self.keys.last()?.seal_in_place_append_tag(Aad::from(key.0), &mut record).ok()?;
        Some([&nonce.as_ref()[..], &record].concat())
    }

    fn open(&self, key: Key, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.keys.iter().rev().find_map(|secret| {
            let mut record = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let length = secret.open_in_place(nonce, Aad::from(key.0), &mut record).ok()?.len();
            record.truncate(length);
            Some(record)
        })
    }

    /// Writes the mark as soon as the store is back.
    async fn bury_later(self: Arc<Self>, name: String, life: Duration) {
        let Ok(_place) = self.waiting.try_acquire() else { return };
        let until = tokio::time::Instant::now() + life;
        while tokio::time::Instant::now() < until {
            tokio::time::sleep(AGAIN).await;
            if self.store.is_up() && self.store.set(&name, BURIED, life).await.is_ok() {
                return;
            }
        }
    }
}

impl Shared for Replicas {
    fn recall(&self, key: Key) -> Answer<'_, Known> {
        Box::pin(async move {
            let inner = &self.0;
            Ok(match inner.store.get(&inner.name(key)).await.map_err(|_| Away)? {
                None => Known::Nothing,
                Some(value) if value == BURIED => Known::Buried,
                // What another hand has written there is no session.
                Some(value) => inner.open(key, &value).map_or(Known::Nothing, Known::Record),
            })
        })
    }

    fn publish(&self, key: Key, record: Vec<u8>, life: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            let inner = &self.0;
            let sealed = inner.seal(key, record).ok_or(Away)?;
            let life = life.as_millis().to_string();
            let arguments = [&sealed[..], life.as_bytes(), BURIED];
            match inner.store.run(&inner.publish, &[inner.name(key)], &arguments).await {
                Ok(Value::Int(1)) => Ok(()),
                _ => Err(Away),
            }
        })
    }

    fn bury(&self, key: Key, life: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            let name = self.0.name(key);
            if self.0.store.set(&name, BURIED, life).await.is_ok() {
                return Ok(());
            }
            tokio::spawn(Arc::clone(&self.0).bury_later(name, life));
            Err(Away)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::settings::{Redis, Settings};

    #[tokio::test]
    async fn records_are_sealed_for_their_session_alone() {
        let redis = Redis::parse("redis://127.0.0.1:1").expect("a URL");
        let settings = Settings { redis, timeout: Duration::from_millis(50), replicas: 1, cleartext_reason: None };
        let store = Store::start(&settings, &tokio::runtime::Handle::current()).expect("a store");
        let ring = Ring::ephemeral().expect("random bytes");
        let replicas = Replicas::new(&store, &ring, "staff").expect("keys");
        let inner = &replicas.0;
        let (own, other) = (Key([1; 32]), Key([2; 32]));
        let sealed = inner.seal(own, b"alice".to_vec()).expect("sealed");
        assert!(memchr::memmem::find(&sealed, b"alice").is_none());
        assert_eq!(inner.open(own, &sealed).as_deref(), Some(&b"alice"[..]));
        assert_eq!(inner.open(other, &sealed), None, "a record can't be moved to another session");
        assert_eq!(inner.open(own, b"short"), None);
        assert!(replicas.recall(own).await.is_err(), "the store is away");
    }
}
