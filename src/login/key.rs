//! Names that tell nothing: accounts, addresses and devices as keyed hashes (HMAC-SHA256 under keys of their own use).
//!
//! Whoever reads the memory of the ledger, a shared store or a cookie without the keys can neither name an account nor try guesses.

use std::{fmt, net::IpAddr, time::Duration};

use aws_lc_rs::{digest, hmac};

use super::{
    settings::{Limit, Login},
    state::Terms,
};
use crate::{common::peer::limit_key, seal::Ring};

/// A pseudonym of 128 bits. It says nothing without the key, so it may be shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Key(pub [u8; 16]);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What pseudonyms and cookies are made with: three keys an epoch, newest first.
pub(super) struct Secrets {
    epochs: Vec<Epoch>,
}

struct Epoch {
    name: hmac::Key,
    device: hmac::Key,
    challenge: hmac::Key,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} epochs)", self.epochs.len())
    }
}

/// Most epochs whose cookies are looked at: every one costs a hash an entry.
const EPOCHS: usize = 8;

impl Secrets {
    /// Derives the keys of every epoch.
    pub(super) fn of(ring: &Ring) -> Self {
        let mut epochs: Vec<Epoch> = ring
            .keys()
            .map(|key| {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.secret());
                let derive = |label: &str| {
                    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, &[label.as_bytes(), &[1]].concat()).as_ref())
                };
                Epoch {
                    name: derive("privet login name 1"),
                    device: derive("privet login device 1"),
                    challenge: derive("privet login challenge 1"),
                }
            })
            .collect();
        epochs.reverse();
        epochs.truncate(EPOCHS);
        Self { epochs }
    }

    /// The pseudonym of an account, given its canonical name.
    pub(super) fn account(&self, realm: &str, canonical: &str) -> Account {
        let name = |epoch: &Epoch| digest(&epoch.name, &[b"account", realm.as_bytes(), canonical.as_bytes()]);
        Account { names: self.epochs.iter().map(name).collect(), credentials: None, here: None }
    }

    /// The pseudonym of an account with the whole of its credentials, where every request has them.
    pub(super) fn credentials(&self, realm: &str, canonical: &str, value: &[u8]) -> Account {
        let credentials = Some(self.key(&[b"credentials", realm.as_bytes(), value]));
        Account { credentials, ..self.account(realm, canonical) }
    }

    /// The pseudonym of an address.
    pub(super) fn address(&self, realm: &str, address: IpAddr) -> Key {
        match limit_key(address) {
            IpAddr::V4(v4) => self.key(&[b"address", realm.as_bytes(), &v4.octets()]),
            IpAddr::V6(v6) => self.key(&[b"address", realm.as_bytes(), &v6.octets()[..8]]),
        }
    }

    /// A key of the ledger. A count means nothing in a window of another length, so the window is part of it.
    pub(super) fn bucket(&self, kind: &str, window: Duration, parts: [&[u8]; 2]) -> Key {
        self.key(&[kind.as_bytes(), &window.as_millis().to_le_bytes(), parts[0], parts[1]])
    }

    /// What vouches for a device, by the keys of each epoch.
    pub(super) fn vouch(&self, account: &Account, device: &[u8; 16], issued: u32) -> impl Iterator<Item = Key> {
        let (device, issued) = (*device, issued.to_le_bytes());
        let parts = move |(epoch, name): (&Epoch, &Key)| digest(&epoch.device, &[&name.0, &device, &issued]);
        self.epochs.iter().zip(&account.names).map(parts)
    }

    /// What vouches that a client of the address `source` has solved a challenge. It lives too short for older epochs to matter.
    pub(super) fn pass(&self, source: &Key, number: &[u8; 16], issued: u32) -> Option<Key> {
        let epoch = self.epochs.first()?;
        Some(digest(&epoch.challenge, &[&source.0, number, &issued.to_le_bytes()]))
    }

    /// The key of the ledger under which that is spent.
    pub(super) fn spent(&self, number: &[u8; 16]) -> Key {
        self.key(&[b"challenge", number])
    }

    fn key(&self, parts: &[&[u8]]) -> Key {
        // A ring is never empty.
        self.epochs.first().map(|epoch| digest(&epoch.name, parts)).unwrap_or_default()
    }
}

/// The first 128 bits of the HMAC over the parts, each after its length, so that no two lists of parts read the same.
fn digest(key: &hmac::Key, parts: &[&[u8]]) -> Key {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        context.update(part);
    }
    let tag = context.sign();
    Key(std::array::from_fn(|i| tag.as_ref()[i]))
}

/// An account of a realm, by its pseudonyms of every epoch, newest first. The name itself is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    names: Vec<Key>,
    /// Of HTTP Basic, name and password as one.
    pub(super) credentials: Option<Key>,
    /// The same at one path.
    pub(super) here: Option<Key>,
}

impl Account {
    /// The same account asking for `path`: what credentials open there says nothing of other places.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        let here = self.credentials.map(|credentials| {
            let digest = digest::digest(&digest::SHA256, &[&credentials.0[..], path.as_bytes()].concat());
            Key(std::array::from_fn(|i| digest.as_ref()[i]))
        });
        Self { here, ..self }
    }

    /// The pseudonym that the ledger, logs and events know.
    #[must_use]
    pub fn key(&self) -> Key {
        self.names.first().copied().unwrap_or_default()
    }
}

/// What holds for each key of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllTerms {
    /// For the login as a whole.
    pub route: Terms,
    /// For the address.
    pub address: Terms,
    /// For the account.
    pub account: Terms,
    /// For the account from the address, and for a familiar device.
    pub own: Terms,
}

impl AllTerms {
    /// What `login` says.
    #[must_use]
    pub fn of(login: &Login) -> Self {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        let terms = |limit: Limit, waits: bool, cap: u8| Terms {
            limit: limit.count,
            slot: u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).div_ceil(7),
            waits,
            cap,
            forget: seconds(login.forget),
            remember: seconds(login.remember),
        };
        let limits = &login.limits;
        Self {
            route: terms(limits.route, false, 0),
            address: terms(limits.address, true, 0),
            account: terms(limits.account, true, login.max_consecutive),
            own: terms(limits.account_address, true, login.max_consecutive),
        }
    }

    /// One of `replicas` shares of everything, at least one failure each.
    #[must_use]
    pub fn share(mut self, replicas: u32) -> Self {
        for terms in [&mut self.route, &mut self.address, &mut self.account, &mut self.own] {
            terms.limit = (terms.limit / replicas.max(1)).max(1);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_makes_another_key_and_none_shows_its_source() {
        let secrets = Secrets::of(&Ring::ephemeral().expect("random"));
        let ip = |text: &str| secrets.address("shop", text.parse().expect("an address"));
        assert_eq!(ip("10.0.0.1"), ip("::ffff:10.0.0.1"));
        assert_eq!(ip("2001:db8:1:2::1"), ip("2001:db8:1:2:ffff:1:1:1"));
        assert_ne!(ip("2001:db8:1:2::1"), ip("2001:db8:1:3::1"));
        let account = secrets.account("shop", "alice@example.com");
        assert_eq!(account, secrets.account("shop", "alice@example.com"));
        assert_ne!(account, secrets.account("shopa", "lice@example.com"));
        assert!(!format!("{account:?}{secrets:?}").contains("alice"));
        let bucket = |n| secrets.bucket("account", Duration::from_secs(n), [b"a", b""]);
        assert_ne!(bucket(60), bucket(61));
    }
}
