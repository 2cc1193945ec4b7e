//! The cookie that makes a device familiar: set after a success, it vouches for the accounts that have signed in there.
//!
//! It holds a random number for the device and, an account, the second of its issue and a keyed hash over account, device and second.
//! Nothing in it names anybody; without the key it can neither be made nor tied to an account. At most [`ACCOUNTS`] fit.

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};

use super::key::{Account, Key, Secrets};

/// Its name: the prefix has browsers refuse one from another host, another path or cleartext (RFC 6265bis).
pub const COOKIE: &str = "__Host-privet-device";
/// Accounts that a device is known for; the one that signed in longest ago leaves.
pub const ACCOUNTS: usize = 5;
/// The form of what follows.
const VERSION: u8 = 1;
/// Seconds that an issue may lie ahead, for replicas' clocks differ.
const AHEAD: u32 = 300;
/// Cookies of the name that are looked at; a browser sends one.
const LOOKS: usize = 2;

/// What a device brought along. The entries of other accounts are taken as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    /// The device's number.
    pub(super) id: [u8; 16],
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    issued: u32,
    tag: [u8; 16],
}

/// What is known of a client's device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It vouches for the account.
    Familiar(Device),
    /// It has a cookie, but none for the account.
    Other(Device),
    /// It has none.
    None,
}

impl Standing {
    /// What the `Cookie` headers say of `account` at `second`, when a success is remembered for `remember` seconds.
    pub(super) fn of(secrets: &Secrets, account: &Account, headers: &HeaderMap, second: u32, remember: u32) -> Self {
        let mut other = Self::None;
        for device in presented(headers, COOKIE).take(LOOKS).filter_map(Device::parse) {
            if device.vouches(secrets, account, second, remember) {
                return Self::Familiar(device);
            }
            other = Self::Other(device);
        }
        other
    }

    /// The device's number where it is familiar.
    pub(super) fn id(&self) -> Option<&[u8; 16]> {
        if let Self::Familiar(device) = self { Some(&device.id) } else { None }
    }

    /// The `Set-Cookie` after a success. Nothing when the system gives no random bytes.
    pub(super) fn renew(self, secrets: &Secrets, account: &Account, second: u32, remember: u32) -> Option<HeaderValue> {
        let mut device = match self {
            Self::Familiar(device) | Self::Other(device) => device,
            Self::None => {
                let mut id = [0; 16];
                rand::fill(&mut id).ok()?;
                Device { id, entries: Vec::new() }
            }
        };
        device.entries.retain(|entry| !entry.vouches(secrets, account, &device.id));
        let tag = secrets.vouch(account, &device.id, second).next()?.0;
        device.entries.insert(0, Entry { issued: second, tag });
        device.entries.truncate(ACCOUNTS);
        let value = device.write();
        let text = format!("{COOKIE}={value}; Path=/; Max-Age={remember}; Secure; HttpOnly; SameSite=Lax");
        HeaderValue::from_str(&text).ok()
    }
}

impl Device {
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, rest) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        let (entries, odd) = rest.as_chunks::<20>();
        if !odd.is_empty() || entries.len() > ACCOUNTS {
            return None;
        }
        let entries = entries.iter().map(|entry| Entry {
            issued: u32::from_be_bytes(std::array::from_fn(|i| entry[i])),
            tag: std::array::from_fn(|i| entry[4 + i]),
        });
        Some(Self { id: *id, entries: entries.collect() })
    }

    fn write(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.id);
        for entry in &self.entries {
            bytes.extend(entry.issued.to_be_bytes());
            bytes.extend(entry.tag);
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn vouches(&self, secrets: &Secrets, account: &Account, second: u32, remember: u32) -> bool {
        self.entries.iter().any(|entry| {
            let fresh = entry.issued.saturating_add(remember) > second && entry.issued <= second.saturating_add(AHEAD);
            fresh && entry.vouches(secrets, account, &self.id)
        })
    }
}

impl Entry {
    fn vouches(&self, secrets: &Secrets, account: &Account, device: &[u8; 16]) -> bool {
        let same = |Key(tag)| verify_slices_are_equal(&tag, &self.tag).is_ok();
        secrets.vouch(account, device, self.issued).any(same)
    }
}

