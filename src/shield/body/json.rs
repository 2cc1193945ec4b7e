//! JSON (RFC 8259): each value with its path, `json.items.array_0.name`, as rules know it from libmodsecurity.
//!
//! Several values may follow each other. Lenient within texts, where parsers differ: what they would not take is told, and read on.

use super::{budget::Budget, parsed::Parsed};
use crate::{format::json::stop, shield::fields::Bounds};

const ROOT: &[u8] = b"json";
/// What libmodsecurity calls a member with an empty name.
const EMPTY: &[u8] = b"empty-key";

const CUT: Stop = Stop::Malformed("JSON ends within a value");
const MISPLACED: Stop = Stop::Malformed("JSON with a sign where it can't stand");
const ESCAPE: &str = "JSON with an escape that is none";

/// Reads a body.
pub(super) fn read(body: &[u8], bounds: Bounds, parsed: &mut Parsed) {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let budget = Budget::new(bounds, body.len());
    let (path, frames) = (ROOT.to_vec(), Vec::new());
    let mut reader = Reader { text, at: 0, path, frames, expect: Expect::Value, deepest: bounds.depth, budget, parsed };
    match reader.run() {
        Ok(()) => {}
        Err(Stop::Exceeded) => parsed.exceeded = true,
        Err(Stop::Malformed(why)) => parsed.fail(why),
    }
    if std::str::from_utf8(text).is_err() {
        parsed.fail("JSON that is not UTF-8");
    }
}

/// Why nothing more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Malformed(&'static str),
    Exceeded,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
}

/// An object or an array that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// How long its path is.
    path: usize,
    /// How many elements have begun; `None` for an object.
    elements: Option<usize>,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    path: Vec<u8>,
    frames: Vec<Frame>,
    expect: Expect,
    deepest: usize,
    budget: Budget,
    parsed: &'a mut Parsed,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), Stop> {
        use Expect::{Colon, CommaOrEnd, Name, NameOrEnd, Value, ValueOrEnd};
        while let Some(&byte) = self.text.get(self.at) {
            match (byte, self.expect) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => self.at += 1,
                (b'"', Name | NameOrEnd) => self.name()?,
                (b'"', Value | ValueOrEnd) => self.string()?,
                (b':', Colon) => self.go(Value),
                (b',', CommaOrEnd) => {
                    let object = self.frames.last().is_some_and(|frame| frame.elements.is_none());
                    self.go(if object { Name } else { Value });
                }
                (b'{' | b'[', Value | ValueOrEnd) => self.open(byte == b'{')?,
                (b'}', CommaOrEnd | NameOrEnd) => self.close(true)?,
                (b']', CommaOrEnd | ValueOrEnd) => self.close(false)?,
                (_, Value | ValueOrEnd) => self.bare()?,
                _ => return Err(MISPLACED),
            }
        }
        if self.frames.is_empty() { Ok(()) } else { Err(CUT) }
    }

    fn go(&mut self, expect: Expect) {
        self.at += 1;
        self.expect = expect;
    }

    fn open(&mut self, object: bool) -> Result<(), Stop> {
        if self.frames.len() >= self.deepest {
            return Err(Stop::Exceeded);
        }
        self.begin();
        self.frames.push(Frame { path: self.path.len(), elements: (!object).then_some(0) });
        self.go(if object { Expect::NameOrEnd } else { Expect::ValueOrEnd });
        Ok(())
    }

    fn close(&mut self, object: bool) -> Result<(), Stop> {
        self.at += 1;
        match self.frames.pop() {
            Some(frame) if frame.elements.is_none() == object => {}
            _ => return Err(MISPLACED),
        }
        self.end();
        Ok(())
    }

    /// A value begins: an element's path is told by how many came before it.
    fn begin(&mut self) {
        if let Some(Frame { path, elements: Some(elements) }) = self.frames.last_mut() {
            self.path.truncate(*path);
            self.path.extend_from_slice(b".array_");
            self.path.extend_from_slice(itoa::Buffer::new().format(*elements).as_bytes());
            *elements += 1;
        }
    }

    /// A value has ended.
    fn end(&mut self) {
        let whole = self.frames.last().map_or(ROOT.len(), |frame| frame.path);
        self.path.truncate(whole);
        self.expect = if self.frames.is_empty() { Expect::Value } else { Expect::CommaOrEnd };
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Stop> {
        self.begin();
        if !self.budget.field(self.path.len()) {
            return Err(Stop::Exceeded);
        }
        let path = &self.path;
        self.parsed.arguments.push_with(|name| name.extend_from_slice(path), write);
        self.end();
        Ok(())
    }

    fn name(&mut self) -> Result<(), Stop> {
        let (raw, escaped, whole) = self.quoted();
        if !whole {
            return Err(CUT);
        }
        self.path.push(b'.');
        let sound = match raw {
            [] => {
                self.path.extend_from_slice(EMPTY);
                true
            }
            _ if escaped => decode(raw, &mut self.path),
            _ => {
                self.path.extend_from_slice(raw);
                true
            }
        };
        if !sound {
            self.parsed.fail(ESCAPE);
        }
        self.expect = Expect::Colon;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Stop> {
        let (raw, escaped, whole) = self.quoted();
        let mut sound = true;
        self.push(|out| {
            if escaped {
                sound = decode(raw, out);
            } else {
                out.extend_from_slice(raw);
            }
        })?;
        if !whole {
            return Err(CUT);
        }
        if !sound {
            self.parsed.fail(ESCAPE);
        }
        Ok(())
    }

    /// A text up to its quote, whether a backslash is in it, and whether the quote was there.
    fn quoted(&mut self) -> (&'a [u8], bool, bool) {
        let (text, start) = (self.text, self.at + 1);
        let (mut from, mut escaped) = (start, false);
        let end = loop {
            match stop(text, from) {
                Some(at) if text[at] == b'"' => break Some(at),
                Some(at) if at + 2 <= text.len() => from = at + 2,
                _ => break None,
            }
            escaped = true;
        };
        let raw = &text[start..end.unwrap_or(text.len())];
        self.at = end.map_or(text.len(), |end| end + 1);
        // No early way out, so that many bytes are looked at at a time.
        if raw.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
            self.parsed.fail("JSON with a control character in a text");
        }
        (raw, escaped, end.is_some())
    }

    /// A number or a word.
    fn bare(&mut self) -> Result<(), Stop> {
        let rest = &self.text[self.at..];
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let raw = &rest[..rest.iter().take_while(|b| part(b)).count()];
        let shown: &[u8] = match raw {
            b"true" | b"false" => raw,
            b"null" => b"",
            [b'-' | b'0'..=b'9', digits @ ..]
                if digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                raw
            }
            _ => return Err(MISPLACED),
        };
        self.at += raw.len();
        self.push(|out| out.extend_from_slice(shown))
    }
}

