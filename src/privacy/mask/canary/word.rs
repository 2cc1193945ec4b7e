//! Words of a text, of a link or of a script.

use std::fmt::Write as _;

use super::invent::{self, Draw};
use crate::privacy::mask::settings::is_uuid;

/// Longest text that may be no prose, in bytes.
pub(super) const LONGEST: usize = 64;
/// Words of scripts that are nobody's.
const SCRIPT: [&str; 10] =
    ["true", "false", "null", "undefined", "this", "return", "void", "event", "javascript", "function"];

/// Whether a word is one that scripts are written in.
pub(super) fn is_of_scripts(word: &str) -> bool {
    SCRIPT.contains(&word)
}

/// What of a text may be one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    Other,
}

fn class(c: char) -> Option<Class> {
    match c {
        '0'..='9' => Some(Class::Digit),
        'a'..='z' | 'A'..='Z' => Some(Class::Letter),
        c => c.is_alphanumeric().then_some(Class::Other),
    }
}

/// Where `part` stands in `text` and neither a number nor a word goes on beyond it.
pub(super) fn alone<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + use<'a> {
    let goes_on = |a: Option<char>, b: Option<char>| {
        let [a, b] = [a, b].map(|c| c.and_then(class));
        a.is_some() && a == b
    };
    text.match_indices(part).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&text[..*at], &text[at + part.len()..]);
        !part.is_empty()
            && !goes_on(before.chars().next_back(), part.chars().next())
            && !goes_on(part.chars().next_back(), after.chars().next())
    })
}

/// How many bytes the word takes that `text` begins with: letters and digits of ASCII with escapes of URLs, or others; 0 for none.
pub(super) fn width(text: &str) -> usize {
    let is_escape = |at: usize| {
        text.as_bytes()
            .get(at..at + 3)
            .is_some_and(|escape| escape[0] == b'%' && escape[1..].iter().all(u8::is_ascii_hexdigit))
    };
    let is_ascii = text.starts_with(|c: char| c.is_ascii());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if is_ascii && is_escape(at) {
            at += 3;
        } else if c.is_ascii() == is_ascii && c.is_alphanumeric() {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    at
}

/// All words of a text.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.char_indices().find(|(at, _)| width(&rest[*at..]) > 0)?.0;
        let end = start + width(&rest[start..]);
        let token = &rest[start..end];
        rest = &rest[end..];
        Some(token)
    })
}

/// A word of the same form, of which no letter and no digit is left; nothing where that can't be made.
pub(super) fn another(draw: &mut Draw, token: &str) -> String {
    if is_uuid(token.as_bytes()) {
        return invent::uuid(draw);
    }
    if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.starts_with('0') {
        return invent::number(draw, token);
    }
    invent::word(draw, if token.contains('%') { "" } else { token })
}

/// A text as it stands in a URL.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_stands_alone() {
        let words = |text| tokens(text).collect::<Vec<_>>();
        assert_eq!(
            words("/customers/1234/edit?a=%EA%B0%80b&%zz"),
            ["customers", "1234", "edit", "a", "%EA%B0%80b", "zz"]
        );
        assert_eq!(words("37세, 12,300원"), ["37", "세", "12", "300", "원"]);
        assert_eq!(words(" .;"), Vec::<&str>::new());
        let at = |text, part| alone(text, part).collect::<Vec<_>>();
        assert_eq!(at("row17 17 170 017 17세", "17"), [3, 6, 17]);
        assert_eq!(at("Kim, Kimchi", "Kim"), [0]);
        assert!(at("x", "").is_empty());
        assert_eq!(escaped("kim@a.example 김"), "kim%40a.example%20%EA%B9%80");
        let mut draw = Draw(3);
        assert_eq!(another(&mut draw, "1200").len(), 4);
        assert_eq!((another(&mut draw, "%41"), another(&mut draw, "張三")), (String::new(), String::new()));
        assert_ne!(another(&mut draw, "minsu17"), "minsu17");
    }
}
