//! PEM private keys (RFC 7468).

use super::Out;
use crate::privacy::finding::{Finding, Kind};

/// Reads the boundary that begins at `at`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let dashes = text[at..].iter().take_while(|b| **b == b'-').count();
    let after = at + dashes;
    if dashes != 5 || !text[after..].starts_with(b"BEGIN ") {
        return after;
    }
    let line = &text[after..text.len().min(after + 60)];
    let Some(label) = memchr::memmem::find(line, b"PRIVATE KEY-----") else { return after };
    if !out.wants(&Kind::PrivateKey) {
        return after;
    }
    let body = after + label + 16;
    let close = memchr::memmem::find(&text[body..], b"-----END ").map(|n| body + n);
    let end = close.map(|n| memchr::memmem::find(&text[n + 9..], b"-----").map_or(text.len(), |m| n + 9 + m + 5));
    out.push(Finding { open: end.is_none(), ..Finding::new(Kind::PrivateKey, at..end.unwrap_or(text.len()), 99) });
    end.unwrap_or(text.len())
}
