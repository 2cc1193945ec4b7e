//! Digits that are told by the bytes around them, without asking any scheme: most of those in logs.

use std::ops::Range;

use super::{Out, cluster, near::Topics, network, number};
use crate::privacy::context::{Context, machine_field};

/// Where reading goes on behind the `run` digits at `at`, where nothing more need be asked about them.
pub(super) fn pass(text: &[u8], at: usize, run: usize, out: &mut Out<'_>) -> Option<usize> {
    let after = at + run;
    let next = text.get(after).copied().unwrap_or(b'\n');
    // Behind a word of another script it may be of an address.
    if matches!(text[..at], [.., 0x80..=0xFF, b' '] | [.., 0x80..=0xFF]) {
        return None;
    }
    match (run, next) {
        (2, b':') => clock(text, at).or(Some(after)),
        (1..=12, b'.') => dotted(text, at, run, out),
        (2, b'/') if at > 0 && text[at - 1] == b'[' => common_time(text, at),
        (3, b' ') if at > 1 && text[at - 2..at] == *b"\" " && status(text, after).is_some() => status(text, after),
        (4, b'-') => timestamp(text, at),
        (1..=3, b' ') => {
            let second = text.get(after + 1).copied().unwrap_or(b'\n');
            let month = second.is_ascii_alphabetic() && run < 3 && number::is_month(&text[after + 1..]);
            // A year may follow the day, a syllable of a plate the number.
            let joins = second >= 0x80 || month || cluster::joins(text, after);
            (!joins).then_some(after)
        }
        (1..=3, b',') => (run == 3 || text.get(after + 1) != Some(&b' ')).then_some(after),
        (1..=3, b')') => (!cluster::joins(text, after)).then_some(after),
        (
            1..=3,
            b'_' | b'"' | b'\'' | b'}' | b']' | b'&' | b';' | b'\n' | b'\r' | b':' | b'|' | b'?' | b'<' | b'%' | b'=',
        ) => Some(after),
        // A field that a machine counts in: its name is all that counts, and it is none of a person's numbers.
        (4..=19, b'"' | b',' | b'}' | b']' | b'&' | b'\n' | b';') if is_counted(text, at) => Some(after),
        (4.., b) if b < 0x80 && !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'*' | b'_') => {
            bare(text, at..after, out)
        }
        _ => None,
    }
}

/// Whether the number at `at` is the value of a field that a machine counts in, or measures, rather than its id.
fn is_counted(text: &[u8], at: usize) -> bool {
    machine_field(text, at).is_some_and(|field| !text[field..at].windows(2).any(|w| w.eq_ignore_ascii_case(b"id")))
}

/// A number by itself that no scheme knows without a word beside it, where there is none.
fn bare(text: &[u8], span: Range<usize>, out: &mut Out<'_>) -> Option<usize> {
    let prefix = match span.len() {
        4..=9 | 14 | 16 | 19.. => false,
        10..=12 => text[span.start] == b'0',
        _ => true,
    };
    let plus = span.start.checked_sub(1).is_some_and(|i| matches!(text[i], b'+' | b'('));
    if prefix || plus || cluster::joins(text, span.end) {
        return None;
    }
    let topics = out.topics(&span);
    if topics.is_empty() {
        return Some(span.end);
    }
    // What other words speak of is nobody's.
    if topics.is_within(Topics::OTHER) && out.threshold > number::WITHOUT_WORD {
        return Some(span.end.max(out.last_end()));
    }
    Context::around(text, span.clone()).is_empty().then_some(span.end)
}

fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether `text` at `at` has the shape: `9` a digit, `A` a letter, `~` anything, and signs as they are.
fn has_shape(text: &[u8], at: usize, shape: &[u8]) -> bool {
    text.get(at..at + shape.len()).is_some_and(|part| {
        part.iter().zip(shape).all(|(b, s)| match s {
            b'9' => b.is_ascii_digit(),
            b'A' => b.is_ascii_alphabetic(),
            b'~' => true,
            sign => b == sign,
        })
    })
}

fn digits(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count()
}

/// `10:00`, `10:00:00`, `10:00:00.123`: where it ends; not the beginning of an IPv6 address.
fn clock(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 5;
    if !has_shape(text, at, b"99:99") {
        return None;
    }
    if has_shape(text, end, b":99") {
        end += 3;
        if matches!(text.get(end), Some(b'.' | b',')) && is_digit(text, end + 1) {
            end += 1 + digits(text, end + 1);
        }
    }
    let goes_on = text.get(end).is_some_and(|b| b.is_ascii_hexdigit() || *b == b':');
    (!goes_on).then_some(end)
}

/// `2026-11-24T10:00:00.123+09:00` (RFC 3339): where it ends. A date alone may be someone's birth.
fn timestamp(text: &[u8], at: usize) -> Option<usize> {
    if !has_shape(text, at, b"9999-99-99~99:99") || !matches!(text[at + 10], b'T' | b' ' | b't' | b'_') {
        return None;
    }
    let mut end = clock(text, at + 11)?;
    if has_shape(text, end, b"+99") || has_shape(text, end, b"-99") {
        end += 3;
        end += usize::from(text.get(end) == Some(&b':'));
        end += digits(text, end).min(2);
    }
    Some(end)
}

/// `24/Nov/2026:10:00:00 +0000` as httpd logs it: where it ends.
fn common_time(text: &[u8], at: usize) -> Option<usize> {
    let shape = b"99/AAA/9999:99:99:99";
    has_shape(text, at, shape).then(|| {
        let end = at + shape.len();
        if has_shape(text, end, b" +9999") || has_shape(text, end, b" -9999") { end + 6 } else { end }
    })
}

/// Status and size behind a request in quotes, the status of which ends at `end`.
fn status(text: &[u8], end: usize) -> Option<usize> {
    let size = digits(text, end + 1);
    let after = end + 1 + size;
    (size > 0 && size < 13 && matches!(text.get(after..after + 2), Some([b' ', b'"' | b'-'] | [b'\n', _]))
        || size > 0 && after == text.len())
    .then_some(after)
}

/// Decimals, versions, and IPv4 addresses.
fn dotted(text: &[u8], at: usize, run: usize, out: &mut Out<'_>) -> Option<usize> {
    let mut pos = at;
    let mut groups = 0;
    let mut longest = 0;
    loop {
        let length = digits(text, pos);
        groups += 1;
        longest = longest.max(length);
        pos += length;
        if text.get(pos) != Some(&b'.') || !is_digit(text, pos + 1) {
            break;
        }
        pos += 1;
    }
    let next = text.get(pos).copied().unwrap_or(b'\n');
    let product = at > 1 && text[at - 1] == b'/' && text[at - 2].is_ascii_alphanumeric();
    let joins = next.is_ascii_alphanumeric() || matches!(next, b'-' | b'/' | b'*' | b'_') || cluster::joins(text, pos);
    match groups {
        // Nobody's number is written so but with a word beside it, and then with no three behind the dot.
        2 if !joins && (run < 4 || longest == run && pos - at < run + 5) => Some(pos),
        3 | 4 if run < 4 && product && next != b':' && text[at] != b'0' => Some(pos),
        4 if longest <= 3 && !joins => network::plain_ipv4(text, at..pos, out).then_some(pos),
        _ => None,
    }
}
