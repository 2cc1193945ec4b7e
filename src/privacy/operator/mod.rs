//! What is written in a value's place.
//!
//! | operator | writes | for |
//! |---|---|---|
//! | `token` | `<EMAIL_ADDRESS:q7m3f2kdx4hw9abc>`, a keyed pseudonym of the canonical value | logs: equal people stay equal |
//! | `mask` | `010-****-5678` | people who must recognise a value, not know it |
//! | `redact` | `<EMAIL_ADDRESS>` | where nothing may be told |
//! | `drop` | nothing | where nothing may be seen |
//! | `encrypt` | `<EMAIL_ADDRESS#2026-11:…>`, opened by `privet reveal` | where somebody may have to know |
//! | `truncate` | `203.0.113.0`, `2001:db8:1::` | addresses: /24 and /48 |
//! | `preserve` | another address, of the same network where the networks are the same | addresses in statistics |
//!
//! `truncate` and `preserve` are for addresses; any other type is written as a token under them.

mod canonical;
mod mask;

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub use self::canonical::of as canonical;
use super::{Kind, keys::Keys, settings::Operator};

/// Signs of a token: Crockford's base 32 in small letters, none of which is taken for another.
const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Appends what `operator` writes for `value`, as it reads decoded.
pub(super) fn write(operator: Operator, keys: &Keys, kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
    match (operator, address(kind, value)) {
        (Operator::Drop, _) => {}
        (Operator::Redact, _) => redact(kind, out),
        (Operator::Mask, _) => mask::write(kind, value, out),
        (Operator::Encrypt, _) => encrypt(keys, kind, value, out),
        (Operator::Truncate, Some(address)) => out.extend_from_slice(truncate(address).to_string().as_bytes()),
        (Operator::Preserve, Some(address)) => out.extend_from_slice(keys.preserve(address).to_string().as_bytes()),
        (Operator::Token | Operator::Truncate | Operator::Preserve, _) => token(keys, kind, value, out),
    }
}

/// Appends the mark of a value of which nothing is told.
pub(super) fn redact(kind: &Kind, out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend_from_slice(kind.name().as_bytes());
    out.push(b'>');
}

fn token(keys: &Keys, kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
    let tag = keys.tag(kind.name(), &canonical::of(kind, value));
    out.push(b'<');
    out.extend_from_slice(kind.name().as_bytes());
    out.push(b':');
    for five in tag.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        out.extend((0..8).rev().map(|i| SIGNS[usize::try_from(bits >> (5 * i) & 31).unwrap_or(0)]));
    }
    out.push(b'>');
}

fn encrypt(keys: &Keys, kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
    // Where the library fails, nothing of the value is told.
    let Some(sealed) = keys.seal(kind.name(), value) else { return redact(kind, out) };
    let text = format!("<{}#{}:{}>", kind.name(), keys.epoch(), URL_SAFE_NO_PAD.encode(sealed));
    out.extend_from_slice(text.as_bytes());
}

/// Opens a mark that `encrypt` wrote, without its angle brackets: the value; nothing where it is none, or its epoch's key is not there.
pub(super) fn open(ring: &super::keys::Ring, mark: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(mark).ok()?;
    let (kind, rest) = text.split_once('#')?;
    let (epoch, sealed) = rest.split_once(':')?;
    ring.find(epoch)?.open(kind, &URL_SAFE_NO_PAD.decode(sealed).ok()?)
}

fn address(kind: &Kind, value: &[u8]) -> Option<IpAddr> {
    if *kind != Kind::IpAddress {
        return None;
    }
    std::str::from_utf8(value).ok()?.trim_matches(['[', ']']).parse().ok()
}

/// An address without what tells one household from another: /24, and /48 of IPv6.
fn truncate(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}

/// Whether the span lies within a mark that an operator wrote for a type that is `known`, or is one as a whole: such is no value.
pub(super) fn is_mark(text: &[u8], start: usize, end: usize, known: impl Fn(&[u8]) -> bool) -> bool {
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'#' | b'-');
    let from = if text.get(start) == Some(&b'<') {
        start
    } else {
        let back = text[..start].iter().rev().take(LONGEST_MARK).take_while(|b| inner(b)).count();
        match (start - back).checked_sub(1) {
            Some(open) if text[open] == b'<' => open,
            _ => return false,
        }
    };
    let rest = &text[from + 1..];
    let mark = &rest[..rest.iter().take(LONGEST_MARK).take_while(|b| inner(b)).count()];
    let name = mark.iter().position(|b| matches!(b, b':' | b'#')).unwrap_or(mark.len());
    rest.get(mark.len()) == Some(&b'>')
        && end <= from + 2 + mark.len()
        && is_tail(&mark[name..])
        && known(&mark[..name])
}

/// Whether it is the name of a built-in type.
pub(super) fn is_built_in(name: &[u8]) -> bool {
    Kind::ALL.iter().any(|kind| kind.name().as_bytes() == name)
}

/// What follows a type's name in a mark: nothing, sixteen signs, or an epoch and what is sealed.
fn is_tail(tail: &[u8]) -> bool {
    match tail {
        [] => true,
        [b':', token @ ..] => token.len() == 16 && token.iter().all(|b| SIGNS.contains(b)),
        [_, rest @ ..] => rest.split(|b| *b == b':').nth(1).is_some_and(|sealed| sealed.len() >= 38),
    }
}

/// Longest mark that is known again, in bytes; an encrypted value makes the longest.
const LONGEST_MARK: usize = 220;

#[cfg(test)]
mod tests;
