//! Patterns of rules: written for PCRE, run in linear time over bytes.
//!
//! `@rx` is read as `ModSecurity` 2 does: a dot is any byte, `^` and `$` are the ends of the text. The few patterns that look around or back (in the Core
//! Rule Set 3.3: three) go to an engine that backtracks, within a bound.

use std::{
    fmt::Write as _,
    sync::{Mutex, OnceLock, PoisonError},
};

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look};

use super::literal::{self, Need};

/// Largest compiled pattern in bytes.
const SIZE: usize = 64 << 20;
/// Largest cache of an automaton that is made while it runs, in bytes.
const CACHE: usize = 256 << 10;
/// Most steps of a pattern that backtracks.
const STEPS: usize = 100_000;

/// A pattern.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    /// Any text matches, as a whole: `^.*$` is how rules go through all there is.
    All,
    /// Compiled when it is first needed: most never are.
    Linear(OnceLock<Option<Regex>>),
    /// Over bytes as the characters of the same numbers.
    Backtracking(Box<fancy_regex::Regex>),
}

/// What a search has found: `TX:0` to `TX:9`, as places in the text.
pub type Groups = [Option<(usize, usize)>; 10];

impl Pattern {
    /// Reads a pattern; with what a text must have to match it.
    ///
    /// # Errors
    /// What can't be read, without the pattern's place.
    pub fn read(pattern: &str) -> Result<(Self, Need), String> {
        let translated = translate(pattern);
        if translated.backtracks {
            let regex = fancy_regex::RegexBuilder::new(&format!("(?s){}", translated.text))
                .backtrack_limit(STEPS)
                .build()
                .map_err(|error| error.to_string())?;
            let pattern = Self { text: translated.text, engine: Engine::Backtracking(Box::new(regex)) };
            return Ok((pattern, Need::default()));
        }
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .nest_limit(1_000)
            .build()
            .parse(&translated.text)
            .map_err(|error| short(&error.to_string()))?;
        let need = literal::need(&hir);
        let engine = if is_all(&hir) { Engine::All } else { Engine::Linear(OnceLock::new()) };
        Ok((Self { text: translated.text, engine }, need))
    }

    /// As it is run.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may go over a text more than once: it looks around or back. It gives up after a number of steps.
    #[must_use]
    pub fn backtracks(&self) -> bool {
        matches!(self.engine, Engine::Backtracking(_))
    }

    /// Whether `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.engine {
            Engine::All => true,
            Engine::Linear(_) => self.linear().is_some_and(|regex| regex.is_match(text)),
            // A search that is given up counts as found: whoever makes it so has no plain text in mind.
            Engine::Backtracking(regex) => regex.is_match(&latin(text)).unwrap_or(true),
        }
    }

    /// Where `text` matches, and what its groups hold.
    #[must_use]
    pub fn groups(&self, text: &[u8]) -> Option<Groups> {
        let mut groups = Groups::default();
        match &self.engine {
            Engine::All => groups[0] = Some((0, text.len())),
            // Whether it matches is cheaper to tell than where.
            Engine::Linear(_) => return captured(self.linear().filter(|regex| regex.is_match(text))?, text),
            Engine::Backtracking(regex) => {
                let wide = latin(text);
                let narrow = |at: usize| wide[..at].chars().count();
                match regex.captures(&wide) {
                    Ok(found) => {
                        let found = found?;
                        for (at, group) in groups.iter_mut().enumerate() {
                            *group = found.get(at).map(|m| (narrow(m.start()), narrow(m.end())));
                        }
                    }
                    Err(_) => groups[0] = Some((0, text.len())),
                }
            }
        }
        Some(groups)
    }

    /// Compiles it now.
    ///
    /// # Errors
    /// When it is too large.
    pub fn compile(&self) -> Result<(), String> {
        match &self.engine {
            Engine::Linear(_) if self.linear().is_none() => Err(format!("it needs more than {SIZE} bytes compiled")),
            _ => Ok(()),
        }
    }

    fn linear(&self) -> Option<&Regex> {
        let Engine::Linear(cell) = &self.engine else { return None };
        cell.get_or_init(|| builder(&self.text).build().ok()).as_ref()
    }
}

