//! The strict reading of the heads of HTTP/1.1 (RFC 9112).
//!
//! Two readers that disagree about where a request ends are the root of request smuggling, so everything that RFC 9112
//! lets a server be lenient about is an error here: bare LF, obsolete folding, white space before a colon, a
//! `Transfer-Encoding` other than `chunked`, both lengths at once. Pure: bytes in, verdict out. `Host` is judged with the gateway's other
//! rules, which hold for HTTP/2 as well.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header, request::Parts};
use memchr::memchr;

use crate::{
    common::http1::{
        Pattern,
        fields::{self, Bad, has_token},
    },
    gateway::{
        refusal::Kind,
        settings::{Ambiguous, HeadRules},
    },
};

/// Fields that most requests have room for, and those that we add.
const USUAL: usize = 12;

/// How the body behind a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// After this many bytes.
    Bytes(u64),
    /// After the last chunk and its trailers.
    Chunked,
}

/// What the answer to a request must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is something that the client has said")]
pub struct Form {
    /// The client speaks HTTP/1.0.
    pub http_1_0: bool,
    /// It wants no body (HEAD).
    pub head_only: bool,
    /// It will use the connection again.
    pub persists: bool,
    /// It reads trailers.
    pub trailers: bool,
}

/// A head that passed.
#[derive(Debug)]
pub struct Passed {
    /// What it says.
    pub parts: Box<Parts>,
    /// How its body ends.
    pub length: Length,
    /// Whether the client waits to be told that it may send that.
    pub expects: bool,
    /// What its answer must keep to.
    pub form: Form,
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

/// Reads a whole head, its empty line included. `pattern` is what came before it on its connection, by the same rules.
///
/// # Errors
/// At the first thing that is not exactly as it must be.
pub fn read(head: &Bytes, rules: &HeadRules, pattern: &mut Pattern) -> Result<Passed, Kind> {
    let mut rest = &head[..];
    let line = RequestLine::parse(fields::next(&mut rest), rules)?;
    let section = head.slice_ref(rest);
    // How a coding is written is looked at where it is read.
    let is_known = pattern.compare(&section) == Some(section.len()) && !pattern.has_changed(&header::TRANSFER_ENCODING);
    let fields = if is_known {
        Fields::again(pattern.fill(&section).map_err(kind)?)?
    } else {
        let fields = Fields::read(&section, rules)?;
        pattern.learn(&section, &fields.headers);
        fields
    };
    fields.finish(&line, head)
}

fn kind(bad: Bad) -> Kind {
    Kind::Framing(match bad {
        Bad::Colon => "a header line without a colon",
        Bad::Name => "a header name is not a token",
        Bad::Value => "a control byte in the head",
    })
}

/// Whether a request's target has bytes that may stand there.
///
/// # Errors
/// When it is empty, or has not.
pub fn check_target(target: &[u8]) -> Result<(), Kind> {
    let is_odd = |b: &u8| *b < 0x20 || matches!(b, b'#' | b'"' | b'<' | b'>' | 0x7f);
    if target.is_empty() || target.iter().any(is_odd) {
        return Err(Kind::Framing("the request target holds a byte that it must not"));
    }
    if std::str::from_utf8(target).is_err() {
        return Err(Kind::Framing("the request target is not UTF-8"));
    }
    Ok(())
}

struct RequestLine<'a> {
    method: Method,
    target: &'a [u8],
    http_1_0: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8], rules: &HeadRules) -> Result<Self, Kind> {
        let mut parts = line.splitn(3, |&b| b == b' ');
        let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Kind::Framing("the request line has not three parts"));
        };
        let method = Method::from_bytes(method).map_err(|_| Kind::Framing("the method is not a token"))?;
        check_target(target)?;
        if target.len() > rules.uri_bytes {
            return Err(Kind::UriTooLong);
        }
        let http_1_0 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Kind::Framing("the version is neither HTTP/1.1 nor HTTP/1.0")),
        };
        Ok(Self { method, target, http_1_0 })
    }

    /// The target in origin, absolute or asterisk form.
    fn uri(&self, head: &Bytes) -> Result<Uri, Kind> {
        let starts = |with: &[u8]| self.target.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        if !starts(b"/") && self.target != b"*" && !starts(b"http://") && !starts(b"https://") {
            return Err(Kind::Framing("the request target is in no form that is served"));
        }
        Uri::from_maybe_shared(head.slice_ref(self.target))
            .map_err(|_| Kind::Framing("the request target holds a byte that it must not"))
    }
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is something that was said")]
struct Fields {
    headers: HeaderMap,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects: bool,
    trailers: bool,
}

