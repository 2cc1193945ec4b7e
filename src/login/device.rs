//! The cookie of a familiar device: signed, without personal data, good for the accounts that have won on it.
//!
//! `__Host-privet-device` holds, in base64: a version byte, a random number of the device (12 bytes), for each of up to four accounts the
//! first eight bytes of its key with the time of its last success (four bytes, minutes since 1970), and 16 bytes of HMAC-SHA256.

use aws_lc_rs::{constant_time, hmac, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderValue;

use super::key::{Key, Keyring};

/// Its name. The prefix makes browsers keep it to this host, this path and TLS (RFC 6265bis, section 4.1.3).
pub const NAME: &str = "__Host-privet-device";

const VERSION: u8 = 1;
const NUMBER: usize = 12;
const TAG: usize = 8;
const ACCOUNT: usize = TAG + 4;
const MAC: usize = 16;
/// Accounts of one device; the one that has not won for longest gives way.
const ACCOUNTS: usize = 4;

/// A device that has shown its cookie, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    number: [u8; NUMBER],
    /// First bytes of an account's key, and the minute of its last success; newest first.
    accounts: Vec<([u8; TAG], u32)>,
}

fn tag(account: Key) -> [u8; TAG] {
    std::array::from_fn(|i| account.0[i])
}

fn minutes(now: u64) -> u32 {
    u32::try_from(now / 60_000).unwrap_or(u32::MAX)
}

impl Device {
    /// The device that `cookies`, a `Cookie` header's value, name with a signature of ours.
    #[must_use]
    pub fn read(cookies: &[u8], ring: &Keyring) -> Option<Self> {
        cookies
            .split(|&b| b == b';')
            .filter_map(|pair| pair.trim_ascii().strip_prefix(NAME.as_bytes())?.strip_prefix(b"="))
            // Whoever plants many has only the first few looked at.
            .take(3)
            .find_map(|value| Self::open(value, ring))
    }

    fn open(value: &[u8], ring: &Keyring) -> Option<Self> {
        const LONGEST: usize = 1 + NUMBER + ACCOUNTS * ACCOUNT + MAC;
        if value.len() > LONGEST.div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        let signed = |key: &hmac::Key| {
            constant_time::verify_slices_are_equal(&hmac::sign(key, body).as_ref()[..MAC], mac).is_ok()
        };
        if !ring.devices().iter().any(signed) {
            return None;
        }
        let (version, rest) = body.split_first()?;
        let (number, accounts) = rest.split_first_chunk()?;
        if *version != VERSION || accounts.len() % ACCOUNT != 0 {
            return None;
        }
        let accounts = accounts.chunks_exact(ACCOUNT).filter_map(|account| {
            let (tag, at) = account.split_first_chunk()?;
            Some((*tag, u32::from_be_bytes(at.try_into().ok()?)))
        });
        Some(Self { number: *number, accounts: accounts.collect() })
    }

    /// A device that nobody has seen.
    ///
    /// `None` when the system gives no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut number = [0; NUMBER];
        rand::fill(&mut number).ok()?;
        Some(Self { number, accounts: Vec::new() })
    }

    /// Whether `account` has won on it within `age` milliseconds.
    #[must_use]
    pub fn knows(&self, account: Key, age: u64, now: u64) -> bool {
        self.accounts.iter().any(|(known, at)| *known == tag(account) && u64::from(*at) * 60_000 + age > now)
    }

    /// The key of its own places for `account`.
    pub(super) fn key(&self, account: Key, ring: &Keyring) -> Key {
        ring.key("device", &[&self.number, &account.0])
    }

    /// Notes that `account` has won on it.
    pub fn learn(&mut self, account: Key, now: u64) {
        self.accounts.retain(|(known, _)| *known != tag(account));
        self.accounts.insert(0, (tag(account), minutes(now)));
        self.accounts.truncate(ACCOUNTS);
    }

    /// The `Set-Cookie` that it keeps for `age` milliseconds.
    #[must_use]
    pub fn cookie(&self, ring: &Keyring, age: u64) -> Option<HeaderValue> {
        let mut body = vec![VERSION];
        body.extend_from_slice(&self.number);
        for (tag, at) in &self.accounts {
            body.extend_from_slice(tag);
            body.extend_from_slice(&at.to_be_bytes());
        }
        let mac = hmac::sign(ring.devices().first()?, &body);
        body.extend_from_slice(&mac.as_ref()[..MAC]);
        let value = BASE64_URL_SAFE_NO_PAD.encode(body);
        let age = age / 1000;
        HeaderValue::from_str(&format!("{NAME}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal;

    const NOW: u64 = 1_800_000_000_000;
    const AGE: u64 = 90 * 86_400_000;

    fn ring() -> Keyring {
        Keyring::of(&seal::Ring::ephemeral().expect("random bytes"))
    }

    fn value(cookie: &HeaderValue) -> String {
        cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned()
    }

    #[test]
    fn a_device_is_known_again_by_its_accounts_alone() {
        let (ring, alice, bob) = (ring(), Key([1; 16]), Key([2; 16]));
        let mut device = Device::random().expect("random bytes");
        device.learn(alice, NOW);
        let cookie = format!("a=b; {}; c=d", value(&device.cookie(&ring, AGE).expect("a cookie")));
        let again = Device::read(cookie.as_bytes(), &ring).expect("ours");
        assert_eq!(again, device);
        assert!(again.knows(alice, AGE, NOW) && !again.knows(bob, AGE, NOW));
        assert!(!again.knows(alice, AGE, NOW + AGE), "it ages");
        assert_ne!(again.key(alice, &ring), again.key(bob, &ring));
    }

    #[test]
    fn what_we_did_not_sign_says_nothing() {
        let (own, other) = (ring(), ring());
        let device = Device::random().expect("random bytes");
        let cookie = value(&device.cookie(&other, AGE).expect("a cookie"));
        assert_eq!(Device::read(cookie.as_bytes(), &own), None);
        let cookie = value(&device.cookie(&own, AGE).expect("a cookie"));
        for i in NAME.len() + 1..cookie.len() {
            let mut bent = cookie.clone().into_bytes();
            bent[i] = if bent[i] == b'A' { b'B' } else { b'A' };
            // The last digit of base64 may hold bits that mean nothing.
            let read = Device::read(&bent, &own);
            assert!(read.is_none() || i == cookie.len() - 1, "byte {i}");
        }
        for odd in [&b""[..], b"__Host-privet-device=", b"__Host-privet-device=AA", &[b'='; 5000]] {
            assert_eq!(Device::read(odd, &own), None);
        }
    }

    #[test]
    fn a_device_keeps_few_accounts() {
        let mut device = Device::random().expect("random bytes");
        for i in 0..9 {
            device.learn(Key([i; 16]), NOW + u64::from(i));
        }
        assert!(device.knows(Key([8; 16]), AGE, NOW) && !device.knows(Key([0; 16]), AGE, NOW));
        assert!(device.cookie(&ring(), AGE).expect("a cookie").len() < 250);
    }
}
