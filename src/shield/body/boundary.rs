//! The boundary that a `Content-Type` names.

use super::parsed::Parsed;

const TYPE: &[u8] = b"multipart/form-data";
const WORD: &[u8] = b"boundary";

/// Reads it, tells what is odd about it, and goes on with what most applications would take. Where more are named it is the first.
pub(super) fn read(content_type: &[u8], parsed: &mut Parsed) -> Option<Vec<u8>> {
    let small = content_type.to_ascii_lowercase();
    if !small.trim_ascii_start().starts_with(TYPE) {
        parsed.malformed("a form in parts of another type");
    }
    let mut found = memchr::memmem::find_iter(&small, WORD)
        .filter(|at| small[at + WORD.len()..].trim_ascii_start().starts_with(b"="));
    let Some(at) = found.next() else {
        parsed.malformed("a form in parts without a boundary");
        return None;
    };
    if found.next().is_some() {
        parsed.malformed("a form in parts with more boundaries than one");
    }
    let before = content_type[..at].trim_ascii_end();
    if !before.contains(&b';') {
        parsed.multipart.missing_semicolon = true;
    } else if !before.ends_with(b";") {
        parsed.malformed("a boundary that is not told apart from what stands before it");
    }
    let behind = &content_type[at + WORD.len()..];
    let sign = behind.trim_ascii_start();
    let value = sign.get(1..).unwrap_or_default();
    let said = value.trim_ascii_start();
    parsed.multipart.boundary_whitespace = sign.len() != behind.len() || said.len() != value.len();
    let boundary = match said.strip_prefix(b"\"") {
        Some(inner) => quoted(inner, parsed),
        None => said.split(|b| *b == b';').next().unwrap_or_default().trim_ascii_end(),
    };
    if boundary.is_empty() {
        parsed.malformed("a form in parts with an empty boundary");
        return None;
    }
    if !boundary.iter().all(|b| allowed(*b)) || boundary.ends_with(b" ") {
        parsed.malformed("a boundary with signs that no boundary has");
    }
    Some(boundary.to_vec())
}

fn quoted<'a>(inner: &'a [u8], parsed: &mut Parsed) -> &'a [u8] {
    parsed.multipart.boundary_quoted = true;
    let end = memchr::memchr(b'"', inner);
    let rest = end.map_or(&b""[..], |end| inner[end + 1..].trim_ascii());
    if end.is_none() || !rest.is_empty() && !rest.starts_with(b";") {
        parsed.malformed("a boundary whose quotes do not fit");
    }
    &inner[..end.unwrap_or(inner.len())]
}

/// RFC 2046, section 5.1.1.
const fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b' ' | b'\'' | b'(' | b')' | b'+' | b'_' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?')
}

#[cfg(test)]
mod tests {
    use super::{super::flags::Flags, *};

    #[test]
    fn boundaries_are_found_and_oddities_told() {
        let sound = Flags::default();
        let odd = Flags { malformed: true, ..sound };
        for (said, boundary, flags) in [
            ("multipart/form-data; boundary=b", Some("b"), sound),
            ("Multipart/Form-Data;boundary=----WebKit_1", Some("----WebKit_1"), sound),
            ("multipart/form-data; Boundary=b", Some("b"), sound),
            ("multipart/form-data; boundary=b; charset=utf-8", Some("b"), sound),
            ("multipart/form-data; charset=utf-8; boundary=b ", Some("b"), sound),
            ("multipart/form-data; boundary=\"a b\"", Some("a b"), Flags { boundary_quoted: true, ..sound }),
            ("multipart/form-data; boundary = b", Some("b"), Flags { boundary_whitespace: true, ..sound }),
            ("multipart/form-data boundary=b", Some("b"), Flags { missing_semicolon: true, ..sound }),
            ("multipart/form-data; boundary=b; boundary=c", Some("b"), odd),
            ("multipart/form-data; boundary=b, multipart/form-data; BOUNDARY=c", Some("b, multipart/form-data"), odd),
            ("multipart/form-data; xboundary=b", Some("b"), odd),
            ("multipart/form-data; boundary=\"b", Some("b"), Flags { boundary_quoted: true, ..odd }),
            ("multipart/form-data; boundary=\"b\"c", Some("b"), Flags { boundary_quoted: true, ..odd }),
            ("multipart/form-data; boundary=b\"", Some("b\""), odd),
            ("multipart/form-data; boundary=b\0", Some("b\0"), odd),
            ("multipart/mixed; boundary=b", Some("b"), odd),
            ("multipart/form-data; boundary=", None, odd),
            ("multipart/form-data; boundary", None, odd),
            ("multipart/form-data", None, odd),
            ("", None, odd),
        ] {
            let mut parsed = Parsed::default();
            let found = read(said.as_bytes(), &mut parsed);
            assert_eq!(found.as_deref(), boundary.map(str::as_bytes), "{said}");
            assert_eq!(parsed.multipart, flags, "{said}");
            assert_eq!(parsed.error.is_some(), flags.malformed, "{said}");
        }
    }
}
