//! UTF-8 in ASCII.

use std::io::Write as _;

/// Each sequence of two to four bytes as `%uhhhh`, with more digits where it needs them. One that is longer than it need be, or a
/// surrogate, has its first byte behind it; the first byte of one that is cut is dropped; a byte that can't be in UTF-8 is left.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let (length, bits, least) = match first {
            0xc0..=0xdf => (1, first & 0x1f, 0x80),
            0xe0..=0xef => (2, first & 0x0f, 0x800),
            0xf0..=0xf7 => (3, first & 0x07, 0x1_0000),
            _ => {
                out.push(*first);
                continue;
            }
        };
        if *first >= 0xf5 {
            out.push(*first);
        }
        let Some((tail, after)) = after.split_at_checked(length) else { continue };
        if tail.iter().any(|byte| byte & 0xc0 != 0x80) {
            continue;
        }
        rest = after;
        let code = tail.iter().fold(u32::from(bits), |code, byte| code << 6 | u32::from(byte & 0x3f));
        // A vector takes all that is written.
        let _ = write!(out, "%u{code:04x}");
        if code < least || (0xd800..=0xdfff).contains(&code) {
            out.push(*first);
        }
    }
}
