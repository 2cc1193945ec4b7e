//! The loop that decoders share.

use memchr::memchr;

/// Copies `text`, but wherever `mark` is, hands what follows it to `decode`, which appends what that stands for and says how many
/// bytes after the mark it was; of nothing that it knows, `None`: the mark is copied.
pub(super) fn replace(text: &[u8], mark: u8, out: &mut Vec<u8>, decode: impl Fn(&[u8], &mut Vec<u8>) -> Option<usize>) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = memchr(mark, rest) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        rest = &after[1..];
        match decode(rest, out) {
            Some(used) => rest = rest.get(used..).unwrap_or_default(),
            None => out.push(mark),
        }
    }
    out.extend_from_slice(rest);
}
