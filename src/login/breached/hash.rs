//! What lists know a password by.

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// Bytes of a SHA-1.
const LENGTH: usize = 20;

/// The SHA-1 of a password, by which lists of breached passwords name it. Zeroed when dropped; nothing shows it.
pub struct Hash(Zeroizing<[u8; LENGTH]>);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash")
    }
}

impl Hash {
    /// Of a password, as it was sent.
    #[must_use]
    pub fn of(password: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password);
        let mut bytes = Zeroizing::new([0; LENGTH]);
        // A SHA-1 has that length.
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// Of 40 hexadecimal digits.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let (pairs, odd) = digits.as_chunks::<2>();
        if pairs.len() != LENGTH || !odd.is_empty() {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = Zeroizing::new([0; LENGTH]);
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// As 40 upper-case digits.
    pub(super) fn digits(&self) -> Zeroizing<[u8; 2 * LENGTH]> {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut digits = Zeroizing::new([0; 2 * LENGTH]);
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0.iter()) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_and_written_as_lists_do() {
        let known = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let hash = Hash::of(b"password");
        assert_eq!(hash.digits().as_slice(), known);
        let lower = known.to_ascii_lowercase();
        assert_eq!(Hash::parse(&lower).map(|hash| *hash.bytes()), Some(*hash.bytes()));
        assert_eq!(format!("{hash:?}"), "Hash");
        for wrong in [&known[1..], &[known.as_slice(), b"0"].concat(), &b"x".repeat(40), b""] {
            assert!(Hash::parse(wrong).is_none());
        }
    }
}
