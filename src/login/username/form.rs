//! Forms: `application/x-www-form-urlencoded`. `multipart/form-data` is not read: its readers differ about line ends, quotes and boundaries.

use std::borrow::Cow;

use super::{
    unreadable::Unreadable,
    wanted::{Found, Wanted},
};

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
