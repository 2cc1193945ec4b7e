//! Base64 (RFC 4648) as lenient readers take it: both alphabets, and whatever else stands between passed over. A strict reader would see
//! less than an application may.

/// Undoes base64 as it comes.
#[derive(Debug, Default)]
pub struct Base64 {
    bits: u32,
    count: u32,
}

impl Base64 {
    /// Appends what `text` stands for.
    pub fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            match value(*byte) {
                Some(value) => {
                    self.bits = self.bits << 6 | u32::from(value);
                    self.count += 6;
                    if self.count >= 8 {
                        self.count -= 8;
                        // The lowest eight of what is shifted.
                        out.push((self.bits >> self.count & 0xFF) as u8);
                    }
                }
                // What comes behind the end of one is another.
                None if *byte == b'=' => *self = Self::default(),
                None => {}
            }
        }
    }
}

const fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Whether a text, or its beginning, seems to be base64: at most a sixteenth of it is something else than its letters, line ends, and blanks
/// that indent a line.
#[must_use]
pub fn seems(text: &[u8]) -> bool {
    let (mut other, mut indents) = (0, true);
    for byte in text {
        let blank = matches!(byte, b' ' | b'\t');
        let fits = value(*byte).is_some() || matches!(byte, b'=' | b'\r' | b'\n') || (blank && indents);
        other += usize::from(!fits);
        indents = *byte == b'\n' || (blank && indents);
    }
    other * 16 <= text.len()
}

/// A text without the head of a data URL (RFC 2397), where it is one in base64.
#[must_use]
pub fn without_head(text: &[u8]) -> &[u8] {
    let is_url = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data:"));
    let comma = text.iter().take(256).position(|byte| *byte == b',').filter(|_| is_url);
    match comma {
        Some(comma) => &text[comma + 1..],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};

    use super::*;

    fn decoded(text: &str, cut: usize) -> Vec<u8> {
        let (mut base64, mut out) = (Base64::default(), Vec::new());
        text.as_bytes().chunks(cut).for_each(|piece| base64.push(piece, &mut out));
        out
    }

    #[test]
    fn it_is_undone_as_the_most_lenient_would() {
        for length in 0..100_u8 {
            let plain: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            let text = BASE64_STANDARD.encode(&plain);
            for cut in [1, 3, 1000] {
                assert_eq!(decoded(&text, cut), plain);
                assert_eq!(decoded(text.trim_end_matches('='), cut), plain);
                assert_eq!(decoded(&text.replace('+', "-").replace('/', "_"), cut), plain);
            }
        }
        assert_eq!(decoded("Z m\r\n9!v", 2), b"foo");
        assert_eq!(decoded("Zg==Zg==", 3), b"ff");
    }

    #[test]
    fn prose_is_none() {
        assert!(!seems(b"The quick brown fox jumps over the lazy dog, and then it goes on and on for quite a while."));
        assert!(seems(b"\n        Zm9vYmFyYg==\n\t\tZm9v\n    ") && !seems(b"a b c d e f g"));
        assert!(seems(BASE64_STANDARD.encode([7; 100]).as_bytes()) && seems(b"Zm9v\r\nZm9v"));
        assert_eq!(without_head(b"data:text/plain;base64,Zm9v"), b"Zm9v");
        assert_eq!(without_head(b"Zm9v,"), b"Zm9v,");
    }
}
