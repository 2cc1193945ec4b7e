//! The strict reading of HTTP/1.1 frames (RFC 9112), before hyper sees a byte.
//!
//! Two readers that disagree about where a request ends are the root of request smuggling, so everything that RFC 9112
//! lets a server be lenient about is an error here: bare LF, obsolete folding, white space before a colon, a
//! `Transfer-Encoding` other than `chunked`, both lengths at once, a missing or second `Host`. Pure: bytes in, verdict out.

use memchr::memchr;

use crate::{
    common::{authority::Authority, http1::is_token},
    gateway::{
        refusal::Kind,
        settings::{Ambiguous, HeadRules},
    },
};

/// How the body behind a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// After this many bytes.
    Bytes(u64),
    /// After the last chunk and its trailers.
    Chunked,
}

/// A head that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// How its body ends.
    pub length: Length,
    /// Whether it asks to leave HTTP (`Upgrade`).
    pub upgrade: bool,
}

/// Looks for the end of a head in `bytes`, of which the first `seen` were looked at before.
///
/// # Errors
/// At a line that ends without CR, at a head beyond the limits.
pub fn find_end(bytes: &[u8], seen: usize, rules: &HeadRules) -> Result<Option<usize>, Kind> {
    let mut at = seen;
    while let Some(offset) = memchr(b'\n', &bytes[at..]) {
        let lf = at + offset;
        if lf == 0 || bytes[lf - 1] != b'\r' {
            return Err(Kind::Framing("a line ends without CR"));
        }
        if lf == 1 {
            return Err(Kind::Framing("an empty line before the request"));
        }
        if bytes[lf - 2] == b'\n' {
            return within(lf + 1, rules).map(|()| Some(lf + 1));
        }
        at = lf + 1;
    }
    // Without a single line end, what grows is the request target.
    if at == 0 && bytes.len() > rules.uri_bytes + 64 {
        return Err(Kind::UriTooLong);
    }
    within(bytes.len(), rules).map(|()| None)
}

fn within(bytes: usize, rules: &HeadRules) -> Result<(), Kind> {
    if bytes > rules.header_bytes { Err(Kind::HeadersTooLarge) } else { Ok(()) }
}

/// Checks a whole head, its empty line included.
///
/// # Errors
/// At the first thing that is not exactly as it must be.
pub fn check(head: &[u8], rules: &HeadRules) -> Result<Passed, Kind> {
    no_control_bytes(head)?;
    let end = line_end(head);
    let request = RequestLine::parse(&head[..end - 2], rules)?;
    let mut fields = Fields::default();
    let mut rest = &head[end..];
    let mut count = 0;
    while rest.len() > 2 {
        let end = line_end(rest);
        count += 1;
        if count > rules.header_count {
            return Err(Kind::HeadersTooLarge);
        }
        fields.line(&rest[..end - 2], rules)?;
        rest = &rest[end..];
    }
    fields.finish(&request)
}

/// Bytes that no reader should be asked to interpret: controls other than HTAB, and CR but before LF.
fn no_control_bytes(head: &[u8]) -> Result<(), Kind> {
    // No early exits and no sum wider than a byte: the loops vectorise, and heads are good nearly always.
    let is_odd = |b: u8| b == 0x7f || (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r'));
    if head.iter().fold(0, |odd, &b| odd | u8::from(is_odd(b))) != 0 {
        return Err(Kind::Framing("a control byte in the head"));
    }
    let few = |bytes: &[u8], byte: u8| bytes.iter().fold(0_u8, |sum, &b| sum.wrapping_add(u8::from(b == byte)));
    let count = |byte: u8| head.chunks(255).map(|bytes| usize::from(few(bytes, byte))).sum::<usize>();
    // `find_end` has seen a CR before every LF, so one more CR than LF stands alone.
    if count(b'\r') != count(b'\n') {
        return Err(Kind::Framing("a CR without LF"));
    }
    Ok(())
}

/// Index after the LF of the first line. The caller knows that there is one.
fn line_end(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |lf| lf + 1)
}

