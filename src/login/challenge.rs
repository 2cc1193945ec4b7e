//! The cookie of somebody who has solved a challenge: with it one attempt passes the limits of its account and of the login as a whole.
//!
//! Whether a challenge was solved is for the application to say. The cookie holds the second of its issue, a random number and a keyed hash over
//! both and the client's address. It works once: its number is a key of the ledger, spent by the outcome of the attempt that it let through.

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};

use super::{
    device::presented,
    key::{Key, Secrets},
    state::Terms,
};

/// Its name.
pub const COOKIE: &str = "__Host-privet-challenge";
/// Seconds for which it is good.
pub const LIFE: u32 = 600;
/// The form of what follows.
const VERSION: u8 = 1;
/// Seconds that an issue may lie ahead, for replicas' clocks differ.
const AHEAD: u32 = 60;
/// Cookies of the name that are looked at; a browser sends one.
const LOOKS: usize = 2;

/// What holds for the number of a cookie: it is remembered as spent for longer than it is good. `ledger.lua` has the same.
pub(super) const TERMS: Terms =
    Terms { limit: 1, slot: 60_000, waits: false, cap: 0, forget: 0, remember: 2 * (LIFE + AHEAD) };

/// The `Set-Cookie` for a client of the address `source`. Nothing when the system gives no random bytes.
pub(super) fn issue(secrets: &Secrets, source: &Key, second: u32) -> Option<HeaderValue> {
    let mut number = [0; 16];
    rand::fill(&mut number).ok()?;
    let tag = secrets.pass(source, &number, second)?;
    let value = BASE64_URL_SAFE_NO_PAD.encode([&[VERSION][..], &second.to_be_bytes(), &number, &tag.0].concat());
    // Strict would be held back where a provider of challenges leads back here.
    HeaderValue::from_str(&format!("{COOKIE}={value}; Path=/; Max-Age={LIFE}; Secure; HttpOnly; SameSite=Lax")).ok()
}

/// The ledger's key of the cookie that a client of `source` has sent, where it is a good one.
pub(super) fn presented_by(secrets: &Secrets, source: &Key, headers: &HeaderMap, second: u32) -> Option<Key> {
    let number = presented(headers, COOKIE).take(LOOKS).find_map(|text| verified(secrets, source, text, second))?;
    Some(secrets.spent(&number))
}

fn verified(secrets: &Secrets, source: &Key, text: &str, second: u32) -> Option<[u8; 16]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (issued, rest) = bytes.strip_prefix(&[VERSION])?.split_first_chunk::<4>()?;
    let (number, tag) = rest.split_first_chunk::<16>()?;
    let issued = u32::from_be_bytes(*issued);
    let fresh = issued.saturating_add(LIFE) > second && issued <= second.saturating_add(AHEAD);
    let expected = secrets.pass(source, number, issued)?;
    (fresh && verify_slices_are_equal(&expected.0, tag).is_ok()).then_some(*number)
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::seal::Ring;

    const NOW: u32 = 1_780_000_000;

    fn secrets() -> Secrets {
        Secrets::of(&Ring::ephemeral().expect("random"))
    }

    fn brings(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("{COOKIE}={value}")).expect("a header"));
        headers
    }

    fn value(set: &HeaderValue) -> String {
        let text = set.to_str().expect("text");
        assert!(text.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"), "{text}");
        text.split(['=', ';']).nth(1).expect("a value").to_owned()
    }

    #[test]
    fn it_is_good_for_ten_minutes_at_one_address_under_one_key() {
        let (secrets, other) = (secrets(), secrets());
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| secrets.address("shop", text.parse().expect("one")));
        let headers = brings(&value(&issue(&secrets, &here, NOW).expect("a cookie")));
        let good = |secrets: &Secrets, source, second| presented_by(secrets, source, &headers, second);
        let key = good(&secrets, &here, NOW).expect("good");
        assert_eq!(good(&secrets, &here, NOW + LIFE - 1), Some(key), "the same number is the same key");
        assert_eq!(good(&secrets, &here, NOW + LIFE), None, "expired");
        assert_eq!(good(&secrets, &here, NOW - AHEAD - 1), None, "from the future");
        assert_eq!(good(&secrets, &there, NOW), None, "another address");
        assert_eq!(good(&other, &here, NOW), None, "another key");
        let again = brings(&value(&issue(&secrets, &here, NOW).expect("a cookie")));
        assert_ne!(presented_by(&secrets, &here, &again, NOW), Some(key), "each has its own");
        const { assert!(TERMS.remember > LIFE + 2 * AHEAD) }
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        let secrets = secrets();
        let here = secrets.address("shop", "192.0.2.1".parse().expect("one"));
        let text = value(&issue(&secrets, &here, NOW).expect("a cookie"));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("valid");
        assert_eq!(bytes.len(), 37);
        let good =
            |bytes: &[u8]| presented_by(&secrets, &here, &brings(&BASE64_URL_SAFE_NO_PAD.encode(bytes)), NOW).is_some();
        assert!(good(&bytes));
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(!good(&bent), "{at}");
        }
        assert!(!good(&bytes[..36]) && !good(&[bytes.as_slice(), &[0]].concat()) && !good(b""));
        for junk in ["", "=", "!!!", &"A".repeat(4000)] {
            assert_eq!(presented_by(&secrets, &here, &brings(junk), NOW), None, "{junk}");
        }
    }
}
