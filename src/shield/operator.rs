//! What rules look for.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    bytes::Bytes,
    literal::Need,
    parse::expand,
    pattern::Pattern,
    rule::Macro,
    source::{Fault, Place, Source},
};

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `@eq`
    Equal,
    /// `@lt`
    Less,
    /// `@le`
    AtMost,
    /// `@gt`
    Greater,
    /// `@ge`
    AtLeast,
}

impl Order {
    /// Whether `a` is so to `b`.
    #[must_use]
    pub const fn holds(self, a: i64, b: i64) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Greater => a > b,
            Self::AtLeast => a >= b,
        }
    }
}

/// How two texts compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// `@streq`
    Equal,
    /// `@contains`, `@strmatch`
    Contains,
    /// `@containsWord`
    ContainsWord,
    /// `@beginsWith`
    Begins,
    /// `@endsWith`
    Ends,
    /// `@within`: the value is somewhere in the parameter.
    Within,
}

impl Likeness {
    /// Whether `value` is so to `parameter`.
    #[must_use]
    pub fn holds(self, value: &[u8], parameter: &[u8]) -> bool {
        let contains = |text: &[u8], part: &[u8]| memchr::memmem::find(text, part).is_some();
        match self {
            Self::Equal => value == parameter,
            Self::Contains => contains(value, parameter),
            Self::ContainsWord => contains_word(value, parameter),
            Self::Begins => value.starts_with(parameter),
            Self::Ends => value.ends_with(parameter),
            Self::Within => contains(parameter, value),
        }
    }
}

fn contains_word(text: &[u8], word: &[u8]) -> bool {
    let part_of_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    memchr::memmem::find_iter(text, word).any(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !part_of_word(before) && !part_of_word(text.get(at + word.len()))
    })
}

/// What is looked for.
#[derive(Debug, Clone)]
pub enum Operator {
    /// `@unconditionalMatch`
    Always,
    /// `@noMatch`, and whatever needs a service that Privet does not ask.
    Never,
    /// `@rx`
    Matches(std::sync::Arc<Pattern>, Need),
    /// `@rx` with variables in the pattern.
    MatchesFilled(Macro),
    /// `@pm`, `@pmFromFile`: one of these, in any case. In lower case.
    Phrases(Vec<Vec<u8>>),
    /// `@streq` and the like.
    Like(Likeness, Macro),
    /// `@eq` and the like.
    Number(Order, Macro),
    /// `@ipMatch`, `@ipMatchFromFile`
    Addresses(Vec<IpNet>),
    /// `@validateByteRange`: a byte that is none of these.
    ByteOutside(Bytes),
    /// `@validateUrlEncoding`: a broken one.
    BadUrlEncoding,
    /// `@validateUtf8Encoding`: a broken one.
    BadUtf8,
    /// `@detectSQLi`
    Sqli,
    /// `@detectXSS`
    Xss,
}

/// Reads an operator; whether it is negated.
///
/// # Errors
/// When it is not known, or its parameter can't be read.
pub fn read(source: &Source, place: &Place, text: &str) -> Result<(bool, Operator), Fault> {
    let text = text.trim_start();
    let (negated, rest) = match text.strip_prefix('!') {
        Some(rest) if rest.trim_start().starts_with('@') => (true, rest.trim_start()),
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let Some(named) = rest.strip_prefix('@') else {
        return matches(place, rest).map(|operator| (negated, operator));
    };
    let (name, parameter) = named.split_once(char::is_whitespace).unwrap_or((named, ""));
    one(source, place, name, parameter).map(|operator| (negated, operator))
}

fn one(source: &Source, place: &Place, name: &str, parameter: &str) -> Result<Operator, Fault> {
    let like = |likeness| expand(place, parameter.trim()).map(|parameter| Operator::Like(likeness, parameter));
    let number = |order| expand(place, parameter.trim()).map(|parameter| Operator::Number(order, parameter));
    match name.to_ascii_lowercase().as_str() {
        "rx" | "rxglobal" => matches(place, parameter.trim_start()),
        "pm" => Ok(phrases(parameter.split_ascii_whitespace())),
        "pmf" | "pmfromfile" => {
            let mut text = String::new();
            for name in parameter.split_ascii_whitespace() {
                text.push_str(&data(source, place, name)?);
                text.push('\n');
            }
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            Ok(phrases(lines))
        }
        "streq" => like(Likeness::Equal),
        "contains" | "strmatch" => like(Likeness::Contains),
        "containsword" => like(Likeness::ContainsWord),
        "beginswith" => like(Likeness::Begins),
        "endswith" => like(Likeness::Ends),
        "within" => like(Likeness::Within),
        "eq" => number(Order::Equal),
        "lt" => number(Order::Less),
        "le" => number(Order::AtMost),
        "gt" => number(Order::Greater),
        "ge" => number(Order::AtLeast),
        "ipmatch" => addresses(place, parameter.split(',')),
        "ipmatchf" | "ipmatchfromfile" => {
            let text = data(source, place, parameter.trim())?;
            addresses(place, text.lines().filter(|line| !line.trim_start().starts_with('#')))
        }
        "validatebyterange" => byte_range(place, parameter).map(Operator::ByteOutside),
        "validateurlencoding" => Ok(Operator::BadUrlEncoding),
        "validateutf8encoding" => Ok(Operator::BadUtf8),
        "detectsqli" => Ok(Operator::Sqli),
        "detectxss" => Ok(Operator::Xss),
        "unconditionalmatch" => Ok(Operator::Always),
        // Nobody is asked about a client's address: lists are imported as bans.
        "nomatch" | "rbl" | "geolookup" | "gsblookup" => Ok(Operator::Never),
        _ => Err(Fault::new(place, format!("`@{name}` is no operator that Privet knows"))),
    }
}

fn matches(place: &Place, pattern: &str) -> Result<Operator, Fault> {
    if pattern.contains("%{") {
        return expand(place, pattern).map(Operator::MatchesFilled);
    }
    let (pattern, need) = Pattern::read(pattern).map_err(|why| Fault::new(place, format!("the pattern: {why}")))?;
    Ok(Operator::Matches(std::sync::Arc::new(pattern), need))
}

fn phrases<'a>(all: impl Iterator<Item = &'a str>) -> Operator {
    let mut phrases: Vec<Vec<u8>> = all.map(phrase).filter(|phrase| !phrase.is_empty()).collect();
    phrases.sort();
    phrases.dedup();
    Operator::Phrases(phrases)
}

