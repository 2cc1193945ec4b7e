//! One session.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::identity::principal::Principal;

/// How far a sign-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The password was right, and the one-time code is still due: nobody is known by this session.
    AwaitsCode,
    /// Done.
    Known,
}

/// What a session is made of, and what replicas tell each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Who.
    pub principal: Principal,
    /// The account's number of that name, where it is an account of the staff file.
    pub credential: u64,
    /// How far.
    pub stage: Stage,
    /// The provider's names for the session and the person (`sid`, which may be empty, a line's end, and `sub` of `OpenID` Connect), for
    /// its end by back channel.
    pub provider_session: Option<String>,
    /// Seconds since 1970.
    pub began: u64,
}

/// A session in the table.
#[derive(Debug)]
pub struct Entry {
    /// Who; another where their roles have changed.
    pub principal: ArcSwap<Principal>,
    /// As in the [`Record`].
    pub credential: u64,
    /// As in the [`Record`].
    pub stage: Stage,
    /// As in the [`Record`].
    pub provider_session: Option<String>,
    /// As in the [`Record`].
    pub began: u64,
    /// Seconds since 1970: the last request.
    pub seen: AtomicU64,
    /// The reading of the staff file by which the account was last looked at.
    pub generation: AtomicU64,
    /// Codes that were tried.
    pub codes: AtomicU32,
    /// Seconds since 1970: when replicas were last asked about it.
    pub(super) confirmed: AtomicU64,
}

impl Entry {
    pub(super) fn new(record: Record, now: u64) -> Self {
        Self {
            principal: ArcSwap::from_pointee(record.principal),
            credential: record.credential,
            stage: record.stage,
            provider_session: record.provider_session,
            began: record.began,
            seen: AtomicU64::new(now),
            generation: AtomicU64::new(0),
            codes: AtomicU32::new(0),
            confirmed: AtomicU64::new(now),
        }
    }

    /// The provider's name for the session.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        let (name, _) = self.provider_session.as_deref()?.split_once('\n')?;
        (!name.is_empty()).then_some(name)
    }

    /// The last request.
    #[must_use]
    pub fn seen_at(&self) -> u64 {
        self.seen.load(Relaxed)
    }

    /// Who.
    #[must_use]
    pub fn principal(&self) -> Arc<Principal> {
        self.principal.load_full()
    }
}

/// Seconds since 1970.
#[must_use]
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
