//! HTTP Basic (RFC 7617) with accounts of the staff file, for machines that know nothing else.
//!
//! A password's computation takes a good part of a second of a core: too much for every request. What was verified is remembered for a
//! minute, as a MAC under a key of this process, and holds only as long as the account stays what it was.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{hmac, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::identity::{
    account::{self, Account},
    ask::Ask,
    password::Password,
    policy,
    principal::{Method, Principal},
    realm::Realm,
    session::entry::seconds,
};

/// How long a verified password is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(60);
/// How long to wait where too many are computed at once.
const PAUSE: Duration = Duration::from_secs(2);
/// Most that are remembered at once.
const MOST: usize = 1024;

type Mark = [u8; 32];

/// Why a machine is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not known, or its password is wrong, or its account has a second factor, which can't be asked for here.
    Wrong,
    /// Too many attempts, or too many at once.
    Wait(Duration),
}

struct Verified {
    credential: u64,
    until: u64,
}

/// Verified passwords of a realm.
pub struct Basic {
    key: hmac::Key,
    known: Mutex<HashMap<Mark, Verified>>,
}

impl std::fmt::Debug for Basic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Basic")
    }
}

impl Basic {
    /// Nothing is remembered yet; `None` when the system gives no random bytes.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key).ok()?;
        Some(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), known: Mutex::default() })
    }

    /// Whose `credentials` (what follows `Basic`) these are.
    ///
    /// # Errors
    /// When nobody is let in by them.
    pub async fn verify(&self, realm: &Realm, credentials: &str, ask: &Ask<'_>) -> Result<Principal, Refused> {
        let now = ask.now;
        let pair = pair(credentials).ok_or(Refused::Wrong)?;
        let (name, typed) = pair.split_once(':').ok_or(Refused::Wrong)?;
        // What is no name at all is tried like an unknown one.
        let id = account::id(name).unwrap_or_default();
        let found = realm.account(&id).filter(|account| !realm.has_second_factor(account));
        let mark = self.mark(&id, typed);
        if let Some(account) = found.as_ref().filter(|account| self.knows(&mark, account, now)) {
            return Ok(principal(realm, account, now));
        }
        let attempt = realm.door.check(&id, ask.address, ask.headers, now).await;
        let attempt = attempt.map_err(|refused| Refused::Wait(refused.retry_after))?;
        let (password, phc) = if typed.len() <= policy::LONGEST_BYTES {
            (Password::new(typed), found.as_ref().map(|account| account.password.clone()))
        } else {
            (Password::new(""), None)
        };
        let Ok(same) = realm.verifier.verify(password, phc).await else {
            attempt.give_back();
            return Err(Refused::Wait(PAUSE));
        };
        // A machine keeps no cookie; it is known again by its address.
        let _ = attempt.settle(same);
        let account = found.filter(|_| same).ok_or(Refused::Wrong)?;
        self.remember(mark, &account, now);
        Ok(principal(realm, &account, now))
    }

    fn mark(&self, id: &str, password: &str) -> Mark {
        // A name has no colon.
        let text = Zeroizing::new(format!("{id}:{password}"));
        let tag = hmac::sign(&self.key, text.as_bytes());
        std::array::from_fn(|i| tag.as_ref()[i])
    }

    fn knows(&self, mark: &Mark, account: &Account, now: SystemTime) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(mark)
            .is_some_and(|verified| verified.credential == account.credential && seconds(now) < verified.until)
    }

    fn remember(&self, mark: Mark, account: &Account, now: SystemTime) {
        let now = seconds(now);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, verified| now < verified.until);
        }
        // More machines than that in a minute are verified each time.
        if known.len() < MOST {
            known.insert(mark, Verified { credential: account.credential, until: now + REMEMBERED.as_secs() });
        }
    }
}

fn pair(credentials: &str) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(credentials.trim()).ok()?);
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn principal(realm: &Realm, account: &Account, now: SystemTime) -> Principal {
    Principal {
        subject: account.id.clone(),
        issuer: realm.name.clone(),
        roles: account.roles.clone(),
        methods: vec![Method::Basic],
        authenticated_at: now,
        name: None,
    }
}
