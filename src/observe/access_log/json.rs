//! JSON, written straight into a buffer.

use std::time::Duration;

use super::clean::Clean;

/// One object on one line.
#[derive(Debug)]
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    /// Opens it.
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Closes it.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    /// Writes a name; the value is to follow. Names are plain: they are not escaped.
    pub(super) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if std::mem::take(&mut self.first) {
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(b",\"");
        }
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Fields that `fill` makes of `raw` by the rules of `engine`, or those it made before; it says whether they may be remembered. They are
    /// never the first.
    pub(super) fn part(&mut self, known: &mut Clean, engine: u64, raw: &[u8], fill: impl FnOnce(&mut Self) -> bool) {
        if let Some(written) = known.find(engine, raw) {
            return self.out.extend_from_slice(written);
        }
        let start = self.out.len();
        if fill(self) {
            known.keep(engine, raw, &self.out[start..]);
        }
    }

    /// A text, of any bytes.
    pub(super) fn text(&mut self, name: &str, value: &[u8]) {
        text(value, self.name(name));
    }

    /// A text that needs no escaping.
    pub(super) fn word(&mut self, name: &str, value: &str) {
        let out = self.name(name);
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }

    /// A number.
    pub(super) fn number(&mut self, name: &str, value: u64) {
        number(value, self.name(name));
    }

    /// A duration in seconds, to the microsecond.
    pub(super) fn seconds(&mut self, name: &str, value: Duration) {
        seconds(value, self.name(name));
    }

    /// An object within.
    pub(super) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::open(self.name(name));
        fill(&mut inner);
        inner.close();
    }
}

/// A number.
pub(super) fn number(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Seconds with six decimals.
pub(super) fn seconds(value: Duration, out: &mut Vec<u8>) {
    number(value.as_secs(), out);
    out.push(b'.');
    digits(value.subsec_micros(), 6, out);
}

/// The last `width` digits of `value`, at most six.
pub(super) fn digits(mut value: u32, width: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 6];
    for digit in text[..width].iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    out.extend_from_slice(&text[..width]);
}

/// A text in quotes. What is not UTF-8 becomes U+FFFD, as JSON has no bytes.
pub(super) fn text(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    if value.is_ascii() {
        ascii(value, out);
    } else {
        for chunk in value.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    // C1 controls and line separators do harm on terminals and in readers of lines.
                    '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => escape(u32::from(char), out),
                    char => {
                        let mut buffer = [0; 4];
                        ascii(char.encode_utf8(&mut buffer).as_bytes(), out);
                    }
                }
            }
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    out.push(b'"');
}

fn ascii(value: &[u8], out: &mut Vec<u8>) {
    // Most need nothing: sums without early exits, so that many bytes are looked at at once, the last ones twice.
    let odd =
        |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte == 0x7f);
    let mut sums = [0; 16];
    if let Some(last) = value.last_chunk::<16>() {
        for block in value.as_chunks::<16>().0.iter().chain([last]) {
            sums.iter_mut().zip(block).for_each(|(sum, &byte)| *sum |= odd(byte));
        }
    } else {
        sums[0] = value.iter().fold(0, |sum, &byte| sum | odd(byte));
    }
    if u128::from_ne_bytes(sums) == 0 {
        return out.extend_from_slice(value);
    }
    let mut plain = 0;
    for (at, &byte) in value.iter().enumerate() {
        if odd(byte) == 0 {
            continue;
        }
        out.extend_from_slice(&value[plain..at]);
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            byte => escape(u32::from(byte), out),
        }
        plain = at + 1;
    }
    out.extend_from_slice(&value[plain..]);
}

fn escape(code: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\\u{code:04x}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_become_the_json_that_serde_reads() {
        let all: Vec<u8> = (0..=255).collect();
        for value in [&all[..], "김\u{2028}\u{85}\"\\\n".as_bytes(), b"", b"\xff\xfe", "a\u{7f}b".as_bytes()] {
            let mut out = Vec::new();
            text(value, &mut out);
            assert!(!out.iter().any(|b| *b < b' ' || *b == 0x7f));
            let read: String = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(read, String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn durations_are_seconds() {
        let mut out = Vec::new();
        seconds(Duration::from_micros(12_000_345), &mut out);
        assert_eq!(out, b"12.000345");
    }
}