/// `a|3d|b` has bytes in hexadecimal between bars.
fn phrase(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('|') {
        let hex = rest[start + 1..].find('|').map(|length| &rest[start + 1..start + 1 + length]);
        let read = hex.and_then(|hex| {
            let digits = hex.split(' ').filter(|pair| !pair.is_empty());
            digits
                .map(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2))
                .collect::<Option<Vec<u8>>>()
        });
        let Some((hex, read)) = hex.zip(read).filter(|(_, read)| !read.is_empty()) else { break };
        bytes.extend_from_slice(&rest.as_bytes()[..start]);
        bytes.extend(read);
        rest = &rest[start + hex.len() + 2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes.make_ascii_lowercase();
    bytes
}

fn data(source: &Source, place: &Place, name: &str) -> Result<String, Fault> {
    let folder =
        source.folder.as_deref().ok_or_else(|| Fault::new(place, format!("`{name}`: these rules have no files")))?;
    // Rules name files beside them; a way out of their folder is a mistake or worse.
    if name.is_empty() || name.split('/').any(|part| part == "..") || name.starts_with('/') {
        return Err(Fault::new(place, format!("`{name}` is no file beside the rules")));
    }
    let path = folder.join(name);
    let bytes = std::fs::read(&path).map_err(|error| Fault::new(place, format!("{}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|_| Fault::new(place, format!("{}: is not UTF-8", path.display())))
}

fn addresses<'a>(place: &Place, all: impl Iterator<Item = &'a str>) -> Result<Operator, Fault> {
    let network = |text: &str| {
        let alone = text.parse::<IpAddr>().map(IpNet::from).ok();
        let network = text.parse::<IpNet>().ok().or(alone);
        network.ok_or_else(|| Fault::new(place, format!("`{text}` is no address or network")))
    };
    let all = all.map(str::trim).filter(|text| !text.is_empty());
    Ok(Operator::Addresses(all.map(network).collect::<Result<_, _>>()?))
}

fn byte_range(place: &Place, text: &str) -> Result<Bytes, Fault> {
    let number = |text: &str| {
        text.trim().parse::<u8>().map_err(|_| Fault::new(place, format!("`{}` is no byte: 0 to 255", text.trim())))
    };
    let mut allowed = Bytes::NONE;
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        allowed = match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last {
                    return Err(Fault::new(place, format!("`{part}` runs backwards")));
                }
                allowed.with_range(first, last)
            }
            None => allowed.with(number(part)?),
        };
    }
    Ok(allowed)
}

/// Whether a `%` is not followed by two hexadecimal digits.
#[must_use]
pub fn bad_url_encoding(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).any(|at| {
        let digits = text.get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// A text as a number: digits at its beginning, as C's `atoi` has it.
#[must_use]
pub fn number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let value = digits.fold(0i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<(bool, Operator), Fault> {
        let source = Source { name: "a.conf".into(), folder: None, text: String::new() };
        read(&source, &Place { file: "a.conf".into(), line: 3 }, text)
    }

    #[test]
    fn operators_are_read() {
        assert!(matches!(reads("!@rx a"), Ok((true, Operator::Matches(..)))));
        assert!(matches!(reads("^a$"), Ok((false, Operator::Matches(..)))));
        let Ok((_, Operator::Phrases(phrases))) = reads("@pm a B|3d 3D|c") else { panic!("phrases") };
        assert_eq!(phrases, [&b"3d|c"[..], b"a", b"b|3d"], "blanks part phrases, so no hexadecimal with blanks here");
        assert_eq!(phrase("B|3d 3D|c|d"), b"b==c|d");
        let Ok((_, Operator::ByteOutside(bytes))) = reads("@validateByteRange 9, 32-34") else { panic!("bytes") };
        assert_eq!(bytes, Bytes::of(b"\t !\""));
    }

    #[test]
    fn what_is_not_known_is_told() {
        for (text, part) in [
            ("@geo x", "`@geo` is no operator"),
            ("@rx (", "the pattern: "),
            ("@ipMatch 1.2.3", "`1.2.3` is no address"),
            ("@validateByteRange 1-300", "`300` is no byte"),
            ("@pmFromFile x", "these rules have no files"),
        ] {
            let fault = reads(text).expect_err(text).to_string();
            assert!(fault.starts_with("a.conf:3: ") && fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn texts_and_numbers_compare() {
        assert!(Likeness::Within.holds(b"GET", b"GET POST") && !Likeness::Within.holds(b"PUT", b"GET POST"));
        assert!(Likeness::ContainsWord.holds(b"a or b", b"or") && !Likeness::ContainsWord.holds(b"for b", b"or"));
        assert_eq!((number(b" -12x"), number(b"x"), number(b"99999999999999999999")), (-12, 0, i64::MAX));
        assert!(bad_url_encoding(b"a%2") && bad_url_encoding(b"%zz") && !bad_url_encoding(b"%2f"));
    }
}
