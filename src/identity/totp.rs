//! One-time codes by time (RFC 6238 over RFC 4226): SHA-1, six digits, 30 seconds, which is what every authenticator speaks.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, hmac, rand};

/// Seconds of a step.
pub const STEP: u64 = 30;
/// Bytes of a secret; RFC 4226, section 4, R6 recommends 160 bits.
pub const SECRET: usize = 20;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret; `None` when the system gives no random bytes.
#[must_use]
pub fn secret() -> Option<[u8; SECRET]> {
    let mut secret = [0; SECRET];
    rand::fill(&mut secret).ok().map(|()| secret)
}

/// The step of a time; 0 before 1970.
#[must_use]
pub fn step(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / STEP)
}

/// The code of a step.
#[must_use]
pub fn code(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    (u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff) % 1_000_000
}

/// The step that `given` is the code of: the present one, or the one before or after it, and later than `used`. Blanks are
/// passed over, since people copy them.
#[must_use]
pub fn verify(secret: &[u8], given: &str, now: SystemTime, used: u64) -> Option<u64> {
    let digits: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let present = step(now);
    let same = |step: &u64| {
        let code = format!("{:06}", code(secret, *step));
        constant_time::verify_slices_are_equal(code.as_bytes(), digits.as_bytes()).is_ok()
    };
    (present.saturating_sub(1)..=present + 1).filter(same).find(|step| *step > used)
}

/// RFC 4648, section 6, without padding: what people type into an authenticator.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let word = chunk.iter().fold(0_u64, |word, b| word << 8 | u64::from(*b)) << (8 * (5 - chunk.len()));
        for i in 0..(chunk.len() * 8).div_ceil(5) {
            out.push(char::from(ALPHABET[usize::try_from(word >> (35 - 5 * i) & 31).unwrap_or(0)]));
        }
    }
    out
}

/// What a QR code or link hands to an authenticator.
#[must_use]
pub fn uri(realm: &str, account: &str, secret: &[u8]) -> String {
    let account = super::forward::encoded(account);
    format!("otpauth://totp/Privet%20{realm}:{account}?secret={}&issuer=Privet%20{realm}", base32(secret))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn the_codes_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (time, expected) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code(secret, step(at(time))), expected, "{time}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours_and_once() {
        let secret = b"12345678901234567890";
        let given = format!("{:06}", code(secret, 100));
        for step in 99..=101 {
            assert_eq!(verify(secret, &given, at(step * STEP), 0), Some(100), "{step}");
        }
        assert_eq!(verify(secret, &given, at(98 * STEP), 0), None);
        assert_eq!(verify(secret, &given, at(102 * STEP), 0), None);
        assert_eq!(verify(secret, &given, at(100 * STEP), 100), None, "a second time");
        let spaced = format!("{} {}", &given[..3], &given[3..]);
        assert_eq!(verify(secret, &spaced, at(100 * STEP), 99), Some(100));
        for bad in ["", "12345", "1234567", "12345x", "１２３４５６"] {
            assert_eq!(verify(secret, bad, at(100 * STEP), 0), None, "{bad}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, expected) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }
}
