//! Comments of C, HTML, SQL and shells.

use memchr::memmem;

/// Without comments of C and HTML, of which either's end ends either; one that does not end becomes a blank. `--` and `#` end the text.
pub(super) fn remove(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    loop {
        let inside = match rest {
            [] | [b'-', b'-', ..] | [b'#', ..] => return,
            [b'/', b'*', inside @ ..] | [b'<', b'!', b'-', b'-', inside @ ..] => inside,
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
                continue;
            }
        };
        let Some(after) = end(inside) else {
            out.push(b' ');
            return;
        };
        rest = after;
    }
}

/// What follows the comment that `inside` begins in.
fn end(inside: &[u8]) -> Option<&[u8]> {
    (0..inside.len()).find_map(|at| match &inside[at..] {
        [b'*', b'/', after @ ..] | [b'-', b'-', b'>', after @ ..] => Some(after),
        _ => None,
    })
}

/// Without the marks alone: what was between them stays.
pub(super) fn remove_marks(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return,
            [b'/', b'*', after @ ..] | [b'*', b'/', after @ ..] => after,
            [b'<', b'!', b'-', b'-', after @ ..] | [b'-', b'-', b'>', after @ ..] => after,
            [b'-', b'-', after @ ..] | [b'#', after @ ..] => after,
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
        };
    }
}

/// Each comment of C as a blank, one that does not end too.
pub(super) fn replace(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(start) = memmem::find(rest, b"/*") {
        out.extend_from_slice(&rest[..start]);
        out.push(b' ');
        let inside = &rest[start + 2..];
        rest = memmem::find(inside, b"*/").map_or(&[][..], |end| &inside[end + 2..]);
    }
    out.extend_from_slice(rest);
}
