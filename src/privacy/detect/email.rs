//! Mail addresses, and users and passwords of URLs.

use super::{Out, REACH};
use crate::privacy::finding::{Finding, Kind};

const LOCAL: usize = 64;
const DOMAIN: usize = 253;
/// Ends of file names that follow an `@` (`logo@2x.png`).
const FILES: &[&[u8]] = &[
    b"service", b"socket", b"timer", b"mount", b"target", b"slice", b"scope", b"device", b"png", b"jpg", b"jpeg",
    b"gif", b"svg", b"webp", b"css", b"js", b"mjs", b"ts", b"map", b"ico", b"avif",
];

/// Reads around the `@` at `at`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    if out.wants(&Kind::UrlCredentials)
        && let Some(start) = credentials(text, at)
    {
        out.push(Finding::new(Kind::UrlCredentials, start..at, 95));
        return at + 1;
    }
    let (Some(start), Some(end)) = (local(text, at), domain(text, at + 1)) else { return at + 1 };
    // A place to clone from.
    if &text[start..at] == b"git" && text.get(end) == Some(&b':') {
        return end;
    }
    if out.wants(&Kind::Email) {
        out.push(Finding::new(Kind::Email, start..end, 95));
        if start > 0 && text[start - 1] == b'(' {
            super::person::before_bracket(text, start, out);
        }
    }
    end
}

/// Where the local part begins: a dot-atom (RFC 5322, section 3.4.1) without the signs that part fields in logs and forms.
fn local(text: &[u8], at: usize) -> Option<usize> {
    let atom = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'~' | b'!' | b'#' | b'$' | b'*')
    };
    let before = &text[at.saturating_sub(LOCAL)..at];
    let length = before.iter().rev().take_while(|b| atom(b)).count();
    let part = &before[before.len() - length..];
    let skip = part.iter().take_while(|b| !b.is_ascii_alphanumeric() && **b != b'_').count();
    (skip < length && part.last() != Some(&b'.')).then_some(at - length + skip)
}

/// Where the domain ends: labels of letters, digits and hyphens, the last of letters.
fn domain(text: &[u8], start: usize) -> Option<usize> {
    let rest = &text[start..text.len().min(start + DOMAIN)];
    // Labels may be of any script, but the last: words of such are written on to addresses.
    let length =
        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-') || **b >= 0x80).count();
    let mut name = &rest[..length];
    loop {
        let dot = name.iter().rposition(|&b| b == b'.')?;
        let last = &name[dot + 1..];
        let top = last.len() >= 2
            && (last.iter().all(u8::is_ascii_alphabetic)
                || last.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"xn--")));
        if top && dot > 0 && name[0] != b'.' && !FILES.iter().any(|f| last.eq_ignore_ascii_case(f)) {
            return Some(start + name.len());
        }
        // `kim@example.com-` and `kim@example.com.`: punctuation that follows.
        let cut = last.iter().position(|b| !b.is_ascii_alphabetic());
        match cut {
            Some(n) if n >= 2 => name = &name[..=dot + n],
            _ => name = &name[..dot],
        }
    }
}

/// Where user and password begin, in `scheme://user:password@`.
fn credentials(text: &[u8], at: usize) -> Option<usize> {
    let before = &text[at.saturating_sub(REACH)..at];
    let slash = memchr::memmem::rfind(before, b"://")?;
    let inner = &before[slash + 3..];
    let legal = |b: &u8| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'@');
    (inner.contains(&b':') && inner.iter().all(legal)).then(|| at - inner.len())
}