/// The values of the cookie `wanted` that were sent.
pub(super) fn presented<'h>(headers: &'h HeaderMap, wanted: &'static str) -> impl Iterator<Item = &'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).filter_map(move |pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == wanted).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Ring;

    const NOW: u32 = 1_780_000_000;
    const DAY: u32 = 86_400;

    fn secrets() -> Secrets {
        Secrets::of(&Ring::ephemeral().expect("random"))
    }

    /// The request that a browser makes after an answer with `set`.
    fn brings(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().expect("text").split(';').next().expect("a pair").to_owned();
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).expect("a header"));
        headers
    }

    fn familiar(secrets: &Secrets, account: &Account, headers: &HeaderMap, second: u32) -> bool {
        Standing::of(secrets, account, headers, second, DAY).id().is_some()
    }

    #[test]
    fn a_device_is_familiar_to_its_own_accounts_for_a_while() {
        let secrets = secrets();
        let [alice, bob] = ["alice", "bob"].map(|name| secrets.account("shop", name));
        let set = Standing::None.renew(&secrets, &alice, NOW, DAY).expect("a cookie");
        assert!(
            set.to_str().is_ok_and(|text| text.ends_with("; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"))
        );
        let headers = brings(&set);
        assert!(familiar(&secrets, &alice, &headers, NOW) && familiar(&secrets, &alice, &headers, NOW + DAY - 1));
        assert!(
            !familiar(&secrets, &alice, &headers, NOW + DAY) && !familiar(&secrets, &alice, &headers, NOW - AHEAD - 1)
        );
        assert!(!familiar(&secrets, &bob, &headers, NOW), "another account's");
        assert!(!familiar(&secrets, &secrets.account("blog", "alice"), &headers, NOW), "another realm's");
        assert!(!familiar(&self::secrets(), &secrets.account("shop", "alice"), &headers, NOW), "another key's");
        let both = Standing::of(&secrets, &bob, &headers, NOW, DAY).renew(&secrets, &bob, NOW, DAY).expect("a cookie");
        assert!(familiar(&secrets, &alice, &brings(&both), NOW) && familiar(&secrets, &bob, &brings(&both), NOW));
    }

    #[test]
    fn a_new_key_leaves_devices_familiar_and_a_key_that_is_gone_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("seal.key");
        let keys = |lines: &[&str]| {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::write(&file, lines.join("\n")).expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
            Secrets::of(&Ring::load(&file).expect("keys"))
        };
        let [old, new] = [b'A', b'B'].map(|letter| {
            format!(
                "{} {}=",
                char::from(letter).to_ascii_lowercase(),
                String::from_utf8(vec![letter; 42]).expect("text") + "A"
            )
        });
        let secrets = keys(&[&old]);
        let alice = secrets.account("shop", "alice");
        let headers = brings(&Standing::None.renew(&secrets, &alice, NOW, DAY).expect("a cookie"));
        let rotated = keys(&[&old, &new]);
        let again = rotated.account("shop", "alice");
        assert_ne!(alice.key(), again.key());
        assert!(familiar(&rotated, &again, &headers, NOW));
        let gone = keys(&[&new]);
        assert!(!familiar(&gone, &gone.account("shop", "alice"), &headers, NOW));
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        let secrets = secrets();
        let alice = secrets.account("shop", "alice");
        let set = Standing::None.renew(&secrets, &alice, NOW, DAY).expect("a cookie");
        let text = set.to_str().expect("text").split(['=', ';']).nth(1).expect("a value").to_owned();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("valid");
        assert_eq!(bytes.len(), 37);
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            let set = HeaderValue::from_str(&format!("{COOKIE}={}", BASE64_URL_SAFE_NO_PAD.encode(bent)));
            assert!(!familiar(&secrets, &alice, &brings(&set.expect("a header")), NOW), "{at}");
        }
    }

    #[test]
    fn a_device_knows_a_bounded_number_of_accounts() {
        let secrets = secrets();
        let mut headers = HeaderMap::new();
        let accounts: Vec<_> = (0..8).map(|n| secrets.account("shop", &n.to_string())).collect();
        for account in accounts.iter().chain(&accounts[6..]) {
            let device = Standing::of(&secrets, account, &headers, NOW, DAY);
            headers = brings(&device.renew(&secrets, account, NOW, DAY).expect("a cookie"));
        }
        let known: Vec<_> = accounts.iter().map(|account| familiar(&secrets, account, &headers, NOW)).collect();
        assert_eq!(known, [false, false, false, true, true, true, true, true]);
    }

    #[test]
    fn junk_is_no_device() {
        let secrets = secrets();
        let alice = secrets.account("shop", "alice");
        for value in ["", "=", "AQ", "!!!", &"A".repeat(4000), "AgAAAAAAAAAAAAAAAAAAAAAA"] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_str(&format!("{COOKIE}={value}")).expect("a header"));
            assert_eq!(Standing::of(&secrets, &alice, &headers, NOW, DAY), Standing::None, "{value}");
        }
    }
}
