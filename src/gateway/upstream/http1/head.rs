//! Heads: of a request as it is written, of an answer as it is read.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version, header};
use http_body::Body;
use hyper::ext::ReasonPhrase;
use memchr::{memchr, memchr_iter};

use super::error::Error;
use crate::{
    common::http1::{
        Chunks, Outgoing, Pattern, Remaining,
        fields::{self, has_token},
    },
    gateway::{answer::is_framed_once, head::tokens},
};

/// Most bytes of the head of an answer.
pub(super) const HEAD: usize = 1 << 17;
/// Most fields of it.
pub(super) const FIELDS: usize = 100;
/// Fields that most answers have room for.
const USUAL: usize = 12;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    /// `HTTP/1.0` or `HTTP/1.1`.
    pub(super) version: Version,
    /// Its status.
    pub(super) status: StatusCode,
    /// What it says of the status, where that is not what the status always says.
    pub(super) reason: Option<ReasonPhrase>,
    /// Its fields.
    pub(super) headers: HeaderMap,
}

/// An answer, as its head tells it.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it says.
    pub(super) head: Head,
    /// How its body ends.
    pub(super) body: Remaining,
    /// Whether the connection lives on after it.
    pub(super) persists: bool,
}

/// Writes the head of `request` (RFC 9112, section 3), with `more` lines at its end. How long it is, is told by its `body` alone, whatever its fields say.
pub(super) fn write<B>(request: &Request<B>, body: &impl Body, more: &[u8], out: &mut Vec<u8>) -> Outgoing {
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(request.uri().path_and_query().map_or("/", |target| target.as_str()).as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let mut is_told = false;
    for (name, value) in request.headers() {
        if *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING {
            is_told = true;
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    let outgoing = match body.size_hint().exact() {
        Some(0) if !is_told => Outgoing::Bytes(0),
        Some(length) => {
            fields::write_length(length, out);
            Outgoing::Bytes(length)
        }
        None => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            let named = tokens(request.headers(), &header::TRAILER);
            Outgoing::Chunked(named.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect())
        }
    };
    out.extend_from_slice(more);
    out.extend_from_slice(b"\r\n");
    outgoing
}

/// Where the head that `bytes` begin with ends, of which the first `seen` were looked at before. An application may leave out CRs.
fn find_end(bytes: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(2);
    memchr_iter(b'\n', &bytes[from..]).map(|lf| from + lf + 1).find_map(|next| match bytes[next..] {
        [b'\n', ..] => Some(next + 1),
        [b'\r', b'\n', ..] => Some(next + 2),
        _ => None,
    })
}

/// Takes empty lines off, of which some applications send one behind a body. `false` where there is nothing but half of one.
fn skip_empty_lines(read: &mut BytesMut) -> bool {
    loop {
        match &read[..] {
            [b'\n', ..] => read.advance(1),
            [b'\r', b'\n', ..] => read.advance(2),
            rest => return rest != b"\r",
        }
    }
}

/// Takes the head of an answer off what was `read`, of which the first `seen` bytes were looked at before; nothing where it is not whole.
/// The answer to HEAD (`head_only`) has no body, whatever it says.
///
/// # Errors
/// When it is no answer of HTTP/1, too large, or has no sure end.
pub(super) fn read(
    read: &mut BytesMut,
    seen: &mut usize,
    head_only: bool,
    pattern: &mut Pattern,
) -> Result<Option<Answer>, Error> {
    if *seen == 0 {
        if !skip_empty_lines(read) {
            return Ok(None);
        }
        if let Some(head) = Head::again(read, pattern)? {
            return Answer::new(head, head_only).map(Some);
        }
    }
    let Some(end) = find_end(read, *seen) else {
        *seen = read.len();
        return if read.len() > HEAD { Err(Error::HeadTooLarge) } else { Ok(None) };
    };
    *seen = 0;
    let text = read.split_to(end).freeze();
    let mut rest = &text[..];
    let line = fields::next(&mut rest);
    let section = text.slice_ref(rest);
    let head = Head::new(line, fields(&section)?)?;
    if !head.status.is_informational() {
        pattern.learn(&section, &head.headers);
    }
    Answer::new(head, head_only).map(Some)
}

/// What tells where a body ends, and whether another answer comes after it.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    coded: bool,
    close: bool,
    keep: bool,
}

impl Framing {
    fn see(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Error> {
        match *name {
            header::CONTENT_LENGTH => {
                for length in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    let length = parse_length(length).ok_or(Error::Length)?;
                    if self.length.replace(length).is_some_and(|other| other != length) {
                        return Err(Error::Length);
                    }
                }
            }
            header::TRANSFER_ENCODING => self.coded = true,
            header::CONNECTION => {
                self.close |= has_token(value.as_bytes(), b"close");
                self.keep |= has_token(value.as_bytes(), b"keep-alive");
            }
            _ => {}
        }
        Ok(())
    }
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The line that an answer begins with (RFC 9112, section 4): version, status, and what it says of that.
fn read_status(line: &[u8]) -> Option<(Version, StatusCode, &[u8])> {
    let (version, rest) = line.split_at_checked(9)?;
    let version = match version {
        b"HTTP/1.1 " => Version::HTTP_11,
        b"HTTP/1.0 " => Version::HTTP_10,
        _ => return None,
    };
    let (status, rest) = rest.split_at_checked(3)?;
    let status = StatusCode::from_bytes(status).ok()?;
    match rest {
        [] => Some((version, status, rest)),
        [b' ', reason @ ..] => Some((version, status, reason)),
        _ => None,
    }
}

/// The fields of a `section`, line by line.
fn fields(section: &Bytes) -> Result<HeaderMap, Error> {
    let mut rest = &section[..];
    let mut headers = HeaderMap::with_capacity(USUAL);
    loop {
        let line = fields::next(&mut rest);
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = fields::read(section, line).map_err(|_| Error::Field)?;
        if headers.len() == FIELDS {
            return Err(Error::HeadTooLarge);
        }
        headers.append(name, value);
    }
}

impl Head {
    /// What begins with this `line`.
    fn new(line: &[u8], headers: HeaderMap) -> Result<Self, Error> {
        let (version, status, reason) = read_status(line).ok_or(Error::Head)?;
        let reason = match reason {
            [] => None,
            reason if status.canonical_reason().is_some_and(|known| known.as_bytes() == reason) => None,
            reason => Some(ReasonPhrase::try_from(reason).map_err(|_| Error::Head)?),
        };
        Ok(Self { version, status, reason, headers })
    }

    /// Takes one off what was `read` that has the fields of those before.
    fn again(read: &mut BytesMut, pattern: &mut Pattern) -> Result<Option<Self>, Error> {
        let Some(lf) = memchr(b'\n', read) else { return Ok(None) };
        let Some(length) = pattern.compare(&read[lf + 1..]) else { return Ok(None) };
        let text = read.split_to(lf + 1 + length).freeze();
        let headers = pattern.fill(&text.slice(lf + 1..)).map_err(|_| Error::Field)?;
        Self::new(fields::next(&mut &text[..]), headers).map(Some)
    }
}

impl Answer {
    fn new(head: Head, head_only: bool) -> Result<Self, Error> {
        let mut framing = Framing::default();
        for (name, value) in &head.headers {
            framing.see(name, value)?;
        }
        let is_old = head.version == Version::HTTP_10;
        let bodiless = head_only || head.status.is_informational() || matches!(head.status.as_u16(), 204 | 304);
        let body = match framing.length {
            _ if bodiless => Remaining::Over,
            // What is told in two ways, or by another coding, has no sure end (RFC 9112, section 6.3).
            _ if framing.coded && (is_old || !is_framed_once(&head.headers)) => return Err(Error::Length),
            _ if framing.coded => Remaining::chunked(Chunks::padded()),
            Some(0) => Remaining::Over,
            Some(length) => Remaining::Bytes(length),
            None => Remaining::ToTheEnd,
        };
        let persists = (!is_old || framing.keep) && !framing.close && !matches!(body, Remaining::ToTheEnd);
        Ok(Self { head, body, persists })
    }
}