/// Whether a pattern is the start of a text, any bytes, and its end.
fn is_all(hir: &Hir) -> bool {
    let HirKind::Concat(parts) = hir.kind() else { return false };
    let [start, any, end] = parts.as_slice() else { return false };
    let every = ClassBytes::new([ClassBytesRange::new(0, u8::MAX)]);
    let any = match any.kind() {
        HirKind::Repetition(repeated) => {
            repeated.min == 0 && repeated.max.is_none() && *repeated.sub.kind() == HirKind::Class(Class::Bytes(every))
        }
        _ => false,
    };
    any && *start.kind() == HirKind::Look(Look::Start) && *end.kind() == HirKind::Look(Look::End)
}

fn captured(regex: &Regex, text: &[u8]) -> Option<Groups> {
    let found = regex.captures(text)?;
    Some(std::array::from_fn(|at| found.get(at).map(|m| (m.start(), m.end()))))
}

/// A pattern with variables in it: compiled as they are filled in, and kept until they say something else, which they seldom do.
#[derive(Debug, Default)]
pub struct Unfilled(Mutex<Option<(Vec<u8>, Option<Regex>)>>);

impl Unfilled {
    /// Where `text` matches the pattern `filled`, and what its groups hold. What is no pattern matches nothing.
    #[must_use]
    pub fn groups(&self, filled: Vec<u8>, text: &[u8]) -> Option<Groups> {
        let regex = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, regex)) = last.as_ref().filter(|(pattern, _)| *pattern == filled) {
                regex.clone()
            } else {
                let regex = std::str::from_utf8(&filled).ok().and_then(|pattern| plain(pattern, false).ok());
                *last = Some((filled, regex.clone()));
                regex
            }
        };
        captured(&regex?, text)
    }
}

fn builder(text: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(false).dot_matches_new_line(true).size_limit(SIZE).dfa_size_limit(CACHE).nest_limit(1_000);
    builder
}

/// A pattern for names and the like, compiled at once.
///
/// # Errors
/// What can't be read.
pub fn plain(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    builder(&translate(pattern).text)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| short(&error.to_string()))
}

/// The last line of an error that draws the pattern: patterns are long.
fn short(error: &str) -> String {
    error.lines().last().unwrap_or(error).trim_start_matches("error: ").to_owned()
}

/// Each byte as the character of its number.
fn latin(text: &[u8]) -> String {
    text.iter().map(|byte| char::from(*byte)).collect()
}

struct Translated {
    text: String,
    backtracks: bool,
}

/// From PCRE's syntax to ours: brackets within a class are plain there, as are `&&`, `--` and `~~`, a brace that counts nothing, and escaped letters that mean nothing.
fn translate(pattern: &str) -> Translated {
    let chars: Vec<char> = pattern.chars().collect();
    let mut text = String::with_capacity(pattern.len() + 16);
    let (mut at, mut backtracks) = (0, false);
    while at < chars.len() {
        let rest = &chars[at..];
        match rest {
            ['\\', 'x', '{', ..] => at += number(&mut text, rest),
            ['\\', c, ..] => {
                backtracks |= matches!(c, '1'..='9' | 'k' | 'g');
                escape(&mut text, *c, false);
                at += 2;
            }
            ['(', '?', '>', ..] => {
                text.push_str("(?:");
                at += 3;
            }
            ['(', '?', '=' | '!', ..] | ['(', '?', '<', '=' | '!', ..] => {
                backtracks = true;
                text.push_str("(?");
                at += 2;
            }
            ['*' | '+' | '?' | '}', '+', ..] => {
                text.push(rest[0]);
                at += 2;
            }
            ['[', ..] => at += class(&mut text, rest),
            ['{', ..] if !counts(rest) => {
                text.push_str("\\{");
                at += 1;
            }
            ['}', ..] if !text_ends_count(&text) => {
                text.push_str("\\}");
                at += 1;
            }
            [c, ..] => {
                plain_char(&mut text, *c);
                at += 1;
            }
            [] => {}
        }
    }
    Translated { text, backtracks }
}

