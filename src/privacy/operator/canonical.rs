//! One form for all the ways in which a value is written, so that one person has one token.

use std::borrow::Cow;

use super::super::Kind;

/// The canonical form of a decoded value.
#[must_use]
pub fn of<'a>(kind: &Kind, value: &'a [u8]) -> Cow<'a, [u8]> {
    match kind {
        Kind::Email if value.is_ascii() => Cow::Owned(value.to_ascii_lowercase()),
        Kind::Email => Cow::Owned(String::from_utf8_lossy(value).to_lowercase().into_bytes()),
        Kind::Phone => Cow::Owned(telephone(value)),
        Kind::IpAddress => super::address(kind, value)
            .map_or(Cow::Borrowed(value), |address| Cow::Owned(address.to_canonical().to_string().into_bytes())),
        Kind::Person | Kind::Location => Cow::Owned(words(value)),
        // Secrets, and what is written in one way only.
        Kind::Crypto | Kind::Own(_) => Cow::Borrowed(value),
        secret if secret.is_secret() => Cow::Borrowed(value),
        // Numbers, however they are parted.
        _ => Cow::Owned(signs(value)),
    }
}

/// Letters and digits alone, in capitals; stars stay, for what is hidden already.
fn signs(value: &[u8]) -> Vec<u8> {
    let kept = |b: &&u8| b.is_ascii_alphanumeric() || **b >= 0x80 || **b == b'*';
    value.iter().filter(kept).map(u8::to_ascii_uppercase).collect()
}

/// Digits alone; a Korean number with its country code as it is dialled at home, others with a plus where one was written.
fn telephone(value: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
    let foreign = value.iter().find(|b| b.is_ascii_digit() || **b == b'+') == Some(&b'+');
    match (&digits[..], foreign) {
        ([b'8', b'2', b'0', rest @ ..] | [b'8', b'2', rest @ ..], true) => [b"0", rest].concat(),
        (_, true) => [b"+", &digits[..]].concat(),
        _ => digits,
    }
}

/// Words in small letters, a space between each two.
fn words(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value).to_lowercase();
    text.split(|c: char| c.is_whitespace() || c == '+')
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .into_bytes()
}
