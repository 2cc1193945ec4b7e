//! Cookies of a request (RFC 6265, section 4.2.1), as servers read them: leniently.

use crate::shield::fields::Fields;

/// Reads one `Cookie` header. What has no `=` is a name; a value without a name is kept, for some servers hand it on.
pub(super) fn read(header: &[u8], into: &mut Fields) {
    for pair in header.split(|b| *b == b';') {
        let pair = pair.trim_ascii_start();
        if pair.is_empty() {
            continue;
        }
        let sign = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        into.push(&pair[..sign], pair.get(sign + 1..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_told_apart() {
        type Case = (&'static [u8], &'static [(&'static [u8], &'static [u8])]);
        let cases: &[Case] = &[
            (b"", &[]),
            (b"a=1; b=2", &[(b"a", b"1"), (b"b", b"2")]),
            (b";; a=1;", &[(b"a", b"1")]),
            (b"a=b=c;d;=e; ", &[(b"a", b"b=c"), (b"d", b""), (b"", b"e")]),
            (b"a=%3C+;a=\"x\"", &[(b"a", b"%3C+"), (b"a", b"\"x\"")]),
            (b"$Version=1; a =1", &[(b"$Version", b"1"), (b"a ", b"1")]),
        ];
        for (header, expected) in cases {
            let mut fields = Fields::new();
            read(header, &mut fields);
            assert_eq!(&fields.iter().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(header));
        }
    }
}
