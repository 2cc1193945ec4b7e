//! One canonical path: what routes, every safeguard and the application see.
//!
//! The path is percent-decoded once, dot segments and empty segments are resolved, and the result is encoded again by one
//! fixed table, so that two spellings of one path are one path here. What two readers could still take differently is
//! refused. Sources: RFC 3986 sections 3.3, 5.2.4 and 6.2.2.

use std::borrow::Cow;

use crate::gateway::settings::{Ambiguous, HeadRules};

/// Why a path is refused; a text without any part of the path.
pub type Fault = &'static str;

/// The canonical form of `raw`, a path that starts with `/` and has no query.
///
/// # Errors
/// When the path is malformed or ambiguous under `rules`.
pub fn canonical<'a>(raw: &'a str, rules: &HeadRules) -> Result<Cow<'a, str>, Fault> {
    if is_canonical(raw.as_bytes()) {
        return Ok(Cow::Borrowed(raw));
    }
    if !raw.starts_with('/') {
        return Err("the path does not start with a slash");
    }
    let mut out = Output { path: String::with_capacity(raw.len()), starts: Vec::new() };
    let mut directory = false;
    for segment in raw[1..].split('/') {
        directory = out.segment(segment, rules)?;
    }
    // `/a/`, `/a/.` and `/a/b/..` all name a directory.
    if directory || out.path.is_empty() {
        out.path.push('/');
    }
    Ok(Cow::Owned(out.path))
}

/// Whether there is nothing to do: the fast path of nearly all requests.
fn is_canonical(path: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in path {
        // A segment that starts with a dot may be a dot segment; an empty one is resolved.
        let plain = PLAIN[byte as usize] && !(previous == b'/' && (byte == b'/' || byte == b'.'));
        if !plain {
            return false;
        }
        previous = byte;
    }
    path.first() == Some(&b'/')
}

struct Output {
    path: String,
    /// Where each segment in `path` starts, its slash included.
    starts: Vec<usize>,
}

impl Output {
    /// Adds one raw segment; `true` when the path names a directory if it ends here.
    fn segment(&mut self, raw: &str, rules: &HeadRules) -> Result<bool, Fault> {
        let (name, parameters) = match raw.find(';') {
            Some(_) if rules.path_parameters == Ambiguous::Refuse => return Err("path parameters"),
            Some(at) => (&raw[..at], &raw[at..]),
            None => (raw, ""),
        };
        let decoded = decode(name)?;
        check(&decoded, rules)?;
        let keeps = rules.path_parameters == Ambiguous::Keep && !parameters.is_empty();
        match decoded.as_slice() {
            b"" | b"." | b".." if keeps => Err("path parameters on an empty or dot segment"),
            b"" | b"." => Ok(true),
            b".." => {
                let start = self.starts.pop().ok_or("the path leaves the root")?;
                self.path.truncate(start);
                Ok(true)
            }
            _ => {
                self.starts.push(self.path.len());
                self.path.push('/');
                encode(&decoded, name, &mut self.path);
                if keeps {
                    let decoded = decode(parameters)?;
                    check(&decoded, rules)?;
                    self.path.push(';');
                    encode(&decoded[1..], &parameters[1..], &mut self.path);
                }
                Ok(false)
            }
        }
    }
}

fn decode(segment: &str) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
            let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                return Err("a broken percent-encoding");
            };
            // Two hexadecimal digits fit a byte.
            out.push(u8::try_from(high * 16 + low).unwrap_or(0));
        } else {
            out.push(byte);
        }
    }
    Ok(out)
}

fn check(decoded: &[u8], rules: &HeadRules) -> Result<(), Fault> {
    if decoded.iter().any(|&b| b < 0x20 || b == 0x7f) {
        return Err("a control byte in the path");
    }
    if decoded.contains(&b'\\') {
        return Err("a backslash in the path");
    }
    if decoded.contains(&b'/') {
        if rules.encoded_slash == Ambiguous::Refuse {
            return Err("an encoded slash in the path");
        }
        if decoded.split(|&b| b == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
            return Err("an encoded slash beside a dot or empty segment");
        }
    }
    if std::str::from_utf8(decoded).is_err() {
        // `C0` and `C1` start over-long forms of ASCII, which lenient readers take for `.` or `/`.
        let overlong = decoded.windows(2).any(|w| matches!(w, [0xc0 | 0xc1, 0x80..=0xbf]));
        if overlong || rules.non_utf8 == Ambiguous::Refuse {
            return Err("path bytes that are not UTF-8");
        }
    }
    let hides = |w: &[u8]| {
        let code = w[1..].to_ascii_lowercase();
        w[0] == b'%'
            && (matches!(code.as_slice(), b"2e" | b"2f" | b"5c" | b"25" | b"3b") || matches!(code[0], b'0' | b'1'))
            && code[1].is_ascii_hexdigit()
    };
    if decoded.windows(3).any(hides) {
        return Err("a doubly encoded path");
    }
    Ok(())
}