/// Appends what a text stands for; whether all its escapes are known. Of an unknown one the sign is kept, as lenient parsers do; half of
/// a surrogate pair becomes U+FFFD.
fn decode(raw: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut rest, mut sound) = (raw, true);
    while let Some(n) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..n]);
        let escape = &rest[n..];
        let Some(&sign) = escape.get(1) else {
            out.push(b'\\');
            return false;
        };
        rest = &escape[2..];
        out.push(match sign {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'"' | b'\\' | b'/' => sign,
            b'u' if let Some((char, width)) = unicode(escape) => {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &escape[width..];
                continue;
            }
            _ => {
                sound = false;
                sign
            }
        });
    }
    out.extend_from_slice(rest);
    sound
}

/// The character of `\u0041`, or of two of them that are a pair, and how long that is.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if (0xD800..0xDC00).contains(&first)
        && escape.get(6..8) == Some(b"\\u")
        && let Some(second @ 0xDC00..0xE000) = unit(&escape[6..])
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

fn unit(escape: &[u8]) -> Option<u32> {
    escape.get(2..6)?.iter().try_fold(0, |n, &b| Some(n << 4 | char::from(b).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { arguments: 10_000, depth: 64 };

    fn parse(body: &[u8], bounds: Bounds) -> Parsed {
        let mut parsed = Parsed::default();
        read(body, bounds, &mut parsed);
        parsed
    }

    fn shown(parsed: &Parsed) -> Vec<String> {
        let text = |bytes| String::from_utf8_lossy(bytes);
        parsed.arguments.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect()
    }

    #[test]
    fn values_have_paths() {
        for (body, expected) in [
            (r#"{"a":[{"b":1}]}"#, &["json.a.array_0.b=1"][..]),
            (
                r#"[[1,[2]],"x",{"y":[]},3]"#,
                &["json.array_0.array_0=1", "json.array_0.array_1.array_0=2", "json.array_1=x", "json.array_3=3"],
            ),
            (
                r#"{"t":true,"f":false,"n":null,"m":-1.50e+3}"#,
                &["json.t=true", "json.f=false", "json.n=", "json.m=-1.50e+3"],
            ),
            (r#"{"a":1,"a":{"b":2},"c":3}"#, &["json.a=1", "json.a.b=2", "json.c=3"]),
            (r#"{"":1,"x.y":2}"#, &["json.empty-key=1", "json.x.y=2"]),
            ("\"top\"", &["json=top"]),
            ("{\"a\":1}\n{\"a\":2} 3[4]", &["json.a=1", "json.a=2", "json=3", "json.array_0=4"]),
            ("\u{FEFF} {\"a\" : \t\"b\" }\r\n", &["json.a=b"]),
            ("{}", &[]),
            ("", &[]),
            (r#"{"\u0061\n":"\"\\\/\b\f\r\t\u00e9\uD83D\uDE00"}"#, &["json.a\n=\"\\/\u{8}\u{c}\r\té😀"]),
            (
                r#"["\ud83d","\ude00x","\ud83d\u0041"]"#,
                &["json.array_0=\u{FFFD}", "json.array_1=\u{FFFD}x", "json.array_2=\u{FFFD}A"],
            ),
        ] {
            let parsed = parse(body.as_bytes(), BOUNDS);
            assert_eq!(shown(&parsed), expected, "{body}");
            assert_eq!((parsed.error, parsed.exceeded), (None, false), "{body}");
        }
        let parsed = parse(br#"["\u0000"]"#, BOUNDS);
        assert_eq!(parsed.arguments.iter().next(), Some((&b"json.array_0"[..], &b"\0"[..])));
    }

    #[test]
    fn what_is_broken_is_told_and_what_came_before_is_kept() {
        for (body, expected) in [
            (&br#"{"a":1,"b"#[..], &["json.a=1"][..]),
            (br#"{"a":1,"b":"cut"#, &["json.a=1", "json.b=cut"]),
            (br#"["a\"#, &["json.array_0=a\\"]),
            (br"[1,2", &["json.array_0=1", "json.array_1=2"]),
            (br"[1}", &["json.array_0=1"]),
            (br#"{"a":1]"#, &["json.a=1"]),
            (br"[1,]", &["json.array_0=1"]),
            (br#"{"a" 1}"#, &[]),
            (br"{'a':1}", &[]),
            (br"[1 2]", &["json.array_0=1"]),
            (br"[nul]", &[]),
            (br"[1x]", &[]),
            (b"1,2", &["json=1"]),
            (br"// x", &[]),
            (b"[\"a\nb\",1]", &["json.array_0=a\nb", "json.array_1=1"]),
            (br#"["\x41\'\u12","\uzzzz"]"#, &["json.array_0=x41'u12", "json.array_1=uzzzz"]),
            (b"[\"\xff\",1]", &["json.array_0=\u{FFFD}", "json.array_1=1"]),
            (b"[\0]", &[]),
            (b"]", &[]),
            (b"}", &[]),
            (b":", &[]),
        ] {
            let parsed = parse(body, BOUNDS);
            assert_eq!(shown(&parsed), expected, "{}", String::from_utf8_lossy(body));
            assert!(parsed.error.is_some(), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_cut_anywhere_is_told() {
        let body = br#"{"a":[{"b":"x\u00e9\\"},true,null,-1.5],"c":{"d":"\ud83d\ude00"}}"#;
        let whole = shown(&parse(body, BOUNDS));
        for cut in 1..body.len() {
            let parsed = parse(&body[..cut], BOUNDS);
            assert!(parsed.error.is_some(), "{cut}");
            assert!(parsed.arguments.len() <= whole.len(), "{cut}");
        }
    }

    #[test]
    fn bounds_hold() {
        let deep = [&vec![b'['; 1 << 20][..], b"1"].concat();
        let parsed = parse(&deep, BOUNDS);
        assert!(parsed.exceeded && parsed.arguments.is_empty());
        let edge = format!("{}1{}", "[".repeat(64), "]".repeat(64));
        assert!(!parse(edge.as_bytes(), BOUNDS).exceeded);
        assert!(parse(format!("[{edge}]").as_bytes(), BOUNDS).exceeded);
        let many = format!("[{}0]", "0,".repeat(99_999));
        let parsed = parse(many.as_bytes(), BOUNDS);
        assert!(parsed.exceeded && parsed.arguments.len() == BOUNDS.arguments);
        // A long name over many values: 4 GB if all were kept.
        let long = format!("{{\"{}\":[{}0]}}", "n".repeat(400_000), "0,".repeat(9999));
        let parsed = parse(long.as_bytes(), BOUNDS);
        assert!(parsed.exceeded && parsed.arguments.len() < 40, "{}", parsed.arguments.len());
    }
}
