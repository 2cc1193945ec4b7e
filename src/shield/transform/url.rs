//! Percent-encoding.

use memchr::memchr2_iter;

use super::hex::{self, narrow, pair, quad};
use crate::shield::bytes::Bytes;

/// What is not left as it is by [`encode`].
pub(super) const ENCODED: Bytes = {
    let mut set = Bytes::NONE;
    let mut byte = 0u8;
    loop {
        if !byte.is_ascii_alphanumeric() && byte != b'*' {
            set = set.with(byte);
        }
        if byte == u8::MAX {
            break set;
        }
        byte += 1;
    }
};

/// `%HH` and `+`; an invalid escape is left.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) {
    walk(text, out, |rest| pair(rest).map(|byte| (byte, 2)));
}

/// The same, and `%uHHHH`.
pub(super) fn decode_unicode(text: &[u8], out: &mut Vec<u8>) {
    walk(text, out, |rest| match rest {
        [b'u' | b'U', digits @ ..] => quad(digits).map(|[high, low]| (narrow(high, low), 5)),
        _ => pair(rest).map(|byte| (byte, 2)),
    });
}

/// `escape` is handed what follows a `%`: what it stands for, and how long it is.
fn walk(text: &[u8], out: &mut Vec<u8>, escape: impl Fn(&[u8]) -> Option<(u8, usize)>) {
    out.reserve(text.len());
    let mut copied = 0;
    for at in memchr2_iter(b'%', b'+', text) {
        // An escape has neither in it.
        let (byte, used) = if text[at] == b'+' {
            (b' ', 0)
        } else if let Some(found) = escape(&text[at + 1..]) {
            found
        } else {
            continue;
        };
        out.extend_from_slice(&text[copied..at]);
        out.push(byte);
        copied = at + 1 + used;
    }
    out.extend_from_slice(&text[copied..]);
}

/// All but ASCII letters, digits and `*` as `%hh`, a blank as `+`.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b' ' => out.push(b'+'),
            _ if ENCODED.has(*byte) => {
                out.push(b'%');
                hex::write(*byte, out);
            }
            _ => out.push(*byte),
        }
    }
}