/// `\c`; letters that mean nothing are themselves, as PCRE has it.
fn escape(text: &mut String, c: char, in_class: bool) {
    match c {
        'e' => text.push_str("\\x1b"),
        'h' if in_class => text.push_str(" \\t"),
        'h' => text.push_str("[ \\t]"),
        'R' => text.push_str("(?:\\r\\n|[\\n-\\r])"),
        'Z' => text.push_str("\\z"),
        'b' if in_class => text.push_str("\\x08"),
        'i' | 'j' | 'l' | 'm' | 'o' | 'q' | 'y' => text.push(c),
        '/' | '\'' | '"' | '<' | '>' | '=' | '!' | ',' | ':' | ';' | '@' | '`' | '_' | ' ' => text.push(c),
        c => {
            text.push('\\');
            text.push(c);
        }
    }
}

/// Whether a brace counts: `{2}`, `{2,}`, `{2,3}`.
fn counts(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|c| *c == '}') else { return false };
    let inner = &rest[1..end];
    inner.first().is_some_and(char::is_ascii_digit)
        && inner.iter().all(|c| c.is_ascii_digit() || *c == ',')
        && inner.iter().filter(|c| **c == ',').count() <= 1
}

/// Whether what was written so far is a count, or a number in braces, that lacks its end.
fn text_ends_count(text: &str) -> bool {
    let Some((before, inner)) = text.rsplit_once('{') else { return false };
    let escaped = before.ends_with('\\') && !before.ends_with("\\\\");
    !escaped && inner.chars().all(|c| c.is_ascii_hexdigit() || c == ',')
}

/// A class in brackets; returns how long it is.
fn class(text: &mut String, rest: &[char]) -> usize {
    let mut at = 1;
    text.push('[');
    if rest.get(at) == Some(&'^') {
        text.push('^');
        at += 1;
    }
    if rest.get(at) == Some(&']') {
        text.push_str("\\]");
        at += 1;
    }
    while at < rest.len() {
        match &rest[at..] {
            [']', ..] => {
                text.push(']');
                return at + 1;
            }
            ['\\', 'x', '{', ..] => at += number(text, &rest[at..]),
            ['\\', c, ..] => {
                escape(text, *c, true);
                at += 2;
            }
            ['[', ':', ..] if named(&rest[at..]).is_some() => {
                let length = named(&rest[at..]).unwrap_or_default();
                text.extend(&rest[at..at + length]);
                at += length;
            }
            ['[', ..] => {
                text.push_str("\\[");
                at += 1;
            }
            ['&', '&', ..] | ['~', '~', ..] => {
                text.push('\\');
                text.push(rest[at]);
                at += 1;
            }
            ['-', '-', ..] => {
                text.push_str("\\-");
                at += 1;
            }
            [c, ..] => {
                plain_char(text, *c);
                at += 1;
            }
            [] => {}
        }
    }
    at
}

/// How long the name of a class, `[:alpha:]`, is.
fn named(rest: &[char]) -> Option<usize> {
    rest.windows(2).position(|pair| pair == [':', ']']).map(|end| end + 2)
}

/// `\x{ff}`: the byte of that number; returns how long it is.
fn number(text: &mut String, rest: &[char]) -> usize {
    let digits: String = rest[3..].iter().take_while(|c| c.is_ascii_hexdigit()).collect();
    match u8::from_str_radix(&digits, 16) {
        Ok(byte) if rest.get(3 + digits.len()) == Some(&'}') => {
            push_byte(text, byte);
            4 + digits.len()
        }
        // Left as it is, for the reader to refuse.
        _ => {
            text.push_str("\\x{");
            3
        }
    }
}

