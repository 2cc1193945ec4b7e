//! Escapes of JSON's texts (RFC 8259, section 7).

use crate::format::visitor::Malformed;

const CUT: Malformed = Malformed("an escape in JSON is cut");
const UNKNOWN: Malformed = Malformed("an escape in JSON is unknown");

/// Appends what `raw` stands for. Half of a surrogate pair becomes U+FFFD.
pub(in crate::format) fn decode(raw: &[u8], plain: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut rest = raw;
    while let Some(n) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..n]);
        let escape = &rest[n..];
        let byte = match *escape.get(1).ok_or(CUT)? {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other @ (b'"' | b'\\' | b'/') => other,
            b'u' => {
                let (char, width) = unicode(escape)?;
                plain.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &escape[width..];
                continue;
            }
            _ => return Err(UNKNOWN),
        };
        plain.push(byte);
        rest = &escape[2..];
    }
    plain.extend_from_slice(rest);
    Ok(())
}

fn unit(escape: &[u8]) -> Result<u32, Malformed> {
    let digits = escape.get(2..6).ok_or(CUT)?;
    digits.iter().try_fold(0, |n, &b| Some(n << 4 | char::from(b).to_digit(16)?)).ok_or(UNKNOWN)
}

fn unicode(escape: &[u8]) -> Result<(char, usize), Malformed> {
    let first = unit(escape)?;
    if (0xD800..0xDC00).contains(&first)
        && escape.get(6..8) == Some(b"\\u")
        && let second @ 0xDC00..0xE000 = unit(&escape[6..])?
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12));
    }
    Ok((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// How many bytes of `raw` come before an escape that may go on.
pub(super) fn whole(raw: &[u8]) -> usize {
    // Only an escape within the last twelve bytes can be unfinished; where it begins is told from the front.
    let from = raw.len().saturating_sub(64);
    let mut at = from;
    // A run of backslashes that reaches over `from` is taken from its start.
    while at > 0 && raw[at - 1] == b'\\' {
        at -= 1;
    }
    while let Some(n) = memchr::memchr(b'\\', &raw[at..]) {
        let start = at + n;
        let left = raw.len() - start;
        let width = match raw.get(start + 1) {
            None => return start,
            Some(b'u') => {
                let high = raw.get(start + 2..start + 4).is_some_and(|d| {
                    d[0].eq_ignore_ascii_case(&b'd') && matches!(d[1], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
                });
                if left < 6 || high && left < 8 || high && raw[start + 6..].starts_with(b"\\u") && left < 12 {
                    return start;
                }
                6
            }
            Some(_) => 2,
        };
        at = start + width;
    }
    raw.len()
}

/// Appends `plain` as the content of a text.
pub(super) fn encode(plain: &[u8], in_html: bool, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Most texts need no escape, which is told many bytes at a time.
    let needs = |b: u8| b < 0x20 || matches!(b, b'"' | b'\\' | b'<');
    let (words, _) = plain.as_chunks::<8>();
    // The last eight bytes may be of those before, too.
    let any = match plain.last_chunk::<8>() {
        Some(last) => words.iter().fold(some(*last), |any, word| any | some(*word)) != 0,
        None => plain.iter().any(|b| needs(*b)),
    };
    if !any {
        return out.extend_from_slice(plain);
    }
    let mut done = 0;
    for (i, &byte) in plain.iter().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            b'<' if in_html => b"\\u003c",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&plain[done..i]);
        out.extend_from_slice(short);
        if short.is_empty() {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        done = i + 1;
    }
    out.extend_from_slice(&plain[done..]);
}

/// Not zero where one of eight bytes needs an escape.
fn some(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    let is = |byte: u8| zeros(word ^ u64::from_le_bytes([byte; 8]));
    let control = word.wrapping_sub(u64::from_le_bytes([b' '; 8])) & !word & u64::from_le_bytes([0x80; 8]);
    control | is(b'"') | is(b'\\') | is(b'<')
}

/// The highest bit of the first byte that is zero; above it, others may be set.
pub(super) fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_written() {
        let mut plain = Vec::new();
        decode(br#"a\u00e9\ud83d\ude00\n\"\\\/\ud83d"#, &mut plain).expect("valid");
        assert_eq!(String::from_utf8_lossy(&plain), "aé😀\n\"\\/\u{FFFD}");
        let mut out = Vec::new();
        encode(b"<\x01\"\\\n", true, &mut out);
        assert_eq!(out, br#"\u003c\u0001\"\\\n"#);
        for at in 0..20 {
            for byte in 0..0x80 {
                let (mut plain, mut out) = ([b'x'; 20], Vec::new());
                plain[at] = byte;
                encode(&plain, true, &mut out);
                assert_eq!(out == plain, !matches!(byte, ..b' ' | b'"' | b'\\' | b'<'), "{byte} {at}");
            }
        }
        for bad in [&b"\\"[..], b"\\x", b"\\u12", b"\\u12zz"] {
            assert!(decode(bad, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn a_cut_within_an_escape_is_seen() {
        let raw = br"ab\\cd\u00e9\ud83d\ude00\\";
        for cut in 0..=raw.len() {
            let whole = whole(&raw[..cut]);
            let mut plain = Vec::new();
            decode(&raw[..whole], &mut plain).expect("whole");
            decode(&raw[whole..], &mut plain).expect("whole");
            assert_eq!(String::from_utf8_lossy(&plain), "ab\\cdé😀\\", "{cut}");
        }
    }
}
