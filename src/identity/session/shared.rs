//! Where replicas meet: a store that several gateways ask. With none, the table of the process is all there is.
//!
//! The rule of revocation: what was buried stays so for as long as the session could have lived, here and in the store, so that no
//! late word of another replica revives it.

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use super::id::Key;

/// The store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shared store does not answer")]
pub struct Away;

/// What comes of a question to the store.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Away>> + Send + 'a>>;

/// What the store knows under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// A session, as it was published.
    Record(Vec<u8>),
    /// One that was ended.
    Buried,
    /// Nothing.
    Nothing,
}

/// A store of sessions that replicas share. Records name people: who keeps them seals them.
pub trait Shared: Debug + Send + Sync {
    /// What is known under `key`.
    fn recall(&self, key: Key) -> Answer<'_, Known>;

    /// Keeps a record for `life`, unless `key` is buried.
    fn publish(&self, key: Key, record: Vec<u8>, life: Duration) -> Answer<'_, ()>;

    /// Removes the record, and refuses another under `key` for `life`.
    fn bury(&self, key: Key, life: Duration) -> Answer<'_, ()>;
}
