//! What a part's `Content-Disposition` says: names of the field, and of a file.

/// All that is said, in one header or in more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// Names of the field. A sound part has one.
    pub(super) names: Vec<Vec<u8>>,
    /// Names of the file, none of them empty.
    pub(super) files: Vec<Vec<u8>>,
    /// It is `form-data`.
    pub(super) form: bool,
    /// There were single quotes, or something behind quotes.
    pub(super) invalid_quoting: bool,
    /// What applications would read in different ways.
    pub(super) odd: Option<&'static str>,
}

/// Most names that are kept of each kind; whoever sends more has been told of already.
const MOST: usize = 8;

impl Disposition {
    /// Reads one header's value.
    pub(super) fn read(&mut self, said: &[u8]) {
        let end = memchr::memchr(b';', said).unwrap_or(said.len());
        self.form = said[..end].trim_ascii().eq_ignore_ascii_case(b"form-data");
        let (mut rest, mut names, mut plain, mut extended) = (&said[end..], 0, 0, 0);
        while let Some(from) = rest.strip_prefix(b";") {
            let from = from.trim_ascii_start();
            let stop = from.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(from.len());
            let key = from[..stop].trim_ascii();
            if from[..stop].len() > key.len() {
                // Crude readers look for `filename=`.
                self.tell("a Content-Disposition with a blank before `=`");
            }
            rest = &from[stop..];
            let Some(value) = rest.strip_prefix(b"=") else {
                self.tell("a Content-Disposition with a name that has no value");
                continue;
            };
            let (value, behind) = self.value(value.trim_ascii_start());
            rest = behind;
            if key.eq_ignore_ascii_case(b"name") {
                names += 1;
                keep(&mut self.names, value);
            } else if key.eq_ignore_ascii_case(b"filename") {
                plain += 1;
                keep(&mut self.files, value);
            } else if key.eq_ignore_ascii_case(b"filename*") {
                extended += 1;
                keep(&mut self.files, decode(&value));
            } else if key.is_empty() || !key.iter().all(|b| token(*b)) {
                self.tell("a Content-Disposition that can't be read");
            }
        }
        self.names.retain(|name| !name.is_empty());
        self.files.retain(|file| !file.is_empty());
        if names > 1 || plain > 1 || extended > 1 {
            self.tell("a Content-Disposition with a name said twice");
        } else if extended > plain {
            // No form has it (RFC 7578, section 4.2), and few applications read it.
            self.tell("a Content-Disposition with an extended name alone");
        }
    }

    /// A value, quotes undone, and what stands behind it from `;` on.
    fn value<'a>(&mut self, said: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
        let Some(&quote @ (b'"' | b'\'')) = said.first() else {
            let end = memchr::memchr(b';', said).unwrap_or(said.len());
            let value = said[..end].trim_ascii_end();
            if !value.iter().all(|b| token(*b)) {
                self.tell("a Content-Disposition with a value that needs quotes");
            }
            return (value.to_vec(), &said[end..]);
        };
        self.invalid_quoting |= quote == b'\'';
        let (mut value, mut at) = (Vec::new(), 1);
        while let Some(&byte) = said.get(at).filter(|b| **b != quote) {
            // Browsers send paths of Windows as they are.
            at += usize::from(byte == b'\\' && said.get(at + 1).is_some_and(|next| [quote, b'\\'].contains(next)));
            value.push(said[at]);
            at += 1;
        }
        if at >= said.len() {
            self.tell("a Content-Disposition with quotes that are open");
        }
        let behind = said.get(at + 1..).unwrap_or_default();
        let end = memchr::memchr(b';', behind).unwrap_or(behind.len());
        if !behind[..end].trim_ascii().is_empty() {
            self.invalid_quoting = true;
            self.tell("a Content-Disposition with something behind quotes");
        }
        (value, &behind[end..])
    }

    fn tell(&mut self, why: &'static str) {
        self.odd.get_or_insert(why);
    }
}

