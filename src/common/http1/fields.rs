//! The lines of a head, and of what comes behind a body (RFC 9112, section 5).

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use memchr::memchr;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It has no colon.
    Colon,
    /// Its name is not a token.
    Name,
    /// Its value has a byte that no value has.
    Value,
}

/// Takes the first line off `rest`, and gives it without its end, of which the CR may be left out.
pub fn next<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = memchr(b'\n', rest).unwrap_or(rest.len());
    let line = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The field of a `line`, which is part of `section`. Its value shares the bytes of that.
///
/// # Errors
/// Where it is none.
pub fn read(section: &Bytes, line: &[u8]) -> Result<(HeaderName, HeaderValue), Bad> {
    let colon = memchr(b':', line).ok_or(Bad::Colon)?;
    let name = HeaderName::from_bytes(&line[..colon]).map_err(|_| Bad::Name)?;
    let value = section.slice_ref(trim(&line[colon + 1..]));
    let value = HeaderValue::from_maybe_shared(value).map_err(|_| Bad::Value)?;
    Ok((name, value))
}

/// Writes how long a body is.
pub fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Without optional white space (SP and HTAB) at either end.
#[must_use]
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether a comma-separated list has `token`, in any case.
#[must_use]
pub fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',').any(|item| trim(item).eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_and_values_text_byte_by_byte() {
        for byte in 0..=255 {
            let line = Bytes::from(vec![b'x', byte, b':', b' ', byte, b'\t']);
            let read = read(&line, &line);
            let is_value = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
            let expected = match byte {
                // The second colon is the value's.
                b':' => None,
                byte if !crate::common::http1::is_token(byte) => Some(Bad::Name),
                _ if !is_value => Some(Bad::Value),
                _ => None,
            };
            assert_eq!(read.err(), expected, "{byte}");
            let line = Bytes::from(vec![b'x', b':', b'1', byte, b'2']);
            assert_eq!(super::read(&line, &line).is_ok(), is_value, "{byte}");
        }
        assert_eq!(read(&Bytes::new(), b""), Err(Bad::Colon));
        assert_eq!(read(&Bytes::from_static(b": y"), b"").err(), Some(Bad::Colon));
    }

    #[test]
    fn lines_end_with_or_without_cr() {
        let mut rest = &b"a\r\nb\n\r\nc"[..];
        let lines: Vec<&[u8]> = std::iter::from_fn(|| (!rest.is_empty()).then(|| next(&mut rest))).collect();
        assert_eq!(lines, [&b"a"[..], b"b", b"", b"c"]);
    }
}
