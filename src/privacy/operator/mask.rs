//! Masks: what people need to recognise a value stays, and no more. Separators stay where they are, so that a mask looks like what
//! it hides. A mask of a mask is the same mask.

use std::borrow::Cow;

use super::super::Kind;

/// Appends the mask of a decoded value.
pub(super) fn write(kind: &Kind, value: &[u8], out: &mut Vec<u8>) {
    match kind {
        Kind::Email => email(value, out),
        Kind::Phone => telephone(value, out),
        Kind::CreditCard | Kind::KrBankAccount | Kind::Iban => last(value, 4, out),
        Kind::KrRrn | Kind::KrFrn => first(value, 6, out),
        Kind::DateOfBirth => first(value, 4, out),
        Kind::IpAddress => address(value, out),
        Kind::Person => person(value, out),
        Kind::Location => location(value, out),
        secret if secret.is_secret() => out.extend_from_slice(b"********"),
        // Of an operator's own type nothing is known but that it is to be hidden.
        Kind::Own(_) => first(value, 0, out),
        // Half of what is written, at most four signs of it.
        _ => last(value, (count(value) / 3).min(4), out),
    }
}

/// `k***@example.com`
fn email(value: &[u8], out: &mut Vec<u8>) {
    let at = memchr::memrchr(b'@', value).unwrap_or(value.len());
    // No character is longer than four bytes.
    if let Some(first) = text(&value[..at.min(4)]).chars().next() {
        push(first, out);
    }
    out.extend_from_slice(b"***");
    out.extend_from_slice(&value[at..]);
}

/// What the value says; what is no UTF-8 becomes U+FFFD.
fn text(value: &[u8]) -> Cow<'_, str> {
    // Nearly every value is UTF-8, which is told faster so than where broken parts are looked for.
    std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

/// The same as [`is_sign`] for ASCII.
fn is_byte(byte: u8) -> bool {
    const SIGNS: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 0x80 {
            table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'*';
            byte += 1;
        }
        table
    };
    SIGNS[usize::from(byte)]
}

fn is_sign(char: char) -> bool {
    // Hangul is not looked up.
    ('가'..='힣').contains(&char) || char.is_alphanumeric() || char == '*'
}

fn count(value: &[u8]) -> usize {
    if value.is_ascii() {
        return value.iter().filter(|b| is_byte(**b)).count();
    }
    text(value).chars().filter(|c| is_sign(*c)).count()
}

/// Letters and digits become stars, but those whose place among them `stays`.
fn stars(value: &[u8], stays: impl Fn(usize) -> bool, out: &mut Vec<u8>) {
    let mut place = 0;
    if value.is_ascii() {
        let start = out.len();
        out.extend_from_slice(value);
        for byte in out[start..].iter_mut().filter(|b| is_byte(**b)) {
            if !stays(place) {
                *byte = b'*';
            }
            place += 1;
        }
        return;
    }
    for char in text(value).chars() {
        let hidden = is_sign(char) && {
            place += 1;
            !stays(place - 1)
        };
        push(if hidden { '*' } else { char }, out);
    }
}

fn push(char: char, out: &mut Vec<u8>) {
    match u8::try_from(char) {
        Ok(byte @ 0..0x80) => out.push(byte),
        _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn first(value: &[u8], keep: usize, out: &mut Vec<u8>) {
    stars(value, |place| place < keep, out);
}

fn last(value: &[u8], keep: usize, out: &mut Vec<u8>) {
    let all = count(value);
    stars(value, |place| place + keep >= all, out);
}

/// The first group, where it is an area or a network, and the last four.
fn telephone(value: &[u8], out: &mut Vec<u8>) {
    let all = count(value);
    let lead = if value.is_ascii() {
        value.iter().skip_while(|b| !is_byte(**b)).take_while(|b| is_byte(**b)).count()
    } else {
        text(value).chars().skip_while(|c| !is_sign(*c)).take_while(|c| is_sign(*c)).count()
    };
    let head = if lead <= 4 && lead + 7 <= all { lead } else { all.saturating_sub(8).min(3) };
    stars(value, |place| place < head || place + 4 >= all && all > 6, out);
}

/// `203.0.113.*`, `2001:db8:1:*`.
fn address(value: &[u8], out: &mut Vec<u8>) {
    match super::address(&Kind::IpAddress, value).map(|address| super::truncate(address).to_string()) {
        Some(network) if network.contains(':') => {
            out.extend_from_slice(network.trim_end_matches(':').as_bytes());
            out.extend_from_slice(b":*");
        }
        Some(network) => {
            out.extend_from_slice(network.trim_end_matches('0').as_bytes());
            out.push(b'*');
        }
        None => out.extend_from_slice(b"*"),
    }
}

/// `김**`, `J*** S****`.
fn person(value: &[u8], out: &mut Vec<u8>) {
    let mut begins = true;
    for char in text(value).chars() {
        let sign = is_sign(char);
        push(if sign && !begins { '*' } else { char }, out);
        begins = !sign;
    }
}

/// The first two words of a Korean address, which name province and city or district; what follows the first comma of another.
fn location(value: &[u8], out: &mut Vec<u8>) {
    if let Some(words) = two_words(value) {
        out.extend_from_slice(words);
        return out.extend_from_slice(b" ***");
    }
    let text = text(value);
    if text.chars().next().is_some_and(|c| ('가'..='힣').contains(&c)) {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        out.extend_from_slice(first.as_bytes());
        let second = words.next();
        if let Some(second) = second {
            out.push(b' ');
            out.extend_from_slice(second.as_bytes());
        }
        if second.is_none() || words.next().is_some() {
            out.extend_from_slice(b" ***");
        }
        return;
    }
    out.extend_from_slice(b"***");
    if let Some((_, rest)) = text.split_once(',')
        && !rest.contains(|c: char| c.is_ascii_digit())
    {
        out.push(b',');
        out.extend_from_slice(rest.as_bytes());
    }
}

/// The first two words of an address whose first three are parted by single spaces and begin with Hangul, as most do: the rest need not be
/// read.
fn two_words(value: &[u8]) -> Option<&[u8]> {
    let mut spaces = memchr::memchr_iter(b' ', value);
    let (first, second) = (spaces.next()?, spaces.next()?);
    let words = &value[..second];
    // First bytes of Hangul, whose other bytes are of no space either.
    let is_hangul = |b: Option<&u8>| matches!(b, Some(0xEA..=0xED));
    let known = |b: &u8| matches!(b, b' '..=b'~' | 0x80..=0xBF | 0xEA..=0xED);
    let begin = [value.first(), value.get(first + 1), value.get(second + 1)];
    (begin.into_iter().all(is_hangul) && words.iter().all(known) && std::str::from_utf8(words).is_ok()).then_some(words)
}
