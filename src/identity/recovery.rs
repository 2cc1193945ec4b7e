//! Recovery codes: what stands in for a lost authenticator, each once.
//!
//! A code has 125 random bits, so that a plain hash keeps it (NIST SP 800-63B-4, section 3.1.2.2: look-up secrets of 112 bits and more).

use aws_lc_rs::{constant_time, digest, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::totp::base32;

/// Codes of a set.
pub const COUNT: usize = 8;
/// Characters of a code, without its dashes.
const LENGTH: usize = 25;

/// A new set, as shown once; `None` when the system gives no random bytes.
#[must_use]
pub fn codes() -> Option<Vec<String>> {
    (0..COUNT).map(|_| code()).collect()
}

fn code() -> Option<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    let text = base32(&bytes);
    let groups: Vec<&str> = (0..LENGTH).step_by(5).map(|at| &text[at..at + 5]).collect();
    Some(groups.join("-"))
}

/// What is kept of a code: SHA-256 of its letters and digits, in base64. `None` for what can be no code.
#[must_use]
pub fn hash(code: &str) -> Option<String> {
    let plain: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let legal = plain.len() == LENGTH && plain.bytes().all(|b| b.is_ascii_alphanumeric());
    legal.then(|| {
        let digest = digest::digest(&digest::SHA256, plain.to_ascii_uppercase().as_bytes());
        BASE64_STANDARD.encode(digest)
    })
}

/// Where among `hashes` that of `given` is.
#[must_use]
pub fn position(hashes: &[String], given: &str) -> Option<usize> {
    let given = hash(given)?;
    hashes.iter().position(|hash| constant_time::verify_slices_are_equal(hash.as_bytes(), given.as_bytes()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let codes = codes().expect("random bytes");
        let hashes: Vec<String> = codes.iter().filter_map(|code| hash(code)).collect();
        assert_eq!(hashes.len(), COUNT);
        assert_eq!(position(&hashes, &codes[3]), Some(3));
        assert_eq!(position(&hashes, &format!(" {} ", codes[3].to_lowercase().replace('-', ""))), Some(3));
        assert_eq!(position(&hashes, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"), None);
        assert_eq!(position(&hashes, ""), None);
        assert!(codes.iter().all(|code| code.len() == LENGTH + 4));
    }
}