impl Fields {
    /// Line by line. All lines end with CR and LF, the empty one too: `find_end` has seen to that.
    fn read(section: &Bytes, rules: &HeadRules) -> Result<Self, Kind> {
        let mut fields = Self { headers: HeaderMap::with_capacity(USUAL), ..Self::default() };
        let mut rest = &section[..];
        let mut count = 0;
        while rest.len() > 2 {
            count += 1;
            if count > rules.header_count {
                return Err(Kind::HeadersTooLarge);
            }
            let line = fields::next(&mut rest);
            let (name, value) = fields::read(section, line).map_err(kind)?;
            if rules.underscores == Ambiguous::Refuse && memchr(b'_', name.as_str().as_bytes()).is_some() {
                return Err(Kind::Framing("a header name with an underscore"));
            }
            // Blanks that everybody may ignore, and some do not, are how requests are smuggled.
            if name == header::TRANSFER_ENCODING
                && !matches!(&line[name.as_str().len() + 1..], b" chunked" | b"chunked")
            {
                return Err(Kind::Framing("a Transfer-Encoding other than chunked"));
            }
            fields.see(&name, &value)?;
            fields.headers.append(name, value);
        }
        Ok(fields)
    }

    /// Fields that passed before, some with other values.
    fn again(headers: HeaderMap) -> Result<Self, Kind> {
        let mut fields = Self::default();
        for (name, value) in &headers {
            fields.see(name, value)?;
        }
        fields.headers = headers;
        Ok(fields)
    }

    /// What is said of the frame and the connection.
    fn see(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Kind> {
        let value = value.as_bytes();
        match *name {
            header::CONTENT_LENGTH if self.length.replace(number(value)?).is_some() => {
                return Err(Kind::Framing("more than one Content-Length"));
            }
            header::TRANSFER_ENCODING if std::mem::replace(&mut self.chunked, true) => {
                return Err(Kind::Framing("a Transfer-Encoding other than chunked"));
            }
            header::CONNECTION => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
            }
            header::EXPECT => self.expects |= value.eq_ignore_ascii_case(b"100-continue"),
            header::TE => self.trailers |= has_token(value, b"trailers"),
            _ => {}
        }
        Ok(())
    }

    fn finish(self, line: &RequestLine<'_>, head: &Bytes) -> Result<Passed, Kind> {
        let length = match (self.length, self.chunked) {
            (Some(_), true) => return Err(Kind::Framing("both Content-Length and Transfer-Encoding")),
            (None, true) if line.http_1_0 => return Err(Kind::Framing("Transfer-Encoding in HTTP/1.0")),
            (None, true) => Length::Chunked,
            (length, false) => Length::Bytes(length.unwrap_or(0)),
        };
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = line.uri(head)?;
        parts.method = line.method.clone();
        parts.version = if line.http_1_0 { Version::HTTP_10 } else { Version::HTTP_11 };
        parts.headers = self.headers;
        Ok(Passed {
            form: Form {
                http_1_0: line.http_1_0,
                head_only: parts.method == Method::HEAD,
                persists: !self.close && (self.keep_alive || !line.http_1_0),
                trailers: self.trailers && !line.http_1_0,
            },
            parts: Box::new(parts),
            expects: self.expects && !line.http_1_0 && length != Length::Bytes(0),
            length,
        })
    }
}

/// A `Content-Length`: digits only, at most 18 of them, so that it fits whatever type a reader takes.
///
/// # Errors
/// When it is anything else.
pub fn number(value: &[u8]) -> Result<u64, Kind> {
    let bad = Kind::Framing("a Content-Length that is not a plain number");
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(bad);
    }
    Ok(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