struct RequestLine<'a> {
    target: &'a [u8],
    http_1_0: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8], rules: &HeadRules) -> Result<Self, Kind> {
        let mut parts = line.splitn(3, |&b| b == b' ');
        let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Kind::Framing("the request line has not three parts"));
        };
        if method.is_empty() || !method.iter().all(|&b| is_token(b)) {
            return Err(Kind::Framing("the method is not a token"));
        }
        if target.is_empty() || target.iter().any(|&b| matches!(b, b'#' | b'\t' | b'"' | b'<' | b'>')) {
            return Err(Kind::Framing("the request target holds a byte that it must not"));
        }
        if std::str::from_utf8(target).is_err() {
            return Err(Kind::Framing("the request target is not UTF-8"));
        }
        if target.len() > rules.uri_bytes {
            return Err(Kind::UriTooLong);
        }
        let http_1_0 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Kind::Framing("the version is neither HTTP/1.1 nor HTTP/1.0")),
        };
        Ok(Self { target, http_1_0 })
    }

    /// The authority of an absolute-form target; `Err` where the form is neither origin, absolute nor asterisk.
    fn authority(&self) -> Result<Option<&'a [u8]>, Kind> {
        if self.target.starts_with(b"/") || self.target == b"*" {
            return Ok(None);
        }
        let lower = self.target.get(..8).map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
        let rest = if lower == b"https://" {
            &self.target[8..]
        } else if lower.starts_with(b"http://") {
            &self.target[7..]
        } else {
            return Err(Kind::Framing("the request target is in no form that is served"));
        };
        let end = rest.iter().position(|&b| b == b'/' || b == b'?').unwrap_or(rest.len());
        Ok(Some(&rest[..end]))
    }
}

#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

impl<'a> Fields<'a> {
    fn line(&mut self, line: &'a [u8], rules: &HeadRules) -> Result<(), Kind> {
        let Some(colon) = memchr(b':', line) else {
            return Err(Kind::Framing("a header line without a colon"));
        };
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        check_name(name, rules)?;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") && self.host.replace(value).is_some() => {
                return Err(Kind::Host("more than one Host"));
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
            14 if name.eq_ignore_ascii_case(b"content-length") && self.length.replace(number(value)?).is_some() => {
                return Err(Kind::Framing("more than one Content-Length"));
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                // Blanks that everybody may ignore, and some do not, are how requests are smuggled.
                if self.chunked || !matches!(&line[colon + 1..], b" chunked" | b"chunked") {
                    return Err(Kind::Framing("a Transfer-Encoding other than chunked"));
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, request: &RequestLine<'_>) -> Result<Passed, Kind> {
        let host = self.host.ok_or(Kind::Host("no Host"))?;
        let host = std::str::from_utf8(host).ok().filter(|text| Authority::parse(text).is_some());
        let Some(host) = host else {
            return Err(Kind::Host("the Host is not a host and a port"));
        };
        if let Some(authority) = request.authority()?
            && !authority.eq_ignore_ascii_case(host.as_bytes())
        {
            return Err(Kind::Host("the request target names another host than Host"));
        }
        let length = match (self.length, self.chunked) {
            (Some(_), true) => return Err(Kind::Framing("both Content-Length and Transfer-Encoding")),
            (None, true) if request.http_1_0 => return Err(Kind::Framing("Transfer-Encoding in HTTP/1.0")),
            (None, true) => Length::Chunked,
            (length, false) => Length::Bytes(length.unwrap_or(0)),
        };
        Ok(Passed { length, upgrade: self.upgrade && !request.http_1_0 })
    }
}

fn check_name(name: &[u8], rules: &HeadRules) -> Result<(), Kind> {
    if name.is_empty() || !name.iter().all(|&b| is_token(b)) {
        return Err(Kind::Framing("a header name is not a token"));
    }
    if rules.underscores == Ambiguous::Refuse && memchr(b'_', name).is_some() {
        return Err(Kind::Framing("a header name with an underscore"));
    }
    Ok(())
}

/// A `Content-Length`: digits only, at most 19 of them, so that it fits whatever type a reader takes.
fn number(value: &[u8]) -> Result<u64, Kind> {
    let bad = Kind::Framing("a Content-Length that is not a plain number");
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(bad);
    }
    Ok(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// Without optional white space (SP and HTAB) at either end.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests;