fn keep(list: &mut Vec<Vec<u8>>, value: Vec<u8>) {
    if list.len() < MOST {
        list.push(value);
    }
}

/// A token's sign, or one that no ASCII text has: names are sent in UTF-8 without quotes, too.
const fn token(byte: u8) -> bool {
    byte > b' '
        && byte != 0x7F
        && !matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'='
        )
}

/// `UTF-8''%41` (RFC 8187). The character set is not looked at.
fn decode(value: &[u8]) -> Vec<u8> {
    let mut parts = value.splitn(3, |b| *b == b'\'');
    let mut rest = parts.nth(2).unwrap_or(value);
    let mut plain = Vec::with_capacity(rest.len());
    while let Some(n) = memchr::memchr(b'%', rest) {
        plain.extend_from_slice(&rest[..n]);
        let digit =
            |i: usize| rest.get(n + i).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let byte = digit(1).zip(digit(2)).map(|(high, low)| high << 4 | low);
        plain.push(byte.unwrap_or(b'%'));
        rest = &rest[n + if byte.is_some() { 3 } else { 1 }..];
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(of: &[Vec<u8>]) -> Vec<String> {
        of.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    #[test]
    fn names_are_read() {
        for (said, names, files) in [
            ("form-data; name=\"a\"", &["a"][..], &[][..]),
            ("form-data; name=a; filename=b.txt", &["a"], &["b.txt"]),
            ("Form-Data ;NAME= \"a;b\" ; FileName=\"c\\\"d\\\\e\\f\"", &["a;b"], &["c\"d\\e\\f"]),
            ("form-data; name=\"a'b\"; filename=\"\"", &["a'b"], &[]),
            ("form-data; name=\"a\"; filename=b; filename*=UTF-8''%e2%82%ac%zz%+c", &["a"], &["b", "€%zz%+c"]),
            ("form-data; name=\u{e9}; size=3", &["\u{e9}"], &[]),
        ] {
            let mut found = Disposition::default();
            found.read(said.as_bytes());
            assert_eq!(
                (list(&found.names), list(&found.files)),
                (names.iter().map(ToString::to_string).collect(), files.iter().map(ToString::to_string).collect()),
                "{said}"
            );
            assert!(found.form && !found.invalid_quoting && found.odd.is_none(), "{said}: {found:?}");
        }
    }

    #[test]
    fn what_is_read_in_different_ways_is_told() {
        for (said, names, files, quoting) in [
            ("form-data; name=a; name=b", &["a", "b"][..], &[][..], false),
            ("form-data; name=a; filename=b; filename=c", &["a"], &["b", "c"], false),
            ("form-data; name=a; filename*=x%41", &["a"], &["xA"], false),
            ("form-data; name=\"a", &["a"], &[], false),
            ("form-data; name=\"a\\", &["a\\"], &[], false),
            ("form-data; name=\"", &[], &[], false),
            ("form-data; name=\"a\"x; filename=b", &["a"], &["b"], true),
            ("form-data; name", &[], &[], false),
            ("form-data; name=a; =b", &["a"], &[], false),
            ("form-data; name=a; file name=b", &["a"], &[], false),
            ("form-data; name=a b", &["a b"], &[], false),
            ("form-data;; name=a", &["a"], &[], false),
            ("form-data; name=a; filename =b", &["a"], &["b"], false),
        ] {
            let mut found = Disposition::default();
            found.read(said.as_bytes());
            assert_eq!(
                (list(&found.names), list(&found.files)),
                (names.iter().map(ToString::to_string).collect(), files.iter().map(ToString::to_string).collect()),
                "{said}"
            );
            assert_eq!(found.invalid_quoting, quoting, "{said}");
            assert!(found.odd.is_some(), "{said}");
        }
        let mut single = Disposition::default();
        single.read(b"form-data; name='a;b'");
        assert!(single.invalid_quoting && single.odd.is_none() && list(&single.names) == ["a;b"]);
        let mut other = Disposition::default();
        other.read(b"attachment; name=a");
        assert!(!other.form);
    }
}