fn push_byte(text: &mut String, byte: u8) {
    // Writing to a text can't fail.
    let _ = write!(text, "\\x{byte:02x}");
}

/// A character beyond ASCII is its bytes: side by side, or each by itself in a class.
fn plain_char(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c);
    } else {
        c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(text, byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &[u8]) -> bool {
        Pattern::read(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).0.is_match(text)
    }

    #[test]
    fn what_pcre_takes_is_taken() {
        assert!(matches(r"[[\]{]x", b"[x") && matches(r"[]a]+", b"]a") && matches(r"[a&&b]", b"&"));
        assert!(matches(r"{x}", b"{x}") && matches(r"a{2,3}", b"aa") && matches(r"a{,3}", b"a{,3}"));
        assert!(matches(r"\x{ff}\xfe", b"\xff\xfe") && matches(r"[\x80-\x{ff}]", b"\x90"));
        assert!(matches("\u{e9}x", b"\xc3\xa9x") && matches("[\u{e9}]", b"\xa9"));
        assert!(matches(r"a++b*+c", b"aabc") && matches(r"(?>ab|a)c", b"abc") && matches(r"\/\'\#\!", b"/'#!"));
        assert!(matches(r"[[:alnum:]_]+\z", b"a_1") && matches(r"a.b", b"a\nb") && !matches(r"^b", b"a\nb"));
        assert!(matches(r"[\w\-/+.]", b"-") && matches(r"[!--]", b"-") && matches(r"[[:space:]\b]", b"\x08"));
        assert!(matches(r"[^\(\!\<\>\~\=]", b"x") && !matches(r"[^\(\!\<\>\~\=]", b"(!<>~="));
    }

    #[test]
    fn what_looks_around_is_matched_within_a_bound() {
        assert!(matches(r"<\?(?!xml)", b"<?php") && !matches(r"<\?(?!xml)", b"<?xml"));
        assert!(matches(r"(\w)\1", b"\xffaa"));
        assert_eq!(
            Pattern::read(r"(\xff)(?=a)").expect("read").0.groups(b"\xe9\xffa").expect("found")[1],
            Some((1, 2))
        );
        assert!(matches(r"(a+)+(?=b)c", &b"a".repeat(5_000)), "given up, so found");
    }

    #[test]
    fn all_there_is_matches_as_a_whole() {
        let all = Pattern::read("^.*$").expect("read").0;
        assert!(matches!(all.engine, Engine::All) && all.groups(b"a\n\xff").expect("found")[0] == Some((0, 3)));
        let less = ["^.+$", "^.*", "^[^a]*$", ".*$", "^.{0,9}$"].map(|pattern| Pattern::read(pattern).expect("read").0);
        assert!(less.iter().all(|pattern| matches!(pattern.engine, Engine::Linear(_))));
    }

    #[test]
    fn groups_are_places() {
        let groups = Pattern::read("(a)(x)?(b)").expect("read").0.groups(b"zab").expect("found");
        assert_eq!((groups[0], groups[1], groups[2], groups[3]), (Some((1, 3)), Some((1, 2)), None, Some((2, 3))));
    }

    #[test]
    fn variables_are_filled_in_anew() {
        let unfilled = Unfilled::default();
        assert!(unfilled.groups(b"^(?:a|b)$".to_vec(), b"b").is_some());
        assert!(unfilled.groups(b"^(?:a|c)$".to_vec(), b"b").is_none());
        assert!(unfilled.groups(b"(".to_vec(), b"(").is_none() && unfilled.groups(b"\xff".to_vec(), b"").is_none());
    }

    #[test]
    fn what_can_not_be_read_is_told_shortly() {
        let error = Pattern::read("(a").expect_err("open");
        assert!(error.contains("unclosed group") && !error.contains('\n'), "{error}");
    }
}
