//! Keys of the ledger: what was counted can be found again, and nobody can read from it who it was.
//!
//! A key is a keyed hash (HMAC-SHA256, cut to 128 bits) of the login's name and an address, an account, or both. The key of the hash is
//! derived from the sealing keys, apart from every other use. Accounts are folded first: whatever some application might take for the
//! same account is the same here, since two guesses at one account must not count as one each.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::{common::peer::limit_key, seal};

/// A key of the ledger, and the pseudonym of what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(super) [u8; 16]);

impl std::fmt::Display for Key {
    /// The first 80 bits, as tokens in logs have.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0[..10].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An account as an attempt names it, folded. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Account(String);

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(..)")
    }
}

/// Longest name of an account in bytes.
const LONGEST: usize = 1024;

impl Account {
    /// Folds `name`: compatibility forms, case, accents, spaces and invisible characters make no difference, as they make none to
    /// databases with the usual collations. `None` where nothing is left, or it is too long.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        if name.len() > LONGEST {
            return None;
        }
        let invisible = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        };
        let folded: String = name
            .nfkd()
            .flat_map(char::to_lowercase)
            .nfkd()
            .filter(|c| !is_combining_mark(*c) && !invisible(*c))
            .collect();
        (!folded.is_empty()).then_some(Self(folded))
    }
}

/// What makes keys.
pub struct Keyring {
    hash: hmac::Key,
    /// Of device cookies, all epochs, newest first.
    devices: Vec<hmac::Key>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    /// Keys derived from `ring`. Keys of the ledger come from its oldest epoch, so that adding one makes nobody unknown.
    #[must_use]
    pub fn of(ring: &seal::Ring) -> Self {
        let derived = |key: &seal::keys::Key, label: &[u8]| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.secret()), label);
            hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
        };
        let mut devices: Vec<hmac::Key> = ring.keys().map(|key| derived(key, b"privet login device 1")).collect();
        devices.reverse();
        let hash = ring.keys().next().map(|key| derived(key, b"privet login key 1"));
        // A ring is never empty; a key of nothing would still be one that nobody outside has seen.
        Self { hash: hash.unwrap_or_else(|| hmac::Key::new(hmac::HMAC_SHA256, &[])), devices }
    }

    /// The key of parts, which can't run into each other.
    pub(super) fn key(&self, kind: &str, parts: &[&[u8]]) -> Key {
        let mut context = hmac::Context::with_key(&self.hash);
        for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        Key(std::array::from_fn(|i| tag.as_ref()[i]))
    }

    /// The key of an address at a login.
    #[must_use]
    pub fn address(&self, rule: &str, address: IpAddr) -> Key {
        self.key("address", &[rule.as_bytes(), &octets(address)])
    }

    /// The key of an account at a login.
    #[must_use]
    pub fn account(&self, rule: &str, account: &Account) -> Key {
        self.key("account", &[rule.as_bytes(), account.0.as_bytes()])
    }

    /// The key of an account from an address.
    pub(super) fn pair(&self, account: Key, address: Key) -> Key {
        self.key("pair", &[&account.0, &address.0])
    }

    /// The key of a login as a whole.
    pub(super) fn rule(&self, rule: &str) -> Key {
        self.key("rule", &[rule.as_bytes()])
    }

    pub(super) fn devices(&self) -> &[hmac::Key] {
        &self.devices
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match limit_key(address) {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_account_somewhere_is_one_here() {
        let folded = |name: &str| Account::new(name).map(|account| account.0);
        let alice = folded("alice@example.com");
        for name in [
            " Alice@Example.COM ",
            "álice@example.com",
            "ａｌｉｃｅ@example.com",
            "al\u{200b}ice@example.com",
            "alice@example.com\u{0}",
        ] {
            assert_eq!(folded(name), alice, "{name:?}");
        }
        assert_ne!(folded("alicia@example.com"), alice);
        assert!(folded("김민수").is_some_and(|name| folded("김민수") == Some(name)));
        assert_eq!((folded(" \u{200b}"), folded(&"x".repeat(2000))), (None, None));
    }

    #[test]
    fn keys_tell_apart_and_tell_nothing() {
        let ring = Keyring::of(&seal::Ring::ephemeral().expect("random bytes"));
        let alice = Account::new("alice").expect("a name");
        assert_eq!(ring.account("/login", &alice), ring.account("/login", &Account::new("ALICE").expect("a name")));
        assert_ne!(ring.account("/login", &alice), ring.account("/other", &alice));
        let address = |text: &str| ring.address("/login", text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert!(!format!("{alice:?}{ring:?}").contains("alice"));
    }
}