/// Appends `decoded` by the fixed table. `raw` tells a literal `+` from an encoded one, which some readers take for a space.
fn encode(decoded: &[u8], raw: &str, out: &mut String) {
    let literal_plus = raw.contains('+') && !raw.contains("%2B") && !raw.contains("%2b");
    for &byte in decoded {
        if PLAIN[byte as usize] && byte != b'/' && (byte != b'+' || literal_plus) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// `pchar` without `;` and percent, and the slash itself.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 128 {
        #[allow(clippy::cast_possible_truncation)] // i < 128
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b'='
                    | b':'
                    | b'@'
                    | b'/'
            );
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> HeadRules {
        HeadRules::default()
    }

    #[test]
    fn spellings_of_one_path_are_one() {
        for (raw, expected) in [
            ("/", "/"),
            ("/login", "/login"),
            ("/%6cogin", "/login"),
            ("//login", "/login"),
            ("/login;jsessionid=1", "/login"),
            ("/a/../login", "/login"),
            ("/a/%2e%2E/login", "/login"),
            ("/./login", "/login"),
            ("/a/..;/login", "/login"),
            ("/login/", "/login/"),
            ("/login/.", "/login/"),
            ("/a/b/..", "/a/"),
            ("/a/..", "/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a%20b", "/a%20b"),
            ("/%c3%a9", "/%C3%A9"),
            ("/é", "/%C3%A9"),
            ("/a%3bb", "/a%3Bb"),
            ("/a%21", "/a!"),
            ("/a+b", "/a+b"),
            ("/a%2Bb", "/a%2Bb"),
            ("/50%25off", "/50%25off"),
            ("/a{b}|^", "/a%7Bb%7D%7C%5E"),
        ] {
            assert_eq!(canonical(raw, &rules()).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn a_canonical_path_is_its_own_canonical_path() {
        for raw in ["/a%20b/c", "/%c3%a9//x", "/a+b%2B", "/x/./y/"] {
            let once = canonical(raw, &rules()).expect("passes").into_owned();
            assert_eq!(canonical(&once, &rules()).as_deref(), Ok(once.as_str()));
        }
    }

    #[test]
    fn what_two_readers_take_differently_is_refused() {
        for raw in [
            "/..",
            "/a/../../b",
            "/%2e%2e/x",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00b",
            "/a%0ab",
            "/a%7f",
            "/%zz",
            "/%4",
            "/%",
            "/%252e%252e/",
            "/%252fx",
            "/%255c",
            "/%2525",
            "/%2500",
            "/%c0%ae",
            "/%ff",
            "x",
            "",
            "*",
        ] {
            assert!(canonical(raw, &rules()).is_err(), "{raw}");
        }
    }

    #[test]
    fn settings_keep_or_refuse() {
        let keep = HeadRules {
            encoded_slash: Ambiguous::Keep,
            path_parameters: Ambiguous::Keep,
            non_utf8: Ambiguous::Keep,
            ..rules()
        };
        assert_eq!(canonical("/a%2fb", &keep).as_deref(), Ok("/a%2Fb"));
        assert_eq!(canonical("/a;v=1/b", &keep).as_deref(), Ok("/a;v=1/b"));
        assert_eq!(canonical("/%b1%e8", &keep).as_deref(), Ok("/%B1%E8"));
        for raw in ["/a%2f..", "/..;x", "/%c0%ae"] {
            assert!(canonical(raw, &keep).is_err(), "{raw}");
        }
        let refuse = HeadRules { path_parameters: Ambiguous::Refuse, ..rules() };
        assert!(canonical("/login;x", &refuse).is_err());
    }
}
