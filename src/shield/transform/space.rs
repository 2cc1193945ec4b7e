//! White space.

use crate::shield::bytes::Bytes;

/// What C's `isspace` takes for white space.
pub(super) const WHITE: Bytes = Bytes::of(b" \t\n\x0b\x0c\r");
/// The no-break space of Latin-1.
pub(super) const NO_BREAK: u8 = 0xa0;

/// Whether it is white space.
pub(super) const fn white(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// What is white space in a row as one blank.
pub(super) fn compress(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut before = false;
    for byte in text {
        let now = white(*byte);
        if !now {
            out.push(*byte);
        } else if !before {
            out.push(b' ');
        }
        before = now;
    }
}

/// What [`remove`] drops: the no-break space of Latin-1, and both bytes that it has in UTF-8, wherever they are.
pub(super) const REMOVED: Bytes = WHITE.with(NO_BREAK).with(0xc2);

/// Without white space.
pub(super) fn remove(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().filter(|byte| !REMOVED.has(**byte)));
}

/// Without `\ " ' ^`; blanks, commas and semicolons in a row are one blank, and none before `/` and `(`; lower case.
pub(super) fn command_line(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut blank = false;
    for byte in text {
        match byte {
            b'\\' | b'"' | b'\'' | b'^' => {}
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' => {
                if !blank {
                    out.push(b' ');
                }
                blank = true;
            }
            other => {
                if blank && matches!(other, b'/' | b'(') {
                    out.pop();
                }
                blank = false;
                out.push(other.to_ascii_lowercase());
            }
        }
    }
}

/// Without what is white at its start.
pub(super) fn trim_left(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !white(*byte)).unwrap_or(text.len());
    &text[start..]
}

/// Without what is white at its end.
pub(super) fn trim_right(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !white(*byte)).map_or(0, |last| last + 1);
    &text[..end]
}
