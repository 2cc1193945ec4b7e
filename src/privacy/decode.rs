//! What encoded bytes stand for, and where they stand.
//!
//! Detectors read plain text. Percent signs (once or twice over), JSON's `\u` and nginx's `\x`, character references of HTML,
//! full-width forms, dashes and spaces of every kind are read as what they stand for; a map leads every span back to the bytes that
//! were written.
//! Unknown escapes stay as they are: this is for looking, the text itself is never rewritten from it.

use std::{borrow::Cow, ops::Range};

/// Longest form of one character that is understood, in bytes.
pub(super) const LONGEST: usize = 18;

/// Text as detectors read it.
#[derive(Debug, Default)]
pub(super) struct Map(Vec<(usize, usize)>);

impl Map {
    fn at(&self, text: usize) -> usize {
        match self.0.partition_point(|&(t, _)| t <= text).checked_sub(1) {
            Some(i) => self.0[i].1 + text - self.0[i].0,
            None => text,
        }
    }

    /// Where the byte as written at `raw` is read, or the first behind it.
    pub(super) fn forth(&self, raw: usize) -> usize {
        match self.0.partition_point(|&(_, r)| r <= raw).checked_sub(1) {
            // An escape stands for fewer bytes than it has.
            Some(i) => (self.0[i].0 + raw - self.0[i].1).min(self.0.get(i + 1).map_or(usize::MAX, |next| next.0)),
            None => raw,
        }
    }

    /// The bytes as written of a span as read.
    pub(super) fn back(&self, span: &Range<usize>) -> Range<usize> {
        let i = self.0.partition_point(|&(t, _)| t < span.end);
        let end = match self.0.get(i) {
            Some(&(t, raw)) if t == span.end => raw,
            _ => self.at(span.end),
        };
        self.at(span.start)..end
    }
}

fn is_marker(byte: u8) -> bool {
    matches!(byte, b'%' | b'&' | b'\\' | 0xC2 | 0xE2 | 0xE3 | 0xEF)
}

/// Bytes that are looked at together, and how closely a place among them is sought.
const BLOCK: usize = 64;
const PART: usize = 16;

/// The next place at or behind `pos` where something may be encoded.
fn marker(raw: &[u8], pos: usize) -> Option<usize> {
    let pos = pass::<PART>(raw, pass::<BLOCK>(raw, pos));
    raw[pos..].iter().position(|&b| is_marker(b)).map(|n| pos + n)
}

/// Where the first block of `N` bytes begins that may hold a marker, or that is not whole.
fn pass<const N: usize>(raw: &[u8], mut pos: usize) -> usize {
    // No early end within a block, so that it is looked at many bytes at a time.
    let is_clear = |block: &[u8; N]| {
        let ascii = block.iter().fold(0, |all, &b| all | b | if matches!(b, b'%' | b'&' | b'\\') { 0x80 } else { 0 });
        ascii < 0x80 || !block.iter().fold(false, |any, &b| any | is_marker(b))
    };
    while raw[pos..].first_chunk::<N>().is_some_and(is_clear) {
        pos += N;
    }
    pos
}

/// All of `raw` as detectors read it.
pub(super) fn decode(raw: &[u8]) -> (Cow<'_, [u8]>, Map) {
    let mut map = Map::default();
    let mut text = Vec::new();
    let (mut pos, mut copied) = (0, 0);
    while let Some(at) = marker(raw, pos) {
        pos = at + 1;
        let Some((unit, width)) = one(&raw[at..]) else { continue };
        if map.0.is_empty() {
            text.reserve(raw.len());
        }
        text.extend_from_slice(&raw[copied..at]);
        map.0.push((text.len(), at));
        if let Some(unit) = unit {
            push(&mut text, unit);
        }
        pos = at + width;
        copied = pos;
        map.0.push((text.len(), pos));
    }
    if map.0.is_empty() {
        return (Cow::Borrowed(raw), map);
    }
    text.extend_from_slice(&raw[copied..]);
    (Cow::Owned(text), map)
}

/// A decoded unit: a character, or a byte of UTF-8.
#[derive(Clone, Copy)]
enum Unit {
    Byte(u8),
    Char(char),
}

