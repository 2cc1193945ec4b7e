//! Parameters of a header's value, `type; name=value; name="value"`, as `Content-Type` and `Content-Disposition` have them.

/// Names, in small letters, and values behind the first `;`, quotes undone. What is none is passed over.
#[must_use]
pub fn parameters(said: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = said;
    while let Some(at) = memchr::memchr(b';', rest) {
        rest = rest[at + 1..].trim_ascii_start();
        let Some(equals) = rest.iter().position(|b| matches!(b, b'=' | b';')) else { break };
        if rest[equals] == b';' {
            rest = &rest[equals..];
            continue;
        }
        let name = String::from_utf8_lossy(rest[..equals].trim_ascii()).to_ascii_lowercase();
        rest = rest[equals + 1..].trim_ascii_start();
        let mut value = Vec::new();
        if rest.first() == Some(&b'"') {
            let mut at = 1;
            while at < rest.len() && rest[at] != b'"' {
                // A path of Windows is more usual here than an escape.
                at += usize::from(rest[at] == b'\\' && matches!(rest.get(at + 1), Some(b'"' | b'\\')));
                value.extend(rest.get(at));
                at += 1;
            }
            rest = rest.get(at + 1..).unwrap_or_default();
        } else {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            value.extend_from_slice(rest[..end].trim_ascii());
            rest = &rest[end..];
        }
        found.push((name, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_told_apart() {
        for (said, expected) in [
            ("form-data; name=\"a\"; filename=\"b;c\"", &[("name", "a"), ("filename", "b;c")][..]),
            ("multipart/form-data; Boundary=--x", &[("boundary", "--x")]),
            ("a; b ; c = \"d\\\"e\\\\\" ;f", &[("c", "d\"e\\")]),
            ("a; b=\"open", &[("b", "open")]),
            ("a", &[]),
            (";;=;\"", &[("", "")]),
        ] {
            let found = parameters(said.as_bytes());
            let found: Vec<_> =
                found.iter().map(|(name, value)| (name.as_str(), std::str::from_utf8(value).expect("text"))).collect();
            assert_eq!(found, expected, "{said}");
        }
    }
}
