//! Forms, and queries, which are written alike: `a=b&c=d`.

use crate::{format::form::decode, shield::fields::Fields};

/// Reads names and values until there are `most`; whether there were more. Nothing is left out but what stands behind a last `&` and is nothing.
pub(super) fn read(text: &[u8], most: usize, into: &mut Fields) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        if into.len() >= most {
            return true;
        }
        let end = memchr::memchr(b'&', rest).unwrap_or(rest.len());
        let pair = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let sign = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let value = pair.get(sign + 1..).unwrap_or_default();
        into.push_with(|out| decode(&pair[..sign], out), |out| decode(value, out));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    fn read_all(text: &[u8], most: usize) -> (Pairs, bool) {
        let mut fields = Fields::new();
        let exceeded = read(text, most, &mut fields);
        (fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(), exceeded)
    }

    #[test]
    fn names_and_values_are_read() {
        type Case = (&'static [u8], &'static [(&'static [u8], &'static [u8])]);
        let cases: &[Case] = &[
            (b"", &[]),
            (b"a=1", &[(b"a", b"1")]),
            (b"a=1&b=2&", &[(b"a", b"1"), (b"b", b"2")]),
            (b"a=b=c&=d&e&e=&=", &[(b"a", b"b=c"), (b"", b"d"), (b"e", b""), (b"e", b""), (b"", b"")]),
            (b"&&a", &[(b"", b""), (b"", b""), (b"a", b"")]),
            (b"a%20+b=%3Cx%3e+%00", &[(b"a  b", b"<x> \0")]),
            (b"a=%zz%4&b=%", &[(b"a", b"%zz%4"), (b"b", b"%")]),
            (b"%26%3D=%26%3d%25", &[(b"&=", b"&=%")]),
            (b"a;b=1;c", &[(b"a;b", b"1;c")]),
            (b"a=\xff\x00", &[(b"a", b"\xff\0")]),
            (b"%u0041=%u0041", &[(b"%u0041", b"%u0041")]),
        ];
        for (text, expected) in cases {
            let (found, exceeded) = read_all(text, 100);
            let expected: Vec<_> = expected.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
            assert!(!exceeded);
        }
    }

    #[test]
    fn no_more_is_read_than_the_bounds_allow() {
        assert_eq!(read_all(b"a&b&c", 2), (vec![(b"a".to_vec(), Vec::new()), (b"b".to_vec(), Vec::new())], true));
        assert!(!read_all(b"a&b&", 2).1, "nothing came behind the last sign");
        let (found, exceeded) = read_all(&vec![b'&'; 1_000_000], 1000);
        assert!(found.len() == 1000 && exceeded);
        assert_eq!(read_all(b"a", 0), (Vec::new(), true));
        let long = [&vec![b'n'; 1 << 20][..], b"=v"].concat();
        assert_eq!(read_all(&long, 1).0[0].0.len(), 1 << 20);
    }
}
