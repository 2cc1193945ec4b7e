//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data`.

use std::{borrow::Cow, convert::Infallible};

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::header;

use super::{
    unreadable::Unreadable,
    wanted::{Found, Wanted, is_utf8},
};

/// Most parts of a multipart form.
const PARTS: usize = 1000;

/// Adds what `form` says.
pub(super) fn urlencoded(form: &[u8], wanted: Wanted<'_>, found: &mut Found) -> Result<(), Unreadable> {
    if !memchr::memchr_iter(b'%', form).all(|at| form.get(at + 1..at + 3).is_some_and(is_hex)) {
        return Err(Unreadable::Malformed);
    }
    for pair in form.split(|b| *b == b'&') {
        let (name, value) = split(pair);
        if wanted.is_field(&decoded(name)) {
            found.add(decoded(value));
        }
        // Older readers part fields at `;` as well.
        let mut parts = pair.split(|b| *b == b';');
        let first = parts.next().unwrap_or_default();
        let hidden = parts.any(|part| wanted.is_field(&decoded(split(part).0)));
        let cut = first.len() < pair.len() && wanted.is_field(&decoded(split(first).0));
        found.odd |= hidden || cut;
    }
    Ok(())
}

fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    memchr::memchr(b'=', pair).map_or((pair, b""), |at| (&pair[..at], &pair[at + 1..]))
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// What a name or a value stands for.
pub(super) fn decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let digit = |at: usize| raw.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let (mut out, mut at) = (Vec::with_capacity(raw.len()), 0);
    while let Some(&byte) = raw.get(at) {
        let (byte, width) = match (byte, digit(at + 1), digit(at + 2)) {
            (b'+', ..) => (b' ', 1),
            (b'%', Some(high), Some(low)) => (high << 4 | low, 3),
            (other, ..) => (other, 1),
        };
        out.push(byte);
        at += width;
    }
    Cow::Owned(out)
}

/// Adds what a multipart form says.
pub(super) fn multipart(kind: &str, body: &[u8], wanted: Wanted<'_>, found: &mut Found) -> Result<(), Unreadable> {
    if kind.to_ascii_lowercase().matches("boundary").count() != 1 {
        return Err(Unreadable::Ambiguous);
    }
    let boundary = multer::parse_boundary(kind).map_err(|_| Unreadable::Malformed)?;
    let whole = stream::iter([Ok::<_, Infallible>(Bytes::copy_from_slice(body))]);
    let mut form = multer::Multipart::new(whole, boundary);
    for _ in 0..PARTS {
        // The body is all there, so nothing waits.
        let part = form.next_field().now_or_never().ok_or(Unreadable::Malformed)?;
        let Some(part) = part.map_err(|_| Unreadable::Malformed)? else { return Ok(()) };
        plain_head(part.headers())?;
        let matches = part.name().is_none_or(|name| wanted.is_field(name.as_bytes()));
        let value = part.bytes().now_or_never().ok_or(Unreadable::Malformed)?.map_err(|_| Unreadable::Malformed)?;
        if matches {
            found.add(&*value);
        }
    }
    Err(Unreadable::TooLarge)
}

/// A part's head must be one that all readers take alike: one disposition with one name, no escapes, no coding.
fn plain_head(headers: &http::HeaderMap) -> Result<(), Unreadable> {
    let mut dispositions = headers.get_all(header::CONTENT_DISPOSITION).iter();
    let (Some(one), None) = (dispositions.next(), dispositions.next()) else { return Err(Unreadable::Ambiguous) };
    let text = one.as_bytes().to_ascii_lowercase();
    let count = |word: &[u8]| memchr::memmem::find_iter(&text, word).count();
    let (names, files) = (count(b"name"), count(b"filename"));
    let coded = headers.keys().any(|name| name.as_str().eq_ignore_ascii_case("content-transfer-encoding"));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if coded || !is_utf8(kind) {
        return Err(Unreadable::Charset);
    }
    if files == 0 && (names != 1 || text.contains(&b'\\') || text.contains(&b'*')) {
        return Err(Unreadable::Ambiguous);
    }
    // A file's name is free text, so its head says at most what it says about itself.
    if files > 0 && (names - files != 1 || text.contains(&b'\\')) {
        return Err(Unreadable::Ambiguous);
    }
    Ok(())
}