fn push(text: &mut Vec<u8>, unit: Unit) {
    match unit {
        Unit::Byte(byte) => text.push(byte),
        Unit::Char(char) => text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The character that `raw` begins with, where it is encoded, and its width; no character for one that is not seen.
fn one(raw: &[u8]) -> Option<(Option<Unit>, usize)> {
    match raw[0] {
        b'%' if raw.get(1) == Some(&b'u') => escape(raw, 2),
        b'%' => byte(raw).map(|first| character(raw, first)),
        b'\\' => byte(raw).map(|first| character(raw, first)).or_else(|| backslash(raw)),
        b'&' => reference(&raw[1..]).map(|(unit, width)| (unit, width + 1)),
        _ => folded(raw),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, &b| Some(n << 4 | char::from(b).to_digit(16)?))
}

/// `%2D`, `%252D`, and `\x2D` as nginx logs it; its width.
fn byte(raw: &[u8]) -> Option<(u8, usize)> {
    let two = |from: usize| raw.get(from..from + 2).and_then(hex).and_then(|n| u8::try_from(n).ok());
    match raw {
        [b'%', b'2', b'5', ..] => two(3).map_or(Some((b'%', 3)), |byte| Some((byte, 5))),
        [b'%', ..] => two(1).map(|byte| (byte, 3)),
        [b'\\', b'x', ..] => two(2).map(|byte| (byte, 4)),
        _ => None,
    }
}

/// The character that begins with an encoded byte, where the others of its two or three follow in the same way.
fn character(raw: &[u8], (first, width): (u8, usize)) -> (Option<Unit>, usize) {
    let count = match first {
        0xC2 => 2,
        0xE2 | 0xE3 | 0xEF => 3,
        _ => return (Some(Unit::Byte(first)), width),
    };
    let mut bytes = [first, 0, 0];
    let mut end = width;
    for place in &mut bytes[1..count] {
        let Some((next, width)) = raw.get(end..).and_then(byte) else { return (Some(Unit::Byte(first)), width) };
        *place = next;
        end += width;
    }
    match std::str::from_utf8(&bytes[..count]).ok().and_then(|s| s.chars().next()) {
        Some(char) => (fold(char, byte(&raw[end..]).map_or(raw.get(end).copied(), |(next, _)| Some(next))), end),
        None => (Some(Unit::Byte(first)), width),
    }
}

fn backslash(raw: &[u8]) -> Option<(Option<Unit>, usize)> {
    let unit = match *raw.get(1)? {
        b'/' => Unit::Byte(b'/'),
        b'n' | b'r' => Unit::Byte(b'\n'),
        b't' => Unit::Byte(b'\t'),
        b'u' => return escape(raw, 2),
        // JSON within JSON.
        b'\\' if raw.get(2) == Some(&b'u') => return escape(raw, 3),
        _ => return None,
    };
    Some((Some(unit), 2))
}

/// `\u002d`, and `%u002d` as it was once written, whose digits begin at `from`.
fn escape(raw: &[u8], from: usize) -> Option<(Option<Unit>, usize)> {
    let char = char::from_u32(hex(raw.get(from..from + 4)?)?)?;
    Some((fold(char, raw.get(from + 4).copied().map(|b| if b == b'\\' { b'0' } else { b })), from + 4))
}

/// What follows an ampersand.
fn reference(raw: &[u8]) -> Option<(Option<Unit>, usize)> {
    let end = raw.iter().take(LONGEST - 2).position(|&b| b == b';')?;
    let char = match &raw[..end] {
        [b'#', b'x' | b'X', digits @ ..] if !digits.is_empty() => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse::<u32>().ok().and_then(char::from_u32)?,
        // Twice over.
        b"amp" => match raw.get(4) {
            Some(b'#') => return reference(&raw[4..raw.len().min(14)]).map(|(unit, width)| (unit, width + 4)),
            _ => '&',
        },
        b"quot" => '"',
        b"apos" => '\'',
        b"lt" => '<',
        b"gt" => '>',
        b"nbsp" => ' ',
        b"commat" => '@',
        b"period" => '.',
        b"hyphen" | b"dash" | b"ndash" | b"mdash" | b"minus" => '-',
        b"plus" => '+',
        b"colon" => ':',
        b"equals" => '=',
        b"sol" => '/',
        b"lpar" => '(',
        b"rpar" => ')',
        b"lowbar" => '_',
        b"shy" | b"zwnj" | b"zwj" => '\u{AD}',
        _ => return None,
    };
    Some((fold(char, raw.get(end + 1).copied().map(|b| if b == b'&' { b'0' } else { b })), end + 1))
}

/// UTF-8 that stands for something plainer.
fn folded(raw: &[u8]) -> Option<(Option<Unit>, usize)> {
    let width = match raw {
        [0xC2, 0xA0 | 0xAD, ..] => 2,
        // Quotes and the like are most of these: they stay what they are.
        [0xE2, 0x80, 0x80..=0x95 | 0xA2 | 0xAF, ..] | [0xE2, 0x81..=0xB8, ..] | [0xE3, 0x80, 0x80, ..] => 3,
        [0xE3, 0x83, 0xBC, ..] | [0xEF, 0xB9..=0xBD, ..] => 3,
        _ => return None,
    };
    let char = std::str::from_utf8(raw.get(..width)?).ok()?.chars().next()?;
    match fold(char, raw.get(width).copied()) {
        Some(Unit::Char(same)) if same == char => None,
        other => Some((other, width)),
    }
}

/// The plain form of a character before the byte `next`; `None` for one without any shape.
fn fold(char: char, next: Option<u8>) -> Option<Unit> {
    let plain = match char {
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => return None,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{2E3A}' | '\u{2E3B}' | '\u{FE58}' | '\u{FE63}' => '-',
        // A long vowel and a rule, which stand for a dash before a digit only; a full-width digit begins with 0xEF.
        '\u{30FC}' | '\u{2500}' if next.is_some_and(|b| b.is_ascii_digit() || b == 0xEF) => '-',
        // What hides digits.
        '\u{2022}' | '\u{25CF}' => '*',
        // Full-width forms stand as far apart as ASCII does.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(char) - 0xFEE0).unwrap_or(char),
        other => other,
    };
    Some(Unit::Char(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_reads_alike_and_leads_back() {
        for written in [
            "a010%2D1234z",
            "a010%252D1234z",
            "a010\\u002d1234z",
            "a010&#45;1234z",
            "a010&#x2D;1234z",
            "a010&hyphen;1234z",
            "a010\u{2013}1234z",
            "a０１０－１２３４z",
            "a010%E2%80%931234z",
            "a010%25E2%2580%25931234z",
            "a%EF%BC%90%EF%BC%91%EF%BC%90%EF%BC%8D1234z",
            "a010\\x2d1234z",
            "a010\\xE2\\x80\\x931234z",
            "a010\\\\u002d1234z",
            "a010&amp;#45;1234z",
            "a010\u{30FC}1234z",
            "a0\u{200B}10-1234z",
        ] {
            let (text, map) = decode(written.as_bytes());
            assert_eq!(text.as_ref(), b"a010-1234z", "{written}");
            assert_eq!(map.back(&(1..9)), 1..written.len() - 1, "{written}");
        }
    }

    #[test]
    fn what_is_not_encoded_stays() {
        for written in [
            "100%",
            "50%zz",
            "a & b",
            "&unknown;",
            "C:\\data",
            "‘quoted’",
            "가나다",
            "メール",
            "%E",
            "%2",
            "\\x",
            "&amp",
            "\u{E9}",
            "%",
        ] {
            let (text, map) = decode(written.as_bytes());
            assert_eq!(text.as_ref(), written.as_bytes());
            assert_eq!(map.back(&(0..written.len())), 0..written.len());
        }
    }

    #[test]
    fn a_shapeless_character_behind_a_value_is_not_of_it() {
        let written = "ab\u{200B}";
        let (text, map) = decode(written.as_bytes());
        assert_eq!((text.as_ref(), map.back(&(0..2))), (&b"ab"[..], 0..2));
    }
}
